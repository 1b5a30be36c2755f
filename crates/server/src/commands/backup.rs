//! `clarion backup` and `clarion restore`: the embedded database, copied while it is in use. Its keys stay apart.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::db::{check_sqlite, copy_sqlite};
use clarion_store::privacy::ledger_path;

use crate::config::Config;
use crate::open::{self, SQLITE_FILE};
use crate::clock;

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; it must not exist.
    #[arg(required_unless_present = "folder", conflicts_with = "folder")]
    to: Option<PathBuf>,
    /// Write it to this folder under the time of day, and remove the backups there that are older than --keep-days: for a
    /// timer that runs every night.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// An erased person stands in older backups until these are gone.
    #[arg(long, default_value_t = KEEP_DAYS, value_parser = clap::value_parser!(i64).range(1..=365))]
    keep_days: i64,
    /// Copy the keyring too, to another folder: kept together with the database it protects nothing.
    #[arg(long, value_name = "FILE")]
    keyring_to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// A file that `clarion backup` wrote.
    from: PathBuf,
    /// Put it in the place of the present database, which is kept beside it under another name.
    #[arg(long)]
    replace: bool,
}

/// Contact rules, retention defaults: 35 days, rolling.
const KEEP_DAYS: i64 = 35;
const NAME_FORMAT: &str = "clarion-%Y%m%dT%H%M%SZ.db";

const POSTGRES: &str = "the database is PostgreSQL: back it up with pg_dump and restore it with pg_restore, and keep a copy of the keyring at another place";

pub async fn backup(config: &Config, args: &BackupArgs) -> anyhow::Result<()> {
    if config.database_url()?.is_some() {
        bail!(POSTGRES);
    }
    open::database(config, false).await?;
    let to = match (&args.to, &args.folder) {
        (_, Some(folder)) => folder.join(clock::now().timestamp().strftime(NAME_FORMAT).to_string()),
        (Some(to), None) => to.clone(),
        (None, None) => bail!("name the file to write, or --folder FOLDER"),
    };
    if to.exists() {
        bail!("{} exists: choose a new file", to.display());
    }
    if let Some(copy) = &args.keyring_to
        && folder_of(copy) == folder_of(&to)
    {
        bail!("the keyring may not lie beside the backup: choose another folder for it");
    }
    if let Some(folder) = &args.folder {
        open::make_private_folder(folder)?;
    }
    let (source, target) = (config.server.data_dir.join(SQLITE_FILE), to.clone());
    tokio::task::spawn_blocking(move || copy_sqlite(&source, &target)).await??;
    println!("wrote {}", to.display());
    if let Some(folder) = &args.folder {
        remove_old(folder, clock::now().plus_ms(-args.keep_days * DAY_MS))?;
    }
    match &args.keyring_to {
        Some(copy) => {
            let ledger = ledger_path(&config.keys.keyring);
            for (from, to) in [(config.keys.keyring.clone(), copy.clone()), (ledger, ledger_path(copy))] {
                if from.exists() {
                    std::fs::copy(&from, &to).with_context(|| to.display().to_string())?;
                    println!("wrote {}", to.display());
                }
            }
        }
        None => println!("without its keys it cannot be read: keep a copy of {} at another place", config.keys.keyring.display()),
    }
    Ok(())
}

/// Removes backups that were made before this moment, by their names: nothing else in the folder is touched.
fn remove_old(folder: &Path, before: Instant) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).and_then(made_at).is_some_and(|made_at| made_at < before) {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
            println!("removed {}", path.display());
        }
    }
    Ok(())
}

/// When a backup of this name was made; `None` for any other file.
fn made_at(name: &str) -> Option<Instant> {
    let at = jiff::civil::DateTime::strptime(NAME_FORMAT, name).ok()?;
    Some(at.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())
}

pub async fn restore(config: &Config, args: &RestoreArgs) -> anyhow::Result<()> {
    if config.database_url()?.is_some() {
        bail!(POSTGRES);
    }
    let from = args.from.clone();
    tokio::task::spawn_blocking(move || check_sqlite(&from)).await?.with_context(|| format!("{} is no whole backup", args.from.display()))?;
    open::make_private_folder(&config.server.data_dir)?;
    let _alone = open::lock(config)?;
    let target = config.server.data_dir.join(SQLITE_FILE);
    if target.exists() {
        if !args.replace {
            bail!("there is a database in {}: add --replace to put the backup in its place", config.server.data_dir.display());
        }
        if let Err(error) = present_ledger(config).await {
            println!("the present database could not be asked whom it erased ({error:#}): only the ledger beside the keyring tells");
        }
        set_aside(&target)?;
    }
    let fresh = target.with_extension("restoring");
    std::fs::copy(&args.from, &fresh).with_context(|| fresh.display().to_string())?;
    std::fs::File::open(&fresh)?.sync_all()?;
    std::fs::rename(&fresh, &target)?;
    println!("restored {}", target.display());
    erase_again(config).await
}

/// What the present database knows of erasures is written to the ledger, before it is set aside.
async fn present_ledger(config: &Config) -> anyhow::Result<()> {
    open::store(config).await.map(|_| ())
}

/// Whoever was erased after the backup was made is in it again, and goes at once when its schema is current.
async fn erase_again(config: &Config) -> anyhow::Result<()> {
    if !config.keys.keyring.exists() {
        println!("put its keyring and the ledger of erasures at {} before anything else", config.keys.keyring.display());
        return Ok(());
    }
    let db = open::database(config, false).await?;
    if db.pending_migrations().await?.is_empty() {
        let store = open::with_keyring(config, db, open::COMMAND_NODES).await?;
        match open::erase_again(&store).await? {
            0 => println!("nobody in it was erased since it was made"),
            n => println!("erased again: {n} who were erased after the backup was made"),
        }
    } else {
        println!("its schema is older: whoever was erased after it was made is erased again at the next start, before anything is sent");
    }
    Ok(())
}

/// The present database keeps its rows under another name, its log included.
fn set_aside(target: &Path) -> anyhow::Result<()> {
    let kept = (1..1000).map(|n| target.with_extension(format!("before-restore-{n}.db"))).find(|path| !path.exists()).context("there are a thousand old databases beside this one")?;
    for end in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        if with(target).exists() {
            std::fs::rename(with(target), with(&kept)).with_context(|| with(&kept).display().to_string())?;
        }
    }
    println!("kept the database that was there as {}", kept.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_backups_of_ours_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = made_at("clarion-20261124T070000Z.db").expect("a time");
        let name = |days: i64, seconds: i64| now.plus_ms(-days * DAY_MS - seconds * 1_000).timestamp().strftime(NAME_FORMAT).to_string();
        let (old, young) = (name(KEEP_DAYS, 1), name(KEEP_DAYS, -1));
        for file in [&old, &young, "clarion.db", "clarion-notes.db", "clarion-20200101T000000Z.db.txt"] {
            std::fs::write(folder.path().join(file), "x").expect("written");
        }
        remove_old(folder.path(), now.plus_ms(-KEEP_DAYS * DAY_MS)).expect("removed");
        let left: std::collections::BTreeSet<_> = std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        assert!(!left.contains(&old) && left.contains(&young) && left.len() == 4, "{left:?}");
    }
}
