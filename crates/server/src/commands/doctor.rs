//! `clarion doctor`: what `check` looks at, and whether what is configured works together.

mod web;

use std::process::ExitCode;

use clap::Args;
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::MINUTE_MS;
use clarion_sftp::HostKey;
use clarion_store::{Store, StoreError};
use serde_json::Value;

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, exit, open};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// One thing looked at: whether all is well, and in words.
struct Finding {
    what: String,
    ok: bool,
    words: String,
}

pub async fn run(config: &Config, args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let store = open::store(config).await?;
    let mut findings = vec![whole(config).await?];
    findings.extend(set_aside(config)?);
    findings.extend(sftp(config));
    findings.push(web::finding(config, &store).await?);
    findings.extend(tenants(&store).await?);
    findings.extend(carriers(&store).await?);
    let mut listing = Listing::new(&["what", "ok", "finding"]);
    for finding in &findings {
        listing.row([finding.what.as_str().into(), Value::Bool(finding.ok), finding.words.as_str().into()]);
    }
    listing.print(args.json);
    Ok(if findings.iter().all(|finding| finding.ok) { ExitCode::SUCCESS } else { exit::wrong() })
}

async fn whole(config: &Config) -> anyhow::Result<Finding> {
    let what = "database".to_owned();
    if config.database_url()?.is_some() {
        return Ok(Finding { what, ok: true, words: "PostgreSQL answers".into() });
    }
    let file = config.server.data_dir.join(open::SQLITE_FILE);
    let verdict = tokio::task::spawn_blocking(move || clarion_store::db::check_sqlite(&file)).await?;
    Ok(Finding { what, ok: verdict.is_ok(), words: verdict.map_or_else(|error| error.to_string(), |()| "whole".into()) })
}

/// The SFTP drop's own key is there, and nobody else may read it.
fn sftp(config: &Config) -> Option<Finding> {
    config.sftp.listen?;
    let key = HostKey::open(&config.sftp_host_key());
    let (ok, words) = match key {
        Ok(Some(key)) => (true, format!("host key {}", key.fingerprint())),
        Ok(None) => (false, "no host key yet: clarion serve makes it".into()),
        Err(error) => (false, error.to_string()),
    };
    Some(Finding { what: "sftp".into(), ok, words })
}

/// Databases that a restore put aside hold everybody who was in them.
fn set_aside(config: &Config) -> anyhow::Result<Option<Finding>> {
    let Ok(entries) = std::fs::read_dir(&config.server.data_dir) else { return Ok(None) };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<std::io::Result<Vec<_>>>()?;
    let old: Vec<&str> = names.iter().filter(|name| name.contains(".before-restore-") && name.ends_with(".db")).map(String::as_str).collect();
    let words = format!("{} in {}: delete it once the restored database is found good", old.join(", "), config.server.data_dir.display());
    Ok((!old.is_empty()).then(|| Finding { what: "old databases".into(), ok: false, words }))
}

/// Each tenant's keys open, somebody can sign in, and a message would find a sender and a route.
async fn tenants(store: &Store) -> anyhow::Result<Vec<Finding>> {
    let records = store.tenants().await?;
    if records.is_empty() {
        return Ok(vec![Finding { what: "tenants".into(), ok: false, words: "there is none: clarion create-tenant".into() }]);
    }
    let mut findings = Vec::new();
    for record in records {
        let words = match store.tenant(record.id, Actor::Operator).await {
            Err(StoreError::Seal(error)) => Err(format!("its keys do not open: {error}")),
            Err(error) => return Err(error.into()),
            Ok(tenant) => {
                let mut lacks = Vec::new();
                if tenant.users().await?.iter().all(|user| user.deactivated_at.is_some()) {
                    lacks.push("nobody can sign in: clarion create-user");
                }
                if tenant.senders().await?.is_empty() {
                    lacks.push("no sender: clarion sender add");
                }
                if tenant.routes().await?.is_empty() {
                    lacks.push("no route: clarion route add");
                }
                if lacks.is_empty() { Ok("can send".to_owned()) } else { Err(lacks.join("; ")) }
            }
        };
        findings.push(Finding { what: format!("tenant {}", record.slug), ok: words.is_ok(), words: words.unwrap_or_else(|fault| fault) });
    }
    Ok(findings)
}

/// Each enabled trunk is up, as a server said within the last minutes.
async fn carriers(store: &Store) -> anyhow::Result<Vec<Finding>> {
    let (said, since) = (store.trunk_status().await?, clock::now().plus_ms(-3 * MINUTE_MS));
    let mut findings = Vec::new();
    for trunk in store.trunks().await?.into_iter().filter(|trunk| trunk.enabled) {
        let last = said.iter().filter(|status| status.trunk == trunk.id && status.seen_at > since).max_by_key(|status| status.seen_at);
        let (ok, words) = match last {
            None => (false, "no server has spoken of it for three minutes: is clarion serve running?".to_owned()),
            Some(status) if status.state == TrunkState::Up => (true, "up".to_owned()),
            Some(status) => (false, format!("{}: {}", status.state, status.reason)),
        };
        findings.push(Finding { what: format!("trunk {}", trunk.name), ok, words });
    }
    Ok(findings)
}
