//! One region's rules of one time, as data: read from TOML, checked whole, and never changed afterwards.

use jiff::civil::Date;

use crate::campaigns::campaign::Channel;
use crate::compliance::check::Check;
use crate::compliance::hold::HoldReason;
use crate::compliance::opening::{Holidays, Opening};
use crate::compliance::purpose::{Purpose, StatedPurpose};
use crate::compliance::rule_file::{RawPack, RawRule, parse};
use crate::compliance::rule_set::{PackVersion, RuleSet};
use crate::compliance::suppression::SuppressionReason;
use crate::time::Instant;
use crate::word::words;

words! {
    /// How sure we are of a rule: the status column of the register of rules.
    pub enum RuleStatus {
        Verified = "V1",
        VerifiedText = "V1-text",
        VerifiedSecondary = "V2",
        VerifiedQuoted = "VG",
        Measured = "M",
        Memory = "MEM",
        /// A default of the product, not law.
        Policy = "POL",
    }
}

/// One rule as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    /// For the campaign manager, when it refuses or defers.
    pub manager: String,
    /// For the person who asks why they were, or were not, contacted.
    pub person: String,
    pub source: String,
    pub reviewer: String,
    pub status: RuleStatus,
    pub(super) check: Check,
}

/// The rules that decide about one set of regions, from one day to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePack {
    version: PackVersion,
    regions: Vec<String>,
    valid_from: Date,
    valid_to: Option<Date>,
    /// The same days as instants (UTC), the end excluded.
    in_force: (Instant, Instant),
    holidays: Holidays,
    rules: Vec<Rule>,
    /// By purpose, then channel.
    applying: [[RuleSet; 2]; 5],
}

/// Whether a check asks a question that no pack may leave out.
type Asks = fn(&Check) -> bool;

/// A pack that cannot be trusted, with the file and the place in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error("rule pack {file}: {reason}")]
    Syntax { file: String, reason: String },
    #[error("rule pack {file}, rule {rule}: {reason}")]
    Rule { file: String, rule: String, reason: String },
    #[error("rule packs {first} and {second} both speak for {region} on {date}: end one before the other begins")]
    Overlap { first: String, second: String, region: String, date: Date },
}

impl RulePack {
    /// Reads `every` (the rules of all regions) and one region's file into one pack.
    pub(super) fn read(every: (&str, &str), region: (&str, &str)) -> Result<Self, PackError> {
        let common = parse(every.0, every.1)?;
        let own = parse(region.0, region.1)?;
        let mut pack = Self::frame(region.0, &own)?;
        for (file, raw) in common.rules.iter().map(|raw| (every.0, raw)).chain(own.rules.iter().map(|raw| (region.0, raw))) {
            pack.add(file, raw)?;
        }
        pack.demand_what_must_be_asked(region.0)?;
        Ok(pack)
    }

    fn frame(file: &str, raw: &RawPack) -> Result<Self, PackError> {
        let wrong = |reason: String| PackError::Syntax { file: file.to_owned(), reason };
        if raw.name.is_empty() || raw.name.len() > PackVersion::NAME_MAX || !raw.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(wrong(format!("name {:?} is 1 to {} lower-case letters", raw.name, PackVersion::NAME_MAX)));
        }
        if let Some(region) = raw.regions.iter().find(|region| region.len() != 2 || !region.bytes().all(|b| b.is_ascii_uppercase())) {
            return Err(wrong(format!("{region:?} is not a region: write two capital letters, such as GB")));
        }
        let date = |key: &str, text: &str| text.parse::<Date>().map_err(|_| wrong(format!("{key} {text:?} is not a date: write 2026-11-23")));
        let valid_from = date("valid_from", &raw.valid_from)?;
        let valid_to = raw.valid_to.as_deref().map(|text| date("valid_to", text)).transpose()?;
        if valid_to.is_some_and(|to| to < valid_from) {
            return Err(wrong("valid_to is before valid_from".into()));
        }
        let mut days = raw.holidays.iter().map(|text| date("holidays", text)).collect::<Result<Vec<_>, _>>()?;
        days.sort_unstable();
        let known_until = raw.holidays_known_until.as_deref().map(|text| date("holidays_known_until", text)).transpose()?.unwrap_or(Date::MIN);
        let ends = valid_to.and_then(|to| to.tomorrow().ok()).map_or(Instant(i64::MAX), midnight);
        Ok(Self {
            version: PackVersion::new(&raw.name, valid_from, raw.revision),
            regions: raw.regions.clone(),
            valid_from,
            valid_to,
            in_force: (midnight(valid_from), ends),
            holidays: Holidays { days, known_until },
            rules: Vec::new(),
            applying: [[RuleSet::default(); 2]; 5],
        })
    }

    fn add(&mut self, file: &str, raw: &RawRule) -> Result<(), PackError> {
        let wrong = |reason: String| PackError::Rule { file: file.to_owned(), rule: raw.id.clone(), reason };
        for (key, text) in [("id", &raw.id), ("manager", &raw.manager), ("person", &raw.person), ("source", &raw.source), ("reviewer", &raw.reviewer)] {
            if text.trim().is_empty() {
                return Err(wrong(format!("{key} must say something")));
            }
        }
        let check = raw.read_check().map_err(wrong)?;
        if matches!(check, Check::Hours(Opening { closed_on_holidays: true, .. })) && self.holidays.known_until == Date::MIN {
            return Err(wrong("closed_on_holidays needs the pack's holidays and holidays_known_until".into()));
        }
        let purposes = raw.purposes.as_deref().unwrap_or(Purpose::ALL);
        if raw.purposes.is_some() && purposes.contains(&Purpose::IncompleteApplication) {
            return Err(wrong("write marketing: an incomplete application takes its rules".into()));
        }
        let rule = Rule {
            id: raw.id.clone(),
            manager: raw.manager.clone(),
            person: raw.person.clone(),
            source: raw.source.clone(),
            reviewer: raw.reviewer.clone(),
            status: raw.status,
            check,
        };
        self.push(rule, purposes, raw.channels.as_deref().unwrap_or(Channel::ALL)).map_err(wrong)
    }

    pub(super) fn push(&mut self, rule: Rule, purposes: &[Purpose], channels: &[Channel]) -> Result<(), String> {
        let index = self.rules.len();
        if index >= RuleSet::MAX {
            return Err(format!("a pack holds at most {} rules", RuleSet::MAX));
        }
        if self.rules.iter().any(|known| known.id == rule.id) {
            return Err("this id is taken by another rule of the pack".into());
        }
        for purpose in purposes {
            for channel in channels {
                self.applying[*purpose as usize][*channel as usize].insert(index);
            }
        }
        self.rules.push(rule);
        Ok(())
    }

    /// A pack may be strict or lenient, but it may not forget to ask.
    fn demand_what_must_be_asked(&self, file: &str) -> Result<(), PackError> {
        let missing = |what: &str| Err(PackError::Syntax { file: file.to_owned(), reason: format!("no rule asks {what}, for every purpose and channel") });
        let questions: [(&str, Asks); 8] = [
            ("whether the purpose is known", |check| matches!(check, Check::PurposeKnown)),
            ("for a legal basis", |check| matches!(check, Check::BasisKnown)),
            ("whether the region is covered", |check| matches!(check, Check::RegionCovered)),
            ("whether the pack is in force", |check| matches!(check, Check::PackInForce)),
            ("whether the zone is known", |check| matches!(check, Check::ZoneKnown)),
            ("about test numbers", |check| matches!(check, Check::TestRange)),
            ("about restriction", |check| matches!(check, Check::Restricted)),
            ("for the campaign's hours", |check| matches!(check, Check::CampaignHours)),
        ];
        for (what, asks) in questions {
            if !self.asks_always(asks) {
                return missing(what);
            }
        }
        for reason in SuppressionReason::ALL {
            if !self.asks_always(|check| matches!(check, Check::Suppressions(reasons) if reasons.contains(reason))) {
                return missing(&format!("about suppressions of reason {reason}"));
            }
        }
        for reason in HoldReason::ALL {
            if !self.rules.iter().any(|rule| matches!(&rule.check, Check::Holds { reasons, .. } if reasons.contains(reason))) {
                return Err(PackError::Syntax { file: file.to_owned(), reason: format!("no rule speaks of holds of reason {reason}") });
            }
        }
        Ok(())
    }

    fn asks_always(&self, asks: impl Fn(&Check) -> bool) -> bool {
        self.applying.iter().flatten().all(|set| set.indices().any(|index| asks(&self.rules[index].check)))
    }

    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.version
    }

    /// The rules in the order of the pack; a `RuleSet` counts in it.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules of a set that one of this pack's decisions named.
    pub fn named(&self, set: RuleSet) -> impl Iterator<Item = &Rule> {
        set.indices().filter_map(|index| self.rules.get(index))
    }

    pub fn ids(&self, set: RuleSet) -> impl Iterator<Item = &str> {
        self.named(set).map(|rule| rule.id.as_str())
    }

    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    #[must_use]
    pub fn covers(&self, region: &str) -> bool {
        self.regions.iter().any(|covered| covered == region)
    }

    /// First and last day.
    #[must_use]
    pub fn valid(&self) -> (Date, Option<Date>) {
        (self.valid_from, self.valid_to)
    }

    #[must_use]
    pub fn is_in_force(&self, now: Instant) -> bool {
        self.in_force.0 <= now && now < self.in_force.1
    }

    /// How far back the caps look: touches older than this need not be kept for deciding.
    #[must_use]
    pub fn touches_kept_ms(&self) -> i64 {
        self.rules.iter().filter_map(|rule| if let Check::Cap(cap) = &rule.check { Some(cap.period_ms) } else { None }).max().unwrap_or(0)
    }

    /// The calling windows that this pack adds for a purpose on a channel: for estimates, not for decisions.
    #[must_use]
    pub fn openings(&self, stated: StatedPurpose, channel: Channel) -> Vec<Opening> {
        let (first, second) = stated.in_law().map_or((None, None), |(first, second)| (Some(first), second));
        let sets = first.into_iter().chain(second).map(|purpose| self.applying(purpose, channel));
        let all = sets.fold(RuleSet::default(), RuleSet::union);
        all.indices().filter_map(|index| if let Check::Hours(opening) = self.check(index) { Some(*opening) } else { None }).collect()
    }

    /// Days on which its windows may be closed.
    #[must_use]
    pub fn holidays(&self) -> &Holidays {
        &self.holidays
    }

    pub(super) fn check(&self, index: usize) -> &Check {
        &self.rules[index].check
    }

    /// The purposes and channels that a rule speaks of, by its place in the pack.
    #[must_use]
    pub fn scope_of(&self, place: usize) -> (Vec<Purpose>, Vec<Channel>) {
        let speaks = |purpose: &Purpose, channel: &Channel| self.applying(*purpose, *channel).contains(place);
        let purposes = Purpose::ALL.iter().copied().filter(|purpose| Channel::ALL.iter().any(|channel| speaks(purpose, channel)));
        let channels = Channel::ALL.iter().copied().filter(|channel| Purpose::ALL.iter().any(|purpose| speaks(purpose, channel)));
        (purposes.collect(), channels.collect())
    }

    pub(super) fn applying(&self, purpose: Purpose, channel: Channel) -> RuleSet {
        self.applying[purpose as usize][channel as usize]
    }

    pub(super) fn all(&self) -> RuleSet {
        let mut all = RuleSet::default();
        (0..self.rules.len()).for_each(|index| all.insert(index));
        all
    }

    pub(super) fn mark_narrowed(&mut self) {
        self.version = self.version.narrowed();
    }
}

fn midnight(date: Date) -> Instant {
    date.to_zoned_datetime(jiff::tz::TimeZone::UTC).map_or(Instant(i64::MAX), |zoned| zoned.timestamp().into())
}
