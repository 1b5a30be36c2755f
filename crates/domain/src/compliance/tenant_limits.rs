//! What a tenant asks of itself beyond the law. It is added to the rules and all must pass, so it can only narrow.

use crate::campaigns::campaign::Channel;
use crate::compliance::check::{Cap, CapCounts, Check};
use crate::compliance::opening::Opening;
use crate::compliance::purpose::Purpose;
use crate::compliance::rule_pack::{Rule, RulePack, RuleStatus};
use crate::compliance::window::WeekHours;
use crate::time::HOUR_MS;

pub const CAPS_MAX: usize = 10;
pub const CAP_COUNT_MAX: u16 = 1000;
/// A year: what is kept of attempts need not go further back.
pub const CAP_PERIOD_HOURS_MAX: u32 = 8760;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantLimits {
    /// In the person's zone, for every purpose and channel.
    pub hours: Option<WeekHours>,
    pub caps: Vec<TenantCap>,
}

/// At most `count_max` attempts to a person in any `period_hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantCap {
    pub count_max: u16,
    pub period_hours: u32,
    /// `None` is for every purpose.
    pub purpose: Option<Purpose>,
}

impl TenantLimits {
    /// Whether `new` allows anything that these limits do not: more hours, or a cap that is gone, higher or shorter.
    #[must_use]
    pub fn is_looser(&self, new: &Self) -> bool {
        let wider_hours = match (self.hours, new.hours) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(old), Some(new)) => !new.is_within(&old),
        };
        wider_hours || self.caps.iter().any(|old| !new.caps.iter().any(|cap| cap.is_as_tight_as(old)))
    }
}

impl TenantCap {
    fn is_as_tight_as(&self, old: &Self) -> bool {
        self.count_max <= old.count_max && self.period_hours >= old.period_hours && (self.purpose.is_none() || self.purpose == old.purpose)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    #[error("the tenant's hours are never open: cancel the campaigns instead")]
    NeverOpen,
    #[error("a cap needs a period of at least 1 hour and at most {CAP_PERIOD_HOURS_MAX}, and a count of at least 1 and at most {CAP_COUNT_MAX}")]
    Cap,
    #[error("there are more than {CAPS_MAX} caps")]
    TooManyCaps,
    #[error("too many limits: {0}")]
    TooMany(String),
}

impl RulePack {
    /// This pack with a tenant's own limits added.
    pub fn narrowed_by(&self, limits: &TenantLimits) -> Result<Self, LimitsError> {
        let mut pack = self.clone();
        if let Some(hours) = limits.hours {
            if hours.is_never() {
                return Err(LimitsError::NeverOpen);
            }
            let check = Check::Hours(Opening { hours, closed_on_holidays: false });
            let rule = own_rule("TENANT-HOURS", check, "Your organisation's own hours are closed.", "The organisation contacts people only at certain hours.");
            pack.push(rule, Purpose::ALL, Channel::ALL).map_err(LimitsError::TooMany)?;
        }
        if limits.caps.len() > CAPS_MAX {
            return Err(LimitsError::TooManyCaps);
        }
        for (index, cap) in limits.caps.iter().enumerate() {
            if !(1..=CAP_PERIOD_HOURS_MAX).contains(&cap.period_hours) || !(1..=CAP_COUNT_MAX).contains(&cap.count_max) {
                return Err(LimitsError::Cap);
            }
            let counts = if cap.purpose.is_some() { CapCounts::SamePurpose } else { CapCounts::Every };
            let check = Check::Cap(Cap { count_max: cap.count_max, period_ms: i64::from(cap.period_hours) * HOUR_MS, counts });
            let rule = own_rule(
                &format!("TENANT-CAP-{}", index + 1),
                check,
                &format!("Your organisation's own limit of {} in {} hours is reached.", cap.count_max, cap.period_hours),
                "The organisation limits how often it contacts a person.",
            );
            let purposes = cap.purpose.as_ref().map_or(Purpose::ALL, std::slice::from_ref);
            pack.push(rule, purposes, Channel::ALL).map_err(LimitsError::TooMany)?;
        }
        if pack.rules().len() > self.rules().len() {
            pack.mark_narrowed();
        }
        Ok(pack)
    }
}

fn own_rule(id: &str, check: Check, manager: &str, person: &str) -> Rule {
    Rule {
        id: id.to_owned(),
        manager: manager.to_owned(),
        person: person.to_owned(),
        source: "The tenant's settings".to_owned(),
        reviewer: "The tenant".to_owned(),
        status: RuleStatus::Policy,
        check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_wider_hours_and_higher_caps() {
        let cap = |count_max, period_hours, purpose| TenantCap { count_max, period_hours, purpose };
        let of = |hours, caps: &[TenantCap]| TenantLimits { hours, caps: caps.to_vec() };
        let day = |from, to| Some(WeekHours::daily(from, to));
        let old = of(day(540, 1_020), &[cap(2, 24, None)]);
        for (new, looser) in [
            (old.clone(), false),
            (of(day(600, 1_000), &[cap(1, 48, None), cap(9, 1, Some(Purpose::Marketing))]), false),
            (of(day(539, 1_020), &[cap(2, 24, None)]), true),
            (of(None, &[cap(2, 24, None)]), true),
            (of(day(540, 1_020), &[cap(3, 24, None)]), true),
            (of(day(540, 1_020), &[cap(2, 23, None)]), true),
            (of(day(540, 1_020), &[cap(2, 24, Some(Purpose::Marketing))]), true),
            (of(day(540, 1_020), &[]), true),
        ] {
            assert_eq!(old.is_looser(&new), looser, "{new:?}");
            assert!(!TenantLimits::default().is_looser(&new));
        }
    }
}
