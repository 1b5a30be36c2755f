use super::*;
use crate::campaigns::campaign::Channel;
use crate::compliance::consent::{Consent, ConsentState, ObtainedIn, SoftOptIn};
use crate::compliance::facts::{MessageFacts, NumberFacts, Touch, Wishes};
use crate::compliance::hold::{Hold, HoldReason};
use crate::compliance::purpose::{LegalBasis, StatedPurpose};
use crate::compliance::rule_book::RuleBook;
use crate::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
use crate::compliance::tenant_limits::{CAP_COUNT_MAX, CAP_PERIOD_HOURS_MAX, CAPS_MAX, LimitsError, TenantCap, TenantLimits};
use crate::compliance::window::WeekHours;
use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;
use crate::time::{DAY_MS, HOUR_MS};
use proptest::prelude::*;

pub(super) fn at(text: &str) -> Instant {
    text.parse::<jiff::Timestamp>().expect("a time").into()
}

/// A Monday noon in London.
pub(super) fn noon() -> Instant {
    at("2026-11-23T12:00:00Z")
}

/// A collections text that may go out.
pub(super) fn facts() -> Facts<'static> {
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
        message: MessageFacts { says_how_to_stop: true, names_sender: true, is_promotional: false },
        campaign_hours: None,
    }
}

pub(super) fn consent() -> Consent {
    Consent { channel: Channel::Sms, state: ConsentState::Given, at: at("2026-06-01T00:00:00Z"), expires_at: None, has_evidence: true }
}

fn marketing() -> Facts<'static> {
    let consents = Box::leak(Box::new([consent()]));
    Facts { purpose: Some(Purpose::Marketing.into()), basis: Some(LegalBasis::Consent), consents, ..facts() }
}

fn soft() -> Facts<'static> {
    let soft_opt_in = Some(SoftOptIn { obtained_in: ObtainedIn::Sale, refusal_offered: true });
    Facts { consents: &[], soft_opt_in, basis: Some(LegalBasis::LegitimateInterest), assessment_recorded: true, ..marketing() }
}

fn ask(facts: &Facts<'_>, now: Instant) -> String {
    let book = RuleBook::embedded().expect("the shipped packs are good");
    let pack = book.pack(facts.number.region, now);
    decide(pack, facts, now).summary(pack)
}

/// What `summary` says after the verb, for a case that must not be permitted.
fn refused(facts: &Facts<'_>) -> String {
    let summary = ask(facts, noon());
    summary.split_once(" refused by ").unwrap_or_else(|| panic!("not refused: {summary}")).1.to_owned()
}

pub(super) fn leak<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}

fn suppressed(reason: SuppressionReason, scope: SuppressionScope) -> Facts<'static> {
    Facts { suppressions: leak(vec![Suppression { reason, scope }]), ..facts() }
}

fn held(reason: HoldReason, until: Option<Instant>) -> Facts<'static> {
    Facts { holds: leak(vec![Hold { reason, until }]), ..facts() }
}

fn with_number(change: impl Fn(&mut NumberFacts<'static>)) -> Facts<'static> {
    let mut facts = facts();
    change(&mut facts.number);
    facts
}

fn with_consent(change: impl Fn(&mut Consent)) -> Facts<'static> {
    let mut given = consent();
    change(&mut given);
    Facts { consents: leak(vec![given]), ..marketing() }
}

#[test]
fn permits_what_passes_every_rule() {
    let passed = ask(&facts(), noon());
    assert!(passed.starts_with("uk@2026-11-23 passed PURPOSE,DP-5,REGION-NO-PACK,"), "{passed}");
    assert!(passed.contains(",UK-17,UK-34,") && passed.ends_with(",POL-CAP-COL-DAY,POL-CAP-COL-WEEK"), "{passed}");
    assert!(ask(&marketing(), noon()).contains("UK-26"), "{}", ask(&marketing(), noon()));
    assert!(ask(&soft(), noon()).contains(" passed "), "{}", ask(&soft(), noon()));
}

#[test]
fn refuses_with_the_rule_that_says_why() {
    let other = |purpose| Some(StatedPurpose { purpose, underlying: None, reasoned_not_marketing: false });
    let cases: Vec<(&str, Facts<'static>, &str)> = vec![
        ("no purpose", Facts { purpose: None, ..facts() }, "PURPOSE"),
        ("put through to what?", Facts { purpose: other(Purpose::PutThrough), ..facts() }, "PURPOSE"),
        ("no basis", Facts { basis: None, ..facts() }, "DP-5"),
        ("interest without assessment", Facts { basis: Some(LegalBasis::LegitimateInterest), ..facts() }, "DP-5"),
        ("consent as basis, none given", Facts { basis: Some(LegalBasis::Consent), ..facts() }, "DP-6"),
        ("no region", with_number(|n| n.region = None), "REGION-NO-PACK"),
        ("a region without a pack", with_number(|n| n.region = Some("FR")), "REGION-NO-PACK"),
        ("no zone", Facts { zones: &[], ..facts() }, "ZONE-UNKNOWN"),
        ("a zone that is none", Facts { zones: &["Europe/London", "Europe/Atlantis"], ..facts() }, "ZONE-UNKNOWN"),
        ("test number in production", with_number(|n| n.is_test_range = true), "NUM-TEST"),
        ("real number in the demo", with_number(|n| n.mode = NumberMode::Demo), "NUM-TEST"),
        ("a landline", with_number(|n| n.line_type = LineType::FixedLine), "NUM-LINE-SMS"),
        ("a personal number", with_number(|n| n.line_type = LineType::Personal), "NUM-LINE-SMS"),
        ("an unknown line", with_number(|n| n.line_type = LineType::Unknown), "NUM-LINE-SMS"),
        ("restricted", Facts { is_restricted: true, ..facts() }, "DP-16"),
        ("stopped by text", suppressed(SuppressionReason::OptOut, SuppressionScope::Sms), "SUP-OPT-OUT"),
        ("stopped everywhere", suppressed(SuppressionReason::OptOut, SuppressionScope::Every), "SUP-OPT-OUT"),
        ("stopped at the carrier", suppressed(SuppressionReason::CarrierBlock, SuppressionScope::Sms), "SUP-OPT-OUT"),
        ("objected", suppressed(SuppressionReason::Objection, SuppressionScope::Every), "DP-18"),
        ("wrong person", suppressed(SuppressionReason::WrongPerson, SuppressionScope::Every), "DP-2"),
        ("erased", suppressed(SuppressionReason::Erased, SuppressionScope::Every), "DP-15"),
        ("tenant's list", suppressed(SuppressionReason::TenantList, SuppressionScope::Every), "SUP-LIST"),
        ("breathing space", held(HoldReason::BreathingSpace, None), "HOLD-DEBT,UK-50"),
        ("breathing space past its date", held(HoldReason::BreathingSpace, Some(at("2026-10-01T00:00:00Z"))), "HOLD-DEBT,UK-50"),
        ("dispute", held(HoldReason::Dispute, None), "HOLD-DEBT,UK-46"),
        ("capacity", held(HoldReason::Capacity, None), "HOLD-DEBT,UK-45"),
        ("a reply to read", held(HoldReason::ReplyReview, None), "HOLD-REVIEW"),
        ("hold restricted", held(HoldReason::Restricted, Some(at("2020-01-01T00:00:00Z"))), "HOLD-RESTRICTED"),
        ("complaint with no end", held(HoldReason::Complaint, None), "HOLD-OTHER"),
        ("no texts, please", Facts { wishes: Some(&Wishes { hours: None, no_sms: true, no_voice: false }), ..facts() }, "UK-40"),
        ("offer in a collections text", Facts { message: MessageFacts { is_promotional: true, ..facts().message }, ..facts() }, "UK-17"),
        ("marketing without consent", Facts { consents: &[], basis: Some(LegalBasis::Contract), ..marketing() }, "UK-26"),
        ("consent for calls only", with_consent(|c| c.channel = Channel::Voice), "DP-6,UK-26"),
        ("consent withdrawn", with_consent(|c| c.state = ConsentState::Withdrawn), "DP-6,UK-26"),
        ("consent without evidence", with_consent(|c| c.has_evidence = false), "DP-6,UK-33"),
        ("consent over two years old", with_consent(|c| c.at = at("2024-11-01T00:00:00Z")), "DP-6,UK-33"),
        ("consent ended", with_consent(|c| c.expires_at = Some(noon())), "DP-6,UK-33"),
        ("consent from the future", with_consent(|c| c.at = noon().plus_ms(1)), "DP-6,UK-33"),
        ("soft opt-in, bought list", Facts { soft_opt_in: Some(SoftOptIn { obtained_in: ObtainedIn::Other, refusal_offered: true }), ..soft() }, "UK-27"),
        ("soft opt-in, no refusal offered", Facts { soft_opt_in: Some(SoftOptIn { obtained_in: ObtainedIn::Sale, refusal_offered: false }), ..soft() }, "UK-27"),
        ("soft opt-in after withdrawal", Facts { consents: leak(vec![Consent { state: ConsentState::Withdrawn, ..consent() }]), ..soft() }, "UK-26"),
        ("no way to stop", Facts { message: MessageFacts { says_how_to_stop: false, ..facts().message }, ..soft() }, "UK-27,UK-30"),
        ("nameless sender", Facts { message: MessageFacts { names_sender: false, ..facts().message }, ..marketing() }, "UK-30"),
        ("application treated as marketing", Facts { purpose: other(Purpose::IncompleteApplication), ..facts() }, "UK-26"),
        ("Guernsey marketing", Facts { number: with_number(|n| n.region = Some("GG")).number, ..marketing() }, "CD-MKT"),
        ("hours that never meet", Facts { campaign_hours: Some(Box::leak(Box::new(WeekHours::daily(0, 300)))), ..facts() }, "CAMPAIGN-HOURS"),
    ];
    for (label, facts, expected) in cases {
        assert_eq!(refused(&facts), expected, "{label}");
    }
}

#[test]
fn lists_every_rule_that_refuses() {
    let bad = Facts { basis: None, zones: &[], is_restricted: true, ..suppressed(SuppressionReason::OptOut, SuppressionScope::Every) };
    assert_eq!(refused(&bad), "DP-5,ZONE-UNKNOWN,DP-16,SUP-OPT-OUT");
}

#[test]
fn what_concerns_another_channel_or_purpose_does_not_refuse() {
    let reasoned = StatedPurpose { purpose: Purpose::IncompleteApplication, underlying: None, reasoned_not_marketing: true };
    let cases: Vec<(&str, Facts<'static>)> = vec![
        ("stopped for calls", suppressed(SuppressionReason::OptOut, SuppressionScope::Voice)),
        ("no calls, please", Facts { wishes: Some(&Wishes { hours: None, no_sms: false, no_voice: true }), ..facts() }),
        ("complaint that ended", held(HoldReason::Complaint, Some(noon()))),
        ("application with a reason", Facts { purpose: Some(reasoned), ..facts() }),
        ("a service text without a stop", Facts { message: MessageFacts::default(), ..facts() }),
        ("a service text to Jersey", with_number(|n| n.region = Some("JE"))),
        ("consent renewed after a withdrawal", Facts {
            consents: leak(vec![consent(), Consent { state: ConsentState::Withdrawn, at: at("2026-05-01T00:00:00Z"), ..consent() }]),
            ..marketing()
        }),
    ];
    for (label, facts) in cases {
        assert!(ask(&facts, noon()).contains(" passed "), "{label}: {}", ask(&facts, noon()));
    }
}

#[test]
fn put_through_takes_the_rules_of_what_lies_under_it() {
    let stated = StatedPurpose { purpose: Purpose::PutThrough, underlying: Some(Purpose::Marketing), reasoned_not_marketing: false };
    assert_eq!(refused(&Facts { purpose: Some(stated), ..facts() }), "UK-26");
}

fn touches(hours_ago: &[i64]) -> &'static [Touch] {
    leak(hours_ago.iter().map(|hours| Touch { at: noon().plus_ms(-hours * HOUR_MS), channel: Channel::Voice, purpose: Purpose::Reminder }).collect())
}

#[test]
fn defers_to_the_first_moment_at_which_everything_is_open() {
    let wishes = |hours| -> Option<&'static Wishes> { Some(Box::leak(Box::new(Wishes { hours: Some(hours), ..Wishes::default() }))) };
    let cases: Vec<(&str, Facts<'static>, &str, &str)> = vec![
        ("before the morning", facts(), "2026-11-23T07:59:59.999Z", "deferred by UK-34 until 2026-11-23T08:00:00.000Z"),
        ("after the evening", facts(), "2026-11-23T21:00:00Z", "deferred by UK-34 until 2026-11-24T08:00:00.000Z"),
        ("Saturday evening to Monday", facts(), "2026-11-28T17:00:00Z", "deferred by UK-34 until 2026-11-30T08:00:00.000Z"),
        ("over Christmas", facts(), "2026-12-24T21:00:00Z", "deferred by UK-34 until 2026-12-29T08:00:00.000Z"),
        ("the night the clocks go forward", facts(), "2027-03-27T23:00:00Z", "deferred by UK-34 until 2027-03-30T07:00:00.000Z"),
        ("the night the clocks go back", facts(), "2027-10-30T22:00:00Z", "deferred by UK-34 until 2027-11-01T08:00:00.000Z"),
        ("every zone must be open", Facts { zones: &["Europe/London", "America/New_York"], ..facts() }, "2026-11-23T12:00:00Z", "deferred by UK-34 until 2026-11-23T13:00:00.000Z"),
        ("the campaign's hours narrow", Facts { campaign_hours: Some(Box::leak(Box::new(WeekHours::daily(14 * 60, 24 * 60)))), ..facts() }, "2026-11-23T12:00:00Z", "deferred by CAMPAIGN-HOURS until 2026-11-23T14:00:00.000Z"),
        ("the person's wish narrows", Facts { wishes: wishes(WeekHours::daily(18 * 60, 20 * 60)), ..facts() }, "2026-11-23T12:00:00Z", "deferred by UK-40 until 2026-11-23T18:00:00.000Z"),
        ("three attempts in a day", Facts { touches: touches(&[2, 20, 5]), ..facts() }, "2026-11-23T12:00:00Z", "deferred by POL-CAP-COL-DAY until 2026-11-23T16:00:00.000Z"),
        ("a fourth that slipped through", Facts { touches: touches(&[2, 5, 19, 20]), ..facts() }, "2026-11-23T12:00:00Z", "deferred by POL-CAP-COL-DAY until 2026-11-23T17:00:00.000Z"),
        ("seven in a week, then the next window", Facts { touches: touches(&[30, 40, 50, 60, 70, 80, 155]), ..facts() }, "2026-11-23T12:00:00Z", "deferred by POL-CAP-COL-WEEK until 2026-11-24T08:00:00.000Z"),
        ("a complaint with an end", held(HoldReason::Complaint, Some(at("2026-11-28T16:00:00Z"))), "2026-11-23T12:00:00Z", "deferred by HOLD-OTHER until 2026-11-28T16:00:00.000Z"),
        ("a complaint that ends on a Sunday", held(HoldReason::Complaint, Some(at("2026-11-29T16:00:00Z"))), "2026-11-23T12:00:00Z", "deferred by HOLD-OTHER until 2026-11-30T08:00:00.000Z"),
    ];
    for (label, facts, now, expected) in cases {
        assert_eq!(ask(&facts, at(now)), format!("uk@2026-11-23 {expected}"), "{label}");
    }
}

#[test]
fn a_hold_does_not_open_what_is_closed_for_the_season() {
    // An hour that London and New York share only in the weeks between their clock changes.
    let never = Facts { zones: &["Europe/London", "America/New_York"], campaign_hours: Some(Box::leak(Box::new(WeekHours::daily(5 * 60, 13 * 60)))), ..facts() };
    assert!(ask(&never, noon()).contains(" refused by "), "{}", ask(&never, noon()));
    let until_the_spring = leak(vec![Hold { reason: HoldReason::Complaint, until: Some(at("2027-02-20T12:00:00Z")) }]);
    assert!(ask(&Facts { holds: until_the_spring, ..never }, noon()).contains(" refused by "));
    assert!(ask(&never, at("2027-03-01T12:00:00Z")).ends_with("until 2027-03-15T12:00:00.000Z"), "{}", ask(&never, at("2027-03-01T12:00:00Z")));
}

#[test]
fn touches_that_left_the_window_no_longer_count() {
    let facts = Facts { touches: touches(&[24, 2, 5]), ..facts() };
    assert!(ask(&facts, noon()).contains(" passed "));
}

#[test]
fn after_the_last_known_holiday_every_day_is_one() {
    assert_eq!(ask(&facts(), at("2029-01-02T12:00:00Z")), "uk@2026-11-23 refused by UK-34");
}

#[test]
fn a_permit_lasts_a_minute_or_until_the_window_closes() {
    let book = RuleBook::embedded().expect("the shipped packs are good");
    for (now, until) in [("2026-11-23T12:00:00Z", "2026-11-23T12:01:00Z"), ("2026-11-23T20:59:30Z", "2026-11-23T21:00:00Z")] {
        let Decision::Permit(permit) = decide(book.pack(Some("GB"), at(now)), &facts(), at(now)) else { panic!("no permit at {now}") };
        assert_eq!(permit.valid_until(), at(until));
        assert!(permit.is_fresh(at(until).plus_ms(-1)) && !permit.is_fresh(at(until)));
    }
}

#[test]
fn a_pack_of_another_region_or_time_never_permits() {
    let book = RuleBook::embedded().expect("the shipped packs are good");
    let pack = book.pack(Some("GB"), noon());
    let abroad = with_number(|n| n.region = Some("US"));
    assert_eq!(decide(pack, &abroad, noon()).summary(pack), "uk@2026-11-23 refused by REGION-NO-PACK");
    assert_eq!(decide(pack, &facts(), at("2026-11-20T12:00:00Z")).summary(pack), "uk@2026-11-23 refused by PACK-DATE");
    assert_eq!(ask(&facts(), at("2026-11-20T12:00:00Z")), "none@2020-01-01 refused by REGION-NO-PACK", "before the first day nobody speaks for it");
}

#[test]
fn a_tenant_can_only_narrow() {
    let book = RuleBook::embedded().expect("the shipped packs are good");
    let pack = book.pack(Some("GB"), noon());
    let limits = TenantLimits { hours: Some(WeekHours::daily(0, 12 * 60)), caps: vec![TenantCap { count_max: 1, period_hours: 48, purpose: Some(Purpose::Collections) }] };
    let narrow = pack.narrowed_by(&limits).expect("good limits");
    assert_eq!(decide(&narrow, &facts(), noon()).summary(&narrow), "uk@2026-11-23+tenant deferred by TENANT-HOURS until 2026-11-24T08:00:00.000Z");
    let touched = [Touch { at: noon().plus_ms(-26 * HOUR_MS), channel: Channel::Sms, purpose: Purpose::Collections }];
    let busy = Facts { touches: &touched, ..facts() };
    let early = at("2026-11-23T09:00:00Z");
    assert_eq!(decide(&narrow, &busy, early).summary(&narrow), "uk@2026-11-23+tenant deferred by TENANT-CAP-1 until 2026-11-24T10:00:00.000Z");
    assert!(pack.narrowed_by(&TenantLimits { hours: Some(WeekHours::default()), caps: vec![] }).is_err());
    let caps = |count_max, period_hours, n| pack.narrowed_by(&TenantLimits { hours: None, caps: vec![TenantCap { count_max, period_hours, purpose: None }; n] });
    assert!(caps(CAP_COUNT_MAX, CAP_PERIOD_HOURS_MAX, CAPS_MAX).is_ok());
    for (count_max, period_hours) in [(0, 1), (1, 0), (CAP_COUNT_MAX + 1, 1), (1, CAP_PERIOD_HOURS_MAX + 1)] {
        assert!(matches!(caps(count_max, period_hours, 1), Err(LimitsError::Cap)), "{count_max} in {period_hours} hours");
    }
    assert!(matches!(caps(1, 1, CAPS_MAX + 1), Err(LimitsError::TooManyCaps)));
}

proptest! {
    /// The cache is only ever faster; and a deferral is honest: then, and not a minute before, the same facts pass.
    #[test]
    fn the_cache_agrees_and_deferrals_are_exact(minutes in prop::collection::vec(0i64..60 * 24 * 400, 1..12), ago in prop::collection::vec(0i64..200, 0..9)) {
        let book = RuleBook::embedded().expect("the shipped packs are good");
        let mut cache = WindowCache::new();
        for minute in minutes {
            let now = noon().plus_ms(minute * MINUTE_MS);
            let pack = book.pack(Some("GB"), now);
            let touches: Vec<Touch> = ago.iter().map(|hours| Touch { at: now.plus_ms(-hours * HOUR_MS), channel: Channel::Sms, purpose: Purpose::Collections }).collect();
            let asked = Facts { touches: &touches, zones: &["Europe/London", "Europe/Dublin", "Europe/Paris"], ..facts() };
            let decision = decide_cached(pack, &mut cache, &asked, now);
            prop_assert_eq!(&decision, &decide(pack, &asked, now));
            if let Decision::Defer(Deferral { until, .. }) = decision {
                prop_assert!(until > now && until < now.plus_ms(40 * DAY_MS));
                prop_assert!(matches!(decide(pack, &asked, until), Decision::Permit(_)), "{}", decide(pack, &asked, until).summary(pack));
                prop_assert!(!matches!(decide(pack, &asked, until.plus_ms(-1)), Decision::Permit(_)));
            }
        }
    }
}
