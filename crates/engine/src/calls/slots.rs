//! Agents' slots: how many calls each transfer target bears now, who holds one, and how long agents talk and wrap up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clarion_domain::campaigns::call_pacing::PaceEvent;
use clarion_domain::campaigns::schedule::no_holidays;
use clarion_domain::carriers::transfer_target::{FREE_AGENTS_LAST_MS, SipLine, TransferAddress};
use clarion_domain::compliance::opening::Opening;
use clarion_domain::id::TransferTargetId;
use clarion_domain::time::{Instant, MINUTE_MS, SECOND_MS};
use clarion_store::StoreError;
use clarion_store::carriers::TransferTargetRecord;

use crate::intake::Clock;

/// For so long after a call that it did not take, a target is given no more than it bore then; twice as long each time that it fails again.
const HELD_OFF_MS_MIN: i64 = 30 * SECOND_MS;
const HELD_OFF_MS_MAX: i64 = 10 * MINUTE_MS;
/// An agent who was not called free for so long after a talk is not wrapping up but gone.
const WRAPS_MS_MAX: i64 = 10 * MINUTE_MS;

struct Target {
    group: String,
    name: String,
    address: TransferAddress,
    line: SipLine,
    priority: i64,
    is_open: bool,
    /// Until it opens or closes by its hours.
    hours_until: Instant,
    capacity: u32,
    bound: Option<Bound>,
    told: Option<Told>,
    /// When the centre said last how many agents are free, and not again for too long.
    unheard_since: Option<Instant>,
    /// When talks ended whose agents the centre has not called free since.
    wrapping: Vec<Instant>,
}

/// What a target showed that it bears, when it did not take a call.
struct Bound {
    /// Talks that it had then, or has had since.
    calls: u32,
    until: Instant,
    /// The time is over. It is remembered until more calls than these are taken, or for `HELD_OFF_MS_MAX`.
    is_over: bool,
    /// In a row.
    failures: u32,
    why: String,
}

impl Bound {
    /// Calls at once. When the time is over one more shows whether it bears more again.
    fn bears(&self) -> u32 {
        self.calls.saturating_add(self.is_over.into())
    }
}

/// What the call centre said.
#[derive(Clone, Copy)]
struct Told {
    free: u32,
    at: Instant,
    /// Agents whom it called free, who have had a talk since and may be anything now.
    talked: u32,
}

#[derive(Default)]
struct State {
    targets: HashMap<TransferTargetId, Target>,
    held: HashMap<TransferTargetId, Vec<Held>>,
    events: Vec<(String, PaceEvent)>,
    next: u64,
}

/// One slot: since when its agent is rung, and since when the agent talks.
#[derive(Debug, Clone, Copy)]
struct Held {
    number: u64,
    rung_at: Option<Instant>,
    talking_since: Option<Instant>,
}

impl Held {
    /// The centre did not know of it when it counted its free agents.
    fn is_unknown_to(&self, told: &Told) -> bool {
        self.rung_at.is_none_or(|at| at > told.at)
    }
}

/// The slots of one tenant; cheap to clone.
#[derive(Clone)]
pub(super) struct Slots {
    state: Arc<Mutex<State>>,
    clock: Clock,
}

/// A slot that is held. Dropping it frees it.
pub(super) struct Slot {
    slots: Slots,
    number: u64,
    group: String,
    pub target: TransferTargetId,
    pub address: TransferAddress,
    pub line: SipLine,
}

impl Target {
    /// Slots that may be taken now.
    fn left(&self, held: &[Held]) -> u32 {
        if !self.is_open {
            return 0;
        }
        let bound = self.bound.as_ref().map_or(self.capacity, |bound| bound.bears().min(self.capacity));
        let by_capacity = bound.saturating_sub(u32::try_from(held.len()).unwrap_or(u32::MAX));
        self.told.map_or(by_capacity, |told| {
            let taken = held.iter().filter(|slot| slot.is_unknown_to(&told)).count() as u32 + told.talked;
            told.free.saturating_sub(taken).min(by_capacity)
        })
    }

    /// It did not take a call, and has so many talks.
    fn fails(&mut self, talks: u32, why: String, now: Instant) {
        // Those that rang at the same time fail for the same reason.
        if let Some(bound) = self.bound.as_mut().filter(|bound| !bound.is_over) {
            bound.calls = bound.calls.min(talks);
            return;
        }
        let failures = self.bound.as_ref().map_or(0, |bound| bound.failures) + 1;
        let for_ms = (HELD_OFF_MS_MIN << (failures - 1).min(8)).min(HELD_OFF_MS_MAX);
        self.bound = Some(Bound { calls: talks, until: now.plus_ms(for_ms), is_over: false, failures, why });
    }

    /// It has taken a call, and has so many talks now.
    fn takes(&mut self, talks: u32) {
        match &mut self.bound {
            Some(bound) if bound.is_over && talks > bound.calls => self.bound = None,
            Some(bound) if !bound.is_over => bound.calls = bound.calls.max(talks),
            _ => {}
        }
    }

    /// The centre's word, when it is new: more agents free than it could have of those it had, and some have wrapped up. Returns for how long each did.
    fn hear(&mut self, free: u32, at: Instant, held: &[Held]) -> Vec<i64> {
        let Some(before) = self.told.filter(|before| before.at != at) else {
            self.told.get_or_insert(Told { free, at, talked: 0 });
            return Vec::new();
        };
        let rung_since = held.iter().filter(|slot| slot.rung_at.is_some_and(|rung| rung > before.at && rung <= at)).count() as u32;
        let back = free.saturating_sub(before.free.saturating_sub(rung_since + before.talked)) as usize;
        self.told = Some(Told { free, at, talked: 0 });
        self.wrapping.sort();
        self.wrapping.drain(..back.min(self.wrapping.len())).map(|since| (at.ms() - since.ms()).max(0)).collect()
    }
}

impl Slots {
    pub fn new(clock: Clock) -> Self {
        Self { state: Arc::default(), clock }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the tenant configured and the call centres said.
    pub fn refresh(&self, records: &[TransferTargetRecord], zone: &jiff::tz::TimeZone, now: Instant) -> Result<(), StoreError> {
        let mut guard = self.state();
        let State { targets, held, events, .. } = &mut *guard;
        let mut before = std::mem::take(targets);
        for record in records.iter().filter(|record| record.target.enabled) {
            let spell = Opening { hours: record.hours()?, closed_on_holidays: false }.spell(zone, &no_holidays(), now);
            // One that can no longer be read, such as a port that there is not, takes nobody and keeps no other target from theirs.
            let Ok(address) = record.address() else { continue };
            let known = before.remove(&record.id);
            let (told, mut wrapping, mut bound) = known.map_or((None, Vec::new(), None), |known| (known.told, known.wrapping, known.bound.filter(|_| known.address == address)));
            bound.take_if(|bound| now >= bound.until.plus_ms(HELD_OFF_MS_MAX));
            if let Some(bound) = &mut bound {
                bound.is_over = now >= bound.until;
            }
            wrapping.retain(|since| now.ms() - since.ms() <= WRAPS_MS_MAX);
            let mut target = Target {
                group: record.target.group.clone(),
                name: record.target.name.clone(),
                address,
                line: record.target.line.clone(),
                priority: record.target.priority,
                is_open: spell.is_open,
                hours_until: spell.until,
                capacity: record.target.capacity,
                bound,
                told,
                unheard_since: None,
                wrapping,
            };
            match record.told.filter(|(_, at)| now.ms() - at.ms() <= FREE_AGENTS_LAST_MS) {
                Some((free, at)) => {
                    let wrapped = target.hear(free, at, held.get(&record.id).map_or(&[], Vec::as_slice));
                    events.extend(wrapped.into_iter().map(|age_ms| (record.target.group.clone(), PaceEvent::WrapEnded { age_ms })));
                }
                None => {
                    (target.told, target.wrapping) = (None, Vec::new());
                    target.unheard_since = record.told.map(|(_, at)| at);
                    target.capacity = record.told.map_or(target.capacity, |(free, _)| free.min(target.capacity));
                }
            }
            targets.insert(record.id, target);
        }
        Ok(())
    }

    /// Free slots of a group.
    pub fn free(&self, group: &str) -> u32 {
        let state = self.state();
        state.targets.iter().filter(|(_, target)| target.group == group).map(|(id, target)| target.left(state.held_of(*id))).sum()
    }

    /// Until the first target of a group that is open now closes; the beginning of time when none is.
    pub fn open_until(&self, group: &str) -> Instant {
        let state = self.state();
        state.targets.values().filter(|target| target.group == group && target.is_open).map(|target| target.hours_until).min().unwrap_or(Instant(0))
    }

    /// Slots of a group that are held for calls whose person has not met the agent yet.
    pub fn held(&self, group: &str) -> u32 {
        u32::try_from(self.state().of_group(group).filter(|slot| slot.talking_since.is_none()).count()).unwrap_or(u32::MAX)
    }

    /// Somebody is there who could become free: else there is nothing to wait for.
    pub fn has_anybody(&self, group: &str) -> bool {
        let state = self.state();
        state.targets.iter().filter(|(_, target)| target.group == group).any(|(id, target)| !state.held_of(*id).is_empty() || !target.wrapping.is_empty() || target.left(&[]) > 0)
    }

    /// Targets of a group that did not take their last calls, or that nobody has heard of, in words for the live page.
    pub fn trouble(&self, group: &str, now: Instant) -> Option<String> {
        let state = self.state();
        let troubled = state.targets.values().filter(|target| target.group == group && target.is_open);
        let words = troubled.filter_map(|target| {
            if let Some(since) = target.unheard_since {
                let minutes = (now.ms() - since.ms()) / MINUTE_MS;
                return Some(format!("{} has not said for {minutes} min how many agents are free: it has no more than the {} of then", target.name, target.capacity));
            }
            let bound = target.bound.as_ref().filter(|bound| now < bound.until)?;
            Some(format!("{} did not take a call ({}): it has no more than {} at once for {} s", target.name, bound.why, bound.calls, (bound.until.ms() - now.ms() + 999) / 1_000))
        });
        let mut words: Vec<String> = words.collect();
        words.sort();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Some agents of a group are reached by a number, so that their legs take places on the trunks.
    pub fn is_reached_by_trunk(&self, group: &str) -> bool {
        self.state().targets.values().any(|target| target.group == group && target.is_open && matches!(target.address, TransferAddress::Number(_)))
    }

    /// Since when the agents of a group talk to our people.
    pub fn talking_since(&self, group: &str) -> Vec<Instant> {
        self.state().of_group(group).filter_map(|slot| slot.talking_since).collect()
    }

    /// Since when agents of a group have been done with a talk, and have not been called free.
    pub fn wrapping_since(&self, group: &str) -> Vec<Instant> {
        self.state().targets.values().filter(|target| target.group == group).flat_map(|target| target.wrapping.iter().copied()).collect()
    }

    /// What ended since it was last asked, by group.
    pub fn take_events(&self) -> Vec<(String, PaceEvent)> {
        std::mem::take(&mut self.state().events)
    }

    /// Takes a slot of the first target of a group that has one; its agent is rung now, or it is held for later.
    pub fn take(&self, group: &str, rung_at: Option<Instant>) -> Option<Slot> {
        self.take_besides(group, &[], rung_at)
    }

    /// The same of a target that is none of these.
    pub fn take_besides(&self, group: &str, besides: &[TransferTargetId], rung_at: Option<Instant>) -> Option<Slot> {
        let mut state = self.state();
        let has_room = |(id, target): &(&TransferTargetId, &Target)| target.group == group && !besides.contains(id) && target.left(state.held_of(**id)) > 0;
        let (target, address, line) = state.targets.iter().filter(has_room).min_by_key(|(id, target)| (target.priority, id.0)).map(|(id, target)| (*id, target.address.clone(), target.line.clone()))?;
        state.next += 1;
        let number = state.next;
        state.held.entry(target).or_default().push(Held { number, rung_at, talking_since: None });
        drop(state);
        Some(Slot { slots: self.clone(), number, group: group.to_owned(), target, address, line })
    }
}

impl State {
    fn held_of(&self, target: TransferTargetId) -> &[Held] {
        self.held.get(&target).map_or(&[], Vec::as_slice)
    }

    fn talks_of(&self, target: TransferTargetId) -> u32 {
        u32::try_from(self.held_of(target).iter().filter(|held| held.talking_since.is_some()).count()).unwrap_or(u32::MAX)
    }

    fn of_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Held> {
        let of_group = move |id: &TransferTargetId| self.targets.get(id).is_some_and(|target| target.group == group);
        self.held.iter().filter(move |(id, _)| of_group(id)).flat_map(|(_, held)| held)
    }

    fn free(&mut self, slot: &Slot, now: Instant) {
        let Some(held) = self.held.get_mut(&slot.target) else { return };
        let Some(at) = held.iter().position(|held| held.number == slot.number) else { return };
        let freed = held.swap_remove(at);
        let Some(since) = freed.talking_since else { return };
        self.events.push((slot.group.clone(), PaceEvent::TalkEnded { age_ms: now.ms() - since.ms() }));
        let Some(target) = self.targets.get_mut(&slot.target) else { return };
        match &mut target.told {
            Some(told) => {
                told.talked += u32::from(freed.is_unknown_to(told));
                target.wrapping.push(now);
            }
            // Of a number of lines nobody says when an agent is ready: the line is free.
            None => self.events.push((slot.group.clone(), PaceEvent::WrapEnded { age_ms: 0 })),
        }
    }
}

impl Slot {
    pub fn is_of(&self, group: &str) -> bool {
        self.group == group
    }

    fn with(&self, change: impl FnOnce(&mut Held)) {
        let mut state = self.slots.state();
        if let Some(held) = state.held.get_mut(&self.target).and_then(|held| held.iter_mut().find(|held| held.number == self.number)) {
            change(held);
        }
    }

    /// Its target did not take a call a short while ago.
    pub fn is_held_off(&self) -> bool {
        self.slots.state().targets.get(&self.target).and_then(|target| target.bound.as_ref()).is_some_and(|bound| !bound.is_over)
    }

    /// Its agent is rung.
    pub fn rings(&self, now: Instant) {
        self.with(|held| held.rung_at = Some(now));
    }

    /// The agent and the person are joined.
    pub fn talks(&self, now: Instant) {
        self.with(|held| held.talking_since = Some(now));
        let mut state = self.slots.state();
        let talks = state.talks_of(self.target);
        if let Some(target) = state.targets.get_mut(&self.target) {
            target.takes(talks);
        }
    }

    /// The carrier has joined the agent and the person: how many talk there is not seen here, but that the target takes calls.
    pub fn taken_elsewhere(&self) {
        if let Some(target) = self.slots.state().targets.get_mut(&self.target) {
            target.bound = None;
        }
    }

    /// The target did not take the call, for this reason: it has no more than it has now for a while.
    pub fn failed(&self, why: String) {
        let now = (self.slots.clock)();
        let mut state = self.slots.state();
        let talks = state.talks_of(self.target);
        if let Some(target) = state.targets.get_mut(&self.target) {
            target.fails(talks, why, now);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let now = (self.slots.clock)();
        self.slots.state().free(self, now);
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
