//! `clarion sender list|add|confirm`: the names and numbers that a tenant may send from.

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct SenderArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The tenant's senders.
    List {
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Allow a sender, with why the tenant may use it.
    Add {
        /// A name of at most 11 characters, a short code, or a number.
        value: String,
        /// A registration, a contract, a letter of authority.
        #[arg(long)]
        evidence: String,
        /// People can reply to it.
        #[arg(long)]
        takes_replies: bool,
    },
    /// Say of a number that calls show that it is answered, and how it is known that it takes calls. What is left out is taken back.
    Confirm {
        value: String,
        /// Somebody, or an announcement, answers it day and night.
        #[arg(long)]
        answered: bool,
        /// For a mobile number: a test call, a letter of authority.
        #[arg(long, default_value = "")]
        takes_calls: String,
    },
}

pub async fn run(config: &Config, args: &SenderArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { json } => {
            let mut listing = Listing::new(&["sender", "kind", "takes_replies", "evidence", "answered_since", "takes_calls"]);
            for sender in tenant.senders().await? {
                listing.row([sender.value.into(), sender.kind.as_str().into(), sender.takes_replies.into(), sender.evidence.into(), sender.answered_at.map(|at| at.rfc3339()).into(), sender.inbound_evidence.into()]);
            }
            listing.print(*json);
        }
        Verb::Add { value, evidence, takes_replies } => {
            tenant.add_sender(value, *takes_replies, evidence, clock::now()).await?;
            println!("added sender {value}");
        }
        Verb::Confirm { value, answered, takes_calls } => {
            let sender = tenant.attest_sender(value, *answered, takes_calls, clock::now()).await?;
            println!("{value}: {}, {}", if sender.answered_at.is_some() { "answered day and night" } else { "not known to be answered" }, if sender.inbound_at.is_some() { "known to take calls" } else { "no proof that it takes calls" });
        }
    }
    Ok(())
}
