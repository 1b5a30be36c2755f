//! People who want an agent now: the slot that was held for their call, or the first that is free, or, after a second, nobody.

use clarion_domain::attempts::call::AGENT_AWAITED_MS_MAX;
use clarion_domain::campaigns::call_pacing::PaceEvent;
use clarion_domain::carriers::transfer_target::TransferAddress;
use clarion_domain::id::{AttemptId, TenantId, TransferTargetId};
use clarion_domain::time::Instant;
use tokio::sync::oneshot;

use super::agent::{Line, Place};
use super::dialler::{Dialler, LiveCall};
use super::slots::Slot;

pub(super) struct WaitingPerson {
    pub attempt: AttemptId,
    pub group: String,
    /// Closed when their call has ended.
    pub line: oneshot::Sender<Option<Line>>,
    pub since: Instant,
}

impl Dialler {
    pub(super) fn wants_agent(&mut self, person: WaitingPerson) {
        let Some(live) = self.calls.get_mut(&person.attempt) else { return };
        if live.asked_at.is_none() {
            live.asked_at = Some(person.since);
            let dialled_at = live.call.person.dialled_at.unwrap_or(live.call.planned_at);
            if let Some(campaign) = self.campaigns.get_mut(&live.campaign) {
                campaign.note(PaceEvent::Answered { age_ms: person.since.ms() - dialled_at.ms() });
            }
        }
        self.waiting.push(person);
    }

    /// Puts through whoever can be, the longest waiting first, and lets go whoever has waited for too long.
    pub(super) fn serve_waiting(&mut self, now: Instant) {
        for person in std::mem::take(&mut self.waiting) {
            if person.line.is_closed() {
                continue;
            }
            let Some(live) = self.calls.get_mut(&person.attempt) else { continue };
            let slots = self.slots.get(&live.tenant).cloned();
            let another = |besides: &[TransferTargetId]| slots.as_ref().and_then(|slots| slots.take_besides(&person.group, besides, Some(now)));
            let mut held = live.held.take().filter(|slot| slot.is_of(&person.group)).inspect(|held| held.rings(now));
            // The target whose slot was held has not taken calls since: it is the last that is tried.
            let last = held.take_if(|held| held.is_held_off());
            let (mut line, mut besides) = (None, last.iter().map(|last| last.target).collect::<Vec<_>>());
            let mut slot = held.or_else(|| another(&besides));
            let mut last = last.into_iter();
            while let Some(taken) = slot.or_else(|| last.next()) {
                besides.push(taken.target);
                line = self.line(person.attempt, taken, now);
                if line.is_some() {
                    break;
                }
                slot = another(&besides);
            }
            let is_over = now.ms() - person.since.ms() >= AGENT_AWAITED_MS_MAX || !slots.as_ref().is_some_and(|slots| slots.has_anybody(&person.group));
            match line {
                None if !is_over => self.waiting.push(person),
                line => {
                    if let Some(live) = self.calls.get_mut(&person.attempt) {
                        live.refused = line.is_none();
                    }
                    // A call that ended meanwhile wants nobody: its slot is free again as the line is dropped.
                    let _ = person.line.send(line);
                }
            }
        }
    }

    /// The way to the agent whose slot this is.
    fn line(&mut self, attempt: AttemptId, slot: Slot, now: Instant) -> Option<Line> {
        let live = self.calls.get(&attempt)?;
        let (tenant, caller_id) = (live.tenant, live.caller_id.clone());
        let (target, line) = (slot.target, self.way_to(tenant, &caller_id, slot, now)?);
        if let Some(live) = self.calls.get_mut(&attempt) {
            (live.target, live.dirty) = (Some(target), true);
        }
        Some(line)
    }

    /// The way to an agent for whoever tries a script: one that is free now and whom no call in flight may need, or nobody.
    pub(super) fn tester_wants_agent(&mut self, tenant: TenantId, group: &str, caller_id: &str, line: oneshot::Sender<Option<Line>>) {
        let now = (self.clock)();
        let is_theirs = |call: &&LiveCall| call.tenant == tenant && call.group.as_deref() == Some(group);
        let in_flight = self.calls.values().filter(is_theirs).filter(|call| call.is_in_flight()).count();
        let waiting = self.waiting.iter().filter(|person| person.group == group && self.calls.get(&person.attempt).is_some_and(|call| call.tenant == tenant)).count();
        let spare = self.slots.get(&tenant).filter(|slots| slots.free(group) as usize > in_flight + waiting);
        let slot = spare.and_then(|slots| slots.take(group, Some(now)));
        let found = slot.and_then(|slot| self.way_to(tenant, caller_id, slot, now));
        // Whoever hung up meanwhile wants nobody: the slot is free again as the line is dropped.
        let _ = line.send(found);
    }

    /// The way to the agent of a slot; `None` while no trunk has room for it. A target to which there is none at all is left alone for a while.
    fn way_to(&mut self, tenant: TenantId, caller_id: &str, slot: Slot, now: Instant) -> Option<Line> {
        match slot.address.clone() {
            TransferAddress::Sip(address) => match self.trunks.direct(&address, &slot.line) {
                Some((trunk, leg)) => Some(Line { slot, trunk, leg, address, caller_id: caller_id.to_owned(), asserted: None, place: None }),
                None => {
                    slot.failed("the settings of its line cannot be used".to_owned());
                    None
                }
            },
            TransferAddress::Number(number) => self.way_by_trunk(tenant, &number, caller_id, slot, now),
        }
    }

    /// An agent's number is called as a person's is, and takes a place on the trunk as they do.
    fn way_by_trunk(&mut self, tenant: TenantId, number: &str, caller_id: &str, slot: Slot, now: Instant) -> Option<Line> {
        let ways = self.trunks.candidates(tenant, number, caller_id, None);
        if ways.is_empty() {
            slot.failed("no route leads to its number".to_owned());
        }
        let id = ways.into_iter().find(|id| self.trunks.get_mut(*id).is_some_and(|trunk| trunk.take_for_agent(now)))?;
        let trunk = self.trunks.get(id)?;
        let (caller_id, price) = (trunk.written(caller_id), trunk.settings.price());
        let asserted = trunk.settings.asserted_identity.then(|| caller_id.clone());
        Some(Line { slot, trunk: trunk.trunk.clone(), leg: trunk.leg(), address: trunk.written(number), caller_id, asserted, place: Some(Place { trunk: id, price, news: self.news.clone() }) })
    }
}
