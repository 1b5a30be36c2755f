//! `clarion target list|add|remove|free`: the lines to which calls put people through.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::carriers::sip_settings::{SipTransport, VoiceCodec};
use clarion_domain::carriers::transfer_target::{AudioEncryption, SipLine};
use clarion_domain::id::TransferTargetId;
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::Week;
use clarion_store::{StoreError, Tenant};

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct TargetArgs {
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
    /// The tenant's transfer targets by group and priority.
    List,
    /// Add a line.
    Add(AddArgs),
    /// Remove a line.
    Remove {
        /// Its identifier or name.
        target: String,
    },
    /// Say how many agents are free, as the call centre does over the API.
    Free {
        /// Its identifier or name.
        target: String,
        /// Left out: back to the fixed capacity.
        agents: Option<u32>,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    name: String,
    /// A number with its country code, or sip:user@host.
    address: String,
    /// How a SIP address is reached: udp, tcp or tls.
    #[arg(long, default_value_t = SipTransport::Udp)]
    transport: SipTransport,
    /// Audio toward it, the preferred codec first.
    #[arg(long, value_delimiter = ',', default_values_t = [VoiceCodec::Pcma, VoiceCodec::Pcmu])]
    codecs: Vec<VoiceCodec>,
    /// Encrypted audio: never, offered (where its side can) or required.
    #[arg(long, default_value_t = AudioEncryption::Offered)]
    encryption: AudioEncryption,
    /// With TLS: SHA-256 of its certificate.
    #[arg(long, default_value = "")]
    tls_pin_sha256: String,
    /// With TLS: a PEM file with the authority that signed its certificate, when that is not a public one.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<std::path::PathBuf>,
    /// What scripts call it.
    #[arg(long, default_value = "agents")]
    group: String,
    /// Calls at the same time, at most.
    #[arg(long, default_value_t = 1)]
    capacity: u32,
    /// The lowest is asked first.
    #[arg(long, default_value_t = 1)]
    priority: i64,
    /// Hours of Monday to Friday, such as 09:00-17:00; always when left out.
    #[arg(long, value_name = "SPANS")]
    weekdays: Option<String>,
    /// Hours of Saturday and Sunday.
    #[arg(long, value_name = "SPANS", requires = "weekdays")]
    weekend: Option<String>,
}

impl AddArgs {
    fn line(&self) -> anyhow::Result<SipLine> {
        let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
        let tls_ca_pem = self.tls_ca.as_ref().map(read).transpose()?.unwrap_or_default();
        Ok(SipLine { transport: self.transport, codecs: self.codecs.clone(), encryption: self.encryption, tls_ca_pem, tls_pin_sha256: self.tls_pin_sha256.clone() })
    }

    fn hours(&self) -> Week {
        let (day, weekend) = (self.weekdays.clone().unwrap_or_default(), self.weekend.clone().unwrap_or_default());
        Week { saturday: weekend.clone(), sunday: weekend, ..Week::daily(&day) }
    }
}

pub async fn run(config: &Config, args: &TargetArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List => {
            let mut listing = Listing::new(&["id", "group", "name", "address", "capacity", "free", "priority", "enabled"]);
            for record in tenant.transfer_targets().await? {
                let target = record.target;
                let free = record.told.map(|(free, _)| free);
                listing.row([record.id.to_string().into(), target.group.into(), target.name.into(), target.address.into(), target.capacity.into(), free.into(), target.priority.into(), target.enabled.into()]);
            }
            listing.print(args.json);
        }
        Verb::Add(new) => {
            let target = NewTransferTarget { group: new.group.clone(), name: new.name.clone(), address: new.address.clone(), line: new.line()?, hours: new.hours(), capacity: new.capacity, priority: new.priority, enabled: true };
            let id = tenant.add_transfer_target(&target, clock::now()).await?;
            if args.json { print_json(&serde_json::json!({ "id": id })) } else { println!("added transfer target {} ({id})", new.name) }
        }
        Verb::Remove { target } => tenant.delete_transfer_target(find(&tenant, target).await?, clock::now()).await?,
        Verb::Free { target, agents } => tenant.tell_free_agents(find(&tenant, target).await?, *agents, clock::now()).await?,
    }
    Ok(())
}

async fn find(tenant: &Tenant, named: &str) -> anyhow::Result<TransferTargetId> {
    let records = tenant.transfer_targets().await?;
    let found = records.iter().find(|record| record.target.name == named || record.id.to_string() == named).map(|record| record.id);
    found.ok_or(StoreError::NotFound("transfer target")).with_context(|| {
        let names: Vec<_> = records.iter().map(|record| record.target.name.as_str()).collect();
        format!("{named:?}: there are {}", if names.is_empty() { "none; add one with `clarion target add`".to_owned() } else { names.join(", ") })
    })
}
