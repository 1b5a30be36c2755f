//! `clarion create-tenant`: a client organisation, the controller of the data that it loads.

use anyhow::bail;
use clap::Args;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_store::tenancy::NewTenant;

use crate::config::Config;
use crate::output::print_json;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct CreateTenantArgs {
    /// Short name: lower-case letters, digits and hyphens.
    short_name: String,
    /// The name as people read it.
    #[arg(long)]
    name: String,
    /// Country by which numbers without a country code are read.
    #[arg(long, default_value = "GB")]
    region: String,
    /// IANA zone in which the tenant's users read times.
    #[arg(long, default_value = "Europe/London")]
    zone: String,
    /// What a person who replies HELP reads.
    #[arg(long, default_value = "")]
    help_text: String,
    /// `production` refuses numbers reserved for drama and tests; `demo` refuses all others.
    #[arg(long, default_value_t = NumberMode::Production)]
    numbers: NumberMode,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &CreateTenantArgs) -> anyhow::Result<()> {
    if args.region.len() != 2 || !args.region.bytes().all(|byte| byte.is_ascii_uppercase()) {
        bail!("--region {:?} is not a country: write two capital letters, such as GB", args.region);
    }
    if config.demo.clock_ahead_seconds != 0 && args.numbers == NumberMode::Production {
        bail!("demo.clock_ahead_seconds is set: a tenant with real numbers needs the real time; remove it, or add --numbers demo");
    }
    let store = open::store(config).await?;
    let help = if args.help_text.is_empty() { format!("{}: reply STOP to end these messages.", args.name) } else { args.help_text.clone() };
    let new = NewTenant { slug: &args.short_name, name: &args.name, number_mode: args.numbers, default_region: &args.region, zone: &args.zone, help_text: &help };
    let id = store.create_tenant(&new, clock::now()).await?;
    if args.json {
        print_json(&serde_json::json!({ "id": id, "short_name": args.short_name }));
    } else {
        println!("made tenant {} ({id})", args.short_name);
    }
    Ok(())
}
