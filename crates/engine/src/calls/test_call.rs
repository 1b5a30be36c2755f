//! "Call me": a campaign's script tried on a number of its manager's own. Permitted like a test send, dialled like any call, counted in no
//! report; nobody is suppressed by it, nothing of it is recorded, and agents are rung only when that was asked for.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::attempts::call::{Call, CallEvent};
use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::attempts::test_call::{RINGS_AGENTS, TestCall};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::{Decision, NoticeGround, decide_notice};
use clarion_domain::contacts::address;
use clarion_domain::contacts::region::Region;
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, TenantId, TrunkId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::Trunk;
use clarion_sip::media::{LegConfig, MediaEngine};
use clarion_store::attempts::{NoticeRow, NoticeState, claim_notices, settle_notice};
use clarion_store::compliance::rule_book;
use clarion_store::db::Tx;
use clarion_store::{StoreError, Tenant};
use tokio::sync::mpsc;

use super::campaign::CallCampaign;
use super::dialler::Dialler;
use super::recording::Recorder;
use super::speech::SpeechEngine;
use super::talk::{CallPlan, News, RecordedCall, talk};
use crate::attempts::notice::notice_facts;
use crate::intake::Clock;

const TESTS_A_TURN_MAX: i64 = 10;

/// A test call that may go out.
struct Ready {
    id: i64,
    tenant: Tenant,
    campaign: CampaignId,
    trunk_id: TrunkId,
    trunk: Arc<Trunk>,
    leg: LegConfig,
    to: String,
    caller_id: String,
    asserted: bool,
    /// As the campaign has it, whatever the carrier's way of writing it.
    shown: String,
    rings_agents: bool,
    valid_until: Instant,
}

/// What a test call needs of its node.
#[derive(Clone)]
pub(super) struct Desk {
    pub media: MediaEngine,
    pub recorder: Recorder,
    pub engine: Arc<SpeechEngine>,
    pub clock: Clock,
    pub news: mpsc::UnboundedSender<News>,
}

impl Dialler {
    /// Takes the test calls that were asked for.
    pub(super) async fn ring_testers(&mut self, now: Instant) -> Result<(), StoreError> {
        if self.draining || !self.store.has_waiting_notices(Channel::Voice).await? {
            return Ok(());
        }
        let mut tx = self.store.db().begin().await?;
        let mut ready = Vec::new();
        for notice in claim_notices(&mut tx, &self.store, Channel::Voice, now, TESTS_A_TURN_MAX).await? {
            let id = notice.id;
            match self.make_ready(&mut tx, notice, now).await? {
                Ok(test) => ready.push(test),
                Err((state, cause)) => settle_notice(&mut tx, id, state, cause, now).await?,
            }
        }
        if let Err(error) = tx.commit().await {
            ready.iter().for_each(|test| self.free(test.trunk_id));
            return Err(error.into());
        }
        self.start_tests(ready, now).await
    }

    /// Starts those that are for this node; the others, and all that follow a failure, are put back with their places on the trunks.
    async fn start_tests(&mut self, ready: Vec<Ready>, now: Instant) -> Result<(), StoreError> {
        let (mut back, mut failed) = (Vec::new(), None);
        for test in ready {
            let here = match &failed {
                Some(_) => Ok(false),
                None if test.rings_agents => self.dial_for(test.tenant.id(), now).await,
                None => Ok(true),
            };
            match here {
                Ok(true) => self.start_test(test),
                // Another node counts these agents: the test is for it.
                Ok(false) => back.push(test),
                Err(error) => {
                    failed = Some(error);
                    back.push(test);
                }
            }
        }
        for test in back {
            self.free(test.trunk_id);
            if let Err(error) = put_back(&test.tenant, test.id, now).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn start_test(&mut self, test: Ready) {
        let (desk, trunk, tenant) = (self.desk(), test.trunk_id, test.rings_agents.then_some(test.tenant.id()));
        self.testers.extend(tenant);
        tokio::spawn(async move {
            let news = desk.news.clone();
            if tokio::spawn(test.run(desk)).await.is_err() {
                tracing::error!("a test call failed; it is shown as unknown at the next start");
            }
            // A dialler that is gone counts no places.
            let _ = news.send(News::Freed { trunk, tenant });
        });
    }

    pub(super) fn free(&mut self, trunk: TrunkId) {
        if let Some(trunk) = self.trunks.get_mut(trunk) {
            trunk.give_back();
        }
    }

    /// The call with its permit and its trunk; otherwise how it ends, or `Waiting` when no trunk has room.
    async fn make_ready(&mut self, tx: &mut Tx, notice: NoticeRow, now: Instant) -> Result<Result<Ready, (NoticeState, &'static str)>, StoreError> {
        let tenant = self.store.tenant(notice.tenant, Actor::System).await?;
        let (record, number) = (tenant.record().await?, notice.number.reveal());
        let Some(campaign) = notice.campaign else { return Ok(Err((NoticeState::Failed, "campaign"))) };
        let region = record.default_region.parse().unwrap_or(Region::GB);
        let Ok(address) = address::normalise(number, region, record.number_mode) else { return Ok(Err((NoticeState::Refused, "number"))) };
        let (suppressions, holds) = tenant.standing_of(tx, tenant.number_index(number)).await?;
        let facts = notice_facts(Channel::Voice, &address, record.number_mode, &suppressions, &holds);
        let permit = match decide_notice(rule_book().pack(facts.number.region, now), NoticeGround::TestSend, &facts, now) {
            Decision::Permit(permit) => permit,
            Decision::Defer(_) | Decision::Refuse(_) => return Ok(Err((NoticeState::Refused, "rules"))),
        };
        let ways = self.trunks.candidates(notice.tenant, number, &notice.sender, None);
        if ways.is_empty() {
            return Ok(Err((NoticeState::Failed, "no_route")));
        }
        let Some(id) = ways.into_iter().find(|id| self.trunks.get_mut(*id).is_some_and(|trunk| trunk.take(now))) else { return Ok(Err((NoticeState::Waiting, ""))) };
        let Some(trunk) = self.trunks.get(id) else { return Ok(Err((NoticeState::Waiting, ""))) };
        Ok(Ok(Ready {
            id: notice.id,
            campaign,
            trunk_id: id,
            trunk: trunk.trunk.clone(),
            leg: trunk.leg(),
            to: trunk.written(number),
            caller_id: trunk.written(&notice.sender),
            asserted: trunk.settings.asserted_identity,
            shown: notice.sender,
            rings_agents: notice.body.reveal() == RINGS_AGENTS,
            valid_until: permit.valid_until(),
            tenant,
        }))
    }
}

impl Ready {
    /// Renders what the script says, calls, and writes what came of it.
    async fn run(self, desk: Desk) {
        let (id, tenant, clock) = (self.id, self.tenant.clone(), desk.clock);
        let ended = match self.call(desk).await {
            Ok((outcome, cause)) => tenant.end_test_call(id, &outcome, &cause.to_string(), clock()).await,
            Err(why) => fail(&tenant, id, why, clock()).await,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "what came of a test call could not be written: it is shown as unknown at the next start");
        }
    }

    async fn call(self, desk: Desk) -> Result<(TestCall, Cause), &'static str> {
        let record = self.tenant.campaign(self.campaign).await.map_err(|_| "campaign")?;
        let loaded = CallCampaign::load(self.tenant.clone(), &record, None, &desk.engine, (desk.clock)()).await.map_err(|_| "script")?;
        let now = (desk.clock)();
        if now >= self.valid_until {
            return Err("permit_lapsed");
        }
        let tester = Tester { tenant: self.tenant.id(), shown: self.shown, agents: self.rings_agents.then(|| desk.news.clone()) };
        let attempt = AttemptId(self.tenant.store().next_id(now));
        let plan = CallPlan {
            attempt,
            of: RecordedCall { tenant: self.tenant.id(), campaign: self.campaign, contact: ContactId(0), address: AddressId(0) },
            recorder: desk.recorder,
            recording: Arc::new(RecordingSettings::default()),
            script: loaded.script,
            sounds: loaded.sounds,
            // Nobody of the audience: fields are spoken by their fallbacks.
            profile: Arc::default(),
            trunk: self.trunk,
            request: DialRequest {
                to: self.to,
                asserted: self.asserted.then(|| self.caller_id.clone()),
                caller_id: self.caller_id,
                ring_max: Some(Duration::from_millis(loaded.pacing.ring_ms_max.into())),
                ..DialRequest::default()
            },
            leg: self.leg,
            clock: desk.clock,
        };
        Ok(listen(plan, desk.media, tester, now).await)
    }
}

async fn fail(tenant: &Tenant, id: i64, why: &'static str, now: Instant) -> Result<(), StoreError> {
    let mut tx = tenant.store().db().begin().await?;
    settle_notice(&mut tx, id, NoticeState::Failed, why, now).await?;
    Ok(tx.commit().await?)
}

/// To be tried by another node.
async fn put_back(tenant: &Tenant, id: i64, now: Instant) -> Result<(), StoreError> {
    let mut tx = tenant.store().db().begin().await?;
    settle_notice(&mut tx, id, NoticeState::Waiting, "", now).await?;
    Ok(tx.commit().await?)
}

/// Who tries the script: what their phone is shown, and whom to ask for agents, if they are to be rung.
struct Tester {
    tenant: TenantId,
    shown: String,
    agents: Option<mpsc::UnboundedSender<News>>,
}

/// Runs the call and hears what it tells, in the dialler's place.
async fn listen(plan: CallPlan, media: MediaEngine, tester: Tester, now: Instant) -> (TestCall, Cause) {
    let (news, mut told) = mpsc::unbounded_channel();
    let (_asks, asked) = mpsc::unbounded_channel();
    let clock = plan.clock;
    let mut call = Call::planned(now);
    let mut outcome = TestCall { disposition: Disposition::Unknown, answered_after_ms: None, lasted_ms: 0, steps: Vec::new(), keys: String::new(), asked_for: None, rings_agents: tester.agents.is_some(), put_through: false, shown: tester.shown.clone(), opted_out: false };
    let talking = tokio::spawn(talk(plan, media, news, asked));
    while let Some(news) = told.recv().await {
        match news {
            News::Happened { event, .. } => call = call.apply(event).unwrap_or(call),
            News::Step { step, .. } => outcome.came_to(step),
            News::Key { key } => outcome.pressed(key),
            News::Suppress { done, .. } => {
                outcome.opted_out = true;
                call = call.apply(CallEvent::OptedOut { at: clock() }).unwrap_or(call);
                // The confirmation is heard as a person would hear it.
                let _ = done.send(());
            }
            News::WantAgent { group, line, .. } => {
                outcome.asked_for = Some(group.clone());
                match &tester.agents {
                    // A dialler that is gone drops the line, which is nobody too.
                    Some(dialler) => drop(dialler.send(News::TesterWantsAgent { tenant: tester.tenant, group, caller_id: tester.shown.clone(), line })),
                    None => drop(line.send(None)),
                }
            }
            News::Over { .. } => break,
            News::Measured { .. } | News::FellBack { .. } | News::AgentCost { .. } | News::Freed { .. } | News::TesterWantsAgent { .. } => {}
        }
    }
    // Its last word was said.
    let _ = talking.await;
    let (disposition, cause) = call.outcome().unwrap_or((Disposition::Unknown, Cause::AnswerLost));
    outcome.disposition = disposition;
    outcome.put_through = call.times.bridged_at.is_some();
    let between = |from: Instant, to: Instant| u64::try_from(to.ms() - from.ms()).unwrap_or(0);
    if let Some(answered_at) = call.person.answered_at {
        outcome.answered_after_ms = Some(between(call.person.dialled_at.unwrap_or(now), answered_at));
        outcome.lasted_ms = between(answered_at, call.ended_at().unwrap_or(answered_at));
    }
    (outcome, cause)
}
