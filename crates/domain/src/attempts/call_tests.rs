use super::*;
use CallEvent as E;
use proptest::prelude::*;

fn at(ms: i64) -> Instant {
    Instant(1_000 + ms)
}

const fn t(ms: i64) -> Instant {
    Instant(1_000 + ms)
}

const DIALLED: CallEvent = E::Dialled { at: t(0) };
const RANG: CallEvent = E::Rang { at: t(100) };
const ANSWERED: CallEvent = E::Answered { at: t(9_000) };

fn run(events: &[CallEvent]) -> Call {
    events.iter().try_fold(Call::planned(at(0)), |call, event| call.apply(*event)).expect("legal")
}

fn ended(ms: i64, by: EndedBy) -> CallEvent {
    E::Ended { at: at(ms), by, cause: None }
}

#[test]
fn stands_where_the_events_say() {
    use CallState as S;
    let cases: &[(&str, &[CallEvent], CallState)] = &[
        ("planned", &[], S::Planned),
        ("surely not dialled", &[E::NotDialled], S::Planned),
        ("dialling", &[DIALLED], S::Dialling),
        ("ringing", &[DIALLED, RANG], S::Ringing),
        ("ringing told before dialling", &[RANG, DIALLED], S::Ringing),
        ("answered", &[DIALLED, RANG, ANSWERED], S::Answered),
        ("answered, ringing told late", &[DIALLED, ANSWERED, RANG], S::Answered),
        ("playing", &[DIALLED, ANSWERED, E::MessageStarted { at: at(9_500) }], S::Playing),
        ("gathering", &[DIALLED, ANSWERED, E::MessageStarted { at: at(9_500) }, E::Gathering { at: at(9_900) }], S::Gathering),
        ("playing again", &[DIALLED, ANSWERED, E::Gathering { at: at(9_600) }, E::MessageStarted { at: at(9_900) }], S::Playing),
        ("the agent is rung", &[DIALLED, ANSWERED, E::Reserved { at: at(9_600) }], S::Reserved),
        ("bridged", &[DIALLED, ANSWERED, E::Reserved { at: at(9_600) }, E::Bridged { at: at(9_700) }], S::Bridged),
        ("the agent has left", &[DIALLED, ANSWERED, E::Bridged { at: at(9_700) }, E::Unbridged { at: at(9_800) }], S::Answered),
        ("ended", &[DIALLED, ANSWERED, ended(10_000, EndedBy::Person)], S::Ended),
        ("ended, answer told late", &[DIALLED, ended(10_000, EndedBy::Us), ANSWERED], S::Ended),
    ];
    for (label, events, state) in cases {
        assert_eq!(run(events).state(), *state, "{label}");
    }
}

#[test]
fn ends_with_one_word() {
    use Disposition as D;
    let judged = |by| E::Judged { at: at(9_700), by };
    let played = E::MessageStarted { at: at(9_500) };
    let sip = |status| E::Ended { at: at(2_000), by: EndedBy::Network, cause: Some(Cause::Sip { status, reason: 0 }) };
    let cases: &[(&str, &[CallEvent], Option<Disposition>)] = &[
        ("not over", &[DIALLED, ANSWERED], None),
        ("busy", &[DIALLED, sip(486)], Some(D::Busy)),
        ("dead number", &[DIALLED, sip(404)], Some(D::InvalidNumber)),
        ("rang out", &[DIALLED, RANG, ended(25_000, EndedBy::Us)], Some(D::NoAnswer)),
        ("stopped while ringing", &[DIALLED, RANG, ended(5_000, EndedBy::Us)], Some(D::Cancelled)),
        ("stopped before it was dialled", &[ended(5_000, EndedBy::Us)], Some(D::Cancelled)),
        ("lost while ringing", &[DIALLED, RANG, E::Lost { at: at(8_000) }], Some(D::Unknown)),
        ("lost, and the end was known after all", &[DIALLED, E::Lost { at: at(1_000) }, sip(486)], Some(D::Busy)),
        ("lost while bridged", &[DIALLED, ANSWERED, E::Bridged { at: at(9_500) }, E::Lost { at: at(20_000) }], Some(D::PutThrough)),
        ("put through", &[DIALLED, ANSWERED, E::Bridged { at: at(9_500) }, ended(90_000, EndedBy::Agent)], Some(D::PutThrough)),
        ("an answer that crossed our CANCEL", &[DIALLED, RANG, E::Ended { at: at(8_990), by: EndedBy::Us, cause: None }, ANSWERED, played, ended(9_600, EndedBy::Us)], Some(D::AnsweredPerson)),
        ("heard the message", &[DIALLED, ANSWERED, played, ended(12_000, EndedBy::Person)], Some(D::AnsweredPerson)),
        ("gone at once", &[DIALLED, ANSWERED, ended(9_900, EndedBy::Person)], Some(D::AnsweredPerson)),
        ("silence from our side", &[DIALLED, ANSWERED, ended(12_000, EndedBy::Person)], Some(D::Abandoned)),
        ("hung up on the person", &[DIALLED, ANSWERED, ended(9_900, EndedBy::Us)], Some(D::Abandoned)),
        ("no agent", &[DIALLED, ANSWERED, E::InformationStarted { at: at(10_900) }, ended(20_000, EndedBy::Us)], Some(D::Abandoned)),
        ("no agent for a machine", &[DIALLED, ANSWERED, judged(AnsweredBy::Machine), E::InformationStarted { at: at(10_900) }, ended(20_000, EndedBy::Us)], Some(D::AnsweredMachine)),
        ("a tone on the way to a person", &[DIALLED, E::Judged { at: at(5_000), by: AnsweredBy::BusyTone }, ANSWERED, E::InformationStarted { at: at(10_900) }, ended(20_000, EndedBy::Us)], Some(D::Abandoned)),
        ("opted out", &[DIALLED, ANSWERED, played, E::OptedOut { at: at(12_000) }, ended(13_000, EndedBy::Us)], Some(D::OptedOut)),
        ("machine", &[DIALLED, ANSWERED, judged(AnsweredBy::Machine), ended(12_000, EndedBy::Us)], Some(D::AnsweredMachine)),
        ("machine, then its voice was a person's", &[DIALLED, ANSWERED, judged(AnsweredBy::Machine), E::Judged { at: at(9_900), by: AnsweredBy::Human }, played, ended(12_000, EndedBy::Us)], Some(D::AnsweredPerson)),
        ("voicemail", &[DIALLED, ANSWERED, judged(AnsweredBy::VoicemailReady), played, E::VoicemailLeft { at: at(20_000) }, ended(21_000, EndedBy::Us)], Some(D::VoicemailLeft)),
        ("fax", &[DIALLED, ANSWERED, judged(AnsweredBy::Fax), ended(12_000, EndedBy::Us)], Some(D::AnsweredFax)),
        ("announcement", &[DIALLED, ANSWERED, judged(AnsweredBy::Announcement), ended(12_000, EndedBy::Us)], Some(D::InvalidNumber)),
        ("busy tone", &[DIALLED, ANSWERED, judged(AnsweredBy::BusyTone), ended(12_000, EndedBy::Us)], Some(D::Busy)),
    ];
    for (label, events, word) in cases {
        assert_eq!(run(events).outcome().map(|(word, _)| word), *word, "{label}");
    }
}

#[test]
fn keeps_the_times_that_the_law_asks_for() {
    let call = run(&[DIALLED, RANG, ANSWERED, E::SpeechHeard { at: at(9_200) }, E::Bridged { at: at(11_500) }, ended(50_000, EndedBy::Person)]);
    assert_eq!((call.answer_to_sound_ms(), call.was_silent(at(60_000))), (Some(2_500), true), "the agent came after 2 s");
    let call = run(&[DIALLED, ANSWERED, E::InformationStarted { at: at(10_900) }]);
    assert_eq!((call.answer_to_sound_ms(), call.was_silent(at(60_000))), (Some(1_900), false));
    let waiting = run(&[DIALLED, ANSWERED]);
    assert_eq!((waiting.was_silent(at(10_000)), waiting.was_silent(at(11_001))), (false, true));
    let muted = [DIALLED, ANSWERED, E::Bridged { at: at(9_500) }, E::AgentSilent { at: at(11_500) }];
    assert!(run(&muted).was_silent(at(60_000)), "joined, and nothing was heard of the agent");
    assert!(!run(&[&muted[..], &[E::MessageStarted { at: at(9_300) }]].concat()).was_silent(at(60_000)), "there were words before");
    let short = run(&[DIALLED, RANG, ended(10_000, EndedBy::Us)]);
    assert_eq!((short.person.unanswered_ring_ms(), short.rang_too_short()), (Some(9_900), true));
    assert!(!run(&[DIALLED, RANG, ended(15_100, EndedBy::Us)]).rang_too_short());
    assert!(!run(&[DIALLED, RANG, ended(3_000, EndedBy::Network)]).rang_too_short(), "the network's end is not ours");
}

#[test]
fn refuses_what_cannot_be() {
    assert_eq!(run(&[DIALLED]).apply(E::NotDialled), Err(IllegalCallMove::AlreadyDialled));
    assert_eq!(Call::planned(at(500)).apply(DIALLED), Err(IllegalCallMove::BeforePlan(500)));
}

fn any_event() -> impl Strategy<Value = CallEvent> {
    let by = prop::sample::select(AnsweredBy::ALL);
    let who = prop::sample::select(EndedBy::ALL);
    let cause = prop::sample::select(vec![None, Some(Cause::Sip { status: 486, reason: 0 }), Some(Cause::Q850(16)), Some(Cause::Call(CallEnd::MediaFailed))]);
    (0u8..15, 0i64..40, by, who, cause).prop_map(|(kind, ms, by, who, cause)| {
        let at = at(ms * 500);
        match kind {
            0 => E::Dialled { at },
            1 => E::Rang { at },
            2 => E::Answered { at },
            3 => E::SpeechHeard { at },
            4 => E::Judged { at, by },
            5 => E::MessageStarted { at },
            6 => E::InformationStarted { at },
            7 => E::Gathering { at },
            8 => E::Reserved { at },
            9 => E::Bridged { at },
            10 => E::Unbridged { at },
            11 => E::OptedOut { at },
            12 => E::VoicemailLeft { at },
            13 => E::Ended { at, by: who, cause },
            _ => E::Lost { at },
        }
    })
}

proptest! {
    /// The same events in any order and any number of times leave the same record.
    #[test]
    fn any_order_of_the_same_events_converges(events in prop::collection::vec(any_event(), 0..14), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..8), shuffled in any::<u64>()) {
        let straight = run(&events);
        let mut again = events.clone();
        if !events.is_empty() {
            again.extend(picks.iter().map(|pick| events[pick.index(events.len())]));
        }
        let mut seed = shuffled;
        for last in (1..again.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            again.swap(last, (seed >> 33) as usize % (last + 1));
        }
        prop_assert_eq!(run(&again), straight);
    }

    /// Whatever happened, an ended call has one word, it is final and one of the words of calls; a running one has none.
    #[test]
    fn an_ended_call_has_a_word_and_no_other_has(events in prop::collection::vec(any_event(), 0..14)) {
        let call = run(&events);
        prop_assert_eq!(call.outcome().is_some(), call.state() == CallState::Ended);
        if let Some((word, cause)) = call.outcome() {
            prop_assert!(word.is_final() && Disposition::of_calls().contains(&word), "{} {}", word, cause);
        }
    }
}
