//! `clarion serve`: one node, until SIGTERM or SIGINT.

use std::time::Duration;

use anyhow::{Context, bail};
use clarion_edge::Cookies;
use clarion_sftp::HostKey;
use clarion_store::db::DbError;

use crate::config::{Config, ConfigError};
use crate::node::{Node, NodeConfig, SftpDoor};
use crate::{open, supervise, voice};

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let cookies = cookies(config)?;
    let db = open::database(config, true).await?;
    let _alone = if db.is_sqlite() { Some(open::lock(config)?) } else { None };
    let pending = db.pending_migrations().await?;
    if !pending.is_empty() && !config.database.migrate {
        return Err(DbError::Schema(format!("the schema is behind by {}, and database.migrate is false: run `clarion migrate`", pending.join(", "))).into());
    }
    for name in db.migrate().await? {
        tracing::info!(migration = name, "the schema was brought up to date");
    }
    let store = open::with_keyring(config, db, config.server.node).await?;
    open::set_clock(config, &store).await?;
    open::erase_again(&store).await?;
    if config.demo.clock_ahead_seconds != 0 {
        tracing::warn!(seconds = config.demo.clock_ahead_seconds, "this installation's clock runs ahead: it is for trying things out");
    }
    if store.tenants().await?.is_empty() {
        tracing::info!("there is no tenant yet: make one with clarion create-tenant, and somebody to sign in with clarion create-user");
    }
    let sftp = sftp_door(config)?;
    let settings = NodeConfig { sftp, name: format!("node {}", config.server.node), web: config.web.listen, metrics: Some(config.metrics.listen), cookies, drain: Duration::from_secs(config.server.drain_seconds), dialler: voice::dialler(&config.voice, Duration::from_secs(config.server.drain_seconds))? };
    let node = Node::start(store, &settings).await?;
    tracing::info!(web = %node.web, metrics = ?node.metrics, sftp = ?node.sftp, node = config.server.node, "clarion serves");
    supervise::signalled().await.context("signals cannot be waited for")?;
    tracing::info!("stopping: no new messages are claimed, those on the wire are waited for");
    node.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// The SFTP drop, when it has an address; its host key is made at the first start.
fn sftp_door(config: &Config) -> anyhow::Result<Option<SftpDoor>> {
    let Some(listen) = config.sftp.listen else { return Ok(None) };
    let host_key = HostKey::open_or_create(&config.sftp_host_key())?;
    tracing::info!(fingerprint = host_key.fingerprint(), "the SFTP drop's host key");
    Ok(Some(SftpDoor { listen, host_key, settle: Duration::from_secs(config.sftp.settle_seconds) }))
}

/// Secure cookies unless nobody but this machine can reach the portal.
fn cookies(config: &Config) -> anyhow::Result<Cookies> {
    match config.web.public_url.as_deref() {
        Some(url) if url.starts_with("https://") => Ok(Cookies::Secure),
        Some(url) => bail!(ConfigError::new(format!("web.public_url {url} must begin with https://: sign-ins and contact data do not travel in the clear"))),
        None if config.web.listen.ip().is_loopback() => Ok(Cookies::PlainLoopback),
        None => bail!(ConfigError::new(format!(
            "web.listen {} can be reached from other machines: put a proxy with TLS in front and give its address as web.public_url, or listen on 127.0.0.1",
            config.web.listen
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clear_is_for_this_machine_alone() {
        let mut config = Config::default();
        assert_eq!(cookies(&config).expect("loopback"), Cookies::PlainLoopback);
        config.web.listen = ([0, 0, 0, 0], 8080).into();
        assert!(cookies(&config).expect_err("open").to_string().contains("web.public_url"));
        config.web.public_url = Some("https://contact.example".into());
        assert_eq!(cookies(&config).expect("behind TLS"), Cookies::Secure);
        config.web.public_url = Some("http://contact.example".into());
        assert!(cookies(&config).is_err());
    }
}
