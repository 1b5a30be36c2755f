//! A carrier that does not accept the trunk's account, and a node that is told to end: neither takes anybody's call away from them.

use std::time::Duration;

use clarion_domain::attempts::leg::EndedBy;
use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{clock, connect, dial};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{counts, draft, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_refused_costs_three_calls_and_nobody_their_turn() {
    const PEOPLE: usize = 20;
    for_each_store("dialled_refused", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.people_refuse = Some(407);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        let mut held = draft(list, PacingMode::Agentless);
        held.call_pacing.calls_at_once_max = 1;
        let id = tenant.create_campaign(&held, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let refused = async || bench.store.trunk_status().await.expect("read").into_iter().find(|status| status.state == TrunkState::Refused);
        until(&bench, &tenant, id, async |_| refused().await.is_some()).await;
        let calls = carrier.tally().calls();
        assert!((3..=4).contains(&calls), "{calls} calls");
        assert!(refused().await.is_some_and(|status| status.reason.contains("does not accept the trunk's credentials")), "{:?}", refused().await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(carrier.tally().calls(), calls, "nobody else is called while it is left alone");
        let due = tenant.due_counts(id).await.expect("read");
        assert!(due.iter().any(|(why, n, _)| why == "the trunk's account was refused" && *n == calls as i64), "{due:?}");
        let record = tenant.campaign(id).await.expect("read");
        assert!(record.state_reason.starts_with("held by the trunks: none is up"), "{}", record.state_reason);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_hangs_up_and_writes_how_it_ended() {
    for_each_store("dialled_ended", |bench| async move {
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
        until(&bench, &tenant, id, async |_| tenant.live_call_counts(id).await.expect("read").iter().any(|count| count.state == "gathering")).await;
        stop.send_replace(true);
        dialler.await.expect("ends");
        assert!(tenant.live_calls(id, 10).await.expect("read").is_empty(), "no other life has to find out");
        assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::AnsweredPerson, 1)]);
        let row = &tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows[0];
        let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
        assert_eq!(tenant.call(attempt).await.expect("read").ended_by, EndedBy::Us.to_string());
    })
    .await;
}
