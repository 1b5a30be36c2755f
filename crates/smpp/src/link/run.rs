//! The session's task: one loop over reading, writing, the caller's wishes and time.

use super::flight::Flight;
use super::outbox::Outbox;
use super::state::{Phase, State};
use super::{next_session, CloseReason, Command, Handle, LinkConfig, Role, SharedLimiter};
use crate::pdu::Framer;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Any connection: plain or TLS.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connection for T {}

/// Room for one read.
const READ_BYTES: usize = 64 * 1024;
/// With this many events untold, reading stops until the caller takes some.
const PENDING_MAX: usize = 20_000;
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
    let handle = Handle { commands, room: Arc::clone(&room), queue_max, session };
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
        pending: Vec::new(),
        phase: Phase::Open,
        heard_at: Instant::now(),
        enquired: None,
        paced_until: None,
        close: None,
        config,
    };
    (handle, tokio::spawn(run(state, connection, framer, receiver, events)))
}

enum Happened {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Flushed(std::io::Result<()>),
    Asked(usize),
    Told,
    NobodyListens,
    Time,
}

async fn run<R: Role>(
    mut state: State<R>,
    connection: Box<dyn Connection>,
    mut framer: Framer,
    mut commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<Vec<R::Event>>,
) -> CloseReason {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let mut asked = Vec::with_capacity(COMMANDS_MAX);
    let mut alarm = std::pin::pin!(tokio::time::sleep(Duration::from_secs(1)));
    let (mut unflushed, mut caller_listens, mut overdue_from) = (false, true, Instant::now());
    state.receive(&mut framer, Instant::now());
    let reason = loop {
        state.fill(Instant::now());
        if let Some(reason) = state.close {
            break reason;
        }
        let attentive = state.pending.len() < PENDING_MAX;
        let patient = !attentive || Instant::now() < overdue_from;
        let due_at = if patient { overdue_from.max(Instant::now()) + CATCH_UP } else { state.due_at() };
        set_alarm(alarm.as_mut(), state.paced_until.map_or(due_at, |paced| paced.min(due_at)));
        let happened = tokio::select! {
            biased;
            pushed = push(&mut writer, state.outbox.ready()), if unflushed || !state.outbox.is_empty() => pushed,
            permit = events.reserve(), if !state.pending.is_empty() => match permit {
                Ok(permit) => {
                    permit.send(std::mem::take(&mut state.pending));
                    Happened::Told
                }
                Err(_) => Happened::NobodyListens,
            },
            count = commands.recv_many(&mut asked, COMMANDS_MAX), if caller_listens => Happened::Asked(count),
            read = reader.read(framer.room(READ_BYTES)), if attentive => Happened::Read(read),
            () = alarm.as_mut() => Happened::Time,
        };
        let now = Instant::now();
        match happened {
            Happened::Wrote(Ok(0)) => break CloseReason::PeerClosed,
            Happened::Wrote(Ok(bytes)) => {
                state.outbox.wrote(bytes);
                unflushed = true;
            }
            Happened::Flushed(Ok(())) => unflushed = false,
            Happened::Read(Ok(0)) => break ended(&state),
            Happened::Read(Ok(bytes)) => {
                framer.filled(bytes);
                state.heard_at = now;
                state.receive(&mut framer, now);
            }
            Happened::Read(Err(error)) | Happened::Wrote(Err(error)) | Happened::Flushed(Err(error)) => {
                break failed(&state, error.kind());
            }
            Happened::Asked(0) => {
                caller_listens = false;
                state.leave(now);
            }
            Happened::Asked(_) => asked.drain(..).for_each(|command| state.take(command, now)),
            Happened::Told if attentive => {}
            Happened::Told => overdue_from = now + CATCH_UP,
            Happened::NobodyListens => {
                state.pending.clear();
                state.leave(now);
            }
            Happened::Time if patient => {}
            Happened::Time => state.tend(now),
        }
    };
    finish(state, writer, commands, events, reason).await
}

/// Writes what is ready, or flushes when all is written. Nothing is lost when it is dropped half-way.
async fn push(writer: &mut tokio::io::WriteHalf<Box<dyn Connection>>, ready: &[u8]) -> Happened {
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
    let dead = matches!(reason, CloseReason::ConnectionFailed(_) | CloseReason::PeerClosed | CloseReason::NoSignOfLife);
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
