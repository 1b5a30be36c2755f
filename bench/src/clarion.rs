//! Clarion's own send loop: permit, claim, fsync on every commit, SMPP, receipts recorded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::ListId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_engine::attempts::{self, SenderConfig};
use clarion_engine::campaigns::work;
use clarion_engine::intake::FileLimits;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::db::{Db, Statement, scratch_postgres};
use clarion_store::tenancy::NewTenant;
use clarion_store::webhooks::NewWebhook;
use clarion_store::{Store, Tenant};
use tokio::sync::watch;

use crate::people::{self, PEOPLE_A_TENANT};
use crate::process::{Run, cpu_time};
use crate::sink::Sink;

/// A campaign's own limit must not be what is measured.
const CAMPAIGN_RATE: u32 = 10_000;
const SENDER: &str = "+447700900999";
/// Monday 23 November 2026, noon: inside every window.
const NOON: Instant = Instant(1_795_435_200_000);

pub fn clock() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    NOON.plus_ms(START.get_or_init(std::time::Instant::now).elapsed().as_millis() as i64)
}

pub fn draft(list: ListId) -> anyhow::Result<CampaignDraft> {
    let mut draft = CampaignDraft::new("Bench");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.rate_per_second = CAMPAIGN_RATE;
    draft.schedule.days = Day::ALL.to_vec();
    draft.schedule.from = TimeOfDay::from_minute(0)?;
    draft.schedule.until = TimeOfDay::from_minute(24 * 60)?;
    Ok(draft)
}

pub async fn tenant(store: &Store, number: usize) -> anyhow::Result<Tenant> {
    let slug = format!("bench-{number}");
    let new = NewTenant { slug: &slug, name: &slug, number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call 020 7946 0000." };
    let id = store.create_tenant(&new, clock()).await?;
    Ok(store.tenant(id, Actor::Operator).await?)
}

async fn dispositions(tenants: &[Tenant]) -> anyhow::Result<HashMap<(Disposition, String), i64>> {
    let mut all = HashMap::new();
    for tenant in tenants {
        for row in tenant.measures(None, Instant(0), Instant(i64::MAX)).await? {
            *all.entry((row.disposition, row.cause)).or_default() += row.n;
        }
    }
    Ok(all)
}

async fn delivered(tenants: &[Tenant]) -> anyhow::Result<i64> {
    let mut all = 0;
    for tenant in tenants {
        let measures = tenant.measures(None, Instant(0), Instant(i64::MAX)).await?;
        all += measures.iter().filter(|row| row.disposition == Disposition::Delivered).map(|row| row.n).sum::<i64>();
    }
    Ok(all)
}

/// What of the server works for this database: our connections, and those that write for all.
static SERVER_PROCESSES: Statement = Statement {
    text: "SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() OR backend_type IN ('walwriter', 'checkpointer', 'background writer')",
    postgres: "",
};
static DURABLE: Statement = Statement { text: "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')", postgres: "" };

/// The processor time that the database's server has used, by process. Nothing for SQLite, which works in ours.
async fn server_time(store: &Store) -> anyhow::Result<HashMap<i64, Duration>> {
    let mut used = HashMap::new();
    if !store.db().is_sqlite() {
        for mut row in store.db().query(&SERVER_PROCESSES, &[]).await? {
            let pid: i64 = row.take(0)?;
            used.insert(pid, cpu_time(u32::try_from(pid)?));
        }
    }
    Ok(used)
}

async fn database(folder: &Path, postgres: Option<&str>) -> anyhow::Result<Db> {
    let Some(url) = postgres else { return Ok(Db::open_sqlite(&folder.join("clarion.db")).await?) };
    let db = scratch_postgres(url, "bench").await?;
    let mut rows = db.query(&DURABLE, &[]).await?;
    let durable: String = rows.first_mut().context("the server's settings")?.take(0)?;
    anyhow::ensure!(durable == "on on", "this PostgreSQL has fsync and synchronous_commit {durable}: what it says is written could be lost, so there is nothing to measure");
    Ok(db)
}

/// Sends on SQLite, or on the PostgreSQL server of that address; with `told`, a webhook of each tenant asks for every outcome.
pub async fn send(messages: usize, postgres: Option<&str>, told: bool) -> anyhow::Result<Run> {
    let mut sink = Sink::start().await?;
    let folder = tempfile::tempdir()?;
    let db = database(folder.path(), postgres).await?;
    db.migrate().await?;
    let store = Store::new(db, &folder.path().join("keyring"), 1)?;
    let (mut tenants, mut lists) = (Vec::new(), Vec::new());
    for number in 0..messages.div_ceil(PEOPLE_A_TENANT) {
        let tenant = tenant(&store, number).await?;
        if number == 0 {
            let settings = format!(r#"{{"kind":"smpp","host":"127.0.0.1","port":{},"system_id":"pretend","window":2000}}"#, sink.port);
            let settings: TrunkSettings = serde_json::from_str(&settings)?;
            let new = NewTrunk { name: "Sink".into(), settings, secret: Personal::new("pretend"), rate_per_second: 1_000_000, cost_per_segment: 350, currency: "GBP".into() };
            let trunk = tenant.add_trunk(&new, true, clock()).await?;
            tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 1 }, true, clock()).await?;
        }
        tenant.add_sender(SENDER, true, "bench", clock()).await?;
        if told {
            tenant.create_webhook(&NewWebhook { url: "https://hooks.example.com/in".into(), events: vec![WebhookEventKind::AttemptSettled] }, clock()).await?;
        }
        lists.push(people::upload(&tenant, clock()).await?);
        tenants.push(tenant);
    }
    while clarion_engine::intake::work(&store, FileLimits::default(), clock).await? > 0 {}
    for (tenant, list) in tenants.iter().zip(lists) {
        let campaign = tenant.create_campaign(&draft(list)?, clock()).await?;
        tenant.start_campaign(campaign, clock()).await?;
    }
    while work(&store, clock).await? > 0 {}
    let messages = tenants.len() * PEOPLE_A_TENANT;

    // What the loading left in the log is not the sending's to clear away, but what the sending leaves is.
    store.db().truncate_log().await?;
    let own = std::process::id();
    let server = server_time(&store).await?;
    let (begun, cpu) = (std::time::Instant::now(), cpu_time(own));
    let (stop, stopped) = watch::channel(false);
    let config = SenderConfig { node_name: "bench".into(), clock, drain_ms_max: 10_000 };
    let sending = tokio::spawn(attempts::run(store.clone(), config, stopped));
    sink.wait_for(messages).await?;
    store.db().truncate_log().await?;
    let (took, cpu) = (begun.elapsed(), cpu_time(own).saturating_sub(cpu));
    let served = server_time(&store).await?.into_iter().map(|(pid, used)| used.saturating_sub(server.get(&pid).copied().unwrap_or_default())).sum();
    let run = Run { messages, took, cpu, served };
    stop.send_replace(true);
    sending.await?;
    let recorded = delivered(&tenants).await?;
    anyhow::ensure!(recorded == messages as i64, "{recorded} of {messages} receipts are on record: {:?}", dispositions(&tenants).await?);
    Ok(run)
}
