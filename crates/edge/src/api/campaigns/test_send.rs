//! A test: the campaign's text sent to one number of the user's own, or a call there with its script.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::template::{Template, TemplateWarning};
use clarion_domain::id;
use clarion_domain::personal::Personal;
use clarion_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, Disposition, NoticeId, NoticeState};

/// Where to send the test.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "07700 900123"}))]
pub struct TestSend {
    /// A number of your own, as people write it.
    #[schema(min_length = 1, max_length = 100)]
    number: String,
    /// Of a call: ring an agent where the script puts through. Without it, the information message plays in their place.
    #[serde(default)]
    agents: bool,
}

/// How a test call went.
#[derive(Serialize, ToSchema)]
pub struct TestCall {
    disposition: Disposition,
    /// From dialling to the answer; null when nobody answered.
    answered_after_ms: Option<u64>,
    /// From the answer to the end.
    lasted_ms: u64,
    /// The script's steps in their order, by name.
    steps: Vec<String>,
    /// Keys in the order in which they were pressed.
    keys: String,
    /// The group of transfer targets that was asked for. Where no agent was put through, the information message played instead.
    asked_for: Option<String>,
    /// The test was one that rings agents.
    rings_agents: bool,
    /// An agent was on the line.
    put_through: bool,
    /// The caller ID that the phone was shown.
    shown: String,
    /// The key for no more calls was pressed. A test suppresses nobody.
    opted_out: bool,
}

impl From<clarion_domain::attempts::test_call::TestCall> for TestCall {
    fn from(call: clarion_domain::attempts::test_call::TestCall) -> Self {
        let clarion_domain::attempts::test_call::TestCall { disposition, answered_after_ms, lasted_ms, steps, keys, asked_for, rings_agents, put_through, shown, opted_out } = call;
        Self { disposition: disposition.into(), answered_after_ms, lasted_ms, steps, keys, asked_for, rings_agents, put_through, shown, opted_out }
    }
}

/// How a message or a call outside an audience stands.
#[derive(Serialize, ToSchema)]
pub struct Notice {
    id: NoticeId,
    state: NoticeState,
    /// Why it failed or was refused; empty otherwise.
    cause: String,
    /// How a test call went; null before it is over, and for a message.
    call: Option<TestCall>,
}

async fn show(caller: &Caller, id: i64) -> Result<Notice, Problem> {
    let (state, cause) = caller.tenant.notice_state(id).await?;
    let call = match caller.tenant.test_call(id).await {
        Ok(test) => test.outcome.map(Into::into),
        // A message.
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Notice { id: id::NoticeId(id).into(), state: state.into(), cause, call })
}

/// Try a campaign on a number of your own
///
/// A campaign of messages sends its text there; one of calls calls it with its script, rings an agent only when that is asked for,
/// suppresses nobody and counts in no report. Fields are filled with their fallbacks, or with their names in brackets when they have none. The message goes
/// through the suppression list like every other.
#[utoipa::path(post, path = "/campaigns/{campaign}/test-sends", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = TestSend, responses((status = 202, body = Notice)))]
pub async fn send(caller: Caller, Id(id): Id<CampaignId>, Body(test): Body<TestSend>) -> Result<Response, Problem> {
    let campaign = caller.tenant.campaign(id.0).await?;
    let wrong = || Problem::invalid_field("number", "this is no phone number: write it with its country code, such as +44 7700 900123");
    let number = caller.tenant.read_number(&test.number).await?.ok_or_else(wrong)?;
    if campaign.channel == Channel::Voice {
        let notice = caller.tenant.queue_test_call(id.0, Personal::new(number), test.agents, caller.now).await?;
        return accepted(&caller, notice).await;
    }
    if test.agents {
        return Err(Problem::invalid_field("agents", "this campaign sends texts: there is nobody to be put through to"));
    }
    let template = caller.tenant.parse_template(&campaign.body).await?;
    // A field without a fallback is named in the test, so that the reader sees where it will stand.
    let shown: Vec<(String, String)> = template.warnings().iter().map(|TemplateWarning::NoFallback { field }| (field.clone(), bare(&template, field))).collect();
    // A test is of nobody: its short links lead to a page that says so.
    let link = caller.tenant.link_sample().await?;
    let value = |name: &str| shown.iter().find(|(field, _)| field == name).map(|(_, shown)| shown.as_str());
    let text = template.render_links(value, |_, target| link.clone().unwrap_or(target));
    let text = text.map_err(|error| Problem::invalid(error.to_string()))?;
    let notice = caller.tenant.queue_test_send(id.0, Personal::new(number), Personal::new(text), &campaign.sender, caller.now).await?;
    accepted(&caller, notice).await
}

/// What stands for a field that has no fallback: a link needs something that is one.
fn bare(template: &Template, field: &str) -> String {
    if template.holds_links(field) { "https://example.com/".to_owned() } else { format!("[{field}]") }
}

async fn accepted(caller: &Caller, notice: i64) -> Result<Response, Problem> {
    let address = format!("/api/v1/notices/{}", id::NoticeId(notice));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, address)], Json(show(caller, notice).await?)).into_response())
}

/// How a test send stands
#[utoipa::path(get, path = "/notices/{notice}", tag = "campaigns", params(("notice" = NoticeId, Path)), responses((status = 200, body = Notice)))]
pub async fn get(caller: Caller, Id(id): Id<NoticeId>) -> Result<Json<Notice>, Problem> {
    Ok(Json(show(&caller, id.0.0).await?))
}
