use super::*;
use proptest::prelude::*;

#[test]
fn says_what_happened_and_what_to_do() {
    use Disposition as D;
    use RetryAdvice as R;
    let undelivered = |error: &str| Cause::Receipt { state: ReceiptState::Undeliverable, error: ErrorCode::new(error) };
    let cases = [
        ("taken", Cause::Smpp(0), D::Accepted, R::Never, Fault::Nobody),
        ("throttled", Cause::Smpp(0x58), D::Rejected, R::SlowDown, Fault::Carrier),
        ("queue full", Cause::Smpp(0x14), D::Rejected, R::SlowDown, Fault::Carrier),
        ("system error", Cause::Smpp(0x08), D::Rejected, R::OtherTrunk, Fault::Carrier),
        ("bad destination", Cause::Smpp(0x0b), D::InvalidNumber, R::Never, Fault::Number),
        ("bad source", Cause::Smpp(0x0a), D::Rejected, R::Never, Fault::Message),
        ("submit failed", Cause::Smpp(0x45), D::Rejected, R::OtherTrunk, Fault::Carrier),
        ("temporary", Cause::Smpp(0x64), D::Rejected, R::Later, Fault::Carrier),
        ("a vendor's own", Cause::Smpp(0x0412), D::Rejected, R::Never, Fault::Carrier),
        ("outside the standard", Cause::Smpp(0xdead_beef), D::Rejected, R::Never, Fault::Carrier),
        ("HTTP taken", Cause::Http(202), D::Accepted, R::Never, Fault::Nobody),
        ("HTTP throttled", Cause::Http(429), D::Rejected, R::SlowDown, Fault::Carrier),
        ("HTTP credentials", Cause::Http(401), D::Rejected, R::OtherTrunk, Fault::Ours),
        ("HTTP may have taken it", Cause::Http(500), D::Unknown, R::Never, Fault::Carrier),
        ("undelivered, no code", undelivered("000"), D::Undeliverable, R::Later, Fault::Number),
        ("undelivered, a vendor's code", undelivered("27"), D::Undeliverable, R::Later, Fault::Number),
        ("undelivered, no such subscriber", undelivered("gsm1"), D::InvalidNumber, R::Never, Fault::Number),
        ("undelivered, absent", Cause::Receipt { state: ReceiptState::Undeliverable, error: ErrorCode::gsm(27) }, D::Expired, R::Later, Fault::Number),
        ("delivered whatever the code", Cause::Receipt { state: ReceiptState::Delivered, error: ErrorCode::gsm(1) }, D::Delivered, R::Never, Fault::Nobody),
        ("no trunk", Cause::NoRoute, D::NoRoute, R::Later, Fault::Ours),
        ("torn", Cause::Torn, D::Undeliverable, R::Never, Fault::Carrier),
        ("lost", Cause::AnswerLost, D::Unknown, R::Never, Fault::Carrier),
        ("opted out, refused", Cause::OptedOut(ErrorCode::new("21610")), D::Blocked, R::Never, Fault::Number),
        ("opted out, by receipt", Cause::Receipt { state: ReceiptState::OptedOut, error: ErrorCode::NONE }, D::Blocked, R::Never, Fault::Number),
    ];
    for (label, cause, disposition, retry, fault) in cases {
        let verdict = cause.verdict();
        assert_eq!((verdict.disposition, verdict.retry, verdict.fault), (disposition, retry, fault), "{label}");
        assert!(verdict.text.ends_with('.') && verdict.text.len() > 8, "{label}");
        assert_eq!(cause.is_opt_out(), label.starts_with("opted out"), "{label}");
    }
}

#[test]
fn nothing_unsure_is_ever_retried() {
    let all = (0..=0x500).map(Cause::Smpp).chain((0..=999).map(Cause::Http));
    for cause in all.filter(|cause| cause.verdict().disposition == Disposition::Unknown) {
        assert_eq!(cause.verdict().retry, RetryAdvice::Never, "{cause}");
    }
}

#[test]
fn reads_the_words_of_receipts() {
    for (word, state) in [("DELIVRD", Some(ReceiptState::Delivered)), ("undeliv", Some(ReceiptState::Undeliverable)), (" EXPIRED ", Some(ReceiptState::Expired)), ("MAYBE", None)] {
        assert_eq!(ReceiptState::from_stat(word), state, "{word}");
    }
    assert_eq!([2, 5, 7, 8, 9].map(ReceiptState::from_smpp), [Some(ReceiptState::Delivered), Some(ReceiptState::Undeliverable), Some(ReceiptState::Unknown), Some(ReceiptState::Rejected), Some(ReceiptState::Skipped)]);
    assert_eq!(ReceiptState::from_smpp(10), None);
}

#[test]
fn refuses_what_is_no_cause() {
    for text in ["", "smpp:88", "smpp:0x", "http:many", "receipt:happy", "sip:", "sip:70000", "sip:486:300", "sip:486:1:2", "q850:256", "call:happy", "no_route:1", "noroute", "opted_out:1:2"] {
        assert_eq!(text.parse::<Cause>(), Err(MalformedCause), "{text}");
    }
    for code in [0, 4, -1, i64::MAX, 3 << 60 | 15 << 56, 2 << 60 | 70_000, 3 << 60 | 0x20, 4 << 60 | 1 << 24, 5 << 60 | 256, 6 << 60 | 99, 7 << 60 | 1 << 56, 7 << 60 | 0x20] {
        assert_eq!(Cause::from_code(code), Err(MalformedCause), "{code}");
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_writes(kind in 0u8..10, number: u32, state in prop::sample::select(ReceiptState::ALL), error in "[0-9a-zA-Z:]{0,8}") {
        let cause = match kind {
            0 => Cause::Smpp(number),
            1 => Cause::Http(number as u16),
            2 => Cause::Receipt { state, error: ErrorCode::new(&error) },
            3 => Cause::NoRoute,
            4 => Cause::Sip { status: number as u16, reason: (number >> 16) as u8 },
            5 => Cause::Q850(number as u8),
            7 => Cause::Torn,
            8 => Cause::OptedOut(ErrorCode::new(&error)),
            6 => Cause::Call(CallEnd::ALL[number as usize % CallEnd::ALL.len()]),
            _ => Cause::AnswerLost,
        };
        prop_assert_eq!(cause.to_string().parse::<Cause>(), Ok(cause));
        prop_assert_eq!(Cause::from_code(cause.code()), Ok(cause));
        prop_assert!(cause.code() > 0);
    }
}
