//! One part of a workbook, unpacked as it is read and stopped when it becomes too much.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::read::DeflateDecoder;
use quick_xml::Reader;

use super::archive::Entry;
use crate::intake::error::FileError;
use crate::intake::limits::FileLimits;

/// An XML reader over a part.
pub type Part<S> = Reader<BufReader<Guard<Unpacked<S>>>>;

/// Parts this small may be packed as tightly as they like.
const SMALL_BYTES: u64 = 8 * 1024 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Marks the errors of `Guard`, which come back through the XML reader as input errors.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the part unpacks too far")]
struct TooFar;

pub enum Unpacked<S: Read> {
    Packed(DeflateDecoder<Take<S>>),
    Stored(Take<S>),
}

impl<S: Read> Read for Unpacked<S> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Packed(inner) => inner.read(output),
            Self::Stored(inner) => inner.read(output),
        }
    }
}

/// Opens a part for reading; its declared size is checked now, its real one while it is read.
pub fn open<S: Read + Seek>(entry: &Entry, mut source: S, limits: &FileLimits) -> Result<Part<S>, FileError> {
    let ceiling = ceiling(entry.packed_bytes, limits);
    if entry.unpacked_bytes > ceiling {
        return Err(FileError::ExpandsTooFar);
    }
    source.seek(SeekFrom::Start(entry.header_at))?;
    let mut header = [0; 30];
    source.read_exact(&mut header).map_err(|_| FileError::Damaged("a part is cut off"))?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(FileError::Damaged("a part is not where it should be"));
    }
    let length = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
    source.seek(SeekFrom::Current(length(26) + length(28)))?;
    let packed = source.take(entry.packed_bytes);
    let unpacked = if entry.is_packed { Unpacked::Packed(DeflateDecoder::new(packed)) } else { Unpacked::Stored(packed) };
    let guard = Guard { inner: unpacked, left: ceiling, token: Token::Outside, token_bytes: 0, token_bytes_max: limits.xml_token_bytes_max };
    let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER_BYTES, guard));
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = false;
    Ok(reader)
}

/// What a part of this packed size may become.
fn ceiling(packed_bytes: u64, limits: &FileLimits) -> u64 {
    packed_bytes.saturating_mul(limits.expansion_max).max(SMALL_BYTES).min(limits.part_bytes_max)
}

/// What an error of the XML reader means.
pub fn xml_error(error: &quick_xml::Error) -> FileError {
    if let quick_xml::Error::Io(io) = error {
        if io.get_ref().is_some_and(|inner| inner.is::<TooFar>()) {
            return FileError::ExpandsTooFar;
        }
        return match io.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => FileError::Damaged("a part does not unpack"),
            kind => FileError::Read(kind.into()),
        };
    }
    FileError::Damaged("a part is not well-formed")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Text or a tag: it ends at the next `<`.
    Outside,
    /// `<`, `<!`: what comes next says what it is.
    Opened,
    Exclaimed,
    /// A comment or a block of characters, which may hold any number of `<`: it ends with these two bytes and `>`.
    Closed { by: u8, seen: u8 },
}

/// Ends a read that unpacks too far, in all or in one token: the XML reader holds a whole token in memory.
pub struct Guard<R> {
    inner: R,
    left: u64,
    token: Token,
    token_bytes: usize,
    token_bytes_max: usize,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(output)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(TooFar))?;
        self.follow(&output[..read])?;
        Ok(read)
    }
}

impl<R> Guard<R> {
    fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let taken = match self.token {
                Token::Outside => match rest.iter().position(|byte| *byte == b'<') {
                    Some(at) => {
                        self.grow(at)?;
                        self.token_bytes = 0;
                        self.token = Token::Opened;
                        at + 1
                    }
                    None => {
                        self.grow(rest.len())?;
                        rest.len()
                    }
                },
                Token::Opened => {
                    self.token = if byte == b'!' { Token::Exclaimed } else { Token::Outside };
                    usize::from(byte == b'!')
                }
                Token::Exclaimed => {
                    self.token = match byte {
                        b'-' => Token::Closed { by: b'-', seen: 0 },
                        b'[' => Token::Closed { by: b']', seen: 0 },
                        // A document type: no workbook has one, and its entities multiply.
                        _ => return Err(io::Error::other(TooFar)),
                    };
                    1
                }
                Token::Closed { by, seen } => {
                    self.grow(1)?;
                    self.token = match byte {
                        b'>' if seen >= 2 => Token::Outside,
                        byte if byte == by => Token::Closed { by, seen: seen.saturating_add(1) },
                        _ => Token::Closed { by, seen: 0 },
                    };
                    1
                }
            };
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> io::Result<()> {
        self.token_bytes += bytes;
        if self.token_bytes > self.token_bytes_max { Err(io::Error::other(TooFar)) } else { Ok(()) }
    }
}
