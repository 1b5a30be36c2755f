//! When a recipient is tried again, and when never.

use crate::outcomes::cause::RetryAdvice;
use crate::outcomes::disposition::Disposition;
use crate::time::{Instant, MINUTE_MS};

pub const ATTEMPTS_MAX: u8 = 10;
pub const DELAY_MINUTES_MIN: u32 = 5;
/// One week.
pub const DELAY_MINUTES_MAX: u32 = 7 * 24 * 60;

/// After this disposition, another attempt this much later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    pub after: Disposition,
    pub delay_minutes: u32,
}

/// A campaign's attempts for each recipient, the first included, and what leads to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRules {
    pub attempts_max: u8,
    pub rules: Vec<RetryRule>,
}

/// Why retry rules cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    #[error("a campaign makes 1 to {ATTEMPTS_MAX} attempts for each person: {0} is outside")]
    Attempts(u8),
    #[error("{0} is never tried again: remove its rule")]
    NeverRetried(Disposition),
    #[error("there are two rules for {0}: keep one")]
    Twice(Disposition),
    #[error("the delay after {after} is {minutes} minutes: choose {DELAY_MINUTES_MIN} minutes to {DELAY_MINUTES_MAX} (a week)")]
    Delay { after: Disposition, minutes: u32 },
}

/// Dispositions after which another attempt can make sense. Never after a success, a number out of service, a block, or
/// `unknown`: that one may have been sent.
pub const RETRIABLE: &[Disposition] = &[Disposition::Expired, Disposition::Undeliverable, Disposition::Rejected, Disposition::NoRoute];

/// The same for calls. An abandoned call may be tried again only as its own rule says (UK-8), never sooner.
pub const RETRIABLE_CALLS: &[Disposition] = &[
    Disposition::NoAnswer,
    Disposition::Busy,
    Disposition::AnsweredMachine,
    Disposition::Congestion,
    Disposition::Rejected,
    Disposition::NoRoute,
    Disposition::Failed,
    Disposition::Cancelled,
    Disposition::Abandoned,
];

fn is_retriable(ended: Disposition) -> bool {
    RETRIABLE.contains(&ended) || RETRIABLE_CALLS.contains(&ended)
}

impl Default for RetryRules {
    /// Two attempts, four hours apart; half an hour when no trunk could take it.
    fn default() -> Self {
        let rule = |after, delay_minutes| RetryRule { after, delay_minutes };
        Self { attempts_max: 2, rules: vec![rule(Disposition::Expired, 240), rule(Disposition::Undeliverable, 240), rule(Disposition::NoRoute, 30)] }
    }
}

impl RetryRules {
    /// Three calls: again after half an hour when the line or the network was busy, after four hours when nobody answered,
    /// the next day when a machine did.
    #[must_use]
    pub fn for_calls() -> Self {
        let rule = |after, delay_minutes| RetryRule { after, delay_minutes };
        use Disposition as D;
        Self { attempts_max: 3, rules: vec![rule(D::NoAnswer, 240), rule(D::Busy, 30), rule(D::AnsweredMachine, 24 * 60), rule(D::Congestion, 30), rule(D::NoRoute, 30)] }
    }

    /// One attempt and no more.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts_max: 1, rules: Vec::new() }
    }

    pub fn check(&self) -> Result<(), RetryError> {
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts_max) {
            return Err(RetryError::Attempts(self.attempts_max));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if !is_retriable(rule.after) {
                return Err(RetryError::NeverRetried(rule.after));
            }
            if self.rules[..at].iter().any(|other| other.after == rule.after) {
                return Err(RetryError::Twice(rule.after));
            }
            if !(DELAY_MINUTES_MIN..=DELAY_MINUTES_MAX).contains(&rule.delay_minutes) {
                return Err(RetryError::Delay { after: rule.after, minutes: rule.delay_minutes });
            }
        }
        Ok(())
    }

    /// When the next attempt is due, after `attempts_made` of them and this end. The cause's own advice can forbid what
    /// the rules allow, never the other way round.
    #[must_use]
    pub fn next_attempt(&self, attempts_made: u8, ended: Disposition, advice: RetryAdvice, at: Instant) -> Option<Instant> {
        let allowed = attempts_made < self.attempts_max && advice != RetryAdvice::Never && is_retriable(ended);
        let rule = self.rules.iter().find(|rule| rule.after == ended).filter(|_| allowed)?;
        Some(at.plus_ms(i64::from(rule.delay_minutes) * MINUTE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant(1_795_392_000_000);

    #[test]
    fn tries_again_after_the_delay_until_the_limit() {
        let rules = RetryRules::default();
        assert_eq!((rules.check(), RetryRules::for_calls().check()), (Ok(()), Ok(())));
        assert_eq!(rules.next_attempt(1, Disposition::Expired, RetryAdvice::Later, NOW), Some(NOW.plus_ms(240 * MINUTE_MS)));
        assert_eq!(rules.next_attempt(2, Disposition::Expired, RetryAdvice::Later, NOW), None);
        assert_eq!(rules.next_attempt(1, Disposition::Rejected, RetryAdvice::Later, NOW), None, "no rule for it");
        assert_eq!(rules.next_attempt(1, Disposition::Undeliverable, RetryAdvice::Never, NOW), None, "the cause forbids it");
        assert_eq!(RetryRules::never().next_attempt(1, Disposition::Expired, RetryAdvice::Later, NOW), None);
    }

    #[test]
    fn refuses_rules_that_would_harass_or_cannot_be_meant() {
        let with = |after, delay_minutes| RetryRules { attempts_max: 3, rules: vec![RetryRule { after, delay_minutes }; 1] }.check();
        for never in [Disposition::Unknown, Disposition::Delivered, Disposition::InvalidNumber, Disposition::Blocked, Disposition::Accepted] {
            assert_eq!(with(never, 60), Err(RetryError::NeverRetried(never)));
        }
        assert_eq!(with(Disposition::Expired, 4), Err(RetryError::Delay { after: Disposition::Expired, minutes: 4 }));
        assert_eq!(RetryRules { attempts_max: 0, rules: vec![] }.check(), Err(RetryError::Attempts(0)));
        let mut twice = RetryRules::default();
        twice.rules.push(twice.rules[0]);
        assert_eq!(twice.check(), Err(RetryError::Twice(Disposition::Expired)));
    }

    #[test]
    fn is_stored_in_words() {
        let text = serde_json::to_string(&RetryRules::default()).unwrap();
        assert!(text.starts_with(r#"{"attempts_max":2,"rules":[{"after":"expired","delay_minutes":240}"#), "{text}");
        assert_eq!(serde_json::from_str::<RetryRules>(&text).unwrap(), RetryRules::default());
    }

    proptest! {
        #[test]
        fn even_unchecked_rules_never_repeat_what_may_have_arrived(made in 0u8..20, which in 0usize..Disposition::ALL.len(), delay in any::<u32>()) {
            let ended = Disposition::ALL[which];
            let rules = RetryRules { attempts_max: 20, rules: vec![RetryRule { after: ended, delay_minutes: delay }] };
            let next = rules.next_attempt(made, ended, RetryAdvice::Later, NOW);
            if matches!(ended, Disposition::Unknown | Disposition::Delivered | Disposition::Accepted | Disposition::OptedOut | Disposition::PutThrough | Disposition::VoicemailLeft) {
                prop_assert_eq!(next, None);
            }
        }
    }
}
