//! One node: the engine's workers and the web's doors on one store, until told to stop.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use clarion_edge::{ApiConfig, Cookies, EdgeConfig, SftpShown, api_router, portal_router};
use clarion_engine::attempts::SenderConfig;
use clarion_engine::calls::DiallerConfig;
use clarion_engine::intake::FileLimits;
use clarion_sftp::{DropConfig, HostKey};
use clarion_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock;
use crate::supervise::{self, AtStop, Stop, Stopper};

/// The least time that a refused SFTP sign-in takes.
const SFTP_REFUSAL: Duration = Duration::from_secs(1);

/// Where the node listens, and how it ends.
pub struct NodeConfig {
    /// As the portal and the heartbeat show it.
    pub name: String,
    pub web: SocketAddr,
    pub metrics: Option<SocketAddr>,
    pub cookies: Cookies,
    pub drain: Duration,
    pub dialler: DiallerConfig,
    pub sftp: Option<SftpDoor>,
}

/// Where files are dropped.
pub struct SftpDoor {
    pub listen: SocketAddr,
    pub host_key: HostKey,
    pub settle: Duration,
}

/// A running node.
pub struct Node {
    pub web: SocketAddr,
    pub metrics: Option<SocketAddr>,
    pub sftp: Option<SocketAddr>,
    stopper: Stopper,
    workers: Vec<JoinHandle<()>>,
    doors: Vec<JoinHandle<()>>,
    drain: Duration,
}

impl Node {
    /// Binds every address first, so that nothing works when one is taken.
    pub async fn start(store: Store, config: &NodeConfig) -> anyhow::Result<Self> {
        let web = listen(config.web).await?;
        let metrics = match config.metrics {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let sftp = match &config.sftp {
            Some(door) => Some((listen(door.listen).await?, door)),
            None => None,
        };
        let (stopper, stop) = supervise::stop();
        let mut node = Self {
            web: web.local_addr()?,
            metrics: metrics.as_ref().map(TcpListener::local_addr).transpose()?,
            sftp: sftp.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?,
            stopper,
            workers: workers(&store, &stop, config),
            doors: Vec::new(),
            drain: config.drain,
        };
        let shown = sftp.as_ref().and_then(|(listener, door)| Some(SftpShown { port: listener.local_addr().ok()?.port(), fingerprint: door.host_key.fingerprint() }));
        node.doors.push(open(web, doors(&store, config.cookies, shown), &stop));
        if let Some((listener, door)) = sftp {
            let drop = DropConfig { host_key: door.host_key.clone(), settle: door.settle, clock: clock::now, verify: verify_sftp, refusal: SFTP_REFUSAL };
            node.doors.push(tokio::spawn(clarion_sftp::run(listener, store.clone(), drop, stop.receiver())));
        }
        if let Some(listener) = metrics {
            node.doors.push(open(listener, crate::metrics::router(store), &stop));
        }
        Ok(node)
    }

    /// Stops claiming, lets what is on the wire be answered for a while, then stops.
    pub async fn stop(self) {
        self.stopper.stop();
        let all = async {
            for task in self.workers.into_iter().chain(self.doors) {
                // A worker's own end was logged where it happened.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(self.drain + Duration::from_secs(2), all).await.is_err() {
            tracing::warn!("not everything ended in time; what was on the wire is shown as unknown at the next start");
        }
    }
}

fn verify_sftp(password: String, hash: Option<String>) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(async move { clarion_edge::verify_password(&password, hash.as_deref()).await })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}

fn doors(store: &Store, cookies: Cookies, sftp: Option<SftpShown>) -> Router {
    let config = EdgeConfig { sftp, ..EdgeConfig::new(clock::now, cookies, crate::prompt::read) };
    let api = ApiConfig { clock: clock::now, upload_bytes_max: config.upload_bytes_max, read_prompt: config.read_prompt };
    portal_router(store.clone(), config).merge(api_router(store.clone(), api))
}

fn open(listener: TcpListener, router: Router, stop: &Stop) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        if let Err(error) = clarion_edge::serve(listener, router, async move { stop.said().await }).await {
            tracing::error!(%error, "a listener ended");
        }
    })
}

fn workers(store: &Store, stop: &Stop, settings: &NodeConfig) -> Vec<JoinHandle<()>> {
    let (name, drain, dialler) = (settings.name.as_str(), settings.drain, settings.dialler.clone());
    let (intake, campaigns, sending, calling, telling, pulling, privacy) = (store.clone(), store.clone(), store.clone(), store.clone(), store.clone(), store.clone(), store.clone());
    let config = SenderConfig { node_name: name.to_owned(), clock: clock::now, drain_ms_max: u64::try_from(drain.as_millis()).unwrap_or(u64::MAX) };
    let (stopped, calls_stopped) = (stop.clone(), stop.clone());
    vec![
        supervise::keep("intake", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::intake::run(intake.clone(), FileLimits::default(), clock::now))),
        supervise::keep("campaigns", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::campaigns::run(campaigns.clone(), clock::now))),
        supervise::keep("attempts", AtStop::Wait, stop.clone(), move || Box::pin(clarion_engine::attempts::run(sending.clone(), config.clone(), stopped.receiver()))),
        supervise::keep("calls", AtStop::Wait, stop.clone(), move || Box::pin(clarion_engine::calls::run(calling.clone(), dialler.clone(), calls_stopped.receiver()))),
        supervise::keep("webhooks", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::webhooks::run(telling.clone(), crate::webhooks::worker()))),
        supervise::keep("connectors", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::connectors::run(pulling.clone(), crate::webhooks::connectors()))),
        supervise::keep("privacy", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::privacy::run(privacy.clone(), clock::now))),
    ]
}
