//! Opens a contact file, whatever its format, and gives its rows one after the other.

use std::collections::VecDeque;
use std::io::{Read, Seek};

use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::proposal::looks_like_header;
use clarion_domain::intake::reject::RejectReason;

use crate::intake::csv::CsvRows;
use crate::intake::detect::{self, Kind};
use crate::intake::encoding::{self, TextEncoding, Utf8Reader};
use crate::intake::error::{FileError, RowError};
use crate::intake::limits::FileLimits;
use crate::intake::xlsx::SheetRows;

/// Where a file's bytes come from: a file, or chunks that are opened one at a time.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// Counted from 1, the header included; the first of its lines when a quoted cell spans several.
    pub line: u64,
    pub cells: Vec<Cell>,
}

/// What the file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Text(TextEncoding),
    Workbook,
}

enum Rows {
    Text(Box<CsvRows>),
    Workbook(Box<SheetRows>),
}

/// An opened file, its header read.
pub struct FileReader {
    rows: Rows,
    format: FileFormat,
    headers: Vec<String>,
    /// Read ahead for the samples.
    ahead: VecDeque<Result<RawRow, RowError>>,
}

/// Lines that are looked at for samples; those beyond a run of refused ones are left to the reading itself.
const AHEAD_LINES_MAX: usize = 1_000;
/// Headers are for people to read; a longer one is cut.
const HEADER_LENGTH_CHARS_MAX: usize = 100;

/// Opens a file and reads its header. Its first bytes tell what it is, never its name.
pub fn open(mut source: Box<dyn Source>, limits: FileLimits) -> Result<FileReader, FileError> {
    let head = detect::head(&mut source)?;
    let (rows, format) = match detect::kind(&mut source, &head)? {
        Kind::Zip => (Rows::Workbook(Box::new(SheetRows::open(source, limits)?)), FileFormat::Workbook),
        Kind::Text => {
            let encoding = encoding::detect(&mut source, &head)?;
            (Rows::Text(Box::new(CsvRows::new(Utf8Reader::new(source, encoding), limits)?)), FileFormat::Text(encoding))
        }
    };
    let mut reader = FileReader { rows, format, headers: Vec::new(), ahead: VecDeque::new() };
    reader.read_header(limits.columns_max)?;
    Ok(reader)
}

impl FileReader {
    #[must_use]
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// The names of the columns; one without a name is called by its place.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The cells of the first rows, at most `count`, for the proposal and the preview. They are read again by `next_row`.
    pub fn samples(&mut self, count: usize) -> Result<Vec<Vec<Cell>>, FileError> {
        while self.ahead.len() < AHEAD_LINES_MAX && self.good_rows_ahead() < count {
            match self.read_row() {
                Ok(Some(row)) => self.ahead.push_back(Ok(row)),
                Ok(None) => break,
                Err(RowError::File(error)) => return Err(error),
                Err(refused) => self.ahead.push_back(Err(refused)),
            }
        }
        Ok(self.ahead.iter().flatten().take(count).map(|row| row.cells.clone()).collect())
    }

    /// The next row that is not blank. After `RowError::Refused` reading goes on; after `RowError::File` it does not.
    pub fn next_row(&mut self) -> Result<Option<RawRow>, RowError> {
        match self.ahead.pop_front() {
            Some(row) => row.map(Some),
            None => self.read_row(),
        }
    }

    fn good_rows_ahead(&self) -> usize {
        self.ahead.iter().filter(|row| row.is_ok()).count()
    }

    fn read_row(&mut self) -> Result<Option<RawRow>, RowError> {
        loop {
            let row = match &mut self.rows {
                Rows::Text(rows) => rows.next_row()?,
                Rows::Workbook(rows) => rows.next_row(self.headers.len())?,
            };
            match row {
                Some(row) if row.cells.iter().all(Cell::is_blank) => {}
                row => return Ok(row),
            }
        }
    }

    fn read_header(&mut self, columns_max: usize) -> Result<(), FileError> {
        let mut row = match self.read_row() {
            Ok(Some(row)) => row,
            Ok(None) => return Err(FileError::Empty),
            Err(RowError::File(error)) => return Err(error),
            Err(RowError::Refused { reason: RejectReason::ColumnCountDiffers, .. }) => return Err(FileError::TooManyColumns { limit: columns_max }),
            Err(RowError::Refused { .. }) => return Err(FileError::HeaderUnreadable),
        };
        // Spreadsheets leave blank columns after the last one.
        while row.cells.last().is_some_and(Cell::is_blank) {
            row.cells.pop();
        }
        if row.cells.len() > columns_max {
            return Err(FileError::TooManyColumns { limit: columns_max });
        }
        if row.cells.iter().any(|cell| *cell == Cell::Formula || cell.text().contains(char::REPLACEMENT_CHARACTER)) {
            return Err(FileError::HeaderUnreadable);
        }
        if !looks_like_header(row.cells.iter().map(Cell::text)) {
            let names_nothing = row.cells.iter().all(|cell| !cell.text().chars().any(char::is_alphanumeric));
            return Err(if names_nothing { FileError::HeaderUnreadable } else { FileError::NoHeader });
        }
        self.headers = headers(&row.cells);
        match self.samples(1) {
            Ok(_) if self.ahead.is_empty() => Err(FileError::NoRows),
            outcome => outcome.map(|_| ()),
        }
    }
}

/// No two alike: a refused cell is told by its column.
fn headers(cells: &[Cell]) -> Vec<String> {
    let mut headers: Vec<String> = Vec::with_capacity(cells.len());
    for (at, cell) in cells.iter().enumerate() {
        let name = header(at, cell.text());
        let distinct = if headers.contains(&name) { format!("{name} (column {})", at + 1) } else { name };
        headers.push(distinct);
    }
    headers
}

fn header(at: usize, text: &str) -> String {
    let words: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let name: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(HEADER_LENGTH_CHARS_MAX).collect();
    if name.is_empty() { format!("column {}", at + 1) } else { name }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
