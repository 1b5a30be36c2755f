//! How many calls each campaign may launch now, by its pace: what the decision looks at, and what a model learns from.

use std::collections::HashMap;

use clarion_domain::attempts::call::CallState;
use clarion_domain::campaigns::call_pacing::{AbandonmentCount, AgentsNow, Launch, PaceEvent, PaceState, PacingMode, Why, next};
use clarion_domain::compliance::abandonment::{AbandonmentDay, US_DAYS, london_day, us_window};
use clarion_domain::id::{AttemptId, CampaignId, TenantId};
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::outcomes::AbandonmentDay as DayRow;
use jiff::ToSpan;
use jiff::civil::Date;

use super::campaign::CallCampaign;
use super::dialler::{Dialler, LiveCall};
use super::slots::{Slot, Slots};

/// Calls launched by one campaign in one turn at most.
const LAUNCH_MAX: u32 = 64;

/// Calls that a campaign may launch, each with its slot when slots are held for them.
pub(super) struct Want {
    pub campaign: CampaignId,
    pub calls: u32,
    pub slots: Vec<Slot>,
}

/// One campaign's own calls.
#[derive(Default)]
struct Own {
    /// When those were dialled for which no slot is held, and which may still come to want an agent.
    in_flight: Vec<Instant>,
    up: u32,
    /// Other campaigns for which its agents work.
    rivals: u32,
    /// Of those that are up, what they have added to the day already.
    today: AbandonmentDay,
}

impl LiveCall {
    pub(super) fn is_in_flight(&self) -> bool {
        !self.over && self.asked_at.is_none() && self.held.is_none() && self.call.state() != CallState::Ended
    }
}

impl Dialler {
    /// A call's last word. What it taught its campaign's model it has now taught.
    pub(super) fn over(&mut self, attempt: AttemptId) {
        let now = (self.clock)();
        let Some(live) = self.calls.get_mut(&attempt) else { return };
        (live.over, live.dirty, live.held) = (true, true, None);
        if let (Some((_, cause)), Some(trunk)) = (live.call.outcome(), self.trunks.get_mut(live.permitted.trunk)) {
            trunk.ended(cause, now);
        }
        let Some(campaign) = self.campaigns.get_mut(&live.campaign) else { return };
        if live.asked_at.is_none() {
            let dialled_at = live.call.person.dialled_at.unwrap_or(live.call.planned_at);
            campaign.note(PaceEvent::NotAnswered { age_ms: live.call.ended_at().unwrap_or(now).ms() - dialled_at.ms() });
        }
        if AbandonmentDay::of_call(&live.call).abandoned > 0 {
            campaign.note(PaceEvent::Abandoned);
        }
    }

    /// Ends of talks and wrap-ups, told to every campaign that the agents work for.
    pub(super) fn learn_from_agents(&mut self) {
        for (tenant, slots) in &self.slots {
            for (group, event) in slots.take_events() {
                let campaigns = self.campaigns.values_mut().filter(|campaign| campaign.tenant.id() == *tenant && campaign.group() == Some(group.as_str()));
                campaigns.for_each(|campaign| campaign.note(event));
            }
        }
    }

    /// How many calls each campaign may launch now.
    pub(super) async fn wants(&mut self, now: Instant) -> Result<Vec<Want>, StoreError> {
        if self.draining {
            return Ok(Vec::new());
        }
        let (today, mut trunk_room) = (london_day(now), self.trunks.room().saturating_sub(self.legs_to_come()));
        let mut rivals = self.rivals();
        let mut wants = Vec::new();
        let ids: Vec<CampaignId> = self.campaigns.iter().filter(|(_, campaign)| campaign.idle_until <= now).map(|(id, _)| *id).collect();
        for id in ids {
            self.count(id, today).await?;
            let own = self.own(id, today);
            let waiting = self.waiting.iter().filter(|person| self.calls.get(&person.attempt).is_some_and(|call| call.campaign == id)).count();
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            let key = (campaign.tenant.id(), campaign.group().map(str::to_owned));
            let others = rivals.get(&key).map_or(0, |of| of.iter().filter(|(other, _)| **other != id).map(|(_, calls)| *calls).sum());
            let slots = self.slots.get(&key.0).cloned();
            let group = key.1.as_deref().zip(slots.as_ref());
            // A call whose agent is reached by a number takes two places on the trunks.
            let legs = if group.is_some_and(|(group, slots)| slots.is_reached_by_trunk(group)) { 2 } else { 1 };
            let launch = decide(campaign, &own, waiting, others, group, trunk_room / legs, today, now);
            let why = match launch.why {
                Why::Trunks if !self.trunks.any_can_dial() => Why::TrunksDown,
                _ if launch.calls > 0 && campaign.is_nobody_due => Why::NobodyDue,
                why => why,
            };
            campaign.why = why.to_string();
            if let Some(trouble) = group.and_then(|(group, slots)| slots.trouble(group, now)) {
                campaign.why = format!("{}; {trouble}", campaign.why);
            }
            let calls = launch.calls.min(LAUNCH_MAX);
            let held: Vec<Slot> = group.filter(|_| launch.holds_slots).map_or_else(Vec::new, |(group, slots)| (0..calls).map_while(|_| slots.take(group, None)).collect());
            let calls = if launch.holds_slots { calls.min(u32::try_from(held.len()).unwrap_or(0)) } else { calls };
            if calls > 0 {
                if !launch.holds_slots && campaign.pacing.pace != PacingMode::Agentless {
                    *rivals.entry(key).or_default().entry(id).or_default() += calls;
                }
                trunk_room = trunk_room.saturating_sub(calls.saturating_mul(legs));
                wants.push(Want { campaign: id, calls, slots: held });
            }
        }
        Ok(wants)
    }

    /// Calls in flight for which no slot is held, by whose agents they may come to want and by campaign. A free agent whom another campaign's call
    /// may need is not free for this one. Calls without agents in mind count once their person asks for one.
    fn rivals(&self) -> HashMap<(TenantId, Option<String>), HashMap<CampaignId, u32>> {
        let mut rivals: HashMap<_, HashMap<CampaignId, u32>> = HashMap::new();
        for call in self.calls.values().filter(|call| call.is_in_flight()) {
            let Some(group) = call.group.as_deref().map(str::to_owned) else { continue };
            *rivals.entry((call.tenant, Some(group))).or_default().entry(call.campaign).or_default() += 1;
        }
        rivals
    }

    /// Places on the trunks that agents' legs may come to take: every campaign shares the trunks, so none may be given them.
    fn legs_to_come(&self) -> u32 {
        let mut reached: HashMap<(TenantId, &str), bool> = HashMap::new();
        let mut legs = 0;
        for call in self.calls.values().filter(|call| !call.over && call.target.is_none()) {
            let group = call.group.as_deref().or_else(|| self.campaigns.get(&call.campaign).and_then(CallCampaign::group));
            let Some(group) = group else { continue };
            let is_reached = || self.slots.get(&call.tenant).is_some_and(|slots| slots.is_reached_by_trunk(group));
            legs += u32::from(*reached.entry((call.tenant, group)).or_insert_with(is_reached));
        }
        legs
    }

    fn own(&self, id: CampaignId, today: Date) -> Own {
        let agents = self.campaigns.get(&id).map(agents_of);
        let rivals = self.campaigns.iter().filter(|(other, campaign)| **other != id && Some(agents_of(campaign)) == agents).count();
        let mut own = Own { rivals: u32::try_from(rivals).unwrap_or(u32::MAX), ..Own::default() };
        for call in self.calls.values().filter(|call| call.campaign == id) {
            if call.is_in_flight() {
                own.in_flight.push(call.call.person.dialled_at.unwrap_or(call.call.planned_at));
            }
            own.up += u32::from(!call.over);
            if call.call.person.answered_at.is_some_and(|at| london_day(at) == today) {
                own.today = own.today.plus(&call.adds());
            }
        }
        own
    }

    /// Reads the campaign's days, when something was added to them.
    async fn count(&mut self, id: CampaignId, today: Date) -> Result<(), StoreError> {
        let Some(campaign) = self.campaigns.get_mut(&id).filter(|campaign| campaign.counted.is_none()) else { return Ok(()) };
        let since = today.saturating_sub((US_DAYS - 1).days());
        let days = self.store.abandonment_days(id, &since.to_string()).await?;
        let is_latched = days.iter().any(|row| row.day == today.to_string() && row.latched_at.is_some());
        if is_latched {
            campaign.latched = Some((today, true));
        }
        campaign.counted = Some(days);
        Ok(())
    }
}

impl LiveCall {
    /// What it has added to its day, or has not yet written there: whoever was refused an agent is about to hear why.
    fn adds(&self) -> AbandonmentDay {
        let ended = AbandonmentDay::of_call(&self.call);
        let live = AbandonmentDay::of_live_call(&self.call);
        match self.call.outcome() {
            Some(_) => ended,
            None if self.refused && live == AbandonmentDay::default() => AbandonmentDay { abandoned: 1, ..live },
            None => live,
        }
    }
}

/// Whose agents a campaign's people are put through to.
fn agents_of(campaign: &CallCampaign) -> (TenantId, Option<&str>) {
    (campaign.tenant.id(), campaign.group())
}

/// The decision, with the latch set when it has come to that.
#[expect(clippy::too_many_arguments, reason = "what one decision looks at, gathered by its one caller")]
fn decide(campaign: &mut CallCampaign, own: &Own, waiting: usize, others: u32, group: Option<(&str, &Slots)>, trunk_room: u32, today: Date, now: Instant) -> Launch {
    // The law's formula is of people put through: of a campaign that puts nobody through it says nothing.
    let count = if campaign.group().is_some() { count_of(campaign, own, today) } else { AbandonmentCount::default() };
    let (free, held, talking, wrapping) = group.map_or((0, 0, Vec::new(), Vec::new()), |(group, slots)| (slots.free(group), slots.held(group), slots.talking_since(group), slots.wrapping_since(group)));
    let mut bucket = campaign.bucket;
    let agents_until = group.map_or(now, |(group, slots)| slots.open_until(group));
    let state = PaceState {
        ringing_since: &own.in_flight,
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        calls_up: own.up,
        agents: AgentsNow { free: free.saturating_sub(others), held: held + others.min(free), talking_since: &talking, wrapping_since: &wrapping },
        ready: LAUNCH_MAX,
        trunk_room,
        rate_room: bucket.take(LAUNCH_MAX, now),
        count: &count,
        ahead: campaign.rest.ahead(agents_until, own.rivals, &campaign.permits, now),
    };
    let launch = match &mut campaign.predictor {
        Some(predictor) => predictor.next(&campaign.pacing, &state, now),
        None => next(&campaign.pacing, &state),
    };
    if launch.latches && !count.is_latched {
        campaign.latched = Some((today, false));
    }
    launch
}

fn count_of(campaign: &CallCampaign, own: &Own, today: Date) -> AbandonmentCount {
    let rows = campaign.counted.as_deref().unwrap_or_default();
    let days: Vec<(Date, AbandonmentDay)> = rows.iter().filter_map(|row: &DayRow| Some((row.day.parse().ok()?, row.counts()))).collect();
    let stored = days.iter().find(|(day, _)| *day == today).map_or_else(AbandonmentDay::default, |(_, counts)| *counts);
    let days_30 = us_window(&days, today).plus(&own.today);
    let counted = stored.plus(&own.today);
    let mistaken_milli = |day: &AbandonmentDay| campaign.terms.mistaken_milli(day.judged_machine);
    AbandonmentCount {
        today: counted,
        mistaken_milli: mistaken_milli(&counted),
        days_30,
        mistaken_30_milli: mistaken_milli(&days_30),
        is_latched: campaign.latched.is_some_and(|(day, _)| day == today),
    }
}
