//! Messages that answer the person's own, and test sends to oneself: the same permit, asked of fewer rules.
//!
//! The confirmation of an opt-out must not be blocked by that opt-out (US-6 allows one, within five minutes of the
//! request). A test send goes to a number that the tenant's own user typed: no campaign rule speaks of it, but a person
//! who said stop, or who is held, gets no test either.

use crate::compliance::check::{Answer, Check};
use crate::compliance::decide::{Decision, PERMIT_LASTS_MS, Permit, Refusal};
use crate::compliance::facts::Facts;
use crate::compliance::rule_pack::RulePack;
use crate::compliance::rule_set::RuleSet;
use crate::time::{Instant, MINUTE_MS};

/// An answer later than this would come out of the blue (US-6).
pub const ANSWER_WITHIN_MS: i64 = 5 * MINUTE_MS;

/// Why a message outside any campaign may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeGround {
    /// The person wrote to us at this time: STOP gets its one confirmation, HELP its answer.
    Answer { asked_at: Instant },
    /// A user tries a message on a number of their own.
    TestSend,
}

/// May this notice be sent now? An answer that is too late is refused with no rule: nobody waits for it any more.
#[must_use]
pub fn decide_notice(rules: &RulePack, ground: NoticeGround, facts: &Facts<'_>, now: Instant) -> Decision {
    let (mut passed, mut refusing) = (RuleSet::default(), RuleSet::default());
    for index in 0..rules.rules().len() {
        let check = rules.check(index);
        let speaks = match check {
            Check::TestRange | Check::LineTypes(_) => true,
            Check::Suppressions(_) | Check::Restricted | Check::Holds { .. } => ground == NoticeGround::TestSend,
            _ => false,
        };
        let covered = facts.number.region.is_some_and(|region| rules.covers(region));
        let asked = match check {
            // An answer goes to whoever wrote to us, wherever they are.
            Check::RegionCovered if ground == NoticeGround::TestSend => Some(Answer::from(covered)),
            check => speaks.then(|| check.ask(facts, now)),
        };
        match asked {
            Some(Answer::Pass) => passed.insert(index),
            Some(Answer::Refuse | Answer::Defer(_)) => refusing.insert(index),
            Some(Answer::Silent) | None => {}
        }
    }
    let late = matches!(ground, NoticeGround::Answer { asked_at } if now.ms() - asked_at.ms() > ANSWER_WITHIN_MS);
    if late || !refusing.is_empty() {
        return Decision::Refuse(Refusal { rules: refusing, version: rules.version() });
    }
    Decision::Permit(Permit::new(passed, rules.version(), now.plus_ms(PERMIT_LASTS_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaigns::campaign::Channel;
    use crate::compliance::RuleBook;
    use crate::compliance::facts::{MessageFacts, NumberFacts};
    use crate::compliance::hold::{Hold, HoldReason};
    use crate::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
    use crate::contacts::address::LineType;
    use crate::tenancy::tenant::NumberMode;

    fn ask(ground: NoticeGround, suppressions: &[Suppression], mode: NumberMode) -> Decision {
        ask_held(ground, suppressions, &[], mode)
    }

    fn ask_held(ground: NoticeGround, suppressions: &[Suppression], holds: &[Hold], mode: NumberMode) -> Decision {
        let now = Instant(1_795_435_200_000);
        let book = RuleBook::embedded().expect("the shipped packs");
        let facts = Facts {
            channel: Channel::Sms,
            purpose: None,
            basis: None,
            assessment_recorded: false,
            number: NumberFacts { is_test_range: true, mode, line_type: LineType::Mobile, region: Some("GB") },
            zones: &[],
            suppressions,
            holds,
            is_restricted: false,
            consents: &[],
            soft_opt_in: None,
            touches: &[],
            wishes: None,
            message: MessageFacts::default(),
            campaign_hours: None,
        };
        decide_notice(book.pack(Some("GB"), now), ground, &facts, now)
    }

    #[test]
    fn the_confirmation_of_an_opt_out_is_not_blocked_by_it_and_a_test_send_is() {
        let stopped = [Suppression { scope: SuppressionScope::Sms, reason: SuppressionReason::OptOut }];
        let now = Instant(1_795_435_200_000);
        let answer = |age_ms: i64| NoticeGround::Answer { asked_at: now.plus_ms(-age_ms) };
        assert!(matches!(ask(answer(1_000), &stopped, NumberMode::Demo), Decision::Permit(_)));
        assert!(matches!(ask(answer(ANSWER_WITHIN_MS + 1), &stopped, NumberMode::Demo), Decision::Refuse(_)));
        assert!(matches!(ask(NoticeGround::TestSend, &stopped, NumberMode::Demo), Decision::Refuse(_)));
        assert!(matches!(ask(NoticeGround::TestSend, &[], NumberMode::Demo), Decision::Permit(_)));
        assert!(matches!(ask(NoticeGround::TestSend, &[], NumberMode::Production), Decision::Refuse(_)), "a test number in production");
        for reason in HoldReason::ALL {
            let held = [Hold { reason: *reason, until: None }];
            assert!(matches!(ask_held(NoticeGround::TestSend, &[], &held, NumberMode::Demo), Decision::Refuse(_)), "{reason}: a test is no way round it");
            assert!(matches!(ask_held(answer(1_000), &[], &held, NumberMode::Demo), Decision::Permit(_)), "{reason}: whoever asks gets an answer");
        }
    }
}
