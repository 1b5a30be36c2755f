//! `clarion check`: the configuration and the database, without changing either.

use std::path::{Path, PathBuf};
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
    for (key, file) in secrets(config) {
        say(key, only_ours(&file).map(|()| file.display().to_string()));
    }
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
    if !path.exists() {
        return Err(format!("{} is not there; the first start makes one", path.display()));
    }
    only_ours(path)?;
    if path.starts_with(&config.server.data_dir) {
        return Err(format!("{} lies in the data folder: a backup of that folder would hold the keys too", path.display()));
    }
    Ok(path.display().to_string())
}

/// Files of the operator's that hold a secret, by the key that names them.
fn secrets(config: &Config) -> Vec<(&'static str, PathBuf)> {
    // The first start makes the drop's key.
    let host_key = config.sftp.listen.map(|_| config.sftp_host_key()).filter(|file| file.exists());
    let named = [
        ("database.url_file", config.database.url_file.clone()),
        ("voice.speech_key_file", config.voice.speech_key_file.clone()),
        ("acme.eab_key_file", config.acme.eab_key_file.clone()),
        ("web.tls_key_file", config.web.tls_key_file.clone()),
        ("sftp.host_key_file", host_key),
    ];
    named.into_iter().filter_map(|(key, file)| Some((key, file?))).collect()
}

fn only_ours(path: &Path) -> Result<(), String> {
    let held = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&held.permissions()) & 0o077 != 0 {
        return Err(format!("{} can be read by others: chmod 600 it", path.display()));
    }
    let _ = held;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_secret_that_others_can_read_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("database-url");
        std::fs::write(&file, "postgres://localhost/clarion").expect("writes");
        let mut config = Config::default();
        assert!(secrets(&config).is_empty());
        (config.database.url_file, config.voice.speech_key_file) = (Some(file.clone()), Some(folder.path().join("none")));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).expect("set");
        let found: Vec<_> = secrets(&config).into_iter().map(|(key, file)| (key, only_ours(&file).err().unwrap_or_default())).collect();
        assert!(found[0].0 == "database.url_file" && found[0].1.contains("chmod 600") && found[1].1.contains("No such file"), "{found:?}");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("set");
        assert_eq!(only_ours(&file), Ok(()));
    }
}
