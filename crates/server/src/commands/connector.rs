//! `clarion connector list|show|add|change|preview|pull|pause|resume|start-over|runs|run|remove`: what is pulled from clients' systems.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::connectors::pull::PullSettings;
use clarion_domain::connectors::pull_fault::RunKind;
use clarion_domain::id::{ConnectorId, ConnectorRunId, InstructionId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::connectors::NewConnector;

use crate::config::Config;
use crate::output::{Listing, print_done, print_json, print_made};
use crate::{clock, open};

const LOG_ROWS: i64 = 100;

#[derive(Debug, Args)]
pub struct ConnectorArgs {
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
    /// The tenant's connectors, the newest first.
    List,
    /// The settings of one, as JSON.
    Show { connector: ConnectorId },
    /// Add a connector; it is made paused.
    Add {
        name: String,
        #[command(flatten)]
        what: What,
    },
    /// Change a connector; a secret that is not named stays, unless it would go to another host.
    Change {
        connector: ConnectorId,
        name: String,
        #[command(flatten)]
        what: What,
    },
    /// Look at the first rows; a running server does it. Nothing is loaded.
    Preview { connector: ConnectorId },
    /// Pull now; a running server does it.
    Pull { connector: ConnectorId },
    Pause { connector: ConnectorId },
    Resume { connector: ConnectorId },
    /// Ask for everything again at the next pull.
    StartOver { connector: ConnectorId },
    /// What it did lately.
    Runs { connector: ConnectorId },
    /// One run, and what a preview showed, as JSON.
    Run { connector: ConnectorId, run: ConnectorRunId },
    /// Delete it with its log; what it loaded stays.
    Remove { connector: ConnectorId },
}

#[derive(Debug, Args)]
struct What {
    /// Under which it pulls.
    #[arg(long)]
    instruction: InstructionId,
    /// A JSON file with the address, the fields and the rest: see docs/connectors.md.
    #[arg(long)]
    settings: PathBuf,
    /// A file that holds the secret and nothing else.
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// The list on which the contacts are put; made when there is none of this name.
    #[arg(long)]
    list: Option<String>,
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

impl What {
    async fn read(&self, tenant: &Tenant, name: &str, now: Instant) -> anyhow::Result<NewConnector> {
        let settings: PullSettings = serde_json::from_str(&text(&self.settings)?).context("--settings")?;
        let secret = self.secret_file.as_deref().map(text).transpose()?.map(|text| Personal::new(text.trim_end_matches(['\r', '\n'])));
        let list = match &self.list {
            Some(name) => Some(tenant.list_named(name, now).await?),
            None => None,
        };
        Ok(NewConnector { name: name.to_owned(), instruction: self.instruction, list, settings, secret })
    }
}

pub async fn run(config: &Config, args: &ConnectorArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    let (id, done) = match &args.verb {
        Verb::List => return list(&tenant, args.json).await,
        Verb::Runs { connector } => return runs(&tenant, *connector, args.json).await,
        Verb::Run { connector, run } => return one_run(&tenant, *connector, *run).await,
        Verb::Show { connector } => {
            print_json(&serde_json::to_value(tenant.connector(*connector).await?.settings)?);
            return Ok(());
        }
        Verb::Add { name, what } => {
            let new = what.read(&tenant, name, now).await?;
            let id = tenant.create_connector(&new, now).await?;
            (Some(id.to_string()), format!("made connector {name} ({id}), paused: look at a preview, then resume it"))
        }
        Verb::Change { connector, name, what } => {
            let new = what.read(&tenant, name, now).await?;
            tenant.change_connector(*connector, &new, now).await?;
            (None, "changed".to_owned())
        }
        Verb::Preview { connector } => asked(&tenant, *connector, RunKind::Preview, now).await?,
        Verb::Pull { connector } => asked(&tenant, *connector, RunKind::Pull, now).await?,
        Verb::Pause { connector } => (None, tenant.pause_connector(*connector, now).await.map(|()| "paused".to_owned())?),
        Verb::Resume { connector } => (None, tenant.resume_connector(*connector, now).await.map(|()| "switched on".to_owned())?),
        Verb::StartOver { connector } => (None, tenant.start_connector_over(*connector, now).await.map(|()| "the next pull asks for everything".to_owned())?),
        Verb::Remove { connector } => (None, tenant.delete_connector(*connector, now).await.map(|()| "removed; what it loaded stays".to_owned())?),
    };
    match id {
        Some(id) => print_made(&id, &done, args.json),
        None => print_done(&done, args.json),
    }
    Ok(())
}

async fn asked(tenant: &Tenant, id: ConnectorId, kind: RunKind, now: Instant) -> anyhow::Result<(Option<String>, String)> {
    let run = tenant.ask_run(id, kind, now).await?;
    Ok((Some(run.to_string()), format!("asked for; how it went: clarion connector run {id} {run}")))
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "name", "instruction", "times", "state", "stopped_why", "failures", "next_at", "watermark"]);
    for connector in tenant.connectors().await? {
        listing.row([
            connector.id.to_string().into(),
            connector.name.into(),
            connector.instruction.to_string().into(),
            connector.settings.times.to_string().into(),
            connector.state.as_str().into(),
            connector.stopped_why.into(),
            connector.failures.into(),
            connector.next_at.map(Instant::rfc3339).into(),
            connector.watermark.into(),
        ]);
    }
    listing.print(json);
    Ok(())
}

async fn runs(tenant: &Tenant, id: ConnectorId, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["run", "kind", "state", "fault", "status", "pages", "rows", "bytes", "dropped", "import", "created_at", "finished_at"]);
    for run in tenant.connector_runs(id, None, LOG_ROWS).await?.rows {
        listing.row([
            run.id.to_string().into(),
            run.kind.as_str().into(),
            run.state.as_str().into(),
            run.fault.map_or("", |fault| fault.as_str()).into(),
            run.last_status.into(),
            run.pages.into(),
            run.rows.into(),
            run.bytes.into(),
            run.dropped.join(" ").into(),
            run.import.map(|import| import.to_string()).into(),
            run.created_at.rfc3339().into(),
            run.finished_at.map(Instant::rfc3339).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}

async fn one_run(tenant: &Tenant, id: ConnectorId, run: ConnectorRunId) -> anyhow::Result<()> {
    let (run, preview) = tenant.connector_run(id, run).await?;
    let what_to_do = run.fault.map_or("", |fault| fault.sentence());
    print_json(&serde_json::json!({ "state": run.state, "fault": run.fault, "what_to_do": what_to_do, "rows": run.rows, "dropped": run.dropped, "preview": preview }));
    Ok(())
}
