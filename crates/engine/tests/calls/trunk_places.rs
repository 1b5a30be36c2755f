//! Places on the trunks: what is taken for a call that is not made after all is given back, and none goes to others that an agent's leg will need.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_store::carriers::{NewTransferTarget, NewTrunk};
use clarion_store::compliance::Week;
use clarion_store::db::Statement;
use clarion_store::params;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::Semaphore;

use crate::dialled::{STRAIGHT, clock, connect, connect_by, dial, draft_of};
use crate::people::{enlist, list_of, person, profile};
use crate::support::{NOON, for_each_store};
use crate::{SAYS, counts, draft, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_a_stop_overtakes_give_their_places_back() {
    for_each_store("dialled_overtaken", |bench| async move {
        static STOP: Statement = Statement { text: "UPDATE campaign SET stops = stops + 1 WHERE id = $1", postgres: "" };
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Busy;
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 60).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft_of(list, STRAIGHT, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| carrier.tally().calls() > 0).await;
        for _ in 0..8 {
            // The dialler reads the campaign before the stop stands, and waits for it.
            let mut tx = bench.store.db().begin().await.expect("begins");
            tx.execute(&STOP, &params![id]).await.expect("moves");
            tokio::time::sleep(Duration::from_millis(120)).await;
            tx.commit().await.expect("commits");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::Busy, 60)]);
        assert_eq!(carrier.tally().called_again(), 0);
        // Told every two seconds.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let status = bench.store.trunk_status().await.expect("read");
        assert_eq!(status.iter().map(|trunk| trunk.outstanding).collect::<Vec<_>>(), [0]);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_campaigns_calls_leave_the_places_that_agents_will_need() {
    const FLOOR: &str = "+442079460111";
    for_each_store("dialled_shared_trunk", |bench| async move {
        let tenant = bench.tenant("north").await;
        let may_answer = Arc::new(Semaphore::new(0));
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        (config.agents, config.may_answer) = (FLOOR.into(), Some(may_answer.clone()));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect_by(&tenant, &format!(r#"{{"kind":"sip","hosts":["{}"],"calls_at_once":4}}"#, carrier.address())).await;
        let target = NewTransferTarget { group: "agents".into(), name: "Floor".into(), address: FLOOR.into(), line: SipLine::default(), hours: Week::default(), capacity: 2, priority: 1, enabled: true };
        tenant.add_transfer_target(&target, NOON).await.expect("a target");
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let others = tenant.create_list("others", NOON).await.expect("a list");
        for last in 100..104 {
            enlist(&tenant, others, person(&tenant, last, &profile("Ada", &format!("R-{last}"))).await.0).await;
        }
        let (stop, dialler) = dial(&bench);
        let mut ids = Vec::new();
        for (list, script, pace) in [(list, STRAIGHT, PacingMode::Progressive), (others, SAYS, PacingMode::Agentless)] {
            let mut draft = draft_of(list, script, pace);
            draft.call_pacing.ring_ms_max = 60_000;
            let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
            tenant.start_campaign(id, clock()).await.expect("starts");
            ids.push(id);
            until(&bench, &tenant, ids[0], async |_| carrier.tally().calls() == 2).await;
        }
        until(&bench, &tenant, ids[1], async |record| record.state_reason.contains("held by the trunks")).await;
        assert_eq!(carrier.tally().calls(), 2, "two of the four places are for the agents of those who ring");
        may_answer.add_permits(6);
        for (id, word, people) in [(ids[0], Disposition::PutThrough, 2), (ids[1], Disposition::AnsweredPerson, 4)] {
            until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
            assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(word, people)]);
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_is_changed_keeps_its_calls_and_their_places() {
    for_each_store("dialled_changed_trunk", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        config.patience = Duration::from_secs(60);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 1).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft(list, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| !tenant.live_calls(id, 10).await.expect("read").is_empty()).await;
        // By name alone, and on the wire: it connects anew.
        for (name, keep_alive) in [("Renamed", 5), ("Moved", 7)] {
            let old = tenant.trunks().await.expect("read").remove(0);
            let settings = serde_json::from_str(&format!(r#"{{"kind":"sip","hosts":["{}"],"keep_alive_seconds":{keep_alive}}}"#, carrier.address())).expect("settings");
            let new = NewTrunk { name: name.into(), settings, secret: Personal::default(), rate_per_second: 20, cost_per_segment: 100, currency: "GBP".into() };
            let changed_at = clock();
            tenant.change_trunk(old.id, &new, true, changed_at).await.expect("changed");
            // Told every two seconds, and read anew twice a second.
            let told = async || bench.store.trunk_status().await.expect("read").remove(0);
            until(&bench, &tenant, id, async |_| told().await.seen_at.ms() > changed_at.ms() + 1_000).await;
            assert_eq!(told().await.outstanding, 1, "{name}: its call is up still");
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
        assert!(tenant.live_calls(id, 10).await.expect("read").is_empty());
    })
    .await;
}
