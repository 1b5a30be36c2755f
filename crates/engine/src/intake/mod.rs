//! A contact file, read as a stream: CSV in any usual encoding, or a worksheet of an XLSX workbook. Memory is bounded by
//! `FileLimits`, whatever the file claims to be.

mod batch;
pub(crate) mod csv;
mod decrypt;
mod detect;
pub(crate) mod encoding;
mod error;
mod head;
mod fill;
mod limits;
mod load;
mod read;
mod worker;
mod xlsx;

pub use encoding::TextEncoding;
pub use error::{BinaryKind, FileError, RowError};
pub use limits::FileLimits;
pub use fill::run as fill_search_indexes;
pub use worker::{Clock, IntakeError, run, work};
pub use read::{FileFormat, FileReader, RawRow, Source, open};
