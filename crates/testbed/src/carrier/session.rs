//! One bind: takes its messages, answers them, and puts what follows into the timetable.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clarion_smpp::pdu::{BindKind, CommandStatus, ShortMessage, SubmitSm};
use clarion_smpp::server::{RequestId, Smsc, SmscEvent, Submission, SubmitError};
use clarion_smpp::text::Concatenation;
use tokio::sync::mpsc;

use super::delivery::{self, Delivery, Kind};
use super::timetable::Task;
use super::{Limits, Shared, locked};
use crate::fate::Fate;
use crate::reply::reply_of;
use crate::tally::text_hash;

/// One live bind.
pub(crate) struct Session {
    smsc: Smsc,
    kind: BindKind,
    in_flight: Mutex<HashMap<u64, (Kind, Box<ShortMessage>)>>,
    next_token: AtomicU64,
}

impl Session {
    pub fn new(smsc: Smsc, kind: BindKind) -> Self {
        Self { smsc, kind, in_flight: Mutex::default(), next_token: AtomicU64::new(1) }
    }

    pub fn receives(&self) -> bool {
        self.kind.receives()
    }

    pub fn is_closed(&self) -> bool {
        self.smsc.is_closed()
    }

    pub fn kill(&self) {
        self.smsc.kill();
    }

    pub fn in_flight(&self) -> usize {
        locked(&self.in_flight).len()
    }

    pub fn respond(&self, answers: impl IntoIterator<Item = (RequestId, Result<String, CommandStatus>)>) {
        self.smsc.respond(answers);
    }

    pub fn deliver(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        self.smsc.deliver(batch)
    }

    /// Remembers a delivery until it is acknowledged; the token names it.
    pub fn depart(&self, kind: Kind, message: &ShortMessage) -> u64 {
        let token = self.next_token.fetch_add(1, Ordering::Relaxed);
        locked(&self.in_flight).insert(token, (kind, Box::new(message.clone())));
        token
    }

    pub fn arrive(&self, token: u64) -> Option<(Kind, Box<ShortMessage>)> {
        locked(&self.in_flight).remove(&token)
    }
}

/// Serves the session until it ends.
pub(crate) async fn run(shared: &Arc<Shared>, session: &Arc<Session>, mut events: mpsc::Receiver<Vec<SmscEvent>>) {
    while let Some(batch) = events.recv().await {
        let _hand = shared.hand();
        let mut answers = Vec::with_capacity(batch.len());
        let mut at_once = Vec::new();
        for event in batch {
            match event {
                SmscEvent::Submit { id, message } => take(shared, session, (id, message), &mut answers, &mut at_once),
                SmscEvent::Query { id, .. } => session.smsc.answer_query(id, Err(CommandStatus::RQUERYFAIL)),
                SmscEvent::DeliverResult { token, outcome } => {
                    if let Some(delivery) = session.arrive(token) {
                        delivery::settle(shared, delivery, &outcome);
                    }
                }
                SmscEvent::Closed { reason } => tracing::debug!(%reason, "a bind of the pretend carrier ended"),
            }
        }
        session.respond(answers);
        if !at_once.is_empty() {
            delivery::send(shared, at_once);
        }
    }
    let _hand = shared.hand();
    // What was on the wire when the connection broke is sent again on the next one.
    let left: Vec<_> = locked(&session.in_flight).drain().map(|(_, (kind, message))| Delivery { kind, message }).collect();
    locked(&shared.waiting).extend(left);
}

type Answers = Vec<(RequestId, Result<String, CommandStatus>)>;

/// One message: counted, answered now or later, its receipt and reply planned.
fn take(shared: &Arc<Shared>, session: &Arc<Session>, (id, message): (RequestId, Box<SubmitSm>), answers: &mut Answers, at_once: &mut Vec<Delivery>) {
    if !shared.admits() {
        locked(&shared.tally).throttled += 1;
        answers.push((id, Err(CommandStatus::RTHROTTLED)));
        return;
    }
    let fate = shared.config.mix.fate(&message.destination.value);
    {
        let mut tally = locked(&shared.tally);
        if shared.config.compares { tally.take(&message, fate) } else { tally.take_uncompared(fate, 1) }
    }
    let limits = *locked(&shared.limits);
    let message_id = format!("{:x}", shared.next_message.fetch_add(1, Ordering::Relaxed) + 0x1000_0000);
    let answer = if fate.answer().is_ok() { Ok(message_id.clone()) } else { Err(fate.answer()) };
    let answered_at = Instant::now() + limits.answer_delay;
    if fate == Fate::DeliveredToldEarly {
        plan(shared, &message, &message_id, fate, Instant::now(), at_once);
        shared.timetable.add(answered_at + Duration::from_millis(50), Task::Answer(session.clone(), id, answer));
        return;
    }
    if limits.answer_delay.is_zero() {
        answers.push((id, answer));
    } else {
        shared.timetable.add(answered_at, Task::Answer(session.clone(), id, answer));
    }
    plan(shared, &message, &message_id, fate, answered_at + delay_of(&limits, &message_id), at_once);
}

/// Each message has its own delay within the limits, the same for the same id.
fn delay_of(limits: &Limits, message_id: &str) -> Duration {
    let (least, most) = limits.receipt_delay;
    least + most.saturating_sub(least).mul_f64((text_hash(message_id) % 1000) as f64 / 1000.0)
}

fn plan(shared: &Shared, message: &ShortMessage, message_id: &str, fate: Fate, told_at: Instant, at_once: &mut Vec<Delivery>) {
    let mut schedule = |at: Instant, delivery: Delivery| {
        if at <= Instant::now() { at_once.push(delivery) } else { shared.timetable.add(at, Task::Deliver(delivery)) }
    };
    if let Some((state, error)) = fate.receipt().filter(|_| message.registered_delivery & 0x03 != 0) {
        schedule(told_at, Delivery::receipt(message, message_id, state, error));
        if fate == Fate::DeliveredTwiceTold {
            schedule(told_at + Duration::from_millis(100), Delivery::receipt(message, message_id, state, error));
        }
    }
    let whole = Concatenation::of(message).is_none_or(|part| part.number == part.total);
    if shared.config.replies
        && fate.arrives()
        && whole
        && let Some(text) = reply_of(&message.destination.value)
        && locked(&shared.replied).insert(message.destination.value.clone())
    {
        schedule(told_at + Duration::from_millis(400), Delivery::reply(message, text));
    }
}
