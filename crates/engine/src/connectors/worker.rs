//! Connectors and exports are worked on beside each other, each by one node at a time, by a lease.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_domain::id::TenantId;
use clarion_store::connectors::{DueConnector, DueExport, RunTold};
use clarion_store::{Lease, Signal, Store, StoreError, Tenant};
use tokio::task::JoinSet;

use super::export::Exporter;
use super::pull::{PullLimits, Run};
use crate::intake::Clock;
use crate::outward::Outward;

/// What another node was asked for, and schedules, are found by the poll.
const POLL: Duration = Duration::from_secs(1);
const CONNECTORS_MAX: usize = 16;
const CONNECTORS_OF_TENANT_MAX: usize = 4;
const DUE_MAX: i64 = 1_000;

/// What the worker takes from outside.
#[derive(Clone, Copy)]
pub struct ConnectorConfig {
    pub clock: Clock,
    /// Spreads what is tried again.
    pub chance: fn() -> u64,
    pub limits: PullLimits,
}

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Due {
    Pull(DueConnector),
    Export(DueExport),
}

impl Due {
    fn tenant(&self) -> TenantId {
        match self {
            Self::Pull(due) => due.tenant,
            Self::Export(due) => due.tenant,
        }
    }
}

struct Puller {
    store: Store,
    outward: Outward,
    exporter: Exporter,
    config: ConnectorConfig,
}

fn puller(store: &Store, config: ConnectorConfig) -> Result<Arc<Puller>, reqwest::Error> {
    let exporter = Exporter::new(store, config.clock, config.chance)?;
    Ok(Arc::new(Puller { store: store.clone(), outward: Outward::new(store, config.limits.page_within)?, exporter, config }))
}

/// Works until the task is dropped. A run that is cut off leaves nothing, and is said to be so by whoever comes next.
pub async fn run(store: Store, config: ConnectorConfig) {
    let puller = match puller(&store, config) {
        Ok(puller) => puller,
        Err(error) => return tracing::error!(%error, "connectors cannot work: there is no HTTP client"),
    };
    let mut running = HashSet::<Due>::new();
    let mut tasks = JoinSet::new();
    loop {
        while let Some(done) = tasks.try_join_next() {
            match done {
                Ok(due) => running.remove(&due),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => false,
            };
        }
        match due_now(&store, (config.clock)()).await {
            Ok(all) => {
                for due in all {
                    let of_tenant = running.iter().filter(|other| other.tenant() == due.tenant()).count();
                    if running.len() < CONNECTORS_MAX && of_tenant < CONNECTORS_OF_TENANT_MAX && running.insert(due) {
                        let puller = puller.clone();
                        tasks.spawn(async move {
                            if let Err(error) = puller.work(due).await {
                                tracing::warn!(?due, %error, "a connector waits: trying again");
                            }
                            due
                        });
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "connectors could not be looked after; trying again"),
        }
        store.signals().wait(Signal::Connectors, POLL).await;
    }
}

/// Does what is due now, a connector after the other; the number of runs.
pub async fn work(store: &Store, config: ConnectorConfig) -> Result<usize, StoreError> {
    let puller = puller(store, config).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let mut runs = 0;
    for due in due_now(store, (config.clock)()).await? {
        runs += puller.work(due).await?;
    }
    Ok(runs)
}

async fn due_now(store: &Store, now: Instant) -> Result<Vec<Due>, StoreError> {
    let mut due: Vec<Due> = store.due_connectors(now, DUE_MAX).await?.into_iter().map(Due::Pull).collect();
    due.extend(store.due_exports(now, DUE_MAX).await?.into_iter().map(Due::Export));
    Ok(due)
}

impl Puller {
    async fn work(&self, due: Due) -> Result<usize, StoreError> {
        match due {
            Due::Pull(due) => self.pull(due).await,
            Due::Export(due) => self.export(due).await,
        }
    }

    /// The files of one export that are due; none while another node has it.
    async fn export(&self, due: DueExport) -> Result<usize, StoreError> {
        let now = self.config.clock;
        let Some(lease) = self.store.take_lease(&format!("export {}", due.id), now()).await? else { return Ok(0) };
        let tenant = self.store.tenant(due.tenant, Actor::System).await?;
        let ended = self.export_files(&tenant, due, &lease).await;
        self.store.give_back_lease(&lease).await?;
        ended
    }

    async fn export_files(&self, tenant: &Tenant, due: DueExport, lease: &Lease) -> Result<usize, StoreError> {
        let now = self.config.clock;
        tenant.plan_export(due.id, lease, now()).await?;
        let mut files = 0;
        while let Some(job) = tenant.begin_export(due.id, lease, now()).await? {
            self.exporter.work(tenant, &job, lease).await?;
            files += 1;
        }
        Ok(files)
    }

    /// All that is due at one connector; none while another node has it.
    async fn pull(&self, due: DueConnector) -> Result<usize, StoreError> {
        let now = self.config.clock;
        let Some(lease) = self.store.take_lease(&format!("connector {}", due.id), now()).await? else { return Ok(0) };
        let tenant = self.store.tenant(due.tenant, Actor::System).await?;
        let mut runs = 0;
        let ended = loop {
            let job = match tenant.begin_run(due.id, &lease, now()).await {
                Ok(Some(job)) => job,
                Ok(None) => break Ok(runs),
                Err(error) => break Err(error),
            };
            let mut run = Run { tenant: &tenant, job: &job, lease: &lease, outward: &self.outward, limits: self.config.limits, clock: now, begun: tokio::time::Instant::now(), told: RunTold::default() };
            let outcome = match run.outcome().await {
                Ok(outcome) => outcome,
                Err(error) => break Err(error),
            };
            let told = std::mem::take(&mut run.told);
            if let Err(error) = tenant.end_run(&job, outcome, &told, &lease, now(), (self.config.chance)()).await {
                break Err(error);
            }
            tracing::info!(connector = %due.id, run = %job.run, pages = told.pages, rows = told.rows, "a connector ran");
            runs += 1;
        };
        self.store.give_back_lease(&lease).await?;
        ended
    }
}
