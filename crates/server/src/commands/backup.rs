//! `clarion backup` and `clarion restore`: the embedded database, copied while it is in use. Its keys stay apart.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use clarion_store::db::{check_sqlite, copy_sqlite};

use crate::config::Config;
use crate::open::{self, SQLITE_FILE};

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; it must not exist.
    to: PathBuf,
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

const POSTGRES: &str = "the database is PostgreSQL: back it up with pg_dump and restore it with pg_restore, and keep a copy of the keyring at another place";

pub async fn backup(config: &Config, args: &BackupArgs) -> anyhow::Result<()> {
    if config.database_url()?.is_some() {
        bail!(POSTGRES);
    }
    open::database(config, false).await?;
    if args.to.exists() {
        bail!("{} exists: choose a new file", args.to.display());
    }
    if let Some(copy) = &args.keyring_to
        && folder_of(copy) == folder_of(&args.to)
    {
        bail!("the keyring may not lie beside the backup: choose another folder for it");
    }
    let (source, target) = (config.server.data_dir.join(SQLITE_FILE), args.to.clone());
    tokio::task::spawn_blocking(move || copy_sqlite(&source, &target)).await??;
    println!("wrote {}", args.to.display());
    match &args.keyring_to {
        Some(copy) => {
            std::fs::copy(&config.keys.keyring, copy).with_context(|| copy.display().to_string())?;
            println!("wrote {}", copy.display());
        }
        None => println!("without its keys it cannot be read: keep a copy of {} at another place", config.keys.keyring.display()),
    }
    Ok(())
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
        set_aside(&target)?;
    }
    let fresh = target.with_extension("restoring");
    std::fs::copy(&args.from, &fresh).with_context(|| fresh.display().to_string())?;
    std::fs::File::open(&fresh)?.sync_all()?;
    std::fs::rename(&fresh, &target)?;
    println!("restored {}", target.display());
    println!("people who were erased after this backup was made are in it again: erase them again before anything is sent");
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
