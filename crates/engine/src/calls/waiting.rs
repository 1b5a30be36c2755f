//! People who want an agent now: the slot that was held for their call, or the first that is free, or, after a second, nobody.

use clarion_domain::attempts::call::AGENT_AWAITED_MS_MAX;
use clarion_domain::campaigns::call_pacing::PaceEvent;
use clarion_domain::id::{AttemptId, TenantId};
use clarion_domain::time::Instant;
use tokio::sync::oneshot;

use super::agent::Line;
use super::dialler::Dialler;
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
            let Some(slots) = self.slots.get(&live.tenant) else { continue };
            let slot = match live.held.take().filter(|slot| slot.is_of(&person.group)) {
                Some(held) => {
                    held.rings(now);
                    Some(held)
                }
                None => slots.take(&person.group, Some(now)),
            };
            let is_over = now.ms() - person.since.ms() >= AGENT_AWAITED_MS_MAX || !slots.has_anybody(&person.group);
            match slot {
                None if !is_over => self.waiting.push(person),
                slot => {
                    let line = slot.and_then(|slot| self.line(person.attempt, slot));
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
    fn line(&mut self, attempt: AttemptId, slot: Slot) -> Option<Line> {
        let live = self.calls.get(&attempt)?;
        let caller_id = self.campaigns.get(&live.campaign).map(|campaign| campaign.caller_id.clone()).unwrap_or_default();
        let (target, line) = (slot.target, self.way_to(live.tenant, caller_id, slot)?);
        if let Some(live) = self.calls.get_mut(&attempt) {
            (live.target, live.dirty) = (Some(target), true);
        }
        Some(line)
    }

    /// The way to an agent for whoever tries a script: one that is free now, or nobody.
    pub(super) fn tester_wants_agent(&mut self, tenant: TenantId, group: &str, caller_id: String, line: oneshot::Sender<Option<Line>>) {
        let slot = self.slots.get(&tenant).and_then(|slots| slots.take(group, Some((self.clock)())));
        let found = slot.and_then(|slot| self.way_to(tenant, caller_id, slot));
        // Whoever hung up meanwhile wants nobody: the slot is free again as the line is dropped.
        let _ = line.send(found);
    }

    fn way_to(&mut self, tenant: TenantId, caller_id: String, slot: Slot) -> Option<Line> {
        let ((trunk, leg), address, price) = match &slot.address {
            clarion_domain::carriers::transfer_target::TransferAddress::Sip(address) => (self.trunks.direct(address, &slot.line)?, address.clone(), None),
            clarion_domain::carriers::transfer_target::TransferAddress::Number(number) => {
                let way = self.trunks.candidates(tenant, number, &caller_id, None).into_iter().find(|id| self.trunks.get(*id).is_some_and(crate::carriers::SipTrunk::can_dial))?;
                let trunk = self.trunks.get(way)?;
                ((trunk.trunk.clone(), trunk.leg()), trunk.written(number), Some(trunk.settings.price()))
            }
        };
        Some(Line { slot, trunk, leg, address, caller_id, price })
    }
}
