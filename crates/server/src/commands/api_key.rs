//! `clarion api-key create|list|revoke`: a program's way in. The secret is shown once.

use clap::{Args, Subcommand};
use clarion_domain::id::ApiKeyId;
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::Instant;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct ApiKeyArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key and print its secret, which nobody can be shown again.
    Create {
        /// Which program uses it.
        name: String,
        /// What it may do: owner, manager, supervisor, agent, privacy_officer or viewer.
        #[arg(long)]
        role: Role,
        /// For whom it acts: it may never do more than they may, and ends when they are deactivated. For nobody in particular when left out.
        #[arg(long = "for", value_name = "USERNAME")]
        user: Option<String>,
    },
    /// Every key, revoked ones too, the newest first; without their secrets.
    List,
    /// End a key: its next request is refused.
    Revoke { key: ApiKeyId },
}

pub async fn run(config: &Config, args: &ApiKeyArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::Create { name, role, user } => {
            let user = match user {
                Some(named) => Some(super::user::find(&tenant, named).await?.id),
                None => None,
            };
            let (key, secret) = tenant.create_api_key_for(user, name, *role, clock::now()).await?;
            if args.json {
                print_json(&serde_json::json!({ "id": key.id, "name": key.name, "role": key.role, "secret": secret }));
            } else {
                println!("made key {} ({}), {}", key.name, key.id, key.role);
                println!("secret, shown this once: {secret}");
            }
        }
        Verb::List => {
            let mut listing = Listing::new(&["id", "name", "role", "for", "created_by", "created_at", "used_at", "revoked_at"]);
            let written = |at: Option<Instant>| at.map(|at| at.rfc3339());
            for key in tenant.api_keys(None, i64::from(u32::MAX)).await?.rows {
                let (used, revoked) = (written(key.used_at), written(key.revoked_at));
                listing.row([key.id.to_string().into(), key.name.into(), key.role.as_str().into(), key.user.map(|user| user.to_string()).into(), key.created_by.into(), key.created_at.rfc3339().into(), used.into(), revoked.into()]);
            }
            listing.print(args.json);
        }
        Verb::Revoke { key } => {
            tenant.revoke_api_key(*key, clock::now()).await?;
            println!("revoked {key}");
        }
    }
    Ok(())
}
