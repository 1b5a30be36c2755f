//! `clarion sweep`: deletes what has been kept long enough, now instead of at night.

use clap::Args;

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Only this tenant; every one when left out.
    #[arg(long)]
    tenant: Option<String>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &SweepArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let mut listing = Listing::new(&["tenant", "class", "table", "n"]);
    for record in store.tenants().await? {
        if args.tenant.as_ref().is_some_and(|named| *named != record.slug && *named != record.id.to_string()) {
            continue;
        }
        let tenant = open::tenant(&store, &record.slug).await?;
        for swept in tenant.sweep(clock::now()).await? {
            listing.row([record.slug.as_str().into(), swept.class.as_str().into(), swept.source.into(), swept.count.into()]);
        }
    }
    if let Some(named) = &args.tenant {
        open::tenant(&store, named).await?;
    }
    listing.print(args.json);
    Ok(())
}
