//! Calls: those of a campaign that are up now, with the rate by which it is judged; and one call's record.

use axum::Json;
use clarion_store::attempts::{CallRow, LiveCount as StoredCount};
use clarion_domain::compliance::abandonment::{AbandonedRate, AbandonmentDay};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Id;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{AttemptId, CampaignId, ContactId, Disposition, TransferTargetId, Time, TrunkId};
use crate::campaigns::abandoned;

/// So many of the calls are listed, the oldest first; the counts hold all.
const CALLS_LISTED_MAX: i64 = 200;

/// A campaign's calls now.
#[derive(Serialize, ToSchema)]
pub struct LiveCalls {
    campaign: CampaignId,
    /// How many calls are up, by state; a state without any is left out.
    states: Vec<LiveCount>,
    abandoned: Abandoned,
    /// The calls themselves, the oldest first, at most 200.
    calls: Vec<Call>,
}

/// Calls that are up and stand alike.
#[derive(Serialize, ToSchema)]
pub struct LiveCount {
    /// `dialling`, `ringing`, `answered`, `playing`, `gathering`, `reserved` or `bridged`.
    state: String,
    n: i64,
}

impl From<StoredCount> for LiveCount {
    fn from(count: StoredCount) -> Self {
        Self { state: count.state, n: count.n }
    }
}

/// How many people who answered met nobody, against the ceiling.
#[derive(Serialize, ToSchema)]
pub struct Abandoned {
    /// The highest rate, in ten-thousandths: 300 is 3 %.
    ceiling_bp: u16,
    /// Of the calendar day in London.
    today: AbandonedCount,
    /// Of the last 30 days, today among them.
    days_30: AbandonedCount,
    /// Since when there is one call for each free agent, for the rest of today: one more abandoned call could break the ceiling.
    latched_at: Option<Time>,
}

/// People who answered.
#[derive(Serialize, ToSchema)]
pub struct AbandonedCount {
    abandoned: u32,
    put_through: u32,
    /// Of those who answered, whoever heard nothing within two seconds (UK-2): neither words of ours nor an agent.
    silent: u32,
    /// Calls that ended because a machine was heard.
    judged_machine: u32,
    /// Abandoned of all who answered, in ten-thousandths, rounded up.
    rate_bp: u32,
    /// The same with people whom the detector took for a machine; null while nobody has measured how often it does.
    rate_with_mistakes_bp: Option<u32>,
}

impl AbandonedCount {
    fn of(counts: AbandonmentDay, rate: AbandonedRate) -> Self {
        Self {
            abandoned: counts.abandoned,
            put_through: counts.put_through,
            silent: counts.silent,
            judged_machine: counts.judged_machine,
            rate_bp: rate.counted_bp,
            rate_with_mistakes_bp: rate.with_mistakes_bp,
        }
    }
}

/// A call's record.
#[derive(Serialize, ToSchema)]
pub struct Call {
    attempt: AttemptId,
    campaign: CampaignId,
    contact: ContactId,
    trunk: TrunkId,
    /// To whom the person was put through.
    target: Option<TransferTargetId>,
    state: String,
    state_at: Time,
    /// The script's step.
    step: String,
    dialled_at: Time,
    ringing_at: Option<Time>,
    answered_at: Option<Time>,
    /// When the person was first heard.
    speech_at: Option<Time>,
    /// When the first words were played to them.
    message_at: Option<Time>,
    /// When the information message was played, as no agent was there.
    information_at: Option<Time>,
    bridged_at: Option<Time>,
    ended_at: Option<Time>,
    /// Who ended it; empty while it is up.
    ended_by: String,
    /// Who answered, as it was heard; empty before.
    answered_by: String,
    abandoned: bool,
    /// The fallback prompt was heard in the place of words that could not be rendered.
    fell_back: bool,
    /// The person heard nothing within two seconds of answering (UK-2).
    silent: bool,
    /// Nothing was heard of their agent within two seconds of putting through.
    agent_silent: bool,
    /// How it ended; null while it is up.
    disposition: Option<Disposition>,
    /// Of both its legs, in ten-thousandths of the trunk's currency; null while it is up.
    cost: Option<i64>,
}

impl From<CallRow> for Call {
    fn from(call: CallRow) -> Self {
        Self {
            attempt: call.attempt.into(),
            campaign: call.campaign.into(),
            contact: call.contact.into(),
            trunk: call.trunk.into(),
            target: call.target.map(TransferTargetId),
            state: call.state,
            state_at: call.state_at.into(),
            step: call.step,
            dialled_at: call.dialled_at.into(),
            ringing_at: call.ringing_at.map(Time),
            answered_at: call.answered_at.map(Time),
            speech_at: call.speech_at.map(Time),
            message_at: call.message_at.map(Time),
            information_at: call.information_at.map(Time),
            bridged_at: call.bridged_at.map(Time),
            ended_at: call.ended_at.map(Time),
            ended_by: call.ended_by,
            answered_by: call.verdict,
            abandoned: call.abandoned,
            fell_back: call.fell_back,
            silent: call.silent,
            agent_silent: call.agent_silent,
            disposition: None,
            cost: None,
        }
    }
}

/// A campaign's calls now
///
/// With the abandoned rate of today and of 30 days against the ceiling.
#[utoipa::path(get, path = "/campaigns/{campaign}/calls", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = LiveCalls)))]
pub async fn live(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<LiveCalls>, Problem> {
    let campaign = caller.tenant.campaign(id.0).await?;
    let counted = abandoned::read(&caller.tenant, &campaign, caller.now).await?;
    Ok(Json(LiveCalls {
        campaign: id,
        states: caller.tenant.live_call_counts(id.0).await?.into_iter().map(LiveCount::from).collect(),
        abandoned: Abandoned {
            ceiling_bp: counted.ceiling_bp,
            latched_at: counted.latched_at.map(Time),
            today: AbandonedCount::of(counted.counted_today, counted.rate_today),
            days_30: AbandonedCount::of(counted.days_30, counted.rate_30),
        },
        calls: caller.tenant.live_calls(id.0, CALLS_LISTED_MAX).await?.into_iter().map(Call::from).collect(),
    }))
}

/// A call's record
///
/// By the attempt that it was, as listings and timelines name it. A message has none.
#[utoipa::path(get, path = "/calls/{call}", tag = "campaigns", params(("call" = AttemptId, Path)), responses((status = 200, body = Call)))]
pub async fn get(caller: Caller, Id(id): Id<AttemptId>) -> Result<Json<Call>, Problem> {
    let end = caller.tenant.call_end(id.0).await?;
    let (disposition, cost) = (end.as_ref().map(|end| end.disposition.into()), end.map(|end| end.cost));
    Ok(Json(Call { disposition, cost, ..caller.tenant.call(id.0).await?.into() }))
}
