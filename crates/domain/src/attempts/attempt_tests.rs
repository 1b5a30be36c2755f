use super::*;
use crate::outcomes::cause::ErrorCode;
use crate::outcomes::receipt::ReceiptState;
use proptest::prelude::*;

fn receipt(state: ReceiptState, at: i64) -> AttemptEvent {
    AttemptEvent::Receipt(Receipt { state, error: ErrorCode::NONE, at: Instant(at) })
}

const ACCEPTED: AttemptEvent = AttemptEvent::Accepted { at: Instant(10) };
const LOST: AttemptEvent = AttemptEvent::Lost { at: Instant(20) };
const REJECTED: AttemptEvent = AttemptEvent::Rejected { at: Instant(10), cause: Cause::Smpp(0x0b) };

fn run(events: &[AttemptEvent]) -> Result<Attempt, IllegalMove> {
    events.iter().try_fold(Attempt::claimed(), |attempt, event| attempt.apply(*event).map(|applied| applied.attempt))
}

#[test]
fn ends_where_the_events_say() {
    use Disposition as D;
    use ReceiptState as R;
    let cases: &[(&str, &[AttemptEvent], Option<Disposition>)] = &[
        ("claimed", &[], None),
        ("surely not sent: still claimed", &[AttemptEvent::NotSent], None),
        ("taken", &[ACCEPTED], Some(D::Accepted)),
        ("taken, told twice", &[ACCEPTED, ACCEPTED], Some(D::Accepted)),
        ("delivered", &[ACCEPTED, receipt(R::Delivered, 30)], Some(D::Delivered)),
        ("delivered, told twice", &[ACCEPTED, receipt(R::Delivered, 30), receipt(R::Delivered, 31)], Some(D::Delivered)),
        ("on the way", &[ACCEPTED, receipt(R::Enroute, 20), receipt(R::Accepted, 21), receipt(R::Scheduled, 22)], Some(D::Accepted)),
        ("on the way, told late", &[ACCEPTED, receipt(R::Delivered, 30), receipt(R::Enroute, 20)], Some(D::Delivered)),
        ("receipt before the answer", &[receipt(R::Delivered, 5), ACCEPTED], Some(D::Delivered)),
        ("failed, then delivered after all", &[ACCEPTED, receipt(R::Undeliverable, 30), receipt(R::Delivered, 40)], Some(D::Delivered)),
        ("delivered, then a late failure", &[ACCEPTED, receipt(R::Delivered, 30), receipt(R::Expired, 40)], Some(D::Delivered)),
        ("refused", &[REJECTED], Some(D::InvalidNumber)),
        ("no trunk", &[AttemptEvent::Rejected { at: Instant(1), cause: Cause::NoRoute }], Some(D::NoRoute)),
        ("answer lost", &[LOST], Some(D::Unknown)),
        ("answer lost, then it came", &[LOST, ACCEPTED], Some(D::Accepted)),
        ("answer lost, then a refusal came", &[LOST, REJECTED], Some(D::InvalidNumber)),
        ("answer lost, then a receipt", &[LOST, receipt(R::Delivered, 90)], Some(D::Delivered)),
        ("answer came, loss told late", &[ACCEPTED, LOST], Some(D::Accepted)),
        ("receipt came, loss told late", &[receipt(R::Expired, 5), LOST], Some(D::Expired)),
        ("refused, yet delivered", &[REJECTED, receipt(R::Delivered, 30)], Some(D::Delivered)),
    ];
    for (label, events, expected) in cases {
        assert_eq!(run(events).map(|attempt| attempt.disposition), Ok(*expected), "{label}");
    }
}

#[test]
fn refuses_what_cannot_be() {
    let cases: &[(&str, &[AttemptEvent], &str)] = &[
        ("taken and refused", &[ACCEPTED, REJECTED], "an attempt that is accepted cannot be rejected"),
        ("refused and taken", &[REJECTED, ACCEPTED], "an attempt that is invalid_number cannot be accepted"),
        ("taken and not sent", &[ACCEPTED, AttemptEvent::NotSent], "an attempt that is accepted cannot go back to its claim"),
        ("settled and not sent", &[receipt(ReceiptState::Delivered, 1), AttemptEvent::NotSent], "an attempt that is delivered cannot go back to its claim"),
    ];
    for (label, events, message) in cases {
        assert_eq!(run(events).expect_err(label).to_string(), *message, "{label}");
    }
}

#[test]
fn remembers_when_and_why() {
    let attempt = run(&[ACCEPTED, receipt(ReceiptState::Expired, 50), receipt(ReceiptState::Expired, 40)]).expect("legal");
    assert_eq!((attempt.accepted_at, attempt.settled_at), (Some(Instant(10)), Some(Instant(40))), "the earlier of two equal words");
    assert_eq!(attempt.cause.map(|cause| cause.to_string()), Some("receipt:expired".into()));
    assert_eq!(attempt.state(), AttemptState::Settled);
}

fn any_receipt() -> impl Strategy<Value = AttemptEvent> {
    let error = prop::sample::select(vec!["", "001", "gsm1", "gsm27", "045"]);
    (prop::sample::select(ReceiptState::ALL), error, 0i64..50)
        .prop_map(|(state, error, at)| AttemptEvent::Receipt(Receipt { state, error: ErrorCode::new(error), at: Instant(at) }))
}

fn any_event() -> impl Strategy<Value = AttemptEvent> {
    let causes = vec![Cause::NoRoute, Cause::Smpp(0x0b), Cause::Smpp(0x45), Cause::Http(500), Cause::Http(403)];
    prop_oneof![
        2 => (0i64..50).prop_map(|at| AttemptEvent::Accepted { at: Instant(at) }),
        2 => (0i64..50, prop::sample::select(causes)).prop_map(|(at, cause)| AttemptEvent::Rejected { at: Instant(at), cause }),
        1 => (0i64..50).prop_map(|at| AttemptEvent::Lost { at: Instant(at) }),
        1 => Just(AttemptEvent::NotSent),
        6 => any_receipt(),
    ]
}

proptest! {
    /// Whatever comes, in whatever order, and also what cannot be: what is illegal changes nothing, knowledge only grows, and
    /// an attempt always has one place in the counts.
    #[test]
    fn any_events_at_all_keep_an_attempt_in_order(events in prop::collection::vec(any_event(), 0..20)) {
        let mut attempt = Attempt::claimed();
        let mut counted: std::collections::HashMap<_, i64> = std::collections::HashMap::new();
        for event in events {
            let before = attempt;
            let Ok(applied) = attempt.apply(event) else { continue };
            attempt = applied.attempt;
            prop_assert_eq!(applied.delta.is_none(), (before.disposition, before.cause) == (attempt.disposition, attempt.cause));
            if let Some(delta) = applied.delta {
                if let Some(from) = delta.from { *counted.entry(from).or_default() -= 1; }
                if let Some(to) = delta.to { *counted.entry(to).or_default() += 1; }
            }
            if before.disposition == Some(Disposition::Delivered) {
                prop_assert_eq!(attempt.disposition, Some(Disposition::Delivered), "what arrived has arrived");
            }
            prop_assert!(before.disposition.is_none() || attempt.disposition.is_some(), "nothing becomes unsaid");
            prop_assert!(!(attempt.accepted_at.is_some() && attempt.cause.is_some_and(Cause::is_of_the_submission)), "taken or refused, not both");
            prop_assert_eq!(attempt.state() == AttemptState::Settled, attempt.settled_at.is_some(), "{:?}", attempt);
            prop_assert_eq!(attempt.apply(event).ok().and_then(|again| again.delta), None, "the same word twice says nothing new");
        }
        counted.retain(|_, count| *count != 0);
        let expected = attempt.disposition.map(|word| ((word, attempt.cause), 1)).into_iter().collect();
        prop_assert_eq!(counted, expected);
    }

    /// The same receipts, in any order and any number of times, around any place of the carrier's answer, end the same;
    /// and the counters, moved by the deltas alone, hold exactly one attempt under its last word.
    #[test]
    fn any_order_of_the_same_receipts_converges(
        receipts in prop::collection::vec(any_receipt(), 0..6),
        answer in prop::sample::select(vec![None, Some(ACCEPTED), Some(LOST), Some(REJECTED)]),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        order in any::<prop::sample::Index>(),
        shuffled in any::<u64>(),
    ) {
        let mut events: Vec<AttemptEvent> = answer.into_iter().chain(receipts.iter().copied()).collect();
        let straight = run(&events).expect("legal");
        if !receipts.is_empty() {
            events.extend(picks.iter().map(|pick| receipts[pick.index(receipts.len())]));
        }
        let mut seed = shuffled;
        for last in (1..events.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            events.swap(last, (seed >> 33) as usize % (last + 1));
        }
        let middle = if events.is_empty() { 0 } else { order.index(events.len()) };
        events.rotate_left(middle);
        let mut attempt = Attempt::claimed();
        let mut counted: std::collections::HashMap<_, i64> = std::collections::HashMap::new();
        for event in events {
            let applied = attempt.apply(event).expect("legal in any order");
            if let Some(delta) = applied.delta {
                if let Some(from) = delta.from { *counted.entry(from).or_default() -= 1; }
                if let Some(to) = delta.to { *counted.entry(to).or_default() += 1; }
            }
            attempt = applied.attempt;
        }
        prop_assert_eq!(attempt, straight);
        counted.retain(|_, count| *count != 0);
        let expected = attempt.disposition.map(|word| ((word, attempt.cause), 1)).into_iter().collect();
        prop_assert_eq!(counted, expected);
    }
}
