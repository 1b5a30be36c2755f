//! The rows of a CSV answer, by the reader that contact files have. Its text is UTF-8.

use clarion_domain::connectors::pull_fault::PullFault;

use super::page::{Body, Reading, Sink, Values};
use crate::intake::csv::CsvRows;
use crate::intake::encoding::Utf8Reader;
use crate::intake::{FileLimits, RawRow, RowError, Source, TextEncoding};

pub(super) fn read(body: Body, reading: &Reading, sink: &mut Sink) -> Result<(), PullFault> {
    let source: Box<dyn Source> = Box::new(body);
    let mut rows = CsvRows::new(Utf8Reader::new(source, TextEncoding::Utf8), FileLimits::default()).map_err(|_| PullFault::NotText)?;
    // Nothing at all is no rows: some systems leave the header out then.
    let Some(header) = next(&mut rows)? else { return Ok(()) };
    let names: Vec<&str> = header.cells.iter().map(|cell| cell.text().trim_start_matches('\u{feff}').trim()).collect();
    names.iter().for_each(|name| sink.name(name));
    let place = |from: &str| names.iter().position(|name| *name == from).ok_or(PullFault::NoColumn);
    let places = reading.taken.iter().map(|field| place(&field.from)).collect::<Result<Vec<_>, _>>()?;
    let since = reading.since_field.as_deref().map(place).transpose()?;
    while let Some(row) = next(&mut rows)? {
        let text = |at: usize| row.cells.get(at).map(|cell| cell.text().to_owned()).unwrap_or_default();
        let values: Values = places.iter().map(|at| text(*at)).collect();
        if !sink.row(values, since.map(text).as_deref()) {
            break;
        }
    }
    Ok(())
}

fn next(rows: &mut CsvRows) -> Result<Option<RawRow>, PullFault> {
    rows.next_row().map_err(|error| match error {
        RowError::Refused { .. } => PullFault::RowTooLong,
        RowError::File(_) => PullFault::NotText,
    })
}
