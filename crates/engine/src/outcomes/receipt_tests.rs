//! Receipts early, doubled, in any order and late, and what they lead to: on both databases, with the time in the test's hand.

use std::collections::BTreeMap;

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::retry::{RetryRule, RetryRules};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::cause::{Cause, ErrorCode};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_smpp::pdu::MessageState;
use clarion_store::Tenant;
use clarion_store::attempts::attempts_by_id;
use clarion_store::campaigns::RecipientState;
use clarion_store::compliance::rule_book;
use clarion_store::contacts::TimelineKind;
use clarion_store::webhooks::NewWebhook;

use crate::attempts::by_hand::people::{list_of, number};
use crate::attempts::by_hand::support::{NOON, for_each_store};
use crate::attempts::by_hand::{Departed, Hand, SENDER, What, draft, launch, standing};

async fn dispositions(tenant: &Tenant, id: CampaignId) -> Vec<(Disposition, i64)> {
    let counts = tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts");
    assert_eq!(counts, tenant.recount(id).await.expect("a recount"), "the report equals the attempts");
    let mut words = BTreeMap::new();
    counts.into_iter().for_each(|row| *words.entry(row.disposition.as_str()).or_insert(0) += row.n);
    words.into_iter().filter(|(_, n)| *n != 0).map(|(word, n)| (word.parse().expect("a word"), n)).collect()
}

fn try_number(departed: &[Departed]) -> Option<u8> {
    match departed {
        [] => None,
        [Departed { what: What::Attempt { try_number, .. }, .. }] => Some(*try_number),
        more => panic!("more than one went: {more:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_find_their_attempt_early_twice_in_any_order_and_days_late() {
    for_each_store("receipts", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 10_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 5).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        let sent = hand.step(1).await;
        assert_eq!(sent.len(), 5);
        // Before the response, and written to the store in between.
        hand.receipt("early", MessageState::Delivered);
        hand.step(1).await;
        for (place, name) in ["early", "twice", "order", "late", "never"].into_iter().enumerate() {
            hand.accept(&sent[place], name);
        }
        hand.step(1).await;
        hand.receipt("twice", MessageState::Delivered);
        hand.receipt("twice", MessageState::Delivered);
        hand.receipt("order", MessageState::Delivered);
        hand.step(1).await;
        hand.receipt("twice", MessageState::Delivered);
        hand.receipt("order", MessageState::EnRoute);
        hand.receipt("order", MessageState::Expired);
        hand.step(1).await;
        assert_eq!(dispositions(&tenant, id).await, [(Disposition::Accepted, 2), (Disposition::Delivered, 3)]);

        // Six days later this node has forgotten; its map in the store has not.
        hand.step(6 * DAY_MS).await;
        hand.sender.ledger = crate::outcomes::Ledger::default();
        hand.receipt("late", MessageState::Undeliverable);
        hand.receipt("nobody's", MessageState::Delivered);
        hand.step(6 * SECOND_MS).await;
        hand.sender.search_references(hand.now).await.expect("searches");
        hand.step(1).await;
        assert_eq!(dispositions(&tenant, id).await, [(Disposition::Accepted, 1), (Disposition::Delivered, 3), (Disposition::Undeliverable, 1)]);
        let mut tx = bench.store.db().begin().await.expect("begins");
        let late = attempts_by_id(&mut tx, &[sent[3].attempt()]).await.expect("reads").remove(0);
        assert_eq!((late.disposition, late.cause.as_str(), late.cost), (Disposition::Undeliverable, "receipt:undeliverable", 350));
        drop(tx);
        // The one that is nobody's is waited for, and let go in the end.
        assert_eq!(bench.store.unmatched_receipts(0, 10).await.expect("reads").len(), 1);
        hand.step(8 * DAY_MS).await;
        hand.sender.search_references(hand.now).await.expect("searches");
        hand.step(1).await;
        assert!(bench.store.unmatched_receipts(0, 10).await.expect("reads").is_empty() && hand.sender.ledger.waiting.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_try_follows_by_disposition_after_its_delay_up_to_the_limit() {
    for_each_store("retries", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let mut patient = draft("Patient", list);
        let rule = |after, delay_minutes| RetryRule { after, delay_minutes };
        patient.retry = RetryRules { attempts_max: 3, rules: vec![rule(Disposition::Undeliverable, 60), rule(Disposition::Expired, 30)] };
        let id = launch(&bench, &tenant, &patient).await;
        let first = hand.step(100).await;
        hand.accept(&first[0], "one");
        hand.receipt("one", MessageState::Undeliverable);
        assert_eq!(try_number(&hand.step(1).await), None);
        assert!(matches!(standing(&tenant, id).await[0], RecipientState::Due { ref why, .. } if why == "retry after undeliverable"));
        assert_eq!(try_number(&hand.step(HOUR_MS - 2).await), None);
        let second = hand.step(2).await;
        assert_eq!(try_number(&second), Some(2));
        hand.accept(&second[0], "two");
        // The campaign is paused while the receipt comes: the try is planned all the same.
        tenant.pause_campaign(id, hand.now).await.expect("pauses");
        hand.step(300).await;
        hand.receipt("two", MessageState::Expired);
        hand.step(1).await;
        tenant.resume_campaign(id, hand.now).await.expect("resumes");
        assert_eq!(try_number(&hand.step(29 * MINUTE_MS).await), None);
        let third = hand.step(MINUTE_MS).await;
        assert_eq!(try_number(&third), Some(3));
        hand.accept(&third[0], "three");
        hand.receipt("three", MessageState::Undeliverable);
        hand.step(1).await;
        assert_eq!(try_number(&hand.step(2 * HOUR_MS).await), None, "three were allowed");
        assert_eq!(dispositions(&tenant, id).await, [(Disposition::Expired, 1), (Disposition::Undeliverable, 2)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_after_all_or_was_refused_for_good_is_not_tried_again() {
    for_each_store("no_retries", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 4).await;
        let mut eager = draft("Eager", list);
        eager.retry = RetryRules { attempts_max: 5, rules: [Disposition::Undeliverable, Disposition::Expired, Disposition::Rejected].map(|after| RetryRule { after, delay_minutes: 5 }).to_vec() };
        let id = launch(&bench, &tenant, &eager).await;
        hand.pass(100).await;
        let sent = hand.step(1).await;
        hand.accept(&sent[0], "arrived");
        hand.accept(&sent[1], "late word");
        hand.accept(&sent[2], "blocked");
        hand.reject(&sent[3], 0x0b);
        for (name, state) in [("arrived", MessageState::Undeliverable), ("late word", MessageState::Expired), ("blocked", MessageState::Rejected)] {
            hand.receipt(name, state);
        }
        hand.step(1).await;
        // In memory, and only in the store.
        hand.receipt("arrived", MessageState::Delivered);
        hand.step(1).await;
        hand.sender.ledger.forget(sent[1].attempt());
        hand.receipt("late word", MessageState::Delivered);
        hand.step(1).await;
        assert_eq!(hand.step(HOUR_MS).await, []);
        assert_eq!(dispositions(&tenant, id).await, [(Disposition::Blocked, 1), (Disposition::Delivered, 2), (Disposition::InvalidNumber, 1)]);
        let costs: Vec<(Disposition, i64)> = tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts").into_iter().map(|row| (row.disposition, row.cost)).collect();
        assert!(costs.contains(&(Disposition::InvalidNumber, 0)), "what the carrier did not take costs nothing: {costs:?}");
        assert!(tenant.finish_campaign_if_done(id, NOON.plus_ms(2 * HOUR_MS)).await.expect("looks"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_opted_out_with_the_carrier_is_suppressed_as_it_is_heard_and_no_later_campaign_writes_to_them() {
    for_each_store("opted_out", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let hook = NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::SuppressionAdded] };
        let hook = tenant.create_webhook(&hook, NOON).await.expect("a webhook").id;
        let mut hand = Hand::new(&bench, &tenant, false, 10_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 6).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        let sent = hand.step(1).await;
        assert_eq!(sent.len(), 6);
        // Refused; by its receipt; by a receipt that comes before the answer; by one that finds its attempt in the store alone.
        hand.receipt_text("id:early stat:REJECTD err:40300");
        hand.refuse_opted_out(&sent[0]);
        for (place, name) in [(1, "told"), (2, "early"), (3, "late"), (4, "arrived"), (5, "failed")] {
            hand.accept(&sent[place], name);
        }
        hand.receipt_text("id:told stat:UNDELIV err:40300");
        hand.step(1).await;
        hand.sender.ledger.forget(sent[3].attempt());
        hand.receipt_text("id:late stat:UNDELIV err:40300");
        hand.receipt_text("id:arrived stat:DELIVRD err:40300");
        hand.receipt_text("id:failed stat:UNDELIV err:40301");
        hand.step(1).await;
        assert_eq!(dispositions(&tenant, id).await, [(Disposition::Blocked, 4), (Disposition::Delivered, 1), (Disposition::Undeliverable, 1)]);
        for (last, (contact, _)) in people.iter().enumerate() {
            let entries = tenant.suppressions_of(&number(last)).await.expect("reads");
            let told: Vec<_> = entries.iter().map(|entry| (entry.scope, entry.reason, entry.source.as_str())).collect();
            let wanted = if last < 4 { vec![(SuppressionScope::Sms, SuppressionReason::CarrierBlock, "carrier")] } else { Vec::new() };
            assert_eq!(told, wanted, "{last}");
            let timeline = tenant.timeline(*contact, rule_book(), None, 20).await.expect("a timeline");
            let shown = timeline.iter().filter(|event| matches!(event.what, TimelineKind::Suppressed { reason: SuppressionReason::CarrierBlock, .. })).count();
            assert_eq!(shown, usize::from(last < 4), "{last}");
        }
        let audited = tenant.audit_events("suppression", Act::Suppressed.as_str(), None, 10).await.expect("reads").rows.len();
        let told = tenant.webhook_deliveries(hook, None, None, 10).await.expect("a log").rows.len();
        assert_eq!((audited, told), (4, 4));

        // The same word again, after somebody has lifted it, is nothing new.
        let entry = tenant.suppressions_of(&number(1)).await.expect("reads").remove(0);
        tenant.unsuppress(entry.id, "asked for it in writing", hand.now).await.expect("lifts");
        hand.receipt_text("id:told stat:UNDELIV err:40300");
        hand.step(HOUR_MS).await;
        assert_eq!(tenant.suppressions_of(&number(1)).await.expect("reads").len(), 0);

        // The next campaign knows, and a START opens the way again.
        hand.write((1, number(2).trim_start_matches('+')), SENDER, "START");
        hand.step(1).await;
        let next = launch(&bench, &tenant, &draft("December", list)).await;
        hand.pass(100).await;
        let sent: Vec<_> = hand.step(1).await.into_iter().filter(|one| one.campaign() == Some(next)).collect();
        assert_eq!(sent.len(), 4, "two are left alone: {sent:?}");
        let refused = standing(&tenant, next).await.into_iter().filter(|state| matches!(state, RecipientState::Refused { rules, .. } if rules.contains(&"SUP-OPT-OUT".to_owned()))).count();
        assert_eq!(refused, 2);
    })
    .await;
}

/// Of a long message the carrier answers each part by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_only_one_part_tells_of_suppresses_too() {
    for_each_store("opted_out_part", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 10_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 7).await;
        let mut long = draft("November", list);
        long.body = "Dear {first_name}, please call us about your account. ".repeat(4);
        launch(&bench, &tenant, &long).await;
        hand.pass(100).await;
        let sent = hand.step(1).await;
        let parts = |place: usize| [0, 1].map(|part| Departed { token: sent[place].token + part, ..sent[place] });
        // Taken and refused; refused for something else and for this; lost and refused; two receipts; and one that arrived after all.
        for (place, names) in [(0, ["torn", ""]), (1, ["", ""]), (2, ["", ""]), (3, ["one", "two"]), (4, ["there", "too"])] {
            let [first, second] = parts(place);
            match place {
                0 => hand.accept(&first, names[0]),
                1 => hand.reject(&first, 0x0b),
                2 => hand.lose(&first),
                _ => hand.accept(&first, names[0]),
            }
            match place {
                0..3 => hand.refuse_opted_out(&second),
                _ => hand.accept(&second, names[1]),
            }
        }
        hand.step(1).await;
        for text in ["id:one stat:REJECTD err:001", "id:two stat:REJECTD err:40300", "id:there stat:DELIVRD err:000", "id:too stat:DELIVRD err:000", "id:too stat:REJECTD err:40300"] {
            hand.receipt_text(text);
            hand.step(1).await;
        }
        // Lost both, and refused late: the first for something else; and where nothing is known of it here any more.
        for place in [5, 6] {
            let [first, second] = parts(place);
            hand.lose(&first);
            hand.lose(&second);
            hand.step(1).await;
            hand.reject_late(&first, Cause::Smpp(0x0b));
            hand.step(1).await;
            if place == 6 {
                hand.sender.ledger.forget(first.attempt());
            }
            hand.reject_late(&second, Cause::OptedOut(ErrorCode::new("0x424")));
            hand.step(1).await;
        }
        for last in 0..7 {
            let entries = tenant.suppressions_of(&number(last)).await.expect("reads");
            let wanted = if last != 4 { vec![SuppressionReason::CarrierBlock] } else { Vec::new() };
            assert_eq!(entries.iter().map(|entry| entry.reason).collect::<Vec<_>>(), wanted, "{last}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_carrier_refuses_for_an_opt_out_suppresses_too() {
    for_each_store("opted_out_notice", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 10_000).await;
        hand.write((1, "447700900321"), SENDER, "HELP");
        let mut answer = hand.step(100).await;
        answer.extend(hand.step(100).await);
        assert!(matches!(answer[..], [Departed { what: What::Notice, .. }]), "{answer:?}");
        hand.refuse_opted_out(&answer[0]);
        hand.step(1).await;
        let entries = tenant.suppressions_of(&number(321)).await.expect("reads");
        assert_eq!(entries.iter().map(|entry| (entry.scope, entry.reason)).collect::<Vec<_>>(), [(SuppressionScope::Sms, SuppressionReason::CarrierBlock)]);
    })
    .await;
}
