//! `clarion retention list|set`: how long a tenant keeps what.

use clap::{Args, Subcommand};
use clarion_domain::privacy::retention::RecordClass;

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct RetentionArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Each class of record with its period and why.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// The tenant's own period of a class, between its floor and its ceiling.
    Set {
        class: RecordClass,
        /// Days; the default again when left out.
        #[arg(long)]
        days: Option<u32>,
    },
}

pub async fn run(config: &Config, args: &RetentionArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { json } => {
            let mut listing = Listing::new(&["class", "kept", "from", "then", "why", "reference"]);
            for row in tenant.retention().await? {
                let kept = row.default;
                listing.row([
                    kept.class.as_str().into(),
                    row.period().into(),
                    kept.trigger.as_str().into(),
                    kept.action.as_str().into(),
                    kept.purpose.into(),
                    kept.reference.into(),
                ]);
            }
            listing.print(*json);
        }
        Verb::Set { class, days } => {
            tenant.set_retention(*class, *days, clock::now()).await?;
            println!("set; the next sweep keeps to it");
        }
    }
    Ok(())
}
