//! `clarion field list|declare|withdraw`: what a tenant may hold of people beyond the standard fields.

use clap::{Args, Subcommand};
use clarion_store::intake::NewDeclaredField;

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct FieldArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The declared fields.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Declare a field: a column of this name is then stored instead of dropped.
    Declare {
        /// As templates name it: `balance_due`.
        name: String,
        /// Why it is held: people read it when they ask.
        #[arg(long)]
        purpose: String,
        #[arg(long)]
        retention_days: i64,
    },
    /// Withdraw a declaration: later files drop the column.
    Withdraw { name: String },
}

pub async fn run(config: &Config, args: &FieldArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { json } => {
            let mut listing = Listing::new(&["field", "purpose", "retention_days", "declared_by"]);
            for field in tenant.declared_fields().await? {
                listing.row([field.name.into(), field.purpose.into(), field.retention_days.into(), field.declared_by.into()]);
            }
            listing.print(*json);
        }
        Verb::Declare { name, purpose, retention_days } => {
            tenant.declare_field(&NewDeclaredField { name, purpose, retention_days: *retention_days }, clock::now()).await?;
            println!("declared {name}");
        }
        Verb::Withdraw { name } => {
            tenant.withdraw_declared_field(name, clock::now()).await?;
            println!("withdrew {name}: later files drop its column");
        }
    }
    Ok(())
}
