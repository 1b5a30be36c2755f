//! `clarion campaign stop`: nothing more goes to some people from a campaign.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clarion_domain::campaigns::sequence::{StopResult, ToldReason};
use clarion_domain::id::{CampaignId, ContactId};
use clarion_store::Tenant;
use clarion_store::campaigns::{STOPS_MAX, StopWhom};

use crate::clock;
use crate::output::print_json;

#[derive(Debug, Args)]
pub struct StopArgs {
    campaign: CampaignId,
    /// Why, in one word of small letters and underscores, such as paid.
    #[arg(long)]
    reason: ToldReason,
    /// A contact's identifier; may be said several times.
    #[arg(long, required_unless_present_any = ["reference", "references"])]
    contact: Vec<ContactId>,
    /// Your own reference of a person; may be said several times.
    #[arg(long)]
    reference: Vec<String>,
    /// References from a file, one a line.
    #[arg(long, value_name = "FILE")]
    references: Option<PathBuf>,
}

pub async fn run(tenant: &Tenant, args: &StopArgs, json: bool) -> anyhow::Result<()> {
    let mut whom: Vec<StopWhom> = args.contact.iter().copied().map(StopWhom::Contact).chain(args.reference.iter().cloned().map(StopWhom::Reference)).collect();
    if let Some(file) = &args.references {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        whom.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| StopWhom::Reference(line.to_owned())));
    }
    let mut results = Vec::with_capacity(whom.len());
    for some in whom.chunks(STOPS_MAX) {
        results.extend(tenant.stop_recipients(args.campaign, some, &args.reason, clock::now()).await?);
    }
    let n = |which: StopResult| results.iter().filter(|result| **result == which).count();
    let (stopped, over, unknown) = (n(StopResult::Stopped), n(StopResult::Over), n(StopResult::Unknown));
    if json {
        print_json(&serde_json::json!({ "stopped": stopped, "over": over, "unknown": unknown }));
    } else {
        println!("stopped for {stopped}; over already for {over}; not in this campaign: {unknown}");
    }
    Ok(())
}
