//! `clarion migrate`: brings the schema up to date, and makes the embedded database when there is none.

use clap::Args;

use crate::config::Config;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Only say what would be applied.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(config: &Config, args: MigrateArgs) -> anyhow::Result<()> {
    let db = open::database(config, !args.dry_run).await?;
    let (names, verb) = if args.dry_run { (db.pending_migrations().await?, "to apply") } else { (db.migrate().await?, "applied") };
    for name in &names {
        println!("{verb}: {name}");
    }
    if names.is_empty() {
        println!("the schema is current");
    }
    if !args.dry_run {
        open::with_keyring(config, db, open::COMMAND_NODES).await?.anchor_linked(&names, clock::now()).await?;
    }
    Ok(())
}
