//! `clarion trunk list|add|change|disable|enable`: the configured connections to carriers.

mod change;
mod list;
mod settings;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clarion_store::carriers::NewTrunk;

use crate::config::{Config, read_secret};
use crate::output::print_json;
use crate::{clock, open};

pub use change::must_be_said;

#[derive(Debug, Args)]
pub struct TrunkArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every trunk with what a server last said of it.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Configure a connection.
    Add(Box<AddArgs>),
    /// Change what is said of a connection; the rest stays as it is.
    Change(Box<change::ChangeArgs>),
    /// Let nothing more go over a connection. None is deleted: attempts and what they cost refer to it, and disabling is enough.
    Disable(change::WhichArgs),
    /// Use a disabled connection again.
    Enable(change::WhichArgs),
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
    /// Segments a second at most; of a SIP trunk, calls.
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
        Verb::List { json } => list::run(&store, *json).await,
        Verb::Add(new) => add(&store, new).await,
        Verb::Change(args) => change::run(&store, args).await,
        Verb::Disable(which) => change::enable(&store, which, false).await,
        Verb::Enable(which) => change::enable(&store, which, true).await,
    }
}

async fn add(store: &clarion_store::Store, args: &AddArgs) -> anyhow::Result<()> {
    let settings = settings::read(&args.settings)?;
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
