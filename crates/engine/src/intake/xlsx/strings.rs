//! The texts that a workbook's cells share, held in one block of memory.

use std::io::{Read, Seek};

use quick_xml::events::{BytesRef, Event};

use super::archive::Archive;
use super::part::{self, xml_error};
use crate::intake::error::FileError;
use crate::intake::limits::FileLimits;

/// All shared texts, one after the other.
#[derive(Default)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        self.text.get(start..end)
    }
}

pub fn read(archive: &Archive, path: Option<&str>, source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<Strings, FileError> {
    let mut strings = Strings::default();
    let Some(entry) = path.and_then(|path| archive.find(path)) else { return Ok(strings) };
    let mut part = part::open(entry, source, limits)?;
    let mut buffer = Vec::new();
    // Inside a text; and inside a reading aid, whose text repeats the text in another script.
    let (mut in_text, mut in_phonetic) = (false, false);
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(|error| xml_error(&error))? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "t" => in_text = !in_phonetic,
                "rPh" => in_phonetic = true,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_phonetic = false,
                "si" => strings.ends.push(u32::try_from(strings.text.len()).map_err(|_| FileError::TooMuchText)?),
                _ => {}
            },
            Event::Text(text) if in_text => strings.text.push_str(&text.xml10_content()),
            Event::CData(text) if in_text => strings.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if in_text => strings.text.extend(resolve(&reference)),
            Event::Eof => return Ok(strings),
            _ => {}
        }
        if strings.text.len() + strings.ends.len() * 4 > limits.shared_text_bytes_max {
            return Err(FileError::TooMuchText);
        }
    }
}

/// `&amp;` and `&#233;`; an entity of the file's own is none of ours.
pub fn resolve(reference: &BytesRef) -> Option<char> {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return Some(letter);
    }
    match reference.xml10_content().as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
