//! The kinds of check that a rule of a pack may name, each one small function over the facts.

use crate::campaigns::campaign::Channel;
use crate::compliance::call_rules::CallCheck;
use crate::compliance::consent::{self, Standing};
use crate::compliance::facts::Facts;
use crate::compliance::hold::HoldReason;
use crate::compliance::opening::Opening;
use crate::compliance::purpose::LegalBasis;
use crate::compliance::suppression::SuppressionReason;
use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;
use crate::time::Instant;
use crate::word::words;

/// What a rule looks at, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    PurposeKnown,
    BasisKnown,
    BasisConsent { lasts_months: u16 },
    RegionCovered,
    PackInForce,
    ZoneKnown,
    TestRange,
    LineTypes(Vec<LineType>),
    Restricted,
    Suppressions(Vec<SuppressionReason>),
    Holds { reasons: Vec<HoldReason>, ends: HoldEnd },
    Wishes,
    CampaignHours,
    Hours(Opening),
    Cap(Cap),
    Consent,
    ConsentProof { lasts_months: u16 },
    SoftOptIn,
    SenderAndStop,
    NoPromotion,
    Never,
    /// A rule of calls, asked with the facts of the call; without them it refuses.
    Call(CallCheck),
    /// Met by the way the software works; nothing to ask.
    ByDesign,
}

words! {
    /// Whether a hold ends at its date or only when somebody ends it.
    pub enum HoldEnd {
        ByPerson = "by_person",
        AtUntil = "at_until",
    }
}

words! {
    pub enum CapCounts {
        Every = "every",
        SamePurpose = "same_purpose",
    }
}

/// At most `count_max` attempts in any `period_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap {
    pub count_max: u16,
    pub period_ms: i64,
    pub counts: CapCounts,
}

/// One rule's answer. Windows answer elsewhere, as they are asked together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Pass,
    /// The rule has nothing to say about these facts.
    Silent,
    Defer(Instant),
    Refuse,
}

impl From<bool> for Answer {
    fn from(passes: bool) -> Self {
        if passes { Self::Pass } else { Self::Refuse }
    }
}

impl Check {
    pub(super) fn ask(&self, facts: &Facts<'_>, now: Instant) -> Answer {
        match self {
            Self::PurposeKnown => facts.purpose.is_some_and(|stated| stated.in_law().is_some()).into(),
            Self::BasisKnown => (facts.basis.is_some() && (facts.basis != Some(LegalBasis::LegitimateInterest) || facts.assessment_recorded)).into(),
            Self::BasisConsent { lasts_months } if facts.basis == Some(LegalBasis::Consent) => {
                consent::standing(facts).is_some_and(|consent| consent::is_proven(consent, *lasts_months, now)).into()
            }
            Self::TestRange => (facts.number.is_test_range == (facts.number.mode == NumberMode::Demo)).into(),
            Self::LineTypes(allowed) => allowed.contains(&facts.number.line_type).into(),
            Self::Restricted => (!facts.is_restricted).into(),
            Self::Suppressions(reasons) => {
                (!facts.suppressions.iter().any(|entry| reasons.contains(&entry.reason) && entry.scope.covers(facts.channel))).into()
            }
            Self::Holds { reasons, ends } => held(facts, reasons, *ends, now),
            Self::Wishes => facts.wishes.map_or(Answer::Silent, |wishes| {
                (!match facts.channel {
                    Channel::Sms => wishes.no_sms,
                    Channel::Voice => wishes.no_voice,
                })
                .into()
            }),
            Self::Cap(cap) => cap.ask(facts, now),
            Self::Consent => match consent::relied_on(facts) {
                Standing::Consent(_) => Answer::Pass,
                Standing::SoftOptIn(_) => Answer::Silent,
                Standing::Nothing => Answer::Refuse,
            },
            Self::ConsentProof { lasts_months } => match consent::relied_on(facts) {
                Standing::Consent(consent) => consent::is_proven(consent, *lasts_months, now).into(),
                Standing::SoftOptIn(_) | Standing::Nothing => Answer::Silent,
            },
            Self::SoftOptIn => match consent::relied_on(facts) {
                Standing::SoftOptIn(evidence) => (consent::is_complete(evidence) && facts.message.says_how_to_stop).into(),
                Standing::Consent(_) | Standing::Nothing => Answer::Silent,
            },
            Self::SenderAndStop => (facts.message.names_sender && facts.message.says_how_to_stop).into(),
            Self::NoPromotion => (!facts.message.is_promotional).into(),
            Self::Never | Self::Call(_) => Answer::Refuse,
            Self::ByDesign | Self::BasisConsent { .. } => Answer::Silent,
            // Asked by `decide`, which holds the pack and the windows.
            Self::RegionCovered | Self::PackInForce | Self::ZoneKnown | Self::CampaignHours | Self::Hours(_) => Answer::Silent,
        }
    }
}

fn held(facts: &Facts<'_>, reasons: &[HoldReason], ends: HoldEnd, now: Instant) -> Answer {
    let mut answer = Answer::Pass;
    for hold in facts.holds.iter().filter(|hold| reasons.contains(&hold.reason)) {
        match (hold.until, ends) {
            (Some(until), HoldEnd::AtUntil) if until <= now => {}
            (Some(until), HoldEnd::AtUntil) => {
                answer = match answer {
                    Answer::Defer(later) => Answer::Defer(later.max(until)),
                    _ => Answer::Defer(until),
                }
            }
            (None, _) | (_, HoldEnd::ByPerson) => return Answer::Refuse,
        }
    }
    answer
}

impl Cap {
    /// Full: wait until so many have left the period that one more fits.
    fn ask(&self, facts: &Facts<'_>, now: Instant) -> Answer {
        let since = now.plus_ms(-self.period_ms);
        let counts = |touch: &&crate::compliance::facts::Touch| {
            touch.at > since && (self.counts == CapCounts::Every || facts.purpose.is_some_and(|stated| stated.purpose == touch.purpose))
        };
        let max = usize::from(self.count_max);
        if facts.touches.iter().filter(counts).count() < max {
            return Answer::Pass;
        }
        if max == 0 {
            return Answer::Refuse;
        }
        let mut within: Vec<Instant> = facts.touches.iter().filter(counts).map(|touch| touch.at).collect();
        within.sort_unstable();
        Answer::Defer(within[within.len() - max].plus_ms(self.period_ms))
    }
}
