//! The sending loop of a node.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::fairness::FairQueue;
use clarion_domain::id::{CampaignId, ClaimId, TenantId, TrunkId};
use clarion_domain::time::{DAY_MS, Instant};
use clarion_smpp::text::Reassembler;
use clarion_store::{Signal, Store, StoreError};
use tokio::sync::{mpsc, watch};

use crate::attempts::campaign::RunningCampaign;
use crate::attempts::cycle::Did;
use crate::attempts::{CycleRows, Flights};
use crate::carriers::{Carriers, WireEvent, WirePart};
use crate::intake::Clock;
use crate::outcomes::Ledger;

/// How the loop is run.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// As the portal shows this node.
    pub node_name: String,
    pub clock: Clock,
    /// After a wish to stop, how long answers are waited for.
    pub drain_ms_max: u64,
}

/// A claim with items that have no answer yet.
pub(super) struct OpenClaim {
    pub open: u16,
    pub released: Vec<u16>,
}

/// Everything that the loop holds between cycles.
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) carriers: Carriers,
    pub(crate) flights: Flights,
    pub(crate) rows: CycleRows,
    /// The room that the rows of the last cycle took, for the next one's.
    pub(super) spare: CycleRows,
    pub(crate) ledger: Ledger,
    pub(crate) campaigns: HashMap<CampaignId, RunningCampaign>,
    pub(crate) reassembly: HashMap<TrunkId, Reassembler<(i64, Instant)>>,
    pub(super) claims: HashMap<ClaimId, OpenClaim>,
    pub(super) again: HashMap<TrunkId, VecDeque<(u64, WirePart)>>,
    pub(super) fair: FairQueue,
    /// Tenants for which this node sends, and until when.
    pub(super) leases: HashMap<TenantId, Instant>,
    pub(super) ended: Vec<CampaignId>,
    pub(super) notices_due: bool,
    pub(super) report_due: bool,
    pub(super) draining: bool,
    pub(super) started_at: Instant,
}

const EVENT_BATCHES_MAX: usize = 256;
const EVENTS_A_CYCLE_MAX: usize = 8_192;
/// How often each chore is done.
const REFRESH: Duration = Duration::from_millis(250);
const REPORT: Duration = Duration::from_secs(2);
const BEAT: Duration = Duration::from_secs(3);
const SEARCH: Duration = Duration::from_secs(20);
const LEASE_MS: i64 = 15_000;
/// Receipts of sends this far back are found in memory after a restart; older ones by a search.
const REFERENCES_LOADED_MS: i64 = 3 * DAY_MS;
/// With something to send and no room, the loop looks again after this.
const PACE: Duration = Duration::from_millis(4);
const FAILED_PAUSE: Duration = Duration::from_millis(500);

/// Runs until `stop` says so; then claims nothing more, waits for answers, and settles what came.
pub async fn run(store: Store, config: SenderConfig, stop: watch::Receiver<bool>) {
    crate::thread::own(send(store, config, stop)).await;
}

async fn send(store: Store, config: SenderConfig, mut stop: watch::Receiver<bool>) {
    let (events_in, events) = mpsc::channel(EVENT_BATCHES_MAX);
    let mut sender = Sender::new(store, events_in, (config.clock)());
    while let Err(error) = sender.begin(&config).await {
        tracing::warn!(%error, "sending cannot begin; trying again");
        tokio::select! {
            () = tokio::time::sleep(FAILED_PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
    Loop { sender, config, events, epoch: tokio::time::Instant::now(), chores: Chores::default() }.run(stop).await;
}

impl Sender {
    pub(super) fn new(store: Store, events: mpsc::Sender<Vec<WireEvent>>, now: Instant) -> Self {
        Self {
            store,
            carriers: Carriers::new(events),
            flights: Flights::default(),
            rows: CycleRows::default(),
            spare: CycleRows::default(),
            ledger: Ledger::default(),
            campaigns: HashMap::new(),
            reassembly: HashMap::new(),
            claims: HashMap::new(),
            again: HashMap::new(),
            fair: FairQueue::new(),
            leases: HashMap::new(),
            ended: Vec::new(),
            notices_due: true,
            report_due: true,
            draining: false,
            started_at: now,
        }
    }

    /// Settles the past before the first bind: a receipt must find its attempt.
    pub(super) async fn begin(&mut self, config: &SenderConfig) -> Result<(), StoreError> {
        let now = (config.clock)();
        self.store.beat(&config.node_name, self.started_at, now).await?;
        let unknown = self.recover(now).await?;
        if unknown > 0 {
            tracing::warn!(attempts = unknown, "attempts were caught between the wire and its answer: they are unknown, and not sent again");
        }
        self.load_references(now.plus_ms(-REFERENCES_LOADED_MS)).await?;
        self.carriers.reload(&self.store, now, 0).await?;
        self.load_parts().await?;
        self.read_unmatched(now).await
    }

    /// Reads which campaigns run, and renews the leases of their tenants.
    pub(super) async fn refresh(&mut self, now: Instant) -> Result<(), StoreError> {
        let running = self.store.running_campaigns(Channel::Sms).await?;
        self.campaigns.retain(|id, _| running.iter().any(|(_, known)| known == id));
        let tenants: HashSet<TenantId> = running.iter().map(|(tenant, _)| *tenant).collect();
        self.leases.retain(|tenant, until| *until > now && tenants.contains(tenant));
        for tenant in tenants {
            let fresh = self.leases.get(&tenant).is_some_and(|until| until.ms() - now.ms() > LEASE_MS / 2);
            if !fresh && let Some(lease) = self.store.lease(&format!("sending {tenant}"), now, LEASE_MS).await? {
                self.leases.insert(tenant, lease.expires_at);
            }
        }
        for (tenant, id) in running.into_iter().filter(|(tenant, _)| self.leases.contains_key(tenant)) {
            if self.campaigns.get(&id).is_some_and(|known| !known.is_stale(now)) {
                continue;
            }
            let tenant = self.tenant(tenant).await?;
            let record = tenant.campaign(id).await?;
            let mut fresh = RunningCampaign::load(tenant, &record, now).await?;
            if let Some(before) = self.campaigns.remove(&id) {
                fresh.succeed(before);
            }
            self.campaigns.insert(id, fresh);
        }
        Ok(())
    }
}

/// When each chore was last done.
#[derive(Default)]
struct Chores {
    refreshed: Option<tokio::time::Instant>,
    reported: Option<tokio::time::Instant>,
    beaten: Option<tokio::time::Instant>,
    searched: Option<tokio::time::Instant>,
}

/// True when `every` has passed since; notes the time.
fn is_due(last: &mut Option<tokio::time::Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|at| at.elapsed() >= every);
    if due {
        *last = Some(tokio::time::Instant::now());
    }
    due
}

struct Loop {
    sender: Sender,
    config: SenderConfig,
    events: mpsc::Receiver<Vec<WireEvent>>,
    epoch: tokio::time::Instant,
    chores: Chores,
}

impl Loop {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut deadline = None;
        loop {
            if deadline.is_none() && *stop.borrow_and_update() {
                self.sender.draining = true;
                deadline = Some(tokio::time::Instant::now() + Duration::from_millis(self.config.drain_ms_max));
            }
            let now = (self.config.clock)();
            self.drain_events(now);
            let did = match self.work(now).await {
                Ok(did) => did,
                Err(error) => {
                    tracing::warn!(%error, "a sending cycle failed; what it had to write is kept, and tried again");
                    tokio::time::sleep(FAILED_PAUSE).await;
                    Did::Nothing
                }
            };
            if let Some(deadline) = deadline {
                let empty = self.sender.flights.len() == 0 && self.sender.rows.is_empty();
                if empty || tokio::time::Instant::now() >= deadline {
                    break;
                }
            }
            if did == Did::Nothing {
                self.rest(&mut stop, deadline.is_some()).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
        self.sender.carriers.stop();
        for tenant in std::mem::take(&mut self.sender.leases).into_keys() {
            if let Err(error) = self.sender.store.release_lease(&format!("sending {tenant}")).await {
                tracing::debug!(%error, "a lease stays until it lapses");
            }
        }
    }

    async fn work(&mut self, now: Instant) -> Result<Did, StoreError> {
        let now_micros = self.epoch.elapsed().as_micros() as u64;
        if is_due(&mut self.chores.beaten, BEAT) {
            self.sender.store.beat(&self.config.node_name, self.sender.started_at, now).await?;
            self.sender.recover(now).await?;
            self.sender.expire_parts(now);
        }
        if is_due(&mut self.chores.refreshed, REFRESH) {
            self.sender.refresh(now).await?;
            self.sender.carriers.reload(&self.sender.store, now, now_micros).await?;
            self.sender.read_unmatched(now).await?;
            self.sender.notices_due |= self.sender.store.has_waiting_notices(Channel::Sms).await?;
        }
        if is_due(&mut self.chores.searched, SEARCH) {
            self.sender.search_references(now).await?;
        }
        if is_due(&mut self.chores.reported, REPORT) || std::mem::take(&mut self.sender.report_due) {
            self.sender.carriers.report(&self.sender.store, now).await?;
        }
        self.sender.cycle(now, now_micros).await
    }

    fn drain_events(&mut self, now: Instant) {
        let mut taken = 0;
        while taken < EVENTS_A_CYCLE_MAX {
            let Ok(batch) = self.events.try_recv() else { return };
            taken += batch.len();
            self.sender.take_in(batch, now);
        }
    }

    /// Waits for news: an answer, a signal, the next moment at which something may be sent.
    async fn rest(&mut self, stop: &mut watch::Receiver<bool>, stopping: bool) {
        let signals = self.sender.store.signals().clone();
        let active = !self.sender.campaigns.is_empty() || self.sender.flights.len() > 0;
        let pause = if active { PACE } else { REFRESH };
        tokio::select! {
            batch = self.events.recv() => if let Some(batch) = batch { self.sender.take_in(batch, (self.config.clock)()) },
            () = signals.wait(Signal::Notices, pause) => self.chores.refreshed = None,
            () = signals.wait(Signal::Carriers, pause) => self.chores.refreshed = None,
            () = signals.wait(Signal::Sending, pause) => self.chores.refreshed = None,
            _ = stop.changed(), if !stopping => {}
        }
    }
}
