//! Instructions and connectors in the rows, on both databases. Asking a client's system has its tests in the engine.

mod meanwhile;
#[path = "../support/mod.rs"]
mod support;

use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::export::{ExportFormat, ExportTarget, ResultField};
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::connectors::pull_fault::{ConnectorState, PullFault, RunKind, RunState};
use clarion_domain::connectors::times::Times;
use clarion_domain::connectors::watermark::Watermark;
use clarion_domain::id::{ConnectorId, InstructionId, SftpAccountId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::connectors::{NewConnector, NewExport, NewInstruction, Preview, PullJob, RunOutcome, RunTold};
use clarion_store::db::Statement;
use clarion_store::intake::SftpAccountDraft;
use clarion_store::webhooks::NewWebhook;
use clarion_store::{Lease, StoreError, Tenant, params};
use serde_json::json;
use support::{NOON, for_each_store};

fn instruction(fields: &[&str]) -> NewInstruction {
    NewInstruction {
        kind: InstructionKind::Pull,
        reference: "NW-2026-014".into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: "Appointment reminders".into(),
        legal_basis: LegalBasis::Contract,
        agreed_by: "Grace Hopper, data protection lead".into(),
        valid_from: NOON,
        valid_until: NOON.plus_ms(30 * DAY_MS),
    }
}

async fn recorded(tenant: &Tenant, fields: &[&str]) -> InstructionId {
    tenant.record_instruction(&instruction(fields), NOON).await.expect("an instruction")
}

fn connector(instruction: InstructionId, more: serde_json::Value) -> NewConnector {
    let mut settings = json!({
        "url": "https://crm.example.com/people", "format": "json", "times": "every 60 minutes",
        "fields": [{"from": "mobile", "to": "phone"}, {"from": "first", "to": "first_name"}],
    });
    settings.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    NewConnector { name: "Booking system".into(), instruction, list: None, settings: serde_json::from_value(settings).expect("settings"), secret: None }
}

async fn on(tenant: &Tenant, instruction: InstructionId) -> ConnectorId {
    let id = tenant.create_connector(&connector(instruction, json!({})), NOON).await.expect("a connector");
    tenant.resume_connector(id, NOON).await.expect("on");
    id
}

fn fields_of<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> Vec<&'static str> {
    match refused {
        Err(StoreError::Faults(faults)) => faults.into_iter().map(|fault| fault.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_pulls_without_an_instruction_that_holds() {
    for_each_store("connectors_instruction", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let foreign = recorded(&other, &["phone"]).await;
        for none in [InstructionId(1), foreign] {
            assert_eq!(fields_of(tenant.create_connector(&connector(none, json!({})), NOON).await), ["instruction"]);
        }
        let export = tenant.record_instruction(&NewInstruction { kind: InstructionKind::Export, fields: vec!["outcome".into()], ..instruction(&[]) }, NOON).await.expect("recorded");
        assert_eq!(fields_of(tenant.create_connector(&connector(export, json!({})), NOON).await), ["instruction"]);
        let without_phone = NewInstruction { fields: vec!["first_name".into(), "shoe".into()], ..instruction(&[]) };
        assert_eq!(fields_of(tenant.record_instruction(&without_phone, NOON).await), ["fields", "fields"]);
        let later = NewInstruction { valid_from: NOON.plus_ms(DAY_MS), ..instruction(&["phone"]) };
        let later = tenant.record_instruction(&later, NOON).await.expect("recorded");
        let id = tenant.create_connector(&connector(later, json!({})), NOON).await.expect("made before its first day");
        assert!(matches!(tenant.resume_connector(id, NOON).await, Err(StoreError::Conflict(_))), "not before its first day");
        tenant.resume_connector(id, NOON.plus_ms(DAY_MS)).await.expect("from its first day");
        assert_eq!(bench.store.due_connectors(NOON.plus_ms(DAY_MS), 9).await.expect("due").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_is_replaced_and_never_edited() {
    for_each_store("connectors_versions", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let first = recorded(&tenant, &["phone", "first_name"]).await;
        assert_eq!(fields_of(tenant.record_instruction(&instruction(&["phone"]), NOON).await), ["reference"]);
        let id = on(&tenant, first).await;
        let at = NOON.plus_ms(HOUR_MS);
        let second = tenant.replace_instruction(first, &NewInstruction { reference: "another".into(), valid_until: NOON.plus_ms(60 * DAY_MS), ..instruction(&["phone"]) }, at).await.expect("replaced");
        let (old, new) = (tenant.instruction(first).await.expect("it"), tenant.instruction(second).await.expect("it"));
        assert_eq!((old.new.fields.len(), old.standing(at), new.version, new.new.reference.as_str()), (2, InstructionStanding::Replaced, 2, "NW-2026-014"));
        assert_eq!(tenant.connector(id).await.expect("it").instruction, second, "what works under it goes on under the new one");
        assert!(matches!(tenant.replace_instruction(first, &instruction(&["phone"]), at).await, Err(StoreError::Conflict(_))));
        assert!(matches!(tenant.revoke_instruction(first, "a mistake", at).await, Err(StoreError::Conflict(_))));
        assert_eq!(fields_of(tenant.revoke_instruction(second, " ", at).await), ["why"]);
        let lease = bench.store.take_lease("c", at).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, at).await.expect("begun").expect("due");
        assert_eq!(job.taken.iter().map(|field| field.to.as_str()).collect::<Vec<_>>(), ["phone"], "a field outside the agreement is dropped");
        assert_eq!(tenant.connector_runs(id, None, 1).await.expect("runs").rows[0].dropped, ["first_name"]);
    })
    .await;
}

async fn stored(tenant: &Tenant, id: ConnectorId, lease: &clarion_store::Lease, text: &str, mark: &str, now: Instant) {
    let job = tenant.begin_run(id, lease, now).await.expect("begun").expect("due");
    let mut upload = tenant.begin_pulled_import(&job, "pulled", lease, now).await.expect("begun");
    upload.write(text.as_bytes()).await.expect("written");
    let told = RunTold { status: 200, pages: 1, rows: 1, bytes: 100, watermark: Watermark::read(mark), ..RunTold::default() };
    tenant.end_run(&job, RunOutcome::Rows(Box::new(upload)), &told, lease, now, 0).await.expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_moves_with_the_import_and_only_with_it() {
    for_each_store("connectors_watermark", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let hook = tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::PullStored, WebhookEventKind::PullFailed] }, NOON).await.expect("a webhook").id;
        let id = on(&tenant, recorded(&tenant, &["phone"]).await).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        stored(&tenant, id, &lease, "phone\n07700900001\n", "2026-11-23T10:00:00Z", NOON).await;
        let now = tenant.connector(id).await.expect("it");
        assert_eq!((now.watermark.as_str(), now.next_at), ("2026-11-23T10:00:00Z", Some(NOON.plus_ms(HOUR_MS))));
        let import = tenant.imports(None, 9).await.expect("imports").rows.remove(0);
        assert_eq!((import.source, import.state), (ImportSource::Connector, ImportState::Received));
        assert!(tenant.begin_run(id, &lease, NOON.plus_ms(HOUR_MS - 1)).await.expect("asked").is_none(), "not before it is due");

        // The same rows again are nothing new; an older mark does not move it back.
        stored(&tenant, id, &lease, "phone\n07700900001\n", "2026-11-23T09:00:00Z", NOON.plus_ms(HOUR_MS)).await;
        assert_eq!(tenant.imports(None, 9).await.expect("imports").rows.len(), 1);
        assert_eq!(tenant.connector(id).await.expect("it").watermark, "2026-11-23T10:00:00Z");

        // A failure moves nothing, leaves no half import, and is tried again later and later.
        let mut at = NOON.plus_ms(2 * HOUR_MS);
        for (n, pause) in [5_000, 30_000, 2 * MINUTE_MS].into_iter().enumerate() {
            let job = tenant.begin_run(id, &lease, at).await.expect("begun").expect("due");
            let mut upload = tenant.begin_pulled_import(&job, "pulled", &lease, at).await.expect("begun");
            upload.write(b"phone\n07700900002\n").await.expect("written");
            drop(upload);
            let told = RunTold { status: 500, watermark: Watermark::read("2026-11-23T11:00:00Z"), ..RunTold::default() };
            tenant.end_run(&job, RunOutcome::Failed { fault: PullFault::Refused, retry_after_ms: None }, &told, &lease, at, 0).await.expect("ended");
            let now = tenant.connector(id).await.expect("it");
            assert_eq!((now.failures, now.next_at, now.watermark.as_str()), (n as i64 + 1, Some(at.plus_ms(pause)), "2026-11-23T10:00:00Z"));
            at = at.plus_ms(pause);
        }
        assert_eq!(tenant.imports(None, 9).await.expect("imports").rows.len(), 1);
        let told: Vec<_> = tenant.webhook_deliveries(hook, None, None, 9).await.expect("a log").rows.into_iter().map(|row| row.kind).collect();
        assert_eq!(told, [WebhookEventKind::PullFailed, WebhookEventKind::PullStored], "the first failure of a row is told");

        tenant.start_connector_over(id, at).await.expect("over");
        stored(&tenant, id, &lease, "phone\n07700900001\n", "2026-11-23T10:00:00Z", at).await;
        assert_eq!(tenant.imports(None, 9).await.expect("imports").rows.len(), 2, "loaded again when somebody says so");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_stops_what_runs_and_keeps_nothing_of_it() {
    for_each_store("connectors_revoked", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let id = on(&tenant, instruction).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, NOON).await.expect("begun").expect("due");
        let mut upload = tenant.begin_pulled_import(&job, "pulled", &lease, NOON).await.expect("begun");
        upload.write(b"phone\n07700900001\n").await.expect("written");
        assert!(tenant.run_may_go_on(&job, &lease, NOON).await.expect("asked"));
        tenant.revoke_instruction(instruction, "the contract ended", NOON).await.expect("revoked");
        assert!(!tenant.run_may_go_on(&job, &lease, NOON).await.expect("asked"));
        tenant.end_run(&job, RunOutcome::Rows(Box::new(upload)), &RunTold::default(), &lease, NOON, 0).await.expect("ended");
        assert!(tenant.imports(None, 9).await.expect("imports").rows.is_empty(), "nothing is kept");
        let now = tenant.connector(id).await.expect("it");
        assert_eq!((now.state, now.stopped_why.as_str(), now.next_at), (ConnectorState::Stopped, "its instruction was revoked", None));
        assert_eq!(tenant.connector_runs(id, None, 9).await.expect("runs").rows[0].state, RunState::Stopped);
        assert!(bench.store.due_connectors(NOON.plus_ms(DAY_MS), 9).await.expect("due").is_empty());
        for refused in [tenant.resume_connector(id, NOON).await, tenant.ask_run(id, RunKind::Pull, NOON).await.map(|_| ()), tenant.ask_run(id, RunKind::Preview, NOON).await.map(|_| ())] {
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_last_day_stops_it_too_and_a_refused_credential_at_once() {
    for_each_store("connectors_ended", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = on(&tenant, recorded(&tenant, &["phone"]).await).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, NOON).await.expect("begun").expect("due");
        tenant.end_run(&job, RunOutcome::Failed { fault: PullFault::CredentialRefused, retry_after_ms: None }, &RunTold { status: 401, ..RunTold::default() }, &lease, NOON, 0).await.expect("ended");
        let now = tenant.connector(id).await.expect("it");
        assert!(now.state == ConnectorState::Stopped && now.stopped_why.contains("credential"), "{now:?}");
        tenant.resume_connector(id, NOON).await.expect("on again");
        let end = NOON.plus_ms(30 * DAY_MS);
        assert_eq!(bench.store.due_connectors(end, 9).await.expect("due").len(), 1);
        assert!(tenant.begin_run(id, &lease, end).await.expect("asked").is_none());
        assert_eq!(tenant.connector(id).await.expect("it").stopped_why, "its instruction has ended");
        assert!(bench.store.due_connectors(end, 9).await.expect("due").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_left_in_the_middle_is_ended_by_the_next() {
    for_each_store("connectors_lease", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = on(&tenant, recorded(&tenant, &["phone"]).await).await;
        let lost = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lost, NOON).await.expect("begun").expect("due");
        let mut upload = tenant.begin_pulled_import(&job, "pulled", &lost, NOON).await.expect("begun");
        upload.write(b"phone\n07700900001\n").await.expect("written");
        let held = bench.store.take_lease("c", NOON).await.expect("asked").expect("our own of before");
        let again = tenant.begin_run(id, &held, NOON).await.expect("begun").expect("still due");
        assert!(tenant.end_run(&job, RunOutcome::Rows(Box::new(upload)), &RunTold::default(), &lost, NOON, 0).await.is_err(), "who lost the lease writes nothing");
        tenant.end_run(&again, RunOutcome::Unchanged, &RunTold::default(), &held, NOON, 0).await.expect("ended");
        let runs: Vec<_> = tenant.connector_runs(id, None, 9).await.expect("runs").rows.into_iter().map(|run| (run.state, run.fault)).collect();
        assert_eq!(runs, [(RunState::Unchanged, None), (RunState::Failed, Some(PullFault::Interrupted))]);
        assert!(tenant.imports(None, 9).await.expect("imports").rows.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_can_do_nothing_with_it() {
    for_each_store("connectors_tenants", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let instruction_id = recorded(&tenant, &["phone"]).await;
        let id = on(&tenant, instruction_id).await;
        let run = tenant.ask_run(id, RunKind::Preview, NOON).await.expect("asked");
        let refusals = [
            other.instruction(instruction_id).await.map(|_| ()),
            other.replace_instruction(instruction_id, &instruction(&["phone"]), NOON).await.map(|_| ()),
            other.revoke_instruction(instruction_id, "because", NOON).await,
            other.connector(id).await.map(|_| ()),
            other.change_connector(id, &connector(instruction_id, json!({})), NOON).await,
            other.pause_connector(id, NOON).await,
            other.resume_connector(id, NOON).await,
            other.start_connector_over(id, NOON).await,
            other.ask_run(id, RunKind::Pull, NOON).await.map(|_| ()),
            other.connector_run(id, run).await.map(|_| ()),
            other.delete_connector(id, NOON).await,
        ];
        for (place, refusal) in refusals.into_iter().enumerate() {
            assert!(matches!(refusal, Err(StoreError::NotFound(_))), "{place}: {refusal:?}");
        }
        assert!(other.connectors().await.expect("none").is_empty() && other.instructions().await.expect("none").is_empty());
        assert!(other.connector_runs(id, None, 9).await.expect("none").rows.is_empty());
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        assert!(other.begin_run(id, &lease, NOON).await.expect("asked").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_sealed_and_follows_to_no_other_host() {
    for_each_store("connectors_secret", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let bearer = connector(instruction, json!({"authentication": "bearer"}));
        assert_eq!(fields_of(tenant.create_connector(&bearer, NOON).await), ["secret"]);
        let id = tenant.create_connector(&NewConnector { secret: Some("hush-hush".into()), ..bearer.clone() }, NOON).await.expect("made");
        assert!(tenant.connector(id).await.expect("it").has_secret);
        let elsewhere = connector(instruction, json!({"authentication": "bearer", "url": "https://evil.example.com/people"}));
        assert_eq!(fields_of(tenant.change_connector(id, &elsewhere, NOON).await), ["secret"]);
        tenant.change_connector(id, &connector(instruction, json!({"authentication": "bearer", "url": "https://crm.example.com/others"})), NOON).await.expect("the same host");
        tenant.resume_connector(id, NOON).await.expect("on");
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, NOON).await.expect("begun").expect("due");
        assert_eq!(job.secret.map(|secret| secret.reveal().to_owned()).as_deref(), Some("hush-hush"));
        for (more, fields) in [
            (json!({"url": "https://10.0.0.1/"}), vec!["url"]),
            (json!({"url": "http://crm.example.com/"}), vec!["url"]),
            (json!({"fields": [{"from": "first", "to": "first_name"}]}), vec!["fields", "fields"]),
            (json!({"authentication": "oauth2", "token_url": "https://169.254.169.254/"}), vec!["client_id", "token_url", "secret"]),
        ] {
            assert_eq!(fields_of(tenant.create_connector(&connector(instruction, more), NOON).await), fields);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_kept_for_a_day_and_the_log_for_its_time() {
    for_each_store("connectors_sweep", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = tenant.create_connector(&connector(recorded(&tenant, &["phone"]).await, json!({})), NOON).await.expect("made");
        let run = tenant.ask_run(id, RunKind::Preview, NOON).await.expect("a paused one can be looked at");
        assert!(matches!(tenant.ask_run(id, RunKind::Pull, NOON).await, Err(StoreError::Conflict(_))));
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let job = tenant.begin_run(id, &lease, NOON).await.expect("begun").expect("asked for");
        let preview = Preview { rows_seen: 3, ..Preview::default() };
        tenant.end_run(&job, RunOutcome::Shown(preview.clone()), &RunTold::default(), &lease, NOON, 0).await.expect("ended");
        assert_eq!(tenant.connector_run(id, run).await.expect("it").1, Some(preview));
        tenant.sweep(NOON.plus_ms(DAY_MS + 1)).await.expect("sweeps");
        assert_eq!(tenant.connector_run(id, run).await.expect("still in the log").1, None);
        let end = NOON.plus_ms(i64::from(RecordClass::ConnectorRun.retention().period_days) * DAY_MS);
        tenant.sweep(end.plus_ms(1)).await.expect("sweeps");
        assert!(tenant.connector_runs(id, None, 9).await.expect("none").rows.is_empty());
    })
    .await;
}

async fn begun(tenant: &Tenant, id: ConnectorId, lease: &Lease, text: &str, now: Instant) -> (PullJob, RunOutcome) {
    let job = tenant.begin_run(id, lease, now).await.expect("begun").expect("due");
    let mut upload = tenant.begin_pulled_import(&job, "pulled", lease, now).await.expect("begun");
    upload.write(text.as_bytes()).await.expect("written");
    (job, RunOutcome::Rows(Box::new(upload)))
}

async fn imports(tenant: &Tenant) -> usize {
    tenant.imports(None, 99).await.expect("imports").rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_rows_of_the_last_import_are_the_same_as_before() {
    for_each_store("connectors_same", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let instruction = recorded(&tenant, &["phone"]).await;
        let (id, second) = (on(&tenant, instruction).await, on(&tenant, instruction).await);
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let (one, other) = ("phone\n07700900001\n", "phone\n07700900002\n");
        let mut at = NOON;
        for (rows, count) in [(one, 1), (one, 1), (other, 2), (one, 3), (one, 3)] {
            stored(&tenant, id, &lease, rows, "7", at).await;
            assert_eq!(imports(&tenant).await, count, "{rows}");
            at = at.plus_ms(HOUR_MS);
        }
        stored(&tenant, second, &lease, one, "7", at).await;
        assert_eq!(imports(&tenant).await, 4, "what another connector loaded is not this one's");
        let list = tenant.list_named("Bookings", at).await.expect("a list");
        tenant.change_connector(id, &NewConnector { list: Some(list), ..connector(instruction, json!({})) }, at).await.expect("changed");
        at = at.plus_ms(HOUR_MS);
        for _ in 0..2 {
            stored(&tenant, id, &lease, one, "7", at).await;
            at = at.plus_ms(HOUR_MS);
        }
        assert_eq!(imports(&tenant).await, 5, "once more for the other list");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_leaves_room_for_what_changed_meanwhile() {
    for_each_store("connectors_room", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = on(&tenant, recorded(&tenant, &["phone"]).await).await;
        let lease = bench.store.take_lease("c", NOON).await.expect("asked").expect("free");
        let mark = async || tenant.connector(id).await.expect("it").watermark;
        stored(&tenant, id, &lease, "phone\n07700900001\n", "2026-11-23T11:59:59Z", NOON).await;
        assert_eq!(mark().await, "2026-11-23T11:55:00Z", "five minutes before it began");
        stored(&tenant, id, &lease, "phone\n07700900002\n", "2099-01-01T00:00:00Z", NOON.plus_ms(HOUR_MS)).await;
        assert_eq!(mark().await, "2026-11-23T12:55:00Z", "a clock that is ahead does not stall it");
        static AHEAD: Statement = Statement { text: "UPDATE connector SET watermark = '2099-01-01T00:00:00Z' WHERE id = $1", postgres: "" };
        bench.store.db().execute(&AHEAD, &params![id]).await.expect("as an earlier version left it");
        let job = tenant.begin_run(id, &lease, NOON.plus_ms(2 * HOUR_MS)).await.expect("begun").expect("due");
        tenant.end_run(&job, RunOutcome::Unchanged, &RunTold::default(), &lease, NOON.plus_ms(2 * HOUR_MS), 0).await.expect("ended");
        assert_eq!(mark().await, "2026-11-23T13:55:00Z");
    })
    .await;
}

fn export(instruction: InstructionId, account: Option<SftpAccountId>) -> NewExport {
    let (target, url) = if account.is_some() { (ExportTarget::Sftp, "") } else { (ExportTarget::Put, "https://results.example.com/{file}") };
    NewExport { name: "Results".into(), instruction, campaign: None, at_end: true, after_minutes: 0, times: Times::ByHand, format: ExportFormat::Csv, target, account, url: url.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_which_results_lie_stays_and_a_file_that_was_stopped_takes_no_more() {
    for_each_store("connectors_files", |bench| async move {
        static STARTED: Statement = Statement { text: "UPDATE campaign SET started_at = 1 WHERE id = $1", postgres: "" };
        static CHUNKS: Statement = Statement { text: "SELECT COUNT(*) FROM export_chunk", postgres: "" };
        let tenant = bench.tenant("northwind").await;
        let hook = tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::ExportFailed] }, NOON).await.expect("a webhook").id;
        let agreed = NewInstruction { kind: InstructionKind::Export, fields: vec!["outcome".into(), "number".into()], ..instruction(&[]) };
        let first = tenant.record_instruction(&agreed, NOON).await.expect("recorded");
        let account = tenant.create_sftp_account(&SftpAccountDraft::new("drop"), NOON).await.expect("an account");
        let id = tenant.create_export(&export(first, Some(account)), NOON).await.expect("an export").id;
        tenant.pause_export(id, NOON).await.expect("paused");
        let refused = tenant.delete_sftp_account(account, NOON).await;
        assert!(matches!(&refused, Err(StoreError::Conflict(text)) if text.contains("Results")), "{refused:?}");
        tenant.resume_export(id, NOON).await.expect("on");

        let campaign = tenant.create_campaign(&CampaignDraft::new("November"), NOON).await.expect("a draft");
        bench.store.db().execute(&STARTED, &params![campaign]).await.expect("began");
        let file = tenant.export_now(id, campaign, NOON).await.expect("asked for");
        let lease = bench.store.take_lease("e", NOON).await.expect("asked").expect("free");
        let wide = tenant.begin_export(id, &lease, NOON).await.expect("begun").expect("waits");
        tenant.begin_export_file(file, &lease, NOON).await.expect("a key");
        let first = tenant.replace_instruction(first, &NewInstruction { fields: vec!["outcome".into()], ..agreed }, NOON).await.expect("replaced");
        assert!(tenant.export_written(&wide, 1, 9, &lease, NOON).await.is_err(), "not under the version of before");
        let job = tenant.begin_export(id, &lease, NOON).await.expect("begun").expect("waits");
        assert_eq!(job.fields, [ResultField::Outcome]);
        let key = tenant.begin_export_file(job.file, &lease, NOON).await.expect("a key");
        tenant.append_export_chunk(job.file, &key, 0, b"outcome\r\n", &lease, NOON).await.expect("written");
        assert!(tenant.read_export_chunk(job.version(), 0).await.expect("asked").is_some());
        tenant.revoke_instruction(first, "the contract ended", NOON).await.expect("revoked");
        assert!(matches!(tenant.append_export_chunk(job.file, &key, 1, b"x", &lease, NOON).await, Err(StoreError::Conflict(_))));
        assert!(tenant.export_written(&job, 0, 9, &lease, NOON).await.is_err() && tenant.read_export_chunk(job.version(), 0).await.expect("asked").is_none());
        let told = tenant.webhook_deliveries(hook, None, None, 9).await.expect("a log").rows;
        assert_eq!(told.iter().map(|row| row.kind).collect::<Vec<_>>(), [WebhookEventKind::ExportFailed], "and that it failed is told");
        let acts = tenant.audit_events("export", "", None, 50).await.expect("audit").rows;
        assert!(acts.iter().any(|event| event.detail.contains("failed: instruction_over")), "{acts:?}");
        tenant.delete_export(id, NOON).await.expect("deleted");
        assert!(tenant.append_export_chunk(job.file, &key, 1, b"x", &lease, NOON).await.is_err());
        let chunks: i64 = bench.store.db().query(&CHUNKS, &params![]).await.expect("counts")[0].take(0).expect("a count");
        assert_eq!(chunks, 0, "nothing is written that nothing removes");
        tenant.delete_sftp_account(account, NOON).await.expect("no export is left");
    })
    .await;
}
