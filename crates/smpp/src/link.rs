//! One live session on a connection, for either end: window, timeouts, signs of life, and the fate of every
//! message. [`crate::client`] and [`crate::server`] are its two faces.
//!
//! One task owns the connection. Callers hand it batches through a queue; it hands back events in batches.
//! A write takes everything that is ready, a read everything that has come.

mod answer;
mod flight;
mod outbox;
mod run;
mod state;

use crate::limiter::Limiter;
use crate::pdu::{
    Body, CommandId, CommandStatus, InvalidField, QuerySm, QuerySmResponse, ShortMessage,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

pub(crate) use run::{Connection, start};

/// The limits of one session.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Messages that may be on the wire without an answer.
    pub window_max: usize,
    /// Messages that may wait to be written; more are refused to the caller.
    pub queue_max: usize,
    /// How long to wait for an answer before a message counts as lost.
    pub response_timeout: Duration,
    /// Silence after which to ask for a sign of life.
    pub enquire_link_interval: Duration,
    /// How long to wait for that sign before the connection counts as dead.
    pub enquire_link_timeout: Duration,
    /// The first sequence number after the bind's; numbers wrap from 0x7FFFFFFF to 1.
    pub first_sequence: u32,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            window_max: 256,
            queue_max: 10_000,
            response_timeout: Duration::from_secs(30),
            enquire_link_interval: Duration::from_secs(30),
            enquire_link_timeout: Duration::from_secs(10),
            first_sequence: 2,
        }
    }
}

/// A limiter that several sessions of one account share.
#[derive(Debug, Clone)]
pub struct SharedLimiter {
    limiter: Arc<Mutex<Limiter>>,
    epoch: Instant,
}

impl SharedLimiter {
    /// Shares `limiter`; its time begins now.
    pub fn new(limiter: Limiter) -> SharedLimiter {
        SharedLimiter {
            limiter: Arc::new(Mutex::new(limiter)),
            epoch: Instant::now(),
        }
    }

    /// Looks at or changes the limiter; the second argument is the present time in its microseconds.
    pub fn with<T>(&self, act: impl FnOnce(&mut Limiter, u64) -> T) -> T {
        let now_micros = self.micros(Instant::now());
        let mut limiter = self
            .limiter
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut limiter, now_micros)
    }

    /// One second's head start, so that no time is zero.
    pub(crate) fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.epoch).as_micros())
            .unwrap_or(u64::MAX)
            .saturating_add(1_000_000)
    }

    pub(crate) fn instant(&self, micros: u64) -> Instant {
        self.epoch + Duration::from_micros(micros.saturating_sub(1_000_000))
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The caller's own; it comes back with the result.
    pub token: u64,
    /// What it counts against the rate: 1, or more with `message_payload`.
    pub segments: u32,
    /// The message.
    pub message: Box<ShortMessage>,
}

/// What became of a message. Exactly one for each that was taken into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The peer took it and gave it this id (empty when it gave none).
    Accepted {
        /// The peer's id.
        message_id: String,
    },
    /// Refused for our rate or for a full queue. Send it again, later.
    Throttled {
        /// `ESME_RTHROTTLED` or `ESME_RMSGQFUL`.
        status: CommandStatus,
        /// The message, to be sent again.
        message: Box<ShortMessage>,
    },
    /// Refused; see [`CommandStatus::retry`].
    Rejected {
        /// Why.
        status: CommandStatus,
    },
    /// Never sent, since SMPP cannot carry it; trying again is of no use.
    Invalid(InvalidField),
    /// Written to the wire and not answered: the connection died, or time ran out. The person may or may
    /// not have got it. **Never send it again.**
    Lost,
    /// Never (or never wholly) written, so the peer cannot have acted on it. Safe to send again.
    NotSent {
        /// The message, to be sent again.
        message: Box<ShortMessage>,
    },
}

/// What became of a question about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryOutcome {
    /// The answer.
    Known(QuerySmResponse),
    /// The peer would not say.
    Refused(CommandStatus),
    /// No answer came.
    Unanswered,
}

/// Names a request of the peer's that is to be answered: only on the session that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    pub(crate) session: u64,
    pub(crate) sequence: u32,
    pub(crate) command: CommandId,
}

impl RequestId {
    /// The peer's sequence number.
    pub fn sequence(self) -> u32 {
        self.sequence
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// We asked for it, and it was done in order.
    #[error("the session was closed by us")]
    Requested,
    /// The peer unbound.
    #[error("the peer unbound")]
    PeerUnbound,
    /// The peer closed the connection without unbinding.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// Reading or writing failed.
    #[error("the connection failed: {0}")]
    ConnectionFailed(std::io::ErrorKind),
    /// No sign of life when asked for one.
    #[error("the peer did not answer enquire_link")]
    NoSignOfLife,
    /// The stream of octets makes no sense any more.
    #[error("the peer sent an impossible command_length")]
    FramingLost,
}

/// A batch that could not be queued, given back whole.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// More than [`LinkConfig::queue_max`] would be waiting. Try again when results have come; a batch that
    /// is larger than that by itself never fits.
    #[error("the session's queue is full")]
    Full(Vec<Submission>),
    /// The session has ended, or there is none at the moment. Nothing of this batch was sent.
    #[error("the session is not bound")]
    NotBound(Vec<Submission>),
}

impl SubmitError {
    /// The batch.
    pub fn into_batch(self) -> Vec<Submission> {
        match self {
            SubmitError::Full(batch) | SubmitError::NotBound(batch) => batch,
        }
    }
}

/// An answer to a request of the peer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: RequestId,
    pub(crate) status: CommandStatus,
    pub(crate) body: AnswerBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AnswerBody {
    MessageId(String),
    Query(QuerySmResponse),
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit(Vec<Submission>),
    Query(u64, QuerySm),
    Answer(Vec<Answer>),
    Unbind,
}

/// What differs between the two ends.
pub(crate) trait Role: Send + 'static {
    type Event: Send + 'static;
    /// `submit_sm` or `deliver_sm`.
    const SENDS: CommandId;
    /// The first event, if there is one.
    fn opened(session: u64) -> Option<Self::Event>;
    fn answered(token: u64, outcome: Outcome) -> Self::Event;
    fn answered_late(token: u64, outcome: Outcome) -> Self::Event;
    fn queried(token: u64, outcome: QueryOutcome) -> Option<Self::Event>;
    /// A request that is for the caller, or the status to refuse it with.
    fn requested(&self, id: RequestId, body: Body) -> Result<Self::Event, CommandStatus>;
    fn closed(session: u64, reason: CloseReason) -> Self::Event;
}

/// The caller's side of a session.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    room: Arc<Semaphore>,
    queue_max: usize,
    session: u64,
}

static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// A number that no other session of this process has.
pub(crate) fn next_session() -> u64 {
    SESSIONS.fetch_add(1, Ordering::Relaxed)
}

impl Handle {
    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Messages that were taken and are not on the wire yet.
    pub(crate) fn queued(&self) -> usize {
        self.queue_max.saturating_sub(self.room.available_permits())
    }

    pub(crate) fn submit(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        match self.room.try_acquire_many(count) {
            Ok(permit) => permit.forget(),
            Err(_) if self.commands.is_closed() => return Err(SubmitError::NotBound(batch)),
            Err(_) => return Err(SubmitError::Full(batch)),
        }
        self.commands
            .send(Command::Submit(batch))
            .map_err(|refused| match refused.0 {
                Command::Submit(batch) => SubmitError::NotBound(batch),
                _ => SubmitError::NotBound(Vec::new()),
            })
    }

    /// Waits for room; a batch above `queue_max` goes in pieces.
    pub(crate) async fn submit_when_room(
        &self,
        mut batch: Vec<Submission>,
    ) -> Result<(), SubmitError> {
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(self.queue_max));
            let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let room = tokio::select! {
                room = self.room.acquire_many(count) => room.ok(),
                () = self.commands.closed() => None,
            };
            let refused = match room {
                Some(permits) => {
                    permits.forget();
                    self.commands
                        .send(Command::Submit(batch))
                        .err()
                        .map(|refused| refused.0)
                }
                None => Some(Command::Submit(batch)),
            };
            if let Some(Command::Submit(mut refused)) = refused {
                refused.extend(rest);
                return Err(SubmitError::NotBound(refused));
            }
            batch = rest;
        }
        Ok(())
    }

    pub(crate) fn send(&self, command: Command) -> bool {
        self.commands.send(command).is_ok()
    }
}
