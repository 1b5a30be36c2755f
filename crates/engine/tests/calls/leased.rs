//! One node dials for a tenant: one that lost its lease calls nobody else, though its campaigns run.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::id::NodeId;
use clarion_domain::time::MINUTE_MS;
use clarion_store::db::Statement;
use clarion_store::params;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{clock, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{SAYS, until};

const PEOPLE: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_lease_another_holds_calls_nobody_else() {
    for_each_store("dialled_leased", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, SAYS, PacingMode::Agentless);
        draft.call_pacing.calls_per_second_max = 2;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| carrier.tally().calls() >= 2).await;
        static TAKEN: Statement = Statement { text: "UPDATE lease SET node_id = $1, epoch = epoch + 1, expires_at = $2 WHERE name = $3", postgres: "" };
        let name = format!("dialling {}", tenant.id());
        let taken = bench.store.db().execute(&TAKEN, &params![NodeId(9), clock().plus_ms(MINUTE_MS), name.as_str()]).await.expect("taken");
        assert_eq!(taken, 1);
        // What was claimed before is on its way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = carrier.tally().calls();
        assert!(before < PEOPLE as u64);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(carrier.tally().calls(), before, "it would have been two a second");
        // The other gives it up.
        static FREED: Statement = Statement { text: "DELETE FROM lease WHERE name = $1", postgres: "" };
        bench.store.db().execute(&FREED, &params![name.as_str()]).await.expect("freed");
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        assert_eq!((carrier.tally().calls(), carrier.tally().called_again()), (PEOPLE as u64, 0));
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
