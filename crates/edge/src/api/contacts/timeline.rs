//! Everything that happened between the tenant and one person.

use axum::Json;
use clarion_domain::time::Instant;
use clarion_store::compliance::rule_book;
use clarion_store::contacts::{Reason as StoredReason, TimelineEvent, TimelineKind};
use clarion_domain::personal::Personal;
use clarion_store::Page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, Query};
use crate::api::caller::Caller;
use crate::api::links::report::Clicks;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{
    AttemptId, AttemptState, CampaignId, Channel, ContactId, Disposition, HoldReason, ImportId, ReplyId, ReplyMeaning, SuppressionId, SuppressionReason, SuppressionScope, Time,
};

/// One event.
#[derive(Serialize, ToSchema)]
pub struct Event {
    at: Time,
    what: What,
}

/// A rule that stood in the way, and its sentences.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    rule: String,
    /// For the campaign manager.
    manager: String,
    /// For the person contacted.
    person: String,
}

impl From<StoredReason> for Reason {
    fn from(reason: StoredReason) -> Self {
        Self { rule: reason.rule, manager: reason.manager, person: reason.person }
    }
}

/// What happened.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Imported { import: ImportId, file_name: String, line: Option<i64> },
    Attempted {
        attempt: AttemptId,
        campaign: CampaignId,
        campaign_name: String,
        channel: Channel,
        state: AttemptState,
        /// Null while nothing is known.
        disposition: Option<Disposition>,
        /// Empty when there is none.
        cause: String,
        /// The decision that allowed it.
        decision: String,
        segments: i64,
        /// Null once its retention has passed.
        body: Option<String>,
        settled_at: Option<Time>,
        /// What became of its short links; null for a message without.
        clicks: Option<Clicks>,
    },
    /// Not contacted, and why.
    Refused { campaign: CampaignId, campaign_name: String, reasons: Vec<Reason> },
    /// Contact put off.
    Deferred { campaign: CampaignId, campaign_name: String, reasons: Vec<Reason>, until: Option<Time> },
    Replied { reply: ReplyId, meaning: ReplyMeaning, state: String, body: Option<String> },
    /// A message outside a campaign: the confirmation of a stop, an answer to HELP, a test.
    Noticed { notice_kind: String, state: String, cause: String, body: Option<String> },
    Suppressed { suppression: SuppressionId, scope: SuppressionScope, reason: SuppressionReason, source: String },
    ConsentGiven { channel: Channel, purpose: String, expires_at: Option<Time> },
    ConsentWithdrawn { channel: Channel, purpose: String },
    Held { reason: HoldReason, until: Option<Time> },
    HoldLifted { reason: HoldReason },
    /// A campaign of several steps, or one that takes people in, is over for them.
    SequenceEnded {
        campaign: CampaignId,
        campaign_name: String,
        step: i64,
        /// As in a campaign's steps: `completed`, `reply`, `told:paid` …
        why: String,
    },
}

/// What a running or paused campaign has in store for a contact.
#[derive(Serialize, ToSchema)]
pub struct PlannedAttempt {
    campaign: CampaignId,
    campaign_name: String,
    /// Of `steps`, from 1 on.
    step: i64,
    steps: usize,
    channel: Channel,
    at: Time,
    /// `next step`, or why an attempt was put off or is repeated.
    why: String,
}

/// Attempts that are planned.
#[derive(Serialize, ToSchema)]
pub struct PlannedAttempts {
    /// The soonest first.
    items: Vec<PlannedAttempt>,
}

/// What comes next for a contact
///
/// Attempts that have their time: the rules are asked again when it comes. Who waits for a campaign's first attempt has none yet.
#[utoipa::path(get, path = "/contacts/{contact}/planned", tag = "contacts", params(("contact" = ContactId, Path)), responses((status = 200, body = PlannedAttempts)))]
pub async fn planned(caller: Caller, Id(id): Id<ContactId>) -> Result<Json<PlannedAttempts>, Problem> {
    caller.tenant.contact(id.0).await?;
    let items = caller.tenant.planned(id.0).await?.into_iter().map(|planned| PlannedAttempt {
        campaign: planned.campaign.into(),
        campaign_name: planned.campaign_name,
        step: planned.step,
        steps: planned.steps,
        channel: planned.channel.into(),
        at: planned.at.into(),
        why: planned.why,
    });
    Ok(Json(PlannedAttempts { items: items.collect() }))
}

fn text(body: Option<Personal>) -> Option<String> {
    body.map(|body| body.reveal().to_owned())
}

fn reasons(reasons: Vec<StoredReason>) -> Vec<Reason> {
    reasons.into_iter().map(Reason::from).collect()
}

impl From<TimelineKind> for What {
    fn from(what: TimelineKind) -> Self {
        use TimelineKind as K;
        match what {
            K::Imported { import, file_name, line } => Self::Imported { import: import.into(), file_name, line },
            K::Attempted { attempt, campaign, campaign_name, channel, state, disposition, cause, decision, segments, body, settled_at, clicks } => Self::Attempted {
                attempt: attempt.into(),
                campaign: campaign.into(),
                campaign_name,
                channel: channel.into(),
                state: state.into(),
                disposition: disposition.map(Disposition),
                cause,
                decision,
                segments,
                body: text(body),
                settled_at: settled_at.map(Time),
                clicks: clicks.map(Clicks::from),
            },
            K::Refused { campaign, campaign_name, reasons: why } => Self::Refused { campaign: campaign.into(), campaign_name, reasons: reasons(why) },
            K::Deferred { campaign, campaign_name, reasons: why, until } => Self::Deferred { campaign: campaign.into(), campaign_name, reasons: reasons(why), until: until.map(Time) },
            K::Replied { reply, meaning, state, body } => Self::Replied { reply: reply.into(), meaning: meaning.into(), state, body: text(body) },
            K::Noticed { kind, state, cause, body } => Self::Noticed { notice_kind: kind, state, cause, body: text(body) },
            K::Suppressed { suppression, scope, reason, source } => Self::Suppressed { suppression: suppression.into(), scope: scope.into(), reason: reason.into(), source },
            K::ConsentGiven { channel, purpose, expires_at } => Self::ConsentGiven { channel: channel.into(), purpose, expires_at: expires_at.map(Time) },
            K::ConsentWithdrawn { channel, purpose } => Self::ConsentWithdrawn { channel: channel.into(), purpose },
            K::Held { reason, until } => Self::Held { reason: reason.into(), until: until.map(Time) },
            K::HoldLifted { reason } => Self::HoldLifted { reason: reason.into() },
            K::SequenceEnded { campaign, campaign_name, step, why } => Self::SequenceEnded { campaign: campaign.into(), campaign_name, step, why: why.to_string() },
        }
    }
}

/// Everything that happened between you and a contact, the newest first
#[utoipa::path(get, path = "/contacts/{contact}/timeline", tag = "contacts", params(("contact" = ContactId, Path), PageQuery), responses((status = 200, body = Listing<Event>)))]
pub async fn get(caller: Caller, Id(id): Id<ContactId>, Query(page): Query<PageQuery>) -> Result<Json<Listing<Event>>, Problem> {
    caller.tenant.contact(id.0).await?;
    let limit = page.limit();
    let events = caller.tenant.timeline(id.0, rule_book(), page.after().map(Instant), limit).await?;
    let next = events.last().filter(|_| events.len() as i64 == limit).map(|event| event.at.ms());
    Ok(Listing::of(Page { rows: events, next }, |TimelineEvent { at, what }| Event { at: at.into(), what: what.into() }))
}
