//! Serves a router on a bound listener until told to stop.

use std::future::Future;
use std::io;

use axum::Router;
use tokio::net::TcpListener;

/// Returns once `stop` has resolved and the requests under way have ended.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
