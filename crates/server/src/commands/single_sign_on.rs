//! `clarion single-sign-on show|set|remove`: a tenant's identity provider.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::tenancy::role::Role;
use clarion_store::StoreError;
use clarion_store::tenancy::{NewSingleSignOn, SingleSignOn};

use crate::config::Config;
use crate::output::print_json;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct SingleSignOnArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The provider, as JSON, without its secret.
    Show,
    /// Set it; what is left out is empty, but for the secret, which stays.
    Set {
        /// Its address, as it calls itself.
        issuer: String,
        #[arg(long)]
        client_id: String,
        /// A file that holds the client's secret and nothing else.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// The claim whose values give roles.
        #[arg(long, default_value = "")]
        role_claim: String,
        /// Which value gives which role, as value=role; again for more.
        #[arg(long = "role", value_name = "VALUE=ROLE", value_parser = value_and_role)]
        roles: Vec<(String, Role)>,
        /// Nobody but the break-glass owner signs in by another way.
        #[arg(long)]
        only_way: bool,
        /// The owner who may sign in with a password all the same.
        #[arg(long, value_name = "USERNAME")]
        break_glass: Option<String>,
    },
    /// Remove it: everybody signs in with a password again.
    Remove,
}

fn value_and_role(text: &str) -> Result<(String, Role), String> {
    let (value, role) = text.rsplit_once('=').ok_or("write it as value=role")?;
    Ok((value.to_owned(), role.parse().map_err(|error: clarion_domain::id::UnknownWord| error.to_string())?))
}

pub async fn run(config: &Config, args: &SingleSignOnArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::Show => {}
        Verb::Set { issuer, client_id, secret_file, role_claim, roles, only_way, break_glass } => {
            let secret = match secret_file {
                Some(path) => Some(std::fs::read_to_string(path).with_context(|| path.display().to_string())?.trim().to_owned()),
                None => None,
            };
            let break_glass = match break_glass {
                Some(named) => Some(super::user::find(&tenant, named).await?.id),
                None => None,
            };
            let roles: BTreeMap<String, Role> = roles.iter().cloned().collect();
            let settings = SingleSignOn { issuer: issuer.clone(), client_id: client_id.clone(), has_secret: false, role_claim: role_claim.clone(), roles, only_way: *only_way, break_glass };
            tenant.set_single_sign_on(&NewSingleSignOn { settings: &settings, secret: secret.as_deref() }, clock::now()).await?;
        }
        Verb::Remove => {
            tenant.remove_single_sign_on(clock::now()).await?;
            println!("removed");
            return Ok(());
        }
    }
    let held = tenant.single_sign_on().await?.ok_or(StoreError::NotFound("single sign-on"))?;
    print_json(&serde_json::json!({
        "issuer": held.issuer, "client_id": held.client_id, "has_secret": held.has_secret, "role_claim": held.role_claim, "roles": held.roles,
        "only_way": held.only_way, "break_glass": held.break_glass,
    }));
    Ok(())
}
