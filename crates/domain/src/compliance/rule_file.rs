//! The TOML of a rule pack as it is written, and how a rule's keys become its check. Unknown and idle keys are errors.

use serde::Deserialize;

use crate::campaigns::campaign::Channel;
use crate::compliance::call_rules::CallCheck;
use crate::compliance::check::{Cap, CapCounts, Check, HoldEnd};
use crate::compliance::hold::HoldReason;
use crate::compliance::opening::Opening;
use crate::compliance::purpose::Purpose;
use crate::compliance::rule_pack::{PackError, RuleStatus};
use crate::compliance::suppression::SuppressionReason;
use crate::compliance::window::{HoursError, WeekHours};
use crate::contacts::address::LineType;
use crate::time::HOUR_MS;
use crate::word::words;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPack {
    pub name: String,
    pub regions: Vec<String>,
    pub valid_from: String,
    pub valid_to: Option<String>,
    #[serde(default = "first_revision")]
    pub revision: u16,
    #[serde(default)]
    pub holidays: Vec<String>,
    pub holidays_known_until: Option<String>,
    #[serde(default, rename = "rule")]
    pub rules: Vec<RawRule>,
}

fn first_revision() -> u16 {
    1
}

words! {
    /// The names of the checks, as `check = "…"` writes them.
    pub(super) enum CheckName {
        PurposeKnown = "purpose_known",
        BasisKnown = "basis_known",
        BasisConsent = "basis_consent",
        RegionCovered = "region_covered",
        PackInForce = "pack_in_force",
        ZoneKnown = "zone_known",
        TestRange = "test_range",
        LineTypes = "line_types",
        Restricted = "restricted",
        Suppressions = "suppressions",
        Holds = "holds",
        Wishes = "wishes",
        CampaignHours = "campaign_hours",
        Hours = "hours",
        Cap = "cap",
        Consent = "consent",
        ConsentProof = "consent_proof",
        SoftOptIn = "soft_opt_in",
        SenderAndStop = "sender_and_stop",
        NoPromotion = "no_promotion",
        Never = "never",
        AfterAbandoned = "after_abandoned",
        AfterMachine = "after_machine",
        RingAtLeast = "ring_at_least",
        InformationMessage = "information_message",
        CallerId = "caller_id",
        MobileCallerId = "mobile_caller_id",
        MachineMistakes = "machine_mistakes",
        ByDesign = "by_design",
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub id: String,
    pub check: CheckName,
    pub purposes: Option<Vec<Purpose>>,
    pub channels: Option<Vec<Channel>>,
    pub manager: String,
    pub person: String,
    pub source: String,
    pub reviewer: String,
    pub status: RuleStatus,
    line_types: Option<Vec<LineType>>,
    suppressions: Option<Vec<SuppressionReason>>,
    holds: Option<Vec<HoldReason>>,
    ends: Option<HoldEnd>,
    lasts_months: Option<u16>,
    hours: Option<RawHours>,
    closed_on_holidays: Option<bool>,
    count_max: Option<u16>,
    period_hours: Option<u32>,
    counts: Option<CapCounts>,
    seconds_min: Option<u16>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHours {
    mon: String,
    tue: String,
    wed: String,
    thu: String,
    fri: String,
    sat: String,
    sun: String,
}

impl RawHours {
    fn read(&self) -> Result<WeekHours, HoursError> {
        let mut hours = WeekHours::default();
        for (day, text) in [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun].into_iter().enumerate() {
            hours.set_day(day, text)?;
        }
        Ok(hours)
    }
}

pub(super) fn parse(file: &str, text: &str) -> Result<RawPack, PackError> {
    toml::from_str(text).map_err(|error| PackError::Syntax { file: file.to_owned(), reason: error.to_string().trim().to_owned() })
}

impl RawRule {
    /// The check with its numbers. A key that this check does not read is an error, as it would seem to do something.
    pub(super) fn read_check(&self) -> Result<Check, String> {
        let mut raw = self.clone();
        let check = match self.check {
            CheckName::PurposeKnown => Check::PurposeKnown,
            CheckName::BasisKnown => Check::BasisKnown,
            CheckName::BasisConsent => Check::BasisConsent { lasts_months: needed(raw.lasts_months.take(), "lasts_months")? },
            CheckName::RegionCovered => Check::RegionCovered,
            CheckName::PackInForce => Check::PackInForce,
            CheckName::ZoneKnown => Check::ZoneKnown,
            CheckName::TestRange => Check::TestRange,
            CheckName::LineTypes => Check::LineTypes(some_of(raw.line_types.take(), "line_types")?),
            CheckName::Restricted => Check::Restricted,
            CheckName::Suppressions => Check::Suppressions(some_of(raw.suppressions.take(), "suppressions")?),
            CheckName::Holds => Check::Holds { reasons: some_of(raw.holds.take(), "holds")?, ends: needed(raw.ends.take(), "ends")? },
            CheckName::Wishes => Check::Wishes,
            CheckName::CampaignHours => Check::CampaignHours,
            CheckName::Hours => Check::Hours(raw.take_opening()?),
            CheckName::Cap => Check::Cap(raw.take_cap()?),
            CheckName::Consent => Check::Consent,
            CheckName::ConsentProof => Check::ConsentProof { lasts_months: needed(raw.lasts_months.take(), "lasts_months")? },
            CheckName::SoftOptIn => Check::SoftOptIn,
            CheckName::SenderAndStop => Check::SenderAndStop,
            CheckName::NoPromotion => Check::NoPromotion,
            CheckName::Never => Check::Never,
            CheckName::AfterAbandoned => Check::Call(CallCheck::AfterAbandoned { period_ms: i64::from(needed(raw.period_hours.take(), "period_hours")?) * HOUR_MS }),
            CheckName::AfterMachine => Check::Call(CallCheck::AfterMachine),
            CheckName::RingAtLeast => Check::Call(CallCheck::RingAtLeast { seconds: needed(raw.seconds_min.take(), "seconds_min")? }),
            CheckName::InformationMessage => Check::Call(CallCheck::InformationMessage),
            CheckName::CallerId => Check::Call(CallCheck::CallerId),
            CheckName::MobileCallerId => Check::Call(CallCheck::MobileCallerId),
            CheckName::MachineMistakes => Check::Call(CallCheck::MachineMistakes),
            CheckName::ByDesign => Check::ByDesign,
        };
        match raw.idle_key() {
            Some(key) => Err(format!("the check {} does not read the key {key}", self.check)),
            None => Ok(check),
        }
    }

    fn take_opening(&mut self) -> Result<Opening, String> {
        let hours = needed(self.hours.take(), "hours")?.read().map_err(|error| error.to_string())?;
        if hours.is_never() {
            return Err("the hours are never open: use the check never".into());
        }
        Ok(Opening { hours, closed_on_holidays: needed(self.closed_on_holidays.take(), "closed_on_holidays")? })
    }

    fn take_cap(&mut self) -> Result<Cap, String> {
        let period_hours = needed(self.period_hours.take(), "period_hours")?;
        if period_hours == 0 {
            return Err("period_hours must be at least 1".into());
        }
        Ok(Cap {
            count_max: needed(self.count_max.take(), "count_max")?,
            period_ms: i64::from(period_hours) * HOUR_MS,
            counts: needed(self.counts.take(), "counts")?,
        })
    }

    /// A key that is still set after its check has taken what it reads.
    fn idle_key(&self) -> Option<&'static str> {
        [
            ("line_types", self.line_types.is_some()),
            ("suppressions", self.suppressions.is_some()),
            ("holds", self.holds.is_some()),
            ("ends", self.ends.is_some()),
            ("lasts_months", self.lasts_months.is_some()),
            ("hours", self.hours.is_some()),
            ("closed_on_holidays", self.closed_on_holidays.is_some()),
            ("count_max", self.count_max.is_some()),
            ("period_hours", self.period_hours.is_some()),
            ("counts", self.counts.is_some()),
            ("seconds_min", self.seconds_min.is_some()),
        ]
        .into_iter()
        .find_map(|(key, set)| set.then_some(key))
    }
}

fn needed<T>(value: Option<T>, key: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("needs the key {key}"))
}

fn some_of<T>(values: Option<Vec<T>>, key: &str) -> Result<Vec<T>, String> {
    needed(values, key).and_then(|values| if values.is_empty() { Err(format!("{key} must name at least one")) } else { Ok(values) })
}
