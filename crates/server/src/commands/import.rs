//! `clarion import FILE`: loads a contact file, as the portal does, and shows what became of its rows.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use clarion_domain::id::ImportId;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_engine::intake::FileLimits;
use clarion_store::intake::{ImportProposal, ImportRecord, NewImport};
use clarion_store::{Store, Tenant};
use tokio::io::AsyncReadExt;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::progress::Progress;
use crate::{clock, exit, open};

const READ_BYTES: usize = 256 * 1024;
/// How often a load in another process is looked at.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// CSV or XLSX.
    file: PathBuf,
    /// Short name or identifier of the tenant.
    #[arg(long)]
    tenant: String,
    /// The list that the contacts are put on; made when there is none of this name.
    #[arg(long)]
    list: String,
    /// `field=Column`, for each column that the proposal does not guess: phone, reference, first_name, last_name,
    /// user_id, or a declared field. `field=` drops what was guessed for it.
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<String>,
    /// Load without asking: the proposed columns, and a file that was loaded before.
    #[arg(long)]
    yes: bool,
    /// Write the refused lines to this file: line, column and reason.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let id = upload(&tenant, args).await?;
    let record = follow(&store, &tenant, id, args).await?;
    print(&tenant, &record, args).await?;
    if let Some(path) = &args.rejects {
        write_rejects(&tenant, id, path).await?;
    }
    if record.state == ImportState::Loaded {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("clarion: nothing was loaded: {}", if record.error.is_empty() { record.state.as_str() } else { &record.error });
    Ok(exit::wrong())
}

/// Hands the file over in pieces, sealed as they come.
async fn upload(tenant: &Tenant, args: &ImportArgs) -> anyhow::Result<ImportId> {
    let path = &args.file;
    let mut file = tokio::fs::File::open(path).await.with_context(|| path.display().to_string())?;
    let length = file.metadata().await?.len();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    anyhow::ensure!(!file.metadata().await?.is_dir(), "{} is a folder: name a CSV or XLSX file", path.display());
    // The list is made when the file is known to be one: a refused file leaves none behind.
    let new = NewImport { accept_repeat: args.yes, ..NewImport::new(ImportSource::Command, &name) };
    let mut upload = tenant.begin_import(&new, clock::now()).await?;
    let (progress, mut buffer, mut done) = (Progress::new("reading"), vec![0; READ_BYTES], 0);
    loop {
        let read = match file.read(&mut buffer).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                upload.abort().await?;
                return Err(error).with_context(|| path.display().to_string());
            }
        };
        if let Err(error) = upload.write(&buffer[..read]).await {
            upload.abort().await?;
            return Err(error.into());
        }
        done += read as u64;
        progress.at(done, length);
    }
    progress.end();
    Ok(upload.finish(clock::now()).await?.0)
}

/// Moves the import on until it has ended. A server on the same database may do the work: then this looks on.
async fn follow(store: &Store, tenant: &Tenant, id: ImportId, args: &ImportArgs) -> anyhow::Result<ImportRecord> {
    let worker = tokio::spawn(clarion_engine::intake::run(store.clone(), FileLimits::default(), clock::now));
    let ended = look_on(tenant, id, args).await;
    worker.abort();
    // Until it has let go: in the middle of a statement it would go on into the end of the runtime, and panic for want of a clock.
    let _ = worker.await;
    ended
}

async fn look_on(tenant: &Tenant, id: ImportId, args: &ImportArgs) -> anyhow::Result<ImportRecord> {
    let progress = Progress::new("loading");
    let ended = loop {
        let record = tenant.import(id).await?;
        match record.state {
            ImportState::Loaded | ImportState::Failed | ImportState::Cancelled | ImportState::Undone => break record,
            ImportState::AwaitingRepeat => {
                confirm(args, "this file was loaded before; load it again?", tenant, id).await?;
                tenant.confirm_repeat(id, clock::now()).await?;
            }
            ImportState::AwaitingMapping => {
                let proposal = record.proposal.context("the file has no head")?;
                if let Err(error) = confirm_columns(tenant, id, &proposal, args).await {
                    // Nobody will come back to it: nothing of the file stays.
                    if tenant.import(id).await?.state == ImportState::AwaitingMapping {
                        tenant.cancel_import(id, clock::now()).await?;
                    }
                    return Err(error);
                }
            }
            ImportState::Loading => progress.at(record.rows_read.unsigned_abs(), record.rows_total.unwrap_or(0).unsigned_abs()),
            ImportState::Receiving | ImportState::Received | ImportState::Ready | ImportState::Undoing => {}
        }
        tokio::time::sleep(LOOK).await;
    };
    progress.end();
    Ok(ended)
}

async fn confirm_columns(tenant: &Tenant, id: ImportId, proposal: &ImportProposal, args: &ImportArgs) -> anyhow::Result<()> {
    let mapping = mapped(proposal, &args.map)?;
    show(proposal, &mapping);
    if mapping.position_of(StandardField::Phone).is_none() {
        bail!("no column is the phone number: say which one holds it with --map phone=COLUMN. Nothing was loaded");
    }
    tenant.check_mapping(&mapping, proposal.headers.len()).await?;
    confirm(args, "load these columns?", tenant, id).await?;
    let list = tenant.list_named(&args.list, clock::now()).await?;
    Ok(tenant.confirm_mapping(id, &mapping, Some(list), clock::now()).await?)
}

/// Asks; a no, or nobody to ask, cancels the import.
async fn confirm(args: &ImportArgs, question: &str, tenant: &Tenant, id: ImportId) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    if std::io::stdin().is_terminal() {
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        tenant.cancel_import(id, clock::now()).await?;
        bail!("nothing was loaded");
    }
    tenant.cancel_import(id, clock::now()).await?;
    bail!("{question} Nobody is there to answer: add --yes. Nothing was loaded")
}

/// The proposal with what the command line says over it.
fn mapped(proposal: &ImportProposal, overrides: &[String]) -> anyhow::Result<Mapping> {
    let mut mapping = proposal.mapping.clone();
    for text in overrides {
        let (field, column) = text.split_once('=').with_context(|| format!("--map {text}: write field=Column"))?;
        let used = field.parse::<StandardField>().map_or_else(|_| ColumnUse::Declared(field.to_owned()), ColumnUse::Standard);
        for known in mapping.columns.iter_mut().filter(|known| **known == used) {
            *known = ColumnUse::Dropped;
        }
        if column.is_empty() {
            continue;
        }
        let place = proposal.headers.iter().position(|header| header.trim().eq_ignore_ascii_case(column.trim()));
        let place = place.with_context(|| format!("--map {text}: the file has no such column; it has {}", proposal.headers.join(", ")))?;
        mapping.columns[place] = used;
    }
    Ok(mapping)
}

fn show(proposal: &ImportProposal, mapping: &Mapping) {
    eprintln!("{}", proposal.format.sentence);
    for (header, used) in proposal.headers.iter().zip(&mapping.columns) {
        eprintln!("  {header:<24} {}", used.field().unwrap_or("dropped: never stored"));
    }
}

async fn print(tenant: &Tenant, record: &ImportRecord, args: &ImportArgs) -> anyhow::Result<()> {
    let counts: BTreeMap<_, _> = tenant.import_counts(record.id).await?.into_iter().map(|(reason, n)| (reason.as_str(), n)).collect();
    if args.json {
        print_json(&serde_json::json!({
            "id": record.id, "state": record.state, "rows_read": record.rows_read, "rows_loaded": record.rows_loaded, "rows_updated": record.rows_updated,
            "rows_rejected": record.rows_rejected, "by_reason": counts, "dropped_columns": record.dropped_columns(), "error": record.error,
        }));
        return Ok(());
    }
    let mut listing = Listing::new(&["rows", "n"]);
    for (what, n) in [("read", record.rows_read), ("new", record.rows_loaded), ("updated", record.rows_updated), ("refused", record.rows_rejected)] {
        listing.row([what.into(), n.into()]);
    }
    for (reason, n) in counts {
        listing.row([format!("  {}", reason.replace('_', " ")).into(), n.into()]);
    }
    listing.print(false);
    if !record.dropped_columns().is_empty() {
        println!("dropped, never stored: {}", record.dropped_columns().join(", "));
    }
    Ok(())
}

async fn write_rejects(tenant: &Tenant, id: ImportId, path: &Path) -> anyhow::Result<()> {
    let (mut text, mut after) = (String::new(), None);
    loop {
        let (page, next) = tenant.reject_csv(id, after.as_ref()).await?;
        text.push_str(&page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_over_the_proposal() {
        let headers = ["Mobile", "Name", "Acct"].map(String::from).to_vec();
        let columns = vec![ColumnUse::Standard(StandardField::Phone), ColumnUse::Dropped, ColumnUse::Standard(StandardField::Reference)];
        let proposal = ImportProposal { format: Default::default(), headers, mapping: Mapping { columns } };
        let read = |texts: &[&str]| mapped(&proposal, &texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let mapping = read(&["first_name=name", "reference=", "user_id=Acct"]).expect("maps");
        assert_eq!(mapping.columns[1..], [ColumnUse::Standard(StandardField::FirstName), ColumnUse::Standard(StandardField::UserId)]);
        assert!(read(&["phone"]).expect_err("no equals sign").to_string().contains("field=Column"));
        assert!(read(&["phone=Tel"]).expect_err("no column").to_string().contains("Mobile, Name, Acct"));
    }
}
