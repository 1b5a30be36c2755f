//! A carrier that takes messages and answers none: each of them ends as `unknown`, so it is tried by one at a time.
//!
//! The connection lives, signs of life are answered, and yet a whole window goes without an answer. Without this a
//! campaign would pour itself into such a carrier, a window each time the answers' time runs out.

/// So many unanswered in a row, with no answer of any kind between, are no accident.
const SILENT_FROM: u32 = 5;
const PAUSE_MIN_MICROS: u64 = 10_000_000;
const PAUSE_MAX_MICROS: u64 = 300_000_000;

/// How long a trunk has been without an answer. Time is the caller's, in microseconds from any fixed point.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Silence {
    lost_in_a_row: u32,
    until_micros: u64,
    pause_micros: u64,
}

impl Silence {
    /// An answer of any kind, or a new connection: it speaks.
    pub(super) fn broken(&mut self) {
        *self = Self::default();
    }

    /// One more went without an answer.
    pub(super) fn lost(&mut self, now_micros: u64) {
        self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        if self.lost_in_a_row >= SILENT_FROM && self.until_micros <= now_micros {
            self.pause_micros = (self.pause_micros * 2).clamp(PAUSE_MIN_MICROS, PAUSE_MAX_MICROS);
            self.until_micros = now_micros + self.pause_micros;
        }
    }

    /// Places that what was lost keeps: who refills them before any answer comes only loses more.
    pub(super) fn places_kept(&self) -> usize {
        self.lost_in_a_row as usize
    }

    /// Nothing more is given to it now.
    pub(super) fn is_shut(&self, now_micros: u64) -> bool {
        self.until_micros > now_micros
    }

    /// Its pause is over, and it has not spoken since: one message may ask.
    pub(super) fn is_probing(&self, now_micros: u64) -> bool {
        self.lost_in_a_row >= SILENT_FROM && !self.is_shut(now_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_row_shut_it_and_each_probe_without_an_answer_doubles_the_pause() {
        let mut silence = Silence::default();
        for _ in 0..SILENT_FROM - 1 {
            silence.lost(1);
        }
        assert!(!silence.is_shut(1), "four may be an accident");
        silence.broken();
        (0..100).for_each(|_| silence.lost(1));
        assert!(silence.is_shut(PAUSE_MIN_MICROS) && !silence.is_shut(PAUSE_MIN_MICROS + 1), "a window's worth counts once");
        assert!(silence.is_probing(PAUSE_MIN_MICROS + 1));
        silence.lost(PAUSE_MIN_MICROS + 1);
        assert!(silence.is_shut(3 * PAUSE_MIN_MICROS));
        (0..20).for_each(|round| silence.lost((round + 1) * 1_000_000_000));
        assert!(!silence.is_shut(20_000_000_000 + PAUSE_MAX_MICROS), "five minutes at most");
        silence.broken();
        assert!(!silence.is_shut(0) && !silence.is_probing(u64::MAX));
    }
}
