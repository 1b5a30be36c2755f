//! A rate that finds and holds what the SMSC allows, whatever it allows and however it counts.
//!
//! No clock and no chance: time comes in as microseconds from any fixed point. What is counted is segments.
//!
//! How it works. Messages leave evenly spaced at `rate`. A refusal for throttling *cuts* the rate to just
//! under what was last proven good or measured, then sends single probes until one is accepted, so that a
//! closed window costs a handful of refusals and not a window full (after a fine step, where the window is
//! nearly over, it only pauses, since probing costs a round trip). After a second without a
//! refusal, at full use, the rate is *proven*. It then rests, and later rises in steps that begin
//! at half a percent and double, until the ceiling or the next refusal. A refusal of something sent before
//! the last cut is old news and changes nothing. An SMSC that shuts for long after one message too many is
//! tried more rarely (at low rates, where one message is several percent, about 90 % is held against such).

mod measure;

use measure::Measure;

const SECOND_MICROS: u64 = 1_000_000;
/// How far under the estimate a cut goes.
const MARGIN: f64 = 0.985;
/// The smallest rate: one segment in five seconds.
const RATE_MIN_PER_SECOND: f64 = 0.2;
/// Small and growing pauses between probes of a closed SMSC.
const PROBE_PAUSE_MIN_MICROS: u64 = 20_000;
const PROBE_PAUSE_MAX_MICROS: u64 = 200_000;
/// A probe that nobody answered in this time is given up.
const PROBE_LOST_MICROS: u64 = 5 * SECOND_MICROS;
/// How long a well-known limit is left alone before it is tried again.
const REST_MICROS: u64 = 6 * SECOND_MICROS;
/// A closure of this length at a good rate is a punishment, not the end of a window.
const PUNISHMENT_MICROS: u64 = SECOND_MICROS / 2;
/// How long to rest for each such length of closure.
const REST_PER_CLOSED: u64 = 60;
const REST_MAX_MICROS: u64 = 300 * SECOND_MICROS;
/// What must pass to prove a rate near the limit, for a second says little about thirty a second.
const PROOF_SEGMENTS: f64 = 90.0;
const STEP_MIN: f64 = 0.005;
const STEP_MAX: f64 = 0.5;
/// A cut that comes at a step no larger than this has found the limit.
const STEP_FINE: f64 = 0.05;
/// Up to this the SMSC's window can be shut by our excess for a tenth of a second only.
const STEP_NEAR: f64 = 0.2;
/// What may leave at once after a pause of the caller's, in time at the current rate.
const BURST_MICROS: f64 = 20_000.0;

/// The rate of one account. Share it between all binds that the carrier counts together.
#[derive(Debug, Clone)]
pub struct Limiter {
    ceiling_per_second: f64,
    rate_per_second: f64,
    tokens: f64,
    refilled_at_micros: u64,
    accepted: Measure,
    first_at_micros: Option<u64>,
    /// The rate that survived a whole interval at full use since the last cut.
    proven: Option<f64>,
    /// The same, before the last rise: for refusals of what was sent before it.
    proven_before: Option<f64>,
    step: f64,
    raised_at_micros: u64,
    cut_at_micros: u64,
    rest_until_micros: u64,
    interval_at_micros: u64,
    interval_segments: u64,
    probe: Option<Probe>,
    /// The last cut only paused; the next refusal probes rather than cuts again.
    paused_only: bool,
    /// The probing under way began at a rate that was proven before.
    closed_at_good_rate: bool,
    /// The SMSC stays shut for long after one message too many.
    punishes: bool,
    throttled_segments: u64,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    pause_micros: u64,
    next_at_micros: u64,
    sent_at_micros: Option<u64>,
}

impl Limiter {
    /// Begins at the ceiling, in segments a second: what the contract says, or more than the carrier could allow.
    pub fn new(ceiling_per_second: f64) -> Limiter {
        let ceiling_per_second = ceiling_per_second.max(RATE_MIN_PER_SECOND);
        Limiter {
            ceiling_per_second,
            rate_per_second: ceiling_per_second,
            tokens: 1.0,
            refilled_at_micros: 0,
            accepted: Measure::default(),
            first_at_micros: None,
            proven: None,
            proven_before: None,
            step: 0.125,
            raised_at_micros: 0,
            cut_at_micros: 0,
            rest_until_micros: 0,
            interval_at_micros: 0,
            interval_segments: 0,
            probe: None,
            paused_only: false,
            closed_at_good_rate: false,
            punishes: false,
            throttled_segments: 0,
        }
    }

    /// The current rate, in segments a second.
    pub fn rate_per_second(&self) -> f64 {
        self.rate_per_second
    }

    /// How many segments were refused for throttling so far.
    pub fn throttled_segments(&self) -> u64 {
        self.throttled_segments
    }

    /// Changes the ceiling; the rate follows down at once, and up by steps.
    pub fn set_ceiling(&mut self, ceiling_per_second: f64) {
        self.ceiling_per_second = ceiling_per_second.max(RATE_MIN_PER_SECOND);
        self.rate_per_second = self.rate_per_second.min(self.ceiling_per_second);
    }

    /// Asks to send `segments` now. `Err` is the time, in microseconds, at which to ask again.
    pub fn acquire(&mut self, now_micros: u64, segments: u32) -> Result<(), u64> {
        if self.first_at_micros.is_none() {
            self.first_at_micros = Some(now_micros);
            (self.interval_at_micros, self.refilled_at_micros) = (now_micros, now_micros);
        }
        if let Some(probe) = &mut self.probe {
            return probe.acquire(now_micros);
        }
        self.end_interval(now_micros);
        self.refill(now_micros);
        let segments = f64::from(segments.max(1));
        let needed = segments.min(self.burst());
        if self.tokens + 1e-9 < needed {
            let wait = (needed - self.tokens) / self.rate_per_second * SECOND_MICROS as f64;
            return Err(now_micros + (wait.ceil() as u64).max(1));
        }
        self.tokens -= segments;
        self.interval_segments += segments as u64;
        Ok(())
    }

    /// The SMSC took what was sent at `sent_at_micros`.
    pub fn on_accepted(&mut self, now_micros: u64, sent_at_micros: u64, segments: u32) {
        self.accepted.add(now_micros, u64::from(segments));
        if self.probe.is_some_and(|probe| probe.is(sent_at_micros)) {
            self.probe = None;
            self.rest_after_closure(now_micros);
            self.tokens = 0.0;
            self.refilled_at_micros = now_micros;
            (self.interval_at_micros, self.interval_segments) = (now_micros, 0);
        }
    }

    /// The SMSC refused what was sent at `sent_at_micros` with a throttle status.
    pub fn on_throttled(&mut self, now_micros: u64, sent_at_micros: u64, segments: u32) {
        self.throttled_segments += u64::from(segments);
        match &mut self.probe {
            Some(probe) if probe.is(sent_at_micros) => probe.refused(now_micros),
            Some(_) => {}
            None if sent_at_micros <= self.cut_at_micros && self.cut_at_micros > 0 => {}
            None if self.paused_only => self.start_probing(now_micros),
            None => self.cut(now_micros, sent_at_micros),
        }
    }

    /// Nobody will answer what was sent at `sent_at_micros` (lost, or refused for another reason).
    pub fn on_unanswered(&mut self, now_micros: u64, sent_at_micros: u64) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.is(sent_at_micros)) {
            probe.sent_at_micros = None;
            probe.next_at_micros = now_micros;
        }
    }

    fn burst(&self) -> f64 {
        (self.rate_per_second * BURST_MICROS / SECOND_MICROS as f64).max(1.0)
    }

    fn refill(&mut self, now_micros: u64) {
        let elapsed = now_micros.saturating_sub(self.refilled_at_micros) as f64;
        self.tokens =
            (self.tokens + elapsed * self.rate_per_second / SECOND_MICROS as f64).min(self.burst());
        self.refilled_at_micros = self.refilled_at_micros.max(now_micros);
    }

    /// Where a wrong guess is punished, a proof is worth waiting for.
    fn proof_micros(&self) -> u64 {
        let exact = PROOF_SEGMENTS / self.rate_per_second * SECOND_MICROS as f64;
        match self.punishes {
            true => (exact as u64).clamp(SECOND_MICROS, 10 * SECOND_MICROS),
            false => SECOND_MICROS,
        }
    }

    /// A second without a refusal, at full use, proves the rate and lets it rise.
    fn end_interval(&mut self, now_micros: u64) {
        let elapsed = now_micros.saturating_sub(self.interval_at_micros);
        if elapsed < self.proof_micros() {
            return;
        }
        self.paused_only = false;
        let full = self.rate_per_second * elapsed as f64 / SECOND_MICROS as f64;
        let in_use = self.interval_segments as f64 >= 0.9 * full - 1.0;
        (self.interval_at_micros, self.interval_segments) = (now_micros, 0);
        if !in_use {
            return;
        }
        self.proven_before = self.proven;
        self.proven = Some(self.rate_per_second);
        if now_micros < self.rest_until_micros || self.rate_per_second >= self.ceiling_per_second {
            return;
        }
        self.rate_per_second =
            (self.rate_per_second * (1.0 + self.step)).min(self.ceiling_per_second);
        self.step = (self.step * 2.0).min(STEP_MAX);
        self.raised_at_micros = now_micros;
    }

    fn cut(&mut self, now_micros: u64, sent_at_micros: u64) {
        let rate = self.rate_per_second;
        let measured = self.accepted.last_second(now_micros) as f64;
        let seen_for = now_micros.saturating_sub(self.first_at_micros.unwrap_or(now_micros));
        let proven = if sent_at_micros < self.raised_at_micros {
            self.proven_before
        } else {
            self.proven
        };
        let next = match proven {
            Some(proven) if self.punishes => proven.min(rate * 0.99) * MARGIN,
            Some(proven) => proven.max(measured.min(rate)) * MARGIN,
            None if seen_for < SECOND_MICROS => measured.max(rate / 2.0),
            None => (measured * MARGIN).clamp(rate / 2.0, rate * 0.96),
        };
        self.rate_per_second = next.clamp(RATE_MIN_PER_SECOND, self.ceiling_per_second);
        let near = proven.is_some() && self.step <= STEP_NEAR;
        let fine = proven.is_some() && self.step <= STEP_FINE;
        // Halving in the first second is guessing: it has found no limit to rest at, and must rise again by bold steps.
        let guess = proven.is_none() && seen_for < SECOND_MICROS;
        let rest = if self.step <= STEP_FINE && !guess {
            REST_MICROS
        } else {
            0
        };
        let kept = if self.punishes {
            self.rest_until_micros
        } else {
            0
        };
        self.rest_until_micros = kept.max(now_micros + rest);
        if !guess {
            self.step = (self.step / 4.0).max(STEP_MIN);
        }
        (self.proven, self.proven_before) = (None, None);
        (self.interval_at_micros, self.interval_segments) = (now_micros, 0);
        self.closed_at_good_rate = near;
        if fine {
            self.pause(now_micros);
        } else {
            self.start_probing(now_micros);
        }
    }

    /// Only a closure at a rate that was otherwise good says what trying costs.
    fn rest_after_closure(&mut self, now_micros: u64) {
        if std::mem::take(&mut self.closed_at_good_rate) {
            let closed_for = now_micros.saturating_sub(self.cut_at_micros);
            self.punishes = closed_for >= PUNISHMENT_MICROS;
            let rest = (closed_for * REST_PER_CLOSED).min(REST_MAX_MICROS);
            self.rest_until_micros = self.rest_until_micros.max(now_micros + rest);
        }
    }

    /// Owes as many tokens as come in during the pause.
    fn pause(&mut self, now_micros: u64) {
        (self.cut_at_micros, self.refilled_at_micros) = (now_micros, now_micros);
        self.tokens = self.tokens.min(1.0)
            - self.rate_per_second * PROBE_PAUSE_MIN_MICROS as f64 / SECOND_MICROS as f64;
        self.paused_only = true;
    }

    fn start_probing(&mut self, now_micros: u64) {
        (self.cut_at_micros, self.tokens) = (now_micros, 0.0);
        self.closed_at_good_rate |= std::mem::take(&mut self.paused_only);
        self.probe = Some(Probe {
            pause_micros: PROBE_PAUSE_MIN_MICROS,
            next_at_micros: now_micros + PROBE_PAUSE_MIN_MICROS,
            sent_at_micros: None,
        });
    }
}

impl Probe {
    fn is(&self, sent_at_micros: u64) -> bool {
        self.sent_at_micros
            .is_some_and(|sent| sent_at_micros >= sent)
    }

    fn acquire(&mut self, now_micros: u64) -> Result<(), u64> {
        if let Some(sent) = self
            .sent_at_micros
            .filter(|sent| now_micros < sent + PROBE_LOST_MICROS)
        {
            return Err(sent + PROBE_LOST_MICROS);
        }
        if now_micros < self.next_at_micros {
            return Err(self.next_at_micros);
        }
        self.sent_at_micros = Some(now_micros);
        Ok(())
    }

    fn refused(&mut self, now_micros: u64) {
        self.pause_micros = (self.pause_micros * 2).min(PROBE_PAUSE_MAX_MICROS);
        self.next_at_micros = now_micros + self.pause_micros;
        self.sent_at_micros = None;
    }
}

#[cfg(test)]
mod simulation;
