//! Takes the imports that wait, one after the other: reads the head, checks the whole file, loads it.

use std::time::Duration;

use clarion_domain::intake::import::ImportState;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_store::intake::WaitingImport;
use clarion_store::{Lease, Signal, Store, StoreError, Tenant};
use tokio::task::JoinHandle;

use crate::intake::{FileError, FileLimits, head, load};

/// Where the time comes from: the server passes the system's clock, a test its own.
pub type Clock = fn() -> Instant;

/// A lease lasts thirty seconds.
pub(super) const RENEW: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_secs(2);
const WAITING_MAX: i64 = 100;
/// An upload that has not ended after this is given up: its sender is gone.
const UPLOAD_LASTS_MS: i64 = 6 * HOUR_MS;

/// Why an import did not go on.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The file itself is at fault: the sentence is for the user, and the import has ended.
    #[error("{0}")]
    File(String),
    /// The store is at fault, or another node has the work: it is tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a reading thread ended early: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Works until the task is dropped or aborted; what it leaves behind in mid-load is taken up again at the next start.
pub async fn run(store: Store, limits: FileLimits, clock: Clock) {
    crate::thread::own(take_all(store, limits, clock)).await;
}

async fn take_all(store: Store, limits: FileLimits, clock: Clock) {
    let mut tidied_at = Instant::default();
    loop {
        if clock().ms() - tidied_at.ms() > HOUR_MS {
            tidied_at = clock();
            if let Err(error) = store.remove_stale_uploads(tidied_at.plus_ms(-UPLOAD_LASTS_MS)).await {
                tracing::warn!(%error, "uploads given up by their senders could not be removed; trying again in an hour");
            }
        }
        match work(&store, limits, clock).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "imports could not be looked for; trying again"),
        }
        store.signals().wait(Signal::Intake, POLL).await;
    }
}

/// Does what is waiting now; returns how many imports it moved on.
pub async fn work(store: &Store, limits: FileLimits, clock: Clock) -> Result<usize, StoreError> {
    let mut moved = 0;
    for waiting in store.waiting_imports(WAITING_MAX).await? {
        let Some(lease) = store.take_lease(&format!("import {}", waiting.id), clock()).await? else { continue };
        let outcome = advance(store, &waiting, &lease, limits, clock).await;
        match outcome {
            Ok(()) => moved += 1,
            Err(error) => tracing::warn!(import = %waiting.id, tenant = %waiting.tenant, %error, "an import waits: trying again"),
        }
        store.give_back_lease(&lease).await?;
    }
    Ok(moved)
}

/// One step of one import: its head, or its load.
async fn advance(store: &Store, waiting: &WaitingImport, lease: &Lease, limits: FileLimits, clock: Clock) -> Result<(), IntakeError> {
    let tenant = store.tenant(waiting.tenant, Actor::System).await?;
    // It may have moved on since it was listed.
    let state = tenant.import(waiting.id).await?.state;
    let job = Job { tenant, id: waiting.id, lease: lease.clone(), limits, clock };
    let step = match state {
        ImportState::Received => head::read(&job).await,
        ImportState::Ready => match load::check(&job).await {
            Ok(()) => load::load(&job).await,
            failed => failed,
        },
        ImportState::Loading => load::load(&job).await,
        ImportState::Undoing => undo(&job).await,
        _ => Ok(()),
    };
    match step.map_err(|error| last_word(error, state)) {
        Err(IntakeError::File(sentence)) => {
            job.tenant.fail_import(job.id, lease, &sentence, clock()).await?;
            tracing::info!(import = %job.id, tenant = %waiting.tenant, "a file was refused");
            Ok(())
        }
        other => other,
    }
}

/// Takes an import back, some people at a time.
async fn undo(job: &Job) -> Result<(), IntakeError> {
    while job.tenant.undo_step(job.id, &job.lease, (job.clock)()).await? > 0 {}
    Ok(())
}

/// A reader that panics on a file would do so again at every try: before anything is loaded, that is the file's fault.
fn last_word(error: IntakeError, state: ImportState) -> IntakeError {
    match error {
        IntakeError::Thread(thread) if thread.is_panic() && state != ImportState::Loading => {
            tracing::error!(error = %thread, "a reader panicked on a file: report this");
            IntakeError::File(FileError::Unreadable.to_string())
        }
        other => other,
    }
}

/// Waits for a reading thread, and keeps the lease meanwhile.
pub(super) async fn read_by<T>(job: &Job, mut reading: JoinHandle<T>) -> Result<T, IntakeError> {
    loop {
        match tokio::time::timeout(RENEW, &mut reading).await {
            Ok(done) => return Ok(done?),
            Err(_) => job.tenant.renew_import(&job.lease, (job.clock)()).await?,
        }
    }
}

/// One import in hand.
pub(super) struct Job {
    pub tenant: Tenant,
    pub id: clarion_domain::id::ImportId,
    pub lease: Lease,
    pub limits: FileLimits,
    pub clock: Clock,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_panics_ends_the_import_unless_lines_were_loaded() {
        let panicked = || async { tokio::task::spawn_blocking(|| panic!("on purpose")).await.map_err(IntakeError::from).map(|(): ()| ()).expect_err("a panic") };
        for state in [ImportState::Received, ImportState::Ready] {
            assert!(matches!(last_word(panicked().await, state), IntakeError::File(text) if text.contains("save it as CSV")), "{state}");
        }
        assert!(matches!(last_word(panicked().await, ImportState::Loading), IntakeError::Thread(_)));
    }
}
