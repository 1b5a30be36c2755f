//! `clarion list list|create|rename|delete`: a tenant's static sets of contacts.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::id::ListId;
use clarion_store::tenancy::Carried;
use clarion_store::{StoreError, Tenant};

use super::approval;
use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every list with how many are on it.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Make an empty list; `clarion import --list` makes one too.
    Create { name: String },
    /// Give a list another name.
    Rename { name: String, new_name: String },
    /// Remove a list; its people stay.
    Delete { name: String },
}

pub async fn run(config: &Config, args: &ListArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { json } => {
            let mut listing = Listing::new(&["id", "name", "members", "created_at"]);
            for list in tenant.lists().await? {
                listing.row([list.id.to_string().into(), list.name.into(), list.members.into(), list.created_at.rfc3339().into()]);
            }
            listing.print(*json);
        }
        Verb::Create { name } => println!("made list {}", tenant.create_list(name, clock::now()).await?),
        Verb::Rename { name, new_name } => {
            tenant.rename_list(find(&tenant, name).await?, new_name, clock::now()).await?;
            println!("renamed to {new_name}");
        }
        Verb::Delete { name } => {
            match tenant.delete_list(find(&tenant, name).await?, clock::now()).await? {
                Carried::Done => println!("removed list {name}; its people stay"),
                Carried::Waits(id) => println!("{}", approval::waits(id)),
            }
        }
    }
    Ok(())
}

/// A list by its name or its identifier.
pub async fn find(tenant: &Tenant, named: &str) -> anyhow::Result<ListId> {
    let lists = tenant.lists().await?;
    let found = lists.iter().find(|list| list.name == named || list.id.to_string() == named);
    let names = || lists.iter().map(|list| list.name.as_str()).collect::<Vec<_>>().join(", ");
    found.map(|list| list.id).ok_or(StoreError::NotFound("list")).with_context(|| format!("{named:?} is none of the lists: {}", names()))
}
