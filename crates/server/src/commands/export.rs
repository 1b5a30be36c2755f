//! `clarion export list|add|secret|now|files|retry|pause|resume|remove`: results that go back to clients.

use clap::{Args, Subcommand};
use clarion_domain::connectors::export::{ExportFormat, ExportTarget};
use clarion_domain::connectors::times::Times;
use clarion_domain::id::{CampaignId, ExportFileId, ExportId, InstructionId};
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::connectors::NewExport;

use crate::config::Config;
use crate::output::{Listing, print_done, print_made, print_secret};
use crate::{clock, open};

const LOG_ROWS: i64 = 100;

#[derive(Debug, Args)]
pub struct ExportArgs {
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
    /// The tenant's exports, the newest first.
    List,
    /// Add an export; the secret that signs what is sent is printed this once.
    #[command(group = clap::ArgGroup::new("to").args(["account", "url"]).required(true))]
    Add {
        name: String,
        /// Under which it goes.
        #[arg(long)]
        instruction: InstructionId,
        /// One campaign; each when left out.
        #[arg(long)]
        campaign: Option<CampaignId>,
        /// So many minutes after a campaign's end; not at its end when left out.
        #[arg(long, value_name = "MINUTES")]
        after_end: Option<i64>,
        /// A schedule: every 4 hours, at 06:00 18:30, or by hand.
        #[arg(long, default_value = "by hand")]
        times: Times,
        /// csv or jsonl.
        #[arg(long, default_value = "csv")]
        format: ExportFormat,
        /// The SFTP account in whose out/ it lies.
        #[arg(long)]
        account: Option<String>,
        /// Where it is sent; {file} in it stands for the file's name.
        #[arg(long)]
        url: Option<String>,
        /// Send it by POST, not by PUT.
        #[arg(long, requires = "url")]
        post: bool,
    },
    /// Make a new secret; the old one ends at once.
    Secret { export: ExportId },
    /// Write one campaign's results now; a running server does it.
    Now { export: ExportId, campaign: CampaignId },
    /// What was written lately.
    Files { export: ExportId },
    /// Send a file again that was given up.
    Retry { export: ExportId, file: ExportFileId },
    Pause { export: ExportId },
    Resume { export: ExportId },
    /// Delete it with its files.
    Remove { export: ExportId },
}

async fn account_named(tenant: &Tenant, name: &str) -> anyhow::Result<clarion_domain::id::SftpAccountId> {
    let found = tenant.sftp_accounts().await?.into_iter().find(|account| account.draft.username == name.to_lowercase());
    found.map(|account| account.id).ok_or_else(|| anyhow::anyhow!("there is no SFTP account called {name}: make it first"))
}

pub async fn run(config: &Config, args: &ExportArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    let (id, done) = match &args.verb {
        Verb::List => return list(&tenant, args.json).await,
        Verb::Files { export } => return files(&tenant, *export, args.json).await,
        Verb::Add { name, instruction, campaign, after_end, times, format, account, url, post } => {
            let new = NewExport {
                name: name.clone(),
                instruction: *instruction,
                campaign: *campaign,
                at_end: after_end.is_some(),
                after_minutes: after_end.unwrap_or(0),
                times: times.clone(),
                format: *format,
                target: match (account, post) {
                    (Some(_), _) => ExportTarget::Sftp,
                    (None, true) => ExportTarget::Post,
                    (None, false) => ExportTarget::Put,
                },
                account: match account {
                    Some(name) => Some(account_named(&tenant, name).await?),
                    None => None,
                },
                url: url.clone().unwrap_or_default(),
            };
            let made = tenant.create_export(&new, now).await?;
            if !made.secret.is_empty() {
                print_secret(&made.id, &made.secret, args.json);
                return Ok(());
            }
            (Some(made.id.to_string()), format!("made export {name} ({}): its files lie in out/", made.id))
        }
        Verb::Secret { export } => {
            print_secret(export, &tenant.rotate_export_secret(*export, now).await?, args.json);
            return Ok(());
        }
        Verb::Now { export, campaign } => {
            let file = tenant.export_now(*export, *campaign, now).await?;
            (Some(file.to_string()), format!("asked for ({file}); how it went: clarion export files {export}"))
        }
        Verb::Retry { export, file } => (None, tenant.retry_export_file(*export, *file, now).await.map(|()| "it is sent again".to_owned())?),
        Verb::Pause { export } => (None, tenant.pause_export(*export, now).await.map(|()| "paused".to_owned())?),
        Verb::Resume { export } => (None, tenant.resume_export(*export, now).await.map(|()| "switched on".to_owned())?),
        Verb::Remove { export } => (None, tenant.delete_export(*export, now).await.map(|()| "removed, with its files".to_owned())?),
    };
    match id {
        Some(id) => print_made(&id, &done, args.json),
        None => print_done(&done, args.json),
    }
    Ok(())
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "name", "instruction", "campaign", "minutes_after_end", "times", "format", "target", "url", "state", "stopped_why", "next_at"]);
    for export in tenant.exports().await? {
        listing.row([
            export.id.to_string().into(),
            export.new.name.into(),
            export.new.instruction.to_string().into(),
            export.new.campaign.map(|campaign| campaign.to_string()).into(),
            export.new.at_end.then_some(export.new.after_minutes).into(),
            export.new.times.to_string().into(),
            export.new.format.as_str().into(),
            export.new.target.as_str().into(),
            export.new.url.into(),
            export.state.as_str().into(),
            export.stopped_why.into(),
            export.next_at.map(Instant::rfc3339).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}

async fn files(tenant: &Tenant, id: ExportId, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["file", "campaign", "name", "state", "rows", "bytes", "tries", "last_status", "last_error", "next_at", "fetched_at", "created_at"]);
    for file in tenant.export_files(id, None, LOG_ROWS).await?.rows {
        listing.row([
            file.id.to_string().into(),
            file.campaign.to_string().into(),
            file.name.into(),
            file.state.as_str().into(),
            file.rows.into(),
            file.bytes.into(),
            file.tries.into(),
            file.last_status.into(),
            file.last_error.into(),
            file.next_at.map(Instant::rfc3339).into(),
            file.fetched_at.map(Instant::rfc3339).into(),
            file.created_at.rfc3339().into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
