//! Campaigns: made, copied, edited, read, counted.

use axum::Json;
use axum::response::Response;
use clarion_domain::campaigns::campaign::Channel as Medium;
use clarion_domain::id;
use clarion_store::FieldFault;
use clarion_store::campaigns::{CampaignDraft, CampaignQuery as StoreQuery, CampaignRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::call_pacing::CallPacing;
use super::draft::{NewCampaign, RecordingSettings, RetryRules, Schedule};
use super::sequence::{Evergreen, Parts, SequenceStep, StopRules};
use crate::api::answer::made;
use crate::api::body::{Body, Id, Query, within};
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::{FieldError, Problem, wire_name};
use crate::api::wire::{CampaignId, CampaignState, Channel, FilterId, LegalBasis, ListId, Purpose, Time};

/// A campaign.
#[derive(Serialize, ToSchema)]
pub struct Campaign {
    id: CampaignId,
    name: String,
    channel: Channel,
    /// Null while the draft does not say.
    purpose: Option<Purpose>,
    underlying_purpose: Option<Purpose>,
    not_marketing_reason: String,
    legal_basis: Option<LegalBasis>,
    assessment_reference: String,
    state: CampaignState,
    /// Why it stands as it does: a refused start, a pause by the software. Empty when there is nothing to say.
    state_reason: String,
    list: Option<ListId>,
    filter: Option<FilterId>,
    /// The text with its fields; of a text alone.
    body: String,
    /// What the calls say and ask; of calls alone.
    script: String,
    /// How fast it calls; null for texts.
    call_pacing: Option<CallPacing>,
    /// What is recorded of its calls; null for texts.
    recording: Option<RecordingSettings>,
    /// Whom it is from; of calls the caller ID.
    sender: String,
    schedule: Schedule,
    retry: RetryRules,
    /// Messages a second.
    rate_per_second: i64,
    /// Which step of a campaign this is: 1, unless it is read by the identifier of a later step.
    step: u8,
    /// The campaign that it is a step of: itself, for a first step.
    sequence: CampaignId,
    /// The steps after the first.
    then: Vec<SequenceStep>,
    /// What stops the steps for a person.
    stops: StopRules,
    /// Null when the audience is frozen at the start.
    evergreen: Option<Evergreen>,
    /// How many recipients, frozen at the start; 0 before.
    audience_size: i64,
    created_by: String,
    created_at: Time,
    started_by: String,
    started_at: Option<Time>,
    finished_at: Option<Time>,
}

impl From<CampaignRecord> for Campaign {
    fn from(record: CampaignRecord) -> Self {
        let Parts { then, stops, evergreen } = record.sequence.into();
        Self {
            id: record.id.into(),
            name: record.name,
            channel: record.channel.into(),
            purpose: record.purpose.map(|stated| Purpose(stated.purpose)),
            underlying_purpose: record.purpose.and_then(|stated| stated.underlying).map(Purpose),
            not_marketing_reason: record.not_marketing_reason,
            legal_basis: record.basis.map(LegalBasis),
            assessment_reference: record.assessment_reference,
            state: record.state.into(),
            state_reason: record.state_reason,
            list: record.list_id.map(ListId),
            filter: record.filter_id.map(FilterId),
            body: record.body,
            script: record.script,
            call_pacing: (record.channel == Medium::Voice).then(|| record.call_pacing.into()),
            recording: (record.channel == Medium::Voice).then(|| record.recording.into()),
            sender: record.sender,
            schedule: record.schedule.into(),
            retry: record.retry.into(),
            rate_per_second: record.rate_per_second,
            step: record.step,
            sequence: record.first.into(),
            then,
            stops,
            evergreen,
            audience_size: record.audience_size,
            created_by: record.created_by,
            created_at: record.created_at.into(),
            started_by: record.started_by,
            started_at: record.started_at.map(Time),
            finished_at: record.finished_at.map(Time),
        }
    }
}

const NAME_CHARS_MAX: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CampaignQuery {
    state: Option<CampaignState>,
    /// A part of the name, without regard to case.
    #[param(max_length = 100)]
    name: Option<String>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// What keeps a campaign from starting.
#[derive(Serialize, ToSchema)]
pub struct Faults {
    /// Nothing when the campaign is fit to start.
    faults: Vec<FieldError>,
}

/// The campaign as it stands now.
pub async fn show(caller: &Caller, id: id::CampaignId) -> Result<Json<Campaign>, Problem> {
    Ok(Json(caller.tenant.campaign(id).await?.into()))
}

/// The campaigns, the newest first
#[utoipa::path(get, path = "/campaigns", tag = "campaigns", params(CampaignQuery), responses((status = 200, body = Listing<Campaign>)))]
pub async fn list(caller: Caller, Query(query): Query<CampaignQuery>) -> Result<Json<Listing<Campaign>>, Problem> {
    let text = query.name.unwrap_or_default();
    within(Problem::malformed, "name", &text, (0, NAME_CHARS_MAX))?;
    let narrowed = StoreQuery { state: query.state.map(|state| state.0), text: &text, before: query.after.map(|cursor| cursor.0), limit: limit_of(query.limit) };
    Ok(Listing::of(caller.tenant.campaigns(&narrowed).await?, Campaign::from))
}

/// Make a draft
///
/// A draft may be unfinished: `faults` tells what a start needs.
#[utoipa::path(post, path = "/campaigns", tag = "campaigns", request_body = NewCampaign, responses((status = 201, body = Campaign)))]
pub async fn create(caller: Caller, Body(new): Body<NewCampaign>) -> Result<Response, Problem> {
    let id = caller.tenant.create_campaign(&new.into_draft()?, caller.now).await?;
    Ok(made(format!("/campaigns/{id}"), Campaign::from(caller.tenant.campaign(id).await?)))
}

/// One campaign
#[utoipa::path(get, path = "/campaigns/{campaign}", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Campaign)))]
pub async fn get(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Campaign>, Problem> {
    show(&caller, id.0).await
}

/// Rewrite a draft, or a scheduled campaign
///
/// Replaces everything: what is left out takes its default.
#[utoipa::path(put, path = "/campaigns/{campaign}", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = NewCampaign, responses((status = 200, body = Campaign)))]
pub async fn edit(caller: Caller, Id(id): Id<CampaignId>, Body(new): Body<NewCampaign>) -> Result<Json<Campaign>, Problem> {
    caller.tenant.edit_campaign(id.0, &new.into_draft()?, caller.now).await?;
    show(&caller, id.0).await
}

/// Copy a campaign
///
/// Makes a draft with all that this one says, its later steps among it, whatever state it is in. The draft has its name with “(copy)” behind it. What became of the
/// campaign is not copied, nor is a start that has passed; an end that has passed stays, and `faults` tells it. Where its list or its filter was deleted since, the
/// copy has no audience.
#[utoipa::path(post, path = "/campaigns/{campaign}/copy", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 201, body = Campaign)))]
pub async fn copy(caller: Caller, Id(id): Id<CampaignId>) -> Result<Response, Problem> {
    let copy = caller.tenant.copy_campaign(id.0, caller.now).await?;
    Ok(made(format!("/campaigns/{copy}"), Campaign::from(caller.tenant.campaign(copy).await?)))
}

/// What keeps a campaign from starting
#[utoipa::path(get, path = "/campaigns/{campaign}/faults", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = Faults)))]
pub async fn faults(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<Faults>, Problem> {
    let record = caller.tenant.campaign(id.0).await?;
    let faults = caller.tenant.campaign_faults(&CampaignDraft::from(&record), caller.now).await?;
    let named = |fault: FieldFault| FieldError { field: wire_name(fault.field).to_owned(), message: fault.message };
    Ok(Json(Faults { faults: faults.into_iter().map(named).collect() }))
}
