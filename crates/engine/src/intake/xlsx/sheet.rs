//! The rows of one worksheet.

use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::reject::RejectReason;
use quick_xml::events::{BytesStart, Event};

use super::part::{Part, xml_error};
use super::strings::{Strings, resolve};
use super::value::Numbers;
use super::workbook::attribute;
use crate::intake::error::{FileError, RowError};
use crate::intake::limits::FileLimits;
use crate::intake::read::{RawRow, Source};

/// Rows of a sheet, as Excel has them.
const ROWS_MAX: u64 = 1 << 20;

pub struct Sheet {
    part: Part<Box<dyn Source>>,
    strings: Strings,
    numbers: Numbers,
    limits: FileLimits,
    buffer: Vec<u8>,
    /// The number of the last row.
    line: u64,
    finished: bool,
}

/// The cell being read.
#[derive(Default)]
struct Open {
    column: usize,
    kind: String,
    style: usize,
    text: String,
    in_text: bool,
    in_phonetic: bool,
    has_formula: bool,
}

#[derive(Default)]
struct Row {
    line: u64,
    cells: Vec<Cell>,
    bytes: usize,
    /// A filled cell beyond the last column that is read.
    surplus: bool,
}

impl Sheet {
    pub fn new(part: Part<Box<dyn Source>>, strings: Strings, numbers: Numbers, limits: FileLimits) -> Self {
        Self { part, strings, numbers, limits, buffer: Vec::new(), line: 0, finished: false }
    }

    pub fn next_row(&mut self, width: usize) -> Result<Option<RawRow>, RowError> {
        let mut row = Row::default();
        let mut cell: Option<Open> = None;
        while !self.finished {
            self.buffer.clear();
            let event = self.part.read_event_into(&mut self.buffer).map_err(|error| RowError::File(xml_error(&error)))?;
            match event {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "row" => row = Row { line: line_of(&tag, self.line), ..Row::default() },
                    "c" => cell = Some(Open::new(&tag, row.cells.len())),
                    name => cell.iter_mut().for_each(|cell| cell.enter(name)),
                },
                Event::Text(text) => cell.iter_mut().for_each(|cell| cell.push(&text.xml10_content())),
                Event::CData(text) => cell.iter_mut().for_each(|cell| cell.push(&text.xml10_content())),
                Event::GeneralRef(reference) => {
                    if let (Some(cell), Some(letter)) = (&mut cell, resolve(&reference)) {
                        cell.push(letter.encode_utf8(&mut [0; 4]));
                    }
                }
                Event::End(tag) => match tag.local_name().as_ref() {
                    "c" => {
                        if let Some(cell) = cell.take() {
                            row.put(cell.column, cell.value(&self.strings, &self.numbers)?, &self.limits);
                        }
                    }
                    "row" => {
                        self.line = row.line;
                        return row.finish(width, &self.limits).map(Some);
                    }
                    "sheetData" => self.finished = true,
                    name => cell.iter_mut().for_each(|cell| cell.leave(name)),
                },
                Event::Eof => return Err(FileError::Damaged("its sheet is cut off").into()),
                _ => {}
            }
            if cell.as_ref().is_some_and(|cell| cell.text.len() > self.limits.xml_token_bytes_max) {
                return Err(FileError::ExpandsTooFar.into());
            }
        }
        Ok(None)
    }
}

/// The row's own number where it can be one: after the last row, and within what a sheet can hold. A refused line is
/// told by its number, so no two rows may have the same.
fn line_of(tag: &BytesStart, last: u64) -> u64 {
    let own = attribute(tag, "r").and_then(|number| number.parse().ok());
    own.filter(|number| *number > last && *number <= ROWS_MAX).unwrap_or(last + 1)
}

impl Open {
    fn new(tag: &BytesStart, next_column: usize) -> Self {
        let mut open = Self { column: next_column, ..Self::default() };
        for attribute in tag.attributes().flatten() {
            let value = attribute.value.as_ref();
            match attribute.key.local_name().as_ref() {
                "r" => open.column = column_of(value).unwrap_or(next_column),
                "t" => open.kind = value.to_owned(),
                "s" => open.style = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        open
    }

    fn enter(&mut self, name: &str) {
        match name {
            "v" | "t" => self.in_text = !self.in_phonetic,
            "f" => self.has_formula = true,
            "rPh" => self.in_phonetic = true,
            _ => {}
        }
    }

    fn leave(&mut self, name: &str) {
        match name {
            "v" | "t" => self.in_text = false,
            "rPh" => self.in_phonetic = false,
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.in_text {
            self.text.push_str(text);
        }
    }

    fn value(self, strings: &Strings, numbers: &Numbers) -> Result<Cell, FileError> {
        if self.has_formula || self.kind == "e" {
            return Ok(Cell::Formula);
        }
        let text = match self.kind.as_str() {
            "s" => {
                let index = self.text.trim().parse().map_err(|_| FileError::Damaged("a cell points to no text"))?;
                strings.get(index).ok_or(FileError::Damaged("a cell points to no text"))?.to_owned()
            }
            "str" | "inlineStr" | "d" => self.text,
            "b" => if self.text.trim() == "0" { "FALSE" } else { "TRUE" }.to_owned(),
            _ => numbers.text(&self.text, self.style),
        };
        Ok(Cell::Text(text))
    }
}

impl Row {
    fn put(&mut self, column: usize, cell: Cell, limits: &FileLimits) {
        if cell == Cell::blank() {
            return;
        }
        if column >= limits.columns_max {
            self.surplus |= !cell.is_blank();
            return;
        }
        self.bytes += cell.text().len();
        if column >= self.cells.len() {
            self.cells.resize(column, Cell::blank());
            self.cells.push(cell);
        } else {
            self.cells[column] = cell;
        }
    }

    fn finish(mut self, width: usize, limits: &FileLimits) -> Result<RawRow, RowError> {
        let line = self.line;
        if self.surplus {
            return Err(RowError::Refused { line, reason: RejectReason::ColumnCountDiffers });
        }
        if self.bytes > limits.line_bytes_max {
            return Err(RowError::Refused { line, reason: RejectReason::LineTooLong });
        }
        if self.cells.len() < width {
            self.cells.resize(width, Cell::blank());
        }
        Ok(RawRow { line, cells: self.cells })
    }
}

/// `C7` is column 2.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.take(4).fold(0usize, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1)
}
