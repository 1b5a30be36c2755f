//! A file of numbers that must not be contacted: in any usual encoding, with any usual separator, with or without a
//! header. Pure, and whole in memory: such files are short.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::intake::cell::Cell;
use crate::intake::mapping::StandardField;
use crate::intake::proposal::{looks_like_header, looks_like_phone, propose};

/// The largest file.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Lines of one file; split a longer one.
pub const LINES_MAX: usize = 1_000_000;
/// Lines looked at to find the column that holds numbers.
const SAMPLE_LINES: usize = 50;
const SEPARATORS: [u8; 4] = *b",;\t|";

/// The cell of one line that should hold a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionLine {
    /// Counted from 1, a header included.
    pub line: u64,
    pub cell: String,
}

/// Why the whole file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuppressionFileError {
    #[error("the file is larger than {} MiB: split it", FILE_BYTES_MAX >> 20)]
    TooLarge,
    #[error("the file has more than {LINES_MAX} lines: split it")]
    TooManyLines,
    #[error("the file is a workbook or another packed file: save the list as CSV or text")]
    Packed,
    #[error("the file is binary data, not a list of numbers: save the list as CSV or text")]
    Binary,
    #[error("the file holds no number: write one a line, or name the column that holds them phone")]
    NoNumber,
}

/// The lines that are not blank, each with the cell that should hold its number.
pub fn read(bytes: &[u8]) -> Result<Vec<SuppressionLine>, SuppressionFileError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(SuppressionFileError::TooLarge);
    }
    let text = decoded(bytes)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator(&text)).from_reader(text.as_bytes());
    let (mut rows, mut lines) = (Vec::new(), Lines { text: text.as_bytes(), counted: 0, line: 1 });
    for record in reader.records() {
        let Ok(record) = record else { return Err(SuppressionFileError::Binary) };
        if rows.len() >= LINES_MAX {
            return Err(SuppressionFileError::TooManyLines);
        }
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            let line = lines.line_at(record.position().map_or(0, csv::Position::byte));
            rows.push((line, record));
        }
    }
    let Some((_, first)) = rows.first() else { return Err(SuppressionFileError::NoNumber) };
    let has_header = looks_like_header(first);
    let column = column_of_numbers(&rows, has_header);
    let lines: Vec<SuppressionLine> =
        rows.into_iter().skip(usize::from(has_header)).map(|(line, row)| SuppressionLine { line, cell: row.get(column).unwrap_or_default().trim().to_owned() }).collect();
    if lines.is_empty() { Err(SuppressionFileError::NoNumber) } else { Ok(lines) }
}

/// Tells on which line a record stands. The parser says where its reading began, which is before the blank lines above it.
struct Lines<'a> {
    text: &'a [u8],
    /// Bytes counted so far, and the line that they lead to.
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    fn line_at(&mut self, byte: u64) -> u64 {
        let begun = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let blank = self.text[begun..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.get(self.counted..begun + blank).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = self.counted.max(begun + blank);
        self.line
    }
}

fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, SuppressionFileError> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(SuppressionFileError::Packed);
    }
    let encoding: &Encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => without_mark(bytes),
    };
    let (text, _, _) = encoding.decode(bytes);
    let binary = text.chars().filter(|letter| letter.is_control() && !letter.is_whitespace()).count();
    if binary > 0 { Err(SuppressionFileError::Binary) } else { Ok(text) }
}

/// Digits in UTF-16 have a zero in every pair, always on the same side.
fn without_mark(bytes: &[u8]) -> &'static Encoding {
    let zeros = |parity: usize| bytes.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 0) if std::str::from_utf8(bytes).is_ok() => UTF_8,
        (0, 0) => WINDOWS_1252,
        (0, _) => UTF_16LE,
        (_, 0) => UTF_16BE,
        _ => UTF_8,
    }
}

/// The separator that the first filled line has most of.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: &u8| first.bytes().filter(|byte| byte == separator).count();
    SEPARATORS.iter().rev().max_by_key(|separator| count(separator)).copied().unwrap_or(b',')
}

/// The column that the header names, or the first whose cells look like numbers, or the first.
fn column_of_numbers(rows: &[(u64, csv::StringRecord)], has_header: bool) -> usize {
    let sample = rows.iter().skip(usize::from(has_header)).take(SAMPLE_LINES);
    let cells: Vec<Vec<Cell>> = sample.map(|(_, row)| row.iter().map(Cell::from).collect()).collect();
    if has_header && let Some((_, header)) = rows.first() {
        let headers: Vec<String> = header.iter().map(str::to_owned).collect();
        if let Some(named) = propose(&headers, &cells, &[]).position_of(StandardField::Phone) {
            return named;
        }
    }
    let width = cells.iter().map(Vec::len).max().unwrap_or(1);
    let holds = |column: &usize| cells.iter().filter(|row| row.get(*column).is_some_and(|cell| looks_like_phone(cell.text()))).count();
    (0..width).rev().max_by_key(holds).unwrap_or(0)
}

#[cfg(test)]
#[path = "suppression_file_tests.rs"]
mod tests;
