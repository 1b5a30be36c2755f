//! A carrier's server that dies while calls are up: they end with what was done for their people, everybody else is called by the next server,
//! nobody is lost, called twice or called unknown.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_testbed::ports::{audio_ports, free_port};
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{clock, connect_by, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{SAYS, counts, until};

const AT_ONCE: usize = 2;

/// SIPp, which answers whoever calls and never hangs up.
struct Sipp(Child);

impl Sipp {
    async fn start(port: u16) -> Self {
        let folder = std::env::temp_dir();
        let child = Command::new("sipp").args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin"]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("sipp: {error}; ./test names the packages"));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !clarion_testbed::ports::is_taken(port) {
            assert!(tokio::time::Instant::now() < deadline, "SIPp listens");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self(child)
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // Gone already, or gone now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_with_calls_up_loses_nobody() {
    for_each_store("dialled_died", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        config.patience = Duration::from_secs(30);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        let port = free_port().port();
        let first = Sipp::start(port).await;
        connect_by(&tenant, &format!(r#"{{"kind":"sip","hosts":["127.0.0.1:{port}","{}"],"keep_alive_seconds":0}}"#, carrier.address())).await;
        let (list, _) = list_of(&tenant, "everybody", 6).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, SAYS, PacingMode::Agentless);
        draft.call_pacing.calls_at_once_max = AT_ONCE as u32;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let up = async || tenant.live_calls(id, 10).await.expect("read").iter().filter(|call| call.answered_at.is_some()).count();
        until(&bench, &tenant, id, async |_| up().await == AT_ONCE).await;
        assert_eq!(carrier.tally().calls(), 0, "the first server has them");
        drop(first);
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        let report = counts(&tenant, id).await;
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::AnsweredPerson, 6)]);
        assert_eq!((carrier.tally().calls(), carrier.tally().called_again()), (6 - AT_ONCE as u64, 0), "everybody else is called by the second, once");
        stop.send_replace(true);
        dialler.await.expect("ends");
        assert!(tenant.live_calls(id, 10).await.expect("read").is_empty());
    })
    .await;
}
