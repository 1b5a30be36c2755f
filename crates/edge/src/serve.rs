//! Serves a router on a bound listener until told to stop: HTTP/1.1 and, where the two sides agree on it, HTTP/2.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Live streams end only when their reader goes: they are not waited for longer than this.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Who opens a connection must say what they want within this.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// A peer that is gone without a word is noticed by this much silence, twice.
const PING_EVERY: Duration = Duration::from_secs(30);
const HEADERS_BYTES_MAX: u32 = 64 * 1024;
const STREAMS_MAX: u32 = 200;
const CONNECTIONS_MAX: usize = 10_000;

/// Returns once `stop` has resolved and the requests under way have ended, or five seconds after it.
pub async fn serve<L: Listener<Addr = SocketAddr>>(mut listener: L, router: Router, stop: impl Future<Output = ()> + Send) {
    let builder = builder();
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (io, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let router = router.clone();
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(io), TowerToHyperService::new(service)).into_owned());
        connections.spawn(async move {
            // How a connection ended is its peer's concern.
            let _ended = connection.await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let _waited = tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_EVERY).max_header_list_size(HEADERS_BYTES_MAX).max_concurrent_streams(STREAMS_MAX);
    builder
}
