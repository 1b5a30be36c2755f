//! Rows on their way from the file to the store: read in order, normalised and sealed on several threads at once.

use clarion_domain::contacts::address;
use clarion_domain::contacts::region::Region;
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::mapping::{Mapping, StandardField};
use clarion_domain::intake::reject::{Reject, RejectReason};
use clarion_domain::intake::row::RowReader;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_store::intake::{CHUNK_ROWS, SealedRow};
use clarion_store::{StoreError, Tenant};
use tokio::sync::mpsc;

use crate::intake::{FileError, FileReader, RawRow, RowError};

/// A line of the file as it was read.
pub(super) type RawLine = Result<RawRow, Reject>;

/// Lines that were loaded before a crash are read again only for their numbers.
pub(super) struct RawBatch {
    pub lines: Vec<RawLine>,
    pub replayed: bool,
    /// Lines read up to and with this batch.
    pub rows_read: i64,
}

/// A batch ready for its transaction.
pub(super) struct Prepared {
    /// Each with the hash of its number, which is all that is left of a replayed line.
    pub rows: Vec<(u64, Option<SealedRow>)>,
    pub rejects: Vec<Reject>,
    /// Numbers of refused lines: the file holds them too.
    pub refused_hashes: Vec<u64>,
    pub replayed: bool,
    pub rows_read: i64,
}

/// How the lines of one file are read.
pub(super) struct Plan {
    pub tenant: Tenant,
    pub rows: RowReader,
    pub phone_at: Option<usize>,
    /// The header of its column.
    pub phone: String,
    pub region: Region,
    pub mode: NumberMode,
}

impl Plan {
    pub fn new(tenant: Tenant, mapping: Mapping, headers: Vec<String>, region: Region, mode: NumberMode) -> Self {
        let phone_at = mapping.position_of(StandardField::Phone);
        let phone = mapping.header_of(StandardField::Phone, &headers);
        Self { tenant, rows: RowReader::new(mapping, headers, region, mode), phone_at, phone, region, mode }
    }

    /// Normalises, indexes and seals. Computes only.
    pub fn prepare(&self, batch: RawBatch) -> Result<Prepared, StoreError> {
        let RawBatch { lines, replayed, rows_read } = batch;
        let mut prepared = Prepared { rows: Vec::with_capacity(lines.len()), rejects: Vec::new(), refused_hashes: Vec::new(), replayed, rows_read };
        for line in lines {
            let raw = match line {
                Ok(raw) => raw,
                Err(reject) => {
                    prepared.rejects.push(reject);
                    continue;
                }
            };
            match self.rows.read(raw.line, &raw.cells) {
                Ok(row) if replayed => prepared.rows.push((self.tenant.number_hash(row.address.e164.reveal()), None)),
                Ok(row) => {
                    let sealed = self.tenant.seal_row(row)?;
                    prepared.rows.push((sealed.number_hash(), Some(sealed)));
                }
                Err(rejects) => {
                    prepared.refused_hashes.extend(self.refused_number(&raw.cells));
                    prepared.rejects.extend(rejects);
                }
            }
        }
        Ok(prepared)
    }

    fn refused_number(&self, cells: &[Cell]) -> Option<u64> {
        let text = cells.get(self.phone_at?)?.text();
        let number = address::normalise(text, self.region, self.mode).ok()?;
        Some(self.tenant.number_hash(number.e164.reveal()))
    }
}

/// Reads a file to its end and sends its lines in batches; the first `replay` lines were loaded before.
/// A receiver that is gone ends the reading.
pub(super) fn read_batches(reader: &mut FileReader, replay: i64, out: &mpsc::Sender<RawBatch>) -> Result<(), FileError> {
    let mut rows_read = 0;
    loop {
        let mut lines = Vec::with_capacity(CHUNK_ROWS);
        let replayed = rows_read < replay;
        let room = if replayed { (replay - rows_read).min(CHUNK_ROWS as i64) as usize } else { CHUNK_ROWS };
        while lines.len() < room {
            match next_line(reader)? {
                Some(line) => lines.push(line),
                None => break,
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        rows_read += lines.len() as i64;
        if out.blocking_send(RawBatch { lines, replayed, rows_read }).is_err() {
            return Ok(());
        }
    }
}

/// Reads a file to its end and counts its lines; the first fault of the whole file ends it.
pub(super) fn count_lines(reader: &mut FileReader, lines_max: u64) -> Result<i64, FileError> {
    let mut count = 0;
    while next_line(reader)?.is_some() {
        count += 1;
        if count > lines_max.cast_signed() {
            return Err(FileError::TooManyLines { limit: lines_max });
        }
    }
    Ok(count)
}

fn next_line(reader: &mut FileReader) -> Result<Option<RawLine>, FileError> {
    match reader.next_row() {
        Ok(row) => Ok(row.map(Ok)),
        Err(RowError::Refused { line, reason }) => Ok(Some(Err(refused(line, reason)))),
        Err(RowError::File(error)) => Err(error),
    }
}

fn refused(line: u64, reason: RejectReason) -> Reject {
    Reject { line, column: String::new(), reason }
}
