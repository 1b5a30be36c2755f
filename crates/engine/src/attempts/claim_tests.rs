//! Who may be contacted, at which moment, and in whose turn: on both databases, with the time in the test's hand.

use std::collections::BTreeMap;

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::CampaignId;
use clarion_domain::time::{HOUR_MS, SECOND_MS};
use clarion_store::StoreError;
use clarion_store::attempts::NoticeState;
use clarion_store::campaigns::RecipientState;
use clarion_store::compliance::NewHold;
use clarion_store::intake::NewDeclaredField;

use crate::attempts::by_hand::people::{enlist, list_of, number, person, profile};
use crate::attempts::by_hand::support::{NOON, for_each_store};
use crate::attempts::by_hand::{Departed, Hand, SENDER, What, draft, launch, standing};

fn attempts(departed: &[Departed]) -> Vec<Departed> {
    departed.iter().copied().filter(|one| matches!(one.what, What::Attempt { .. })).collect()
}

fn is_refused_by(state: &RecipientState, rule: &str) -> bool {
    matches!(state, RecipientState::Refused { rules, rule_pack } if rules.iter().any(|at| at == rule) && rule_pack.starts_with("uk@"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_one_millisecond_after_a_stop_is_refused() {
    for_each_store("claim_stop", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        // The campaign runs and nobody was claimed yet. The first writes now; the claim comes a millisecond later, in the
        // transaction that stores the reply.
        hand.write((1, number(0).trim_start_matches('+')), SENDER, "Stop.");
        let departed = hand.step(1).await;
        let contacted = attempts(&departed);
        assert_eq!(contacted.len(), 2, "{departed:?}");
        let standing = standing(&tenant, id).await;
        assert!(is_refused_by(&standing[0], "SUP-OPT-OUT"), "{:?}", standing[0]);
        assert_eq!(tenant.refusal_counts(id).await.expect("counts").iter().map(|(_, n)| n).sum::<i64>(), 1);
        let confirmed = if departed.len() == 3 { departed.len() - 2 } else { hand.step(1).await.len() };
        assert_eq!(confirmed, 1, "the confirmation is not stopped by the stop");
        assert!(hand.step(1).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_throttled_does_not_go_again_after_a_stop_or_a_pause() {
    for_each_store("claim_again", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 2).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        let first = attempts(&hand.step(1).await);
        assert_eq!(first.len(), 2);
        first.iter().for_each(|one| hand.throttle(one));
        hand.write((1, number(0).trim_start_matches('+')), SENDER, "STOP");
        hand.step(1).await;
        assert!(hand.sender.flights.get(first[0].token).is_none(), "it was taken back");
        assert!(hand.sender.flights.get(first[1].token).is_some(), "the other goes on");
        hand.step(2 * SECOND_MS).await;
        let stopped = standing(&tenant, id).await.remove(0);
        assert!(is_refused_by(&stopped, "SUP-OPT-OUT"), "{stopped:?}");

        hand.throttle(&first[1]);
        tenant.pause_campaign(id, hand.now).await.expect("pauses");
        hand.step(300).await;
        assert!(hand.sender.flights.get(first[1].token).is_none(), "a paused campaign sends nothing, also not again");
        tenant.resume_campaign(id, hand.now).await.expect("resumes");
        hand.pass(100).await;
        let again = attempts(&hand.step(300).await);
        assert!(matches!(again[..], [Departed { what: What::Attempt { try_number: 1, .. }, .. }]), "{again:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_between_campaigns_that_claim_in_the_same_transaction() {
    for_each_store("claim_caps", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.set_limits("[[cap]]\ncount_max = 1\nperiod_hours = 24\n", NOON).await.expect("sets");
        let mut hand = Hand::new(&bench, &tenant, false, 10_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 5).await;
        let (one, two) = (launch(&bench, &tenant, &draft("One", list)).await, launch(&bench, &tenant, &draft("Two", list)).await);
        let mut by_person = BTreeMap::new();
        hand.pass(100).await;
        for ms in [1, 1, 1] {
            for departed in attempts(&hand.step(ms).await) {
                let What::Attempt { contact, .. } = departed.what else { continue };
                *by_person.entry(contact).or_insert(0) += 1;
            }
        }
        assert_eq!(by_person, people.iter().map(|(contact, _)| (*contact, 1)).collect(), "each once, by one or the other");
        let deferred = |states: Vec<RecipientState>| states.into_iter().filter(|state| matches!(state, RecipientState::Deferred { rules, .. } if rules == &["TENANT-CAP-1"])).count();
        assert_eq!(deferred(standing(&tenant, one).await) + deferred(standing(&tenant, two).await), 5);
    })
    .await;
}

async fn drive(hand: &mut Hand, steps: usize, ms: i64) -> BTreeMap<CampaignId, usize> {
    let mut got = BTreeMap::new();
    for _ in 0..steps {
        for departed in attempts(&hand.step(ms).await) {
            *got.entry(departed.campaign().expect("an attempt")).or_insert(0) += 1;
            hand.accept(&departed, &format!("m{}", departed.token));
        }
    }
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_and_campaigns_share_a_slow_trunk() {
    for_each_store("claim_fair", |bench| async move {
        let (first, second) = (bench.tenant("northwind").await, bench.tenant("fabrikam").await);
        // One message in 50 ms: fewer than a turn is worth.
        let mut hand = Hand::new(&bench, &first, true, 20).await;
        let (list, _) = list_of(&first, "Arrears", 120).await;
        let (others, _) = list_of(&second, "Arrears", 120).await;
        first.set_limits("", NOON).await.expect("sets");
        let a = launch(&bench, &first, &draft("A", list)).await;
        let b = launch(&bench, &first, &draft("B", list)).await;
        let mut long = draft("C", others);
        // Two segments each: they count as two.
        long.body = "Dear {first_name}, ".to_owned() + &"please call us about your account. ".repeat(6);
        let c = launch(&bench, &second, &long).await;
        let got = drive(&mut hand, 160, 50).await;
        let segments = |id| got.get(&id).copied().unwrap_or(0) * if id == c { 2 } else { 1 };
        let total: usize = [a, b, c].into_iter().map(segments).sum();
        assert!((140..=165).contains(&total), "the trunk is used, and no faster than it goes: {total}");
        assert!(segments(c).abs_diff(segments(a) + segments(b)) <= 36, "between tenants: {got:?}");
        assert!(segments(a).abs_diff(segments(b)) <= 18, "between campaigns: {got:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_keeps_its_own_rate_and_stops_at_its_end() {
    for_each_store("claim_rate", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 120).await;
        let mut slow = draft("Slow", list);
        slow.rate_per_second = 5;
        slow.schedule.ends_at_ms = Some(NOON.plus_ms(15 * SECOND_MS).ms());
        let id = launch(&bench, &tenant, &slow).await;
        let in_ten_seconds = drive(&mut hand, 500, 20).await[&id];
        assert!((48..=51).contains(&in_ten_seconds), "{in_ten_seconds}");
        drive(&mut hand, 249, 20).await;
        // Nobody has finished it yet, and its end has come.
        assert_eq!(tenant.campaign(id).await.expect("reads").state, CampaignState::Running);
        assert_eq!(drive(&mut hand, 100, 20).await, BTreeMap::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_permitted_is_kept_with_the_attempt_and_what_deferred_with_the_recipient() {
    for_each_store("claim_why", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let mut evening = draft("Evening", list);
        evening.schedule.from = "15:00".parse().expect("a time");
        let id = launch(&bench, &tenant, &evening).await;
        assert!(hand.step(100).await.is_empty());
        let RecipientState::Deferred { until, rules } = standing(&tenant, id).await.remove(0) else { panic!("not deferred") };
        assert_eq!((until, rules), (NOON.plus_ms(3 * HOUR_MS), vec!["CAMPAIGN-HOURS".to_owned()]));
        assert!(hand.step(3 * HOUR_MS - 101).await.is_empty(), "a millisecond early");
        let departed = attempts(&hand.step(1).await);
        assert_eq!(departed.len(), 1);
        hand.accept(&departed[0], "a1");
        hand.step(1).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        let row = clarion_store::attempts::attempts_by_id(&mut tx, &[departed[0].attempt()]).await.expect("reads").remove(0);
        assert!(row.decision.starts_with("uk@2026-11-23 passed PURPOSE,DP-5,"), "{}", row.decision);
        assert!(row.decision.contains(",UK-34,") && row.decision.contains(",CAMPAIGN-HOURS"), "{}", row.decision);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_comes_in_a_field_is_refused_to_whom_it_would_be_made() {
    for_each_store("claim_offer", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        tenant.declare_field(&NewDeclaredField { name: "remark", purpose: "what the clerk noted on the account", retention_days: 90 }, NOON).await.expect("declares");
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        for (last, remark) in [(1, "due on Friday"), (2, "20% off if you buy now")] {
            let mut who = profile("Ada", "R-1");
            who.fields.insert("remark".into(), remark.into());
            let (contact, _) = person(&tenant, last, &who).await;
            enlist(&tenant, list, contact).await;
        }
        let mut noted = draft("Noted", list);
        noted.body = "Dear {first_name}, your account: {remark|please call us}.".into();
        let id = launch(&bench, &tenant, &noted).await;
        let foretold = crate::campaigns::dry_run(&tenant, id, NOON).await.expect("runs");
        assert_eq!((foretold.eligible, foretold.refused, foretold.refused_by[0].reason.rule.as_str()), (1, 1, "UK-17"));
        let shown = tenant.preview(id, 5, NOON).await.expect("previews");
        assert_eq!(shown.iter().map(|row| row.decision.kind).collect::<Vec<_>>(), ["permitted", "refused"]);
        hand.pass(100).await;
        assert_eq!(attempts(&hand.step(1).await).len(), 1);
        assert!(is_refused_by(&standing(&tenant, id).await[1], "UK-17"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_send_is_no_way_round_a_stop_or_a_hold_and_there_are_few() {
    for_each_store("claim_tests", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 3).await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let id = tenant.create_campaign(&draft("November", list), NOON).await.expect("a draft");
        tenant.suppress(&number(1), SuppressionScope::Sms, SuppressionReason::OptOut, "agent", NOON).await.expect("stopped");
        let space = NewHold { reason: HoldReason::BreathingSpace, note_reference: "BS-1", until: None };
        tenant.add_hold(people[2].0, &space, NOON).await.expect("holds");
        let mut sent = Vec::new();
        for last in 0..3 {
            sent.push(tenant.queue_test_send(id, number(last).into(), "Dear Ada".into(), SENDER, hand.now).await.expect("queues"));
        }
        let departed = hand.step(100).await;
        assert_eq!(departed.len(), 1);
        hand.accept(&departed[0], "test");
        hand.step(1).await;
        let mut states = Vec::new();
        for notice in sent {
            states.push(tenant.notice_state(notice).await.expect("reads").0);
        }
        assert_eq!(states, [NoticeState::Sent, NoticeState::Refused, NoticeState::Refused]);
        for _ in 0..9 {
            tenant.queue_test_send(id, number(0).into(), "Dear Ada".into(), SENDER, hand.now).await.expect("queues");
        }
        let refused = tenant.queue_test_send(id, number(0).into(), "Dear Ada".into(), SENDER, hand.now).await;
        assert!(matches!(refused, Err(StoreError::Conflict(ref why)) if why.contains("24 hours")), "{refused:?}");
        tenant.queue_test_send(id, number(0).into(), "Dear Ada".into(), SENDER, hand.now.plus_ms(25 * HOUR_MS)).await.expect("a day later");
    })
    .await;
}
