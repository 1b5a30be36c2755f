//! Why a file cannot be read, in sentences that say what to do.

use std::fmt;
use std::io;

use clarion_domain::intake::reject::RejectReason;

/// The whole file is refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file is empty: choose the file with the contacts")]
    Empty,
    #[error("the file is {0}, not a list of contacts: save the list as CSV or XLSX")]
    Binary(BinaryKind),
    #[error("the file is an old Excel workbook (.xls): open it and save it as an Excel workbook (.xlsx) or as CSV")]
    OldWorkbook,
    #[error("the workbook is protected with a password: save it without one")]
    Encrypted,
    #[error("the file is encrypted, but not to this organisation's key: encrypt it with age to the public key on the page SFTP")]
    NotForUs,
    #[error("the file is encrypted with a passphrase, which nobody here knows: encrypt it with age to the public key on the page SFTP")]
    Passphrase,
    #[error("the encrypted file is damaged: send it again")]
    Undecipherable,
    #[error("the file is encrypted with OpenPGP, which is not read here: encrypt it with age to the public key on the page SFTP")]
    OpenPgp,
    #[error("the file is a {0} workbook: save it as an Excel workbook (.xlsx) or as CSV")]
    OtherWorkbook(&'static str),
    #[error("the workbook is damaged ({0}): open it, save it again and load the new file")]
    Damaged(&'static str),
    #[error("the workbook has no visible sheet: put the contacts on a sheet that is not hidden")]
    NoSheet,
    #[error("the first line holds a contact, not the names of the columns: put a line such as phone,first_name above it")]
    NoHeader,
    #[error("the first line does not name columns: put a line such as phone,first_name above the contacts")]
    HeaderUnreadable,
    #[error("the file has a header and no lines after it: add the contacts")]
    NoRows,
    #[error("the file has more than {limit} columns: remove those that are not needed")]
    TooManyColumns { limit: usize },
    #[error("the file has more than {limit} lines: split it into several files")]
    TooManyLines { limit: u64 },
    #[error(
        "line {line} does not end within {} MiB: look for a quotation mark that is never closed, or save the file as CSV again",
        limit_bytes / (1024 * 1024)
    )]
    EndlessLine { line: u64, limit_bytes: u64 },
    #[error("the workbook unpacks to far more than a list of contacts needs: copy the contacts into a new workbook, or save them as CSV")]
    ExpandsTooFar,
    #[error("the workbook's texts need more memory than is allowed: save the contacts as CSV")]
    TooMuchText,
    #[error("the file is built in a way that cannot be read: open it in a spreadsheet, save it as CSV and load that")]
    Unreadable,
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
}

/// What a file is that is no text and no workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryKind {
    Image,
    Pdf,
    Archive,
    Document,
    Program,
    Unknown,
}

impl fmt::Display for BinaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "a picture",
            Self::Pdf => "a PDF",
            Self::Archive => "a packed archive",
            Self::Document => "a text document",
            Self::Program => "a program",
            Self::Unknown => "binary data",
        })
    }
}

/// One line cannot be taken, or the reading ends.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The line is refused; the next one can be read.
    #[error("line {line}: {}", reason.sentence())]
    Refused { line: u64, reason: RejectReason },
    /// Nothing more can be read; what was read must not be loaded.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<io::Error> for RowError {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}
