//! The one question before every attempt: may this person be contacted now? Pure, and with `notice` the only maker of permits.
//!
//! Every refusal is collected, so that the tenant sees all that is wrong at once; else the latest deferral; else a permit.

use crate::compliance::call_rules::CallFacts;
use crate::compliance::check::{Answer, Check};
use crate::compliance::facts::Facts;
use crate::compliance::opening::{Opening, WindowCache, first_open};
use crate::compliance::purpose::Purpose;
use crate::compliance::rule_pack::RulePack;
use crate::compliance::rule_set::{PackVersion, RuleSet};
use crate::time::{Instant, MINUTE_MS};

/// A permit is for now: facts and windows may change within a minute.
pub const PERMIT_LASTS_MS: i64 = MINUTE_MS;

/// The answer, with the rules that made it.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Permit(Permit),
    Defer(Deferral),
    Refuse(Refusal),
}

/// Leave to make one attempt, soon. Only the decisions of `compliance` make one; it cannot be copied, and it goes stale.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    passed: RuleSet,
    version: PackVersion,
    valid_until: Instant,
}

/// Not before `until`; the rules are those that are closed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deferral {
    pub until: Instant,
    pub rules: RuleSet,
    pub version: PackVersion,
}

/// Not at all while the facts are these; every rule that refuses is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub rules: RuleSet,
    pub version: PackVersion,
}

impl Permit {
    /// For the decisions of this folder alone: nothing outside `compliance` can make a permit.
    pub(super) fn new(passed: RuleSet, version: PackVersion, valid_until: Instant) -> Self {
        Self { passed, version, valid_until }
    }

    /// A permit that waited past this must be asked for again.
    #[must_use]
    pub fn is_fresh(&self, now: Instant) -> bool {
        now < self.valid_until
    }

    #[must_use]
    pub fn valid_until(&self) -> Instant {
        self.valid_until
    }

    #[must_use]
    pub fn passed(&self) -> RuleSet {
        self.passed
    }

    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.version
    }
}

impl Decision {
    /// For the attempt's record: `uk@2026-11-23 passed UK-17,UK-34`, `… deferred by UK-34 until …`, `… refused by UK-50`.
    #[must_use]
    pub fn summary(&self, rules: &RulePack) -> String {
        let named = |set| rules.ids(set).collect::<Vec<_>>().join(",");
        match self {
            Self::Permit(permit) => format!("{} passed {}", permit.version, named(permit.passed)),
            Self::Defer(deferral) => format!("{} deferred by {} until {}", deferral.version, named(deferral.rules), deferral.until.rfc3339()),
            Self::Refuse(refusal) => format!("{} refused by {}", refusal.version, named(refusal.rules)),
        }
    }
}

/// One decision by itself. For a batch use `decide_cached`, which remembers what the windows said.
#[must_use]
pub fn decide(rules: &RulePack, facts: &Facts<'_>, now: Instant) -> Decision {
    decide_cached(rules, &mut WindowCache::new(), facts, now)
}

/// The same decision, with a cache that the batch keeps.
#[must_use]
pub fn decide_cached(rules: &RulePack, cache: &mut WindowCache, facts: &Facts<'_>, now: Instant) -> Decision {
    decide_with(rules, cache, facts, None, now)
}

/// The decision about a call, which needs facts of its own.
#[must_use]
pub fn decide_call(rules: &RulePack, cache: &mut WindowCache, facts: &Facts<'_>, call: &CallFacts, now: Instant) -> Decision {
    decide_with(rules, cache, facts, Some(call), now)
}

fn decide_with(rules: &RulePack, cache: &mut WindowCache, facts: &Facts<'_>, call: Option<&CallFacts>, now: Instant) -> Decision {
    cache.belong_to(rules.version());
    let mut inquiry = Inquiry { rules, facts, now, passed: RuleSet::default(), deferring: RuleSet::default(), refusing: RuleSet::default(), until: now, closes: None };
    let zones_known = !facts.zones.is_empty() && facts.zones.iter().all(|zone| cache.zone(zone).is_some());
    for index in applicable(rules, facts).indices() {
        let answer = match rules.check(index) {
            Check::RegionCovered => facts.number.region.is_some_and(|region| rules.covers(region)).into(),
            Check::PackInForce => rules.is_in_force(now).into(),
            Check::ZoneKnown => zones_known.into(),
            Check::Hours(opening) if zones_known => inquiry.window(cache, opening),
            Check::CampaignHours if zones_known => facts.campaign_hours.map_or(Answer::Silent, |hours| inquiry.window(cache, &plain(hours))),
            Check::Wishes if zones_known => inquiry.wishes(cache, rules.check(index)),
            Check::Call(check) => call.map_or(Answer::Refuse, |call| check.ask(call, now)),
            check => check.ask(facts, now),
        };
        inquiry.note(index, answer);
    }
    inquiry.conclude(cache)
}

/// The rules for this channel and for every purpose that applies; with no known purpose, those that ask in any case.
fn applicable(rules: &RulePack, facts: &Facts<'_>) -> RuleSet {
    match facts.purpose.and_then(|stated| stated.in_law()) {
        None => Purpose::ALL.iter().fold(rules.all(), |common, purpose| common.intersection(rules.applying(*purpose, facts.channel))),
        Some((first, None)) => rules.applying(first, facts.channel),
        Some((first, Some(second))) => rules.applying(first, facts.channel).union(rules.applying(second, facts.channel)),
    }
}

fn plain(hours: &crate::compliance::window::WeekHours) -> Opening {
    Opening { hours: *hours, closed_on_holidays: false }
}

/// What has been heard so far about one decision.
struct Inquiry<'a> {
    rules: &'a RulePack,
    facts: &'a Facts<'a>,
    now: Instant,
    passed: RuleSet,
    deferring: RuleSet,
    refusing: RuleSet,
    /// The latest of the deferrals.
    until: Instant,
    /// When the first of the open windows closes.
    closes: Option<Instant>,
}

impl Inquiry<'_> {
    fn note(&mut self, index: usize, answer: Answer) {
        match answer {
            Answer::Pass => self.passed.insert(index),
            Answer::Silent => {}
            Answer::Refuse => self.refusing.insert(index),
            Answer::Defer(until) => {
                self.deferring.insert(index);
                self.until = self.until.max(until);
            }
        }
    }

    /// Open in every zone, or closed until the last of them opens. When all windows are open at once is found in `conclude`.
    fn window(&mut self, cache: &mut WindowCache, opening: &Opening) -> Answer {
        let mut answer = Answer::Pass;
        for name in self.facts.zones {
            let Some(spell) = cache.zone(name).and_then(|zone| cache.spell(zone, opening, self.rules.holidays(), self.now)) else {
                return Answer::Refuse;
            };
            if spell.is_open {
                self.closes = Some(self.closes.map_or(spell.until, |closes| closes.min(spell.until)));
            } else {
                answer = Answer::Defer(self.now);
            }
        }
        answer
    }

    fn wishes(&mut self, cache: &mut WindowCache, check: &Check) -> Answer {
        match check.ask(self.facts, self.now) {
            Answer::Pass => {}
            answer => return answer,
        }
        self.facts.wishes.and_then(|wishes| wishes.hours).map_or(Answer::Pass, |hours| self.window(cache, &plain(&hours)))
    }

    fn conclude(mut self, cache: &mut WindowCache) -> Decision {
        let version = self.rules.version();
        if self.refusing.is_empty() && self.deferring.is_empty() {
            let latest = self.now.plus_ms(PERMIT_LASTS_MS);
            let valid_until = self.closes.map_or(latest, |closes| closes.min(latest));
            return Decision::Permit(Permit::new(self.passed, version, valid_until));
        }
        if self.refusing.is_empty() {
            match self.opens_after_all(cache) {
                Some(until) => return Decision::Defer(Deferral { until, rules: self.deferring, version }),
                // Windows that are never open together: waiting would not help.
                None => self.refusing = self.deferring,
            }
        }
        Decision::Refuse(Refusal { rules: self.refusing, version })
    }

    /// The first instant, once the other deferrals are over, at which every window is open in every zone. Windows that are closed for
    /// `SEARCH_DAYS` from now are closed whatever else defers: a hold does not help by moving the look to another season.
    fn opens_after_all(&self, cache: &mut WindowCache) -> Option<Instant> {
        let mut openings = Vec::new();
        for index in applicable(self.rules, self.facts).indices() {
            match self.rules.check(index) {
                Check::Hours(opening) => openings.push(*opening),
                Check::CampaignHours => openings.extend(self.facts.campaign_hours.map(plain)),
                Check::Wishes => openings.extend(self.facts.wishes.and_then(|wishes| wishes.hours).as_ref().map(plain)),
                _ => {}
            }
        }
        let indices: Vec<u32> = self.facts.zones.iter().filter_map(|name| cache.zone(name)).collect();
        let zones: Vec<jiff::tz::TimeZone> = indices.iter().filter_map(|zone| cache.time_zone(*zone).cloned()).collect();
        let first = first_open(&openings, &zones, self.rules.holidays(), self.now)?;
        if first >= self.until { Some(first) } else { first_open(&openings, &zones, self.rules.holidays(), self.until) }
    }
}

#[cfg(test)]
#[path = "decide_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
