//! What the codes of a call mean: the final status of SIP (RFC 3261 and its extensions) and the cause of Q.850.

use crate::outcomes::cause::{Fault, RetryAdvice, Verdict, means};
use crate::outcomes::disposition::Disposition;

use Disposition as D;
use Fault as F;
use RetryAdvice as R;

/// The network's own cause, from the Reason header, tells more than the SIP status that stands for it, unless it is one
/// of those that tell nothing.
pub(super) fn sip_with_reason(status: u16, reason: u8) -> Verdict {
    match reason {
        0 | 16 | 31 | 111 | 127 => sip(status),
        cause => q850(cause),
    }
}

/// The final answer to an INVITE.
fn sip(status: u16) -> Verdict {
    match status {
        300..=399 => means(D::Failed, R::Never, F::Carrier, "The carrier sends the call elsewhere, and the trunk does not follow."),
        401 | 407 => means(D::Rejected, R::OtherTrunk, F::Ours, "The carrier does not accept the trunk's credentials."),
        402 => means(D::Rejected, R::OtherTrunk, F::Ours, "The carrier asks for payment: the account has no credit."),
        403 => means(D::Rejected, R::OtherTrunk, F::Ours, "The carrier does not allow this call: often the caller ID, or the destination is barred."),
        404 | 604 => means(D::InvalidNumber, R::Never, F::Number, "The network knows no such number."),
        408 => means(D::NoAnswer, R::Later, F::Number, "The network gave up waiting for an answer."),
        410 => means(D::InvalidNumber, R::Never, F::Number, "The number is no longer in service."),
        428 | 436 | 437 | 438 => means(D::Rejected, R::OtherTrunk, F::Ours, "The carrier does not accept the caller ID's signature."),
        433 => means(D::Rejected, R::Never, F::Ours, "The person takes no calls with a withheld number."),
        480 => means(D::NoAnswer, R::Later, F::Number, "The phone is switched off or out of reach."),
        482 | 483 => means(D::Congestion, R::OtherTrunk, F::Carrier, "The call went round in the carrier's network."),
        484 | 485 => means(D::InvalidNumber, R::Never, F::Number, "The number is incomplete or not one line's."),
        486 | 600 => means(D::Busy, R::Later, F::Number, "The line was busy."),
        487 => means(D::Cancelled, R::Later, F::Nobody, "The call was stopped before anybody answered."),
        500 | 502..=504 => means(D::Congestion, R::OtherTrunk, F::Carrier, "The carrier is too busy or has a fault of its own."),
        603 => means(D::Rejected, R::Later, F::Number, "The call was declined."),
        607 => means(D::Blocked, R::Never, F::Number, "The person marked such calls as unwanted."),
        608 => means(D::Blocked, R::Never, F::Carrier, "The carrier took the call for an unwanted one."),
        400..=499 => means(D::Failed, R::Never, F::Ours, "The carrier could not make sense of our call."),
        501..=599 | 606 => means(D::Failed, R::OtherTrunk, F::Carrier, "The carrier cannot carry this kind of call."),
        _ => means(D::Unknown, R::Never, F::Carrier, "The carrier answered with a status that ends no call."),
    }
}

/// Q.850 table 1, as it comes in a Reason header or from a gateway.
pub(super) fn q850(cause: u8) -> Verdict {
    match cause {
        1 | 28 => means(D::InvalidNumber, R::Never, F::Number, "The network knows no such number."),
        2 | 3 | 5 | 14 => means(D::NoRoute, R::OtherTrunk, F::Carrier, "The carrier has no way to this number."),
        4 => means(D::InvalidNumber, R::Never, F::Number, "The network announced that the number cannot be reached."),
        17 => means(D::Busy, R::Later, F::Number, "The line was busy."),
        16 | 18 | 19 | 26 | 31 => means(D::NoAnswer, R::Later, F::Number, "Nobody answered."),
        20 => means(D::NoAnswer, R::Later, F::Number, "The phone is switched off or out of reach."),
        21 => means(D::Rejected, R::Later, F::Number, "The call was declined."),
        22 | 23 => means(D::InvalidNumber, R::Never, F::Number, "The number has changed."),
        27 => means(D::NoAnswer, R::Later, F::Number, "The line is out of order."),
        6..=9 | 25 | 34 | 38..=47 | 102 => means(D::Congestion, R::OtherTrunk, F::Carrier, "The network has no free line or a fault of its own."),
        29 | 50 | 57 | 58 | 63 => means(D::Rejected, R::OtherTrunk, F::Ours, "The carrier does not allow this call on this trunk."),
        52 | 53 => means(D::Blocked, R::OtherTrunk, F::Ours, "Calls out are barred on this trunk."),
        54 | 55 => means(D::Blocked, R::Never, F::Number, "This line takes no such calls."),
        87 | 88 => means(D::Undeliverable, R::Never, F::Number, "The line is of a kind that takes no calls like ours."),
        65..=79 => means(D::Failed, R::OtherTrunk, F::Carrier, "The network cannot carry this kind of call."),
        30 | 49 | 81..=101 | 103..=111 | 127 => means(D::Failed, R::OtherTrunk, F::Carrier, "The networks on the way did not understand one another."),
        _ => means(D::Failed, R::Never, F::Carrier, "The network gave a cause that is not in the standard."),
    }
}

#[cfg(test)]
#[path = "call_cause_tests.rs"]
mod tests;
