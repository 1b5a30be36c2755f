//! The dialler of a node: which campaigns of calls run, how many calls each may launch now, what every call tells, and the one
//! transaction a turn that makes it all last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::attempts::call::{Call, CallEvent};
use clarion_domain::campaigns::call_pacing::{PaceEvent, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::carriers::call_price::CallPrice;
use clarion_domain::id::{AttemptId, CampaignId, TenantId, TransferTargetId};
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Endpoint, EndpointConfig};
use clarion_sip::media::{MediaConfig, MediaEngine};
use clarion_store::attempts::{Lease, recover_notices};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::{Signal, Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use super::campaign::{CallCampaign, CampaignError};
use super::claim::Permitted;
use super::slots::{Slot, Slots};
use super::speech::SpeechEngine;
use super::recording::Recorder;
use super::talk::{Ask, CallPlan, News, RecordedCall, talk};
use super::test_call::Desk;
use super::waiting::WaitingPerson;
use crate::attempts::recover;
use crate::carriers::SipTrunks;
use crate::intake::Clock;

/// How the dialler is run.
#[derive(Clone)]
pub struct DiallerConfig {
    pub clock: Clock,
    pub sip: EndpointConfig,
    pub media: MediaConfig,
    pub speech: SpeechEngine,
    /// After a wish to stop, how long calls that are up may go on.
    pub drain_ms_max: u64,
}

/// A call that is up, as the dialler knows it.
pub(super) struct LiveCall {
    pub permitted: Permitted,
    pub campaign: CampaignId,
    pub tenant: TenantId,
    pub call: Call,
    pub step: String,
    pub features: String,
    /// Its person heard the fallback prompt in the place of words.
    pub fell_back: bool,
    pub target: Option<TransferTargetId>,
    /// Of its campaign as it was launched, which may have been paused since: what follows from its end, the caller ID that agents see, and
    /// whose agents its pace counts.
    pub retry: Arc<RetryRules>,
    pub caller_id: Arc<str>,
    pub group: Option<Arc<str>>,
    /// Of the trunk that carries the person's leg, when it was dialled.
    pub price: CallPrice,
    /// What its agents' legs came to so far.
    pub agents_cost: i64,
    pub asks: mpsc::UnboundedSender<Ask>,
    /// The slot that was held for it before it was launched, until its person is put through.
    pub held: Option<Slot>,
    /// When its person first came to want an agent, and whether none was there for them.
    pub asked_at: Option<Instant>,
    pub refused: bool,
    /// Its row is behind.
    pub dirty: bool,
    /// Its task has ended: once this is written it is forgotten.
    pub over: bool,
}

/// A wish to suppress a number, answered once it is committed.
pub(super) struct Suppression {
    pub attempt: AttemptId,
    pub done: oneshot::Sender<()>,
}

pub(super) struct Dialler {
    pub store: Store,
    pub trunks: SipTrunks,
    pub campaigns: HashMap<CampaignId, CallCampaign>,
    pub calls: HashMap<AttemptId, LiveCall>,
    pub suppressions: Vec<Suppression>,
    pub(super) waiting: Vec<WaitingPerson>,
    pub(super) slots: HashMap<TenantId, Slots>,
    media: MediaEngine,
    recorder: Recorder,
    engine: Arc<SpeechEngine>,
    pub(super) clock: Clock,
    started_at: Instant,
    pub(super) news: mpsc::UnboundedSender<News>,
    pub(super) leases: HashMap<TenantId, Lease>,
    /// Tenants whose agents a test call may ring, once for each such call.
    pub(super) testers: Vec<TenantId>,
    pub draining: bool,
}

const LEASE_MS: i64 = 15_000;

fn lease_name(tenant: TenantId) -> String {
    format!("dialling {tenant}")
}

/// How often calls are looked for that a dead node left.
const SETTLE: Duration = Duration::from_secs(3);
const REFRESH: Duration = Duration::from_millis(500);
const REPORT: Duration = Duration::from_secs(2);
/// A turn of the loop when nothing wakes it.
const TURN: Duration = Duration::from_millis(50);
/// So long the far ends of calls that are hung up on at the end are waited for.
const HUNG_UP_WITHIN: Duration = Duration::from_secs(5);
const FAILED_PAUSE: Duration = Duration::from_millis(500);
const NEWS_A_TURN_MAX: usize = 4_096;

/// Runs until `stop` says so; then launches nothing more and lets calls that are up go on for a while.
pub async fn run(store: Store, config: DiallerConfig, stop: watch::Receiver<bool>) {
    crate::thread::own(dial(store, config, stop)).await;
}

async fn dial(store: Store, config: DiallerConfig, mut stop: watch::Receiver<bool>) {
    let started_at = (config.clock)();
    let opened = Endpoint::bind(config.sip.clone()).map_err(|error| error.to_string()).and_then(|endpoint| Ok((endpoint, MediaEngine::start(config.media.clone()).map_err(|error| error.to_string())?)));
    let (endpoint, media) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(error, "calls cannot be made");
            // The supervisor would only try the same again; messages go on without calls, and calls that were left are settled.
            while !*stop.borrow_and_update() {
                if let Err(error) = settle_left(&store, started_at, (config.clock)()).await {
                    tracing::warn!(%error, "calls that were left cannot be settled; trying again");
                }
                let _ = tokio::time::timeout(SETTLE, stop.wait_for(|stop| *stop)).await;
            }
            return;
        }
    };
    let (news, told) = mpsc::unbounded_channel();
    let recorder = Recorder::start(store.clone(), config.clock);
    let dialler = Dialler {
        store,
        trunks: SipTrunks::new(endpoint),
        campaigns: HashMap::new(),
        calls: HashMap::new(),
        suppressions: Vec::new(),
        waiting: Vec::new(),
        slots: HashMap::new(),
        media,
        recorder: recorder.clone(),
        engine: Arc::new(config.speech.clone()),
        clock: config.clock,
        started_at,
        news,
        leases: HashMap::new(),
        testers: Vec::new(),
        draining: false,
    };
    dialler.run(told, config.drain_ms_max, stop).await;
    recorder.finish().await;
}

async fn settle_left(store: &Store, started_at: Instant, now: Instant) -> Result<(), StoreError> {
    let settled = recover::settle_left(store, Channel::Voice, started_at, now).await?;
    let mut tx = store.db().begin().await?;
    recover_notices(&mut tx, store, Channel::Voice, now.plus_ms(-recover::NODE_DEAD_MS), started_at).await?;
    tx.commit().await?;
    if settled > 0 {
        tracing::warn!(calls = settled, "calls were up when their node died: they are shown by what is known of them, and nobody is called again by itself");
    }
    Ok(())
}

impl Dialler {
    fn now(&self) -> Instant {
        (self.clock)()
    }

    async fn run(mut self, mut told: mpsc::UnboundedReceiver<News>, drain_ms_max: u64, mut stop: watch::Receiver<bool>) {
        let (mut settled, mut refreshed, mut reported): (Option<tokio::time::Instant>, Option<tokio::time::Instant>, Option<tokio::time::Instant>) = (None, None, None);
        let (mut deadline, mut hung_up) = (None, false);
        loop {
            if deadline.is_none() && *stop.borrow_and_update() {
                self.draining = true;
                deadline = Some(tokio::time::Instant::now() + Duration::from_millis(drain_ms_max));
            }
            if deadline.is_some_and(|deadline| self.calls.is_empty() || tokio::time::Instant::now() >= deadline) {
                // Time is up: who is still there is hung up on, and how their calls ended is written before we go.
                if self.calls.is_empty() || std::mem::replace(&mut hung_up, true) {
                    break;
                }
                self.hang_up_all();
                deadline = Some(tokio::time::Instant::now() + HUNG_UP_WITHIN);
            }
            for _ in 0..NEWS_A_TURN_MAX {
                let Ok(news) = told.try_recv() else { break };
                self.hear(news);
            }
            let now = self.now();
            self.serve_waiting(now);
            self.learn_from_agents();
            let done = async {
                // Before the first call: the rules count those that were left.
                if settled.is_none_or(|at| at.elapsed() >= SETTLE) {
                    settle_left(&self.store, self.started_at, now).await?;
                    settled = Some(tokio::time::Instant::now());
                }
                if refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
                    refreshed = Some(tokio::time::Instant::now());
                    self.refresh(now).await?;
                }
                if reported.is_none_or(|at| at.elapsed() >= REPORT) {
                    reported = Some(tokio::time::Instant::now());
                    self.trunks.report(&self.store, now).await?;
                    self.tell_pace().await?;
                }
                self.turn(now).await
            };
            if let Err(error) = done.await {
                tracing::warn!(%error, "a turn of the dialler failed; what it had to write is kept, and tried again");
                tokio::time::sleep(FAILED_PAUSE).await;
            }
            let signals = self.store.signals().clone();
            tokio::select! {
                news = told.recv() => if let Some(news) = news { self.hear(news) },
                () = signals.wait(Signal::Calls, TURN) => refreshed = refreshed.filter(|at| at.elapsed() < REFRESH / 4),
                _ = stop.changed(), if deadline.is_none() => {}
            }
        }
        for tenant in std::mem::take(&mut self.leases).into_keys() {
            if let Err(error) = self.store.release_lease(&lease_name(tenant)).await {
                tracing::debug!(%error, "a lease stays until it lapses");
            }
        }
        self.trunks.close().await;
    }

    fn hang_up_all(&self) {
        tracing::warn!(calls = self.calls.len(), "the time to end calls is up: they are hung up on");
        for call in self.calls.values() {
            // A call that has ended hears nothing more.
            let _ = call.asks.send(Ask::HangUp);
        }
    }

    /// Which campaigns run, whose tenants this node dials for, what slots they have; and stops calls of campaigns that were cancelled.
    async fn refresh(&mut self, now: Instant) -> Result<(), StoreError> {
        self.trunks.reload(&self.store, now).await?;
        self.ring_testers(now).await?;
        let running = self.store.running_campaigns(Channel::Voice).await?;
        self.stop_what_was_cancelled(&running).await?;
        self.campaigns.retain(|id, _| running.iter().any(|(_, known)| known == id));
        let live: HashSet<TenantId> = self.calls.values().map(|call| call.tenant).collect();
        let tenants: HashSet<TenantId> = running.iter().map(|(tenant, _)| *tenant).chain(self.testers.iter().copied()).chain(live.iter().copied()).collect();
        self.leases.retain(|tenant, lease| lease.expires_at > now && tenants.contains(tenant));
        for tenant in tenants {
            self.dial_for(tenant, now).await?;
        }
        // Another node dials for those whose lease was lost. Calls of theirs that are up may still have the agents who were counted here.
        self.campaigns.retain(|_, campaign| self.leases.contains_key(&campaign.tenant.id()));
        self.slots.retain(|tenant, _| self.leases.contains_key(tenant) || live.contains(tenant));
        for (tenant, id) in running {
            if self.leases.contains_key(&tenant) && self.campaigns.get(&id).is_none_or(|known| known.is_stale(now)) {
                self.load(tenant, id, now).await?;
            }
        }
        Ok(())
    }

    /// Whether this node is the one that dials for a tenant, and so counts its agents' slots.
    pub(super) async fn dial_for(&mut self, tenant: TenantId, now: Instant) -> Result<bool, StoreError> {
        let fresh = self.leases.get(&tenant).is_some_and(|lease| lease.expires_at.ms() - now.ms() > LEASE_MS / 2);
        if !fresh {
            match self.store.lease(&lease_name(tenant), now, LEASE_MS).await? {
                Some(lease) => drop(self.leases.insert(tenant, lease)),
                None => drop(self.leases.remove(&tenant)),
            }
        }
        let dials = self.leases.contains_key(&tenant);
        if dials {
            self.refresh_slots(tenant, now).await?;
        }
        Ok(dials)
    }

    pub(super) fn desk(&self) -> Desk {
        Desk { media: self.media.clone(), recorder: self.recorder.clone(), engine: self.engine.clone(), clock: self.clock, news: self.news.clone() }
    }

    /// The live page shows why the pace is what it is.
    async fn tell_pace(&self) -> Result<(), StoreError> {
        for (id, campaign) in &self.campaigns {
            let missing = campaign.sounds.missing();
            let why = missing.map_or_else(|| campaign.why.clone(), |missing| format!("{}; {missing}", campaign.why));
            campaign.tenant.note_pace(*id, &why).await?;
        }
        Ok(())
    }

    async fn refresh_slots(&mut self, id: TenantId, now: Instant) -> Result<(), StoreError> {
        let tenant = self.store.tenant(id, Actor::System).await?;
        let zone = jiff::tz::TimeZone::get(&tenant.record().await?.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.slots.entry(id).or_insert_with(|| Slots::new(self.clock)).refresh(&tenant.transfer_targets().await?, &zone, now)
    }

    async fn load(&mut self, tenant: TenantId, id: CampaignId, now: Instant) -> Result<(), StoreError> {
        let tenant = self.store.tenant(tenant, Actor::System).await?;
        let record: CampaignRecord = tenant.campaign(id).await?;
        let before = self.campaigns.remove(&id);
        match CallCampaign::load(tenant.clone(), &record, before, &self.engine, now).await {
            Ok(campaign) => {
                self.campaigns.insert(id, campaign);
                Ok(())
            }
            Err(CampaignError::Store(error)) => Err(error),
            // Its manager must mend it: it stands still, and says why.
            Err(error) => tenant.pause_campaign_because(id, &error.to_string(), now).await,
        }
    }

    /// A cancelled campaign's calls stop at once, ringing ones and those that hear its words included; who talks with an agent, or waits for one, is not cut off.
    async fn stop_what_was_cancelled(&mut self, running: &[(TenantId, CampaignId)]) -> Result<(), StoreError> {
        let gone: HashSet<(TenantId, CampaignId)> = self.calls.values().map(|call| (call.tenant, call.campaign)).filter(|(_, id)| !running.iter().any(|(_, known)| known == id)).collect();
        for (tenant, id) in gone {
            let state = self.store.tenant(tenant, Actor::System).await?.campaign(id).await?.state;
            if state == clarion_domain::campaigns::campaign::CampaignState::Cancelled {
                for call in self.calls.values().filter(|call| call.campaign == id) {
                    // A call that has ended hears nothing more.
                    let _ = call.asks.send(Ask::StopUnlessServed);
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Happened { attempt, event } => self.happened(attempt, event),
            News::Step { attempt, step } => self.with(attempt, |call| call.step = step),
            News::FellBack { attempt } => self.with(attempt, |call| call.fell_back = true),
            News::Measured { attempt, features } => self.with(attempt, |call| call.features = features),
            News::Suppress { attempt, done } => {
                self.suppressions.push(Suppression { attempt, done });
            }
            News::WantAgent { attempt, group, line } => {
                let now = self.now();
                self.wants_agent(WaitingPerson { attempt, group, line, since: now });
                self.serve_waiting(now);
            }
            News::AgentCost { attempt, cost } => self.with(attempt, |call| call.agents_cost = call.agents_cost.saturating_add(cost)),
            // What the script makes of it is told as its step.
            News::Key { .. } => {}
            News::TesterWantsAgent { tenant, group, caller_id, line } => self.tester_wants_agent(tenant, &group, &caller_id, line),
            News::Freed { trunk, tenant } => {
                self.free(trunk);
                if let Some(place) = self.testers.iter().position(|tester| Some(*tester) == tenant) {
                    self.testers.swap_remove(place);
                }
            }
            News::Over { attempt } => self.over(attempt),
        }
    }

    fn with(&mut self, attempt: AttemptId, change: impl FnOnce(&mut LiveCall)) {
        if let Some(call) = self.calls.get_mut(&attempt) {
            change(call);
            call.dirty = true;
        }
    }

    fn happened(&mut self, attempt: AttemptId, event: CallEvent) {
        let Some(live) = self.calls.get_mut(&attempt) else { return };
        live.dirty = true;
        if matches!(event, CallEvent::Bridged { .. }) && live.call.times.bridged_at.is_none() && let Some(campaign) = self.campaigns.get_mut(&live.campaign) {
            campaign.note(PaceEvent::PutThrough);
        }
        if matches!(event, CallEvent::Answered { .. }) && let Some(trunk) = self.trunks.get_mut(live.permitted.trunk) {
            trunk.answered();
        }
        match live.call.apply(event) {
            Ok(after) => live.call = after,
            Err(error) => tracing::error!(%error, "a call's event is impossible"),
        }
    }

    /// Launches a call whose claim stands, with the slot that is held for it.
    pub(super) fn launch(&mut self, campaign: CampaignId, permitted: Permitted, held: Option<Slot>, now: Instant) {
        let Some(known) = self.campaigns.get(&campaign) else { return };
        let Some(trunk) = self.trunks.get(permitted.trunk) else { return };
        let (asks, asked) = mpsc::unbounded_channel();
        let caller = trunk.written(&known.caller_id);
        let request = DialRequest {
            to: trunk.written(permitted.number.reveal()),
            asserted: trunk.settings.asserted_identity.then(|| caller.clone()),
            caller_id: caller,
            ring_max: Some(Duration::from_millis(known.pacing.ring_ms_max.into())),
            ..DialRequest::default()
        };
        let plan = CallPlan {
            attempt: permitted.attempt,
            of: RecordedCall { tenant: known.tenant.id(), campaign, contact: permitted.candidate.contact, address: permitted.candidate.address },
            recorder: self.recorder.clone(),
            recording: known.recording.clone(),
            script: known.script.clone(),
            sounds: known.sounds.clone(),
            profile: permitted.profile.clone(),
            trunk: trunk.trunk.clone(),
            request,
            leg: trunk.leg(),
            clock: self.clock,
        };
        let live = LiveCall {
            campaign,
            tenant: known.tenant.id(),
            call: Call::planned(now),
            step: String::new(),
            features: String::new(),
            fell_back: false,
            target: None,
            retry: known.retry.clone(),
            caller_id: known.caller_id.clone(),
            group: known.group().filter(|_| known.pacing.pace != PacingMode::Agentless).map(Into::into),
            price: trunk.settings.price(),
            agents_cost: 0,
            asks,
            held,
            asked_at: None,
            refused: false,
            dirty: true,
            over: false,
            permitted,
        };
        self.calls.insert(live.permitted.attempt, live);
        let (attempt, media, news) = (plan.attempt, self.media.clone(), self.news.clone());
        tokio::spawn(async move {
            // Whatever becomes of its task, a call ends: its claim and its place on the trunk wait for that.
            if tokio::spawn(talk(plan, media, news.clone(), asked)).await.is_err() {
                let _ = news.send(News::Over { attempt });
            }
        });
    }

    /// Who answered, as far as it matters to the numbers that are marked.
    pub(super) fn was_machine(call: &Call) -> bool {
        matches!(call.answered_by(), AnsweredBy::Machine | AnsweredBy::VoicemailReady)
    }
}
