//! `clarion approval list|show|approve|refuse|withdraw`: acts that wait for a second person. The operator is one person.

use clap::{Args, Subcommand};
use clarion_domain::id::ApprovalId;
use clarion_domain::tenancy::four_eyes::ApprovalState;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::tenancy::{Approval, ApprovalQuery};

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct ApprovalArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The requests, the newest first.
    List {
        /// Only those that stand so: waiting, approved, refused, withdrawn or expired.
        #[arg(long)]
        state: Option<ApprovalState>,
    },
    /// One request.
    Show { approval: ApprovalId },
    /// Do what a user asked for. What the operator asked for, a user approves.
    Approve { approval: ApprovalId },
    /// Say no.
    Refuse {
        approval: ApprovalId,
        /// Why; whoever asked reads it.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Take back what the operator asked for.
    Withdraw { approval: ApprovalId },
}

/// What a command says of an act that waits.
pub fn waits(id: ApprovalId) -> String {
    format!("asked for as {id}: it waits for a user of the tenant with the right for it, who approves it in the portal or by the API")
}

pub async fn run(config: &Config, args: &ApprovalArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    let rows = match &args.verb {
        Verb::List { state } => listed(&tenant, *state, now).await?,
        Verb::Show { approval } => vec![tenant.approval(*approval, now).await?],
        Verb::Approve { approval } => vec![tenant.approve(*approval, now).await?],
        Verb::Refuse { approval, why } => vec![tenant.refuse_approval(*approval, why, now).await?],
        Verb::Withdraw { approval } => vec![tenant.withdraw_approval(*approval, now).await?],
    };
    if let (false, Verb::Approve { .. } | Verb::Refuse { .. } | Verb::Withdraw { .. }, Some(row)) = (args.json, &args.verb, rows.first()) {
        println!("{} is {}: {}", row.id, row.state, row.shown);
        return Ok(());
    }
    if let (true, false, Some(row)) = (args.json, matches!(args.verb, Verb::List { .. }), rows.first()) {
        print_json(&serde_json::json!({ "id": row.id, "act": row.act(), "state": row.state, "shown": row.shown, "size": row.size, "asked_by": row.asked_by, "why": row.why }));
        return Ok(());
    }
    let mut listing = Listing::new(&["id", "act", "state", "shown", "asked_by", "asked_at", "expires_at", "decided_by", "why"]);
    for row in rows {
        listing.row([
            row.id.to_string().into(),
            row.act().as_str().into(),
            row.state.as_str().into(),
            row.shown.into(),
            row.asked_by.into(),
            row.asked_at.rfc3339().into(),
            row.expires_at.rfc3339().into(),
            row.decided_by.into(),
            row.why.into(),
        ]);
    }
    listing.print(args.json);
    Ok(())
}

async fn listed(tenant: &Tenant, state: Option<ApprovalState>, now: Instant) -> anyhow::Result<Vec<Approval>> {
    const ROWS: i64 = 1_000;
    Ok(tenant.approvals(ApprovalQuery { state, before: None, limit: ROWS }, now).await?.rows)
}
