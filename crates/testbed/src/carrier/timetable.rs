//! What is to be done when: late answers, receipts and replies, in the order of their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clarion_smpp::pdu::CommandStatus;
use clarion_smpp::server::RequestId;

use super::delivery::Delivery;
use super::session::Session;
use super::{Shared, locked};

const TICK: Duration = Duration::from_millis(5);

/// One thing to do.
pub(crate) enum Task {
    Answer(Arc<Session>, RequestId, Result<String, CommandStatus>),
    Deliver(Delivery),
}

struct Entry {
    at: Instant,
    /// Tasks of one moment keep their order.
    order: u64,
    task: Task,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[derive(Default)]
pub(crate) struct Timetable {
    entries: Mutex<BinaryHeap<Reverse<Entry>>>,
    order: AtomicU64,
}

impl Timetable {
    pub fn add(&self, at: Instant, task: Task) {
        let order = self.order.fetch_add(1, Ordering::Relaxed);
        locked(&self.entries).push(Reverse(Entry { at, order, task }));
    }

    pub fn len(&self) -> usize {
        locked(&self.entries).len()
    }

    fn due(&self, now: Instant) -> Vec<Task> {
        let mut entries = locked(&self.entries);
        let mut due = Vec::new();
        while entries.peek().is_some_and(|Reverse(entry)| entry.at <= now) {
            due.extend(entries.pop().map(|Reverse(entry)| entry.task));
        }
        due
    }
}

/// Does what is due, until the carrier stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let _hand = shared.hand();
        let mut deliveries = std::mem::take(&mut *locked(&shared.waiting));
        for task in shared.timetable.due(Instant::now()) {
            match task {
                Task::Answer(session, id, answer) => session.respond([(id, answer)]),
                Task::Deliver(delivery) => deliveries.push(delivery),
            }
        }
        if !deliveries.is_empty() {
            super::delivery::send(&shared, deliveries);
        }
    }
}
