//! `clarion suppression list|add|check|lift|import|export`: the numbers that a tenant never contacts.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::compliance::suppression_file::{FILE_BYTES_MAX, SuppressionFileError};
use clarion_domain::id::SuppressionId;
use clarion_store::compliance::SuppressionEntry;
use clarion_store::{StoreError, Tenant};

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

const PAGE_ROWS: i64 = 500;

#[derive(Debug, Args)]
pub struct SuppressionArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(subcommand)]
    verb: Verb,
}

/// What is stopped, why, and how it came.
#[derive(Debug, Args)]
struct Terms {
    /// `sms`, `voice` or `every`; a `wrong_person` is left alone on every channel.
    #[arg(long, default_value = "every")]
    scope: SuppressionScope,
    /// `tenant_list`, `opt_out`, `objection`, `wrong_person` or `carrier_block`.
    #[arg(long, default_value = "tenant_list")]
    reason: SuppressionReason,
    /// A ticket's reference, the name of a list. No names or numbers.
    #[arg(long, default_value = "")]
    source: String,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The list, the newest first, numbers masked.
    List {
        /// Only those with this reason.
        #[arg(long)]
        reason: Option<SuppressionReason>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: i64,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Put a number on the list.
    Add {
        number: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// What the list says about a number.
    Check {
        number: String,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Take an entry off the list; the tombstone of an erased person stays.
    Lift {
        id: SuppressionId,
        /// Why the person may be contacted again; kept in the audit.
        #[arg(long)]
        why: String,
    },
    /// Put every number of a text or CSV file on the list.
    Import {
        file: PathBuf,
        #[command(flatten)]
        terms: Terms,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Write the list to a file as CSV, or print it. Whole numbers stand in it; it is audited.
    Export { file: Option<PathBuf> },
}

pub async fn run(config: &Config, args: &SuppressionArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List { reason, limit, json } => list(&tenant, *reason, *limit, *json).await,
        Verb::Add { number, terms } => {
            let added = tenant.suppress(number, terms.scope, terms.reason, &terms.source, clock::now()).await?;
            println!("{}", if added { "suppressed" } else { "stood on the list already" });
            Ok(())
        }
        Verb::Check { number, json } => {
            let e164 = tenant.read_number(number).await?.ok_or_else(|| StoreError::Invalid("this is no phone number: write it with its country code".into()))?;
            print(tenant.suppressions_of(&e164).await?, *json);
            Ok(())
        }
        Verb::Lift { id, why } => {
            tenant.unsuppress(*id, why, clock::now()).await?;
            println!("taken off the list");
            Ok(())
        }
        Verb::Import { file, terms, json } => import(&tenant, file, terms, *json).await,
        Verb::Export { file } => export(&tenant, file.as_ref()).await,
    }
}

async fn list(tenant: &Tenant, reason: Option<SuppressionReason>, limit: i64, json: bool) -> anyhow::Result<()> {
    let (mut entries, mut before) = (Vec::new(), None);
    while (entries.len() as i64) < limit {
        let page = tenant.suppressions(reason, before, PAGE_ROWS.min(limit - entries.len() as i64)).await?;
        entries.extend(page.rows);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    print(entries, json);
    Ok(())
}

fn print(entries: Vec<SuppressionEntry>, json: bool) {
    let mut listing = Listing::new(&["id", "number", "scope", "reason", "source", "by", "since"]);
    for entry in entries {
        let number = if entry.number.is_empty() { "erased".into() } else { entry.number.masked() };
        listing.row([
            entry.id.to_string().into(),
            number.into(),
            entry.scope.as_str().into(),
            entry.reason.as_str().into(),
            entry.source.into(),
            entry.created_by.into(),
            entry.created_at.rfc3339().into(),
        ]);
    }
    listing.print(json);
}

async fn import(tenant: &Tenant, file: &std::path::Path, terms: &Terms, json: bool) -> anyhow::Result<()> {
    let length = tokio::fs::metadata(file).await.with_context(|| file.display().to_string())?.len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(StoreError::Invalid(SuppressionFileError::TooLarge.to_string()).into());
    }
    let bytes = tokio::fs::read(file).await.with_context(|| file.display().to_string())?;
    let result = tenant.import_suppressions(&bytes, terms.scope, terms.reason, &terms.source, clock::now()).await?;
    if json {
        print_json(&serde_json::json!({ "added": result.added, "known": result.known, "rejected": result.rejected, "rejected_lines": result.rejects }));
        return Ok(());
    }
    let mut listing = Listing::new(&["lines", "n"]);
    for (what, n) in [("added", result.added), ("known already", result.known), ("without a number", result.rejected)] {
        listing.row([what.into(), n.into()]);
    }
    listing.print(false);
    if !result.rejects.is_empty() {
        println!("lines without a number: {}", result.rejects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

async fn export(tenant: &Tenant, file: Option<&PathBuf>) -> anyhow::Result<()> {
    let mut out: Box<dyn Write> = match file {
        Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create(path).with_context(|| path.display().to_string())?)),
        None => Box::new(std::io::stdout().lock()),
    };
    tenant.audit_alone(clock::now(), Act::Exported, "suppression", 0, "the list").await?;
    let mut after = None;
    loop {
        let (text, next) = tenant.suppression_csv(after.as_ref()).await?;
        out.write_all(text.as_bytes())?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(out.flush()?)
}
