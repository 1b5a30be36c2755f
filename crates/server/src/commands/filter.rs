//! `clarion filter list|save|delete`: a tenant's saved conditions.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::contacts::address::LineType;
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::contacts::region::Region;
use clarion_domain::id::ListId;
use clarion_store::{StoreError, Tenant};

use super::list;
use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every filter in words, with how many people meet it now.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Save a filter; people must meet every condition.
    Save(SaveArgs),
    /// Remove a filter.
    Delete { name: String },
}

#[derive(Debug, Args)]
struct SaveArgs {
    name: String,
    /// On this list.
    #[arg(long, value_name = "LIST")]
    on_list: Vec<String>,
    /// Not on this list.
    #[arg(long, value_name = "LIST")]
    not_on_list: Vec<String>,
    /// Of one of these kinds: mobile, fixed_line, …
    #[arg(long, value_delimiter = ',')]
    line_type: Vec<LineType>,
    /// In one of these countries: GB, IE, …
    #[arg(long, value_delimiter = ',')]
    region: Vec<Region>,
    /// With a reference (`true`) or without one (`false`).
    #[arg(long)]
    reference: Option<bool>,
    /// A declared field is filled, or has a value: `branch` or `branch=Leeds`.
    #[arg(long, value_name = "FIELD[=VALUE]")]
    field: Vec<String>,
}

pub async fn run(config: &Config, args: &FilterArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { json } => {
            let lists = tenant.lists().await?;
            let name_of = |id: ListId| lists.iter().find(|list| list.id == id).map(|list| list.name.clone());
            let mut listing = Listing::new(&["id", "name", "people", "conditions"]);
            for saved in tenant.filters().await? {
                let size = tenant.audience_size(None, &saved.filter).await?;
                listing.row([saved.id.to_string().into(), saved.name.into(), size.into(), saved.filter.sentence(name_of).into()]);
            }
            listing.print(*json);
        }
        Verb::Save(save) => {
            let filter = filter(&tenant, save).await?;
            println!("saved filter {}", tenant.save_filter(&save.name, &filter, clock::now()).await?);
        }
        Verb::Delete { name } => {
            let filters = tenant.filters().await?;
            let found = filters.iter().find(|saved| saved.name == *name || saved.id.to_string() == *name).ok_or(StoreError::NotFound("filter"));
            tenant.delete_filter(found.with_context(|| format!("{name:?} is none of the filters"))?.id, clock::now()).await?;
            println!("removed filter {name}");
        }
    }
    Ok(())
}

async fn filter(tenant: &Tenant, save: &SaveArgs) -> anyhow::Result<Filter> {
    let mut all_of = Vec::new();
    for name in &save.on_list {
        all_of.push(Condition::OnList { list: list::find(tenant, name).await? });
    }
    for name in &save.not_on_list {
        all_of.push(Condition::NotOnList { list: list::find(tenant, name).await? });
    }
    if !save.line_type.is_empty() {
        all_of.push(Condition::LineType { any_of: save.line_type.clone() });
    }
    if !save.region.is_empty() {
        all_of.push(Condition::Region { any_of: save.region.clone() });
    }
    all_of.extend(save.reference.map(|yes| Condition::HasReference { yes }));
    for text in &save.field {
        let (field, value) = text.split_once('=').map_or((text.as_str(), None), |(field, value)| (field, Some(value.to_owned())));
        all_of.push(Condition::Declared { field: field.to_owned(), value });
    }
    if all_of.is_empty() {
        return Err(StoreError::Invalid("a filter needs a condition: see `clarion filter save --help`".into()).into());
    }
    Ok(Filter { all_of })
}
