//! A campaign of several texts, on both databases, with the time in the test's hand: who comes to which step when, and what stops them.

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::retry::{RetryRule, RetryRules};
use clarion_domain::campaigns::sequence::{AfterRefusal, Evergreen, Sequence, SequenceStep, StopResult, Wait, WaitFrom};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use clarion_smpp::pdu::MessageState;
use clarion_store::campaigns::{CampaignDraft, StopWhom};
use clarion_store::{Store, Tenant};

use crate::attempts::by_hand::people::{enlist, list_of, number, person, profile};
use crate::attempts::by_hand::support::{Bench, NOON, for_each_store};
use crate::attempts::by_hand::{Departed, Hand, SENDER, What, draft, launch};

/// Texts, so many hours apart.
fn texts(first: CampaignDraft, hours: &[u16]) -> CampaignDraft {
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

fn attempts(departed: Vec<Departed>) -> Vec<Departed> {
    departed.into_iter().filter(|one| matches!(one.what, What::Attempt { .. })).collect()
}

/// What went in a cycle, all of it taken by the carrier, and what the next cycle writes of it.
async fn go(hand: &mut Hand, ms: i64) -> Vec<Departed> {
    let departed = attempts(hand.step(ms).await);
    for one in &departed {
        hand.accept(one, &format!("m{}", one.token));
    }
    let more = attempts(hand.step(1).await);
    assert!(more.is_empty(), "{more:?}");
    departed
}

async fn counts(tenant: &Tenant, id: CampaignId) -> (Vec<i64>, Vec<(String, i64)>) {
    let counts = tenant.step_counts(&tenant.campaign(id).await.expect("reads")).await.expect("counts");
    (counts.standing.clone(), counts.reasons().into_iter().map(|(why, n)| (why.to_string(), n)).collect())
}

fn ended(of: &[(&str, i64)]) -> Vec<(String, i64)> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_commits_while_a_claim_is_made_undoes_the_claim() {
    for_each_store("seq_race", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 2).await;
        let id = launch(&bench, &tenant, &draft("November", list)).await;
        let read = tenant.campaign(id).await.expect("reads");
        tenant.stop_recipients(id, &[StopWhom::Contact(people[1].0)], &"paid".parse().expect("a reason"), NOON).await.expect("stops");
        // A claim that read the campaign before the stop stood.
        let mut tx = bench.store.db().begin().await.expect("begins");
        assert!(!clarion_store::attempts::advance(&mut tx, id, 0, 2, read.stops).await.expect("moves"), "nothing of it may stand");
        assert!(clarion_store::attempts::advance(&mut tx, id, 0, 2, read.stops + 1).await.expect("moves"));
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
        let again = |after, delay_minutes| RetryRule { after, delay_minutes };
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
        let settled = super::recover::settle_left(&bench.store, clarion_domain::campaigns::campaign::Channel::Sms, now.plus_ms(1), now.plus_ms(1)).await.expect("settles");
        assert_eq!(settled, 2, "two are unknown");
        assert_eq!(counts(&tenant, id).await, (vec![0, 3], vec![]));
        assert_eq!(super::recover::settle_left(&bench.store, clarion_domain::campaigns::campaign::Channel::Sms, now.plus_ms(2), now.plus_ms(2)).await.expect("settles"), 0);
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
        let step = tenant.step_ids(id).await.expect("steps")[1];
        let record = tenant.campaign(step).await.expect("reads");
        let later = hand.now.plus_ms(2 * HOUR_MS);
        // Both read who is due; the second to write finds them gone.
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("a store");
        let mut mine = bench.store.db().begin().await.expect("begins");
        let read = super::decided::candidates(&mut mine, &record, 10, later).await.expect("reads");
        assert_eq!(read.len(), 4);
        let mut decided = super::decided::Decided::default();
        read.iter().for_each(|candidate| decided.done(candidate));
        decided.write(&mut mine, &bench.store, &record, later).await.expect("writes");
        mine.commit().await.expect("commits");
        let mut theirs = other.db().begin().await.expect("begins");
        let conflict = decided.write(&mut theirs, &other, &record, later).await;
        assert!(matches!(conflict, Err(super::decided::ClaimError::Conflict)), "{conflict:?}");
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

async fn look(bench: &Bench, hand: &Hand) {
    static NOW: std::sync::Mutex<i64> = std::sync::Mutex::new(0);
    fn clock() -> clarion_domain::time::Instant {
        clarion_domain::time::Instant(*NOW.lock().expect("held for a moment"))
    }
    *NOW.lock().expect("held for a moment") = hand.now.ms();
    while crate::campaigns::work(&bench.store, clock).await.expect("works") > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evergreen_campaign_takes_each_person_in_once_and_no_more_a_day_than_it_may() {
    for_each_store("seq_evergreen", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "New customers", 2).await;
        let mut welcome = draft("Welcome", list);
        welcome.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(40 * DAY_MS).ms(), new_a_day_max: Some(3), again_after_days: Some(30) });
        let id = launch(&bench, &tenant, &welcome).await;
        hand.pass(100).await;
        assert_eq!(go(&mut hand, 1).await.len(), 2);
        for last in 2..5 {
            let (contact, _) = person(&tenant, last, &profile("Ada", &format!("R-{last}"))).await;
            enlist(&tenant, list, contact).await;
        }
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 1, "the day's third");
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty());
        assert!(!tenant.finish_campaign_if_done(id, hand.now).await.expect("looks"), "more may come");
        hand.pass(DAY_MS).await;
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 2, "the next day's, and nobody twice");
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty());
        assert_eq!(counts(&tenant, id).await, (vec![0], ended(&[("completed", 5)])));
        assert_eq!(tenant.taken_in_today(id, hand.now).await.expect("counts").1, 2);
        // The first two may come again thirty days after they were through.
        hand.pass(30 * DAY_MS - HOUR_MS).await;
        look(&bench, &hand).await;
        assert_eq!(go(&mut hand, 3_000).await.len(), 3, "those of the first day");
        hand.pass(10 * DAY_MS).await;
        look(&bench, &hand).await;
        assert!(go(&mut hand, 3_000).await.is_empty(), "its time is over");
        assert_eq!(tenant.campaign(id).await.expect("reads").state, CampaignState::Finished);
    })
    .await;
}
