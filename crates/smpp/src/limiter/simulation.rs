//! The limiter against simulated SMSCs that count in the ways that real ones do.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
enum Enforcement {
    /// So many in each second of the clock.
    FixedWindow,
    /// The same, and what is refused counts too.
    FixedWindowCountingRefused,
    /// So many in any second.
    SlidingWindow,
    /// So many in each second, and nothing at all for a second after one too many.
    Penalty,
    /// A bucket that holds `0` seconds' worth.
    TokenBucket(f64),
}

struct Smsc {
    enforcement: Enforcement,
    per_second: f64,
    window: u64,
    in_window: f64,
    tokens: f64,
    at_micros: u64,
    accepted_at: VecDeque<u64>,
}

impl Smsc {
    fn new(enforcement: Enforcement, per_second: f64) -> Smsc {
        let tokens = if let Enforcement::TokenBucket(depth) = enforcement {
            (per_second * depth).max(1.0)
        } else {
            0.0
        };
        Smsc {
            enforcement,
            per_second,
            window: 0,
            in_window: 0.0,
            tokens,
            at_micros: 0,
            accepted_at: VecDeque::new(),
        }
    }

    fn take(&mut self, now: u64, segments: u32) -> bool {
        let segments = f64::from(segments);
        match self.enforcement {
            Enforcement::Penalty if now < self.at_micros => false,
            Enforcement::FixedWindow
            | Enforcement::FixedWindowCountingRefused
            | Enforcement::Penalty => {
                let window = (now + 377_000) / SECOND_MICROS;
                if window != self.window {
                    (self.window, self.in_window) = (window, 0.0);
                }
                let fits = self.in_window + segments <= self.per_second;
                if fits || matches!(self.enforcement, Enforcement::FixedWindowCountingRefused) {
                    self.in_window += segments;
                }
                if !fits && matches!(self.enforcement, Enforcement::Penalty) {
                    self.at_micros = now + SECOND_MICROS;
                }
                fits
            }
            Enforcement::SlidingWindow => {
                while self
                    .accepted_at
                    .front()
                    .is_some_and(|at| at + SECOND_MICROS <= now)
                {
                    self.accepted_at.pop_front();
                }
                let fits = self.accepted_at.len() as f64 + segments <= self.per_second;
                if fits {
                    (0..segments as usize).for_each(|_| self.accepted_at.push_back(now));
                }
                fits
            }
            Enforcement::TokenBucket(depth) => {
                let earned = (now - self.at_micros) as f64 * self.per_second / SECOND_MICROS as f64;
                self.at_micros = now;
                self.tokens = (self.tokens + earned).min((self.per_second * depth).max(1.0));
                let fits = self.tokens >= segments;
                self.tokens -= if fits { segments } else { 0.0 };
                fits
            }
        }
    }
}

struct Client {
    limiter: Limiter,
    window_max: usize,
    round_trip_micros: u64,
    tick_micros: u64,
    segments: u32,
    in_flight: VecDeque<(u64, bool)>,
    now: u64,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: f64,
    refused: f64,
}

impl Client {
    fn new(ceiling: f64, round_trip_micros: u64) -> Client {
        let limiter = Limiter::new(ceiling);
        let in_flight = VecDeque::new();
        Client {
            limiter,
            window_max: 1_000,
            round_trip_micros,
            tick_micros: 1_000,
            segments: 1,
            in_flight,
            now: 5_000_000,
        }
    }

    /// Sends as much as it may for `seconds`.
    fn run(&mut self, smsc: &mut Smsc, seconds: u64) -> Tally {
        let mut tally = Tally::default();
        let end = self.now + seconds * SECOND_MICROS;
        while self.now < end {
            while let Some((sent, fits)) = self.in_flight.front().copied() {
                if sent + self.round_trip_micros > self.now {
                    break;
                }
                self.in_flight.pop_front();
                match fits {
                    true => self.limiter.on_accepted(self.now, sent, self.segments),
                    false => self.limiter.on_throttled(self.now, sent, self.segments),
                }
            }
            while self.in_flight.len() < self.window_max
                && self.limiter.acquire(self.now, self.segments).is_ok()
            {
                let fits = smsc.take(self.now, self.segments);
                self.in_flight.push_back((self.now, fits));
                let count = if fits {
                    &mut tally.accepted
                } else {
                    &mut tally.refused
                };
                *count += f64::from(self.segments);
            }
            self.now += self.tick_micros;
        }
        tally
    }
}

#[track_caller]
fn holds(enforcement: Enforcement, per_second: f64, ceiling: f64, round_trip_micros: u64) {
    let mut smsc = Smsc::new(enforcement, per_second);
    let mut client = Client::new(ceiling, round_trip_micros);
    client.run(&mut smsc, 20);
    let tally = client.run(&mut smsc, 120);
    let share = tally.accepted / (per_second.min(ceiling) * 120.0);
    let refused = tally.refused / (tally.accepted + tally.refused);
    let case = format!(
        "{enforcement:?} of {per_second}/s, ceiling {ceiling}, round trip {round_trip_micros} µs"
    );
    assert!(
        share >= 0.95,
        "{case}: held {share:.3} of what is allowed, rate {}",
        client.limiter.rate_per_second()
    );
    assert!(
        refused <= 0.02,
        "{case}: {refused:.4} of the messages were refused"
    );
}

const ALL: [Enforcement; 7] = [
    Enforcement::FixedWindow,
    Enforcement::FixedWindowCountingRefused,
    Enforcement::SlidingWindow,
    Enforcement::TokenBucket(0.0),
    Enforcement::TokenBucket(0.1),
    Enforcement::TokenBucket(1.0),
    Enforcement::TokenBucket(5.0),
];

#[test]
fn the_rates_that_carriers_sell_are_held() {
    for enforcement in ALL {
        for (per_second, ceiling) in [
            (30.0, 1_000.0),
            (200.0, 3_000.0),
            (200.0, 200.0),
            (1_000.0, 1_500.0),
            (3_000.0, 10_000.0),
        ] {
            if matches!(enforcement, Enforcement::TokenBucket(depth) if depth * per_second < per_second / 500.0)
                && per_second > 200.0
            {
                continue; // A bucket of one message cannot be served by any timer of a millisecond.
            }
            holds(enforcement, per_second, ceiling, 2_000);
        }
    }
}

/// At low rates a second of punishment for one message in a hundred leaves less than 95 %.
#[test]
fn an_smsc_that_punishes_is_tried_rarely() {
    for per_second in [200.0, 1_000.0, 3_000.0] {
        holds(Enforcement::Penalty, per_second, 2.0 * per_second, 2_000);
    }
    let mut smsc = Smsc::new(Enforcement::Penalty, 30.0);
    let mut client = Client::new(1_000.0, 2_000);
    client.run(&mut smsc, 20);
    let tally = client.run(&mut smsc, 120);
    assert!(tally.accepted >= 0.9 * 30.0 * 120.0, "{tally:?}");
}

#[test]
fn a_far_smsc_is_held_too() {
    for enforcement in [
        Enforcement::FixedWindow,
        Enforcement::SlidingWindow,
        Enforcement::TokenBucket(0.1),
    ] {
        holds(enforcement, 200.0, 3_000.0, 150_000);
    }
}

#[test]
fn the_first_twenty_seconds_already_use_most_of_what_is_allowed() {
    // Halving the ceiling ends close under some of these and far under others.
    for (per_second, ceiling) in [
        (200.0, 3_000.0),
        (150.0, 1_500.0),
        (130.0, 4_000.0),
        (260.0, 4_000.0),
    ] {
        for enforcement in ALL {
            let mut smsc = Smsc::new(enforcement, per_second);
            let tally = Client::new(ceiling, 2_000).run(&mut smsc, 20);
            let case = format!("{enforcement:?} of {per_second}: {tally:?}");
            assert!(tally.accepted >= 0.85 * per_second * 20.0, "{case}");
            assert!(tally.refused <= 2.0 * per_second, "{case}");
        }
    }
}

#[test]
fn a_limit_that_moves_is_followed_both_ways() {
    let mut smsc = Smsc::new(Enforcement::FixedWindow, 200.0);
    let mut client = Client::new(3_000.0, 2_000);
    client.run(&mut smsc, 20);
    for per_second in [1_000.0, 50.0, 400.0] {
        smsc.per_second = per_second;
        client.run(&mut smsc, 25);
        let tally = client.run(&mut smsc, 60);
        assert!(
            tally.accepted >= 0.95 * per_second * 60.0,
            "{per_second}/s: {tally:?}"
        );
    }
}

#[test]
fn segments_are_what_is_counted() {
    let mut smsc = Smsc::new(Enforcement::FixedWindow, 200.0);
    let mut client = Client {
        segments: 3,
        ..Client::new(3_000.0, 2_000)
    };
    client.run(&mut smsc, 20);
    let tally = client.run(&mut smsc, 60);
    assert!(tally.accepted >= 0.95 * 198.0 * 60.0, "{tally:?}");
}

#[test]
fn without_a_refusal_the_ceiling_is_kept() {
    let mut smsc = Smsc::new(Enforcement::FixedWindow, 1e9);
    let tally = Client::new(500.0, 2_000).run(&mut smsc, 60);
    assert!(
        (0.99..=1.001).contains(&(tally.accepted / (500.0 * 60.0))),
        "{tally:?}"
    );
}

#[test]
fn a_lost_probe_does_not_stop_the_flow() {
    let mut limiter = Limiter::new(100.0);
    assert_eq!(limiter.acquire(1_000_000, 1), Ok(()));
    limiter.on_throttled(1_001_000, 1_000_000, 1);
    assert_eq!(limiter.acquire(1_002_000, 1), Err(1_021_000));
    assert_eq!(limiter.acquire(1_021_000, 1), Ok(()));
    assert_eq!(limiter.acquire(1_022_000, 1), Err(6_021_000));
    limiter.on_unanswered(2_000_000, 1_021_000);
    assert_eq!(limiter.acquire(2_000_000, 1), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn whatever_is_allowed_is_held(per_second in 20u32..3_000, over in 1.05f64..20.0, which in 0usize..7, trip in 500u64..60_000) {
        let enforcement = match ALL[which] {
            Enforcement::TokenBucket(depth) => Enforcement::TokenBucket(depth.max(0.05)),
            other => other,
        };
        holds(enforcement, f64::from(per_second), f64::from(per_second) * over, trip);
    }
}
