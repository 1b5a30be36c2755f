//! `clarion check`: the configuration and the database, without changing either.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::config::{Config, ConfigError};
use crate::output::Listing;
use crate::web::{Carrier, MetricsPlan, WebPlan};
use crate::{exit, open};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut listing = Listing::new(&["what", "ok", "finding"]);
    let mut wrong = false;
    let mut say = |what: &str, finding: Result<String, String>| {
        wrong |= finding.is_err();
        let ok = finding.is_ok();
        listing.row([what.into(), Value::Bool(ok), finding.unwrap_or_else(|fault| fault).into()]);
    };
    say("configuration", Ok("reads".into()));
    say("web", web(config).map_err(|error| error.to_string()));
    say("rules", crate::rules::read(config).map(|book| versions(&book)).map_err(|error| format!("{error:#}")));
    say("database", database(config).await);
    say("keyring", keyring(config));
    listing.print(args.json);
    Ok(if wrong { exit::wrong() } else { ExitCode::SUCCESS })
}

fn web(config: &Config) -> Result<String, ConfigError> {
    let plan = WebPlan::read(config)?;
    MetricsPlan::read(config, &plan)?;
    if let Carrier::OwnFiles(files) = &plan.carrier {
        files.read().map_err(ConfigError::new)?;
    }
    Ok(plan.words())
}

fn versions(book: &clarion_domain::compliance::RuleBook) -> String {
    book.packs().iter().map(|pack| pack.version().to_string()).collect::<Vec<_>>().join(", ")
}

async fn database(config: &Config) -> Result<String, String> {
    let db = open::database(config, false).await.map_err(|error| format!("{error:#}"))?;
    let engine = if db.is_sqlite() { "embedded" } else { "PostgreSQL" };
    match db.pending_migrations().await.map_err(|error| error.to_string())?.len() {
        0 => Ok(format!("{engine}, schema current")),
        n if config.database.migrate => Ok(format!("{engine}, {n} migrations to apply at the next start")),
        n => Err(format!("{engine}, {n} migrations to apply: run `clarion migrate`")),
    }
}

/// Whether the keyring is there and only its owner may read it.
fn keyring(config: &Config) -> Result<String, String> {
    let path = &config.keys.keyring;
    let held = std::fs::metadata(path).map_err(|error| format!("{}: {error}; the first start makes one", path.display()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&held.permissions()) & 0o077 != 0 {
        return Err(format!("{} can be read by others: chmod 600 it", path.display()));
    }
    if path.starts_with(&config.server.data_dir) {
        return Err(format!("{} lies in the data folder: a backup of that folder would hold the keys too", path.display()));
    }
    let _ = held;
    Ok(path.display().to_string())
}
