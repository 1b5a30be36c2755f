//! How long a campaign takes at the rates and in the hours that hold now.

use jiff::tz::TimeZone;

use crate::campaigns::pacing::{Bottleneck, Rate};
use crate::campaigns::schedule::{self, Schedule};
use crate::compliance::opening::{self, Opening};
use crate::time::Instant;

/// Steps of the simulation: more than a month of hours that open and close in a hundred zones.
const STEPS_MAX: usize = 20_000;

/// Recipients who may be in the same zones, with what they will be sent.
#[derive(Debug, Clone)]
pub struct ZoneGroup {
    pub zones: Vec<TimeZone>,
    pub messages: u64,
    pub segments: u64,
}

/// The answer of a dry run to "how long?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Time spent sending, pauses left out.
    pub sending_ms: u64,
    /// When the first message may leave.
    pub starts_at: Option<Instant>,
    /// When the last one will; `None` when some never do.
    pub finishes_at: Option<Instant>,
    /// Messages that the campaign's end, closed hours or missing trunks leave unsent.
    pub messages_left: u64,
    /// What holds it back; `None` when nothing moves at all.
    pub bottleneck: Option<Bottleneck>,
}

struct Waiting<'a> {
    group: &'a ZoneGroup,
    left_ms: u64,
    whole_ms: u64,
    open: bool,
    changes_at: Instant,
}

/// Plays the campaign through: groups whose hours are open share the pace, the others wait. `rules` are the calling
/// windows that compliance adds to the campaign's own hours.
#[must_use]
pub fn estimate(groups: &[ZoneGroup], pace: &impl Rate, own: &Schedule, rules: &[Opening], now: Instant) -> Estimate {
    let total = groups.iter().fold((0, 0), |sum, group| (sum.0 + group.messages, sum.1 + group.segments));
    let Some((_, bottleneck)) = pace.duration_ms(total.0, total.1) else {
        return Estimate { sending_ms: 0, starts_at: None, finishes_at: None, messages_left: total.0, bottleneck: None };
    };
    let openings: Vec<Opening> = rules.iter().copied().chain([own.opening()]).collect();
    let mut waiting: Vec<Waiting> = groups.iter().filter(|group| group.messages > 0).map(|group| Waiting::new(group, pace)).collect();
    let mut at = now.max(own.starts_at_ms.map_or(now, Instant));
    let ends_at = own.ends_at_ms.map_or(Instant(i64::MAX), Instant);
    let (mut sending_ms, mut starts_at) = (0, None);
    for _ in 0..STEPS_MAX {
        waiting.retain(|group| group.left_ms > 0);
        if waiting.is_empty() || at >= ends_at {
            break;
        }
        waiting.iter_mut().for_each(|group| group.look(&openings, at));
        let step_until = waiting.iter().map(|group| group.changes_at).fold(ends_at, Instant::min);
        if step_until == Instant(i64::MAX) {
            break;
        }
        let mut spare_ms = (step_until.ms() - at.ms()).unsigned_abs();
        let before_ms = spare_ms;
        for group in waiting.iter_mut().filter(|group| group.open) {
            let sent_ms = group.left_ms.min(spare_ms);
            group.left_ms -= sent_ms;
            spare_ms -= sent_ms;
        }
        let used_ms = before_ms - spare_ms;
        if used_ms > 0 {
            starts_at = starts_at.or(Some(at));
            sending_ms += used_ms;
        }
        let done = waiting.iter().all(|group| group.left_ms == 0);
        at = if done { at.plus_ms(used_ms as i64) } else { step_until };
    }
    let messages_left = waiting.iter().map(Waiting::messages_left).sum();
    let finishes_at = (messages_left == 0).then_some(at);
    Estimate { sending_ms, starts_at, finishes_at, messages_left, bottleneck: Some(bottleneck) }
}

impl<'a> Waiting<'a> {
    fn new(group: &'a ZoneGroup, pace: &impl Rate) -> Self {
        let whole_ms = pace.duration_ms(group.messages, group.segments).map_or(0, |(ms, _)| ms.max(1));
        Self { group, left_ms: whole_ms, whole_ms, open: false, changes_at: Instant(i64::MIN) }
    }

    /// Finds out whether the group's hours are open and until when that stays.
    fn look(&mut self, openings: &[Opening], at: Instant) {
        if at < self.changes_at {
            return;
        }
        let holidays = schedule::no_holidays();
        let first = opening::first_open(openings, &self.group.zones, &holidays, at);
        // A person in no known zone is never contacted.
        let first = first.filter(|_| !self.group.zones.is_empty());
        self.open = first == Some(at);
        self.changes_at = match first {
            None => Instant(i64::MAX),
            Some(open) if open > at => open,
            Some(_) => {
                let spells = self.group.zones.iter().flat_map(|zone| openings.iter().map(|opening| opening.spell(zone, &holidays, at).until));
                spells.min().unwrap_or(Instant(i64::MAX))
            }
        };
    }

    fn messages_left(&self) -> u64 {
        let share = u128::from(self.group.messages) * u128::from(self.left_ms);
        u64::try_from(share.div_ceil(u128::from(self.whole_ms.max(1)))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
