use super::*;
use crate::campaigns::campaign::Channel;
use crate::compliance::decide::{Decision, decide, decide_call};
use crate::compliance::facts::{Facts, MessageFacts, NumberFacts};
use crate::compliance::opening::WindowCache;
use crate::compliance::purpose::{LegalBasis, Purpose};
use crate::compliance::rule_book::RuleBook;
use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;
use crate::time::HOUR_MS;

fn at(text: &str) -> Instant {
    text.parse::<jiff::Timestamp>().expect("a time").into()
}

/// A Tuesday.
fn noon() -> Instant {
    at("2026-11-24T12:00:00Z")
}

fn facts() -> Facts<'static> {
    Facts {
        channel: Channel::Sms,
        purpose: Some(Purpose::Collections.into()),
        basis: Some(LegalBasis::Contract),
        assessment_recorded: false,
        number: NumberFacts { is_test_range: false, mode: NumberMode::Production, line_type: LineType::Mobile, region: Some("GB") },
        zones: &["Europe/London"],
        suppressions: &[],
        holds: &[],
        is_restricted: false,
        consents: &[],
        soft_opt_in: None,
        touches: &[],
        wishes: None,
        message: MessageFacts::default(),
        campaign_hours: None,
    }
}

fn calls() -> CallFacts {
    CallFacts {
        abandoned_at: None,
        machine_at: None,
        guarantees_agent: false,
        ring_ms_max: 20_000,
        acts_on_machines: false,
        mistakes_are_tested: false,
        caller_id: CallerIdFacts {
            is_verified: true,
            line_type: LineType::FixedLine,
            is_test_range: false,
            mode: NumberMode::Production,
            digits: 10,
            is_british: true,
            is_answered: true,
            is_do_not_originate: false,
            inbound_proven: false,
        },
        information: Some(InformationFacts { names_client: true, says_number: true, number_is_cheap: true, is_promotional: false }),
    }
}

fn ask(call: &CallFacts, now: Instant) -> String {
    let book = RuleBook::embedded().expect("the shipped packs");
    let pack = book.pack(Some("GB"), now);
    let decision = decide_call(pack, &mut WindowCache::new(), &Facts { channel: Channel::Voice, ..facts() }, call, now);
    match &decision {
        Decision::Permit(_) => "permit".into(),
        decision => decision.summary(pack).split_once(' ').expect("words").1.to_owned(),
    }
}

#[test]
fn a_call_is_permitted_only_as_the_rules_of_calls_say() {
    let now = noon();
    let caller = |change: fn(&mut CallerIdFacts)| {
        let mut call = calls();
        change(&mut call.caller_id);
        ask(&call, now)
    };
    assert_eq!(ask(&calls(), now), "permit");
    assert_eq!(ask(&CallFacts { ring_ms_max: 14_999, ..calls() }, now), "refused by UK-10");
    assert_eq!(ask(&CallFacts { ring_ms_max: 15_000, ..calls() }, now), "permit");
    assert_eq!(ask(&CallFacts { acts_on_machines: true, ..calls() }, now), "refused by UK-4");
    assert_eq!(ask(&CallFacts { acts_on_machines: true, mistakes_are_tested: true, ..calls() }, now), "permit");
    let promotes = InformationFacts { is_promotional: true, ..calls().information.expect("set") };
    assert_eq!(ask(&CallFacts { information: Some(promotes), ..calls() }, now), "refused by UK-7");
    assert_eq!(ask(&CallFacts { information: None, ..calls() }, now), "permit", "a campaign that puts nobody through");
    assert_eq!(caller(|id| id.is_verified = false), "refused by UK-12");
    assert_eq!(caller(|id| id.line_type = LineType::PremiumRate), "refused by UK-12");
    assert_eq!(caller(|id| id.digits = 11), "refused by UK-12");
    assert_eq!(caller(|id| id.is_answered = false), "refused by UK-12");
    assert_eq!(caller(|id| id.is_test_range = true), "refused by UK-12");
    assert_eq!(caller(|id| id.is_do_not_originate = true), "refused by UK-12");
    assert_eq!(caller(|id| id.line_type = LineType::Mobile), "refused by UK-14");
    assert_eq!(caller(|id| (id.line_type, id.inbound_proven) = (LineType::Mobile, true)), "permit");
    assert!(calls().caller_id.needs_proof_of_origin(false) && !calls().caller_id.needs_proof_of_origin(true));
}

#[test]
fn after_an_abandoned_call_only_a_guaranteed_agent_for_72_hours() {
    let now = noon();
    let after = |hours: i64, guarantees_agent| ask(&CallFacts { abandoned_at: Some(now.plus_ms(-hours * HOUR_MS)), guarantees_agent, ..calls() }, now);
    assert_eq!(after(72, false), "permit");
    assert!(after(71, false).starts_with("deferred by UK-8 until "), "{}", after(71, false));
    assert_eq!(after(1, true), "permit");
}

#[test]
fn after_a_machine_only_a_guaranteed_agent_until_midnight_in_london() {
    let evening = at("2026-11-23T19:30:00Z");
    let after = |machine_at: Instant, guarantees_agent| ask(&CallFacts { machine_at: Some(machine_at), guarantees_agent, ..calls() }, evening);
    assert!(after(at("2026-11-23T09:00:00Z"), false).starts_with("deferred by UK-9 until 2026-11-24T08:00"), "{}", after(at("2026-11-23T09:00:00Z"), false));
    assert_eq!(after(at("2026-11-23T09:00:00Z"), true), "permit");
    assert_eq!(after(at("2026-11-22T23:59:00Z"), false), "permit");
    // The clocks go back: the day in London is 25 hours long.
    assert_eq!(end_of_london_day(at("2026-10-25T00:30:00Z")), at("2026-10-26T00:00:00Z"));
    assert_eq!(end_of_london_day(at("2026-07-01T22:59:00Z")), at("2026-07-01T23:00:00Z"));
}

#[test]
fn a_call_about_which_nothing_is_known_is_refused() {
    let book = RuleBook::embedded().expect("the shipped packs");
    let pack = book.pack(Some("GB"), noon());
    let decision = decide(pack, &Facts { channel: Channel::Voice, ..facts() }, noon());
    let Decision::Refuse(refusal) = decision else { panic!("{decision:?}") };
    assert_eq!(pack.ids(refusal.rules).collect::<Vec<_>>(), ["UK-4", "UK-7", "UK-8", "UK-9", "UK-10", "UK-12", "UK-14"]);
    assert!(matches!(decide(pack, &facts(), noon()), Decision::Permit(_)), "a message is not asked");
}
