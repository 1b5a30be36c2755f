//! Stop now and drain: within a second no phone rings any more, or nobody else is called and who is called may answer.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_engine::calls::PortRange;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::Semaphore;

use crate::dialled::{STRAIGHT, clock, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{counts, until};

const PEOPLE: usize = 6;
const AT_ONCE: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_now_leaves_no_phone_ringing_after_a_second_and_a_pause_calls_nobody_else() {
    for_each_store("dialled_stopped", |bench| async move {
        let tenant = bench.tenant("north").await;
        let may_answer = Arc::new(Semaphore::new(0));
        let mut config = VoiceCarrierConfig::new(PortRange { first: 7_000, last: 8_999 });
        config.fate_of = |_| CallFate::Listens;
        (config.may_answer, config.talk, config.patience) = (Some(may_answer.clone()), Duration::from_secs(8), Duration::from_secs(60));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench, 5_000);
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
        draft.call_pacing.calls_at_once_max = AT_ONCE;
        draft.call_pacing.ring_ms_max = 60_000;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let up = async |state: &str| tenant.live_call_counts(id).await.expect("read").iter().filter(|count| count.state == state).map(|count| count.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| up("ringing").await == i64::from(AT_ONCE)).await;
        may_answer.add_permits(1);
        until(&bench, &tenant, id, async |_| up("bridged").await == 1 && up("ringing").await == 2).await;

        // Paused: who rings goes on ringing, and nobody else is called.
        tenant.pause_campaign(id, clock()).await.expect("paused");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((up("bridged").await, up("ringing").await, carrier.tally().calls()), (1, 2, u64::from(AT_ONCE)));

        // Stopped: no phone rings any more; who talks may end the talk.
        let began = tokio::time::Instant::now();
        tenant.cancel_campaign(id, clock()).await.expect("stopped");
        while up("ringing").await > 0 {
            assert!(began.elapsed() < Duration::from_secs(1), "phones still ring after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!((up("bridged").await, up("dialling").await), (1, 0));
        assert_eq!(tenant.campaign(id).await.expect("read").state, CampaignState::Cancelled);
        until(&bench, &tenant, id, async |_| tenant.live_call_counts(id).await.expect("read").is_empty()).await;
        stop.send_replace(true);
        dialler.await.expect("ends");
        let report = counts(&tenant, id).await;
        assert_eq!(report.values().sum::<i64>(), 3, "{report:?}");
        assert_eq!(report.get(&Disposition::PutThrough), Some(&1), "{report:?}");
        assert_eq!(carrier.tally().calls(), u64::from(AT_ONCE), "nobody else was called");
    })
    .await;
}
