//! What somebody does to a connector or its instruction while a run is in hand.

use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::pull_fault::{PullFault, RunState};
use clarion_domain::connectors::watermark::Watermark;
use clarion_domain::time::HOUR_MS;
use clarion_store::connectors::{NewInstruction, RunOutcome, RunTold};
use clarion_store::db::{Params, Statement};
use clarion_store::{StoreError, params};
use serde_json::json;

use super::support::{Bench, NOON, for_each_store};
use super::{begun, connector, export, imports, instruction, on, recorded, stored};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_during_a_run_stands_when_it_ends() {
    for_each_store("connectors_changed", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let id = on(&tenant, instruction).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        stored(&tenant, id, &lease, "phone\n07700900001\n", "41", NOON).await;
        let mut at = NOON.plus_ms(HOUR_MS);
        let told = || RunTold { watermark: Watermark::read("42"), etag: "\"x\"".into(), ..RunTold::default() };
        for place in 0..3 {
            let (job, outcome) = begun(&tenant, id, &lease, "phone\n07700900002\n", at).await;
            match place {
                0 => tenant.start_connector_over(id, at).await.expect("over"),
                1 => tenant.change_connector(id, &connector(instruction, json!({"url": "https://crm.example.com/others"})), at).await.expect("changed"),
                _ => {
                    tenant.pause_connector(id, at).await.expect("paused");
                    tenant.resume_connector(id, at).await.expect("on");
                }
            }
            assert!(!tenant.run_may_go_on(&job, &lease, at).await.expect("asked"));
            let outcome = if place == 1 { RunOutcome::Unchanged } else { outcome };
            tenant.end_run(&job, outcome, &told(), &lease, at, 0).await.expect("ended");
            let (now, run) = (tenant.connector(id).await.expect("it"), tenant.connector_runs(id, None, 1).await.expect("runs").rows.remove(0));
            assert_eq!((now.watermark.as_str(), imports(&tenant).await, run.state, run.import), ("", 1, RunState::Stopped, None), "{place}");
            at = now.next_at.expect("it goes on").max(at);
        }
        // The same rows as ever are loaded when somebody said: over.
        stored(&tenant, id, &lease, "phone\n07700900001\n", "41", at).await;
        assert_eq!(imports(&tenant).await, 2);

        // The node dies after somebody said so: the next removes what it had written.
        at = at.plus_ms(HOUR_MS);
        let (_, outcome) = begun(&tenant, id, &lease, "phone\n07700900003\n", at).await;
        drop(outcome);
        tenant.start_connector_over(id, at).await.expect("over");
        assert_eq!(imports(&tenant).await, 3);
        let next = tenant.begin_run(id, &lease, at).await.expect("begun");
        assert!(next.is_some() && imports(&tenant).await == 2, "nothing of it is left");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_deleted_while_it_pulls_leaves_nothing_of_the_pull() {
    for_each_store("connectors_deleted", |bench| async move {
        static CHUNKS: Statement = Statement { text: "SELECT COUNT(*) FROM import_chunk WHERE import_id = $1", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let failed = || RunOutcome::Failed { fault: PullFault::Stopped, retry_after_ms: None };
        let page = "07700900001\n".repeat(100_000);

        let id = on(&tenant, instruction).await;
        stored(&tenant, id, &lease, "phone\n07700900001\n", "41", NOON).await;
        let at = NOON.plus_ms(HOUR_MS);
        let job = tenant.begin_run(id, &lease, at).await.expect("begun").expect("due");
        let mut upload = tenant.begin_pulled_import(&job, "pulled", &lease, at).await.expect("begun");
        upload.write(page.as_bytes()).await.expect("written");
        let chunks = async |import| bench.store.db().query(&CHUNKS, &params![import]).await.expect("counts")[0].take::<i64>(0).expect("a count");
        let import = upload.id();
        assert_eq!((imports(&tenant).await, chunks(import).await), (2, 1));
        tenant.delete_connector(id, at).await.expect("deleted");
        assert_eq!((imports(&tenant).await, chunks(import).await), (1, 0), "what it loaded before stays, and nothing else");
        assert!(!tenant.run_may_go_on(&job, &lease, at).await.expect("asked"));
        // A page that was under way.
        let refused = upload.write(page.as_bytes()).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        tenant.end_run(&job, failed(), &RunTold::default(), &lease, at, 0).await.expect("ended");

        // A page that was the last.
        let id = on(&tenant, instruction).await;
        let (job, outcome) = begun(&tenant, id, &lease, "phone\n07700900002\n", at).await;
        tenant.delete_connector(id, at).await.expect("deleted");
        tenant.end_run(&job, outcome, &RunTold::default(), &lease, at, 0).await.expect("ended");

        // A page that was the first.
        let id = on(&tenant, instruction).await;
        let job = tenant.begin_run(id, &lease, at).await.expect("begun").expect("due");
        tenant.delete_connector(id, at).await.expect("deleted");
        let refused = tenant.begin_pulled_import(&job, "pulled", &lease, at).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "no run names it");
        tenant.end_run(&job, failed(), &RunTold::default(), &lease, at, 0).await.expect("ended");
        assert_eq!(imports(&tenant).await, 1);
        assert!(matches!(tenant.delete_connector(id, at).await, Err(StoreError::NotFound(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_written_as_its_connector_is_deleted_goes_too() {
    for_each_store("connectors_chunk", |bench| async move {
        static CHUNK: Statement = Statement { text: "INSERT INTO import_chunk (import_id, position, sealed) VALUES ($1, 0, $2)", postgres: "" };
        static CHUNKS: Statement = Statement { text: "SELECT COUNT(*) FROM import_chunk", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let id = on(&tenant, recorded(&tenant, &["phone"]).await).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, NOON).await.expect("begun").expect("due");
        let upload = tenant.begin_pulled_import(&job, "pulled", &lease, NOON).await.expect("begun");
        let theirs = tenant.clone();
        meanwhile(&bench, &CHUNK, params![upload.id(), vec![1_u8]], async move { theirs.delete_connector(id, NOON).await }).await.expect("deleted");
        let chunks: i64 = bench.store.db().query(&CHUNKS, &params![]).await.expect("counts")[0].take(0).expect("a count");
        assert_eq!((imports(&tenant).await, chunks), (0, 0));
    })
    .await;
}

/// What another does at this moment: the row is written, and seen by others only a while later.
async fn meanwhile<T: Send + 'static>(bench: &Bench, written: &'static Statement, with: Params, act: impl Future<Output = T> + Send + 'static) -> T {
    let mut tx = bench.store.db().begin().await.expect("begins");
    tx.execute(written, &with).await.expect("written");
    let acting = tokio::spawn(act);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    tx.commit().await.expect("commits");
    acting.await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_or_is_kept_under_what_ends_at_that_moment() {
    for_each_store("connectors_moment", |bench| async move {
        static REPLACE: Statement = Statement { text: "UPDATE instruction SET replaced_at = 1 WHERE id = $1", postgres: "" };
        static REVOKE: Statement = Statement { text: "UPDATE instruction SET revoked_at = 1 WHERE id = $1", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let pulls = recorded(&tenant, &["phone"]).await;
        let id = on(&tenant, pulls).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let (job, outcome) = begun(&tenant, id, &lease, "phone\n07700900001\n", NOON).await;
        let (theirs, held) = (tenant.clone(), lease.clone());
        meanwhile(&bench, &REVOKE, params![pulls], async move { theirs.end_run(&job, outcome, &RunTold::default(), &held, NOON, 0).await }).await.expect("ended");
        let run = tenant.connector_runs(id, None, 1).await.expect("runs").rows.remove(0);
        assert_eq!((imports(&tenant).await, run.state), (0, RunState::Stopped), "nothing is kept");

        let next = tenant.record_instruction(&NewInstruction { reference: "another".into(), ..instruction(&["phone"]) }, NOON).await.expect("recorded");
        let (theirs, new) = (tenant.clone(), connector(next, json!({})));
        let made = meanwhile(&bench, &REPLACE, params![next], async move { theirs.create_connector(&new, NOON).await.map(|_| ()) }).await;
        assert!(matches!(made, Err(StoreError::Conflict(_) | StoreError::Faults(_))), "{made:?}");
        let exports = tenant.record_instruction(&NewInstruction { kind: InstructionKind::Export, fields: vec!["outcome".into()], ..instruction(&[]) }, NOON).await.expect("recorded");
        let (theirs, new) = (tenant.clone(), export(exports, None));
        let made = meanwhile(&bench, &REPLACE, params![exports], async move { theirs.create_export(&new, NOON).await.map(|_| ()) }).await;
        assert!(matches!(made, Err(StoreError::Conflict(_) | StoreError::Faults(_))), "{made:?}");
        assert_eq!((tenant.connectors().await.expect("they").len(), tenant.exports().await.expect("they").len()), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_begun_by_one_and_under_what_the_connector_says_at_that_moment() {
    for_each_store("connectors_held", |bench| async move {
        static PAUSE: Statement = Statement { text: "UPDATE connector SET state = 'paused', next_at = NULL WHERE id = $1", postgres: "" };
        static BEGUN: Statement = Statement { text: "INSERT INTO connector_run (id, connector_id, tenant_id, instruction_id, kind, state, fault, last_status, pages, rows_read, bytes_read, dropped, asked_by, created_at) SELECT 1, id, tenant_id, instruction_id, 'pull', 'running', '', 0, 0, 0, 0, '', 'system', created_at FROM connector WHERE id = $1", postgres: "" };
        static HELD: Statement = Statement { text: "UPDATE connector SET state = state WHERE id = $1", postgres: "" };
        static RUNNING: Statement = Statement { text: "SELECT COUNT(*) FROM connector_run WHERE state = 'running'", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let id = on(&tenant, instruction).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let (theirs, held) = (tenant.clone(), lease.clone());
        let job = meanwhile(&bench, &PAUSE, params![id], async move { theirs.begin_run(id, &held, NOON).await }).await.expect("asked");
        assert!(job.is_none(), "it is paused");

        // Who begins has written its run, and is not done yet: whoever pauses stops that run too.
        tenant.resume_connector(id, NOON).await.expect("on");
        let running = async || bench.store.db().query(&RUNNING, &params![]).await.expect("counts")[0].take::<i64>(0).expect("a count");
        let mut tx = bench.store.db().begin().await.expect("begins");
        tx.execute(&HELD, &params![id]).await.expect("held");
        tx.execute(&BEGUN, &params![id]).await.expect("written");
        let theirs = tenant.clone();
        let pausing = tokio::spawn(async move { theirs.pause_connector(id, NOON).await });
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        tx.commit().await.expect("commits");
        pausing.await.expect("no panic").expect("paused");
        assert_eq!(running().await, 0);

        // Two nodes, each in the belief that it is the only one.
        tenant.resume_connector(id, NOON).await.expect("on");
        let other = bench.store.take_lease("d", NOON).await.expect("asked").expect("free");
        let (one, two) = tokio::join!(tenant.begin_run(id, &lease, NOON), tenant.begin_run(id, &other, NOON));
        assert!(one.expect("begun").is_some() && two.expect("begun").is_some());
        assert_eq!(running().await, 1, "the later has ended the earlier's");
    })
    .await;
}
