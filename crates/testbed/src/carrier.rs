//! An SMSC on loopback: accepts binds, takes messages, tells their fate later, lets people reply, and counts.

mod delivery;
mod session;
mod timetable;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clarion_smpp::pdu::CommandStatus;
use clarion_smpp::server::{Arrival, Listener, ServerConfig};
use tokio::task::JoinHandle;

use crate::fate::Mix;
use crate::tally::Tally;
use delivery::Delivery;
use session::Session;
use timetable::Timetable;

/// How the pretend carrier behaves.
#[derive(Debug, Clone)]
pub struct CarrierConfig {
    /// `127.0.0.1:0` for any free port.
    pub listen: SocketAddr,
    /// The one account that it knows.
    pub system_id: String,
    pub password: String,
    pub mix: Mix,
    /// Whether people reply.
    pub replies: bool,
    /// Keep each message for comparison; a benchmark only counts.
    pub compares: bool,
    pub limits: Limits,
}

/// What may change while it runs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Messages a second that it takes; the others are told ESME_RTHROTTLED.
    pub rate_per_second: Option<u32>,
    /// From the submit to its answer.
    pub answer_delay: Duration,
    /// From the answer to the receipt, at least and at most; each message has its own within them.
    pub receipt_delay: (Duration, Duration),
}

impl Default for CarrierConfig {
    fn default() -> Self {
        let limits = Limits { rate_per_second: None, answer_delay: Duration::ZERO, receipt_delay: (Duration::from_millis(300), Duration::from_millis(2500)) };
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), system_id: "pretend".into(), password: "pretend".into(), mix: Mix::default(), replies: true, compares: true, limits }
    }
}

impl CarrierConfig {
    /// Answers and receipts as fast as they can be written: for benchmarks.
    #[must_use]
    pub fn sink() -> Self {
        let limits = Limits { rate_per_second: None, answer_delay: Duration::ZERO, receipt_delay: (Duration::ZERO, Duration::ZERO) };
        Self { mix: Mix::AllDelivered, replies: false, compares: false, limits, ..Self::default() }
    }
}

/// A running pretend carrier; it stops when dropped.
pub struct Carrier {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the sessions share.
pub(crate) struct Shared {
    config: CarrierConfig,
    limits: Mutex<Limits>,
    tally: Mutex<Tally>,
    sessions: Mutex<Vec<Arc<Session>>>,
    timetable: Timetable,
    /// Receipts and replies that no session could take yet.
    waiting: Mutex<Vec<Delivery>>,
    /// Whoever has replied once.
    replied: Mutex<HashSet<String>>,
    bucket: Mutex<Bucket>,
    next_message: AtomicU64,
    /// Hands that hold deliveries at this moment, which stand in no list then.
    hands: AtomicUsize,
    refusing: std::sync::atomic::AtomicBool,
}

/// A tenth of a second's worth of messages may come at once.
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carrier {
    /// Listens, and serves in the background.
    pub async fn start(config: CarrierConfig) -> std::io::Result<Self> {
        let listener = Listener::bind(config.listen, None, ServerConfig { system_id: "pretend-carrier".into(), ..ServerConfig::default() }).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            limits: Mutex::new(config.limits),
            config,
            tally: Mutex::default(),
            sessions: Mutex::default(),
            timetable: Timetable::default(),
            waiting: Mutex::default(),
            replied: Mutex::default(),
            bucket: Mutex::new(Bucket { tokens: f64::MAX, filled_at: Instant::now() }),
            next_message: AtomicU64::new(1),
            hands: AtomicUsize::new(0),
            refusing: std::sync::atomic::AtomicBool::new(false),
        });
        let tasks = vec![tokio::spawn(accept(listener, shared.clone())), tokio::spawn(timetable::run(shared.clone()))];
        Ok(Self { address, shared, tasks })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A copy of the counts so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        locked(&self.shared.tally).clone()
    }

    /// Changes the limits from now on.
    pub fn set_limits(&self, limits: Limits) {
        *locked(&self.shared.limits) = limits;
    }

    #[must_use]
    pub fn limits(&self) -> Limits {
        *locked(&self.shared.limits)
    }

    /// Cuts every connection without a word, as a carrier's crash would. New ones are accepted.
    pub fn drop_connections(&self) {
        for session in locked(&self.shared.sessions).drain(..) {
            session.kill();
        }
    }

    /// Refuses binds from now on, or takes them again.
    pub fn refuse_binds(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::Relaxed);
    }

    #[must_use]
    pub fn connections(&self) -> usize {
        locked(&self.shared.sessions).iter().filter(|session| !session.is_closed()).count()
    }

    /// Answers, receipts and replies that are still to be sent or acknowledged.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        let on_the_wire: usize = locked(&self.shared.sessions).iter().map(|session| session.in_flight()).sum();
        self.shared.timetable.len() + locked(&self.shared.waiting).len() + on_the_wire + self.shared.hands.load(Ordering::SeqCst)
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.drop_connections();
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok(arrival) => {
                tokio::spawn(greet(arrival, shared.clone()));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn greet(arrival: Arrival, shared: Arc<Shared>) {
    let binding = match arrival.binding().await {
        Ok(binding) => binding,
        Err(error) => return tracing::debug!(%error, "a connection did not bind"),
    };
    let known = binding.bind.system_id == shared.config.system_id && binding.bind.password == shared.config.password;
    if !known || shared.refusing.load(Ordering::Relaxed) {
        let status = if known { CommandStatus::RBINDFAIL } else { CommandStatus::RINVPASWD };
        if let Err(error) = binding.refuse(status).await {
            tracing::debug!(%error, "a refused peer had left");
        }
        return;
    }
    let kind = binding.kind;
    let (smsc, events) = binding.accept();
    let session = Arc::new(Session::new(smsc, kind));
    locked(&shared.sessions).push(session.clone());
    session::run(&shared, &session, events).await;
    locked(&shared.sessions).retain(|other| !Arc::ptr_eq(other, &session));
}

/// Says that deliveries are being moved, until it is dropped.
pub(crate) struct Hand<'a>(&'a AtomicUsize);

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    pub(crate) fn hand(&self) -> Hand<'_> {
        self.hands.fetch_add(1, Ordering::SeqCst);
        Hand(&self.hands)
    }

    /// Whether the carrier's rate allows one more message now.
    fn admits(&self) -> bool {
        let Some(rate) = locked(&self.limits).rate_per_second else { return true };
        let mut bucket = locked(&self.bucket);
        let now = Instant::now();
        let room = (f64::from(rate) / 10.0).max(1.0);
        bucket.tokens = (bucket.tokens + now.duration_since(bucket.filled_at).as_secs_f64() * f64::from(rate)).min(room);
        bucket.filled_at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    /// A live session that takes receipts and replies.
    fn receiver(&self) -> Option<Arc<Session>> {
        locked(&self.sessions).iter().find(|session| session.receives() && !session.is_closed()).cloned()
    }
}
