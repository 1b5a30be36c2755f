//! Which encoding a text is in, and a reader that gives it as UTF-8.

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{CoderResult, Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::intake::error::{BinaryKind, FileError};

/// The encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl TextEncoding {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

const BLOCK_BYTES: usize = 64 * 1024;

/// Detects the encoding and leaves the source after its byte order mark.
pub fn detect(source: &mut (impl Read + Seek), head: &[u8]) -> Result<TextEncoding, FileError> {
    let (encoding, mark_bytes) = match head {
        [0xef, 0xbb, 0xbf, ..] => (TextEncoding::Utf8, 3),
        [0xff, 0xfe, ..] => (TextEncoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (TextEncoding::Utf16Be, 2),
        _ => (by_content(source, head)?, 0),
    };
    source.seek(SeekFrom::Start(mark_bytes))?;
    Ok(encoding)
}

fn by_content(source: &mut (impl Read + Seek), head: &[u8]) -> Result<TextEncoding, FileError> {
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let half = head.len() / 2;
    // Latin text in UTF-16 has a zero in nearly every pair, always on the same side.
    match (even, odd) {
        (0, 0) => {}
        (0, odd) if odd * 2 > half => return Ok(TextEncoding::Utf16Le),
        (even, 0) if even * 2 > half => return Ok(TextEncoding::Utf16Be),
        _ => return Err(FileError::Binary(BinaryKind::Unknown)),
    }
    let control = head.iter().filter(|byte| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    if control * 20 > head.len() {
        return Err(FileError::Binary(BinaryKind::Unknown));
    }
    let tally = tally_utf8(source)?;
    // One broken line in a UTF-8 file must not turn every accent of the others into two letters.
    let mostly_utf8 = tally.broken == 0 || tally.sequences > tally.broken * 4;
    Ok(if mostly_utf8 { TextEncoding::Utf8 } else { TextEncoding::Windows1252 })
}

#[derive(Default)]
struct Tally {
    /// Well-formed characters of two bytes and more.
    sequences: u64,
    broken: u64,
}

/// Reads the whole file once: the first accent may stand in its last line.
fn tally_utf8(source: &mut (impl Read + Seek)) -> io::Result<Tally> {
    source.seek(SeekFrom::Start(0))?;
    let mut tally = Tally::default();
    let mut block = vec![0; BLOCK_BYTES];
    let mut kept = 0;
    loop {
        let read = source.read(&mut block[kept..])?;
        let filled = kept + read;
        let mut rest = &block[..filled];
        kept = 0;
        while !rest.is_ascii() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    tally.sequences += long_sequences(text.as_bytes());
                    break;
                }
                Err(error) => {
                    let good = error.valid_up_to();
                    tally.sequences += long_sequences(&rest[..good]);
                    match error.error_len() {
                        Some(length) => {
                            tally.broken += 1;
                            rest = &rest[good + length..];
                        }
                        // Cut by the end of the block: kept for the next one, or broken at the end of the file.
                        None if read > 0 => {
                            kept = rest.len() - good;
                            break;
                        }
                        None => {
                            tally.broken += 1;
                            break;
                        }
                    }
                }
            }
        }
        if read == 0 {
            return Ok(tally);
        }
        block.copy_within(filled - kept..filled, 0);
    }
}

fn long_sequences(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte >= 0xc0).count() as u64
}

/// Reads a text as UTF-8. What cannot be decoded becomes U+FFFD, which later refuses its line; UTF-8 itself passes as it is.
pub struct Utf8Reader<R> {
    source: R,
    decoder: Option<Decoder>,
    block: Vec<u8>,
    /// The part of `block` that is not decoded yet.
    waiting: std::ops::Range<usize>,
    source_ended: bool,
    finished: bool,
}

impl<R: Read> Utf8Reader<R> {
    pub fn new(source: R, encoding: TextEncoding) -> Self {
        let decoder = match encoding {
            TextEncoding::Utf8 => None,
            TextEncoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            TextEncoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            TextEncoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
        };
        debug_assert!(decoder.as_ref().is_none_or(|decoder| decoder.encoding() != UTF_8));
        let block = if decoder.is_some() { vec![0; BLOCK_BYTES] } else { Vec::new() };
        Self { source, decoder, block, waiting: 0..0, source_ended: false, finished: false }
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return self.source.read(output) };
        if output.len() < char::MAX.len_utf8() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a decoded character needs a buffer of four bytes"));
        }
        loop {
            if self.finished {
                return Ok(0);
            }
            if self.waiting.is_empty() && !self.source_ended {
                let read = self.source.read(&mut self.block)?;
                self.waiting = 0..read;
                self.source_ended = read == 0;
            }
            let (result, consumed, written, _) = decoder.decode_to_utf8(&self.block[self.waiting.clone()], output, self.source_ended);
            self.waiting.start += consumed;
            self.finished = self.source_ended && result == CoderResult::InputEmpty;
            if written > 0 || self.finished {
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(bytes: &[u8]) -> Result<(TextEncoding, String), FileError> {
        let mut source = Cursor::new(bytes);
        let encoding = detect(&mut source, &bytes[..bytes.len().min(64 * 1024)])?;
        let mut text = Vec::new();
        Utf8Reader::new(source, encoding).read_to_end(&mut text)?;
        Ok((encoding, String::from_utf8_lossy(&text).into_owned()))
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn finds_each_encoding_with_and_without_its_mark() {
        const TEXT: &str = "Name;Ort\nZoë;Köln\n";
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        for (bytes, encoding) in [
            (TEXT.as_bytes().to_vec(), TextEncoding::Utf8),
            (marked(b"\xef\xbb\xbf", TEXT.into()), TextEncoding::Utf8),
            (marked(b"\xff\xfe", utf16(TEXT, u16::to_le_bytes)), TextEncoding::Utf16Le),
            (utf16(TEXT, u16::to_le_bytes), TextEncoding::Utf16Le),
            (marked(b"\xfe\xff", utf16(TEXT, u16::to_be_bytes)), TextEncoding::Utf16Be),
            (utf16(TEXT, u16::to_be_bytes), TextEncoding::Utf16Be),
            (b"Name;Ort\nZo\xeb;K\xf6ln\n".to_vec(), TextEncoding::Windows1252),
        ] {
            assert_eq!(read(&bytes).expect("text"), (encoding, TEXT.into()));
        }
    }

    #[test]
    fn an_accent_in_the_last_line_decides_and_one_broken_byte_does_not() {
        let long = "0123456789\n".repeat(20_000);
        assert_eq!(read(&[long.as_bytes(), b"Zo\xeb"].concat()).expect("text").0, TextEncoding::Windows1252);
        assert_eq!(read(&[long.as_bytes(), "Zoë".as_bytes()].concat()).expect("text").0, TextEncoding::Utf8);
        let (encoding, text) = read(&["é".repeat(40_000).as_bytes(), b"\xeb!"].concat()).expect("text");
        assert_eq!((encoding, text.ends_with("é\u{fffd}!")), (TextEncoding::Utf8, true));
    }

    #[test]
    fn bytes_that_are_no_text_are_binary() {
        assert!(matches!(read(b"a\0\0b\0c"), Err(FileError::Binary(_))));
        assert!(matches!(read(&[1, 2, 3, 4, 5, 6, 7, 8, 65]), Err(FileError::Binary(_))));
    }

    #[test]
    fn decodes_across_blocks_into_small_buffers() {
        let text = "añ€😀\n".repeat(30_000);
        let bytes = utf16(&text, u16::to_le_bytes);
        let mut reader = Utf8Reader::new(Cursor::new(bytes), TextEncoding::Utf16Le);
        let (mut decoded, mut piece) = (Vec::new(), [0; 7]);
        while let Ok(read @ 1..) = reader.read(&mut piece) {
            decoded.extend_from_slice(&piece[..read]);
        }
        assert!(decoded == text.as_bytes());
    }
}
