//! The lines of a separated text, in bounded memory: an overlong line is skipped and reported, not held.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::reject::RejectReason;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::intake::detect::HEAD_BYTES;
use crate::intake::encoding::Utf8Reader;
use crate::intake::error::{FileError, RowError};
use crate::intake::limits::FileLimits;
use crate::intake::read::{RawRow, Source};

const BUFFER_BYTES: usize = 128 * 1024;
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Lines of the head that decide about the delimiter.
const LINES_TRIED: usize = 20;

/// The head, which was read to find the delimiter, and then the rest.
type Text = Chain<Cursor<Vec<u8>>, Utf8Reader<Box<dyn Source>>>;

/// Reads records one after the other.
pub struct CsvRows {
    input: BufReader<Text>,
    parser: Reader,
    limits: FileLimits,
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// Lines ended so far.
    lines_read: u64,
    /// The file ends its lines with a carriage return alone.
    ends_with_return: bool,
    finished: bool,
}

/// What one call of the parser took in.
struct Record {
    line: u64,
    fields: usize,
    bytes: u64,
}

impl CsvRows {
    pub fn new(mut text: Utf8Reader<Box<dyn Source>>, limits: FileLimits) -> Result<Self, FileError> {
        let head = head(&mut text)?;
        let ends_with_return = head.contains(&b'\r') && !head.contains(&b'\n');
        let (hint, delimiter) = match separator_line(&head) {
            Some((length, delimiter)) => (length, delimiter),
            None => (0, guess_delimiter(&head)),
        };
        let mut head = Cursor::new(head);
        head.set_position(hint as u64);
        let input = BufReader::with_capacity(BUFFER_BYTES, head.chain(text));
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        let columns_held = limits.columns_max + 1;
        let (fields, ends) = (vec![0; limits.line_bytes_max], vec![0; columns_held]);
        Ok(Self { input, parser, limits, fields, ends, lines_read: u64::from(hint > 0), ends_with_return, finished: false })
    }

    pub fn next_row(&mut self) -> Result<Option<RawRow>, RowError> {
        let Some(record) = self.next_record()? else { return Ok(None) };
        if record.fields > self.limits.columns_max {
            return Err(RowError::Refused { line: record.line, reason: RejectReason::ColumnCountDiffers });
        }
        if record.bytes > self.limits.line_bytes_max as u64 {
            return Err(RowError::Refused { line: record.line, reason: RejectReason::LineTooLong });
        }
        let length = self.ends[..record.fields].last().copied().unwrap_or(0);
        let whole = std::str::from_utf8(&self.fields[..length]).ok();
        let mut cells = Vec::with_capacity(record.fields);
        let mut start = 0;
        for &end in &self.ends[..record.fields] {
            // Two broken cells side by side can read as text together, so each is cut out with care.
            let text = whole.and_then(|whole| whole.get(start..end));
            let cell = text.map_or_else(|| String::from_utf8_lossy(&self.fields[start..end]).into_owned(), str::to_owned);
            cells.push(Cell::Text(cell));
            start = end;
        }
        Ok(Some(RawRow { line: record.line, cells }))
    }

    /// Fills `fields` and `ends`. What does not fit is read and dropped, up to the limit at which the file is given up.
    fn next_record(&mut self) -> Result<Option<Record>, RowError> {
        let mut record = Record { line: 0, fields: 0, bytes: 0 };
        let (mut written, mut ended) = (0, 0);
        let mut overlong = false;
        loop {
            let input = self.input.fill_buf()?;
            if input.is_empty() && self.finished {
                return Ok(None);
            }
            self.finished = input.is_empty();
            let (result, consumed, wrote, closed) = self.parser.read_record(input, &mut self.fields[written..], &mut self.ends[ended..]);
            let taken = &input[..consumed];
            if record.line == 0 {
                // Blank lines before a record are not its own.
                let blank = taken.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                self.lines_read += line_ends(&taken[..blank], self.ends_with_return);
                record.bytes += (consumed - blank) as u64;
                if blank < consumed {
                    record.line = self.lines_read + 1;
                }
                self.lines_read += line_ends(&taken[blank..], self.ends_with_return);
            } else {
                record.bytes += consumed as u64;
                self.lines_read += line_ends(taken, self.ends_with_return);
            }
            self.input.consume(consumed);
            written += wrote;
            ended += closed;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => (written, overlong) = (0, true),
                ReadRecordResult::OutputEndsFull => (ended, record.fields) = (0, self.limits.columns_max + 1),
                ReadRecordResult::Record => {
                    record.fields = record.fields.max(ended);
                    if overlong {
                        return Err(RowError::Refused { line: record.line, reason: RejectReason::LineTooLong });
                    }
                    return Ok(Some(record));
                }
                ReadRecordResult::End => return Ok(None),
            }
            if record.bytes > self.limits.line_skip_bytes_max {
                return Err(FileError::EndlessLine { line: record.line, limit_bytes: self.limits.line_skip_bytes_max }.into());
            }
        }
    }
}

/// The first block of the text, however few bytes a read gives.
fn head(text: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut filled) = (vec![0; HEAD_BYTES], 0);
    while head.len() - filled >= char::MAX.len_utf8() {
        match text.read(&mut head[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    Ok(head)
}

fn line_ends(bytes: &[u8], ends_with_return: bool) -> u64 {
    let end = if ends_with_return { b'\r' } else { b'\n' };
    bytes.iter().filter(|byte| **byte == end).count() as u64
}

/// `sep=;` in the first line, as spreadsheets write it: its length and the delimiter.
fn separator_line(head: &[u8]) -> Option<(usize, u8)> {
    let rest = head.strip_prefix(b"sep=").or_else(|| head.strip_prefix(b"SEP="))?;
    let (delimiter, after) = rest.split_first()?;
    let end = if after.starts_with(b"\r\n") { 2 } else { usize::from(after.starts_with(b"\n") || after.starts_with(b"\r")) };
    (DELIMITERS.contains(delimiter) && end > 0).then_some((5 + end, *delimiter))
}

/// The delimiter that cuts the first lines into the same number of columns most often, and into most columns.
fn guess_delimiter(head: &[u8]) -> u8 {
    let score = |delimiter: &u8| {
        let widths = widths(head, *delimiter);
        let first = widths.first().copied().unwrap_or(0);
        let alike = widths.iter().filter(|width| **width == first).count();
        let share = if first < 2 { 0 } else { alike * 100 / widths.len().max(1) };
        (share, first)
    };
    // Of equals the first: `max_by_key` would take the last.
    DELIMITERS.iter().rev().max_by_key(|delimiter| score(delimiter)).copied().unwrap_or(b',')
}

/// Columns of each whole line of the head.
fn widths(head: &[u8], delimiter: u8) -> Vec<usize> {
    let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut output, mut ends) = ([0; 4096], [0; 512]);
    let (mut widths, mut width, mut rest) = (Vec::new(), 0, head);
    while widths.len() < LINES_TRIED {
        let (result, consumed, _, closed) = parser.read_record(rest, &mut output, &mut ends);
        rest = &rest[consumed..];
        width += closed;
        match result {
            ReadRecordResult::Record => {
                widths.push(width);
                width = 0;
            }
            ReadRecordResult::End => break,
            // A head that is one whole file ends its last line by ending.
            ReadRecordResult::InputEmpty if head.len() + char::MAX.len_utf8() > HEAD_BYTES && !widths.is_empty() => break,
            _ => {}
        }
    }
    widths
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
