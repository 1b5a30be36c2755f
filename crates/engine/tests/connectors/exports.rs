//! Results that go back: written under an instruction, sent, tried again, and gone with a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clarion_domain::campaigns::schedule::Day;
use clarion_domain::campaigns::sequence::{Sequence, SequenceStep, Wait, WaitFrom};
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::connectors::export::{ExportFileState, ExportFormat, ExportState, ExportTarget};
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::times::Times;
use clarion_domain::id::{CampaignId, ContactId, ExportFileId, ExportId, InstructionId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::DAY_MS;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_engine::connectors::work;
use clarion_store::campaigns::{CampaignDraft, RecipientFilter, StepEvent, StepNews, move_on};
use clarion_store::connectors::{NewExport, NewInstruction};
use clarion_store::db::Statement;
use clarion_store::intake::SftpAccountDraft;
use clarion_store::webhooks::NewWebhook;
use clarion_store::{Tenant, params};
use ring::hmac;

use super::people::{list_of, number};
use super::support::{Bench, NOON, for_each_store};
use super::system::{Ask, System, status};
use super::{AT, CONFIG, allow_loopback, clock};

const SENDER: &str = "+447700900999";

async fn instruct(tenant: &Tenant, fields: &[&str]) -> InstructionId {
    let new = NewInstruction {
        kind: InstructionKind::Export,
        reference: format!("letter {}", clock().ms()),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: "Results for the booking system".into(),
        legal_basis: LegalBasis::Contract,
        agreed_by: "Grace Hopper".into(),
        valid_from: NOON.plus_ms(-DAY_MS),
        valid_until: NOON.plus_ms(30 * DAY_MS),
    };
    tenant.record_instruction(&new, clock()).await.expect("an instruction")
}

fn export(instruction: InstructionId, target: ExportTarget, url: String) -> NewExport {
    NewExport { name: "Results".into(), instruction, campaign: None, at_end: true, after_minutes: 0, times: Times::ByHand, format: ExportFormat::Csv, target, account: None, url }
}

/// A campaign whose audience is frozen, and from which nothing went.
async fn campaign(bench: &Bench, tenant: &Tenant, people: usize) -> CampaignId {
    campaign_of(bench, tenant, people, |_| {}).await
}

async fn campaign_of(bench: &Bench, tenant: &Tenant, people: usize, change: impl Fn(&mut CampaignDraft)) -> CampaignId {
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list_of(tenant, "Arrears", people).await.0);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.schedule.days = Day::ALL.to_vec();
    change(&mut draft);
    let id = tenant.create_campaign(&draft, clock()).await.expect("a draft");
    let settings = serde_json::from_str(r#"{"kind":"smpp","host":"127.0.0.1","port":1,"system_id":"nobody"}"#).expect("settings");
    let trunk = clarion_store::carriers::NewTrunk { name: "None".into(), settings, secret: "x".into(), rate_per_second: 1, cost_per_segment: 1, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&trunk, false, NOON).await.expect("a trunk");
    tenant.add_route(&clarion_store::carriers::NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    tenant.start_campaign(id, clock()).await.expect("starts");
    while clarion_engine::campaigns::work(&bench.store, clock).await.expect("freezes") > 0 {}
    id
}

/// HMAC-SHA256 over id, time and body, as the specification has it.
fn is_signed(ask: &Ask, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("{}.{}.{}", ask.header("webhook-id"), ask.header("webhook-timestamp"), ask.body).as_bytes());
    ask.header("webhook-signature") == format!("v1,{}", STANDARD.encode(signed))
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_sent_signed_when_a_campaign_ends_and_again_until_they_are_taken() {
    for_each_store("exports_sent", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let asked = Arc::new(AtomicUsize::new(0));
        let system = System::start(move |_| if asked.fetch_add(1, Ordering::SeqCst) == 0 { status(503).with("retry-after", "600") } else { status(201) }).await;
        let hook = tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::ExportDelivered] }, clock()).await.expect("a webhook").id;
        let instruction = instruct(&tenant, &["outcome", "reference", "tries", "tried_at"]).await;
        let made = tenant.create_export(&export(instruction, ExportTarget::Put, system.url("/in/{file}?x=1")), clock()).await.expect("an export");
        let id = campaign(&bench, &tenant, 3).await;
        work(&bench.store, CONFIG).await.expect("works");
        assert!(system.asked().is_empty(), "not before its end");
        tenant.cancel_campaign(id, clock()).await.expect("cancelled");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        let waits = tenant.export_files(made.id, None, 9).await.expect("files").rows.remove(0);
        assert_eq!((waits.state, waits.rows, waits.tries, waits.last_status, waits.last_error.as_str()), (ExportFileState::Waiting, 3, 1, 503, "asked_to_wait"));
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 0, "left alone as long as it asked");
        AT.fetch_add(601_000, Ordering::SeqCst);
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        let (file, tries) = tenant.export_file(made.id, waits.id).await.expect("it");
        assert_eq!((file.state, tries.len()), (ExportFileState::Delivered, 2));
        let [first, second] = &system.asked()[..] else { panic!("two") };
        assert_eq!((&first.body, first.header("webhook-id")), (&second.body, second.header("webhook-id")), "the same file under the same identifier");
        assert!(is_signed(first, &made.secret) && is_signed(second, &made.secret));
        assert_eq!(second.path, format!("/in/{}?x=1", file.name));
        assert_eq!(second.body, "outcome,tries,tried_at,reference\r\nwaiting,0,,R-0\r\nwaiting,0,,R-1\r\nwaiting,0,,R-2\r\n", "only what the instruction names");
        assert_eq!(second.body.len() as i64, file.bytes);
        assert_eq!(tenant.webhook_deliveries(hook, None, None, 9).await.expect("a log").rows.len(), 1);
    })
    .await;
}

/// Whether nothing is there of a file as it stands now.
async fn is_empty(tenant: &Tenant, export: ExportId, file: ExportFileId) -> bool {
    let (file, _) = tenant.export_file(export, file).await.expect("it");
    tenant.read_export_chunk(file.version(), 0).await.expect("reads").is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_nowhere_and_a_person_takes_their_files_with_them() {
    for_each_store("exports_over", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let instruction = instruct(&tenant, &["outcome", "number", "contact"]).await;
        let account = tenant.create_sftp_account(&SftpAccountDraft::new(&format!("drop{}", clock().ms())), clock()).await.expect("an account");
        let new = NewExport { account: Some(account), format: ExportFormat::Jsonl, ..export(instruction, ExportTarget::Sftp, String::new()) };
        let made = tenant.create_export(&new, clock()).await.expect("an export");
        assert!(made.secret.is_empty(), "nothing is signed");
        let id = campaign(&bench, &tenant, 2).await;
        tenant.export_now(made.id, id, clock()).await.expect("asked for");
        tenant.pause_campaign(id, clock()).await.expect("paused");
        work(&bench.store, CONFIG).await.expect("works");
        let shown = tenant.files_for_account(account, "").await.expect("files").remove(0);
        let text = String::from_utf8(tenant.read_export_chunk(shown.version(), 0).await.expect("reads").expect("a chunk")).expect("text");
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((lines.len(), &lines[0]["number"], &lines[0]["outcome"]), (2, &number(0).into(), &"waiting".into()));
        assert_eq!(text.len() as i64, shown.bytes);

        tenant.subject_erase(&number(1), false, clock()).await.expect("erased");
        assert!(tenant.files_for_account(account, "").await.expect("files").is_empty());
        assert!(is_empty(&tenant, made.id, shown.id).await, "nothing of it is left");
        tenant.export_now(made.id, id, clock()).await.expect("asked for");
        work(&bench.store, CONFIG).await.expect("works");
        let again = tenant.files_for_account(account, "").await.expect("files").remove(0);
        let text = String::from_utf8(tenant.read_export_chunk(again.version(), 0).await.expect("reads").expect("a chunk")).expect("text");
        assert!(text.contains(&number(0)) && !text.contains(&number(1)));

        tenant.export_fetched(&again, clock()).await.expect("fetched");
        let narrower = NewInstruction { fields: vec!["outcome".into()], ..tenant.instruction(instruction).await.expect("it").new };
        let instruction = tenant.replace_instruction(instruction, &narrower, clock()).await.expect("replaced");
        assert!(tenant.files_for_account(account, "").await.expect("files").is_empty() && is_empty(&tenant, made.id, again.id).await);
        work(&bench.store, CONFIG).await.expect("works");
        tenant.export_fetched(&again, clock()).await.expect("fetched, as it was opened before");
        let narrow = tenant.files_for_account(account, "").await.expect("files").remove(0);
        assert_eq!(narrow.fetched_at, None, "this version was not fetched");
        let text = String::from_utf8(tenant.read_export_chunk(narrow.version(), 0).await.expect("reads").expect("a chunk")).expect("text");
        assert!(tenant.read_export_chunk(again.version(), 0).await.expect("reads").is_none(), "whoever was fetching the earlier version gets nothing of the later one");
        assert!((narrow.id, narrow.instruction) == (again.id, instruction) && !text.contains(&number(0)), "a field that was withdrawn is no longer given");

        tenant.export_now(made.id, id, clock()).await.expect("asked for");
        tenant.revoke_instruction(instruction, "the contract ended", clock()).await.expect("revoked");
        assert_eq!(tenant.export(made.id).await.expect("it").state, ExportState::Stopped);
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 0);
        let states: Vec<_> = tenant.export_files(made.id, None, 9).await.expect("files").rows.into_iter().map(|file| (file.state, file.last_error)).collect();
        assert_eq!(states[0], (ExportFileState::Failed, "instruction_over".to_owned()));
        assert!(tenant.files_for_account(account, "").await.expect("files").is_empty(), "what lay ready is not given any more");
        assert!(tenant.export_now(made.id, id, clock()).await.is_err() && tenant.resume_export(made.id, clock()).await.is_err());
        let other = bench.tenant("southwind").await;
        assert!(other.export(made.id).await.is_err() && other.export_file(made.id, shown.id).await.is_err() && other.delete_export(made.id, clock()).await.is_err());
        assert!(other.read_export_chunk(narrow.version(), 0).await.expect("reads").is_none() && other.files_for_account(account, "").await.expect("files").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_writes_what_ran_since_and_what_nobody_takes_is_given_up() {
    for_each_store("exports_times", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|_| status(500)).await;
        let instruction = instruct(&tenant, &["outcome"]).await;
        let new = NewExport { at_end: false, times: "every 1 day".parse().expect("times"), ..export(instruction, ExportTarget::Post, system.url("/in")) };
        let made = tenant.create_export(&new, clock()).await.expect("an export");
        let id = campaign(&bench, &tenant, 1).await;
        tenant.cancel_campaign(id, clock()).await.expect("cancelled");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 0, "not at its end, and not yet its time");
        AT.fetch_add(DAY_MS, Ordering::SeqCst);
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        for _ in 0..4 {
            AT.fetch_add(DAY_MS, Ordering::SeqCst);
            work(&bench.store, CONFIG).await.expect("works");
        }
        let files = tenant.export_files(made.id, None, 9).await.expect("files").rows;
        assert_eq!((files.len(), files[0].state, files[0].last_error.as_str()), (1, ExportFileState::Failed, "refused"), "it ran once since");
        tenant.retry_export_file(made.id, files[0].id, clock()).await.expect("again");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        assert!(system.asked().iter().all(|ask| ask.header("content-type") == "text/csv; charset=utf-8" && ask.header("content-disposition").contains(&files[0].name)));
    })
    .await;
}

/// What is asked first is put off for ten minutes; the rest is taken.
async fn slow_to_take() -> System {
    let asked = AtomicUsize::new(0);
    System::start(move |_| if asked.fetch_add(1, Ordering::SeqCst) == 0 { status(503).with("retry-after", "600") } else { status(201) }).await
}

/// An export by PUT of a campaign that has ended, once refused; its file.
async fn refused_once(bench: &Bench, tenant: &Tenant, instruction: InstructionId, system: &System) -> (ExportId, ExportFileId) {
    let made = tenant.create_export(&export(instruction, ExportTarget::Put, system.url("/in")), clock()).await.expect("an export").id;
    let id = campaign(bench, tenant, 3).await;
    tenant.cancel_campaign(id, clock()).await.expect("cancelled");
    assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
    let file = tenant.export_files(made, None, 9).await.expect("files").rows.remove(0);
    assert_eq!((file.state, file.tries), (ExportFileState::Waiting, 1));
    AT.fetch_add(601_000, Ordering::SeqCst);
    (made, file.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_written_anew_under_the_version_that_holds() {
    for_each_store("exports_versions", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = slow_to_take().await;
        let first = instruct(&tenant, &["outcome", "number"]).await;
        let (made, file) = refused_once(&bench, &tenant, first, &system).await;
        let narrower = NewInstruction { fields: vec!["outcome".into()], ..tenant.instruction(first).await.expect("it").new };
        let second = tenant.replace_instruction(first, &narrower, clock()).await.expect("replaced");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        let [before, after] = &system.asked()[..] else { panic!("two") };
        assert!(before.body.contains(&number(0)));
        assert_eq!(after.body, "outcome\r\nwaiting\r\nwaiting\r\nwaiting\r\n", "a field that was withdrawn does not go");
        let (file, _) = tenant.export_file(made, file).await.expect("it");
        assert_eq!((file.state, file.instruction), (ExportFileState::Delivered, second));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_leaves_the_others_their_results() {
    for_each_store("exports_erased", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = slow_to_take().await;
        let instruction = instruct(&tenant, &["outcome", "number", "reference"]).await;
        let (made, file) = refused_once(&bench, &tenant, instruction, &system).await;
        tenant.subject_erase(&number(1), false, clock()).await.expect("erased");
        assert!(is_empty(&tenant, made, file).await, "what was written is gone");
        tenant.sweep(NOON.plus_ms(20 * DAY_MS)).await.expect("sweeps");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        let last = system.asked().pop().expect("asked");
        assert!(last.body.contains(&number(0)) && last.body.contains(&number(2)) && !last.body.contains(&number(1)) && !last.body.contains("R-1"), "{}", last.body);
        let (file, tries) = tenant.export_file(made, file).await.expect("it");
        assert_eq!((file.state, tries.len(), file.bytes), (ExportFileState::Delivered, 2, last.body.len() as i64));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_what_is_being_sent() {
    for_each_store("exports_midway", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|_| status(201).after(Duration::from_secs(60))).await;
        let instruction = instruct(&tenant, &["outcome"]).await;
        let made = tenant.create_export(&export(instruction, ExportTarget::Put, system.url("/in")), clock()).await.expect("an export").id;
        let id = campaign(&bench, &tenant, 1).await;
        tenant.cancel_campaign(id, clock()).await.expect("cancelled");
        let store = bench.store.clone();
        let begun = std::time::Instant::now();
        let working = tokio::spawn(async move { work(&store, CONFIG).await });
        while system.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tenant.revoke_instruction(instruction, "the client's letter", clock()).await.expect("revoked");
        working.await.expect("no panic").expect("works");
        assert!(begun.elapsed() < Duration::from_secs(30), "it was not waited for: {:?}", begun.elapsed());
        let file = tenant.export_files(made, None, 9).await.expect("files").rows.remove(0);
        assert_eq!((file.state, file.tries, file.last_error.as_str()), (ExportFileState::Failed, 0, "instruction_over"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_before_the_first_day_waits_for_it() {
    for_each_store("exports_future", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let asked = AtomicUsize::new(0);
        let system = System::start(move |_| if asked.fetch_add(1, Ordering::SeqCst) == 0 { status(500) } else { status(201) }).await;
        let held = instruct(&tenant, &["outcome"]).await;
        let later = NewInstruction { reference: "next week".into(), valid_from: clock().plus_ms(5 * DAY_MS), valid_until: clock().plus_ms(90 * DAY_MS), ..tenant.instruction(held).await.expect("it").new };
        let later = tenant.record_instruction(&later, clock()).await.expect("recorded");
        let made = tenant.create_export(&export(later, ExportTarget::Put, system.url("/in")), clock()).await.expect("an export").id;
        let id = campaign(&bench, &tenant, 1).await;
        tenant.cancel_campaign(id, clock()).await.expect("cancelled");
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 0);
        AT.fetch_add(5 * DAY_MS, Ordering::SeqCst);
        for _ in 0..2 {
            assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
            AT.fetch_add(60_000, Ordering::SeqCst);
        }
        let file = tenant.export_files(made, None, 9).await.expect("files").rows.remove(0);
        assert_eq!((file.state, file.tries), (ExportFileState::Delivered, 2), "its three days begin then");
    })
    .await;
}

/// The wire's word on one person at one step.
async fn attempted(tenant: &Tenant, id: i64, step: CampaignId, position: i64, contact: ContactId, disposition: Disposition) {
    static ATTEMPT: Statement = Statement {
        text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision,
                                    segments, cost, sealed_body, carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
               VALUES ($1, $2, $3, $4, 1, $5, 1, 'sms', 1, 'settled', $6, '', '', 1, 0, NULL, '', 0, $7, $7, $7)",
        postgres: "",
    };
    let at = NOON.plus_ms(id * 1_000);
    tenant.store().db().execute(&ATTEMPT, &params![id, tenant.id(), step, position, contact, disposition.as_str(), at]).await.expect("an attempt");
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let news = StepNews { campaign: step, position: u32::try_from(position).expect("small"), event: StepEvent::Attempt(disposition) };
    move_on(&mut tx, tenant.store(), &[news], at).await.expect("moves");
    tx.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_steps_there_is_one_file_with_the_last_word_on_each_person() {
    for_each_store("exports_steps", |bench| async move {
        static RETRY: Statement = Statement { text: "INSERT INTO due (campaign_id, due_at, position, try_number, why) VALUES ($1, $2, $3, 2, 'retry')", postgres: "" };
        static CLAIMED: Statement = Statement { text: "DELETE FROM due WHERE campaign_id = $1 AND position = $2", postgres: "" };
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|_| status(201)).await;
        let instruction = instruct(&tenant, &["outcome", "why", "tries", "tried_at", "reference"]).await;
        let new = NewExport { at_end: false, times: "every 1 day".parse().expect("times"), ..export(instruction, ExportTarget::Put, system.url("/in")) };
        let made = tenant.create_export(&new, clock()).await.expect("an export").id;
        let id = campaign_of(&bench, &tenant, 4, |draft| {
            let wait = Wait { days: 2, hours: 0, from: WaitFrom::LastTry };
            let step = SequenceStep { wait, channel: draft.channel, body: "Please call us now.".into(), script: String::new(), sender: SENDER.into(), call_pacing: draft.call_pacing, recording: draft.recording.clone(), retry: draft.retry.clone(), rate_per_second: 50 };
            draft.sequence = Sequence { then: vec![step], ..Sequence::default() };
        })
        .await;
        let steps = tenant.step_ids(id).await.expect("steps");
        let people: Vec<ContactId> = tenant.recipients(id, RecipientFilter::Every, None, 9).await.expect("a page").rows.into_iter().map(|row| row.contact_id).collect();
        // One was texted twice, one waits for the second step, one for another try of the first, one for the first.
        attempted(&tenant, 1, steps[0], 0, people[0], Disposition::Delivered).await;
        attempted(&tenant, 2, steps[0], 1, people[1], Disposition::Delivered).await;
        bench.store.db().execute(&CLAIMED, &params![steps[1], 0i64]).await.expect("claimed");
        attempted(&tenant, 3, steps[1], 0, people[0], Disposition::Undeliverable).await;
        bench.store.db().execute(&RETRY, &params![steps[0], NOON.plus_ms(9 * DAY_MS), 2i64]).await.expect("planned");
        attempted(&tenant, 4, steps[0], 2, people[2], Disposition::Expired).await;
        AT.fetch_add(DAY_MS, Ordering::SeqCst);
        assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 1);
        assert_eq!(tenant.export_files(made, None, 9).await.expect("files").rows.len(), 1, "a later step is no campaign of its own");
        let at = |seconds: i64| NOON.plus_ms(seconds * 1_000).rfc3339();
        let lines = [format!("undeliverable,,1,{},R-0", at(3)), format!("due,next step,1,{},R-1", at(2)), format!("due,retry,1,{},R-2", at(4)), "waiting,,0,,R-3".to_owned()];
        assert_eq!(system.asked()[0].body, format!("outcome,why,tries,tried_at,reference\r\n{}\r\n", lines.join("\r\n")));
        assert!(matches!(tenant.export_now(made, steps[1], clock()).await, Err(clarion_store::StoreError::Conflict(_))), "asked for whole");
    })
    .await;
}
