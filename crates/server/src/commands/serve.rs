//! `clarion serve`: one node, until SIGTERM or SIGINT.

use std::time::Duration;

use anyhow::Context;
use clarion_edge::RateLimits;
use clarion_sftp::HostKey;
use clarion_store::Store;
use clarion_store::db::{Db, DbError};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::node::{Node, NodeConfig, SftpDoor};
use crate::supervise::Signals;
use crate::web::{MetricsPlan, WebPlan};
use crate::{clock, open, voice};

const OPEN_FILES: u64 = 65_536;

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let mut signals = Signals::take_up().context("signals cannot be waited for")?;
    raise_open_files();
    let web = WebPlan::read(config)?;
    let metrics = MetricsPlan::read(config, &web)?;
    let db = open::database(config, true).await?;
    let _alone = if db.is_sqlite() { Some(open::lock(config)?) } else { None };
    let store = tokio::select! {
        store = made_ready(config, db) => store?,
        () = signals.received() => {
            tracing::info!("stopped before anything was served");
            return Ok(());
        }
    };
    let sftp = sftp_door(config)?;
    let drain = Duration::from_secs(config.server.drain_seconds);
    let rate_limits = RateLimits { requests_per_minute: config.api.requests_per_minute, refusals_per_minute: config.api.refusals_per_minute };
    let settings = NodeConfig { sftp, name: format!("node {}", config.server.node), web, rate_limits, metrics: Some(metrics), drain, dialler: voice::dialler(&config.voice, drain)? };
    let node = Node::start(store, &settings).await?;
    tracing::info!(web = %node.web, redirect = ?node.redirect, metrics = ?node.metrics, sftp = ?node.sftp, node = config.server.node, "clarion serves");
    signals.received().await;
    tracing::info!("stopping: no new messages are claimed, those on the wire are waited for");
    node.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// The store as this version of Clarion knows it: its schema up to date, its keys and its clock at hand.
async fn made_ready(config: &Config, db: Db) -> anyhow::Result<Store> {
    let pending = db.pending_migrations().await?;
    if !pending.is_empty() && !config.database.migrate {
        return Err(DbError::Schema(format!("the schema is behind by {}, and database.migrate is false: run `clarion migrate`", pending.join(", "))).into());
    }
    let applied = db.migrate().await?;
    for name in &applied {
        tracing::info!(migration = name, "the schema was brought up to date");
    }
    let store = open::with_keyring(config, db, config.server.node).await?;
    store.anchor_linked(&applied, clock::now()).await?;
    open::set_clock(config, &store).await?;
    open::erase_again(&store).await?;
    if config.demo.clock_ahead_seconds != 0 {
        tracing::warn!(seconds = config.demo.clock_ahead_seconds, "this installation's clock runs ahead: it is for trying things out");
    }
    if store.tenants().await?.is_empty() {
        tracing::info!("there is no tenant yet: make one with clarion create-tenant, and somebody to sign in with clarion create-user");
    }
    Ok(store)
}

/// A connection is an open file: the soft limit (1,024 by habit) is raised as far as the hard one allows, and not beyond what suffices.
fn raise_open_files() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = OPEN_FILES.min(hard);
    if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() {
        tracing::warn!(soft, wanted, "the limit of open files could not be raised: fewer connections can be open at a time");
    }
}

/// The SFTP drop, when it has an address; its host key is made at the first start.
fn sftp_door(config: &Config) -> anyhow::Result<Option<SftpDoor>> {
    let Some(listen) = config.sftp.listen else { return Ok(None) };
    let host_key = HostKey::open_or_create(&config.sftp_host_key())?;
    tracing::info!(fingerprint = host_key.fingerprint(), "the SFTP drop's host key");
    Ok(Some(SftpDoor { listen, host_key, settle: Duration::from_secs(config.sftp.settle_seconds) }))
}
