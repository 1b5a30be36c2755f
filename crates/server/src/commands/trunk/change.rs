//! `clarion trunk change|disable|enable`: the operator's hand on a connection, a tenant's own or one that all share.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clarion_domain::personal::Personal;
use clarion_store::carriers::{NewTrunk, TrunkRecord};
use clarion_store::{Store, StoreError, Tenant};

use super::settings;
use crate::config::read_secret;
use crate::output::print_done;
use crate::{clock, open};

/// Which trunk, and whose.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// Identifier or name of the trunk.
    #[arg(value_name = "ID|NAME")]
    trunk: String,
    /// The tenant whose own it is, or, with --shared, in whose name this is done.
    #[arg(long)]
    tenant: String,
    /// It is one that every tenant's routes may use.
    #[arg(long)]
    shared: bool,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ChangeArgs {
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    what: WhatArgs,
}

/// What is left out stays as it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct WhatArgs {
    /// TOML in the place of all its settings, as `trunk add` reads it.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// A file that holds the new password, or the provider's new key, and nothing else.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Segments a second at most; of a SIP trunk, calls.
    #[arg(long)]
    rate: Option<i64>,
    /// A new name.
    #[arg(long)]
    name: Option<String>,
    /// Of a segment, in ten-thousandths of the currency's unit.
    #[arg(long)]
    cost_per_segment: Option<i64>,
}

pub async fn run(store: &Store, args: &ChangeArgs) -> anyhow::Result<()> {
    let tenant = open::tenant(store, &args.which.tenant).await?;
    let old = args.which.find(&tenant).await?;
    let what = &args.what;
    let secret = what.password_file.as_deref().map(|file| read_secret("--password-file", file)).transpose()?;
    let new = NewTrunk {
        name: what.name.clone().unwrap_or(old.name),
        settings: what.settings.as_deref().map(settings::read).transpose()?.unwrap_or(old.settings),
        secret: secret.map(Personal::from).unwrap_or_default(),
        rate_per_second: what.rate.unwrap_or(old.rate_per_second),
        cost_per_segment: what.cost_per_segment.unwrap_or(old.cost_per_segment),
        currency: old.currency,
    };
    tenant.change_trunk(old.id, &new, old.enabled, clock::now()).await?;
    print_done(&format!("changed trunk {}; a running server connects anew", new.name.trim()), args.which.json);
    Ok(())
}

pub async fn enable(store: &Store, which: &WhichArgs, enabled: bool) -> anyhow::Result<()> {
    let tenant = open::tenant(store, &which.tenant).await?;
    let trunk = which.find(&tenant).await?;
    tenant.enable_trunk(trunk.id, enabled, clock::now()).await?;
    let done = if enabled { format!("enabled trunk {}; a running server connects", trunk.name) } else { format!("disabled trunk {}; nothing more goes over it", trunk.name) };
    print_done(&done, which.json);
    Ok(())
}

impl WhichArgs {
    /// What every tenant uses is changed only by somebody who says so.
    async fn find(&self, tenant: &Tenant) -> anyhow::Result<TrunkRecord> {
        let trunks = tenant.trunks().await?;
        let names: Vec<_> = trunks.iter().map(|trunk| trunk.name.clone()).collect();
        let found = trunks.into_iter().find(|trunk| trunk.name == self.trunk || trunk.id.to_string() == self.trunk);
        let trunk = found.ok_or(StoreError::NotFound("trunk")).with_context(|| {
            let known = if names.is_empty() { "none; make one with `clarion trunk add`".to_owned() } else { names.join(", ") };
            format!("{:?}: of this tenant and shared there are {known}", self.trunk)
        })?;
        must_be_said(trunk.tenant.is_none(), self.shared, &format!("trunk {}", trunk.name))?;
        Ok(trunk)
    }
}

/// Whether something is shared must be what was said of it.
pub fn must_be_said(is_shared: bool, said: bool, what: &str) -> Result<(), StoreError> {
    match (is_shared, said) {
        (true, false) => Err(StoreError::Invalid(format!("{what} serves every tenant: add --shared to touch it for all of them"))),
        (false, true) => Err(StoreError::Invalid(format!("{what} is this tenant's own: leave out --shared"))),
        _ => Ok(()),
    }
}
