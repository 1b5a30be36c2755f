//! How fast a campaign goes while somebody watches it: what was sent at each look, kept in memory for five minutes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use clarion_domain::id::CampaignId;
use clarion_domain::time::{Instant, MINUTE_MS, SECOND_MS};

const KEPT_MS: i64 = 5 * MINUTE_MS;
/// The pace "now" is the mean of so long.
const NOW_MS: i64 = 10 * SECOND_MS;
/// What a point of the chart counts: so many in `of_ms`, over a step of `every_ms`.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    pub every_ms: i64,
    pub of_ms: i64,
}

/// Messages a second.
pub const SECONDS: Unit = Unit { every_ms: 5 * SECOND_MS, of_ms: SECOND_MS };
/// Calls a minute: a team of ten ends a call in ten seconds.
pub const MINUTES: Unit = Unit { every_ms: 30 * SECOND_MS, of_ms: MINUTE_MS };
/// Several watchers look more often than once a second: a look too soon after the last adds nothing.
const LOOK_MS_MIN: i64 = 500;
const CAMPAIGNS_MAX: usize = 1_000;

type Looks = VecDeque<(Instant, i64)>;

/// What was sent, look by look, for each campaign that is watched.
#[derive(Default)]
pub struct Paces(Mutex<HashMap<CampaignId, Looks>>);

/// The pace of one campaign.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// Messages a second over the last seconds; `None` before the second look.
    pub per_second: Option<f64>,
    /// The same over as long as is kept, for what goes slowly; `None` before a pace "now" could be told.
    pub lately: Option<f64>,
    /// The end of each step and how many there were in it, by the chart's unit, oldest first.
    pub steps: Vec<(Instant, i64)>,
}

impl Paces {
    /// Notes how many were sent by `now`, and tells the pace.
    pub fn look(&self, campaign: CampaignId, sent: i64, unit: Unit, now: Instant) -> Pace {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = now.plus_ms(-KEPT_MS);
        if all.len() >= CAMPAIGNS_MAX && !all.contains_key(&campaign) {
            all.retain(|_, looks| looks.back().is_some_and(|(at, _)| *at > old));
            if all.len() >= CAMPAIGNS_MAX {
                return Pace::default();
            }
        }
        let looks = all.entry(campaign).or_default();
        while looks.front().is_some_and(|(at, _)| *at <= old) {
            looks.pop_front();
        }
        if looks.back().is_none_or(|(at, _)| at.plus_ms(LOOK_MS_MIN) <= now) {
            looks.push_back((now, sent));
        }
        Pace { per_second: rate(looks, now.plus_ms(-NOW_MS), now, 1), lately: rate(looks, old, now, NOW_MS), steps: steps(looks, unit, now) }
    }
}

/// Messages a second between the first look at or after `from` and the last at or before `to`, when they are far enough apart.
fn rate(looks: &Looks, from: Instant, to: Instant, apart_ms_min: i64) -> Option<f64> {
    let within = || looks.iter().filter(|(at, _)| *at >= from && *at <= to);
    let (first, last) = within().next().zip(within().next_back())?;
    let ms = last.0.ms() - first.0.ms();
    (ms >= apart_ms_min).then(|| (last.1 - first.1).max(0) as f64 * 1000.0 / ms as f64)
}

/// The last look at or before a moment.
fn known(looks: &Looks, at: Instant) -> Option<(Instant, i64)> {
    looks.iter().rev().find(|(look, _)| *look <= at).copied()
}

/// From the first full step on, or from the last in which nobody looked: no line is drawn through what nobody saw.
fn steps(looks: &Looks, Unit { every_ms, of_ms }: Unit, now: Instant) -> Vec<(Instant, i64)> {
    let Some((first, _)) = looks.front() else { return Vec::new() };
    let begin = (first.ms() + every_ms - 1).div_euclid(every_ms) * every_ms + every_ms;
    let step = |end: i64| {
        let (before, after) = known(looks, Instant(end - every_ms)).zip(known(looks, Instant(end)))?;
        let ms = after.0.ms() - before.0.ms();
        (ms > 0).then(|| (Instant(end), ((after.1 - before.1).max(0) * of_ms + ms / 2) / ms))
    };
    let mut steps = Vec::new();
    for end in (begin..=now.ms()).step_by(every_ms as usize) {
        match step(end) {
            Some(seen) => steps.push(seen),
            None => steps.clear(),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Instant = Instant(1_795_435_200_000);

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let (paces, campaign) = (Paces::default(), CampaignId(1));
        assert_eq!(paces.look(campaign, 0, SECONDS, NOON).per_second, None);
        for second in 1..=60 {
            // Twenty a second in the first half minute, then none.
            let pace = paces.look(campaign, 20 * second.min(30), SECONDS, NOON.plus_ms(second * SECOND_MS));
            assert_eq!(pace.lately.is_some(), second >= 10, "not before a pace can be told");
        }
        let pace = paces.look(campaign, 600, SECONDS, NOON.plus_ms(61 * SECOND_MS));
        assert_eq!((pace.per_second, pace.lately), (Some(0.0), Some(600.0 * 1000.0 / 61_000.0)));
        assert_eq!(pace.steps.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [[20; 6], [0; 6]].concat());
        assert_eq!(pace.steps.first().map(|(at, _)| *at), Some(NOON.plus_ms(5 * SECOND_MS)));
    }

    #[test]
    fn calls_are_counted_by_the_minute_and_from_the_last_gap_on() {
        let (paces, campaign) = (Paces::default(), CampaignId(1));
        let seen = |seconds: std::ops::RangeInclusive<i64>, sent: fn(i64) -> i64| {
            let looked = seconds.fold(Pace::default(), |_, second| paces.look(campaign, sent(second), MINUTES, NOON.plus_ms(second * SECOND_MS)));
            looked.steps.iter().map(|(at, n)| ((at.ms() - NOON.ms()) / SECOND_MS, *n)).collect::<Vec<_>>()
        };
        assert_eq!(seen(0..=90, |second| second / 10), [(30, 6), (60, 6), (90, 6)], "a call in ten seconds");
        // The page was closed for a minute and a half.
        assert_eq!(seen(180..=240, |second| 12 + second / 30), [(180, 6), (210, 2), (240, 2)]);
    }

    #[test]
    fn looks_are_forgotten_after_five_minutes() {
        let (paces, campaign) = (Paces::default(), CampaignId(1));
        paces.look(campaign, 0, SECONDS, NOON);
        let later = paces.look(campaign, 900, SECONDS, NOON.plus_ms(KEPT_MS));
        assert_eq!((later.per_second, later.steps.len()), (None, 0));
    }
}
