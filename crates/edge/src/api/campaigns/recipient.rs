//! The people of a campaign, each with where they stand in it.

use axum::Json;
use axum::response::Response;
use clarion_domain::audit::event::Act;
use clarion_domain::intake::csv_text;
use clarion_store::attempts::CallRow;
use clarion_store::campaigns::{RecipientFilter, RecipientRow, RecipientState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::{csv, made};
use crate::api::body::{Body, Id, Query};
use crate::api::caller::{Caller, Shown};
use crate::api::contacts::contact::RevealQuery;
use crate::api::contacts::list::List;
use crate::api::links::report::Clicks;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{AttemptId, CampaignId, ContactId, Disposition, Time};
use crate::campaigns::calls::call_columns;

/// A recipient.
#[derive(Serialize, ToSchema)]
pub struct Recipient {
    /// Its place in the audience, from 0.
    position: i64,
    contact: ContactId,
    /// E.164, masked unless revealed; empty when the person was erased.
    number: String,
    /// Your own reference of the person, masked unless revealed; empty when they have none.
    reference: String,
    standing: Standing,
    /// At which step of the campaign they stand, from 1 on.
    step: i64,
    /// Why it is over for them, as in the campaign's steps: `completed`, `reply`, `told:paid` … Null while it is not; of a campaign of one step
    /// only when they were stopped.
    ended: Option<String>,
    /// What became of the last message's short links; null for one without.
    clicks: Option<Clicks>,
    /// How the last attempt went, when it was a call; null for a message.
    call: Option<CallLengths>,
}

/// Who answered a call, and how long it took.
#[derive(Serialize, ToSchema)]
pub struct CallLengths {
    /// `human`, `machine`, `voicemail_ready`, `fax`, `announcement`, `busy_tone`, `silence` or `unsure`; empty where nobody answered or nobody listened.
    answered_by: String,
    /// For how long it rang, whether or not it was answered. Null when it did not ring.
    ring_ms: Option<i64>,
    /// From the answer to the end. Null while it is up, and where its end was lost with the node that held it.
    call_ms: Option<i64>,
    /// With an agent.
    talk_ms: Option<i64>,
}

impl From<&CallRow> for CallLengths {
    fn from(call: &CallRow) -> Self {
        Self { answered_by: call.verdict.clone(), ring_ms: call.rang_ms(), call_ms: call.lasted_ms(), talk_ms: call.talked_ms() }
    }
}

/// Where a recipient stands.
#[derive(Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Not asked about yet.
    Waiting,
    /// The rules put them off.
    Deferred { until: Time, rules: Vec<String> },
    /// Another attempt is planned: after a failure, or because the wire was busy.
    Due { at: Time, why: String },
    /// The rules refused them.
    Refused { rules: Vec<String>, rule_pack: String },
    /// Claimed, and no answer of the carrier yet.
    InFlight,
    /// Stopped before anything went to them.
    Stopped,
    /// How the last attempt stands.
    Attempted { attempt: AttemptId, disposition: Disposition, cause: String, try_number: i64, at: Time },
}

impl From<RecipientState> for Standing {
    fn from(state: RecipientState) -> Self {
        match state {
            RecipientState::Waiting => Self::Waiting,
            RecipientState::Deferred { until, rules } => Self::Deferred { until: until.into(), rules },
            RecipientState::Due { at, why } => Self::Due { at: at.into(), why },
            RecipientState::Refused { rules, rule_pack } => Self::Refused { rules, rule_pack },
            RecipientState::InFlight => Self::InFlight,
            RecipientState::Stopped => Self::Stopped,
            RecipientState::Attempted { attempt, disposition, cause, try_number, at } => {
                Self::Attempted { attempt: attempt.into(), disposition: disposition.into(), cause, try_number, at: at.into() }
            }
        }
    }
}

/// What narrows the listing: where recipients stand, or how their last attempt ended.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Waiting,
    /// Deferred by the rules, or due for another attempt.
    Due,
    Refused,
    InFlight,
    /// The campaign ended for them before its last step.
    Stopped,
    Accepted,
    Delivered,
    Expired,
    Undeliverable,
    InvalidNumber,
    Blocked,
    Rejected,
    NoRoute,
    Unknown,
    AnsweredPerson,
    PutThrough,
    Abandoned,
    OptedOut,
    AnsweredMachine,
    VoicemailLeft,
    AnsweredFax,
    Busy,
    NoAnswer,
    Congestion,
    Cancelled,
    Failed,
}

impl From<Outcome> for RecipientFilter {
    fn from(outcome: Outcome) -> Self {
        use clarion_domain::outcomes::disposition::Disposition as D;
        match outcome {
            Outcome::Waiting => Self::Waiting,
            Outcome::Due => Self::Due,
            Outcome::Refused => Self::Refused,
            Outcome::InFlight => Self::InFlight,
            Outcome::Stopped => Self::Stopped,
            Outcome::Accepted => Self::Disposition(D::Accepted),
            Outcome::Delivered => Self::Disposition(D::Delivered),
            Outcome::Expired => Self::Disposition(D::Expired),
            Outcome::Undeliverable => Self::Disposition(D::Undeliverable),
            Outcome::InvalidNumber => Self::Disposition(D::InvalidNumber),
            Outcome::Blocked => Self::Disposition(D::Blocked),
            Outcome::Rejected => Self::Disposition(D::Rejected),
            Outcome::NoRoute => Self::Disposition(D::NoRoute),
            Outcome::Unknown => Self::Disposition(D::Unknown),
            Outcome::AnsweredPerson => Self::Disposition(D::AnsweredPerson),
            Outcome::PutThrough => Self::Disposition(D::PutThrough),
            Outcome::Abandoned => Self::Disposition(D::Abandoned),
            Outcome::OptedOut => Self::Disposition(D::OptedOut),
            Outcome::AnsweredMachine => Self::Disposition(D::AnsweredMachine),
            Outcome::VoicemailLeft => Self::Disposition(D::VoicemailLeft),
            Outcome::AnsweredFax => Self::Disposition(D::AnsweredFax),
            Outcome::Busy => Self::Disposition(D::Busy),
            Outcome::NoAnswer => Self::Disposition(D::NoAnswer),
            Outcome::Congestion => Self::Disposition(D::Congestion),
            Outcome::Cancelled => Self::Disposition(D::Cancelled),
            Outcome::Failed => Self::Disposition(D::Failed),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecipientQuery {
    /// Only recipients with this outcome.
    outcome: Option<Outcome>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    reveal: Option<bool>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// The recipients, in the order of the audience
#[utoipa::path(get, path = "/campaigns/{campaign}/recipients", tag = "campaigns", params(("campaign" = CampaignId, Path), RecipientQuery), responses((status = 200, body = Listing<Recipient>)))]
pub async fn list(caller: Caller, Id(id): Id<CampaignId>, Query(query): Query<RecipientQuery>) -> Result<Json<Listing<Recipient>>, Problem> {
    let filter = query.outcome.map_or(RecipientFilter::Every, Into::into);
    let page = caller.tenant.recipients(id.0, filter, query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    let shown = caller.shown(query.reveal, "campaign", id.0.0).await?;
    Ok(Listing::of(page, |row| Recipient { position: row.position, contact: row.contact_id.into(), number: shown.of(&row.number), reference: shown.of(&row.reference), call: row.call.as_ref().map(CallLengths::from), step: row.step, ended: row.ended.as_ref().map(ToString::to_string), clicks: row.clicks.map(Clicks::from), standing: row.state.into() }))
}

/// Whom to put on a new list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Arrears, November: not reached", "outcomes": ["no_answer", "busy"]}))]
pub struct NewListOfRecipients {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Recipients with any of these outcomes.
    #[schema(min_items = 1, max_items = 30)]
    outcomes: Vec<Outcome>,
}

/// Make a list of recipients, by their outcomes
///
/// For another campaign that tries those who were not reached. Nobody is contacted by it. Erased people are left out.
#[utoipa::path(post, path = "/campaigns/{campaign}/recipients/list", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = NewListOfRecipients, responses((status = 201, body = List)))]
pub async fn relist(caller: Caller, Id(id): Id<CampaignId>, Body(new): Body<NewListOfRecipients>) -> Result<Response, Problem> {
    let standings: Vec<RecipientFilter> = new.outcomes.into_iter().map(Into::into).collect();
    let (list, _) = caller.tenant.list_recipients(id.0, &standings, &new.name, caller.now).await?;
    Ok(made(format!("/lists/{list}"), List::from(caller.tenant.list(list).await?)))
}

const CSV_HEADER: &str = "position,contact,number,state,disposition,cause,rules,try,at,step,ended,clicks,reference,answered_by,ring_seconds,call_seconds,talk_seconds\r\n";
const CSV_LINES: i64 = 500;

/// Every recipient with the result, as CSV
///
/// Columns: position, contact, number, state, disposition, cause, rules, try, at, step, ended, clicks, reference, answered_by, ring_seconds,
/// call_seconds, talk_seconds. The last four are of a call and empty otherwise; numbers and references are masked unless revealed.
#[utoipa::path(get, path = "/campaigns/{campaign}/results.csv", tag = "campaigns", params(("campaign" = CampaignId, Path), RevealQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn results(caller: Caller, Id(id): Id<CampaignId>, Query(query): Query<RevealQuery>) -> Result<Response, Problem> {
    caller.tenant.campaign(id.0).await?;
    let shown = caller.shown(query.reveal, "campaign", id.0.0).await?;
    caller.tenant.audit_alone(caller.now, Act::Exported, "campaign", id.0.0, "results").await?;
    let tenant = caller.tenant;
    Ok(csv(&format!("results-{}.csv", id.0), move |after: Option<i64>| {
        let tenant = tenant.clone();
        async move {
            let page = tenant.recipients(id.0, RecipientFilter::Every, after, CSV_LINES).await?;
            let mut text = if after.is_none() { CSV_HEADER.to_owned() } else { String::new() };
            page.rows.iter().for_each(|row| text.push_str(&csv_line(row, shown)));
            Ok((text, page.next))
        }
    }))
}

fn csv_line(row: &RecipientRow, shown: Shown) -> String {
    let (state, disposition, cause, rules, tried, at) = match &row.state {
        RecipientState::Waiting => ("waiting", "", "", String::new(), 0, None),
        RecipientState::Deferred { until, rules } => ("deferred", "", "", rules.join(" "), 0, Some(until)),
        RecipientState::Due { at, why } => ("due", "", why.as_str(), String::new(), 0, Some(at)),
        RecipientState::Refused { rules, .. } => ("refused", "", "", rules.join(" "), 0, None),
        RecipientState::InFlight => ("in_flight", "", "", String::new(), 0, None),
        RecipientState::Stopped => ("stopped", "", "", String::new(), 0, None),
        RecipientState::Attempted { disposition, cause, try_number, at, .. } => ("attempted", disposition.as_str(), cause.as_str(), String::new(), *try_number, Some(at)),
    };
    let at = at.map_or(String::new(), |at| at.rfc3339());
    // A number is a sign and digits: as a formula it is itself, and with an apostrophe before it no program would take it back.
    let (number, reference) = (shown.of(&row.number), csv_text::field(&shown.of(&row.reference)).into_owned());
    let clicks = row.clicks.as_ref().map_or(String::new(), |clicks| clicks.clicks.to_string());
    format!("{},{},{number},{state},{disposition},{},{},{tried},{at},{},{},{clicks},{reference},{}\r\n", row.position, row.contact_id, csv_text::field(cause), csv_text::field(&rules), row.step, row.ended.as_ref().map_or_else(String::new, ToString::to_string), call_columns(row.call.as_ref()))
}
