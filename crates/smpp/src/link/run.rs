//! The session's task: one loop over reading, writing, the caller's wishes and time.

use super::flight::Flight;
use super::outbox::Outbox;
use super::state::{Phase, State};
use super::{CloseReason, Command, Handle, LinkConfig, Role, SharedLimiter, next_session};
use crate::pdu::Framer;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Any connection: plain or TLS.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connection for T {}

/// Room for one read.
const READ_BYTES: usize = 64 * 1024;
/// With this many events untold, reading stops until the caller takes some.
const PENDING_MAX: usize = 20_000;
/// The same by octets, for a peer that sends little but large.
const UNTOLD_MAX_BYTES: usize = 4 * 1024 * 1024;
/// A peer that asks without reading our answers is not read any further either.
const UNANSWERED_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Commands taken from the queue at once.
const COMMANDS_MAX: usize = 64;
/// After a stop for want of the caller's attention, answers that lie unread are not yet overdue.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Starts a session. `framer` holds what came behind the bind, `greeting` is written before all else.
pub(crate) fn start<R: Role>(
    role: R,
    (connection, framer, greeting): (Box<dyn Connection>, Framer, Vec<u8>),
    config: LinkConfig,
    limiter: Option<SharedLimiter>,
    events: mpsc::Sender<Vec<R::Event>>,
) -> (Handle, JoinHandle<CloseReason>) {
    let (commands, receiver) = mpsc::unbounded_channel();
    let queue_max = config.queue_max.clamp(1, Semaphore::MAX_PERMITS >> 3);
    let room = Arc::new(Semaphore::new(queue_max));
    let session = next_session();
    let handle = Handle {
        commands,
        room: Arc::clone(&room),
        queue_max,
        session,
    };
    let mut outbox = Outbox::default();
    outbox.append(|out| out.extend_from_slice(&greeting));
    let state = State {
        role,
        session,
        limiter,
        room,
        queue: VecDeque::new(),
        queries: VecDeque::new(),
        flight: Flight::new(config.first_sequence),
        outbox,
        pending: R::opened(session).into_iter().collect(),
        phase: Phase::Open,
        heard_at: Instant::now(),
        enquired: None,
        paced_until: None,
        close: None,
        config,
    };
    (
        handle,
        tokio::spawn(run(state, connection, framer, receiver, events)),
    )
}

enum Happened<'a, E> {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Flushed(std::io::Result<()>),
    Asked(usize),
    CallerReady(mpsc::Permit<'a, Vec<E>>),
    CallerGone,
    Time,
}

/// The loop's own memory, beside the session's.
struct Turn<R: Role> {
    state: State<R>,
    framer: Framer,
    asked: Vec<Command>,
    unflushed: bool,
    caller_listens: bool,
    /// Octets read since the caller last took events.
    untold_bytes: usize,
    /// Before this, answers may still lie unread, and none counts as overdue.
    overdue_from: Instant,
}

impl<R: Role> Turn<R> {
    /// Whether the caller keeps up with its events.
    fn attentive(&self) -> bool {
        self.state.pending.len() < PENDING_MAX && self.untold_bytes < UNTOLD_MAX_BYTES
    }

    fn reading(&self) -> bool {
        self.attentive() && self.state.outbox.ready().len() < UNANSWERED_MAX_BYTES
    }

    fn patient(&self, now: Instant) -> bool {
        !self.attentive() || now < self.overdue_from
    }

    fn alarm_at(&self, now: Instant) -> Instant {
        let due_at = match self.patient(now) {
            true => self.overdue_from.max(now) + CATCH_UP,
            false => self.state.due_at(),
        };
        self.state
            .paced_until
            .map_or(due_at, |paced| paced.min(due_at))
    }

    fn react(&mut self, happened: Happened<'_, R::Event>, now: Instant) -> Option<CloseReason> {
        match happened {
            Happened::Wrote(Ok(0)) => return Some(CloseReason::PeerClosed),
            Happened::Read(Ok(0)) => return Some(ended(&self.state)),
            Happened::Read(Err(error))
            | Happened::Wrote(Err(error))
            | Happened::Flushed(Err(error)) => return Some(failed(&self.state, error.kind())),
            Happened::Wrote(Ok(bytes)) => {
                self.state.outbox.wrote(bytes);
                self.unflushed = true;
            }
            Happened::Flushed(Ok(())) => self.unflushed = false,
            Happened::Read(Ok(bytes)) => self.read(bytes, now),
            Happened::Asked(0) => {
                self.caller_listens = false;
                self.state.leave(now);
            }
            Happened::Asked(_) => {
                for command in self.asked.drain(..) {
                    self.state.take(command, now);
                }
            }
            Happened::CallerReady(permit) => {
                if !self.attentive() {
                    self.overdue_from = now + CATCH_UP;
                }
                self.untold_bytes = 0;
                permit.send(std::mem::take(&mut self.state.pending));
            }
            Happened::CallerGone => {
                self.state.pending.clear();
                self.state.leave(now);
            }
            Happened::Time if self.patient(now) => {}
            Happened::Time => self.state.tend(now),
        }
        self.state.fill(now);
        self.state.close
    }

    fn read(&mut self, bytes: usize, now: Instant) {
        self.framer.filled(bytes);
        self.state.heard_at = now;
        self.state.receive(&mut self.framer, now);
        self.untold_bytes = match self.state.pending.is_empty() {
            true => 0,
            false => self.untold_bytes + bytes,
        };
    }
}

async fn run<R: Role>(
    state: State<R>,
    connection: Box<dyn Connection>,
    framer: Framer,
    mut commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<Vec<R::Event>>,
) -> CloseReason {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let mut turn = Turn {
        state,
        framer,
        asked: Vec::with_capacity(COMMANDS_MAX),
        unflushed: false,
        caller_listens: true,
        untold_bytes: 0,
        overdue_from: Instant::now(),
    };
    let mut alarm = std::pin::pin!(tokio::time::sleep(Duration::from_secs(1)));
    turn.state.receive(&mut turn.framer, Instant::now());
    let reason = loop {
        if let Some(reason) = turn.state.close {
            break reason;
        }
        set_alarm(alarm.as_mut(), turn.alarm_at(Instant::now()));
        let (reading, listens) = (turn.reading(), turn.caller_listens);
        let (to_write, to_tell) = (
            turn.unflushed || !turn.state.outbox.is_empty(),
            !turn.state.pending.is_empty(),
        );
        let happened = tokio::select! {
            biased;
            pushed = push(&mut writer, turn.state.outbox.ready()), if to_write => pushed,
            permit = events.reserve(), if to_tell => permit.map_or(Happened::CallerGone, Happened::CallerReady),
            count = commands.recv_many(&mut turn.asked, COMMANDS_MAX), if listens => Happened::Asked(count),
            read = reader.read(turn.framer.room(READ_BYTES)), if reading => Happened::Read(read),
            () = alarm.as_mut() => Happened::Time,
        };
        if let Some(reason) = turn.react(happened, Instant::now()) {
            break reason;
        }
    };
    drop(reader);
    finish(turn.state, writer, commands, events, reason).await
}

/// Writes what is ready, or flushes when all is written. Nothing is lost when it is dropped half-way.
async fn push<'a, E: 'a>(
    writer: &mut tokio::io::WriteHalf<Box<dyn Connection>>,
    ready: &[u8],
) -> Happened<'a, E> {
    match ready {
        [] => Happened::Flushed(writer.flush().await),
        _ => Happened::Wrote(writer.write(ready).await),
    }
}

fn set_alarm(alarm: std::pin::Pin<&mut tokio::time::Sleep>, at: Instant) {
    let set_for = alarm.deadline();
    // Setting a timer costs more than waking once too early: only bring it forward, or replace a spent one.
    if at < set_for || alarm.is_elapsed() {
        alarm.reset(at);
    }
}

fn ended<R: Role>(state: &State<R>) -> CloseReason {
    match state.phase {
        Phase::PeerLeft { .. } => CloseReason::PeerUnbound,
        Phase::Unbinding { .. } => CloseReason::Requested,
        Phase::Open | Phase::Draining { .. } => CloseReason::PeerClosed,
    }
}

fn failed<R: Role>(state: &State<R>, kind: std::io::ErrorKind) -> CloseReason {
    match ended(state) {
        CloseReason::PeerClosed => CloseReason::ConnectionFailed(kind),
        reason => reason,
    }
}

/// Tells the fate of everything that was taken, and closes.
async fn finish<R: Role>(
    mut state: State<R>,
    mut writer: tokio::io::WriteHalf<Box<dyn Connection>>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<Vec<R::Event>>,
    reason: CloseReason,
) -> CloseReason {
    let dead = matches!(
        reason,
        CloseReason::ConnectionFailed(_) | CloseReason::PeerClosed | CloseReason::NoSignOfLife
    );
    if !dead {
        let farewell = async {
            while !state.outbox.is_empty() {
                let bytes = writer.write(state.outbox.ready()).await?;
                state.outbox.wrote(bytes);
                if bytes == 0 {
                    break;
                }
            }
            writer.shutdown().await
        };
        // Whoever does not take our last words within a second is gone.
        let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
    }
    drop(writer);
    state.close = Some(reason);
    commands.close();
    while let Some(command) = commands.recv().await {
        state.take(command, Instant::now());
    }
    for flying in state.flight.drain() {
        state.limiter_unanswered(Instant::now(), flying.sent_at);
        let event = state.fate(flying);
        state.pending.extend(event);
    }
    state.return_queue();
    state.room.close();
    state.pending.push(R::closed(state.session, reason));
    let _ = events.send(std::mem::take(&mut state.pending)).await;
    reason
}
