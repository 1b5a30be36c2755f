//! The head of a file: what it is, its columns, three rows to look at, and the mapping they suggest.

use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::proposal::propose;
use clarion_store::StoreError;
use clarion_store::intake::{HeadOutcome, ImportFormat, ImportProposal};

use crate::intake::decrypt::opened;
use crate::intake::worker::{IntakeError, Job, read_by};
use crate::intake::{FileError, FileFormat, FileReader, open};

/// Rows looked at to tell what a column holds.
const SAMPLE_ROWS: usize = 50;
/// Rows kept for the mapping page.
const SHOWN_ROWS: usize = 3;

/// What reading said: the file's fault, or ours when its bytes could not be fetched.
pub(super) fn file_fault(error: FileError) -> IntakeError {
    match error {
        FileError::Read(cause) => match cause.downcast::<StoreError>() {
            Ok(store) => store.into(),
            Err(cause) => IntakeError::File(FileError::Read(cause).to_string()),
        },
        fault => IntakeError::File(fault.to_string()),
    }
}

pub(super) async fn read(job: &Job) -> Result<(), IntakeError> {
    let (file, identity) = (job.tenant.open_import_file(job.id).await?, job.tenant.file_identity().await?);
    let limits = job.limits;
    let head = tokio::task::spawn_blocking(move || {
        let mut reader = open(opened(Box::new(file), identity.as_ref())?, limits)?;
        let samples = reader.samples(SAMPLE_ROWS)?;
        Ok((format(&reader), reader.headers().to_vec(), samples))
    });
    let (format, headers, samples) = read_by(job, head).await?.map_err(file_fault)?;
    let mapping = propose(&headers, &samples, &job.tenant.declared_names().await?);
    let shown: Vec<Vec<String>> = samples.iter().take(SHOWN_ROWS).map(|row| row.iter().map(shown).collect()).collect();
    let proposal = ImportProposal { format, headers, mapping };
    let outcome = match job.tenant.keep_head(job.id, &job.lease, &proposal, &shown, (job.clock)()).await {
        // The mapping given beforehand does not fit the file.
        Err(StoreError::Invalid(sentence)) => return Err(IntakeError::File(sentence)),
        other => other?,
    };
    tracing::info!(import = %job.id, waits = outcome == HeadOutcome::AwaitsMapping, columns = proposal.headers.len(), "a file's head was read");
    Ok(())
}

fn format(reader: &FileReader) -> ImportFormat {
    match reader.format() {
        FileFormat::Text(encoding) => ImportFormat { kind: "csv".into(), sentence: format!("Text with separated columns (CSV), {}", encoding.name()) },
        FileFormat::Workbook => ImportFormat { kind: "xlsx".into(), sentence: "Excel workbook (XLSX), its first visible sheet".into() },
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.chars().take(100).collect(),
        Cell::Formula => "(formula)".into(),
    }
}
