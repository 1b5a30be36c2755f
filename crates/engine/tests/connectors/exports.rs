//! Results that go back: written under an instruction, sent, tried again, and gone with a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clarion_domain::campaigns::schedule::Day;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::connectors::export::{ExportFileState, ExportFormat, ExportState, ExportTarget};
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::times::Times;
use clarion_domain::id::{CampaignId, InstructionId};
use clarion_domain::time::DAY_MS;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_engine::connectors::work;
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::connectors::{NewExport, NewInstruction};
use clarion_store::intake::SftpAccountDraft;
use clarion_store::webhooks::NewWebhook;
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
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list_of(tenant, "Arrears", people).await.0);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.schedule.days = Day::ALL.to_vec();
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
        let text = String::from_utf8(tenant.read_export_chunk(shown.id, 0).await.expect("reads").expect("a chunk")).expect("text");
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((lines.len(), &lines[0]["number"], &lines[0]["outcome"]), (2, &number(0).into(), &"waiting".into()));
        assert_eq!(text.len() as i64, shown.bytes);

        tenant.subject_erase(&number(1), false, clock()).await.expect("erased");
        assert!(tenant.files_for_account(account, "").await.expect("files").is_empty());
        assert!(tenant.read_export_chunk(shown.id, 0).await.expect("reads").is_none(), "nothing of it is left");
        tenant.export_now(made.id, id, clock()).await.expect("asked for");
        work(&bench.store, CONFIG).await.expect("works");
        let again = tenant.files_for_account(account, "").await.expect("files").remove(0);
        let text = String::from_utf8(tenant.read_export_chunk(again.id, 0).await.expect("reads").expect("a chunk")).expect("text");
        assert!(text.contains(&number(0)) && !text.contains(&number(1)));

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
        assert!(other.read_export_chunk(again.id, 0).await.expect("reads").is_none() && other.files_for_account(account, "").await.expect("files").is_empty());
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
