//! `clarion trunk list|add`: the configured connections to carriers.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_store::carriers::NewTrunk;

use anyhow::Context;

use crate::config::{Config, read_secret};
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct TrunkArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every trunk with what its nodes last said of it.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Configure a connection.
    Add(Box<AddArgs>),
}

#[derive(Debug, Args)]
struct AddArgs {
    name: String,
    /// TOML with `kind = "smpp"` (host, port, system_id …), `kind = "http"` (url, fields, message_id …) or `kind = "sip"` (hosts, transport, username, price_per_minute, billing_increment …).
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
    /// A file that holds the account's password, or the provider's key, and nothing else.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The tenant whose own it is, or, with --shared, in whose name it is made.
    #[arg(long)]
    tenant: String,
    /// Every tenant's routes may use it.
    #[arg(long)]
    shared: bool,
    /// Segments a second at most.
    #[arg(long)]
    rate: i64,
    /// Of a segment, in ten-thousandths of the currency's unit; what calls cost is among the settings.
    #[arg(long, default_value_t = 0)]
    cost_per_segment: i64,
    #[arg(long, default_value = "GBP")]
    currency: String,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &TrunkArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    match &args.verb {
        Verb::List { json } => list(&store, *json).await,
        Verb::Add(new) => add(&store, new).await,
    }
}

async fn add(store: &clarion_store::Store, args: &AddArgs) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&args.settings).with_context(|| args.settings.display().to_string())?;
    let settings: TrunkSettings = toml::from_str(&text).with_context(|| args.settings.display().to_string())?;
    let secret = args.password_file.as_deref().map(|file| read_secret("--password-file", file)).transpose()?.unwrap_or_default();
    let new = NewTrunk { name: args.name.clone(), settings, secret: secret.into(), rate_per_second: args.rate, cost_per_segment: args.cost_per_segment, currency: args.currency.clone() };
    let id = open::tenant(store, &args.tenant).await?.add_trunk(&new, args.shared, clock::now()).await?;
    if args.json {
        print_json(&serde_json::json!({ "id": id }));
    } else {
        println!("made trunk {} ({id}); it carries nothing until a route names it: clarion route add", args.name);
    }
    Ok(())
}

async fn list(store: &clarion_store::Store, json: bool) -> anyhow::Result<()> {
    let said = store.trunk_status().await?;
    let mut listing = Listing::new(&["id", "name", "kind", "of_tenant", "enabled", "rate_per_second", "state", "reason", "rate_now", "outstanding"]);
    for trunk in store.trunks().await? {
        let last = said.iter().filter(|status| status.trunk == trunk.id).max_by_key(|status| status.seen_at);
        listing.row([
            trunk.id.to_string().into(),
            trunk.name.into(),
            trunk.settings.kind().as_str().into(),
            trunk.tenant.map(|tenant| tenant.to_string()).into(),
            trunk.enabled.into(),
            trunk.rate_per_second.into(),
            last.map(|status| status.state.as_str()).into(),
            last.map(|status| status.reason.as_str()).into(),
            last.map(|status| status.rate_now).into(),
            last.map(|status| status.outstanding).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
