//! `clarion route list|add|remove`: which trunk a message takes.

use clap::{Args, Subcommand};
use clarion_domain::id::{RouteId, TrunkId};
use clarion_store::StoreError;
use clarion_store::carriers::NewRoute;

use crate::commands::trunk::must_be_said;
use crate::config::Config;
use crate::output::{Listing, print_done, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct RouteArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every route, the first choice first.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Send numbers that begin with a prefix to a trunk.
    Add {
        trunk: TrunkId,
        /// `+44`, or `+` for every number.
        #[arg(long, default_value = "+")]
        prefix: String,
        /// Only for this sender.
        #[arg(long, default_value = "")]
        sender: String,
        /// The lowest goes first; the others are for when it is down.
        #[arg(long, default_value_t = 10)]
        priority: i64,
        /// The tenant whose own it is, or, with --shared, in whose name it is made.
        #[arg(long)]
        tenant: String,
        /// For every tenant that has no route of its own.
        #[arg(long)]
        shared: bool,
        /// Print JSON instead of a sentence.
        #[arg(long)]
        json: bool,
    },
    /// Send nothing more by a route, from the next message or call on.
    Remove {
        route: RouteId,
        /// The tenant whose own it is, or, with --shared, in whose name this is done.
        #[arg(long)]
        tenant: String,
        /// It is one for every tenant that has no route of its own.
        #[arg(long)]
        shared: bool,
        /// Print JSON instead of a sentence.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(config: &Config, args: &RouteArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    match &args.verb {
        Verb::List { json } => {
            let mut listing = Listing::new(&["id", "prefix", "sender", "trunk", "priority", "of_tenant"]);
            for route in store.routes().await? {
                listing.row([
                    route.id.to_string().into(),
                    route.prefix.into(),
                    route.sender.into(),
                    route.trunk.to_string().into(),
                    route.priority.into(),
                    route.tenant.map(|tenant| tenant.to_string()).into(),
                ]);
            }
            listing.print(*json);
        }
        Verb::Add { trunk, prefix, sender, priority, tenant, shared, json } => {
            let new = NewRoute { prefix: prefix.clone(), sender: sender.clone(), trunk: *trunk, priority: *priority };
            let id = open::tenant(&store, tenant).await?.add_route(&new, *shared, clock::now()).await?;
            if *json {
                print_json(&serde_json::json!({ "id": id }));
            } else {
                println!("made route {id}");
            }
        }
        Verb::Remove { route, tenant, shared, json } => {
            let tenant = open::tenant(&store, tenant).await?;
            let record = tenant.routes().await?.into_iter().find(|record| record.id == *route).ok_or(StoreError::NotFound("route"))?;
            must_be_said(record.tenant.is_none(), *shared, &format!("route {route}"))?;
            tenant.remove_route(*route, clock::now()).await?;
            print_done(&format!("removed route {route}"), *json);
        }
    }
    Ok(())
}
