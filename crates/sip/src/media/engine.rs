//! The handles: an engine that owns the media threads, and a leg to be steered from async code. No call here waits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

use super::keys::Key;
use super::leg::{Leg, LegSettings, MediaEvent};
use super::player::{Piece, PlayId, Repeat};
use super::ports::{PortRange, Ports};
use super::reception::Quality;
use super::record::{self, Carrier, Recording, RecordingSink};
use super::source::Latch;
use super::stats::{Counters, MediaStats};
use super::worker::{Ask, Command, Gauge, Seat, Worker};
use crate::detect::{DetectConfig, Detector};
use crate::negotiated::{Codec, LocalMedia, NegotiatedMedia, SrtpPolicy};

/// Events that may wait for whoever listens.
const EVENTS_WAITING_MAX: usize = 256;

/// What is configured for all legs.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Where sockets are bound.
    pub bind: IpAddr,
    /// What far ends are told, when it is another address (one-to-one translation).
    pub advertised: Option<IpAddr>,
    pub ports: PortRange,
    /// Media threads; one serves some thousands of legs.
    pub threads: usize,
    pub legs_max: usize,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), advertised: None, ports: PortRange { first: 20_000, last: 29_999 }, threads: 1, legs_max: 5_000 }
    }
}

/// What is chosen for one leg.
#[derive(Debug, Clone)]
pub struct LegConfig {
    /// In order of preference.
    pub codecs: Vec<Codec>,
    pub telephone_event: bool,
    pub srtp: SrtpPolicy,
    pub latch: Latch,
    /// Without a packet for so long, `MediaEvent::Timeout` is told.
    pub timeout: Duration,
}

impl Default for LegConfig {
    fn default() -> Self {
        Self { codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp: SrtpPolicy::Never, latch: Latch::default(), timeout: Duration::from_secs(30) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("as many legs are open as the configuration allows")]
    TooManyLegs,
    #[error("no port for audio: {0}")]
    Port(#[source] std::io::Error),
    #[error("no media thread: {0}")]
    Thread(#[source] std::io::Error),
    #[error("the system gives no random numbers")]
    Chance,
    #[error("the media threads have ended")]
    Ended,
}

struct Threads {
    commands: Vec<Sender<Command>>,
    running: Vec<JoinHandle<()>>,
    carrier: Option<Carrier>,
    recorder: Option<JoinHandle<()>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        for commands in &self.commands {
            let _ = commands.send(Command::Shutdown);
        }
        for thread in self.running.drain(..) {
            let _ = thread.join();
        }
        // The recorder ends once every recording has ended and nobody can begin another.
        self.carrier = None;
        if let Some(recorder) = self.recorder.take() {
            let _ = recorder.join();
        }
    }
}

/// The media threads. Cheap to clone; they end with the last clone.
#[derive(Clone)]
pub struct MediaEngine {
    config: Arc<MediaConfig>,
    threads: Arc<Threads>,
    ports: Arc<Ports>,
    counters: Arc<Counters>,
    next: Arc<AtomicU64>,
}

impl MediaEngine {
    /// Starts the threads; no port is taken yet.
    pub fn start(config: MediaConfig) -> Result<Self, MediaError> {
        raise_open_files(config.legs_max);
        let counters = Arc::new(Counters::default());
        let (commands, inboxes): (Vec<_>, Vec<_>) = (0..config.threads.max(1)).map(|_| channel()).unzip();
        let (to, carried) = channel();
        let (carrier, waiting) = Carrier::new(to);
        let recorder = std::thread::Builder::new().name("media-recorder".to_owned()).spawn(move || record::run(&carried, &waiting)).map_err(MediaError::Thread)?;
        let mut threads = Threads { commands: commands.clone(), running: Vec::new(), carrier: Some(carrier), recorder: Some(recorder) };
        for (index, inbox) in inboxes.into_iter().enumerate() {
            let (others, counters) = (commands.clone(), counters.clone());
            let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || Worker::new(index, others, counters).run(&inbox));
            threads.running.push(thread.map_err(MediaError::Thread)?);
        }
        Ok(Self { ports: Arc::new(Ports::new(config.ports)), config: Arc::new(config), threads: Arc::new(threads), counters, next: Arc::new(AtomicU64::new(1)) })
    }

    /// Opens a leg: its ports are bound from now on, its audio flows after `connect`.
    pub fn open_leg(&self, config: LegConfig) -> Result<(MediaLeg, mpsc::Receiver<MediaEvent>), MediaError> {
        if self.counters.legs.fetch_add(1, Relaxed) >= self.config.legs_max as u64 {
            self.counters.legs.fetch_sub(1, Relaxed);
            return Err(MediaError::TooManyLegs);
        }
        let opened = self.open(config);
        if opened.is_err() {
            self.counters.legs.fetch_sub(1, Relaxed);
        }
        opened
    }

    fn open(&self, config: LegConfig) -> Result<(MediaLeg, mpsc::Receiver<MediaEvent>), MediaError> {
        let mut chance = [0; 16];
        SystemRandom::new().fill(&mut chance).map_err(|_| MediaError::Chance)?;
        let sockets = self.ports.open(self.config.bind).map_err(MediaError::Port)?;
        let port = sockets.rtp.local_addr().map_err(MediaError::Port)?.port();
        let address = SocketAddr::new(self.config.advertised.unwrap_or(self.config.bind), port);
        let local = LocalMedia { address, codecs: config.codecs, telephone_event: config.telephone_event, srtp: config.srtp };
        let id = self.next.fetch_add(1, Relaxed);
        let home = (id % self.threads.commands.len() as u64) as usize;
        let (events, receiver) = mpsc::channel(EVENTS_WAITING_MAX);
        let gauge = Arc::new(Gauge::default());
        let leg = Leg::new(LegSettings { latch: config.latch, timeout: config.timeout }, u128::from_le_bytes(chance), Instant::now());
        let seat = Seat::new(id, leg, sockets, events, gauge.clone());
        self.threads.commands[home].send(Command::Open(Box::new(seat))).map_err(|_| MediaError::Ended)?;
        Ok((MediaLeg { id, home, local, gauge, engine: self.clone() }, receiver))
    }

    #[must_use]
    pub fn stats(&self) -> MediaStats {
        self.counters.read()
    }
}

/// Two sockets a leg: the soft limit of open files is raised as far as the hard one allows. What does not suffice then
/// shows when a leg is opened.
fn raise_open_files(legs_max: usize) {
    let wanted = legs_max as u64 * 2 + 1_024;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard).is_err() {
        tracing::warn!(soft, wanted, "the limit of open files could not be raised: fewer legs can be open at a time");
    }
}

/// One leg's audio. What is asked happens within 20 ms, in the order asked. Dropping it closes the leg.
pub struct MediaLeg {
    id: u64,
    home: usize,
    local: LocalMedia,
    gauge: Arc<Gauge>,
    engine: MediaEngine,
}

impl std::fmt::Debug for MediaLeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaLeg").field("id", &self.id).field("address", &self.local.address).finish_non_exhaustive()
    }
}

impl MediaLeg {
    /// For the offer or the answer.
    #[must_use]
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    fn ask(&self, ask: Ask) {
        // Threads that have ended leave nobody to be asked.
        let _ = self.engine.threads.commands[self.home].send(Command::Ask(self.id, ask));
    }

    /// What was agreed on, at first (early media included) and again after each later offer and answer.
    pub fn connect(&self, agreed: NegotiatedMedia) {
        self.ask(Ask::Connect(Box::new(agreed)));
    }

    /// Queues pieces to be played one after the other. While something plays, a bridge is not heard by this leg.
    pub fn play(&self, pieces: Vec<Piece>, repeat: Repeat) -> PlayId {
        let id = PlayId(self.engine.next.fetch_add(1, Relaxed));
        self.ask(Ask::Play(id, pieces, repeat));
        id
    }

    /// Stops what plays and what is queued; each tells its `PlayDone`.
    pub fn stop(&self) {
        self.ask(Ask::Stop);
    }

    /// What plays now and how far it is, as of the last turn.
    #[must_use]
    pub fn position(&self) -> Option<(PlayId, Duration)> {
        let play = self.gauge.play.load(Relaxed);
        (play != 0).then(|| (PlayId(play), Duration::from_millis(self.gauge.position_ms.load(Relaxed))))
    }

    /// Sends keys to the far end, 120 ms each, as events where agreed, else as tones; `KeysSent` tells their end.
    pub fn send_keys(&self, keys: &[Key]) {
        self.ask(Ask::Keys(keys.to_vec()));
    }

    /// Each of the two legs hears the other from now on; an earlier bridge of either ends.
    pub fn bridge(&self, other: &Self) {
        let (one, other) = if self.home <= other.home { (self, other) } else { (other, self) };
        one.ask(Ask::Bridge(other.id, other.home));
    }

    /// Records both directions until `stop_recording` or the end of the leg; a later call begins another.
    pub fn record(&self, sink: Box<dyn RecordingSink>) {
        if let Some(carrier) = &self.engine.threads.carrier {
            let id = self.engine.next.fetch_add(1, Relaxed);
            self.ask(Ask::Record(Recording::new(id, carrier.clone(), sink)));
        }
    }

    /// From now on the recording gets silence, and a mark.
    pub fn pause_recording(&self) {
        self.ask(Ask::PauseRecording(true));
    }

    pub fn resume_recording(&self) {
        self.ask(Ask::PauseRecording(false));
    }

    pub fn stop_recording(&self) {
        self.ask(Ask::StopRecording);
    }

    /// Listens for who answered; verdicts come as `Detected`. Begin it with early media (`answered: false`) to hear the
    /// network's announcements too.
    pub fn detect(&self, config: DetectConfig) {
        self.ask(Ask::Detect(Some(Box::new(Detector::new(config)))));
    }

    /// The call was answered: what is heard from now on is whoever did.
    pub fn answered(&self) {
        self.ask(Ask::Answered);
    }

    /// From now on the first audible sound of the far end is told, as `Sounded`.
    pub fn listen_for_sound(&self) {
        self.ask(Ask::AwaitSound);
    }

    pub fn stop_detecting(&self) {
        self.ask(Ask::Detect(None));
    }

    /// How well audio arrives, as of the last second.
    #[must_use]
    pub fn quality(&self) -> Quality {
        *self.gauge.quality.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the bridge of this leg, and so of the other.
    pub fn unbridge(&self) {
        self.ask(Ask::Unbridge);
    }
}

impl Drop for MediaLeg {
    fn drop(&mut self) {
        self.ask(Ask::Close);
        self.engine.counters.legs.fetch_sub(1, Relaxed);
    }
}
