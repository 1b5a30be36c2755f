//! A campaign as its author writes it. A draft may be unfinished; what a start needs is told by `faults`.

use clarion_domain::attempts::recording::{ANNOUNCEMENT_CHARS_MAX, RecordingSettings as DomainRecording, TOLD_IN_CHARS_MAX};
use clarion_domain::campaigns::campaign::Channel as Medium;
use clarion_domain::campaigns::pacing::MessagesPerSecond;
use clarion_domain::campaigns::retry::{ATTEMPTS_MAX, DELAY_MINUTES_MAX, DELAY_MINUTES_MIN, RetryRule as DomainRule, RetryRules as DomainRules};
use clarion_domain::campaigns::schedule::Schedule as DomainSchedule;
use clarion_domain::campaigns::script::document::SCRIPT_BYTES_MAX;
use clarion_domain::campaigns::template::TEMPLATE_LENGTH_CHARS_MAX;
use clarion_domain::time::Instant;
use clarion_store::campaigns::CampaignDraft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call_pacing::CallPacing;
use super::sequence::{Evergreen, SequenceStep, StopRules, written};
use crate::api::problem::{Problem, faults};
use crate::api::wire::{Channel, Day, Disposition, FilterId, LegalBasis, ListId, Purpose, Time, TimeOfDay};

/// When a campaign may contact, on the clock of each contact's own zone. The rules' calling windows narrow it further.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Not before; at once when null.
    pub starts_at: Option<Time>,
    /// Not at or after; no end when null.
    pub ends_at: Option<Time>,
    #[schema(min_items = 1, max_items = 7)]
    pub days: Vec<Day>,
    pub from: TimeOfDay,
    /// At least a quarter of an hour after `from`.
    pub until: TimeOfDay,
}

impl From<DomainSchedule> for Schedule {
    fn from(schedule: DomainSchedule) -> Self {
        let time = |ms: Option<i64>| ms.map(|ms| Time(Instant(ms)));
        Self {
            starts_at: time(schedule.starts_at_ms),
            ends_at: time(schedule.ends_at_ms),
            days: schedule.days.into_iter().map(Day).collect(),
            from: schedule.from.into(),
            until: schedule.until.into(),
        }
    }
}

impl From<Schedule> for DomainSchedule {
    fn from(schedule: Schedule) -> Self {
        Self {
            starts_at_ms: schedule.starts_at.map(|at| at.0.ms()),
            ends_at_ms: schedule.ends_at.map(|at| at.0.ms()),
            days: schedule.days.into_iter().map(|day| day.0).collect(),
            from: schedule.from.0,
            until: schedule.until.0,
        }
    }
}

/// How often each recipient is tried, the first time included, and after what.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRules {
    #[schema(minimum = 1, maximum = 10)]
    pub attempts_max: u8,
    #[schema(max_items = 9)]
    pub rules: Vec<RetryRule>,
}

/// After this disposition, another attempt this much later. Of texts only `expired`, `undeliverable`, `rejected` and
/// `no_route` are tried again; of calls `no_answer`, `busy`, `answered_machine`, `congestion`, `rejected`, `no_route`,
/// `failed`, `cancelled` and `abandoned`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    pub after: Disposition,
    #[schema(minimum = 5, maximum = 10080)]
    pub delay_minutes: u32,
}

impl RetryRules {
    /// What lies beyond what the document says.
    pub fn check(&self, [attempts_max, rules]: [&'static str; 2], wrong: &mut Vec<(&str, String)>) {
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts_max) {
            wrong.push((attempts_max, format!("1 to {ATTEMPTS_MAX}")));
        }
        if self.rules.len() > RETRY_RULES_MAX {
            wrong.push((rules, format!("at most {RETRY_RULES_MAX} rules, one for each disposition that is tried again")));
        }
        if self.rules.iter().any(|rule| !(DELAY_MINUTES_MIN..=DELAY_MINUTES_MAX).contains(&rule.delay_minutes)) {
            wrong.push((rules, format!("a delay is {DELAY_MINUTES_MIN} to {DELAY_MINUTES_MAX} minutes")));
        }
    }
}

impl From<DomainRules> for RetryRules {
    fn from(rules: DomainRules) -> Self {
        let rule = |rule: DomainRule| RetryRule { after: rule.after.into(), delay_minutes: rule.delay_minutes };
        Self { attempts_max: rules.attempts_max, rules: rules.rules.into_iter().map(rule).collect() }
    }
}

impl From<RetryRules> for DomainRules {
    fn from(rules: RetryRules) -> Self {
        let rule = |rule: RetryRule| DomainRule { after: rule.after.0, delay_minutes: rule.delay_minutes };
        Self { attempts_max: rules.attempts_max, rules: rules.rules.into_iter().map(rule).collect() }
    }
}

/// What is recorded of a campaign's calls, beside what the steps of its script record, and how people are told.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingSettings {
    /// The talk with an agent, from when they are joined to the end of the call.
    pub talks: bool,
    /// The first seconds of each answered call, to be labelled. They need `told_in`.
    #[serde(default)]
    pub openings: bool,
    /// What the person hears before their talk is recorded.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub announcement: String,
    /// Where they were told before: a contract, a privacy notice.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub told_in: String,
}

impl RecordingSettings {
    pub fn too_long(&self) -> Vec<(&'static str, String)> {
        let parts = [("recording.announcement", &self.announcement, ANNOUNCEMENT_CHARS_MAX), ("recording.told_in", &self.told_in, TOLD_IN_CHARS_MAX)];
        parts.into_iter().filter(|(_, text, max)| text.chars().count() > *max).map(|(field, _, max)| (field, format!("at most {max} characters"))).collect()
    }
}

impl From<DomainRecording> for RecordingSettings {
    fn from(settings: DomainRecording) -> Self {
        let DomainRecording { talks, openings, announcement, told_in } = settings;
        Self { talks, openings, announcement, told_in }
    }
}

impl From<RecordingSettings> for DomainRecording {
    fn from(settings: RecordingSettings) -> Self {
        let RecordingSettings { talks, openings, announcement, told_in } = settings;
        Self { talks, openings, announcement, told_in }
    }
}

/// What an author writes. Only the name is required; what is left out takes its default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Reminder, November", "purpose": "reminder", "legal_basis": "contract", "list": "<list>", "sender": "Northwind",
    "body": "Hello {first_name|there}, your payment is due on Friday. Northwind"
}))]
pub struct NewCampaign {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `sms` when left out.
    channel: Option<Channel>,
    purpose: Option<Purpose>,
    /// For `put_through`: what the conversation will be about.
    underlying_purpose: Option<Purpose>,
    /// For `incomplete_application`: why it is not marketing, if it is not.
    #[schema(max_length = 1000)]
    not_marketing_reason: Option<String>,
    legal_basis: Option<LegalBasis>,
    /// Of the assessment that a legitimate interest needs.
    #[schema(max_length = 200)]
    assessment_reference: Option<String>,
    /// Whole: one that is still being made from a filter or from a campaign's people is refused.
    list: Option<ListId>,
    filter: Option<FilterId>,
    /// The text with its fields: `Hello {first_name|there}`.
    #[schema(max_length = 1530)]
    body: Option<String>,
    /// For calls: what they say and ask, in TOML or JSON.
    #[schema(max_length = 65536)]
    script: Option<String>,
    /// For calls: how fast. One call for each free agent when left out.
    call_pacing: Option<CallPacing>,
    /// For calls: what is recorded of them. Nothing when left out.
    recording: Option<RecordingSettings>,
    /// For calls the caller ID: one of your numbers.
    #[schema(max_length = 20)]
    sender: Option<String>,
    schedule: Option<Schedule>,
    retry: Option<RetryRules>,
    /// Messages a second.
    #[schema(minimum = 1, maximum = 10000)]
    rate_per_second: Option<u32>,
    /// The steps after this, for those for whom nothing stops them.
    #[schema(max_items = 9)]
    then: Option<Vec<SequenceStep>>,
    /// What stops the steps for a person: any reply and being put through, when left out.
    stops: Option<StopRules>,
    /// Goes on taking people in. The audience is frozen at the start when left out.
    evergreen: Option<Evergreen>,
}

pub const SENDER_CHARS_MAX: usize = 20;
const REASON_CHARS_MAX: usize = 1_000;
const REFERENCE_CHARS_MAX: usize = 200;
const DAYS_MAX: usize = 7;
/// As many as there are dispositions that are tried again.
const RETRY_RULES_MAX: usize = 9;

impl NewCampaign {
    /// The draft, when its values lie within what the document says: an unfinished draft is kept, an impossible one is not.
    pub fn into_draft(self) -> Result<CampaignDraft, Problem> {
        let mut wrong: Vec<(&str, String)> = Vec::new();
        let texts = [
            ("sender", &self.sender, SENDER_CHARS_MAX),
            ("body", &self.body, TEMPLATE_LENGTH_CHARS_MAX),
            ("not_marketing_reason", &self.not_marketing_reason, REASON_CHARS_MAX),
            ("assessment_reference", &self.assessment_reference, REFERENCE_CHARS_MAX),
        ];
        for (field, text, most) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > most) {
                wrong.push((field, format!("at most {most} characters")));
            }
        }
        if self.schedule.as_ref().is_some_and(|schedule| !(1..=DAYS_MAX).contains(&schedule.days.len())) {
            wrong.push(("schedule.days", "one to seven days of the week".into()));
        }
        if let Some(retry) = &self.retry {
            retry.check(["retry.attempts_max", "retry.rules"], &mut wrong);
        }
        if let Some(Err(error)) = self.rate_per_second.map(MessagesPerSecond::new) {
            wrong.push(("rate_per_second", error.to_string()));
        }
        super::sequence::check(self.then.as_deref().unwrap_or_default(), self.stops.as_ref(), self.evergreen.as_ref(), &mut wrong);
        self.check_call(&mut wrong);
        if wrong.is_empty() { Ok(self.into()) } else { Err(faults(wrong)) }
    }
}

impl NewCampaign {
    fn check_call(&self, wrong: &mut Vec<(&str, String)>) {
        let is_call = self.channel.is_some_and(|channel| channel.0 == Medium::Voice);
        if !is_call && self.script.as_ref().is_some_and(|script| !script.is_empty()) {
            wrong.push(("script", "only calls have one: set channel to voice, or leave it out".into()));
        }
        if !is_call && self.call_pacing.is_some() {
            wrong.push(("call_pacing", "only calls have one: set channel to voice, or leave it out".into()));
        }
        if is_call && self.body.as_ref().is_some_and(|body| !body.is_empty()) {
            wrong.push(("body", "only texts have one: calls have a script".into()));
        }
        if self.script.as_ref().is_some_and(|script| script.len() > SCRIPT_BYTES_MAX) {
            wrong.push(("script", format!("at most {SCRIPT_BYTES_MAX} bytes")));
        }
        wrong.extend(self.call_pacing.and_then(CallPacing::fault));
        if let Some(recording) = &self.recording {
            if !is_call {
                wrong.push(("recording", "only calls have one: set channel to voice, or leave it out".into()));
            }
            wrong.extend(recording.too_long());
        }
    }
}

impl From<NewCampaign> for CampaignDraft {
    fn from(new: NewCampaign) -> Self {
        let base = Self::of(new.channel.map_or(Medium::Sms, |channel| channel.0), &new.name);
        Self {
            channel: base.channel,
            purpose: new.purpose.map(|purpose| purpose.0),
            underlying_purpose: new.underlying_purpose.map(|purpose| purpose.0),
            not_marketing_reason: new.not_marketing_reason.unwrap_or_default(),
            basis: new.legal_basis.map(|basis| basis.0),
            assessment_reference: new.assessment_reference.unwrap_or_default(),
            list_id: new.list.map(|list| list.0),
            filter_id: new.filter.map(|filter| filter.0),
            body: new.body.unwrap_or_default(),
            script: new.script.unwrap_or_default(),
            call_pacing: new.call_pacing.map_or(base.call_pacing, Into::into),
            recording: new.recording.map_or(base.recording, Into::into),
            sender: new.sender.unwrap_or_default(),
            schedule: new.schedule.map_or(base.schedule, Into::into),
            retry: new.retry.map_or(base.retry, Into::into),
            rate_per_second: new.rate_per_second.unwrap_or(base.rate_per_second),
            sequence: written(new.then, new.stops, new.evergreen),
            name: new.name,
        }
    }
}
