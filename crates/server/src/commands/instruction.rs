//! `clarion instruction list|record|replace|revoke`: what clients told us to do with their data.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::id::InstructionId;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::connectors::NewInstruction;

use crate::config::Config;
use crate::output::{Listing, print_done, print_made};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct InstructionArgs {
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
    /// Every version of every instruction, the newest first.
    List,
    /// Record an instruction.
    Record {
        /// pull or export.
        kind: InstructionKind,
        /// The client's own reference.
        reference: String,
        #[command(flatten)]
        agreed: Agreed,
    },
    /// Replace the version that holds by a new one; what works under it works under the new one.
    Replace {
        instruction: InstructionId,
        #[command(flatten)]
        agreed: Agreed,
    },
    /// End it at once, with all that works under it.
    Revoke {
        instruction: InstructionId,
        /// Who revoked it, and why.
        #[arg(long)]
        why: String,
    },
}

#[derive(Debug, Args)]
struct Agreed {
    /// A field that was agreed, such as phone; again for more.
    #[arg(long = "field", required = true)]
    fields: Vec<String>,
    /// What the data is for, as it was agreed.
    #[arg(long)]
    purpose: String,
    /// contract, legitimate_interest, consent or legal_obligation.
    #[arg(long)]
    legal_basis: LegalBasis,
    /// Who agreed on the client's side.
    #[arg(long)]
    agreed_by: String,
    /// Such as 2026-11-23T00:00:00Z; now when left out.
    #[arg(long)]
    from: Option<String>,
    #[arg(long)]
    until: String,
}

fn time(text: &str, option: &'static str) -> anyhow::Result<Instant> {
    text.parse::<jiff::Timestamp>().map(Instant::from).with_context(|| format!("{option}: write it as 2026-11-23T00:00:00Z"))
}

impl Agreed {
    fn read(&self, kind: InstructionKind, reference: &str, now: Instant) -> anyhow::Result<NewInstruction> {
        Ok(NewInstruction {
            kind,
            reference: reference.to_owned(),
            fields: self.fields.clone(),
            purpose: self.purpose.clone(),
            legal_basis: self.legal_basis,
            agreed_by: self.agreed_by.clone(),
            valid_from: self.from.as_deref().map_or(Ok(now), |text| time(text, "--from"))?,
            valid_until: time(&self.until, "--until")?,
        })
    }
}

pub async fn run(config: &Config, args: &InstructionArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    match &args.verb {
        Verb::List => list(&tenant, now, args.json).await?,
        Verb::Record { kind, reference, agreed } => {
            let id = tenant.record_instruction(&agreed.read(*kind, reference, now)?, now).await?;
            print_made(&id, &format!("recorded {reference} ({id})"), args.json);
        }
        Verb::Replace { instruction, agreed } => {
            let held = tenant.instruction(*instruction).await?;
            let id = tenant.replace_instruction(*instruction, &agreed.read(held.new.kind, &held.new.reference, now)?, now).await?;
            print_made(&id, &format!("version {} of {} holds now ({id})", held.version + 1, held.new.reference), args.json);
        }
        Verb::Revoke { instruction, why } => {
            tenant.revoke_instruction(*instruction, why, now).await?;
            print_done("revoked: what worked under it has stopped", args.json);
        }
    }
    Ok(())
}

async fn list(tenant: &Tenant, now: Instant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "kind", "reference", "version", "standing", "fields", "purpose", "legal_basis", "agreed_by", "valid_from", "valid_until", "recorded_by", "recorded_at", "revoked_why"]);
    for record in tenant.instructions().await? {
        listing.row([
            record.id.to_string().into(),
            record.new.kind.as_str().into(),
            record.new.reference.as_str().into(),
            record.version.into(),
            record.standing(now).as_str().into(),
            record.new.fields.join(" ").into(),
            record.new.purpose.as_str().into(),
            record.new.legal_basis.as_str().into(),
            record.new.agreed_by.as_str().into(),
            record.new.valid_from.rfc3339().into(),
            record.new.valid_until.rfc3339().into(),
            record.recorded_by.into(),
            record.recorded_at.rfc3339().into(),
            record.revoked_why.into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
