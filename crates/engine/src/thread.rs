//! A thread of its own for a loop that is at the database most of the time.
//!
//! SQLite works in the caller's thread. On a thread of the runtime, each statement would first have to hand that thread's other
//! tasks to another one, which costs more than the statement.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Runs `work` on a thread of its own, within the same runtime. Dropping this drops it, at its next wait; a panic passes through.
pub(crate) async fn own<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (alive, given_up) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let thread = spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                done = work => Some(done),
                _ = given_up => None,
            }
        })
    });
    let done = thread.await;
    drop(alive);
    match done {
        Ok(Some(done)) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Only a runtime that is being shut down ends it otherwise, and then nobody is left to be told.
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Dropped(Arc<AtomicBool>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn gives_what_the_work_gives_from_another_thread() {
        let here = std::thread::current().id();
        assert_ne!(own(async { std::thread::current().id() }).await, here);
    }

    #[tokio::test]
    async fn what_is_given_up_is_dropped() {
        let dropped = Arc::new(AtomicBool::new(false));
        let guard = Dropped(dropped.clone());
        let task = tokio::spawn(own(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }));
        tokio::task::yield_now().await;
        task.abort();
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_passes_through() {
        let ended = tokio::spawn(own(async { panic!("as arranged") })).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
}
