//! What is on the wire without an answer, by sequence number.

use crate::pdu::{QuerySm, SEQUENCE_MAX, ShortMessage};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// One request of ours.
#[derive(Debug)]
pub(super) struct Flying {
    pub(super) token: u64,
    pub(super) ends_at: u64,
    pub(super) sent_at: Instant,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Message {
        segments: u32,
        message: Box<ShortMessage>,
    },
    Query(#[expect(dead_code, reason = "kept for Debug")] QuerySm),
}

/// Answers that come after their time are still told, for this many of the newest.
const LATE_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Flight {
    flying: HashMap<u32, Flying>,
    /// In the order of sending, which is the order of timing out.
    order: VecDeque<(u32, Instant)>,
    late: HashMap<u32, u64>,
    late_order: VecDeque<u32>,
    next_sequence: u32,
}

impl Flight {
    pub(super) fn new(first_sequence: u32) -> Flight {
        Flight {
            flying: HashMap::new(),
            order: VecDeque::new(),
            late: HashMap::new(),
            late_order: VecDeque::new(),
            next_sequence: first_sequence.clamp(1, SEQUENCE_MAX),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.flying.len()
    }

    /// The next number that is not in use: after 0x7FFFFFFF comes 1.
    pub(super) fn sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next_sequence;
            self.next_sequence = if sequence >= SEQUENCE_MAX {
                1
            } else {
                sequence + 1
            };
            if !self.flying.contains_key(&sequence) {
                return sequence;
            }
        }
    }

    pub(super) fn add(&mut self, sequence: u32, flying: Flying) {
        self.late.remove(&sequence);
        self.order.push_back((sequence, flying.sent_at));
        self.flying.insert(sequence, flying);
    }

    pub(super) fn answer(&mut self, sequence: u32) -> Option<Flying> {
        let answered = self.flying.remove(&sequence);
        while self
            .order
            .front()
            .is_some_and(|(sequence, sent)| !self.is_flying(*sequence, *sent))
        {
            self.order.pop_front();
        }
        answered
    }

    fn is_flying(&self, sequence: u32, sent_at: Instant) -> bool {
        self.flying
            .get(&sequence)
            .is_some_and(|flying| flying.sent_at == sent_at)
    }

    /// When the oldest one was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.order.front().map(|(_, sent_at)| *sent_at)
    }

    /// Takes out one that has waited longer than `timeout`, and remembers it for a late answer.
    pub(super) fn expire(&mut self, now: Instant, timeout: Duration) -> Option<Flying> {
        while let Some((sequence, sent_at)) = self.order.front().copied() {
            let flying = self.is_flying(sequence, sent_at);
            if flying && sent_at + timeout > now {
                return None;
            }
            self.order.pop_front();
            if flying {
                let expired = self.flying.remove(&sequence)?;
                self.remember(sequence, &expired);
                return Some(expired);
            }
        }
        None
    }

    fn remember(&mut self, sequence: u32, expired: &Flying) {
        if matches!(expired.what, What::Message { .. }) {
            self.late.insert(sequence, expired.token);
            self.late_order.push_back(sequence);
            if self.late_order.len() > LATE_MAX {
                self.late_order
                    .pop_front()
                    .and_then(|oldest| self.late.remove(&oldest));
            }
        }
    }

    /// The token of a message whose time ran out before this answer.
    pub(super) fn answer_late(&mut self, sequence: u32) -> Option<u64> {
        self.late.remove(&sequence)
    }

    /// Everything, in the order of sending.
    pub(super) fn drain(&mut self) -> Vec<Flying> {
        let order = std::mem::take(&mut self.order);
        order
            .into_iter()
            .filter_map(|(sequence, _)| self.flying.remove(&sequence))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flying(token: u64, sent_at: Instant) -> Flying {
        Flying {
            token,
            ends_at: 0,
            sent_at,
            what: What::Query(QuerySm::default()),
        }
    }

    #[test]
    fn numbers_wrap_and_skip_what_is_in_use() {
        let mut flight = Flight::new(SEQUENCE_MAX - 1);
        flight.add(1, flying(9, Instant::now()));
        let numbers: Vec<u32> = (0..4).map(|_| flight.sequence()).collect();
        assert_eq!(numbers, [SEQUENCE_MAX - 1, SEQUENCE_MAX, 2, 3]);
    }

    #[test]
    fn only_the_old_and_unanswered_expire() {
        let start = Instant::now();
        let timeout = Duration::from_secs(1);
        let mut flight = Flight::new(1);
        for token in 0..4 {
            let sequence = flight.sequence();
            flight.add(
                sequence,
                flying(token, start + Duration::from_millis(token * 500)),
            );
        }
        assert_eq!(flight.answer(1).map(|flying| flying.token), Some(0));
        let later = start + Duration::from_millis(2_100);
        let expired: Vec<u64> = std::iter::from_fn(|| flight.expire(later, timeout))
            .map(|f| f.token)
            .collect();
        assert_eq!(expired, [1, 2]);
        assert_eq!(flight.count(), 1);
        assert_eq!(flight.drain().len(), 1);
    }
}
