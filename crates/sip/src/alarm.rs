//! Everything that waits for a time, in one heap. What needs no alarm any more lets it ring and looks away.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::call::{CallAlarm, CallKey};
use crate::transaction::{ClientAlarm, ClientKey, ServerAlarm, ServerKey};
use crate::trunk::{TrunkAlarm, TrunkKey};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    Client(ClientKey, ClientAlarm),
    Server(ServerKey, ServerAlarm),
    Call(CallKey, CallAlarm),
    Trunk(TrunkKey, TrunkAlarm),
}

#[derive(Debug, Default)]
pub struct Alarms {
    heap: BinaryHeap<Reverse<(Instant, u64, Alarm)>>,
    /// Of two at the same time the one set first rings first.
    set: u64,
}

impl Alarms {
    pub fn set(&mut self, at: Instant, alarm: Alarm) {
        self.set += 1;
        self.heap.push(Reverse((at, self.set, alarm)));
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    pub fn due(&mut self, now: Instant) -> Option<Alarm> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((.., alarm))| alarm)
    }
}
