//! `clarion create-user`: somebody who signs in to the portal.

use std::io::{BufRead, IsTerminal};

use anyhow::Context;
use clap::Args;
use clarion_domain::tenancy::role::Role;
use clarion_store::tenancy::NewUser;

use crate::config::Config;
use crate::output::print_json;
use crate::{clock, open, password};

#[derive(Debug, Args)]
pub struct CreateUserArgs {
    /// What they sign in with.
    username: String,
    /// Short name or identifier of the tenant.
    #[arg(long)]
    tenant: String,
    /// The name that colleagues read; the username when left out.
    #[arg(long)]
    name: Option<String>,
    /// owner, manager, supervisor, agent, privacy_officer, viewer or auditor.
    #[arg(long, default_value_t = Role::Owner)]
    role: Role,
    /// Read the password from standard input; otherwise one is made and printed once.
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &CreateUserArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let display_name = args.name.as_deref().unwrap_or(&args.username);
    let (password, made) = if args.password_stdin { (from_stdin()?, false) } else { (password::make()?, true) };
    let record = tenant.record().await?;
    clarion_edge::check_password(&password, &[&args.username, display_name, &record.name, &record.slug])?;
    let hash = clarion_edge::hash_password(&password).await?;
    let new = NewUser { username: &args.username, display_name, role: args.role, password_hash: &hash };
    let id = tenant.create_user(&new, clock::now()).await?;
    if args.json {
        let shown = made.then_some(&password);
        print_json(&serde_json::json!({ "id": id, "username": args.username, "role": args.role, "password": shown }));
    } else {
        println!("made user {} ({id}), {}", args.username, args.role);
        if made {
            println!("password, shown this once: {password}");
        }
    }
    Ok(())
}

pub fn from_stdin() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("password (it will be seen as you type): ");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("the password could not be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
