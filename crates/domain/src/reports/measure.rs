//! What is counted, under which key, and how one event of an attempt moves the counts.

use std::collections::HashMap;

use crate::attempts::attempt::CountDelta;
use crate::campaigns::campaign::Channel;
use crate::id::CampaignId;
use crate::outcomes::cause::Cause;
use crate::outcomes::cost::Cost;
use crate::outcomes::disposition::Disposition;
use crate::time::Instant;

/// One count. The hour is the one in which the attempt was claimed, so that an attempt never moves between hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeasureKey {
    pub campaign: CampaignId,
    pub hour: Instant,
    pub channel: Channel,
    pub disposition: Disposition,
    /// `None` while the carrier's receipt is awaited.
    pub cause: Option<Cause>,
}

/// What stands under a key, or what is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    pub attempts: i64,
    pub segments: i64,
    pub cost: Cost,
}

/// What is fixed about an attempt that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub campaign: CampaignId,
    pub claimed_at: Instant,
    pub channel: Channel,
    pub segments: u16,
    pub cost: Cost,
}

/// Changes gathered over a cycle, to be written as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MeasureChanges {
    changes: HashMap<MeasureKey, Measure>,
}

impl MeasureChanges {
    /// Takes an attempt out of the count it was in and puts it into the one it is in now.
    pub fn move_attempt(&mut self, counted: &Counted, delta: &CountDelta) {
        if let Some(from) = delta.from {
            self.add(counted, from, -1);
        }
        if let Some(to) = delta.to {
            self.add(counted, to, 1);
        }
    }

    fn add(&mut self, counted: &Counted, (disposition, cause): (Disposition, Option<Cause>), sign: i64) {
        let Counted { campaign, claimed_at, channel, segments, cost } = *counted;
        let key = MeasureKey { campaign, hour: claimed_at.hour(), channel, disposition, cause };
        let measure = self.changes.entry(key).or_default();
        measure.attempts += sign;
        measure.segments += sign * i64::from(segments);
        measure.cost = measure.cost.plus(Cost(sign * cost.0));
        if *measure == Measure::default() {
            self.changes.remove(&key);
        }
    }

    /// The changes in the order of their keys, which is also the order in which to lock rows; and starts anew.
    pub fn drain(&mut self) -> Vec<(MeasureKey, Measure)> {
        let mut changes: Vec<_> = self.changes.drain().collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        changes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::attempt::{Attempt, AttemptEvent};
    use crate::outcomes::cause::ErrorCode;
    use crate::outcomes::receipt::{Receipt, ReceiptState};
    use crate::time::HOUR_MS;

    fn apply(changes: &mut MeasureChanges, attempt: Attempt, event: AttemptEvent) -> Attempt {
        let counted = Counted { campaign: CampaignId(1), claimed_at: Instant(HOUR_MS + 5), channel: Channel::Sms, segments: 2, cost: Cost(65_000) };
        let applied = attempt.apply(event).expect("legal");
        applied.delta.iter().for_each(|delta| changes.move_attempt(&counted, delta));
        applied.attempt
    }

    #[test]
    fn an_attempt_is_counted_once_under_its_last_word() {
        let mut changes = MeasureChanges::default();
        let taken = apply(&mut changes, Attempt::claimed(), AttemptEvent::Accepted { at: Instant(HOUR_MS + 9) });
        let late = Instant(50 * HOUR_MS);
        let receipt = AttemptEvent::Receipt(Receipt { state: ReceiptState::Delivered, error: ErrorCode::NONE, at: late });
        let settled = apply(&mut changes, taken, receipt);
        apply(&mut changes, settled, receipt);
        let written = changes.drain();
        assert_eq!(written.len(), 1, "what came and went in one cycle is not written");
        assert_eq!((written[0].0.hour, written[0].0.disposition), (Instant(HOUR_MS), Disposition::Delivered));
        assert_eq!(written[0].1, Measure { attempts: 1, segments: 2, cost: Cost(65_000) });
        assert!(changes.is_empty());
    }

    #[test]
    fn a_move_over_two_cycles_takes_back_what_was_written() {
        let mut changes = MeasureChanges::default();
        let taken = apply(&mut changes, Attempt::claimed(), AttemptEvent::Accepted { at: Instant(HOUR_MS + 9) });
        assert_eq!(changes.drain().len(), 1);
        apply(&mut changes, taken, AttemptEvent::Receipt(Receipt { state: ReceiptState::Expired, error: ErrorCode::NONE, at: Instant(0) }));
        let written = changes.drain();
        assert_eq!(written.iter().map(|(key, measure)| (key.disposition, measure.attempts, measure.cost.0)).collect::<Vec<_>>(), [(Disposition::Accepted, -1, -65_000), (Disposition::Expired, 1, 65_000)]);
    }
}
