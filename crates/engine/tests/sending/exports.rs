//! What a campaign did goes back to the client when it has ended: each person once, with the outcome that the report counts.

use std::collections::BTreeMap;

use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::export::{ExportFormat, ExportTarget};
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::times::Times;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::DAY_MS;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_engine::campaigns::work;
use clarion_engine::connectors::{ConnectorConfig, PullLimits};
use clarion_store::connectors::{NewExport, NewInstruction};
use clarion_store::intake::SftpAccountDraft;
use clarion_store::webhooks::NewWebhook;
use clarion_testbed::{Carrier, CarrierConfig};

use super::support::{NOON, for_each_store};
use super::{Sending, clock, counts, launch, trunk};

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_go_back_when_the_campaign_has_ended() {
    for_each_store("sending_exported", |bench| async move {
        let carrier = Carrier::start(CarrierConfig { replies: false, ..CarrierConfig::default() }).await.expect("a carrier");
        let tenant = bench.tenant("northwind").await;
        trunk(&tenant, "Loop", &carrier, 500, 1).await;
        let hook = tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::CampaignFinished] }, NOON).await.expect("a webhook").id;
        let instruction = NewInstruction {
            kind: InstructionKind::Export,
            reference: "NW-7".into(),
            fields: ["outcome", "reference", "tries", "tried_at"].map(str::to_owned).to_vec(),
            purpose: "Results for the booking system".into(),
            legal_basis: LegalBasis::Contract,
            agreed_by: "Grace Hopper".into(),
            valid_from: NOON.plus_ms(-DAY_MS),
            valid_until: NOON.plus_ms(DAY_MS),
        };
        let instruction = tenant.record_instruction(&instruction, NOON).await.expect("an instruction");
        let account = tenant.create_sftp_account(&SftpAccountDraft::new("drop"), NOON).await.expect("an account");
        let export = NewExport { name: "Results".into(), instruction, campaign: None, at_end: true, after_minutes: 0, times: Times::ByHand, format: ExportFormat::Jsonl, target: ExportTarget::Sftp, account: Some(account), url: String::new() };
        tenant.create_export(&export, NOON).await.expect("an export");
        let sending = Sending::start(&bench);
        let id = launch(&bench, &tenant, 60).await;
        counts(&bench, &tenant, id, "every receipt", |counts| counts.get(&Disposition::Delivered) == Some(&60)).await;
        while tenant.campaign(id).await.expect("it").finished_at.is_none() {
            work(&bench.store, clock).await.expect("works");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        sending.stop().await;
        let told = tenant.webhook_deliveries(hook, None, None, 9).await.expect("a log").rows;
        assert_eq!(told.len(), 1, "the end is told");
        let config = ConnectorConfig { clock, chance: || 0, limits: PullLimits::default() };
        assert_eq!(clarion_engine::connectors::work(&bench.store, config).await.expect("works"), 1);
        let file = tenant.files_for_account(account, "").await.expect("files").remove(0);
        let text = String::from_utf8(tenant.read_export_chunk(file.version(), 0).await.expect("reads").expect("a chunk")).expect("text");
        let (mut outcomes, mut references) = (BTreeMap::<String, i64>::new(), std::collections::BTreeSet::new());
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            *outcomes.entry(row["outcome"].as_str().expect("a word").to_owned()).or_default() += 1;
            assert!(references.insert(row["reference"].as_str().expect("a reference").to_owned()) && row["tries"] == 1 && row["tried_at"].as_str().is_some_and(|at| at.starts_with("2026-11-23T12")), "{row}");
        }
        assert_eq!((outcomes, references.len()), (BTreeMap::from([("delivered".to_owned(), 60)]), 60), "what the report says");
        assert!(!text.contains("7700900"), "no number that the instruction does not name");
    })
    .await;
}
