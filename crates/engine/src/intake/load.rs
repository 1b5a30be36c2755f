//! Two passes over a file: the first finds the faults of the whole file, so that nothing is half-loaded; the second loads.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use clarion_domain::contacts::region::Region;
use clarion_domain::intake::reject::{Reject, RejectReason};
use clarion_store::intake::{ImportRecord, LoadChunk};
use clarion_store::{StoreError, Tenant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::intake::decrypt::opened;
use crate::intake::batch::{Plan, Prepared, RawBatch, count_lines, read_batches};
use crate::intake::head::file_fault;
use crate::intake::worker::{IntakeError, Job, RENEW, read_by};
use crate::intake::{FileError, open};

/// Batches being prepared at once; with those read ahead they bound the memory.
const PREPARING_MAX: usize = 4;
const READ_AHEAD: usize = 2;

/// Reads the whole file once. A fault ends the import with nothing loaded.
pub(super) async fn check(job: &Job) -> Result<(), IntakeError> {
    let (file, identity) = (job.tenant.open_import_file(job.id).await?, job.tenant.file_identity().await?);
    let limits = job.limits;
    let reading = tokio::task::spawn_blocking(move || count_lines(&mut open(opened(Box::new(file), identity.as_ref())?, limits)?, limits.lines_max));
    let lines = read_by(job, reading).await?.map_err(file_fault)?;
    Ok(job.tenant.begin_load(job.id, &job.lease, lines, (job.clock)()).await?)
}

/// Loads the file, or goes on after the last chunk that was committed.
pub(super) async fn load(job: &Job) -> Result<(), IntakeError> {
    let record = job.tenant.import(job.id).await?;
    let done = record.rows_read;
    let plan = Arc::new(plan(&job.tenant, record).await?);
    let (file, identity) = (job.tenant.open_import_file(job.id).await?, job.tenant.file_identity().await?);
    let (out, mut batches) = mpsc::channel(READ_AHEAD);
    let limits = job.limits;
    let reading = tokio::task::spawn_blocking(move || read_batches(&mut open(opened(Box::new(file), identity.as_ref())?, limits)?, done, &out));

    let mut seen = Seen::default();
    let mut preparing: VecDeque<JoinHandle<Result<Prepared, StoreError>>> = VecDeque::new();
    let mut rows_read = 0;
    let mut renewed_at = (job.clock)();
    loop {
        // Lines that were loaded before a crash are read again without a commit that would renew the lease.
        if (job.clock)().ms() - renewed_at.ms() > RENEW.as_millis() as i64 {
            renewed_at = (job.clock)();
            job.tenant.renew_import(&job.lease, renewed_at).await?;
        }
        while preparing.len() < PREPARING_MAX {
            let Some(batch) = next_batch(job, &mut batches, preparing.is_empty()).await? else { break };
            let plan = plan.clone();
            preparing.push_back(tokio::task::spawn_blocking(move || plan.prepare(batch)));
        }
        let Some(prepared) = preparing.pop_front() else { break };
        let prepared = prepared.await??;
        let after = prepared.rows_read;
        if let Some(chunk) = seen.filter(prepared, &plan.phone) {
            job.tenant.load_chunk(job.id, &job.lease, rows_read, chunk, (job.clock)()).await?;
        }
        rows_read = after;
    }
    reading.await?.map_err(second_reading)?;
    let indexes = seen.into_indexes();
    job.tenant.finish_load(job.id, &job.lease, &indexes, (job.clock)()).await?;
    tracing::info!(import = %job.id, rows = rows_read, "a file was loaded");
    Ok(())
}

/// The next batch; waits for it only when there is nothing else to do.
async fn next_batch(job: &Job, batches: &mut mpsc::Receiver<RawBatch>, wait: bool) -> Result<Option<RawBatch>, IntakeError> {
    if !wait {
        return Ok(batches.try_recv().ok());
    }
    loop {
        match tokio::time::timeout(RENEW, batches.recv()).await {
            Ok(batch) => return Ok(batch),
            Err(_) => job.tenant.renew_import(&job.lease, (job.clock)()).await?,
        }
    }
}

/// The file was read whole before: what fails now is not the file's fault, and loading goes on later.
fn second_reading(error: FileError) -> IntakeError {
    match file_fault(error) {
        IntakeError::File(sentence) => StoreError::Conflict(format!("the stored file reads differently than before: {sentence}")).into(),
        other => other,
    }
}

async fn plan(tenant: &Tenant, record: ImportRecord) -> Result<Plan, IntakeError> {
    let (Some(proposal), Some(mapping)) = (record.proposal, record.mapping) else {
        return Err(IntakeError::File("the import has no mapping: load the file again".into()));
    };
    let owner = tenant.record().await?;
    let region: Region = owner.default_region.parse().map_err(|_| StoreError::Invalid("the tenant's default region is no country: set it to one such as GB".into()))?;
    Ok(Plan::new(tenant.clone(), mapping, proposal.headers, region, owner.number_mode))
}

/// Keyed hashes are random already: they need no hashing again.
#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The numbers of the file so far, by the first 64 bits of their index: some sixteen megabytes a million.
#[derive(Default)]
struct Seen {
    hashes: HashSet<u64, BuildHasherDefault<Plain>>,
    /// Of lines that were refused while reading.
    refused: Vec<u64>,
}

impl Seen {
    /// Turns the doubles of a batch into rejects of the column `phone`; `None` for a batch that was loaded before.
    fn filter(&mut self, prepared: Prepared, phone: &str) -> Option<LoadChunk> {
        let Prepared { rows, mut rejects, refused_hashes, replayed, rows_read } = prepared;
        self.refused.extend(refused_hashes);
        let mut fresh = Vec::with_capacity(rows.len());
        for (hash, row) in rows {
            let first = self.hashes.insert(hash);
            match row {
                Some(row) if first => fresh.push(row),
                Some(row) => rejects.push(Reject { line: row.line(), column: phone.to_owned(), reason: RejectReason::RepeatedInFile }),
                None => {}
            }
        }
        (!replayed).then_some(LoadChunk { rows: fresh, rejects, rows_read })
    }

    fn into_indexes(self) -> Vec<u64> {
        self.hashes.into_iter().chain(self.refused).collect()
    }
}
