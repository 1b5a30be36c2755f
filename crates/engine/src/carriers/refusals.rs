//! A carrier that refuses every call for a reason of its own, or of ours: each of them costs a person a try, so it is asked by one at a time.
//!
//! An account that is not accepted shows it in three calls. A server's fault, or a call that it does not allow, may be one number's: that takes twenty in a row.

use clarion_domain::outcomes::call_end::CallEnd;
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::time::{Instant, MINUTE_MS, SECOND_MS};

const ACCOUNT_FROM: u32 = 3;
const ANY_FROM: u32 = 20;
const PAUSE_MS_MIN: i64 = 30 * SECOND_MS;
const PAUSE_MS_MAX: i64 = 10 * MINUTE_MS;

/// The refusals of one trunk since it last took a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    account: u32,
    any: u32,
    pause_ms: i64,
    until: Option<Instant>,
    why: String,
}

/// The account is not accepted: whoever was to be called had no part in it.
pub(crate) fn is_of_the_account(cause: Cause) -> bool {
    matches!(cause, Cause::Sip { status: 401 | 402 | 407, .. })
}

fn is_a_refusal(cause: Cause) -> bool {
    // 503 is told of its server, with the time for which it wants to be left alone.
    is_of_the_account(cause) || matches!(cause, Cause::Sip { status: 403 | 500..=502 | 504..=599, .. })
}

/// Of what the carrier takes: it was not asked, or did not answer, or wants to be left alone for a while.
fn says_nothing(cause: Cause) -> bool {
    matches!(cause, Cause::Call(CallEnd::Stopped | CallEnd::TrunkSilent | CallEnd::MediaFailed) | Cause::AnswerLost | Cause::Sip { status: 503, .. })
}

impl Refusals {
    /// A call has ended.
    pub(super) fn ended(&mut self, cause: Cause, now: Instant) {
        if says_nothing(cause) {
            return;
        }
        if !is_a_refusal(cause) {
            *self = Self::default();
            return;
        }
        self.any += 1;
        self.account += u32::from(is_of_the_account(cause));
        if (self.account >= ACCOUNT_FROM || self.any >= ANY_FROM) && self.until.is_none() {
            self.pause_ms = (self.pause_ms * 2).clamp(PAUSE_MS_MIN, PAUSE_MS_MAX);
            self.until = Some(now.plus_ms(self.pause_ms));
            self.why = format!("{} of its calls in a row were refused ({cause}): {}", self.any, cause.verdict().text);
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, now: Instant) {
        self.until.take_if(|until| *until <= now);
    }

    /// Why it is given nothing now.
    pub(super) fn held(&self) -> Option<&str> {
        self.until.is_some().then_some(self.why.as_str())
    }

    /// A pause is over, and it has not taken a call since: it is given one at a time.
    pub(super) fn is_probing(&self) -> bool {
        self.pause_ms > 0 && self.until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_795_435_200_000);

    fn sip(status: u16) -> Cause {
        Cause::Sip { status, reason: 0 }
    }

    #[test]
    fn an_account_that_is_refused_is_asked_by_one_call_at_a_time() {
        let mut refusals = Refusals::default();
        (0..2).for_each(|_| refusals.ended(sip(407), NOW));
        assert_eq!((refusals.held(), refusals.is_probing()), (None, false));
        refusals.ended(sip(407), NOW);
        assert_eq!(refusals.held(), Some("3 of its calls in a row were refused (sip:407): The carrier does not accept the trunk's credentials."));
        // Those that were on their way lengthen nothing.
        refusals.ended(sip(407), NOW);
        refusals.pass(NOW.plus_ms(PAUSE_MS_MIN - 1));
        assert!(refusals.held().is_some());
        refusals.pass(NOW.plus_ms(PAUSE_MS_MIN));
        assert_eq!((refusals.held(), refusals.is_probing()), (None, true));
        let later = NOW.plus_ms(PAUSE_MS_MIN);
        refusals.ended(sip(407), later);
        refusals.pass(later.plus_ms(2 * PAUSE_MS_MIN - 1));
        assert!(refusals.held().is_some(), "twice as long");
        refusals.pass(later.plus_ms(2 * PAUSE_MS_MIN));
        refusals.ended(Cause::Call(CallEnd::Stopped), later);
        assert!(refusals.is_probing(), "a call that was stopped says nothing");
        refusals.ended(sip(486), later);
        assert_eq!((refusals.held(), refusals.is_probing()), (None, false), "a line that is busy was asked");
    }

    #[test]
    fn a_number_or_two_that_are_not_allowed_hold_back_nobody() {
        let mut refusals = Refusals::default();
        for status in [403, 403, 500, 486, 403] {
            refusals.ended(sip(status), NOW);
        }
        assert_eq!(refusals.held(), None);
        (0..19).for_each(|_| refusals.ended(sip(403), NOW));
        assert!(refusals.held().is_some());
        let mut numbers = Refusals::default();
        (0..100).for_each(|_| numbers.ended(sip(404), NOW));
        assert_eq!(numbers.held(), None, "numbers that there are not are the list's fault");
    }
}
