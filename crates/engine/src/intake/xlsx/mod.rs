//! The first visible sheet of an XLSX workbook, row after row. Nothing is unpacked to disk, and only the workbook's shared
//! texts are held in memory.

mod archive;
mod part;
mod sheet;
mod strings;
mod value;
mod workbook;

use crate::intake::error::{FileError, RowError};
use crate::intake::limits::FileLimits;
use crate::intake::read::{RawRow, Source};
use archive::Archive;

/// Reads the rows of a sheet.
pub struct SheetRows {
    sheet: sheet::Sheet,
}

impl SheetRows {
    pub fn open(mut source: Box<dyn Source>, limits: FileLimits) -> Result<Self, FileError> {
        let archive = Archive::read(&mut source, &limits)?;
        let plan = workbook::plan(&archive, &mut source, &limits)?;
        let strings = strings::read(&archive, plan.strings.as_deref(), &mut source, &limits)?;
        let dates = workbook::date_styles(&archive, plan.styles.as_deref(), &mut source, &limits)?;
        let entry = archive.find(&plan.sheet).ok_or(FileError::Damaged("its sheet is missing"))?;
        let part = part::open(entry, source, &limits)?;
        let numbers = value::Numbers { dates, epoch_1904: plan.epoch_1904 };
        Ok(Self { sheet: sheet::Sheet::new(part, strings, numbers, limits) })
    }

    /// The next row with at least `width` cells; blank ones stand where the sheet has none.
    pub fn next_row(&mut self, width: usize) -> Result<Option<RawRow>, RowError> {
        self.sheet.next_row(width)
    }
}

#[cfg(test)]
mod tests;
