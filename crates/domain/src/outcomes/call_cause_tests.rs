use super::*;
use crate::outcomes::cause::Cause;
use crate::outcomes::call_end::CallEnd;
use crate::campaigns::retry::RETRIABLE_CALLS;

#[test]
fn says_what_happened_to_a_call_and_what_to_do() {
    let sip = |status| Cause::Sip { status, reason: 0 };
    let cases = [
        ("busy", sip(486), D::Busy, R::Later, F::Number),
        ("busy everywhere", sip(600), D::Busy, R::Later, F::Number),
        ("no such number", sip(404), D::InvalidNumber, R::Never, F::Number),
        ("gone", sip(410), D::InvalidNumber, R::Never, F::Number),
        ("off", sip(480), D::NoAnswer, R::Later, F::Number),
        ("declined", sip(603), D::Rejected, R::Later, F::Number),
        ("unwanted", sip(607), D::Blocked, R::Never, F::Number),
        ("no credentials", sip(407), D::Rejected, R::OtherTrunk, F::Ours),
        ("too busy", sip(503), D::Congestion, R::OtherTrunk, F::Carrier),
        ("codecs", sip(488), D::Failed, R::Never, F::Ours),
        ("version", sip(505), D::Failed, R::OtherTrunk, F::Carrier),
        ("redirected", sip(302), D::Failed, R::Never, F::Carrier),
        ("cancelled", sip(487), D::Cancelled, R::Later, F::Nobody),
        ("no final answer", sip(180), D::Unknown, R::Never, F::Carrier),
        ("503 that is a dead number", Cause::Sip { status: 503, reason: 1 }, D::InvalidNumber, R::Never, F::Number),
        ("480 that is a busy line", Cause::Sip { status: 480, reason: 17 }, D::Busy, R::Later, F::Number),
        ("404 with a cause that says nothing", Cause::Sip { status: 404, reason: 16 }, D::InvalidNumber, R::Never, F::Number),
        ("no circuit", Cause::Q850(34), D::Congestion, R::OtherTrunk, F::Carrier),
        ("changed", Cause::Q850(22), D::InvalidNumber, R::Never, F::Number),
        ("no answer", Cause::Q850(19), D::NoAnswer, R::Later, F::Number),
        ("barred at the far end", Cause::Q850(55), D::Blocked, R::Never, F::Number),
        ("not in the standard", Cause::Q850(200), D::Failed, R::Never, F::Carrier),
        ("spoke with an agent", Cause::Call(CallEnd::PutThrough), D::PutThrough, R::Never, F::Nobody),
        ("no agent", Cause::Call(CallEnd::NoAgent), D::Abandoned, R::Later, F::Ours),
        ("silent", Cause::Call(CallEnd::Silent), D::Abandoned, R::Later, F::Ours),
        ("machine", Cause::Call(CallEnd::Machine), D::AnsweredMachine, R::Later, F::Number),
    ];
    for (label, cause, disposition, retry, fault) in cases {
        let verdict = cause.verdict();
        assert_eq!((verdict.disposition, verdict.retry, verdict.fault), (disposition, retry, fault), "{label}");
    }
}

/// Every status and every cause there can be ends in a word of calls, with a sentence; and what may be tried again is in the
/// list that a campaign's retry rules choose from.
#[test]
fn every_code_of_the_wire_has_one_word() {
    let sip = (0..=999).flat_map(|status| [0, 16, 17].map(|reason| Cause::Sip { status, reason }));
    let all = sip.chain((0..=255).map(Cause::Q850)).chain(CallEnd::ALL.iter().copied().map(Cause::Call));
    for cause in all {
        let verdict = cause.verdict();
        assert!(Disposition::of_calls().contains(&verdict.disposition), "{cause}");
        assert!(verdict.text.ends_with('.'), "{cause}");
        assert!(verdict.disposition.is_final(), "{cause}");
        if verdict.retry != R::Never && !matches!(verdict.disposition, D::Blocked) {
            assert!(RETRIABLE_CALLS.contains(&verdict.disposition), "{cause}");
        }
    }
}
