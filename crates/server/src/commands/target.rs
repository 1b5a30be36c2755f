//! `clarion target list|add|remove|free`: the lines to which calls put people through.

use clap::{Args, Subcommand};
use clarion_domain::id::TransferTargetId;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "")]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The tenant's transfer targets by group and priority.
    List,
    /// Add a line.
    Add(AddArgs),
    /// Remove a line.
    Remove { target: TransferTargetId },
    /// Say how many agents are free, as the call centre does over the API.
    Free {
        target: TransferTargetId,
        /// Left out: back to the fixed capacity.
        agents: Option<u32>,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    name: String,
    /// A number with its country code, or sip:user@host.
    address: String,
    /// What scripts call it.
    #[arg(long, default_value = "agents")]
    group: String,
    /// Calls at the same time, at most.
    #[arg(long, default_value_t = 1)]
    capacity: u32,
    /// The lowest is asked first.
    #[arg(long, default_value_t = 1)]
    priority: i64,
    /// Hours of Monday to Friday, such as 09:00-17:00; always when left out.
    #[arg(long, value_name = "SPANS")]
    weekdays: Option<String>,
    /// Hours of Saturday and Sunday.
    #[arg(long, value_name = "SPANS", requires = "weekdays")]
    weekend: Option<String>,
}

impl AddArgs {
    fn hours(&self) -> Week {
        let (day, weekend) = (self.weekdays.clone().unwrap_or_default(), self.weekend.clone().unwrap_or_default());
        Week { saturday: weekend.clone(), sunday: weekend, ..Week::daily(&day) }
    }
}

pub async fn run(config: &Config, args: &TargetArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List => {
            let mut listing = Listing::new(&["id", "group", "name", "address", "capacity", "free", "priority", "enabled"]);
            for record in tenant.transfer_targets().await? {
                let target = record.target;
                let free = record.told.map(|(free, _)| free);
                listing.row([record.id.to_string().into(), target.group.into(), target.name.into(), target.address.into(), target.capacity.into(), free.into(), target.priority.into(), target.enabled.into()]);
            }
            listing.print(args.json);
        }
        Verb::Add(new) => {
            let target = NewTransferTarget { group: new.group.clone(), name: new.name.clone(), address: new.address.clone(), hours: new.hours(), capacity: new.capacity, priority: new.priority, enabled: true };
            let id = tenant.add_transfer_target(&target, clock::now()).await?;
            if args.json { print_json(&serde_json::json!({ "id": id })) } else { println!("added transfer target {} ({id})", new.name) }
        }
        Verb::Remove { target } => tenant.delete_transfer_target(*target, clock::now()).await?,
        Verb::Free { target, agents } => tenant.tell_free_agents(*target, *agents, clock::now()).await?,
    }
    Ok(())
}
