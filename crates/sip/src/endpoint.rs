//! The way in: bind an endpoint, make trunks, dial, take calls.
//!
//! Everything is done by one thread that owns the sockets; these are handles to it.

mod call;
mod config;
mod trunk;

pub use call::{Call, IncomingCall};
pub use config::{BindError, EndpointConfig, TlsListener};
pub use trunk::Trunk;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use tokio::sync::{Mutex, mpsc, watch};

use crate::chance::SystemChance;
use crate::tls::TlsError;
use crate::transport::{Arrived, Driver, Input};
use crate::trunk::{Condition, TrunkConfig, TrunkKey, TrunkState};
use crate::user_agent::UserAgent;
use crate::wire::Advertised;

/// Our end of SIP: sockets, and the thread that works them. Dropping it hangs up every call.
pub struct Endpoint {
    inputs: mpsc::UnboundedSender<Input>,
    arrived: Mutex<mpsc::UnboundedReceiver<Arrived>>,
    advertised: Advertised,
    keys: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Endpoint {
    /// Binds the sockets and starts the thread.
    pub fn bind(config: EndpointConfig) -> Result<Self, BindError> {
        let (sockets, advertised) = config.sockets()?;
        let (inputs, receiver) = mpsc::unbounded_channel();
        let (incoming, arrived) = mpsc::unbounded_channel();
        let mut agent = UserAgent::new(config.timers, advertised, config.user_agent.clone(), config.incoming_rules(), Box::new(SystemChance::default()));
        if config.public_address.is_none() {
            agent.learn_addresses();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BindError::Thread)?;
        let (weak, name_servers) = (inputs.downgrade(), config.name_servers);
        let driver = {
            let _within = runtime.enter();
            Driver::new(agent, sockets, receiver, weak, incoming, name_servers).map_err(BindError::Thread)?
        };
        let thread = std::thread::Builder::new().name("sip".to_owned()).spawn(move || runtime.block_on(driver.run())).map_err(BindError::Thread)?;
        Ok(Self { inputs, arrived: Mutex::new(arrived), advertised, keys: Arc::new(AtomicU64::new(1)), thread: Some(thread) })
    }

    /// Where we are to be reached: the public address with the port that was bound.
    #[must_use]
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.advertised.udp
    }

    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.advertised.tcp
    }

    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.advertised.tls
    }

    /// Begins to look its servers up and to watch them. It ends when the handle is dropped; its calls go on.
    pub fn trunk(&self, config: TrunkConfig) -> Result<Trunk, TlsError> {
        if let Some(tls) = &config.tls {
            // Better told here than at the first call.
            tls.connector()?;
        }
        let key = TrunkKey(self.keys.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (state, watched) = watch::channel(TrunkState { condition: Condition::Starting, reason: "not yet asked".to_owned(), since: Instant::now() });
        let shared = Arc::new(config.clone());
        // When the thread has ended the state stays as it is, and calls end at once.
        let _ = self.inputs.send(Input::AddTrunk { key, config: Box::new(config), state });
        Ok(Trunk::new(key, shared, watched, self.inputs.clone(), Arc::clone(&self.keys)))
    }

    /// The next call from outside; `None` once the endpoint has ended. Only with `EndpointConfig::incoming`.
    pub async fn incoming(&self) -> Option<IncomingCall> {
        let (key, request, events) = self.arrived.lock().await.recv().await?;
        Some(IncomingCall::new(*request, Call::new(key, events, self.inputs.clone())))
    }

    /// Hangs up every call and waits until the far ends know, for a few seconds at most.
    pub async fn close(mut self) {
        // The thread may have ended by itself.
        let _ = self.inputs.send(Input::Close);
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::Close);
    }
}
