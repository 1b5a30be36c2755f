//! Serves a router on a bound listener until told to stop: HTTP/1.1 and, where the two sides agree on it, HTTP/2. Whoever is silent, or holds
//! more than their share, is let go rather than waited for.

mod begun;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use clarion_domain::tenancy::places::{Place, Places, counted};
use clarion_domain::webhooks::target::AllowedNetworks;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;
use tower_http::timeout::TimeoutBody;

use self::begun::Begun;

/// Live streams end only when their reader goes: they are not waited for longer than this.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Who opens a connection must say what they want within this.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Between two pieces of a body.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// A peer that is gone without a word is noticed by this much silence, twice.
const PING_EVERY: Duration = Duration::from_secs(30);
const HEADERS_BYTES_MAX: u32 = 64 * 1024;
const STREAMS_MAX: u32 = 200;
const CONNECTIONS_MAX: usize = 10_000;
/// Between two log lines about connections that were let go.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How many connections one address may hold.
#[derive(Debug, Clone)]
pub struct Share {
    /// An address; of IPv6, the network of 64 bits.
    pub connections_max: usize,
    /// Proxies, which hold those of many.
    pub exempt: AllowedNetworks,
}

impl Share {
    /// `None` when all places, or all of this address, are taken.
    pub fn take(&self, places: &Arc<Places<IpAddr>>, peer: IpAddr, of_one: usize, of_all: usize) -> Option<Place<IpAddr>> {
        places.take(counted(peer), if self.exempt.names(peer) { usize::MAX } else { of_one }, of_all)
    }
}

/// Says at most once a minute that connections were let go: strangers decide how often it happens.
#[derive(Default)]
pub struct LetGo(Option<Instant>);

impl LetGo {
    pub fn tell(&mut self, what: &'static str, peer: IpAddr) {
        if self.0.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            tracing::warn!("a {what} was let go: {peer} holds as many as one address may (web.connections_per_address_max), or all together do");
            self.0 = Some(Instant::now());
        }
    }
}

/// Returns once `stop` has resolved and the requests under way have ended, or five seconds after it.
pub async fn serve<L: Listener<Addr = SocketAddr>>(mut listener: L, router: Router, share: Share, stop: impl Future<Output = ()> + Send) {
    let (graceful, (stopping, stopped)) = (GracefulShutdown::new(), watch::channel(false));
    let (places, mut let_go, mut connections) = (Arc::default(), LetGo::default(), JoinSet::new());
    let mut stop = pin!(stop);
    loop {
        let (io, peer) = tokio::select! {
            next = listener.accept() => next,
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let Some(place) = share.take(&places, peer.ip(), share.connections_max, CONNECTIONS_MAX) else {
            let_go.tell("connection", peer.ip());
            continue;
        };
        let (router, watcher, mut stopped) = (router.clone(), graceful.watcher(), stopped.clone());
        connections.spawn(async move {
            let _place = place;
            let begun = tokio::select! {
                begun = timeout(HEAD_WITHIN, Begun::read(io)) => begun,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            let Ok(Ok(begun)) = begun else { return };
            let builder = if begun.is_http2() { builder().http2_only() } else { builder().http1_only() };
            let service = tower::service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(|body| Body::new(TimeoutBody::new(PIECE_WITHIN, body)));
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request)
            });
            // How a connection ended is its peer's concern.
            let _ended = watcher.watch(builder.serve_connection(TokioIo::new(begun), TowerToHyperService::new(service)).into_owned()).await;
        });
    }
    drop(listener);
    let _nobody_waits = stopping.send(true);
    let _waited = timeout(STOP_WITHIN, graceful.shutdown()).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_EVERY).max_header_list_size(HEADERS_BYTES_MAX).max_concurrent_streams(STREAMS_MAX);
    builder
}

#[cfg(test)]
mod tests;
