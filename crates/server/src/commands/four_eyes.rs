//! `clarion four-eyes show|set`: which acts of a tenant wait for a second person.

use clap::{Args, Subcommand};
use clarion_domain::tenancy::four_eyes::FourEyes;
use clarion_store::tenancy::Carried;

use super::approval;
use crate::config::Config;
use crate::output::print_json;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct FourEyesArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Which acts wait, as JSON.
    Show,
    /// Say which acts wait; what is left out waits for nobody. Asking less often waits for a user of the tenant.
    Set {
        /// To erase a list with more people than this, or take an import back that brought more.
        #[arg(long, value_name = "PEOPLE")]
        erase_list_above: Option<u32>,
        /// To start or schedule a campaign for more people than this.
        #[arg(long, value_name = "PEOPLE")]
        start_campaign_above: Option<u32>,
        /// To make the tenant's own limits wider.
        #[arg(long)]
        raise_limits: bool,
    },
}

pub async fn run(config: &Config, args: &FourEyesArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    if let Verb::Set { erase_list_above, start_campaign_above, raise_limits } = args.verb {
        let policy = FourEyes { erase_list_above, start_campaign_above, raise_limits };
        if let Carried::Waits(id) = tenant.set_four_eyes(policy, clock::now()).await? {
            println!("{}", approval::waits(id));
            return Ok(());
        }
    }
    print_json(&serde_json::to_value(tenant.record().await?.four_eyes)?);
    Ok(())
}
