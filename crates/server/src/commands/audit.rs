//! `clarion audit`: who did what to which record, and whether it still says what was written.

use anyhow::bail;
use clap::{Args, Subcommand};
use clarion_store::Store;
use clarion_store::audit::{AuditEvent, OPERATOR};

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

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
        #[arg(long, required_unless_present = "operator")]
        tenant: Option<String>,
        /// The operator's own acts, of no single tenant: tenants made, keys rotated.
        #[arg(long, conflicts_with_all = ["tenant", "kind", "act"])]
        operator: bool,
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
    /// Reads every entry and every anchor; names the first bad entry of each chain, and ends with 1 when there is one.
    Verify {
        /// Short name or identifier of the tenant; every one and the operator's own acts when left out.
        #[arg(long)]
        tenant: Option<String>,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(config: &Config, args: &AuditArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    match &args.verb {
        AuditVerb::List { tenant, kind, act, limit, json, .. } => {
            let events = match tenant {
                Some(tenant) => open::tenant(&store, tenant).await?.audit_events(kind, act, None, *limit).await?,
                None => store.operator_events(*limit).await?,
            };
            list(events.rows, *json);
            Ok(())
        }
        AuditVerb::Verify { tenant, json } => verify(&store, tenant.as_deref(), *json).await,
    }
}

fn list(events: Vec<AuditEvent>, json: bool) {
    let mut listing = Listing::new(&["at", "actor", "act", "kind", "object_id", "detail", "chain", "number", "hash"]);
    for event in events {
        let hash = if json { event.hash } else { event.hash.chars().take(12).collect() };
        let what = [event.at.rfc3339().into(), event.actor.into(), event.act.as_str().into(), event.object_kind.into(), event.object_id.into()];
        let [at, actor, act, kind, object] = what;
        listing.row([at, actor, act, kind, object, event.detail.into(), event.chain.as_str().into(), event.number.into(), hash.into()]);
    }
    listing.print(json);
}

async fn verify(store: &Store, named: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut whose = Vec::new();
    match named {
        Some(named) => {
            let tenant = open::tenant(store, named).await?;
            whose.push((tenant.record().await?.slug, tenant.id()));
        }
        None => {
            whose.extend(store.tenants().await?.into_iter().map(|tenant| (tenant.slug, tenant.id)));
            whose.push(("(operator)".into(), OPERATOR));
        }
    }
    let mut listing = Listing::new(&["tenant", "chain", "from", "entries", "anchors", "first_bad_entry", "at", "what_is_wrong"]);
    let mut broken = 0;
    for (name, id) in whose {
        let checks = store.verify_audit(id).await?;
        store.keep_audit_check(id, &checks, clock::now()).await?;
        for check in checks {
            broken += usize::from(check.fault.is_some());
            let (bad, at, what) = match check.fault {
                Some(fault) => (fault.number.into(), fault.at.map(|at| at.rfc3339()).into(), fault.what.into()),
                None => (None::<i64>.into(), None::<i64>.into(), "nothing".into()),
            };
            listing.row([name.as_str().into(), check.chain.as_str().into(), (check.begins_after + 1).into(), check.entries.into(), check.anchors.into(), bad, at, what]);
        }
    }
    listing.print(json);
    if broken > 0 {
        bail!("{broken} of the audit's chains {} not as written: keep this database as it is, and compare it with a backup from before", if broken == 1 { "is" } else { "are" });
    }
    Ok(())
}
