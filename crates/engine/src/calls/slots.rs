//! Agents' slots: how many calls each transfer target bears now, and who holds one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clarion_domain::carriers::transfer_target::TransferAddress;
use clarion_domain::id::TransferTargetId;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::StoreError;
use clarion_store::carriers::TransferTargetRecord;

/// What a call centre said about its free agents is believed for so long; then its fixed capacity holds again.
const TOLD_LASTS_MS: i64 = 5 * MINUTE_MS;

struct Target {
    group: String,
    address: TransferAddress,
    priority: i64,
    /// Slots that may be held now.
    room: u32,
}

#[derive(Default)]
struct State {
    targets: HashMap<TransferTargetId, Target>,
    held: HashMap<TransferTargetId, Vec<Held>>,
    next: u64,
}

/// One slot: since when it is held, and since when the agent talks.
#[derive(Debug, Clone, Copy)]
struct Held {
    number: u64,
    talking_since: Option<Instant>,
}

/// The slots of one tenant; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Slots(Arc<Mutex<State>>);

/// A slot that is held. Dropping it frees it.
pub(super) struct Slot {
    slots: Slots,
    number: u64,
    pub target: TransferTargetId,
    pub address: TransferAddress,
}

impl Slots {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the tenant configured and the call centres said.
    pub fn refresh(&self, records: &[TransferTargetRecord], zone: &jiff::tz::TimeZone, now: Instant) -> Result<(), StoreError> {
        let mut targets = HashMap::new();
        for record in records.iter().filter(|record| record.target.enabled) {
            let local = zone.to_datetime(now.timestamp());
            let day = usize::try_from(local.date().weekday().to_monday_zero_offset()).unwrap_or(0);
            let minute = u16::try_from(i32::from(local.time().hour()) * 60 + i32::from(local.time().minute())).unwrap_or(0);
            let open = record.hours()?.day(day).any(|span| span.contains(minute));
            let told = record.told.filter(|(_, at)| now.ms() - at.ms() <= TOLD_LASTS_MS).map(|(free, _)| free);
            targets.insert(record.id, (record, open, told));
        }
        let mut state = self.state();
        state.targets = targets
            .into_iter()
            .map(|(id, (record, open, told))| {
                let busy = state.held.get(&id).map_or(0, Vec::len) as u32;
                // What the centre says is free is free beside the calls that it has of us already.
                let room = told.map_or(record.target.capacity, |free| free.saturating_add(busy).min(record.target.capacity));
                let target = Target { group: record.target.group.clone(), address: record.address()?, priority: record.target.priority, room: if open { room } else { 0 } };
                Ok((id, target))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(())
    }

    /// Free slots of a group.
    pub fn free(&self, group: &str) -> u32 {
        let state = self.state();
        let left = |(id, target): (&TransferTargetId, &Target)| target.room.saturating_sub(state.held.get(id).map_or(0, Vec::len) as u32);
        state.targets.iter().filter(|(_, target)| target.group == group).map(left).sum()
    }

    /// Since when the agents of a group talk to our people.
    pub fn talking_since(&self, group: &str) -> Vec<Instant> {
        let state = self.state();
        let of_group = |id: &TransferTargetId| state.targets.get(id).is_some_and(|target| target.group == group);
        state.held.iter().filter(|(id, _)| of_group(id)).flat_map(|(_, held)| held.iter().filter_map(|slot| slot.talking_since)).collect()
    }

    /// Takes a slot of the first target of a group that has one.
    pub fn take(&self, group: &str) -> Option<Slot> {
        let mut state = self.state();
        let has_room = |(id, target): &(&TransferTargetId, &Target)| target.group == group && target.room > state.held.get(*id).map_or(0, Vec::len) as u32;
        let (target, address) = state.targets.iter().filter(has_room).min_by_key(|(id, target)| (target.priority, id.0)).map(|(id, target)| (*id, target.address.clone()))?;
        state.next += 1;
        let number = state.next;
        state.held.entry(target).or_default().push(Held { number, talking_since: None });
        drop(state);
        Some(Slot { slots: self.clone(), number, target, address })
    }
}

impl Slot {
    /// The agent and the person are joined.
    pub fn talks(&self, now: Instant) {
        let mut state = self.slots.state();
        if let Some(held) = state.held.get_mut(&self.target).and_then(|held| held.iter_mut().find(|held| held.number == self.number)) {
            held.talking_since = Some(now);
        }
    }

    /// The target answered busy: it takes no more until the next refresh.
    pub fn is_busy(&self) {
        if let Some(target) = self.slots.state().targets.get_mut(&self.target) {
            target.room = 0;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(held) = self.slots.state().held.get_mut(&self.target) {
            held.retain(|held| held.number != self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clarion_store::carriers::NewTransferTarget;
    use clarion_store::compliance::Week;

    /// A Monday, 12:00 UTC.
    const NOON: Instant = Instant(1_795_435_200_000);

    fn record(id: i64, capacity: u32, priority: i64, told: Option<(u32, Instant)>) -> TransferTargetRecord {
        let target = NewTransferTarget {
            group: "agents".into(),
            name: format!("Floor {id}"),
            address: format!("sip:floor{id}@127.0.0.1"),
            hours: Week { monday: "09:00-17:00".into(), ..Week::default() },
            capacity,
            priority,
            enabled: true,
        };
        TransferTargetRecord { id: TransferTargetId(id), target, told, created_by: String::new(), created_at: NOON }
    }

    #[test]
    fn slots_are_taken_by_priority_and_freed_when_dropped() {
        let (slots, zone) = (Slots::default(), jiff::tz::TimeZone::UTC);
        slots.refresh(&[record(1, 1, 20, None), record(2, 1, 10, None)], &zone, NOON).expect("reads");
        assert_eq!(slots.free("agents"), 2);
        let first = slots.take("agents").expect("a slot");
        assert_eq!(first.target, TransferTargetId(2), "the lower priority first");
        let second = slots.take("agents").expect("a slot");
        assert!(slots.take("agents").is_none() && slots.take("others").is_none());
        second.talks(NOON);
        assert_eq!(slots.talking_since("agents"), [NOON]);
        drop(second);
        assert_eq!((slots.free("agents"), slots.talking_since("agents").len()), (1, 0));
        first.is_busy();
        drop(first);
        assert_eq!(slots.free("agents"), 1, "one is free, one said busy");
    }

    #[test]
    fn hours_and_what_the_centre_says_bound_them() {
        let (slots, zone) = (Slots::default(), jiff::tz::TimeZone::UTC);
        slots.refresh(&[record(1, 5, 1, Some((2, NOON)))], &zone, NOON).expect("reads");
        assert_eq!(slots.free("agents"), 2);
        slots.refresh(&[record(1, 5, 1, Some((2, NOON)))], &zone, NOON.plus_ms(TOLD_LASTS_MS + 1)).expect("reads");
        assert_eq!(slots.free("agents"), 5, "an old word does not hold");
        slots.refresh(&[record(1, 5, 1, None)], &zone, NOON.plus_ms(6 * 60 * MINUTE_MS)).expect("reads");
        assert_eq!(slots.free("agents"), 0, "closed in the evening");
    }
}
