use super::*;

const NOON: Instant = Instant(1_795_435_200_000);

fn text_after(days: u16, hours: u16) -> SequenceStep {
    SequenceStep {
        wait: Wait { days, hours, from: WaitFrom::LastTry },
        channel: Channel::Sms,
        body: "Hello".into(),
        script: String::new(),
        sender: "Northwind".into(),
        call_pacing: CallPacing::default(),
        recording: RecordingSettings::default(),
        retry: RetryRules::never(),
        rate_per_second: 50,
    }
}

#[test]
fn a_wait_counts_from_the_try_that_it_names_and_never_backwards() {
    let wait = |from| Wait { days: 2, hours: 3, from };
    let (first, last) = (NOON.plus_ms(-DAY_MS), NOON);
    let long = 2 * DAY_MS + 3 * HOUR_MS;
    assert_eq!(wait(WaitFrom::LastTry).due(first, last, NOON), NOON.plus_ms(long));
    assert_eq!(wait(WaitFrom::FirstTry).due(first, last, NOON), first.plus_ms(long));
    assert_eq!(wait(WaitFrom::FirstTry).due(NOON.plus_ms(-9 * DAY_MS), last, NOON), NOON, "tries that took longer than the wait");
    assert_eq!(wait(WaitFrom::LastTry).to_string(), "2 days and 3 hours after the last try of the step before");
}

#[test]
fn replies_end_it_as_its_rules_say_and_an_opt_out_always_does() {
    let rules = |replies, words: &[&str]| StopRules { replies, words: words.iter().map(ToString::to_string).collect(), ..StopRules::default() };
    use ReplyMeaning as M;
    let any = rules(ReplyStop::Any, &[]);
    assert_eq!([M::Other, M::Unsure, M::Help, M::Start, M::Stop, M::StopReview].map(|meaning| any.on_reply(meaning, "x")), [
        Some(EndReason::Reply), Some(EndReason::Reply), None, None, Some(EndReason::OptOut), Some(EndReason::OptOut)
    ]);
    let paid = rules(ReplyStop::Words, &["PAID"]);
    assert_eq!(["I have paid.", "Paid", "unpaid", ""].map(|text| paid.on_reply(M::Other, text).is_some()), [true, true, false, false]);
    assert_eq!(rules(ReplyStop::Never, &["paid"]).on_reply(M::Other, "paid"), None);
    assert_eq!(rules(ReplyStop::Never, &[]).on_reply(M::Stop, "stop"), Some(EndReason::OptOut));
}

#[test]
fn outcomes_end_it_as_its_rules_say() {
    let rules = StopRules { outcomes: vec![Disposition::InvalidNumber], ..StopRules::default() };
    assert_eq!(rules.on_outcome(Disposition::PutThrough), Some(EndReason::PutThrough));
    assert_eq!(rules.on_outcome(Disposition::InvalidNumber), Some(EndReason::Outcome(Disposition::InvalidNumber)));
    assert_eq!((rules.on_outcome(Disposition::Delivered), rules.on_outcome(Disposition::Unknown)), (None, None));
    let on = StopRules { put_through: false, ..StopRules::default() };
    assert_eq!((on.on_outcome(Disposition::PutThrough), on.on_outcome(Disposition::OptedOut)), (None, Some(EndReason::OptOut)));
}

#[test]
fn what_cannot_be_meant_is_said() {
    let whole = Sequence { then: vec![text_after(2, 0)], ..Sequence::default() };
    let faults = |sequence: &Sequence| sequence.faults(Channel::Sms, None, NOON);
    assert_eq!(faults(&whole), []);
    let at_once = Sequence { then: vec![text_after(0, 0), text_after(91, 0)], ..Sequence::default() };
    assert_eq!(faults(&at_once), [SequenceFault::Wait { step: 2, hours: 0 }, SequenceFault::Wait { step: 3, hours: 91 * 24 }]);
    assert_eq!(faults(&Sequence { then: vec![text_after(1, 0); STEPS_MAX], ..Sequence::default() }), [SequenceFault::Steps(STEPS_MAX + 1)]);
    let stops = |stops| faults(&Sequence { stops, ..whole.clone() });
    assert_eq!(stops(StopRules { replies: ReplyStop::Words, ..StopRules::default() }), [SequenceFault::NoWords]);
    assert_eq!(stops(StopRules { replies: ReplyStop::Words, words: vec!["two words".into()], ..StopRules::default() }), [SequenceFault::Words]);
    assert_eq!(stops(StopRules { outcomes: vec![Disposition::Accepted], ..StopRules::default() }), [SequenceFault::NeverGoesOn(Disposition::Accepted)]);
    let evergreen = |until, new_a_day_max, again_after_days, ends| {
        Sequence { evergreen: Some(Evergreen { until_ms: NOON.plus_ms(until).ms(), new_a_day_max, again_after_days }), ..Sequence::default() }.faults(Channel::Sms, ends, NOON)
    };
    assert_eq!(evergreen(30 * DAY_MS, Some(100), Some(90), None), []);
    assert_eq!(evergreen(0, Some(0), Some(0), None), [SequenceFault::EvergreenOver, SequenceFault::NoneADay, SequenceFault::Again]);
    assert_eq!(evergreen(400 * DAY_MS, None, None, Some(NOON.plus_ms(DAY_MS).ms())), [SequenceFault::EvergreenTooLong, SequenceFault::EvergreenOutlives]);
}

#[test]
fn reasons_come_back_from_their_words_and_a_told_one_can_hold_no_number() {
    let told: ToldReason = "paid_in_full".parse().expect("a reason");
    for why in EndReason::PLAIN.iter().cloned().chain([EndReason::Outcome(Disposition::Expired), EndReason::Told(told)]) {
        assert_eq!(why.to_string().parse::<EndReason>().expect("reads"), why);
        assert!(!why.words().is_empty());
    }
    for bad in ["", "Paid", "paid 07700900001", "a1", "_paid", &"a".repeat(25)] {
        assert!(bad.parse::<ToldReason>().is_err(), "{bad}");
    }
    assert!("told:07700900001".parse::<EndReason>().is_err() && "paid".parse::<EndReason>().is_err());
}

#[test]
fn is_stored_in_words_and_a_plain_campaign_needs_none() {
    let sequence = Sequence { then: vec![text_after(2, 0)], ..Sequence::default() };
    let text = serde_json::to_string(&sequence).expect("json");
    assert!(text.starts_with(r#"{"then":[{"wait":{"days":2,"hours":0,"from":"last_try"},"channel":"sms""#), "{text}");
    assert_eq!(serde_json::from_str::<Sequence>(&text).expect("reads"), sequence);
    assert_eq!(serde_json::from_str::<Sequence>("{}").expect("reads"), Sequence::default());
    assert!(!Sequence::default().is_tracked() && sequence.is_tracked());
    assert_eq!((sequence.steps(), sequence.step(1), sequence.step(2).is_some(), sequence.step(3)), (2, None, true, None));
}
