//! What a file is, from its first bytes: the name's ending is not believed.

use std::io::{self, Read, Seek, SeekFrom};

use crate::intake::error::{BinaryKind, FileError};

/// Bytes looked at before anything is decided.
pub const HEAD_BYTES: usize = 64 * 1024;

/// A first guess; a zip archive is looked into before it counts as a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Zip,
    Text,
}

const SIGNATURES: &[(&[u8], BinaryKind)] = &[
    (b"\x89PNG", BinaryKind::Image),
    (b"\xff\xd8\xff", BinaryKind::Image),
    (b"GIF8", BinaryKind::Image),
    (b"RIFF", BinaryKind::Image),
    (b"II*\0", BinaryKind::Image),
    (b"MM\0*", BinaryKind::Image),
    (b"%PDF", BinaryKind::Pdf),
    (b"\x1f\x8b", BinaryKind::Archive),
    (b"7z\xbc\xaf", BinaryKind::Archive),
    (b"Rar!", BinaryKind::Archive),
    (b"BZh", BinaryKind::Archive),
    (b"\xfd7zXZ", BinaryKind::Archive),
    (b"\x28\xb5\x2f\xfd", BinaryKind::Archive),
    (b"{\\rtf", BinaryKind::Document),
    (b"\x7fELF", BinaryKind::Program),
    (b"MZ\x90", BinaryKind::Program),
    (b"SQLite format 3", BinaryKind::Unknown),
];

const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The first bytes, at most `HEAD_BYTES`, with the source back at its beginning.
pub fn head(source: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    source.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// Tells text from zip, and refuses what is neither.
pub fn kind(source: &mut (impl Read + Seek), head: &[u8]) -> Result<Kind, FileError> {
    if head.iter().all(|byte| byte.is_ascii_whitespace()) && head.len() < HEAD_BYTES {
        return Err(FileError::Empty);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    if head.starts_with(COMPOUND_FILE) {
        return Err(compound(source, head)?);
    }
    match SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        Some((_, kind)) => Err(FileError::Binary(*kind)),
        None => Ok(Kind::Text),
    }
}

/// An old workbook, or a new one behind a password: the names in the container's directory tell.
fn compound(source: &mut (impl Read + Seek), head: &[u8]) -> io::Result<FileError> {
    let field = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let sector_shift = head.get(30).copied().unwrap_or(9).clamp(7, 16);
    let directory = (u64::from(field(48)) + 1) << sector_shift;
    let mut names = vec![0; 16 * 1024];
    source.seek(SeekFrom::Start(directory))?;
    let read = source.by_ref().take(names.len() as u64).read(&mut names)?;
    let contains = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        names[..read].windows(wide.len()).any(|window| window == wide)
    };
    Ok(if contains("EncryptedPackage") {
        FileError::Encrypted
    } else if contains("Workbook") || contains("Book") {
        FileError::OldWorkbook
    } else {
        FileError::Binary(BinaryKind::Document)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn refusal(bytes: &[u8]) -> String {
        kind(&mut Cursor::new(bytes), bytes).map_or_else(|error| error.to_string(), |kind| format!("{kind:?}"))
    }

    #[test]
    fn tells_what_a_file_is_from_its_first_bytes() {
        for (bytes, expected) in [
            (&b""[..], "the file is empty"),
            (b" \r\n\t\n", "the file is empty"),
            (b"\x89PNG\r\n\x1a\n", "the file is a picture"),
            (b"%PDF-1.7", "the file is a PDF"),
            (b"\x1f\x8b\x08", "the file is a packed archive"),
            (b"{\\rtf1", "the file is a text document"),
            (b"\x7fELF", "the file is a program"),
            (b"PK\x03\x04", "Zip"),
            (b"phone\n", "Text"),
        ] {
            assert!(refusal(bytes).starts_with(expected), "{expected}: {}", refusal(bytes));
        }
    }

    #[test]
    fn an_old_workbook_and_a_locked_one_are_told_apart() {
        for (name, expected) in [("Workbook", "old Excel workbook"), ("EncryptedPackage", "protected with a password"), ("WordDocument", "a text document")] {
            let mut file = vec![0; 2048];
            file[..8].copy_from_slice(COMPOUND_FILE);
            file[30] = 9;
            file[48] = 1;
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            file[1024..1024 + wide.len()].copy_from_slice(&wide);
            assert!(refusal(&file).contains(expected), "{name}: {}", refusal(&file));
        }
    }
}
