//! One line of a file becomes a contact's fields, or rejects that say why not.

use crate::contacts::address::{self, Address};
use crate::contacts::region::Region;
use crate::intake::cell::Cell;
use crate::intake::mapping::{ColumnUse, Mapping, StandardField};
use crate::intake::reject::{Reject, RejectReason};
use crate::personal::Personal;
use crate::tenancy::tenant::NumberMode;

pub const REFERENCE_LENGTH_CHARS_MAX: usize = 100;
pub const NAME_LENGTH_CHARS_MAX: usize = 100;
pub const USER_ID_LENGTH_CHARS_MAX: usize = 100;
pub const DECLARED_LENGTH_CHARS_MAX: usize = 500;

/// A line that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub line: u64,
    pub address: Address,
    /// The number as the file had it.
    pub phone_as_written: Personal,
    pub reference: Option<Personal>,
    pub first_name: Option<Personal>,
    pub last_name: Option<Personal>,
    pub user_id: Option<Personal>,
    /// The declared fields that are filled: name and value, in the order of the columns.
    pub declared: Vec<(String, Personal)>,
}

/// Reads the lines of one file: its mapping, its headers and what numbers may be.
#[derive(Debug, Clone)]
pub struct RowReader {
    mapping: Mapping,
    headers: Vec<String>,
    default_region: Region,
    mode: NumberMode,
}

impl RowReader {
    /// `mapping` has passed `Mapping::check` with this many columns.
    #[must_use]
    pub fn new(mapping: Mapping, headers: Vec<String>, default_region: Region, mode: NumberMode) -> Self {
        Self { mapping, headers, default_region, mode }
    }

    /// The row, or every reason against it: a person mends a line once.
    pub fn read(&self, line: u64, cells: &[Cell]) -> Result<Row, Vec<Reject>> {
        let width = self.mapping.columns.len();
        let surplus = cells.get(width..).is_some_and(|more| more.iter().any(|cell| !cell.is_blank()));
        if cells.len() < width || surplus {
            return Err(vec![Reject { line, column: String::new(), reason: RejectReason::ColumnCountDiffers }]);
        }
        let mut draft = Draft::default();
        let mut rejects = Vec::new();
        for (at, (column, cell)) in self.mapping.columns.iter().zip(cells).enumerate() {
            if let Err(reason) = self.place(&mut draft, column, cell) {
                rejects.push(Reject { line, column: self.headers.get(at).cloned().unwrap_or_default(), reason });
            }
        }
        match draft.address {
            Some(address) if rejects.is_empty() => Ok(draft.into_row(line, address)),
            None if rejects.is_empty() => Err(vec![Reject { line, column: String::new(), reason: RejectReason::PhoneMissing }]),
            _ => Err(rejects),
        }
    }

    fn place(&self, draft: &mut Draft, column: &ColumnUse, cell: &Cell) -> Result<(), RejectReason> {
        if *column == ColumnUse::Dropped {
            return Ok(());
        }
        let Cell::Text(text) = cell else { return Err(RejectReason::FormulaCell) };
        match column {
            ColumnUse::Standard(StandardField::Phone) => {
                draft.address = Some(self.phone(text)?);
                draft.phone_as_written = text.trim().into();
            }
            ColumnUse::Standard(StandardField::Reference) => draft.reference = value(text, REFERENCE_LENGTH_CHARS_MAX)?,
            ColumnUse::Standard(StandardField::FirstName) => draft.first_name = value(text, NAME_LENGTH_CHARS_MAX)?,
            ColumnUse::Standard(StandardField::LastName) => draft.last_name = value(text, NAME_LENGTH_CHARS_MAX)?,
            ColumnUse::Standard(StandardField::UserId) => draft.user_id = value(text, USER_ID_LENGTH_CHARS_MAX)?,
            ColumnUse::Declared(name) => draft.declared.extend(value(text, DECLARED_LENGTH_CHARS_MAX)?.map(|value| (name.clone(), value))),
            ColumnUse::Dropped => {}
        }
        Ok(())
    }

    fn phone(&self, text: &str) -> Result<Address, RejectReason> {
        if text.trim_start().starts_with(['=', '@']) {
            return Err(RejectReason::FormulaCell);
        }
        address::normalise(text, self.default_region, self.mode)
    }
}

#[derive(Default)]
struct Draft {
    address: Option<Address>,
    phone_as_written: Personal,
    reference: Option<Personal>,
    first_name: Option<Personal>,
    last_name: Option<Personal>,
    user_id: Option<Personal>,
    declared: Vec<(String, Personal)>,
}

impl Draft {
    fn into_row(self, line: u64, address: Address) -> Row {
        let Self { phone_as_written, reference, first_name, last_name, user_id, declared, .. } = self;
        Row { line, address, phone_as_written, reference, first_name, last_name, user_id, declared }
    }
}

/// A value's text with its blanks tidied; `None` when there is none.
fn value(text: &str, length_chars_max: usize) -> Result<Option<Personal>, RejectReason> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    if looks_like_formula(trimmed) {
        return Err(RejectReason::FormulaCell);
    }
    let plain = trimmed.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    let tidy = if plain { trimmed.to_owned() } else { tidied(trimmed)? };
    if tidy.chars().nth(length_chars_max).is_some() {
        return Err(RejectReason::FieldTooLong);
    }
    Ok((!tidy.is_empty()).then(|| tidy.into()))
}

/// Line breaks, tabs and runs of unusual blanks become one space; other control characters are refused.
fn tidied(text: &str) -> Result<String, RejectReason> {
    let mut tidy = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            char::REPLACEMENT_CHARACTER => return Err(RejectReason::BadEncoding),
            // Zero-width marks that a paste brings along; they change nothing that is read.
            '\u{feff}' | '\u{200b}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => return Err(RejectReason::ControlCharacter),
            letter if letter.is_whitespace() => {
                if !tidy.ends_with(' ') && !tidy.is_empty() {
                    tidy.push(' ');
                }
            }
            letter if letter.is_control() => return Err(RejectReason::ControlCharacter),
            letter => tidy.push(letter),
        }
    }
    tidy.truncate(tidy.trim_end().len());
    Ok(tidy)
}

/// What a spreadsheet would run: `=…`, `@…`, and `+…` or `-…` that call something. A lone `-` or `-5` is a value.
fn looks_like_formula(text: &str) -> bool {
    match text.chars().next() {
        Some('=' | '@' | '＝' | '＠') => true,
        Some('+' | '-') => text.contains(['(', '|', '!']),
        _ => false,
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
