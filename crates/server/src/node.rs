//! One node: the engine's workers and the web's doors on one store, until told to stop.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::Listener;
use clarion_edge::front::{behind, only_from};
use clarion_edge::{ApiConfig, EdgeConfig, RateLimits, Recorder, Share, SftpShown, api_router, portal_router, with_links};
use clarion_engine::attempts::SenderConfig;
use clarion_engine::calls::DiallerConfig;
use clarion_engine::intake::FileLimits;
use clarion_sftp::{DropConfig, HostKey};
use clarion_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::ConfigError;
use crate::supervise::{self, AtStop, Stop, Stopper};
use crate::web::held::Held;
use crate::web::listener::{Certificates, TlsListener};
use crate::web::{Carrier, MetricsPlan, WebPlan};
use crate::{clock, web};

/// The least time that a refused SFTP sign-in takes.
const SFTP_REFUSAL: Duration = Duration::from_secs(1);

/// Where the node listens, and how it ends.
pub struct NodeConfig {
    /// As the portal and the heartbeat show it.
    pub name: String,
    pub web: WebPlan,
    pub rate_limits: RateLimits,
    pub metrics: Option<MetricsPlan>,
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
    pub redirect: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub sftp: Option<SocketAddr>,
    stopper: Stopper,
    workers: Vec<JoinHandle<()>>,
    doors: Vec<JoinHandle<()>>,
    recorder: Recorder,
    drain: Duration,
}

impl Node {
    /// Binds every address first, so that nothing works when one is taken.
    pub async fn start(store: Store, config: &NodeConfig) -> anyhow::Result<Self> {
        let web = listen(config.web.listen).await?;
        let redirect = listen_if(config.web.redirect_listen).await?;
        let metrics = listen_if(config.metrics.as_ref().map(|plan| plan.listen)).await?;
        let sftp = listen_if(config.sftp.as_ref().map(|door| door.listen)).await?;
        let address = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        let certificates = certificates(&store, &config.web.carrier)?;
        let (stopper, stop) = supervise::stop();
        let mut node = Self {
            web: web.local_addr()?,
            redirect: address(&redirect)?,
            metrics: address(&metrics)?,
            sftp: address(&sftp)?,
            stopper,
            workers: workers(&store, &stop, config),
            doors: Vec::new(),
            recorder: Recorder::new(store.clone()),
            drain: config.drain,
        };
        if let Some(certificates) = &certificates {
            node.workers.extend(keep_good(&store, &config.web.carrier, &certificates.held, &stop));
        }
        let shown = config.sftp.as_ref().and_then(|door| Some(SftpShown { port: node.sftp?.port(), fingerprint: door.host_key.fingerprint() }));
        let router = behind(doors(&store, config, shown, &node.recorder), config.web.front.clone());
        node.doors.push(open_by(web, certificates.clone(), router, config.web.share(), &stop)?);
        if let Some(listener) = redirect {
            node.doors.push(open(listener, web::redirect::router(store.clone(), config.web.public_url.clone(), certificates.as_ref().map(|certificates| certificates.held.clone())), config.web.share(), &stop));
        }
        if let (Some(listener), Some(door)) = (sftp, &config.sftp) {
            let drop = DropConfig { host_key: door.host_key.clone(), settle: door.settle, clock: clock::now, verify: verify_sftp, refusal: SFTP_REFUSAL };
            node.doors.push(tokio::spawn(clarion_sftp::run(listener, store.clone(), drop, stop.receiver())));
        }
        if let (Some(listener), Some(plan)) = (metrics, &config.metrics) {
            let held = certificates.as_ref().map(|certificates| certificates.held.clone());
            let router = only_from(crate::metrics::router(store, held), plan.networks.clone());
            let share = Share { exempt: plan.networks.clone(), ..config.web.share() };
            node.doors.push(open_by(listener, certificates.filter(|_| plan.tls), router, share, &stop)?);
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
        // Behind the doors, for they tell it of what was asked last.
        if let Err(error) = self.recorder.write().await {
            tracing::warn!(%error, "what was looked at in the last seconds is not in the activity log");
        }
    }
}

/// What handshakes are done with. Files that cannot be used at the start are an error: there is nothing to go on with.
fn certificates(store: &Store, carrier: &Carrier) -> anyhow::Result<Option<Certificates>> {
    let held = Held::default();
    Ok(match carrier {
        Carrier::Clear => None,
        Carrier::OwnFiles(files) => {
            held.put(files.read().map_err(ConfigError::new)?);
            Some(Certificates { held, challenges: None })
        }
        Carrier::Acme(_) => Some(Certificates { held, challenges: Some(store.clone()) }),
    })
}

/// Whoever sees to it that the certificate stays good.
fn keep_good(store: &Store, carrier: &Carrier, held: &Held, stop: &Stop) -> Option<JoinHandle<()>> {
    let (store, held) = (store.clone(), held.clone());
    match carrier.clone() {
        Carrier::Clear => None,
        Carrier::OwnFiles(files) => Some(supervise::keep("certificate", AtStop::Cut, stop.clone(), move || Box::pin(web::own_files::watch(files.clone(), held.clone())))),
        Carrier::Acme(plan) => Some(supervise::keep("certificate", AtStop::Cut, stop.clone(), move || Box::pin(web::acme::run(store.clone(), plan.clone(), held.clone())))),
    }
}

fn verify_sftp(password: String, hash: Option<String>) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(async move { clarion_edge::verify_sftp(&password, hash.as_deref()).await })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}

async fn listen_if(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    match address {
        Some(address) => Ok(Some(listen(address).await?)),
        None => Ok(None),
    }
}

fn doors(store: &Store, node: &NodeConfig, sftp: Option<SftpShown>, recorder: &Recorder) -> Router {
    let web = &node.web;
    let config = EdgeConfig { sftp, provider: crate::provider::door(store), public_url: web.public_url.clone(), recorder: Some(recorder.clone()), ..EdgeConfig::new(clock::now, web.cookies, crate::prompt::read) };
    let api = ApiConfig { clock: clock::now, upload_bytes_max: config.upload_bytes_max, read_prompt: config.read_prompt, rate_limits: node.rate_limits, recorder: Some(recorder.clone()) };
    with_links(portal_router(store.clone(), config).merge(api_router(store.clone(), api)), store.clone(), clock::now)
}

/// By TLS where there are certificates.
fn open_by(listener: TcpListener, certificates: Option<Certificates>, router: Router, share: Share, stop: &Stop) -> anyhow::Result<JoinHandle<()>> {
    Ok(match certificates {
        Some(certificates) => open(TlsListener::start(listener, certificates, share.clone())?, router, share, stop),
        None => open(listener, router, share, stop),
    })
}

fn open<L: Listener<Addr = SocketAddr>>(listener: L, router: Router, share: Share, stop: &Stop) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(clarion_edge::serve(listener, router, share, async move { stop.said().await }))
}

fn workers(store: &Store, stop: &Stop, settings: &NodeConfig) -> Vec<JoinHandle<()>> {
    let (name, drain, dialler) = (settings.name.as_str(), settings.drain, settings.dialler.clone());
    let (intake, campaigns, sending, calling, telling, pulling, privacy) = (store.clone(), store.clone(), store.clone(), store.clone(), store.clone(), store.clone(), store.clone());
    let (links, filling) = (store.clone(), store.clone());
    let config = SenderConfig { node_name: name.to_owned(), clock: clock::now, drain_ms_max: u64::try_from(drain.as_millis()).unwrap_or(u64::MAX) };
    let (stopped, calls_stopped) = (stop.clone(), stop.clone());
    vec![
        supervise::keep("intake", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::intake::run(intake.clone(), FileLimits::default(), clock::now))),
        supervise::keep("campaigns", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::campaigns::run(campaigns.clone(), clock::now))),
        supervise::keep("attempts", AtStop::Wait, stop.clone(), move || Box::pin(clarion_engine::attempts::run(sending.clone(), config.clone(), stopped.receiver()))),
        supervise::keep("calls", AtStop::Wait, stop.clone(), move || Box::pin(clarion_engine::calls::run(calling.clone(), dialler.clone(), calls_stopped.receiver()))),
        supervise::keep("webhooks", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::webhooks::run(telling.clone(), crate::webhooks::worker()))),
        supervise::keep("connectors", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::connectors::run(pulling.clone(), crate::webhooks::connectors()))),
        supervise::keep("links", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::links::run(links.clone(), clock::now))),
        supervise::keep("search", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::intake::fill_search_indexes(filling.clone()))),
        supervise::keep("privacy", AtStop::Cut, stop.clone(), move || Box::pin(clarion_engine::privacy::run(privacy.clone(), clock::now))),
    ]
}
