//! `clarion campaign …`: what the portal's campaign pages do.

mod copy;
mod create;
mod dry_run;
mod list;
mod moves;
mod report;
mod steps;
mod stop;

use clap::{Args, Subcommand};
use clarion_domain::id::CampaignId;

use crate::config::Config;
use crate::open;

pub use report::{Report, report};
pub use steps::print as print_steps;

#[derive(Debug, Args)]
pub struct CampaignArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The newest campaigns first.
    List(list::ListArgs),
    /// Write a draft.
    Create(Box<create::CreateArgs>),
    /// A new draft with all that a campaign says, whatever became of it.
    Copy { campaign: CampaignId },
    /// How many may be contacted, when, and who is refused by which rule.
    DryRun { campaign: CampaignId },
    /// Freeze the audience and begin; a running `clarion serve` sends.
    Start { campaign: CampaignId },
    /// Begin nothing more until it is resumed; what is on the wire is still settled.
    Pause { campaign: CampaignId },
    /// Go on with a paused campaign.
    Resume { campaign: CampaignId },
    /// End it for good: ringing calls are taken back; messages on the wire are still settled.
    Cancel { campaign: CampaignId },
    /// Who stands at which step, and why it ended for the others.
    Steps { campaign: CampaignId },
    /// Nothing more goes to some people from it, at whichever step they stand.
    Stop(stop::StopArgs),
    /// Counts by disposition and cause, and refusals by rule.
    Report { campaign: CampaignId },
}

pub async fn run(config: &Config, args: &CampaignArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List(filter) => list::run(&tenant, filter, args.json).await,
        Verb::Create(draft) => create::run(&tenant, draft, args.json).await,
        Verb::Copy { campaign } => copy::run(&tenant, *campaign, args.json).await,
        Verb::DryRun { campaign } => dry_run::run(&store, &tenant, *campaign, args.json).await,
        Verb::Start { campaign } => moves::run(&tenant, *campaign, moves::Move::Start, args.json).await,
        Verb::Pause { campaign } => moves::run(&tenant, *campaign, moves::Move::Pause, args.json).await,
        Verb::Resume { campaign } => moves::run(&tenant, *campaign, moves::Move::Resume, args.json).await,
        Verb::Cancel { campaign } => moves::run(&tenant, *campaign, moves::Move::Cancel, args.json).await,
        Verb::Steps { campaign } => steps::run(&tenant, *campaign, args.json).await,
        Verb::Stop(args_of) => stop::run(&tenant, args_of, args.json).await,
        Verb::Report { campaign } => {
            report(&tenant, *campaign).await?.print(args.json);
            Ok(())
        }
    }
}
