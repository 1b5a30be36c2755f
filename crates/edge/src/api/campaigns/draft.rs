//! A campaign as its author writes it. A draft may be unfinished; what a start needs is told by `faults`.

use clarion_domain::campaigns::retry::{RetryRule as DomainRule, RetryRules as DomainRules};
use clarion_domain::campaigns::schedule::Schedule as DomainSchedule;
use clarion_domain::time::Instant;
use clarion_store::campaigns::CampaignDraft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::wire::{Day, Disposition, FilterId, LegalBasis, ListId, Purpose, Time, TimeOfDay};

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
    #[schema(max_items = 4)]
    pub rules: Vec<RetryRule>,
}

/// After this disposition, another attempt this much later. Only `expired`, `undeliverable`, `rejected` and `no_route`
/// are tried again.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    pub after: Disposition,
    #[schema(minimum = 5, maximum = 10080)]
    pub delay_minutes: u32,
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
    list: Option<ListId>,
    filter: Option<FilterId>,
    /// The text with its fields: `Hello {first_name|there}`.
    #[schema(max_length = 1530)]
    body: Option<String>,
    #[schema(max_length = 20)]
    sender: Option<String>,
    schedule: Option<Schedule>,
    retry: Option<RetryRules>,
    /// Messages a second.
    #[schema(minimum = 1, maximum = 10000)]
    rate_per_second: Option<u32>,
}

impl From<NewCampaign> for CampaignDraft {
    fn from(new: NewCampaign) -> Self {
        let base = Self::new(&new.name);
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
            sender: new.sender.unwrap_or_default(),
            schedule: new.schedule.map_or(base.schedule, Into::into),
            retry: new.retry.map_or(base.retry, Into::into),
            rate_per_second: new.rate_per_second.unwrap_or(base.rate_per_second),
            name: new.name,
        }
    }
}
