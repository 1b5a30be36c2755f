//! What people write back, as carriers spell it, on both databases.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::consent::{ConsentKind, ObtainedIn};
use clarion_domain::compliance::purpose::Purpose;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use clarion_store::Tenant;
use clarion_store::compliance::NewConsent;
use clarion_store::outcomes::ReplyState;
use clarion_store::StoreError;

use crate::attempts::by_hand::people::{list_of, number, person, profile};
use crate::attempts::by_hand::support::{NOON, for_each_store};
use crate::attempts::by_hand::{Hand, SENDER, What, draft, launch};

async fn reasons(tenant: &Tenant, e164: &str) -> Vec<(SuppressionScope, SuppressionReason)> {
    tenant.suppressions_of(e164).await.expect("reads").into_iter().map(|entry| (entry.scope, entry.reason)).collect()
}

async fn meanings(tenant: &Tenant) -> Vec<(ReplyMeaning, ReplyState)> {
    tenant.replies(None, None, 100).await.expect("an inbox").rows.into_iter().map(|reply| (reply.meaning, reply.state)).collect()
}

/// Steps until what a reply leads to has left; how many notices went.
async fn notices(hand: &mut Hand) -> usize {
    let mut sent = 0;
    for _ in 0..3 {
        for one in hand.step(100).await {
            assert_eq!(one.what, What::Notice);
            hand.accept(&one, "notice");
            sent += 1;
        }
    }
    sent
}

const STOPPED: [(SuppressionScope, SuppressionReason); 1] = [(SuppressionScope::Sms, SuppressionReason::OptOut)];

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_heard_however_the_carrier_writes_the_numbers() {
    for_each_store("reply_numbers", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        tenant.add_sender("66777", true, "our short code", NOON).await.expect("a short code");
        let mut hand = Hand::new(&bench, &tenant, true, 1_000).await;
        let spellings = [
            ((1, "447700900001"), "447700900999"),
            ((1, "+447700900002"), "+447700900999"),
            ((0, "447700900003"), "447700900999"),
            ((0, "00447700900004"), "00447700900999"),
            ((0, "07700900005"), "07700900999"),
            ((2, "7700900006"), "07700900999"),
            ((2, "07700900007"), "66777"),
            ((2, "447700900008"), "447700900999"),
            ((1, "07700900009"), "447700900999"),
        ];
        for (place, (from, to)) in spellings.into_iter().enumerate() {
            hand.write(from, to, "STOP");
            assert_eq!(notices(&mut hand).await, 1, "one confirmation: {from:?}");
            assert_eq!(reasons(&tenant, &number(place + 1)).await, STOPPED, "{from:?} to {to}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_number_that_nobody_has_goes_to_whoever_last_wrote_to_the_person() {
    for_each_store("reply_owner", |bench| async move {
        let (first, second) = (bench.tenant("northwind").await, bench.tenant("fabrikam").await);
        let mut hand = Hand::new(&bench, &first, true, 1_000).await;
        let (list, _) = list_of(&first, "Arrears", 1).await;
        let (others, _) = list_of(&second, "Arrears", 2).await;
        launch(&bench, &first, &draft("First", list)).await;
        hand.pass(100).await;
        for one in hand.step(1).await {
            hand.accept(&one, "one");
        }
        hand.step(1).await;
        launch(&bench, &second, &draft("Second", others)).await;
        hand.pass(1_000).await;
        for one in hand.step(1).await {
            hand.accept(&one, &format!("two {}", one.token));
        }
        hand.step(1).await;
        // Both send as this number: the second wrote last.
        hand.write((1, "447700900000"), "447700900999", "stop");
        notices(&mut hand).await;
        assert_eq!((reasons(&first, &number(0)).await, reasons(&second, &number(0)).await), (vec![], STOPPED.to_vec()));
        // Nobody sends as this one.
        hand.write((1, "447700900001"), "60123", "stop");
        notices(&mut hand).await;
        assert_eq!((reasons(&first, &number(1)).await, reasons(&second, &number(1)).await), (vec![], STOPPED.to_vec()));
        // Nobody wrote to them: all who have the number hear it.
        hand.write((1, "447700900500"), "447700900999", "stop");
        notices(&mut hand).await;
        assert_eq!((reasons(&first, &number(500)).await, reasons(&second, &number(500)).await), (STOPPED.to_vec(), STOPPED.to_vec()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_start_and_stop_again_within_minutes_ends_stopped_and_withdraws_consent_for_good() {
    for_each_store("reply_again", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (ada, _) = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let yes = NewConsent {
            channel: Channel::Sms,
            purpose: Purpose::Marketing,
            kind: ConsentKind::Express,
            given_at: NOON.plus_ms(-DAY_MS),
            expires_at: None,
            evidence: "web form 12, log line 88",
            wording_version: "2026-02",
            obtained_in: ObtainedIn::Other,
            refusal_offered: false,
        };
        tenant.add_consent(ada, &yes, NOON).await.expect("adds");
        tenant.add_consent(ada, &NewConsent { channel: Channel::Voice, ..yes }, NOON).await.expect("adds");
        tenant.suppress(&number(1), SuppressionScope::Voice, SuppressionReason::OptOut, "agent", NOON).await.expect("no calls");
        let voice = (SuppressionScope::Voice, SuppressionReason::OptOut);
        let ada_writes = |hand: &mut Hand, text: &str| hand.write((1, "447700900001"), "447700900999", text);

        ada_writes(&mut hand, "STOP");
        assert_eq!(notices(&mut hand).await, 1);
        ada_writes(&mut hand, "STOP");
        ada_writes(&mut hand, "stop please");
        assert_eq!(notices(&mut hand).await, 0, "one confirmation, however often");
        assert_eq!(reasons(&tenant, &number(1)).await, [voice, STOPPED[0]]);
        ada_writes(&mut hand, "Start");
        assert_eq!(notices(&mut hand).await, 0);
        assert_eq!(reasons(&tenant, &number(1)).await, [voice], "only what a text may lift");
        ada_writes(&mut hand, "STOP");
        assert_eq!(notices(&mut hand).await, 1);
        assert_eq!(reasons(&tenant, &number(1)).await, [voice, STOPPED[0]], "the same words as before, and meant");
        ada_writes(&mut hand, "START");
        notices(&mut hand).await;
        let consents = tenant.consents_of(ada).await.expect("reads");
        assert!(consents.iter().all(|consent| consent.withdrawn_at.is_some()), "a START is no new consent: {consents:?}");
        let stopped = tenant.replies(None, None, 20).await.expect("an inbox").rows.iter().filter(|reply| reply.meaning == ReplyMeaning::Stop).count();
        assert_eq!(stopped, 3, "the second of the first three was delivered twice, as far as anybody can tell");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_answered_once_an_hour_and_everything_else_waits_to_be_read() {
    for_each_store("reply_inbox", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        person(&tenant, 1, &profile("Ada", "R-1")).await;
        tenant.suppress(&number(1), SuppressionScope::Sms, SuppressionReason::OptOut, "agent", NOON).await.expect("stopped");
        hand.write((1, "447700900001"), "447700900999", "HELP");
        assert_eq!(notices(&mut hand).await, 1, "also for somebody who has stopped");
        hand.now = hand.now.plus_ms(30 * MINUTE_MS);
        hand.write((1, "447700900001"), "447700900999", "help");
        assert_eq!(notices(&mut hand).await, 0);
        hand.now = hand.now.plus_ms(HOUR_MS);
        hand.write((1, "447700900001"), "447700900999", "Info");
        assert_eq!(notices(&mut hand).await, 1);
        hand.write((1, "447700900001"), "447700900999", "I paid on Friday");
        notices(&mut hand).await;
        assert_eq!(meanings(&tenant).await[0], (ReplyMeaning::Other, ReplyState::New));
        assert_eq!(reasons(&tenant, &number(1)).await, STOPPED, "help changes nothing");

        // A name writes: it is nobody's number, and it is kept.
        hand.write((5, "CarrierInfo"), "447700900999", "Your bundle is used up");
        assert_eq!(notices(&mut hand).await, 0);
        assert_eq!(tenant.replies(None, None, 1).await.expect("an inbox").rows[0].number.reveal(), "CarrierInfo");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsure_reply_holds_the_person_until_each_such_reply_is_decided() {
    for_each_store("reply_unsure", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (ada, _) = person(&tenant, 1, &profile("Ada", "R-1")).await;
        hand.write((1, "447700900001"), "447700900999", "cancel my direct debit");
        hand.step(1).await;
        hand.write((1, "447700900001"), "447700900999", "what if I stop paying you then");
        hand.step(1).await;
        let holds = async || tenant.holds_of(ada).await.expect("reads").into_iter().filter(|hold| hold.lifted_at.is_none()).count();
        assert_eq!(holds().await, 1, "one hold for both");
        let waiting = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows;
        assert_eq!(waiting.len(), 2);
        assert!(matches!(tenant.close_reply(waiting[0].id, hand.now).await, Err(StoreError::Conflict(_))), "closed unread, it would hold for ever");
        tenant.decide_reply(waiting[0].id, false, hand.now).await.expect("decides");
        assert_eq!(holds().await, 1, "the other was not read yet");
        tenant.decide_reply(waiting[1].id, false, hand.now).await.expect("decides");
        assert_eq!(holds().await, 0);

        hand.write((1, "447700900001"), "447700900999", "leave me alone until Friday, then I can pay");
        notices(&mut hand).await;
        assert_eq!(reasons(&tenant, &number(1)).await, STOPPED);
        let saying = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows.remove(0);
        assert_eq!(saying.meaning, ReplyMeaning::StopReview);
        tenant.decide_reply(saying.id, false, hand.now).await.expect("decides");
        assert_eq!(reasons(&tenant, &number(1)).await, [], "a person read it and it was no stop");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_is_neither_texted_nor_called_until_somebody_reads_that_it_is_none() {
    for_each_store("reply_wrong", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        person(&tenant, 1, &profile("Ada", "R-1")).await;
        let stranger = [(SuppressionScope::Every, SuppressionReason::WrongPerson)];
        let contactable = async |channel| {
            let mut tx = bench.store.db().begin().await.expect("begins");
            tenant.still_contactable(&mut tx, &[tenant.number_index(&number(1))], channel).await.expect("reads")[0]
        };
        assert!(contactable(Channel::Sms).await && contactable(Channel::Voice).await);
        hand.write((1, "447700900001"), "447700900999", "Sorry, you have the wrong number");
        assert_eq!(notices(&mut hand).await, 1, "told once that it ends");
        assert_eq!((reasons(&tenant, &number(1)).await, meanings(&tenant).await), (stranger.to_vec(), vec![(ReplyMeaning::WrongNumber, ReplyState::New)]));
        assert!(!contactable(Channel::Sms).await && !contactable(Channel::Voice).await, "nor called");

        // What a stranger texts is no word of the person's: a START lifts nothing.
        hand.write((1, "447700900001"), "447700900999", "START");
        notices(&mut hand).await;
        assert_eq!(reasons(&tenant, &number(1)).await, stranger);

        // A stop of the same number stands by itself.
        hand.write((1, "447700900001"), "447700900999", "STOP");
        notices(&mut hand).await;
        let said = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows.remove(0);
        tenant.decide_reply(said.id, false, hand.now).await.expect("decides");
        assert_eq!(reasons(&tenant, &number(1)).await, STOPPED, "a person read it and it was no wrong number");

        hand.write((1, "447700900001"), "447700900999", "there is no one by that name here");
        notices(&mut hand).await;
        let said = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows.remove(0);
        tenant.decide_reply(said.id, true, hand.now).await.expect("decides");
        assert_eq!(reasons(&tenant, &number(1)).await, [STOPPED[0], stranger[0]]);

        // Both in one text: what the person asked for stands, whosoever the number is.
        hand.write((1, "447700900002"), "447700900999", "Stop, wrong number");
        assert_eq!(notices(&mut hand).await, 1);
        let said = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows.remove(0);
        assert_eq!((said.meaning, reasons(&tenant, &number(2)).await), (ReplyMeaning::WrongNumber, vec![stranger[0], STOPPED[0]]));
        tenant.decide_reply(said.id, false, hand.now).await.expect("decides");
        assert_eq!(reasons(&tenant, &number(2)).await, STOPPED, "the number was theirs, and they have asked to stop");

        // A wrong number that asked for no stop is no reason to keep what a later saying was taken for.
        hand.write((1, "447700900003"), "447700900999", "I don't know this person");
        notices(&mut hand).await;
        hand.write((1, "447700900003"), "447700900999", "leave me alone until Friday, then I can pay");
        notices(&mut hand).await;
        let said = tenant.replies(Some(ReplyState::New), None, 10).await.expect("an inbox").rows.remove(0);
        assert_eq!(said.meaning, ReplyMeaning::StopReview);
        tenant.decide_reply(said.id, false, hand.now).await.expect("decides");
        assert_eq!(reasons(&tenant, &number(3)).await, stranger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gets_no_texts_any_more_is_not_told_so_again() {
    for_each_store("reply_told_once", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        for (last, texts, told) in [(1, ["STOP", "wrong number"], [1, 0]), (2, ["wrong number", "STOP"], [1, 0])] {
            for (text, told) in texts.into_iter().zip(told) {
                hand.write((1, &format!("44770090000{last}")), "447700900999", text);
                assert_eq!(notices(&mut hand).await, told, "{last}: {text}");
            }
            assert_eq!(reasons(&tenant, &number(last)).await.len(), 2, "both stand");
        }
        tenant.suppress(&number(3), SuppressionScope::Every, SuppressionReason::TenantList, "a letter", hand.now).await.expect("suppressed");
        hand.write((1, "447700900003"), "447700900999", "STOP");
        assert_eq!(notices(&mut hand).await, 0, "nothing was sent to them before either");
    })
    .await;
}
