//! A campaign of several texts, on both databases, with the time in the test's hand: who comes to which step when, and what stops them.

use std::time::Duration;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::{RetryRule, RetryRules};
use clarion_domain::campaigns::sequence::{AfterRefusal, Sequence, SequenceStep, StopResult, Wait, WaitFrom};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{CampaignId, ContactId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{HOUR_MS, Instant, MINUTE_MS};
use clarion_smpp::pdu::MessageState;
use clarion_store::campaigns::{CampaignDraft, StopWhom};
use clarion_store::db::{Db, Statement, Tx};
use clarion_store::{Store, Tenant, params};

use crate::attempts::by_hand::people::{enlist, list_of, number, person, profile};
use crate::attempts::by_hand::support::{Bench, NOON, for_each_store};
use crate::attempts::decided::{ClaimError, Decided, candidates};
use crate::attempts::by_hand::{Departed, Hand, SENDER, What, draft, launch};

/// Texts, so many hours apart.
pub(super) fn texts(first: CampaignDraft, hours: &[u16]) -> CampaignDraft {
    let step = |hours: &u16| SequenceStep {
        wait: Wait { days: 0, hours: *hours, from: WaitFrom::LastTry },
        channel: first.channel,
        body: "Dear {first_name}, please call us now.".into(),
        script: String::new(),
        sender: first.sender.clone(),
        call_pacing: first.call_pacing,
        recording: first.recording.clone(),
        retry: RetryRules::never(),
        rate_per_second: 1_000,
    };
    let then = hours.iter().map(step).collect();
    CampaignDraft { sequence: Sequence { then, ..Sequence::default() }, ..first }
}

pub(super) fn attempts(departed: Vec<Departed>) -> Vec<Departed> {
    departed.into_iter().filter(|one| matches!(one.what, What::Attempt { .. })).collect()
}

/// What went in a cycle, all of it taken by the carrier, and what the next cycle writes of it.
pub(super) async fn go(hand: &mut Hand, ms: i64) -> Vec<Departed> {
    let departed = attempts(hand.step(ms).await);
    for one in &departed {
        hand.accept(one, &format!("m{}", one.token));
    }
    let more = attempts(hand.step(1).await);
    assert!(more.is_empty(), "{more:?}");
    departed
}

pub(super) async fn counts(tenant: &Tenant, id: CampaignId) -> (Vec<i64>, Vec<(String, i64)>) {
    let counts = tenant.step_counts(&tenant.campaign(id).await.expect("reads")).await.expect("counts");
    (counts.standing.clone(), counts.reasons().into_iter().map(|(why, n)| (why.to_string(), n)).collect())
}

pub(super) fn ended(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter().map(|(why, n)| ((*why).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_comes_to_each_step_once_at_their_time_and_the_campaign_ends_with_the_last() {
    for_each_store("seq_walk", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2, 3])).await;
        hand.pass(100).await;
        assert_eq!(counts(&tenant, id).await, (vec![3, 0, 0], vec![]));
        assert_eq!(go(&mut hand, 1).await.len(), 3);
        assert_eq!(counts(&tenant, id).await, (vec![0, 3, 0], vec![]));
        assert!(go(&mut hand, 2 * HOUR_MS - 60_000).await.is_empty(), "a minute early");
        let steps = tenant.step_ids(id).await.expect("steps");
        let second = go(&mut hand, 60_000).await;
        assert_eq!((second.len(), second[0].campaign()), (3, Some(steps[1])));
        assert_eq!(counts(&tenant, id).await, (vec![0, 0, 3], vec![]));
        assert!(!tenant.finish_campaign_if_done(id, hand.now).await.expect("looks"), "three wait for their last step");
        assert_eq!(go(&mut hand, 3 * HOUR_MS).await.len(), 3);
        assert_eq!(counts(&tenant, id).await, (vec![0, 0, 0], ended(&[("completed", 3)])));
        assert!(go(&mut hand, 9 * HOUR_MS).await.is_empty());
        assert!(tenant.finish_campaign_if_done(id, hand.now).await.expect("finishes"));
        for step in steps {
            let record = tenant.campaign(step).await.expect("reads");
            assert_eq!((record.state, record.audience_size, record.next_position), (CampaignState::Finished, 3, 3));
            assert_eq!(tenant.measures(Some(step), clarion_domain::time::Instant(0), hand.now).await.expect("counts").iter().map(|row| row.n).sum::<i64>(), 3);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_an_opt_out_a_suppression_and_a_word_of_the_api_stop_the_next_step() {
    for_each_store("seq_stops", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 6).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2])).await;
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 6);
        hand.write((1, number(0).trim_start_matches('+')), SENDER, "I will call you");
        hand.write((1, number(1).trim_start_matches('+')), SENDER, "STOP");
        hand.write((1, number(2).trim_start_matches('+')), SENDER, "HELP");
        hand.step(1).await;
        tenant.suppress(&number(3), SuppressionScope::Every, SuppressionReason::Objection, "a letter", hand.now).await.expect("suppresses");
        let paid = "paid".parse().expect("a reason");
        let whom = [StopWhom::Reference("R-4".into()), StopWhom::Contact(people[0].0), StopWhom::Reference("R-none".into())];
        let told = tenant.stop_recipients(id, &whom, &paid, hand.now).await.expect("stops");
        assert_eq!(told, [StopResult::Stopped, StopResult::Over, StopResult::Unknown]);
        assert_eq!(tenant.stop_recipients(id, &whom[..1], &paid, hand.now).await.expect("again"), [StopResult::Over]);
        assert_eq!(counts(&tenant, id).await, (vec![0, 3], ended(&[("reply", 1), ("opt_out", 1), ("told:paid", 1)])));
        let second = go(&mut hand, 2 * HOUR_MS).await;
        assert_eq!(second.len(), 2, "the one who asked for help and the one of whom nothing was heard: {second:?}");
        let (standing, mut why) = counts(&tenant, id).await;
        why.sort();
        assert_eq!((standing, why), (vec![0, 0], ended(&[("completed", 2), ("opt_out", 1), ("reply", 1), ("suppressed", 1), ("told:paid", 1)])));
        assert!(bench.tenant("fabrikam").await.stop_recipients(id, &whom, &paid, hand.now).await.is_err(), "another tenant's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_before_the_first_step_or_while_a_part_waits_gets_nothing() {
    for_each_store("seq_before", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 4).await;
        // A plain campaign: it can be stopped for a person too.
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        let paid = "paid".parse().expect("a reason");
        let last = tenant.stop_recipients(id, &[StopWhom::Contact(people[0].0), StopWhom::Contact(people[3].0)], &paid, hand.now).await.expect("stops");
        assert_eq!(last, [StopResult::Stopped; 2]);
        let first = attempts(hand.step(1).await);
        assert_eq!(first.len(), 2, "{first:?}");
        assert_eq!(tenant.campaign(id).await.expect("reads").next_position, 4, "those who were stopped are passed, at the end as well");
        first.iter().for_each(|one| hand.throttle(one));
        let of = |who| *first.iter().find(|one| matches!(one.what, What::Attempt { contact, .. } if contact == who)).expect("went");
        let (stopped, goes_on) = (of(people[1].0), of(people[2].0));
        tenant.stop_recipients(id, &[StopWhom::Contact(people[1].0)], &paid, hand.now).await.expect("stops");
        hand.step(1).await;
        hand.step(2_000).await;
        assert!(hand.sender.flights.get(stopped.token).is_none(), "what the carrier did not take is taken back");
        assert!(hand.sender.flights.get(goes_on.token).is_some());
        hand.accept(&goes_on, "m1");
        hand.step(1).await;
        assert!(attempts(hand.step(60_000).await).is_empty(), "and not put back");
        assert!(tenant.finish_campaign_if_done(id, hand.now).await.expect("finishes"));
        assert_eq!(counts(&tenant, id).await.1, ended(&[("told:paid", 3)]));
    })
    .await;
}

/// What a claim of everybody who may be next would do, up to its commit.
async fn claim_all(tx: &mut Tx, store: &Store, tenant: &Tenant, step: CampaignId, now: Instant) -> Result<usize, ClaimError> {
    let record = tenant.campaign_in(tx, step).await?;
    let found = candidates(tx, &record, 100, now).await?;
    let mut decided = Decided::default();
    found.iter().for_each(|candidate| decided.done(candidate));
    decided.write(tx, store, &record, now).await?;
    Ok(found.len())
}

fn stopping(tenant: &Tenant, id: CampaignId, who: ContactId) -> tokio::task::JoinHandle<Vec<StopResult>> {
    let tenant = tenant.clone();
    tokio::spawn(async move { tenant.stop_recipients(id, &[StopWhom::Contact(who)], &"paid".parse().expect("a reason"), NOON).await.expect("stops") })
}

/// A claim that has read and not written yet meets a stop. Where both may be under way at once, the stop goes through and the claim is undone;
/// where one writes at a time, the stop waits for it.
async fn meet_a_stop(bench: &Bench, tenant: &Tenant, (id, step): (CampaignId, CampaignId), who: ContactId, now: Instant) {
    let mut tx = bench.store.db().begin().await.expect("begins");
    let record = tenant.campaign_in(&mut tx, step).await.expect("reads");
    let found = candidates(&mut tx, &record, 100, now).await.expect("reads");
    assert!(found.iter().any(|candidate| candidate.contact == who && !candidate.ended));
    let mut stop = stopping(tenant, id, who);
    let stopped_first = tokio::time::timeout(Duration::from_secs(1), &mut stop).await;
    let mut decided = Decided::default();
    found.iter().for_each(|candidate| decided.done(candidate));
    let written = decided.write(&mut tx, &bench.store, &record, now).await;
    match (bench.store.db(), stopped_first) {
        (Db::Postgres(_), stopped) => {
            assert_eq!(stopped.expect("it does not wait for a claim that only read").expect("no panic"), [StopResult::Stopped]);
            assert!(matches!(written, Err(ClaimError::Conflict)), "nothing of the claim may stand: {written:?}");
        }
        (Db::Sqlite(_), stopped) => {
            assert!(stopped.is_err(), "one writes at a time");
            written.expect("claims");
            tx.commit().await.expect("commits");
            assert_eq!(stop.await.expect("no panic"), [StopResult::Stopped]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_claim_at_once_leave_one_of_them() {
    for_each_store("seq_race", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 5).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2])).await;
        // Somebody's first try.
        meet_a_stop(&bench, &tenant, (id, id), people[4].0, NOON).await;
        if matches!(bench.store.db(), Db::Sqlite(_)) {
            return;
        }
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 4);
        let (steps, later) = (tenant.step_ids(id).await.expect("steps"), hand.now.plus_ms(2 * HOUR_MS));
        // Somebody who is due, at the next step.
        meet_a_stop(&bench, &tenant, (id, steps[1]), people[0].0, later).await;
        // And the other way round: the claim has written, the stop waits for it, and finds nothing due.
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert_eq!(claim_all(&mut tx, &bench.store, &tenant, steps[1], later).await.expect("claims"), 3);
        let mut stop = stopping(&tenant, id, people[1].0);
        assert!(tokio::time::timeout(Duration::from_millis(300), &mut stop).await.is_err(), "it waits");
        tx.commit().await.expect("commits");
        assert_eq!(stop.await.expect("no panic"), [StopResult::Stopped]);
        assert_eq!(due_at(&tenant, id, 1).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_a_stop_overtakes_is_made_again_at_once() {
    for_each_store("seq_undone", |bench| async move {
        static STOP: Statement = Statement { text: "UPDATE campaign SET stops = stops + 1 WHERE id = $1", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        hand.pass(100).await;
        let mut stop = bench.store.db().begin().await.expect("begins");
        stop.execute(&STOP, &params![id]).await.expect("moves");
        let committed = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stop.commit().await.expect("commits");
        });
        let first = attempts(hand.step(1).await);
        committed.await.expect("no panic");
        assert_eq!(first.is_empty(), matches!(bench.store.db(), Db::Postgres(_)), "it read the campaign before the stop, and waited for it");
        let again = attempts(hand.step(1).await);
        assert_eq!(first.len() + again.len(), 3, "each once, and no error in between");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_within_a_step_come_before_the_next_and_late_ones_do_not_overtake_it() {
    for_each_store("seq_retry", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 2).await;
        let mut two = texts(draft("November", list), &[4]);
        two.sequence.then[0].wait.from = WaitFrom::FirstTry;
        two.retry = RetryRules { attempts_max: 3, rules: vec![again(Disposition::Rejected, 30), again(Disposition::Expired, 200)] };
        let id = launch(&bench, &tenant, &two).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        hand.pass(100).await;
        let first = attempts(hand.step(1).await);
        // ESME_RMSGQFUL: refused for now, and tried again in half an hour.
        hand.reject(&first[0], 0x14);
        hand.accept(&first[1], "late");
        hand.step(1).await;
        let (standing, _) = counts(&tenant, id).await;
        if standing == [1, 1] {
            assert_eq!(go(&mut hand, 30 * MINUTE_MS).await.len(), 1, "its second try in the step");
        }
        assert_eq!(counts(&tenant, id).await.0, [0, 2]);
        // The other's message expired after all: one more try, shortly before the next step is due.
        hand.receipt("late", MessageState::Expired);
        hand.step(1).await;
        let tried = go(&mut hand, 200 * MINUTE_MS).await;
        assert_eq!(tried.iter().map(|one| one.campaign()).collect::<Vec<_>>(), [Some(steps[0])]);
        hand.receipt(&format!("m{}", tried[0].token), MessageState::Expired);
        // Its third try would come after the next step begins: it does not.
        let mut gone = Vec::new();
        for _ in 0..12 {
            gone.extend(go(&mut hand, 30 * MINUTE_MS).await);
        }
        let of = |step| gone.iter().filter(|one| one.campaign() == Some(step)).count();
        assert_eq!((of(steps[0]), of(steps[1])), (0, 2), "{gone:?}");
        assert_eq!(counts(&tenant, id).await, (vec![0, 0], ended(&[("completed", 2)])));
    })
    .await;
}

fn again(after: Disposition, delay_minutes: u32) -> RetryRule {
    RetryRule { after, delay_minutes }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_try_puts_the_next_step_off_where_that_counts_from_the_last() {
    for_each_store("seq_late", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 2).await;
        let mut two = texts(draft("November", list), &[4]);
        two.retry = RetryRules { attempts_max: 2, rules: vec![again(Disposition::Expired, 200)] };
        let id = launch(&bench, &tenant, &two).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        hand.pass(100).await;
        let first = go(&mut hand, 1).await;
        // One expired, and is tried again after 200 minutes; of the other it is heard late that it arrived.
        hand.receipt(&format!("m{}", first[0].token), MessageState::Expired);
        hand.pass(10 * MINUTE_MS).await;
        hand.receipt(&format!("m{}", first[1].token), MessageState::Delivered);
        assert!(attempts(hand.step(1).await).is_empty());
        let second = go(&mut hand, 191 * MINUTE_MS).await;
        assert_eq!(second.iter().map(|one| one.campaign()).collect::<Vec<_>>(), [Some(steps[0])]);
        let next = go(&mut hand, 40 * MINUTE_MS).await;
        assert_eq!(next.iter().map(|one| one.campaign()).collect::<Vec<_>>(), [Some(steps[1])], "a receipt is no try: four hours after the first");
        assert!(go(&mut hand, 195 * MINUTE_MS).await.is_empty());
        let last = go(&mut hand, 10 * MINUTE_MS).await;
        assert_eq!(last.iter().map(|one| one.campaign()).collect::<Vec<_>>(), [Some(steps[1])], "four hours after the second");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_through_and_is_stopped_gets_no_further_try_of_the_last_step() {
    for_each_store("seq_through", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, people) = list_of(&tenant, "Arrears", 4).await;
        let mut two = texts(draft("November", list), &[2]);
        two.sequence.then[0].retry = RetryRules { attempts_max: 2, rules: vec![again(Disposition::Expired, 240)] };
        let id = launch(&bench, &tenant, &two).await;
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 4);
        let second = go(&mut hand, 2 * HOUR_MS).await;
        assert_eq!(counts(&tenant, id).await, (vec![0, 0], ended(&[("completed", 4)])));
        let of = |who| *second.iter().find(|one| matches!(one.what, What::Attempt { contact, .. } if contact == who)).expect("went");
        // The first replies; the second's client is paid before the carrier says that the text expired, the third's after it.
        hand.write((1, number(0).trim_start_matches('+')), SENDER, "I will call you");
        hand.receipt(&format!("m{}", of(people[2].0).token), MessageState::Expired);
        hand.step(1).await;
        assert_eq!(due_at(&tenant, id, 1).await, 1);
        let whom = [StopWhom::Contact(people[1].0), StopWhom::Contact(people[2].0)];
        assert_eq!(tenant.stop_recipients(id, &whom, &"paid".parse().expect("a reason"), hand.now).await.expect("stops"), [StopResult::Over; 2]);
        assert_eq!(due_at(&tenant, id, 1).await, 0);
        for who in [people[0].0, people[1].0, people[3].0] {
            hand.receipt(&format!("m{}", of(who).token), MessageState::Expired);
        }
        hand.step(1).await;
        let tried = go(&mut hand, 241 * MINUTE_MS).await;
        assert!(matches!(tried[..], [Departed { what: What::Attempt { contact, .. }, .. }] if contact == people[3].0), "{tried:?}");
        assert_eq!(counts(&tenant, id).await, (vec![0, 0], ended(&[("told:paid", 2), ("completed", 1), ("reply", 1)])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_opted_out_with_the_carrier_comes_to_no_later_step() {
    for_each_store("seq_opted_out", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 2).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2])).await;
        hand.pass(100).await;
        let first = attempts(hand.step(1).await);
        hand.refuse_opted_out(&first[0]);
        hand.accept(&first[1], "m1");
        hand.step(1).await;
        assert_eq!(counts(&tenant, id).await, (vec![0, 1], ended(&[("opt_out", 1)])), "as a stop of their own");
        assert_eq!(go(&mut hand, 2 * HOUR_MS).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_between_the_wire_and_its_answer_leads_on_to_the_next_step_once() {
    for_each_store("seq_kill", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2])).await;
        hand.pass(100).await;
        let first = attempts(hand.step(1).await);
        assert_eq!(first.len(), 3);
        hand.accept(&first[0], "m1");
        hand.step(1).await;
        // Killed: what it had on the wire is in its claim alone.
        let now = hand.now;
        drop(hand);
        let settled = super::recover::settle_left(&bench.store, Channel::Sms, now.plus_ms(1), now.plus_ms(1)).await.expect("settles");
        assert_eq!(settled, 2, "two are unknown");
        assert_eq!(counts(&tenant, id).await, (vec![0, 3], vec![]));
        assert_eq!(super::recover::settle_left(&bench.store, Channel::Sms, now.plus_ms(2), now.plus_ms(2)).await.expect("settles"), 0);
        assert_eq!(due_at(&tenant, id, 1).await, 3, "each is due once at the second step, and nobody again at the first");
        assert_eq!(due_at(&tenant, id, 0).await, 0);
    })
    .await;
}

async fn due_at(tenant: &Tenant, id: CampaignId, step: usize) -> i64 {
    let step = tenant.step_ids(id).await.expect("steps")[step];
    tenant.due_counts(step).await.expect("due").iter().map(|(_, n, _)| n).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_claim_the_same_step_one_does_it() {
    for_each_store("seq_nodes", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 4).await;
        let id = launch(&bench, &tenant, &texts(draft("November", list), &[2])).await;
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 4);
        let (step, later) = (tenant.step_ids(id).await.expect("steps")[1], hand.now.plus_ms(2 * HOUR_MS));
        // Both at once, each in a transaction of its own: whoever comes second finds nobody, or what it found gone.
        let claims = [1, 2].map(|node| {
            let (store, tenant) = (Store::new(bench.store.db().clone(), &bench.keyring(), node).expect("a store"), tenant.clone());
            tokio::spawn(async move {
                let mut tx = store.db().begin().await.expect("begins");
                match claim_all(&mut tx, &store, &tenant, step, later).await {
                    Ok(claimed) => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        tx.commit().await.expect("commits");
                        claimed
                    }
                    Err(ClaimError::Conflict) => 0,
                    Err(ClaimError::Store(error)) => panic!("{error}"),
                }
            })
        });
        let mut claimed = Vec::new();
        for claim in claims {
            claimed.push(claim.await.expect("no panic"));
        }
        claimed.sort_unstable();
        assert_eq!(claimed, [0, 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_rules_refuse_at_a_step_is_stopped_or_goes_on_as_the_campaign_says() {
    for_each_store("seq_refused", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        // The second has no first name: the text that asks for one cannot be filled for them.
        for (last, name) in [(1, "Ada"), (2, "")] {
            let (contact, _) = person(&tenant, last, &profile(name, &format!("R-{last}"))).await;
            enlist(&tenant, list, contact).await;
        }
        for (after_refusal, standing, why) in [(AfterRefusal::Stop, vec![0, 1], ended(&[("refused", 1)])), (AfterRefusal::NextStep, vec![0, 2], vec![])] {
            let mut two = texts(draft("November", list), &[2]);
            two.sequence.stops.after_refusal = after_refusal;
            two.sequence.then[0].body = "Please call us.".into();
            let id = launch(&bench, &tenant, &two).await;
            hand.pass(100).await;
            assert_eq!(go(&mut hand, 1).await.len(), 1);
            assert_eq!(counts(&tenant, id).await, (standing, why));
            tenant.cancel_campaign(id, hand.now).await.expect("cancels");
            let later = tenant.step_ids(id).await.expect("steps")[1];
            assert_eq!(tenant.campaign(later).await.expect("reads").state, CampaignState::Cancelled);
            assert_eq!(due_at(&tenant, id, 1).await, 0);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_each_step_have_places_of_their_own_and_a_name_that_is_good_then() {
    for_each_store("seq_links", |bench| async move {
        static PLACES: Statement = Statement { text: "SELECT place FROM short_link WHERE attempt_id = $1 AND campaign_id = $2", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        tenant.set_link_host("go.example.com", None, NOON).await.expect("named");
        for check in bench.store.due_link_checks(NOON, 10).await.expect("due") {
            tenant.record_link_check(&check, Ok("https"), NOON).await.expect("kept");
        }
        tenant.enable_links(true, NOON).await.expect("on");
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        let mut three = texts(draft("November", list), &[2, 2]);
        three.body = "Pay: {short:https://example.com/first}".into();
        three.sequence.then[0].body = "Pay: {short:https://example.com/second}".into();
        three.sequence.then[1].body = "Pay: {short:https://example.com/third}".into();
        let id = launch(&bench, &tenant, &three).await;
        hand.pass(100).await;
        let mut places = Vec::new();
        for (step, ms) in [1, 2 * HOUR_MS, 2 * HOUR_MS].into_iter().enumerate() {
            if step == 2 {
                tenant.remove_link_host(hand.now).await.expect("removed");
            }
            let gone = go(&mut hand, ms).await;
            assert_eq!(gone.len(), 1, "step {}", step + 1);
            let rows = bench.store.db().query(&PLACES, &params![gone[0].attempt(), id]).await.expect("reads");
            places.push(rows.into_iter().map(|mut row| row.take::<i64>(0).expect("a number")).collect::<Vec<_>>());
        }
        assert_eq!(places, [vec![0], vec![100], vec![]], "without a name the address goes as it stands");
    })
    .await;
}
