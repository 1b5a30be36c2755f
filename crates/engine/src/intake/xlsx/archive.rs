//! The directory of a zip archive, read without trusting a word of it.

use std::io::{Read, Seek, SeekFrom};

use crate::intake::error::{BinaryKind, FileError};
use crate::intake::limits::FileLimits;

/// One packed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_packed: bool,
    pub packed_bytes: u64,
    pub unpacked_bytes: u64,
    pub header_at: u64,
}

/// The packed files by name.
#[derive(Debug, Default)]
pub struct Archive {
    entries: Vec<Entry>,
}

const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;
const ENTRY_BYTES: usize = 46;
const DIRECTORY_BYTES_MAX: u64 = 4 * 1024 * 1024;
const DAMAGED: FileError = FileError::Damaged("its directory cannot be read");

fn u16_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, |bytes| u64::from(u16::from_le_bytes(bytes)))
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes)))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

impl Archive {
    pub fn read(source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<Self, FileError> {
        let (count, bytes, at) = find_directory(source)?;
        if count > limits.workbook_parts_max as u64 || bytes > DIRECTORY_BYTES_MAX {
            return Err(FileError::Binary(BinaryKind::Archive));
        }
        source.seek(SeekFrom::Start(at))?;
        let mut directory = Vec::new();
        source.by_ref().take(bytes).read_to_end(&mut directory)?;
        let mut entries = Vec::new();
        let mut rest = directory.as_slice();
        for _ in 0..count {
            let (entry, length) = entry(rest)?;
            rest = &rest[length..];
            entries.push(entry);
        }
        let archive = Self { entries };
        archive.refuse_other_kinds()?;
        Ok(archive)
    }

    /// A file by its path, in any case, as workbooks are written on systems that do not mind.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        let path = path.trim_start_matches('/');
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(path))
    }

    fn refuse_other_kinds(&self) -> Result<(), FileError> {
        let has = |path: &str| self.find(path).is_some();
        if has("[Content_Types].xml") {
            return match () {
                () if has("xl/workbook.bin") => Err(FileError::OtherWorkbook("binary Excel (.xlsb)")),
                () if has("word/document.xml") || has("ppt/presentation.xml") => Err(FileError::Binary(BinaryKind::Document)),
                () => Ok(()),
            };
        }
        if has("mimetype") && has("content.xml") {
            return Err(FileError::OtherWorkbook("OpenDocument"));
        }
        if has("Index/Document.iwa") {
            return Err(FileError::OtherWorkbook("Numbers"));
        }
        Err(FileError::Binary(BinaryKind::Archive))
    }
}

/// How many entries the directory has, its length and its place: from the end of the file.
fn find_directory(source: &mut (impl Read + Seek)) -> Result<(u64, u64, u64), FileError> {
    let length = source.seek(SeekFrom::End(0))?;
    let tail_at = length.saturating_sub((END_BYTES + COMMENT_BYTES_MAX) as u64);
    source.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    source.by_ref().take((END_BYTES + COMMENT_BYTES_MAX) as u64).read_to_end(&mut tail)?;
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or(DAMAGED)?;
    let end = tail.get(end..).filter(|end| end.len() >= END_BYTES).ok_or(DAMAGED)?;
    let (count, bytes, at) = (u16_at(end, 10), u32_at(end, 12), u32_at(end, 16));
    if count < 0xffff && bytes < 0xffff_ffff && at < 0xffff_ffff {
        return Ok((count, bytes, at));
    }
    let locator = tail.windows(4).rposition(|window| window == b"PK\x06\x07").ok_or(DAMAGED)?;
    source.seek(SeekFrom::Start(u64_at(&tail, locator + 8)))?;
    let mut large = [0; 56];
    source.read_exact(&mut large).map_err(|_| DAMAGED)?;
    if large.starts_with(b"PK\x06\x06") { Ok((u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48))) } else { Err(DAMAGED) }
}

/// One entry of the directory and its length there.
fn entry(bytes: &[u8]) -> Result<(Entry, usize), FileError> {
    if bytes.len() < ENTRY_BYTES || !bytes.starts_with(b"PK\x01\x02") {
        return Err(DAMAGED);
    }
    if u16_at(bytes, 8) & 1 == 1 {
        return Err(FileError::Encrypted);
    }
    let is_packed = match u16_at(bytes, 10) {
        0 => false,
        8 => true,
        _ => return Err(FileError::Damaged("it is packed in a way that workbooks are not")),
    };
    let (name, extra, comment) = (u16_at(bytes, 28) as usize, u16_at(bytes, 30) as usize, u16_at(bytes, 32) as usize);
    let length = ENTRY_BYTES + name + extra + comment;
    if bytes.len() < length {
        return Err(DAMAGED);
    }
    let mut sizes = [u32_at(bytes, 24), u32_at(bytes, 20), u32_at(bytes, 42)];
    let extra = &bytes[ENTRY_BYTES + name..ENTRY_BYTES + name + extra];
    large_sizes(extra, &mut sizes);
    let name = String::from_utf8_lossy(&bytes[ENTRY_BYTES..ENTRY_BYTES + name]).replace('\\', "/");
    let [unpacked_bytes, packed_bytes, header_at] = sizes;
    Ok((Entry { name, is_packed, packed_bytes, unpacked_bytes, header_at }, length))
}

/// Sizes over four gigabytes, or written as if they were: the zip64 field holds those that are all ones, in this order.
fn large_sizes(mut extra: &[u8], sizes: &mut [u64; 3]) {
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0), u16_at(extra, 2) as usize);
        let Some(field) = extra.get(4..4 + length) else { return };
        if kind == 1 {
            let missing = sizes.iter_mut().filter(|size| **size == 0xffff_ffff);
            missing.zip(field.chunks_exact(8)).for_each(|(size, bytes)| *size = u64_at(bytes, 0));
        }
        extra = &extra[4 + length..];
    }
}
