//! What a dead node left of people one of whom is no longer kept: nobody's attempt becomes another's.

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::id::{AttemptId, ClaimId, NodeId, TrunkId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::attempts::{ClaimRow, add_claim, attempts_by_id, recipients_at};
use clarion_store::db::Statement;
use clarion_store::params;

use crate::dialled::{clock, connect_by, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{SAYS, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_a_node_left_are_their_own_peoples_though_one_of_them_is_gone() {
    for_each_store("dialled_left", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (list, _) = list_of(&tenant, "everybody", 3).await;
        // A trunk that answers nobody: this node calls no one itself.
        connect_by(&tenant, r#"{"kind":"sip","hosts":["127.0.0.1:9"],"keep_alive_seconds":5}"#).await;
        let id = tenant.create_campaign(&draft_of(list, SAYS, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Running).await;
        let mut tx = bench.store.db().begin().await.expect("begins");
        let people = recipients_at(&mut tx, id, &[0, 1, 2]).await.expect("read");
        let first_attempt = AttemptId(bench.store.next_id(NOON));
        let claim = ClaimRow {
            id: ClaimId(bench.store.next_id(NOON)),
            tenant: tenant.id(),
            campaign: id,
            channel: Channel::Voice,
            node: NodeId(9),
            trunk: TrunkId(1),
            first_attempt,
            items: vec![(0, 1), (1, 1), (2, 1)],
            segments: Vec::new(),
            released: Vec::new(),
            decision: "UK".into(),
            claimed_at: NOON,
        };
        add_claim(&mut tx, &claim).await.expect("claimed");
        static GONE: Statement = Statement { text: "DELETE FROM recipient WHERE campaign_id = $1 AND position = 1", postgres: "" };
        tx.execute(&GONE, &params![id]).await.expect("gone");
        tx.commit().await.expect("stands");

        let (stop, dialler) = dial(&bench);
        let ids: Vec<AttemptId> = (0..3).map(|index| AttemptId(first_attempt.0 + index)).collect();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        let settled = loop {
            let mut tx = bench.store.db().begin().await.expect("begins");
            let rows = attempts_by_id(&mut tx, &ids).await.expect("read");
            if !rows.is_empty() {
                // They are read one by one, and their commit may have come in between.
                break attempts_by_id(&mut tx, &ids).await.expect("read");
            }
            assert!(tokio::time::Instant::now() < deadline, "they are settled");
            drop(tx);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        let mut told: Vec<_> = settled.iter().map(|row| (row.position, row.contact, row.address, row.disposition)).collect();
        told.sort();
        let whose = |position: u32| (position, people[&position].0, people[&position].1, Disposition::Unknown);
        assert_eq!(told, [whose(0), whose(2)]);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
