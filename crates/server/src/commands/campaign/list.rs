//! `clarion campaign list`.

use clap::Args;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignQuery;

use crate::output::Listing;

#[derive(Debug, Args)]
pub struct ListArgs {
    /// draft, scheduled, starting, running, paused, finished or cancelled.
    #[arg(long)]
    state: Option<CampaignState>,
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub async fn run(tenant: &Tenant, args: &ListArgs, json: bool) -> anyhow::Result<()> {
    let page = tenant.campaigns(&CampaignQuery { state: args.state, limit: args.limit, ..CampaignQuery::default() }).await?;
    let mut listing = Listing::new(&["id", "name", "purpose", "state", "audience", "sent_to", "started_at", "finished_at", "why"]);
    for campaign in page.rows {
        listing.row([
            campaign.id.to_string().into(),
            campaign.name.into(),
            campaign.purpose.map(|stated| stated.purpose.as_str()).into(),
            campaign.state.as_str().into(),
            campaign.audience_size.into(),
            campaign.next_position.into(),
            campaign.started_at.map(|at| at.rfc3339()).into(),
            campaign.finished_at.map(|at| at.rfc3339()).into(),
            campaign.state_reason.into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
