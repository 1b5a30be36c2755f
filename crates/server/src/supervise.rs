//! Workers that are started again when they end, and one word by which everything stops.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Before a worker that ended is started again.
const PAUSE: Duration = Duration::from_secs(2);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Says when to stop; cloned by whoever waits for it.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The one who says it.
pub struct Stopper(watch::Sender<bool>);

pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// For a worker that ends in order by itself.
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Returns once it was said.
    pub async fn said(&self) {
        // A stopper that is gone will never say anything else.
        let _ = self.0.clone().wait_for(|stopped| *stopped).await;
    }
}

/// What becomes of a worker at the stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AtStop {
    /// It may be cut off anywhere: what it leaves is taken up at the next start.
    Cut,
    /// It hears the stop itself, and is waited for.
    Wait,
}

/// Runs a worker until the stop. When it panics or ends by itself, that is logged once, and it is started again.
pub fn keep(name: &'static str, at_stop: AtStop, stop: Stop, make: impl Fn() -> Work + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let mut work = tokio::spawn(make());
            let ended = tokio::select! {
                () = stop.said() => {
                    if at_stop == AtStop::Cut {
                        work.abort();
                    }
                    // A panic while it ends is told by the panic itself.
                    let _ = work.await;
                    return;
                }
                ended = &mut work => ended,
            };
            if *stop.0.borrow() {
                return;
            }
            let why = if ended.is_err_and(|error| error.is_panic()) { "panicked" } else { "ended" };
            tracing::error!(worker = name, why, "a worker is started again");
            tokio::select! {
                () = stop.said() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    })
}

/// SIGTERM and SIGINT. From here on neither ends the process by itself: taken up before the first work begins, whoever stops us early is heard too.
pub struct Signals {
    terminated: Signal,
    interrupted: Signal,
}

impl Signals {
    pub fn take_up() -> std::io::Result<Self> {
        Ok(Self { terminated: signal(SignalKind::terminate())?, interrupted: signal(SignalKind::interrupt())? })
    }

    /// Returns once either was received, be it before the call.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminated.recv() => {}
            _ = self.interrupted.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_is_started_again_until_the_stop() {
        let (stopper, stop) = stop();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let kept = keep("test", AtStop::Cut, stop, move || {
            let start = counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                assert!(start >= 2, "fails twice");
                std::future::pending().await
            })
        });
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(starts.load(Ordering::Relaxed), 3);
        stopper.stop();
        tokio::time::timeout(Duration::from_secs(1), kept).await.expect("stops").expect("in order");
    }
}
