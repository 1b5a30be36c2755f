//! The counting of a dry run: one recipient after the other, without keeping any.

mod calls;

use std::collections::{BTreeMap, BTreeSet};

use clarion_domain::campaigns::estimate::{Estimate, ZoneGroup, estimate};
use clarion_domain::campaigns::pacing::{MessagesPerSecond, Pace, Rate};
use clarion_domain::campaigns::segments::{self, Alphabet, ReferenceWidth};
use clarion_domain::campaigns::template::{RenderError, Template};
use clarion_domain::carriers::sender::Sender;
use clarion_domain::compliance::Decision;
use clarion_domain::compliance::opening::Opening;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::campaigns::{CampaignRecord, DeferredGroup, DryRunCost, DryRunResult, MissingField, RefusedGroup};
use clarion_store::compliance::{BLOCKED_SENDER, BLOCKED_SENDER_WHY, CallMark, CampaignTerms, RecipientFacts, RuleReason, decide, decide_call, refuse_text};

pub(super) use calls::CallsTally;

use super::prices::{Prices, reference_of};

const DEFERRED_GROUP_MS: i64 = 15 * MINUTE_MS;

/// What people would get.
pub(super) enum Content {
    /// The text, and what stands in it for each short link.
    Messages(Template, Option<String>),
    Calls(CallsTally),
}

/// What is added up on the way.
pub(super) struct Tally<'a> {
    pub campaign: &'a CampaignRecord,
    pub terms: &'a CampaignTerms,
    pub content: Content,
    pub prices: &'a Prices,
    /// The instant for which it is decided.
    pub at: Instant,
    result: DryRunResult,
    deferred_until: BTreeMap<i64, u64>,
    latest_deferral: Option<Instant>,
    refused_by: BTreeMap<String, (String, u64)>,
    deferred_by: BTreeMap<String, (String, u64)>,
    missing_fields: BTreeMap<String, u64>,
    costs: BTreeMap<String, i64>,
    /// Messages and segments by the zones in which the person may be.
    zones: BTreeMap<Vec<String>, (u64, u64)>,
    openings: Vec<Opening>,
    packs: BTreeSet<String>,
    trunk_rates: BTreeMap<i64, i64>,
    sender: Option<Sender>,
}

impl<'a> Tally<'a> {
    pub fn new(campaign: &'a CampaignRecord, terms: &'a CampaignTerms, content: Content, prices: &'a Prices, at: Instant) -> Self {
        Self {
            campaign,
            terms,
            content,
            prices,
            at,
            result: DryRunResult { at_ms: at.ms(), ..DryRunResult::default() },
            deferred_until: BTreeMap::new(),
            latest_deferral: None,
            refused_by: BTreeMap::new(),
            deferred_by: BTreeMap::new(),
            missing_fields: BTreeMap::new(),
            costs: BTreeMap::new(),
            zones: BTreeMap::new(),
            openings: Vec::new(),
            packs: BTreeSet::new(),
            trunk_rates: BTreeMap::new(),
            sender: Sender::parse(&campaign.sender).ok(),
        }
    }

    /// `mark` is what the number has been through with this tenant's calls.
    pub fn add(&mut self, person: &RecipientFacts, mark: CallMark) {
        self.result.audience += 1;
        let decision = match self.content {
            Content::Messages(..) => decide(self.terms, person, &[], self.at),
            Content::Calls(_) => decide_call(self.terms, person, &[], mark, self.at),
        };
        self.note_pack(&decision, person);
        if let Decision::Refuse(_) = decision {
            return self.refuse(&decision, person);
        }
        match &self.content {
            Content::Calls(_) => {
                self.may(&decision, person);
                self.add_call(person);
            }
            Content::Messages(template, link) => {
                if self.sender.as_ref().is_some_and(|sender| sender.check_toward(&person.region).is_err()) {
                    self.result.refused += 1;
                    self.refused_by.entry(BLOCKED_SENDER.to_owned()).or_insert((BLOCKED_SENDER_WHY.to_owned(), 0)).1 += 1;
                    return;
                }
                match template.render_links(|name| person.profile.field(name), |_, target| link.clone().unwrap_or(target)) {
                    Err(RenderError { field }) => {
                        self.result.unrenderable += 1;
                        *self.missing_fields.entry(field).or_default() += 1;
                    }
                    Ok(text) => {
                        if let Some(refusal) = refuse_text(self.terms, person, &text, self.at) {
                            return self.refuse(&refusal, person);
                        }
                        self.may(&decision, person);
                        self.add_message(&text, person);
                    }
                }
            }
        }
    }

    /// Eligible now, or later.
    fn may(&mut self, decision: &Decision, person: &RecipientFacts) {
        let Decision::Defer(deferral) = decision else {
            self.result.eligible += 1;
            return;
        };
        self.result.deferred += 1;
        let quarter = (deferral.until.ms() + DEFERRED_GROUP_MS - 1).div_euclid(DEFERRED_GROUP_MS) * DEFERRED_GROUP_MS;
        *self.deferred_until.entry(quarter).or_default() += 1;
        self.latest_deferral = self.latest_deferral.max(Some(deferral.until));
        for RuleReason { rule, sentence } in self.terms.reasons(decision, &person.region, self.at) {
            self.deferred_by.entry(rule).or_insert((sentence, 0)).1 += 1;
        }
    }

    fn refuse(&mut self, decision: &Decision, person: &RecipientFacts) {
        self.result.refused += 1;
        for RuleReason { rule, sentence } in self.terms.reasons(decision, &person.region, self.at) {
            self.refused_by.entry(rule).or_insert((sentence, 0)).1 += 1;
        }
    }

    fn add_call(&mut self, person: &RecipientFacts) {
        let Content::Calls(calls) = &mut self.content else { return };
        calls.calls += 1;
        let Some(trunk) = self.prices.trunk(person.number.reveal(), &self.campaign.sender) else {
            self.result.unrouted += 1;
            return;
        };
        if self.trunk_rates.insert(trunk.id.0, trunk.rate_per_second).is_none() {
            calls.add_trunk(trunk.rate_per_second, &trunk.settings);
        }
        *self.costs.entry(trunk.currency.clone()).or_default() += calls.cost_of_100(&trunk.settings);
        self.zones.entry(person.zones.clone()).or_default().0 += 1;
    }

    fn add_message(&mut self, text: &str, person: &RecipientFacts) {
        let trunk = self.prices.trunk(person.number.reveal(), &self.campaign.sender);
        let count = segments::count_with(text, trunk.map_or(ReferenceWidth::Short, reference_of));
        let parts = count.segments as u64;
        self.result.messages += 1;
        self.result.segments += parts;
        self.result.messages_ucs2 += u64::from(count.alphabet == Alphabet::Ucs2);
        match trunk {
            None => self.result.unrouted += 1,
            Some(trunk) => {
                *self.costs.entry(trunk.currency.clone()).or_default() += trunk.cost_per_segment.saturating_mul(parts as i64);
                self.trunk_rates.insert(trunk.id.0, trunk.rate_per_second);
                let group = self.zones.entry(person.zones.clone()).or_default();
                *group = (group.0 + 1, group.1 + parts);
            }
        }
    }

    fn note_pack(&mut self, decision: &Decision, person: &RecipientFacts) {
        let words = self.terms.words(decision, &person.region, self.at);
        if self.packs.insert(words.rule_pack)
            && let Some(purpose) = self.terms.purpose
        {
            self.openings.extend(self.terms.rules(&person.region, self.at).openings(purpose, self.campaign.channel));
        }
    }

    pub fn conclude(mut self) -> DryRunResult {
        self.estimate();
        self.result.deferred_until = self.deferred_until.into_iter().map(|(until_ms, people)| DeferredGroup { until_ms, people }).collect();
        self.result.refused_by = by_rule(self.refused_by);
        self.result.deferred_by = by_rule(self.deferred_by);
        self.result.missing_fields = self.missing_fields.into_iter().map(|(field, people)| MissingField { field, people }).collect();
        if let Content::Calls(calls) = &self.content {
            self.result.calls = Some(calls.forecast());
            self.costs.values_mut().for_each(|cost| *cost = (*cost + 50) / 100);
        }
        self.result.costs = self.costs.into_iter().map(|(currency, amount)| DryRunCost { currency, amount }).collect();
        self.result.rule_packs = self.packs.into_iter().collect();
        self.result
    }

    /// The windows of all packs count for everybody: where they differ, the estimate is the later one.
    fn estimate(&mut self) {
        let zones = |names: &[String]| names.iter().filter_map(|name| jiff::tz::TimeZone::get(name).ok()).collect();
        let groups: Vec<ZoneGroup> = self.zones.iter().map(|(names, (messages, segments))| ZoneGroup { zones: zones(names), messages: *messages, segments: *segments }).collect();
        let found = match &self.content {
            Content::Calls(calls) => self.play(&groups, &calls.rate()),
            Content::Messages(..) => {
                let rate = u32::try_from(self.campaign.rate_per_second).unwrap_or(1);
                let Ok(campaign) = MessagesPerSecond::new(rate) else { return };
                let trunks: i64 = self.trunk_rates.values().sum();
                self.play(&groups, &Pace { campaign, trunks_segments_per_second: u32::try_from(trunks).unwrap_or(u32::MAX) })
            }
        };
        self.result.sending_ms = found.sending_ms;
        self.result.starts_at_ms = found.starts_at.map(Instant::ms);
        let finishes_at = found.finishes_at.filter(|_| self.result.unrouted == 0);
        self.result.finishes_at_ms = finishes_at.max(finishes_at.and(self.latest_deferral)).map(Instant::ms);
        self.result.left_unsent = found.messages_left + self.result.unrouted;
        self.result.bottleneck = found.bottleneck;
    }

    fn play(&self, groups: &[ZoneGroup], rate: &impl Rate) -> Estimate {
        estimate(groups, rate, &self.campaign.schedule, &self.openings, self.at)
    }
}

/// The most frequent first.
fn by_rule(counted: BTreeMap<String, (String, u64)>) -> Vec<RefusedGroup> {
    let mut groups: Vec<RefusedGroup> = counted.into_iter().map(|(rule, (sentence, people))| RefusedGroup { reason: RuleReason { rule, sentence }, people }).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.people));
    groups
}
