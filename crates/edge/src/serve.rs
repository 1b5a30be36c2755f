//! Serves a router on a bound listener until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Live streams end only when their reader goes: they are not waited for longer than this.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Returns once `stop` has resolved and the requests under way have ended, or five seconds after it.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (told, stopping) = oneshot::channel();
    let stop = async move {
        stop.await;
        let _server_gone = told.send(());
    };
    tokio::select! {
        ended = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stop) => ended,
        () = async {
            let _server_gone = stopping.await;
            tokio::time::sleep(STOP_WITHIN).await;
        } => Ok(()),
    }
}
