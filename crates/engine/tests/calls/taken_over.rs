//! A node that another held for dead lives on: what it says of its calls, late as it is, corrects what the other settled.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_engine::calls::{self, DiallerConfig, EndpointConfig, MediaConfig, SpeechEngine};
use clarion_store::Store;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::watch;

use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{clock, connect, counts, dial, draft, loopback, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_says_late_of_calls_that_another_settled_corrects_them() {
    for_each_store("dialled_taken", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        (config.ring, config.patience, config.talk) = (Duration::from_millis(800), Duration::from_millis(1_500), Duration::from_secs(5));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 10).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft(list, PacingMode::Progressive), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let up = async |state: &str| tenant.live_call_counts(id).await.expect("read").iter().filter(|count| state.is_empty() || count.state == state).map(|count| count.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| up("bridged").await > 0).await;

        // This node has no heartbeat here: to any other it is dead.
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("a store");
        let (stop_other, stopped) = watch::channel(false);
        let media = MediaConfig { ports: audio_ports(), ..MediaConfig::default() };
        let config = DiallerConfig { clock, sip: EndpointConfig::new(loopback()), media, speech: SpeechEngine::default(), drain_ms_max: 100 };
        let other = tokio::spawn(calls::run(other, config, stopped));
        let settled = async || tenant.measures(Some(id), clarion_domain::time::Instant(0), clarion_domain::time::Instant(i64::MAX)).await.expect("read").iter().map(|row| row.n).sum::<i64>();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while up("").await > 0 {
            assert!(tokio::time::Instant::now() < deadline, "the other node takes over what is up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop_other.send_replace(true);
        assert!(settled().await > 0);
        other.await.expect("ends");

        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished && carrier.tally().calls() == 10).await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        let report = loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let tally = carrier.tally();
            let report = counts(&tenant, id).await;
            let is_true = report.get(&Disposition::PutThrough).copied().unwrap_or(0) as u64 == tally.of(CallFate::PutThrough) && !report.contains_key(&Disposition::Unknown);
            if is_true || tokio::time::Instant::now() > deadline {
                break report;
            }
        };
        let (said, tally) = (|word: Disposition| report.get(&word).copied().unwrap_or(0) as u64, carrier.tally());
        assert_eq!((said(Disposition::PutThrough), said(Disposition::Unknown)), (tally.of(CallFate::PutThrough), 0), "{report:?}");
        assert_eq!((said(Disposition::Busy), said(Disposition::OptedOut), said(Disposition::AnsweredPerson)), (tally.of(CallFate::Busy), tally.of(CallFate::OptsOut), tally.of(CallFate::Listens) + tally.of(CallFate::Machine)), "{report:?}");
        assert_eq!((report.values().sum::<i64>(), tally.called_again()), (10, 0));
        let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
        assert_eq!((days[0].passed as u64, days[0].abandoned), (said(Disposition::PutThrough), 0), "each counted once, and nobody as abandoned: {days:?}");
        let answered = [CallFate::PutThrough, CallFate::OptsOut, CallFate::Listens, CallFate::Machine].map(|fate| tally.of(fate)).iter().sum::<u64>();
        assert_eq!(days[0].answered as u64, answered);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
