//! A pretend carrier for calls: a SIP server behind which people answer, let it ring, are busy or do not exist, by a written mix;
//! and a call centre whose agents pick up.

mod call_fate;
mod call_tally;
mod person;

pub use call_fate::CallFate;
pub use call_tally::CallTally;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clarion_sip::endpoint::{BindError, Endpoint, EndpointConfig, IncomingCall};
use clarion_sip::media::{MediaConfig, MediaEngine, MediaError, PortRange};
use tokio::sync::Semaphore;

/// How the people behind the carrier behave.
#[derive(Clone)]
pub struct VoiceCarrierConfig {
    pub address: SocketAddr,
    pub ports: PortRange,
    /// From the INVITE to the first word that it rings.
    pub rings_after: Duration,
    /// From there to the answer.
    pub ring: Duration,
    /// After that, nobody picks up before there is a permit for it: a test decides when, one by one.
    pub may_answer: Option<Arc<Semaphore>>,
    /// From the answer to the key that a person presses, and to the hang-up of one who presses none.
    pub patience: Duration,
    /// The status by which every call to a person is refused, if there is one.
    pub people_refuse: Option<u16>,
    /// How long an agent is rung.
    pub agent_rings: Duration,
    /// The status by which every call to an agent is refused after that, if there are none.
    pub agents_refuse: Option<u16>,
    /// How long an agent talks.
    pub talk: Duration,
    /// What every person who answers says, from the answer on, at 8 kHz.
    pub person_says: Option<Arc<[i16]>>,
    pub agent_says: Option<Arc<[i16]>>,
    /// A machine's greeting; its beep follows.
    pub machine_greets: Option<Arc<[i16]>>,
    /// What becomes of a person's transfer by REFER; without it a transfer is refused.
    pub transfers: Option<Transfer>,
    pub fate_of: fn(&str) -> CallFate,
    /// The user part of the call centre's address: a call to it is taken by an agent.
    pub agents: String,
}

impl VoiceCarrierConfig {
    /// On any free port of this machine, with brisk people.
    #[must_use]
    pub fn new(ports: PortRange) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ports,
            rings_after: Duration::ZERO,
            ring: Duration::from_millis(300),
            may_answer: None,
            patience: Duration::from_millis(1_500),
            people_refuse: None,
            agent_rings: Duration::ZERO,
            agents_refuse: None,
            talk: Duration::from_millis(2_000),
            person_says: None,
            // An agent who says nothing is counted as silent.
            agent_says: Some(Tone { hz: 440, lasts: Duration::from_secs(5) }.samples()),
            machine_greets: None,
            transfers: None,
            fate_of: CallFate::of_number,
            agents: "agents".into(),
        }
    }
}

/// How a transfer goes on that the carrier has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// The status by which the other side ended, or answered, is told.
    Told(u16),
    /// It rings, and only after this time that status is told.
    ToldAfter(Duration, u16),
    /// It rings, and the person hangs up.
    PersonGone,
    /// The call is hung up on, and nothing told.
    HungUp,
    /// Nothing more is heard of it.
    Silent,
}

/// A voice that can be told from another in what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tone {
    pub hz: u16,
    pub lasts: Duration,
}

impl Tone {
    /// Its samples at 8 kHz.
    #[must_use]
    pub fn samples(self) -> Arc<[i16]> {
        let count = self.lasts.as_millis() as u32 * 8;
        (0..count).map(|n| ((f64::from(n) * f64::from(self.hz) * std::f64::consts::TAU / 8_000.0).sin() * 8_000.0) as i16).collect()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VoiceCarrierError {
    #[error(transparent)]
    Sip(#[from] BindError),
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error("the pretend carrier has no address")]
    NoAddress,
}

/// The carrier, up until it is dropped.
pub struct VoiceCarrier {
    address: SocketAddr,
    tally: Arc<Mutex<CallTally>>,
    task: tokio::task::JoinHandle<()>,
}

impl VoiceCarrier {
    pub fn start(config: VoiceCarrierConfig) -> Result<Self, VoiceCarrierError> {
        let mut sip = EndpointConfig::new(config.address);
        sip.incoming = true;
        let endpoint = Endpoint::bind(sip)?;
        let media = MediaEngine::start(MediaConfig { ports: config.ports, ..MediaConfig::default() })?;
        let address = endpoint.udp_address().ok_or(VoiceCarrierError::NoAddress)?;
        let tally = Arc::new(Mutex::new(CallTally::default()));
        let counted = tally.clone();
        let task = tokio::spawn(async move {
            while let Some(call) = endpoint.incoming().await {
                tokio::spawn(take(call, config.clone(), media.clone(), counted.clone()));
            }
        });
        Ok(Self { address, tally, task })
    }

    /// Where a trunk finds it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What became of every call, by the carrier's own count.
    #[must_use]
    pub fn tally(&self) -> CallTally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for VoiceCarrier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(call: IncomingCall, config: VoiceCarrierConfig, media: MediaEngine, tally: Arc<Mutex<CallTally>>) {
    let called = call.request.uri.user.clone().unwrap_or_default();
    let count = |change: &dyn Fn(&mut CallTally)| change(&mut tally.lock().unwrap_or_else(PoisonError::into_inner));
    let shown = call.request.from.uri.user.clone().unwrap_or_default();
    let asserted = call.request.asserted.as_ref().and_then(|who| who.uri.user.clone());
    if called == config.agents {
        count(&|tally| tally.begin_agent(&shown, asserted.as_deref()));
        let talked = person::agent(call, &config, &media).await;
        count(&|tally| tally.agent_answers += u64::from(talked));
        return;
    }
    let fate = (config.fate_of)(&called);
    count(&|tally| tally.begin(&called, &shown, asserted.as_deref(), fate));
    let heard = person::live(call, fate, &config, &media, |target| count(&|tally| tally.transferred.push(target.to_owned()))).await;
    count(&|tally| tally.end(fate, heard));
}
