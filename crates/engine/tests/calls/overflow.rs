//! Call centres that take no call: the next one by priority has it, and one that is closed is sent nobody and says so.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::Tenant;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;
use clarion_store::db::Statement;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::Semaphore;

use crate::dialled::{STRAIGHT, clock, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::{counts, until};

const PEOPLE: usize = 5;

fn carrier(agents_refuse: Option<u16>) -> VoiceCarrier {
    let mut config = VoiceCarrierConfig::new(audio_ports());
    config.fate_of = |_| CallFate::Listens;
    config.agents_refuse = agents_refuse;
    (config.patience, config.talk) = (Duration::from_secs(30), Duration::from_millis(500));
    VoiceCarrier::start(config).expect("a carrier")
}

/// The floor becomes the second by priority, after a target at this address.
async fn with_a_front(tenant: &Tenant, host: &str, capacity: u32) {
    let mut floor = tenant.transfer_targets().await.expect("read").remove(0);
    (floor.target.priority, floor.target.capacity) = (2, PEOPLE as u32);
    tenant.change_transfer_target(floor.id, &floor.target, NOON).await.expect("second");
    let first = NewTransferTarget { group: "agents".into(), name: "Front".into(), address: format!("sip:agents@{host}"), line: SipLine::default(), hours: Week::default(), capacity, priority: 1, enabled: true };
    tenant.add_transfer_target(&first, NOON).await.expect("a target");
}

/// Everybody on the list reaches an agent, one call a second, so that the live page has time to say what it says of the front.
async fn all_put_through(bench: &Bench, tenant: &Tenant, list: ListId) -> (CampaignId, String) {
    let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
    draft.call_pacing.calls_per_second_max = 1;
    let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
    tenant.start_campaign(id, clock()).await.expect("starts");
    let mut said = String::new();
    until(bench, tenant, id, async |record| {
        if record.state_reason.contains("Front did not take a call") {
            said.clone_from(&record.state_reason);
        }
        record.state == CampaignState::Finished
    })
    .await;
    assert_eq!(counts(tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, PEOPLE as i64)], "{said}");
    (id, said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_or_dead_call_centre_costs_nobody_their_agent_while_another_has_one() {
    for status in [486, 404] {
        for_each_store("dialled_overflow", |bench| async move {
            let tenant = bench.tenant("north").await;
            let (open, busy) = (carrier(None), carrier(Some(status)));
            connect(&tenant, &open).await;
            with_a_front(&tenant, &busy.address().to_string(), 1).await;
            let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
            let (stop, dialler) = dial(&bench);
            let (id, said) = all_put_through(&bench, &tenant, list).await;
            let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
            assert_eq!((days[0].abandoned, days[0].passed), (0, PEOPLE as i64), "{status}");
            assert_eq!((busy.tally().agent_calls, open.tally().agent_calls), (1, PEOPLE as u64), "{status}: it is not asked again while it is known");
            assert!(said.contains(&format!("(it answered {status})")), "{said:?}");
            stop.send_replace(true);
            dialler.await.expect("ends");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_called_for_a_call_centre_that_is_closed() {
    for_each_store("dialled_closed", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = carrier(None);
        connect(&tenant, &carrier).await;
        let mut floor = tenant.transfer_targets().await.expect("read").remove(0);
        floor.target.hours = Week::daily("22:00-23:00");
        tenant.change_transfer_target(floor.id, &floor.target, NOON).await.expect("closed at noon");
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft_of(list, STRAIGHT, PacingMode::Progressive), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |record| record.state_reason == "no agent is there").await;
        assert_eq!(carrier.tally().calls(), 0);
        // Open again, everybody is called.
        floor.target.hours = Week::default();
        tenant.change_transfer_target(floor.id, &floor.target, NOON).await.expect("open");
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        assert_eq!(counts(&tenant, id).await.get(&Disposition::PutThrough), Some(&(PEOPLE as i64)));
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

/// All five agents are held at the first target. Whoever finds out that it is dead is the only one who meets nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_agent_was_held_at_a_target_that_has_died_since_is_put_through_to_another() {
    for_each_store("dialled_dead", |bench| async move {
        let tenant = bench.tenant("north").await;
        let may_answer = Arc::new(Semaphore::new(0));
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        (config.patience, config.talk, config.may_answer) = (Duration::from_secs(30), Duration::from_millis(500), Some(may_answer.clone()));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let dead = UdpSocket::bind("127.0.0.1:0").expect("a port at which nobody answers");
        with_a_front(&tenant, &dead.local_addr().expect("its address").to_string(), PEOPLE as u32).await;
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
        draft.call_pacing.ring_ms_max = 60_000;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let up = async |state: &str| tenant.live_call_counts(id).await.expect("read").iter().filter(|count| count.state == state).map(|count| count.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| up("ringing").await == PEOPLE as i64).await;
        may_answer.add_permits(1);
        until(&bench, &tenant, id, async |record| record.state_reason.contains("Front did not take a call")).await;
        may_answer.add_permits(PEOPLE - 1);
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        let report = counts(&tenant, id).await;
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, PEOPLE as i64 - 1), (Disposition::Abandoned, 1)]);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_address_cannot_be_read_is_left_for_the_next() {
    for_each_store("dialled_undiallable", |bench| async move {
        static ADDRESS: Statement = Statement { text: "UPDATE transfer_target SET address = 'sip:agents@127.0.0.1:99999' WHERE name = 'Front'", postgres: "" };
        let tenant = bench.tenant("north").await;
        let open = carrier(None);
        connect(&tenant, &open).await;
        with_a_front(&tenant, "127.0.0.1", PEOPLE as u32).await;
        // No such port: what was stored before such an address was refused.
        bench.store.db().execute(&ADDRESS, &Vec::new()).await.expect("as before");
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        all_put_through(&bench, &tenant, list).await;
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

/// The first target uses up most of the two seconds; that nobody picks up at the second in what is left says nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_had_too_little_time_is_not_left_alone_for_it() {
    for_each_store("dialled_excused", |bench| async move {
        let tenant = bench.tenant("north").await;
        let slow = |rings_ms: u64, refuse: Option<u16>| {
            let mut config = VoiceCarrierConfig::new(audio_ports());
            config.fate_of = |_| CallFate::Listens;
            (config.agent_rings, config.agents_refuse, config.patience) = (Duration::from_millis(rings_ms), refuse, Duration::from_secs(30));
            VoiceCarrier::start(config).expect("a carrier")
        };
        let (floor, front) = (slow(10_000, None), slow(1_100, Some(480)));
        connect(&tenant, &floor).await;
        with_a_front(&tenant, &front.address().to_string(), 1).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
        draft.call_pacing.calls_at_once_max = 1;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| floor.tally().agent_calls == 1).await;
        let began = tokio::time::Instant::now();
        until(&bench, &tenant, id, async |_| floor.tally().calls() == 2).await;
        assert!(began.elapsed() < Duration::from_secs(25), "nobody else is called while both targets are left alone: {:?}", began.elapsed());
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
