//! Call centres that take no call: the next one by priority has it, and one that is closed is sent nobody and says so.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{STRAIGHT, clock, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{counts, until};

const PEOPLE: usize = 5;

fn carrier(agents_refuse: Option<u16>) -> VoiceCarrier {
    let mut config = VoiceCarrierConfig::new(audio_ports());
    config.fate_of = |_| CallFate::Listens;
    config.agents_refuse = agents_refuse;
    (config.patience, config.talk) = (Duration::from_secs(30), Duration::from_millis(500));
    VoiceCarrier::start(config).expect("a carrier")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_or_dead_call_centre_costs_nobody_their_agent_while_another_has_one() {
    for status in [486, 404] {
        for_each_store("dialled_overflow", |bench| async move {
            let tenant = bench.tenant("north").await;
            let (open, busy) = (carrier(None), carrier(Some(status)));
            connect(&tenant, &open).await;
            let mut floor = tenant.transfer_targets().await.expect("read").remove(0);
            (floor.target.priority, floor.target.capacity) = (2, PEOPLE as u32);
            tenant.change_transfer_target(floor.id, &floor.target, NOON).await.expect("second");
            let first = NewTransferTarget { group: "agents".into(), name: "Front".into(), address: format!("sip:agents@{}", busy.address()), line: SipLine::default(), hours: Week::default(), capacity: 1, priority: 1, enabled: true };
            tenant.add_transfer_target(&first, NOON).await.expect("a target");
            let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
            let (stop, dialler) = dial(&bench);
            let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
            // So that the live page has time to say it.
            draft.call_pacing.calls_per_second_max = 1;
            let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
            tenant.start_campaign(id, clock()).await.expect("starts");
            let mut said = String::new();
            until(&bench, &tenant, id, async |record| {
                if record.state_reason.contains("Front did not take a call") {
                    said.clone_from(&record.state_reason);
                }
                record.state == CampaignState::Finished
            })
            .await;
            let report = counts(&tenant, id).await;
            assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, PEOPLE as i64)], "{status}");
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
