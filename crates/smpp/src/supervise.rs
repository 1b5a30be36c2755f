//! Keeps one session up: binds, binds again when it ends, waits longer the more often it fails, and slows
//! right down when the SMSC refuses the account.

use crate::client::{
    BindError, ClientConfig, Event, RequestId, Session, Submission, SubmitError, Submitter,
};
use crate::pdu::{CommandStatus, QuerySm, RetryClass};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What to keep up, and how patiently.
#[derive(Debug, Clone)]
pub struct SuperviseConfig {
    /// The session.
    pub client: ClientConfig,
    /// The first pause after a failure; it doubles with each further one.
    pub backoff_min: Duration,
    /// The longest pause after a failure.
    pub backoff_max: Duration,
    /// The first pause after a bind refused for good (wrong password, unknown account).
    pub refused_backoff_min: Duration,
    /// The longest pause after a refused bind.
    pub refused_backoff_max: Duration,
    /// A session that lived this long ends the row of failures.
    pub stable_after: Duration,
}

impl SuperviseConfig {
    /// 1 s to 60 s after failures, 30 s to 10 min after refusals.
    pub fn new(client: ClientConfig) -> SuperviseConfig {
        SuperviseConfig {
            client,
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            refused_backoff_min: Duration::from_secs(30),
            refused_backoff_max: Duration::from_secs(600),
            stable_after: Duration::from_secs(30),
        }
    }
}

/// How a supervised session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindState {
    /// On its way.
    Connecting,
    /// Up.
    Bound {
        /// The session's number.
        session: u64,
        /// Since when.
        since: Instant,
        /// What the SMSC called itself.
        smsc_system_id: String,
    },
    /// Down; tried again at `until`.
    Backoff {
        /// When.
        until: Instant,
        /// What went wrong, for people.
        reason: String,
    },
    /// The SMSC refuses the account; somebody should look at it. Tried again at `until`.
    Refused {
        /// The SMSC's word.
        status: CommandStatus,
        /// When it is tried again.
        until: Instant,
    },
    /// Stopped by us.
    Stopped,
}

/// A session that comes back. Dropping it unbinds and ends the supervision.
#[derive(Debug)]
pub struct Supervised {
    current: Arc<Mutex<Option<Submitter>>>,
    state: watch::Receiver<BindState>,
    stop: watch::Sender<bool>,
}

impl Supervised {
    /// The session of the moment.
    pub fn submitter(&self) -> Option<Submitter> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Queues a batch on the session of the moment; [`SubmitError::NotBound`] when there is none.
    pub fn submit(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        match self.submitter() {
            Some(submitter) => submitter.submit(batch),
            None => Err(SubmitError::NotBound(batch)),
        }
    }

    /// Answers receipts and replies. Those of an earlier session are dropped; the SMSC sends them again.
    pub fn ack(&self, acks: impl IntoIterator<Item = (RequestId, CommandStatus)>) {
        if let Some(submitter) = self.submitter() {
            submitter.ack(acks);
        }
    }

    /// Asks what became of a message; `false` when there is no session.
    pub fn query(&self, token: u64, query: QuerySm) -> bool {
        self.submitter()
            .is_some_and(|submitter| submitter.query(token, query))
    }

    /// Messages that wait in the session of the moment, and are not on the wire yet.
    pub fn queued(&self) -> usize {
        self.submitter().map_or(0, |submitter| submitter.queued())
    }

    /// How it stands, and a way to wait for changes.
    pub fn state(&self) -> watch::Receiver<BindState> {
        self.state.clone()
    }

    /// Unbinds and stays down. The event channel ends when all is told.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// Batches of events that may wait for the caller.
const EVENT_BATCHES_MAX: usize = 16;

/// Starts supervision. `chance` gives numbers from 0 to 1 that spread the pauses; events of all sessions
/// come through the one channel.
pub fn supervise(
    config: SuperviseConfig,
    chance: impl FnMut() -> f64 + Send + 'static,
) -> (Supervised, mpsc::Receiver<Vec<Event>>) {
    let (events, receiver) = mpsc::channel(EVENT_BATCHES_MAX);
    let (state, state_receiver) = watch::channel(BindState::Connecting);
    let (stop, stopped) = watch::channel(false);
    let current = Arc::new(Mutex::new(None));
    let keeper = Keeper {
        config,
        chance,
        events,
        state,
        stopped,
        current: Arc::clone(&current),
        failures: 0,
    };
    tokio::spawn(keeper.run());
    (
        Supervised {
            current,
            state: state_receiver,
            stop,
        },
        receiver,
    )
}

struct Keeper<C> {
    config: SuperviseConfig,
    chance: C,
    events: mpsc::Sender<Vec<Event>>,
    state: watch::Sender<BindState>,
    stopped: watch::Receiver<bool>,
    current: Arc<Mutex<Option<Submitter>>>,
    failures: u32,
}

impl<C: FnMut() -> f64> Keeper<C> {
    async fn run(mut self) {
        while !self.is_stopped() && !self.events.is_closed() {
            self.state.send_replace(BindState::Connecting);
            let bound = tokio::select! {
                bound = Session::bind_into(&self.config.client, self.events.clone()) => bound,
                () = until_stopped(&mut self.stopped) => break,
            };
            let pause = match bound {
                Ok(session) => self.live(session).await,
                Err(BindError::Refused(status)) if status.retry() == RetryClass::Permanent => {
                    self.refused(status)
                }
                Err(error) => self.failed(error.to_string()),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = until_stopped(&mut self.stopped) => {}
            }
        }
        self.state.send_replace(BindState::Stopped);
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    fn put(&self, submitter: Option<Submitter>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = submitter;
    }

    /// From bound to ended; gives the pause before the next try.
    async fn live(&mut self, session: Session) -> Duration {
        let Session {
            submitter,
            smsc_system_id,
            mut ended,
            ..
        } = session;
        let since = Instant::now();
        let number = submitter.session();
        self.put(Some(submitter.clone()));
        self.state.send_replace(BindState::Bound {
            session: number,
            since,
            smsc_system_id,
        });
        let reason = tokio::select! {
            reason = &mut ended => reason,
            () = until_stopped(&mut self.stopped) => {
                self.put(None);
                submitter.unbind();
                ended.await
            }
        };
        self.put(None);
        if since.elapsed() >= self.config.stable_after {
            self.failures = 0;
        }
        match (reason, self.is_stopped()) {
            (_, true) => Duration::ZERO,
            (Ok(reason), _) => self.failed(reason.to_string()),
            (Err(_), _) => self.failed("the session was cut off".to_owned()),
        }
    }

    fn failed(&mut self, reason: String) -> Duration {
        let pause = self.pause(self.config.backoff_min, self.config.backoff_max);
        tracing::info!(address = %self.config.client.address, reason, pause_ms = pause.as_millis(), "not bound");
        self.state.send_replace(BindState::Backoff {
            until: Instant::now() + pause,
            reason,
        });
        pause
    }

    fn refused(&mut self, status: CommandStatus) -> Duration {
        let pause = self.pause(
            self.config.refused_backoff_min,
            self.config.refused_backoff_max,
        );
        tracing::warn!(address = %self.config.client.address, %status, pause_ms = pause.as_millis(), "bind refused");
        self.state.send_replace(BindState::Refused {
            status,
            until: Instant::now() + pause,
        });
        pause
    }

    /// Doubles with each failure; half of it is left to chance, so that many sessions do not return at once.
    fn pause(&mut self, min: Duration, max: Duration) -> Duration {
        let doubled = min.saturating_mul(1 << self.failures.min(16)).min(max);
        self.failures = self.failures.saturating_add(1);
        let spread = (self.chance)().clamp(0.0, 1.0);
        doubled.mul_f64(0.5 + spread / 2.0)
    }
}

/// Ends when stopping was asked for, or when nobody is left to ask.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // An error means that the `Supervised` is gone, which is a wish to stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(chance: f64) -> Keeper<impl FnMut() -> f64> {
        Keeper {
            config: SuperviseConfig::new(ClientConfig::new("127.0.0.1:1", "a", "b")),
            chance: move || chance,
            events: mpsc::channel(1).0,
            state: watch::channel(BindState::Connecting).0,
            stopped: watch::channel(false).1,
            current: Arc::default(),
            failures: 0,
        }
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_chance_spreads_them() {
        let pauses = |chance| {
            let mut keeper = keeper(chance);
            let (min, max) = (keeper.config.backoff_min, keeper.config.backoff_max);
            (0..40)
                .map(move |_| keeper.pause(min, max).as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            pauses(1.0)[..8],
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(pauses(0.0)[..3], [500, 1_000, 2_000]);
        assert_eq!(
            pauses(7.0).last(),
            Some(&60_000),
            "a chance out of range does no harm"
        );
    }
}
