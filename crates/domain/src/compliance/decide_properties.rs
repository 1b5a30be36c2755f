//! What holds of every decision, whatever the facts, and on every minute of the nights on which clocks change.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::tests::{at, consent, facts, leak, noon};
use super::*;
use crate::campaigns::campaign::Channel;
use crate::compliance::consent::{Consent, ConsentState, ObtainedIn, SoftOptIn};
use crate::compliance::facts::{MessageFacts, NumberFacts, Touch, Wishes};
use crate::compliance::hold::{Hold, HoldReason};
use crate::compliance::purpose::{LegalBasis, StatedPurpose};
use crate::compliance::rule_book::RuleBook;
use crate::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
use crate::compliance::tenant_limits::{TenantCap, TenantLimits};
use crate::compliance::window::WeekHours;
use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;
use crate::time::DAY_MS;

fn mostly<T: Clone + std::fmt::Debug + 'static>(usual: T, others: Vec<T>) -> impl Strategy<Value = T> {
    prop_oneof![6 => Just(usual), 1 => prop::sample::select(others)]
}

fn purposes() -> impl Strategy<Value = Option<StatedPurpose>> {
    let stated = (prop::sample::select(Purpose::ALL), prop::option::of(prop::sample::select(Purpose::ALL)), any::<bool>());
    prop_oneof![1 => Just(None), 9 => stated.prop_map(|(purpose, underlying, reasoned)| Some(StatedPurpose { purpose, underlying, reasoned_not_marketing: reasoned }))]
}

fn numbers() -> impl Strategy<Value = NumberFacts<'static>> {
    let modes = mostly((false, NumberMode::Production), vec![(true, NumberMode::Demo), (true, NumberMode::Production), (false, NumberMode::Demo)]);
    (modes, mostly(LineType::Mobile, LineType::ALL.to_vec()), mostly(Some("GB"), vec![None, Some("JE"), Some("FR")]))
        .prop_map(|((is_test_range, mode), line_type, region)| NumberFacts { is_test_range, mode, line_type, region })
}

fn zones() -> impl Strategy<Value = &'static [&'static str]> {
    let london: &[&str] = &["Europe/London"];
    let others: Vec<&'static [&'static str]> = vec![&[], &["Europe/London", "America/New_York"], &["Asia/Kolkata"], &["Europe/Atlantis"], &["Europe/London", "Australia/Lord_Howe"]];
    mostly(london, others)
}

fn few<T: Clone + std::fmt::Debug + 'static>(one: impl Strategy<Value = T> + 'static) -> impl Strategy<Value = &'static [T]> {
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(one, 1..4)].prop_map(leak)
}

fn suppressions() -> impl Strategy<Value = Suppression> {
    (prop::sample::select(SuppressionScope::ALL), prop::sample::select(SuppressionReason::ALL)).prop_map(|(scope, reason)| Suppression { scope, reason })
}

fn holds() -> impl Strategy<Value = Hold> {
    (prop::sample::select(HoldReason::ALL), prop::option::of(-10 * DAY_MS..400 * DAY_MS)).prop_map(|(reason, until)| Hold { reason, until: until.map(|ms| noon().plus_ms(ms)) })
}

fn consents() -> impl Strategy<Value = Consent> {
    (prop::sample::select(Channel::ALL), prop::sample::select(ConsentState::ALL), -900 * DAY_MS..400 * DAY_MS, any::<bool>())
        .prop_map(|(channel, state, ms, has_evidence)| Consent { channel, state, at: noon().plus_ms(ms), has_evidence, ..consent() })
}

fn touches() -> impl Strategy<Value = Touch> {
    (-10 * DAY_MS..400 * DAY_MS, prop::sample::select(Channel::ALL), prop::sample::select(Purpose::ALL)).prop_map(|(ms, channel, purpose)| Touch { at: noon().plus_ms(ms), channel, purpose })
}

fn hours() -> impl Strategy<Value = Option<WeekHours>> {
    prop_oneof![3 => Just(None), 1 => (0u16..20, 1u16..12).prop_map(|(from, length)| Some(WeekHours::daily(from * 60, (from + length).min(24) * 60)))]
}

fn wishes() -> impl Strategy<Value = Option<&'static Wishes>> {
    let some = (hours(), any::<bool>(), any::<bool>()).prop_map(|(hours, no_sms, no_voice)| Some(&*Box::leak(Box::new(Wishes { hours, no_sms, no_voice }))));
    prop_oneof![3 => Just(None), 1 => some]
}

fn messages() -> impl Strategy<Value = MessageFacts> {
    (prop::bool::weighted(0.8), prop::bool::weighted(0.8), prop::bool::weighted(0.2)).prop_map(|(says_how_to_stop, names_sender, is_promotional)| MessageFacts { says_how_to_stop, names_sender, is_promotional })
}

fn any_facts() -> impl Strategy<Value = Facts<'static>> {
    let basis = prop_oneof![1 => Just(None), 9 => prop::sample::select(LegalBasis::ALL).prop_map(Some)];
    let soft = prop::option::of((prop::sample::select(ObtainedIn::ALL), any::<bool>()).prop_map(|(obtained_in, refusal_offered)| SoftOptIn { obtained_in, refusal_offered }));
    let who = (purposes(), basis, any::<bool>(), numbers(), zones(), few(suppressions()), few(holds()), prop::bool::weighted(0.1));
    let what = (few(consents()), soft, few(touches()), wishes(), messages(), hours());
    (who, what).prop_map(|((purpose, basis, assessment_recorded, number, zones, suppressions, holds, is_restricted), (consents, soft_opt_in, touches, wishes, message, own))| Facts {
        purpose, basis, assessment_recorded, number, zones, suppressions, holds, is_restricted, consents, soft_opt_in, touches, wishes, message,
        campaign_hours: own.map(|hours| &*Box::leak(Box::new(hours))),
        ..facts()
    })
}

/// The hours of the shipped packs, read off a clock on the wall.
fn is_civil(zone: &str, now: Instant) -> bool {
    let local = now.timestamp().in_tz(zone).expect("a zone");
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let holidays: [Date; 6] = ["2026-12-25", "2026-12-26", "2026-12-28", "2027-01-01", "2027-03-26", "2027-03-29"].map(|day| day.parse().expect("a day"));
    let later = ["2027-05-03", "2027-05-31", "2027-08-30", "2027-12-25", "2027-12-26", "2027-12-27", "2027-12-28"];
    if holidays.contains(&local.date()) || later.iter().any(|day| local.date().to_string() == *day) {
        return false;
    }
    match local.weekday() {
        jiff::civil::Weekday::Sunday => false,
        jiff::civil::Weekday::Saturday => (540..1_020).contains(&minute),
        _ => (480..1_260).contains(&minute),
    }
}

fn is_within(hours: &WeekHours, zone: &str, now: Instant) -> bool {
    let local = now.timestamp().in_tz(zone).expect("a zone");
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    hours.day(local.weekday().to_monday_zero_offset() as usize).any(|span| span.contains(minute))
}

/// What must be so, written down a second time and by other means, for every permit of a text message.
fn may_be_permitted(facts: &Facts<'_>, now: Instant) -> bool {
    let Some((first, second)) = facts.purpose.and_then(StatedPurpose::in_law) else { return false };
    let is_marketing = first == Purpose::Marketing || second == Some(Purpose::Marketing);
    let ground = facts.basis.is_some() && (facts.basis != Some(LegalBasis::LegitimateInterest) || facts.assessment_recorded);
    let number = facts.number.is_test_range == (facts.number.mode == NumberMode::Demo) && matches!(facts.number.line_type, LineType::Mobile | LineType::FixedOrMobile) && matches!(facts.number.region, Some("GB" | "JE"));
    let known_zones = !facts.zones.is_empty() && facts.zones.iter().all(|zone| TimeZone::get(zone).is_ok());
    let free = !facts.is_restricted
        && facts.suppressions.iter().all(|entry| entry.scope == SuppressionScope::Voice)
        && facts.holds.iter().all(|hold| matches!(hold.reason, HoldReason::Complaint | HoldReason::Other) && hold.until.is_some_and(|until| until <= now));
    if !(ground && number && known_zones && free) {
        return false;
    }
    let open = |zone: &&str| {
        is_civil(zone, now) && facts.campaign_hours.is_none_or(|hours| is_within(hours, zone, now)) && facts.wishes.and_then(|wishes| wishes.hours).is_none_or(|hours| is_within(&hours, zone, now))
    };
    let within = |days: i64| facts.touches.iter().filter(|touch| touch.at > now.plus_ms(-days * DAY_MS)).count();
    let (day_max, week_max) = match (first, second) {
        (Purpose::Marketing, _) | (_, Some(Purpose::Marketing)) => (1, 3),
        (Purpose::Reminder, _) | (_, Some(Purpose::Reminder)) => (2, 7),
        _ => (3, 7),
    };
    // The law of Jersey is not installed: no marketing there.
    let spoken = if is_marketing { facts.number.region == Some("GB") && facts.message.names_sender && facts.message.says_how_to_stop } else { true };
    let promotes = facts.message.is_promotional && [Some(first), second].iter().flatten().any(|purpose| *purpose != Purpose::Marketing);
    let texts = facts.consents.iter().filter(|consent| consent.channel == Channel::Sms);
    let last = texts.max_by_key(|consent| (consent.at, consent.state));
    let given = last.is_some_and(|consent| consent.state == ConsentState::Given && consent.has_evidence && consent.at <= now && now.ms() - consent.at.ms() < 720 * DAY_MS);
    let soft = last.is_none() && facts.soft_opt_in.is_some_and(|soft| soft.refusal_offered && soft.obtained_in != ObtainedIn::Other);
    let agreed = (!is_marketing || given || soft) && (facts.basis != Some(LegalBasis::Consent) || given);
    facts.zones.iter().all(open) && facts.wishes.is_none_or(|wishes| !wishes.no_sms) && within(1) < day_max && within(7) < week_max && spoken && !promotes && agreed
}

fn book() -> &'static RuleBook {
    static BOOK: LazyLock<RuleBook> = LazyLock::new(|| RuleBook::embedded().expect("the shipped packs are good"));
    &BOOK
}

fn rank(decision: &Decision) -> u8 {
    match decision {
        Decision::Permit(_) => 0,
        Decision::Defer(_) => 1,
        Decision::Refuse(_) => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A permit is given exactly when a second reading of the rules gives one.
    #[test]
    fn a_permit_is_what_the_rules_say_and_nothing_else(facts in any_facts(), minutes in 0i64..300 * 24 * 60) {
        let now = noon().plus_ms(minutes * MINUTE_MS);
        let book = book();
        let pack = book.pack(facts.number.region, now);
        let decision = decide(pack, &facts, now);
        prop_assert_eq!(matches!(decision, Decision::Permit(_)), may_be_permitted(&facts, now), "{} at {}", decision.summary(pack), now.rfc3339());
        match decision {
            Decision::Permit(permit) => prop_assert!(!permit.passed().is_empty() && permit.valid_until() > now && permit.valid_until() <= now.plus_ms(PERMIT_LASTS_MS)),
            Decision::Defer(deferral) => prop_assert!(!deferral.rules.is_empty() && deferral.until > now),
            Decision::Refuse(refusal) => prop_assert!(!refusal.rules.is_empty(), "a refusal has its reason"),
        }
    }

    /// One more thing that stands in the way never helps: a refusal stays one, and a wait does not become a permit.
    #[test]
    fn another_obstacle_never_helps(base in any_facts(), minutes in 0i64..300 * 24 * 60, suppression in suppressions(), hold in holds(), touch in touches(), kind in 0usize..5) {
        let now = noon().plus_ms(minutes * MINUTE_MS);
        let book = book();
        let pack = book.pack(base.number.region, now);
        let more = match kind {
            0 => Facts { suppressions: leak([base.suppressions, &[suppression]].concat()), ..base },
            1 => Facts { holds: leak([base.holds, &[hold]].concat()), ..base },
            2 => Facts { touches: leak([base.touches, &[touch]].concat()), ..base },
            3 => Facts { is_restricted: true, ..base },
            _ => Facts { zones: leak([base.zones, &["Pacific/Auckland"]].concat()), ..base },
        };
        // A person in no zone at all becomes one in New Zealand: that is knowledge, no obstacle.
        prop_assume!(kind != 4 || !base.zones.is_empty());
        prop_assert!(rank(&decide(pack, &more, now)) >= rank(&decide(pack, &base, now)));
    }

    /// What a tenant asks of itself beyond the rules only ever takes permits away.
    #[test]
    fn a_tenant_never_widens(facts in any_facts(), minutes in 0i64..300 * 24 * 60, own in hours(), count_max in 1u16..4, period_hours in 1u32..100, purpose in prop::option::of(prop::sample::select(Purpose::ALL))) {
        let now = noon().plus_ms(minutes * MINUTE_MS);
        let book = book();
        let pack = book.pack(facts.number.region, now);
        let narrowed = pack.narrowed_by(&TenantLimits { hours: own, caps: vec![TenantCap { count_max, period_hours, purpose }] }).expect("good limits");
        prop_assert!(rank(&decide(&narrowed, &facts, now)) >= rank(&decide(pack, &facts, now)));
    }
}

#[test]
fn whatever_is_not_known_refuses() {
    let book = book();
    let pack = book.pack(Some("GB"), noon());
    let unknown = |number: NumberFacts<'static>| Facts { number, ..facts() };
    let cases = [
        ("purpose", Facts { purpose: None, ..facts() }),
        ("what lies under it", Facts { purpose: Some(Purpose::PutThrough.into()), ..facts() }),
        ("ground", Facts { basis: None, ..facts() }),
        ("assessment", Facts { basis: Some(LegalBasis::LegitimateInterest), ..facts() }),
        ("zone", Facts { zones: &[], ..facts() }),
        ("that zone", Facts { zones: &["Mars/Olympus"], ..facts() }),
        ("region", unknown(NumberFacts { region: None, ..facts().number })),
        ("line", unknown(NumberFacts { line_type: LineType::Unknown, ..facts().number })),
        ("consent", Facts { basis: Some(LegalBasis::Consent), ..facts() }),
    ];
    assert!(matches!(decide(pack, &facts(), noon()), Decision::Permit(_)));
    for (what, facts) in cases {
        assert!(matches!(decide(pack, &facts, noon()), Decision::Refuse(_)), "{what}");
    }
}

/// A region whose people are in zones that change their clocks on other nights, by other amounts, or not at all.
const ELSEWHERE: &str = r#"
name = "elsewhere"
regions = ["US"]
valid_from = "2026-01-01"
holidays = ["2027-07-05"]
holidays_known_until = "2029-12-31"

[[rule]]
id = "ELSE-HOURS"
check = "hours"
hours = { mon = "08:00-21:00", tue = "08:00-21:00", wed = "08:00-21:00", thu = "08:00-21:00", fri = "08:00-21:00", sat = "08:00-21:00", sun = "02:15-03:30, 09:00-24:00" }
closed_on_holidays = true
manager = "Closed."
person = "Closed."
source = "Nowhere"
reviewer = "nobody"
status = "POL"
"#;

#[test]
fn on_the_nights_of_the_clocks_every_minute_is_decided_by_the_persons_own_clock() {
    let book = RuleBook::with_regions(&[("elsewhere.toml", ELSEWHERE)]).expect("a good pack");
    let sets: [&[&str]; 7] = [
        &["America/New_York"], &["America/Phoenix"], &["America/Denver", "America/Phoenix"], &["Europe/London", "Europe/Dublin"], &["Australia/Lord_Howe"], &["Pacific/Chatham"], &["Asia/Kolkata"],
    ];
    // The United States 2027; London 2027 and 2028; Lord Howe and Chatham 2027; an ordinary Sunday.
    let nights = ["2027-03-14", "2027-11-07", "2027-03-28", "2027-10-31", "2028-03-26", "2028-10-29", "2027-04-04", "2027-10-03", "2027-09-26", "2027-06-06"];
    let is_open = |zone: &&str, now: Instant| {
        let local = now.timestamp().in_tz(zone).expect("a zone");
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        if local.weekday() == jiff::civil::Weekday::Sunday { (135..210).contains(&minute) || minute >= 540 } else { (480..1_260).contains(&minute) }
    };
    let mut cache = WindowCache::new();
    for night in nights {
        let midnight = at(&format!("{night}T00:00:00Z"));
        for zones in sets {
            let asked = Facts { zones, number: NumberFacts { region: Some("US"), ..facts().number }, ..facts() };
            for minute in (-14 * 60..26 * 60).step_by(5) {
                let now = midnight.plus_ms(minute * MINUTE_MS);
                let pack = book.pack(Some("US"), now);
                let expected = zones.iter().all(|zone| is_open(zone, now));
                let decision = decide_cached(pack, &mut cache, &asked, now);
                assert_eq!(matches!(decision, Decision::Permit(_)), expected, "{zones:?} at {}: {}", now.rfc3339(), decision.summary(pack));
                if let Decision::Defer(deferral) = decision {
                    let opens = (1..).map(|minute| now.plus_ms(minute * MINUTE_MS)).find(|then| zones.iter().all(|zone| is_open(zone, *then))).expect("opens");
                    assert_eq!(deferral.until, opens, "{zones:?} at {}", now.rfc3339());
                }
            }
        }
    }
}

#[test]
fn known_instants_of_the_nights_of_the_clocks() {
    let book = RuleBook::with_regions(&[("elsewhere.toml", ELSEWHERE)]).expect("a good pack");
    let cases: [(&str, &[&str], &str, &str); 8] = [
        ("forward, the span loses its quarter of an hour", &["America/New_York"], "2027-03-14T06:59:00Z", "2027-03-14T07:00:00Z"),
        ("forward, what is left of the span ends", &["America/New_York"], "2027-03-14T07:30:00Z", "2027-03-14T13:00:00Z"),
        ("back, the span comes once", &["America/New_York"], "2027-11-07T06:00:00Z", "2027-11-07T07:15:00Z"),
        ("no change in Arizona", &["America/Phoenix"], "2027-03-14T08:00:00Z", "2027-03-14T09:15:00Z"),
        ("Navajo or the rest of Arizona: both must be open", &["America/Denver", "America/Phoenix"], "2027-03-15T14:00:00Z", "2027-03-15T15:00:00Z"),
        ("London forward", &["Europe/London"], "2027-03-28T00:59:00Z", "2027-03-28T01:15:00Z"),
        ("half an hour on Lord Howe", &["Australia/Lord_Howe"], "2027-10-02T15:29:00Z", "2027-10-02T15:30:00Z"),
        ("a holiday between", &["America/New_York"], "2027-07-05T12:00:00Z", "2027-07-06T12:00:00Z"),
    ];
    for (label, zones, now, until) in cases {
        let pack = book.pack(Some("US"), at(now));
        let asked = Facts { zones, number: NumberFacts { region: Some("US"), ..facts().number }, ..facts() };
        let Decision::Defer(deferral) = decide(pack, &asked, at(now)) else { panic!("{label}: {}", decide(pack, &asked, at(now)).summary(pack)) };
        assert_eq!(deferral.until.rfc3339(), at(until).rfc3339(), "{label}");
        assert!(matches!(decide(pack, &asked, deferral.until), Decision::Permit(_)) && !matches!(decide(pack, &asked, deferral.until.plus_ms(-1)), Decision::Permit(_)), "{label}");
    }
}
