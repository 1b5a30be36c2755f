//! From a configuration to an open store.

use std::path::Path;

use anyhow::{Context, bail};
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::SECOND_MS;
use clarion_store::db::{Db, DbError};
use clarion_store::{Store, StoreError, Tenant};

use crate::clock;
use crate::config::{Config, ConfigError};

pub const SQLITE_FILE: &str = "clarion.db";

/// Opens the database that the configuration names. An embedded one is made only when `create` says so.
pub async fn database(config: &Config, create: bool) -> anyhow::Result<Db> {
    if let Some(url) = config.database_url()? {
        return Ok(Db::open_postgres_of(&url, config.database_authority()?).await?);
    }
    let folder = &config.server.data_dir;
    let file = folder.join(SQLITE_FILE);
    if !create && !file.is_file() {
        return Err(DbError::Unreachable(format!("there is no database in {}: `clarion migrate` or `clarion serve` makes one", folder.display())).into());
    }
    make_private_folder(folder)?;
    Ok(Db::open_sqlite(&file).await?)
}

/// An open store with its schema current: migrated when `server` may do so, otherwise refused.
pub async fn store(config: &Config) -> anyhow::Result<Store> {
    let db = database(config, false).await?;
    let pending = db.pending_migrations().await?;
    if !pending.is_empty() {
        return Err(DbError::Schema(format!("the schema is behind by {}: run `clarion migrate`", pending.join(", "))).into());
    }
    let store = with_keyring(config, db, command_node()).await?;
    set_clock(config, &store).await?;
    erase_again(&store).await?;
    Ok(store)
}

/// Whoever a restored backup brought back is erased again before anything else is done; returns how many.
pub async fn erase_again(store: &Store) -> anyhow::Result<usize> {
    Ok(store.reconcile_erasures(clock::now()).await?)
}

/// A clock that runs ahead is for drama numbers only: with it, a real person could be contacted at night.
pub async fn set_clock(config: &Config, store: &Store) -> anyhow::Result<()> {
    let ahead = config.demo.clock_ahead_seconds;
    if ahead == 0 {
        return Ok(());
    }
    if let Some(real) = store.tenants().await?.iter().find(|tenant| tenant.number_mode != NumberMode::Demo) {
        bail!(ConfigError::new(format!("demo.clock_ahead_seconds is set, and the tenant {} may contact real numbers: remove it", real.slug)));
    }
    clock::run_ahead(ahead.saturating_mul(SECOND_MS));
    Ok(())
}

/// Servers have the numbers below this one, commands those from it on: what two processes make at the same
/// moment never has the same identifier.
pub const COMMAND_NODES: u8 = 64;

fn command_node() -> u8 {
    COMMAND_NODES + u8::try_from(std::process::id() % 64).unwrap_or(0)
}

/// The keyring beside an open database.
pub async fn with_keyring(config: &Config, db: Db, node: u8) -> anyhow::Result<Store> {
    let keyring = &config.keys.keyring;
    if let Some(folder) = keyring.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private_folder(folder)?;
    }
    let networks = crate::webhooks::networks(&config.webhooks)?;
    let store = Store::open(db, keyring, node).await?;
    store.allow_webhook_networks(networks);
    if let Some(host) = crate::web::own_host(config) {
        store.own_host(host);
    }
    Ok(store)
}

/// One tenant, by its short name or its identifier, in the operator's name.
pub async fn tenant(store: &Store, named: &str) -> anyhow::Result<Tenant> {
    let tenants = store.tenants().await?;
    let Some(found) = tenants.iter().find(|tenant| tenant.slug == named || tenant.id.to_string() == named) else {
        let known: Vec<_> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
        if known.is_empty() {
            return Err(anyhow::Error::new(StoreError::NotFound("tenant")).context("there is no tenant yet: `clarion create-tenant` makes one"));
        }
        let what = if named.is_empty() { "say which tenant with --tenant".to_owned() } else { format!("{named:?} is none of the tenants") };
        return Err(anyhow::Error::new(StoreError::NotFound("tenant")).context(format!("{what}: {}", known.join(", "))));
    };
    Ok(store.tenant(found.id, Actor::Operator).await?)
}

/// A folder that only this account may read.
pub fn make_private_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder.exists() {
        bail!("{} exists and is not a folder", folder.display());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// Held by the one server that works on an embedded database, until it ends however it ends.
pub fn lock(config: &Config) -> anyhow::Result<std::fs::File> {
    let path = config.server.data_dir.join("clarion.lock");
    let file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => bail!("a server is running on {}: stop it first", config.server.data_dir.display()),
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}
