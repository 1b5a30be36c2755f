//! `clarion script list|add|check|remove`: what calls say and ask.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_store::{StoreError, Tenant};

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct ScriptArgs {
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
    /// The scripts that were kept.
    List,
    /// Keep a script under a name; one of that name is replaced.
    Add { name: String, file: PathBuf },
    /// Every fault of a script with its step, one a line, or the script as a tree.
    Check { file: PathBuf },
    /// Forget a script; campaigns keep the one that they were given.
    Remove { name: String },
}

pub async fn run(config: &Config, args: &ScriptArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List => list(&tenant, args.json).await,
        Verb::Add { name, file } => add(&tenant, name, file, args.json).await,
        Verb::Check { file } => check(&tenant, &read(file)?, args.json).await,
        Verb::Remove { name } => {
            let script = tenant.scripts().await?.into_iter().find(|script| script.name == *name).ok_or(StoreError::NotFound("script"))?;
            tenant.delete_script(script.id, clock::now()).await?;
            if !args.json {
                println!("removed script {name}");
            }
            Ok(())
        }
    }
}

pub fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "name", "faults", "kept_at"]);
    for script in tenant.scripts().await? {
        let faults = tenant.check_script(&script.body).await?.err().map_or(0, |faults| faults.len());
        listing.row([script.id.to_string().into(), script.name.into(), faults.into(), script.created_at.rfc3339().into()]);
    }
    listing.print(json);
    Ok(())
}

async fn add(tenant: &Tenant, name: &str, file: &Path, json: bool) -> anyhow::Result<()> {
    let body = read(file)?;
    let id = match tenant.scripts().await?.into_iter().find(|script| script.name == name) {
        Some(old) => {
            tenant.change_script(old.id, name, &body, clock::now()).await?;
            old.id
        }
        None => tenant.create_script(name, &body, clock::now()).await?,
    };
    let faults = tenant.check_script(&body).await?.err().unwrap_or_default();
    if json {
        print_json(&serde_json::json!({ "id": id, "faults": faults.iter().map(ToString::to_string).collect::<Vec<_>>() }));
        return Ok(());
    }
    println!("kept script {name} ({id})");
    faults.iter().for_each(|fault| println!("  before it can be used: {fault}"));
    Ok(())
}

async fn check(tenant: &Tenant, body: &str, json: bool) -> anyhow::Result<()> {
    match tenant.check_script(body).await? {
        Ok(script) if json => print_json(&serde_json::json!({ "faults": [], "tree": script.tree_text() })),
        Ok(script) => print!("{}", script.tree_text()),
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            if json {
                print_json(&serde_json::json!({ "faults": faults }));
            }
            return Err(StoreError::Invalid(format!("the script cannot be used:\n  {}", faults.join("\n  "))).into());
        }
    }
    Ok(())
}
