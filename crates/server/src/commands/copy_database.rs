//! `clarion copy-database`: everything into another, empty database, of either engine.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use clap::Args;
use clarion_domain::time::MINUTE_MS;
use clarion_store::db::copy_database;

use crate::config::Config;
use crate::output::Listing;
use crate::progress::Progress;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct CopyDatabaseArgs {
    /// A configuration file that names the target: `database.url`, or `server.data_dir` for an embedded one. No password
    /// stands on the command line.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// A server that was seen within this is taken to be running.
const NODE_SEEN_MS: i64 = 2 * MINUTE_MS;

pub async fn run(config: &Config, args: &CopyDatabaseArgs) -> anyhow::Result<()> {
    let other = Config::load(Some(&args.to))?;
    if other.database_url()? == config.database_url()? && (config.database_url()?.is_some() || other.server.data_dir == config.server.data_dir) {
        bail!("{} names the same database: name another one in it (what stands in the environment counts for both)", args.to.display());
    }
    let store = open::store(config).await?;
    let alone = if store.db().is_sqlite() { Some(open::lock(config)?) } else { None };
    let lately = clock::now().plus_ms(-NODE_SEEN_MS);
    if alone.is_none()
        && let Some((_, name, ..)) = store.nodes().await?.into_iter().find(|(_, _, _, seen_at)| *seen_at > lately)
    {
        bail!("{name} is running: stop every server first, and wait two minutes");
    }
    let target = open::database(&other, true).await?;
    let (progress, copied) = (Progress::new("copying"), Mutex::new(Vec::new()));
    let copied_so_far = || copied.lock().unwrap_or_else(PoisonError::into_inner);
    copy_database(store.db(), &target, |table, of| {
        let mut all = copied_so_far();
        all.push(table);
        progress.at(all.len() as u64, of as u64);
    })
    .await?;
    progress.end();
    let mut listing = Listing::new(&["table", "rows"]);
    for table in copied_so_far().iter() {
        listing.row([table.table.into(), table.rows.into()]);
    }
    listing.print(args.json);
    if !args.json {
        println!("copied; the keyring stays the same: use {} with the new database", config.keys.keyring.display());
    }
    Ok(())
}
