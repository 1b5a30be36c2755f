//! `clarion audit list`: who did what to which record.

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::open;
use crate::output::Listing;

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    verb: AuditVerb,
}

#[derive(Debug, Subcommand)]
enum AuditVerb {
    /// The newest events first.
    List {
        /// Short name or identifier of the tenant.
        #[arg(long)]
        tenant: String,
        /// Only this kind of record: campaign, import, contact ….
        #[arg(long, default_value = "")]
        kind: String,
        /// Only this act: created, erased, exported ….
        #[arg(long, default_value = "")]
        act: String,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(config: &Config, args: &AuditArgs) -> anyhow::Result<()> {
    let AuditVerb::List { tenant, kind, act, limit, json } = &args.verb;
    let store = open::store(config).await?;
    let page = open::tenant(&store, tenant).await?.audit_events(kind, act, None, *limit).await?;
    let mut listing = Listing::new(&["at", "actor", "act", "kind", "object_id", "detail"]);
    for event in page.rows {
        listing.row([event.at.rfc3339().into(), event.actor.into(), event.act.as_str().into(), event.object_kind.into(), event.object_id.into(), event.detail.into()]);
    }
    listing.print(*json);
    Ok(())
}
