//! `clarion do-not-originate load|show`: the numbers that no call may show, for every tenant (UK-12).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clarion_domain::compliance::do_not_originate::read_list;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct DoNotOriginateArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put a list in the place of the one before: a number or a range (+442079460100-+442079460199) a line.
    Load {
        file: PathBuf,
        /// Whose list it is, and of when: "Ofcom, November 2026".
        #[arg(long)]
        source: String,
    },
    /// What is loaded, and which tenants' senders stand on it.
    Show {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(config: &Config, args: &DoNotOriginateArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    match &args.verb {
        Verb::Load { file, source } => {
            anyhow::ensure!(!source.trim().is_empty(), "say whose list it is, and of when: --source \"Ofcom, November 2026\"");
            let bytes = std::fs::read(file).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
            let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{}: not a text in UTF-8: save the list as text, one number a line", file.display()))?;
            let ranges = read_list(&text).map_err(|faults| {
                let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
                anyhow::anyhow!("{}: nothing was loaded, the list before still holds.\n{}", file.display(), lines.join("\n"))
            })?;
            anyhow::ensure!(!ranges.is_empty(), "{}: no number in it: nothing was loaded, the list before still holds", file.display());
            let listed = store.replace_do_not_originate(&ranges, source.trim(), clock::now()).await?;
            println!("{} numbers and ranges are loaded", ranges.len());
            for sender in &listed {
                println!("{}: no call shows {} any more, as it is on the list", sender.tenant, sender.value);
            }
        }
        Verb::Show { json } => {
            let (list, senders) = (store.do_not_originate_list().await?, store.listed_senders().await?);
            if *json {
                let senders: Vec<_> = senders.iter().map(|sender| serde_json::json!({ "tenant": sender.tenant, "sender": sender.value })).collect();
                let list = list.map(|list| serde_json::json!({ "source": list.source, "loaded_at": list.loaded_at.rfc3339(), "ranges": list.ranges }));
                print_json(&serde_json::json!({ "list": list, "senders": senders }));
                return Ok(());
            }
            match list {
                Some(list) => println!("{} numbers and ranges, loaded {}: {}", list.ranges, list.loaded_at.rfc3339(), list.source),
                None => println!("no list is loaded: clarion do-not-originate load FILE --source …"),
            }
            let mut listing = Listing::new(&["tenant", "sender"]);
            for sender in senders {
                listing.row([sender.tenant.into(), sender.value.into()]);
            }
            listing.print(false);
        }
    }
    Ok(())
}
