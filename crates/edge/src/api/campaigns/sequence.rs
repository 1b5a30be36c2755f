//! The steps of a campaign after its first, what ends them for a person, who stands where, and stops told by a client's own system.

use axum::Json;
use clarion_domain::campaigns::campaign::Channel as Medium;
use clarion_domain::campaigns::pacing::MessagesPerSecond;
use clarion_domain::campaigns::sequence::{
    AGAIN_AFTER_DAYS_MAX, Evergreen as DomainEvergreen, STEPS_MAX, STOP_WORDS_MAX, Sequence, SequenceStep as DomainStep, StopResult as DomainResult, StopRules as DomainStops,
    Wait as DomainWait, WaitFrom as DomainFrom,
};
use clarion_domain::campaigns::template::TEMPLATE_LENGTH_CHARS_MAX;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CampaignDraft, STOPS_MAX, StopWhom};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call_pacing::CallPacing;
use super::draft::{RecordingSettings, RetryRules};
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::{Problem, faults};
use crate::api::wire::{AfterRefusal, CampaignId, Channel, ContactId, Disposition, ReplyStop, StopResult, Time, WaitFrom};

/// How long after the previous step the next one begins for a person.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    #[serde(default)]
    #[schema(maximum = 90)]
    pub days: u16,
    #[serde(default)]
    #[schema(maximum = 2160)]
    pub hours: u16,
    /// `last_try` when left out.
    pub from: Option<WaitFrom>,
}

/// A step after the first. Purpose, ground in law, audience and hours are the campaign's.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"wait": {"days": 2}, "channel": "sms", "sender": "Northwind", "body": "Hello {first_name|there}, please call us. Northwind"}))]
pub struct SequenceStep {
    pub wait: Wait,
    pub channel: Channel,
    /// For texts.
    #[serde(default)]
    #[schema(max_length = 1530)]
    pub body: String,
    /// For calls, in TOML or JSON.
    #[serde(default)]
    #[schema(max_length = 65536)]
    pub script: String,
    /// For calls the caller ID.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub sender: String,
    /// For calls. One call for each free agent when left out.
    pub call_pacing: Option<CallPacing>,
    /// For calls. Nothing is recorded when left out.
    pub recording: Option<RecordingSettings>,
    pub retry: Option<RetryRules>,
    /// Messages a second.
    #[schema(minimum = 1, maximum = 10000)]
    pub rate_per_second: Option<u32>,
}

/// What ends the steps for a person before the last one. An opt-out and a suppression always do, and so does a stop told here.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRules {
    pub replies: ReplyStop,
    /// For `words`: a reply with any of these in it, in capitals or not.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub words: Vec<String>,
    /// Being put through to an agent.
    pub put_through: bool,
    /// Attempts that end like this.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub outcomes: Vec<Disposition>,
    pub after_refusal: AfterRefusal,
}

/// A campaign that goes on taking people in who come to match its list and filter, each once.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evergreen {
    /// Nobody new from then on, at most 366 days ahead. Those who are in it go on to their last step.
    pub until: Time,
    /// New people a day by the tenant's clock; no ceiling when null.
    #[schema(minimum = 1, maximum = 10000000)]
    pub new_a_day_max: Option<u32>,
    /// Who has been through it may come in again so many days later; never when null.
    #[schema(minimum = 1, maximum = 1098)]
    pub again_after_days: Option<u16>,
}

const OUTCOMES_MAX: usize = 30;
const NEW_A_DAY_MAX: u32 = 10_000_000;

/// As a campaign is read and written: `then`, `stops`, `evergreen`.
pub struct Parts {
    pub then: Vec<SequenceStep>,
    pub stops: StopRules,
    pub evergreen: Option<Evergreen>,
}

impl From<Sequence> for Parts {
    fn from(sequence: Sequence) -> Self {
        let DomainStops { replies, words, put_through, outcomes, after_refusal } = sequence.stops;
        Self {
            then: sequence.then.into_iter().map(SequenceStep::from).collect(),
            stops: StopRules { replies: replies.into(), words, put_through, outcomes: outcomes.into_iter().map(Into::into).collect(), after_refusal: after_refusal.into() },
            evergreen: sequence.evergreen.map(|evergreen| Evergreen { until: Time(Instant(evergreen.until_ms)), new_a_day_max: evergreen.new_a_day_max, again_after_days: evergreen.again_after_days }),
        }
    }
}

impl From<DomainStep> for SequenceStep {
    fn from(step: DomainStep) -> Self {
        let call = step.channel == Medium::Voice;
        Self {
            wait: Wait { days: step.wait.days, hours: step.wait.hours, from: Some(step.wait.from.into()) },
            channel: step.channel.into(),
            body: step.body,
            script: step.script,
            sender: step.sender,
            call_pacing: call.then(|| step.call_pacing.into()),
            recording: call.then(|| step.recording.into()),
            retry: Some(step.retry.into()),
            rate_per_second: Some(step.rate_per_second),
        }
    }
}

impl From<SequenceStep> for DomainStep {
    fn from(step: SequenceStep) -> Self {
        let base = CampaignDraft::of(step.channel.0, "");
        Self {
            wait: DomainWait { days: step.wait.days, hours: step.wait.hours, from: step.wait.from.map_or(DomainFrom::LastTry, |from| from.0) },
            channel: step.channel.0,
            body: step.body,
            script: step.script,
            sender: step.sender,
            call_pacing: step.call_pacing.map_or(base.call_pacing, Into::into),
            recording: step.recording.map_or(base.recording, Into::into),
            retry: step.retry.map_or(base.retry, Into::into),
            rate_per_second: step.rate_per_second.unwrap_or(base.rate_per_second),
        }
    }
}

/// What is written, with its defaults.
pub fn written(then: Option<Vec<SequenceStep>>, stops: Option<StopRules>, evergreen: Option<Evergreen>) -> Sequence {
    let stops = stops.map_or_else(DomainStops::default, |stops| DomainStops {
        replies: stops.replies.0,
        words: stops.words,
        put_through: stops.put_through,
        outcomes: stops.outcomes.into_iter().map(|outcome| outcome.0).collect(),
        after_refusal: stops.after_refusal.0,
    });
    let evergreen = evergreen.map(|evergreen| DomainEvergreen { until_ms: evergreen.until.0.ms(), new_a_day_max: evergreen.new_a_day_max, again_after_days: evergreen.again_after_days });
    Sequence { then: then.unwrap_or_default().into_iter().map(DomainStep::from).collect(), stops, evergreen }
}

/// What lies beyond what the document says; each step's content is checked like a campaign's own.
pub fn check(then: &[SequenceStep], stops: Option<&StopRules>, evergreen: Option<&Evergreen>, wrong: &mut Vec<(&str, String)>) {
    if then.len() >= STEPS_MAX {
        wrong.push(("then", format!("at most {} steps after the first", STEPS_MAX - 1)));
    }
    for step in then {
        if step.wait.days > 90 || step.wait.hours > 90 * 24 {
            wrong.push(("then.wait", "at most 90 days".into()));
        }
        step.check(wrong);
    }
    if stops.is_some_and(|stops| stops.words.len() > STOP_WORDS_MAX) {
        wrong.push(("stops.words", format!("at most {STOP_WORDS_MAX}")));
    }
    if stops.is_some_and(|stops| stops.outcomes.len() > OUTCOMES_MAX) {
        wrong.push(("stops.outcomes", format!("at most {OUTCOMES_MAX}")));
    }
    if evergreen.and_then(|evergreen| evergreen.new_a_day_max).is_some_and(|people| !(1..=NEW_A_DAY_MAX).contains(&people)) {
        wrong.push(("evergreen.new_a_day_max", format!("1 to {NEW_A_DAY_MAX}, or null for no ceiling")));
    }
    if evergreen.and_then(|evergreen| evergreen.again_after_days).is_some_and(|days| days == 0 || days > AGAIN_AFTER_DAYS_MAX) {
        wrong.push(("evergreen.again_after_days", format!("1 to {AGAIN_AFTER_DAYS_MAX} days, or null for never")));
    }
}

impl SequenceStep {
    fn check(&self, wrong: &mut Vec<(&str, String)>) {
        let call = self.channel.0 == Medium::Voice;
        if !call && (!self.script.is_empty() || self.call_pacing.is_some() || self.recording.is_some()) {
            wrong.push(("then", "script, call_pacing and recording are for calls: set channel to voice, or leave them out".into()));
        }
        if call && !self.body.is_empty() {
            wrong.push(("then.body", "only texts have one: calls have a script".into()));
        }
        if self.body.chars().count() > TEMPLATE_LENGTH_CHARS_MAX {
            wrong.push(("then.body", format!("at most {TEMPLATE_LENGTH_CHARS_MAX} characters")));
        }
        if let Some(Err(error)) = self.rate_per_second.map(MessagesPerSecond::new) {
            wrong.push(("then.rate_per_second", error.to_string()));
        }
        if self.sender.chars().count() > super::draft::SENDER_CHARS_MAX {
            wrong.push(("then.sender", format!("at most {} characters", super::draft::SENDER_CHARS_MAX)));
        }
        if let Some(retry) = &self.retry {
            retry.check(["then.retry.attempts_max", "then.retry.rules"], wrong);
        }
        if self.script.len() > clarion_domain::campaigns::script::document::SCRIPT_BYTES_MAX {
            wrong.push(("then.script", "at most 65536 bytes".into()));
        }
        if let Some(pacing) = self.call_pacing
            && let Some((_, why)) = pacing.fault()
        {
            wrong.push(("then.call_pacing", why));
        }
        if let Some(recording) = &self.recording {
            wrong.extend(recording.too_long().into_iter().map(|(_, why)| ("then.recording", why)));
        }
    }
}

/// Who stands where in a campaign's steps.
#[derive(Serialize, ToSchema)]
pub struct StepsNow {
    /// The first step first.
    steps: Vec<StepNow>,
    /// Why it is over, over all steps, the most frequent first.
    ended: Vec<Ended>,
    /// New people that an evergreen campaign took in today, by the tenant's clock; null for others.
    taken_in_today: Option<i64>,
}

/// One step.
#[derive(Serialize, ToSchema)]
pub struct StepNow {
    step: usize,
    /// The step as a campaign of its own, for its recipients, report and calls; null before the start.
    campaign: Option<CampaignId>,
    channel: Channel,
    /// Null for the first.
    wait: Option<Wait>,
    /// People who stand at this step: not asked about yet, waiting for their time, or being tried.
    standing: i64,
    /// People for whom it ended at this step, by reason.
    ended: Vec<Ended>,
}

/// People for whom it is over.
#[derive(Serialize, ToSchema)]
pub struct Ended {
    /// `completed`, `reply`, `opt_out`, `put_through`, `refused`, `suppressed`, `outcome:` with a disposition, or `told:` with the reason
    /// that your system gave.
    why: String,
    people: i64,
}

/// Who stands at which step, and why it ended
#[utoipa::path(get, path = "/campaigns/{campaign}/steps", tag = "campaigns", params(("campaign" = CampaignId, Path)), responses((status = 200, body = StepsNow)))]
pub async fn steps(caller: Caller, Id(id): Id<CampaignId>) -> Result<Json<StepsNow>, Problem> {
    let record = caller.tenant.campaign(id.0).await?;
    let counts = caller.tenant.step_counts(&record).await?;
    let ids = caller.tenant.step_ids(record.id).await?;
    let taken_in_today = match record.sequence.evergreen {
        Some(_) => Some(caller.tenant.taken_in_today(id.0, caller.now).await?.1),
        None => None,
    };
    let step = |(place, standing): (usize, &i64)| {
        let after = record.sequence.step(place + 1);
        StepNow {
            step: place + 1,
            campaign: ids.get(place).copied().map(Into::into),
            channel: after.map_or(record.channel, |step| step.channel).into(),
            wait: after.map(|step| Wait { days: step.wait.days, hours: step.wait.hours, from: Some(step.wait.from.into()) }),
            standing: *standing,
            ended: counts.ended.iter().filter(|(at, ..)| *at == place + 1).map(|(_, why, people)| Ended { why: why.to_string(), people: *people }).collect(),
        }
    };
    let ended = counts.reasons().into_iter().map(|(why, people)| Ended { why: why.to_string(), people }).collect();
    Ok(Json(StepsNow { steps: counts.standing.iter().enumerate().map(step).collect(), ended, taken_in_today }))
}

/// Whom to stop in a campaign, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "paid", "references": ["A-1001", "A-1002"]}))]
pub struct Stop {
    /// One word, such as `paid`, `resolved` or `complained`: small letters and underscores. It is shown and counted.
    #[schema(pattern = "^[a-z][a-z_]{0,23}$")]
    reason: String,
    /// By our identifiers.
    #[serde(default)]
    #[schema(max_items = 10000)]
    contacts: Vec<ContactId>,
    /// By your own references.
    #[serde(default)]
    #[schema(max_items = 10000)]
    references: Vec<String>,
}

/// What became of those who were named: first the contacts, then the references, in their order.
#[derive(Serialize, ToSchema)]
pub struct Stopped {
    /// How many are newly stopped.
    stopped: usize,
    contacts: Vec<StopResult>,
    references: Vec<StopResult>,
}

/// Stop people in a campaign
///
/// Nothing more goes to them from this campaign, at whichever step they stand; what is with a carrier already is not called back. Naming
/// somebody again changes nothing. Who was through already is `over`, and another try of the last step does not come either. Before the start
/// nobody is in it: the answer is 409. At most 10,000 people in one request, contacts and references together.
#[utoipa::path(post, path = "/campaigns/{campaign}/recipients/stop", tag = "campaigns", params(("campaign" = CampaignId, Path)), request_body = Stop, responses((status = 200, body = Stopped)))]
pub async fn stop(caller: Caller, Id(id): Id<CampaignId>, Body(stop): Body<Stop>) -> Result<Json<Stopped>, Problem> {
    let reason = stop.reason.parse().map_err(|error: clarion_domain::campaigns::sequence::NotAReason| faults(vec![("reason", error.to_string())]))?;
    let named = stop.contacts.len() + stop.references.len();
    if named == 0 || named > STOPS_MAX {
        return Err(faults(vec![("references", format!("name 1 to {STOPS_MAX} people, by contacts, references or both: {named} are named"))]));
    }
    let contacts = stop.contacts.len();
    let whom: Vec<StopWhom> = stop.contacts.into_iter().map(|contact| StopWhom::Contact(contact.0)).chain(stop.references.into_iter().map(StopWhom::Reference)).collect();
    let mut results = caller.tenant.stop_recipients(id.0, &whom, &reason, caller.now).await?;
    let references = results.split_off(contacts);
    let stopped = results.iter().chain(&references).filter(|result| **result == DomainResult::Stopped).count();
    Ok(Json(Stopped { stopped, contacts: results.into_iter().map(Into::into).collect(), references: references.into_iter().map(Into::into).collect() }))
}
