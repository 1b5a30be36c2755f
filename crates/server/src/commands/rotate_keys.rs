//! `clarion rotate-keys`: a new root key, and the end of the old one.

use clap::Args;
use clarion_store::privacy::OtherNodes;

use crate::config::Config;
use crate::output::print_json;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct RotateKeysArgs {
    /// Print JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &RotateKeysArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let embedded = store.db().is_sqlite();
    // A running server would go on wrapping keys with the one that is about to be destroyed.
    let _alone = if embedded { Some(open::lock(config)?) } else { None };
    let others = if embedded { OtherNodes::NoneRuns } else { OtherNodes::MayRun };
    let rotation = store.rotate_root_keys(others, clock::now()).await?;
    if args.json {
        print_json(&serde_json::json!({ "root_key": rotation.root_key, "keys_wrapped_anew": rotation.keys_wrapped_anew }));
    } else {
        println!("root key {} is in use, {} keys were wrapped anew, and the old root key is destroyed", rotation.root_key, rotation.keys_wrapped_anew);
        println!("back up {} now: older copies of it open older backups only, and should go with them", config.keys.keyring.display());
    }
    Ok(())
}
