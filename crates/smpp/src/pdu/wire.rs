//! Reading and writing the specification's field types (3.1): integers, C-octet strings, octet strings.
//!
//! Strings are Latin-1 in both directions: every octet has one character, so whatever a peer puts into
//! an address or a message id comes back out unchanged.

use super::decode::Undecodable;

/// A position in the body of one frame.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body }
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Undecodable> {
        let (&first, rest) = self
            .rest
            .split_first()
            .ok_or(Undecodable::Truncated { field })?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn octets(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], Undecodable> {
        if length > self.rest.len() {
            return Err(Undecodable::Truncated { field });
        }
        let (octets, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(octets)
    }

    /// A NUL-ended string of any length: limits are the sender's duty, not ours.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, Undecodable> {
        let end = self
            .rest
            .iter()
            .position(|&octet| octet == 0)
            .ok_or(Undecodable::Truncated { field })?;
        let text = from_latin1(&self.rest[..end]);
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    /// A string that may lack its NUL, or be missing altogether, because it is the last thing in the PDU.
    pub(crate) fn last_text(&mut self) -> String {
        let end = self
            .rest
            .iter()
            .position(|&octet| octet == 0)
            .unwrap_or(self.rest.len());
        let text = from_latin1(&self.rest[..end]);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        text
    }

    /// All that is left; the reader is empty afterwards.
    pub(crate) fn remainder(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}

/// One character an octet.
pub(crate) fn from_latin1(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => octets.iter().map(|&octet| char::from(octet)).collect(),
    }
}

/// Writes `text` and its NUL. A character that Latin-1 lacks becomes `?`; a NUL inside ends the string.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() && !text.as_bytes().contains(&0) {
        out.extend_from_slice(text.as_bytes());
    } else {
        let octets = text
            .chars()
            .take_while(|&c| c != '\0')
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
        out.extend(octets);
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_but_nul_survives_both_ways() {
        let octets: Vec<u8> = (1..=255).collect();
        let mut out = Vec::new();
        put_text(&mut out, &from_latin1(&octets));
        assert_eq!(out[..255], octets);
        assert_eq!(out[255], 0);
    }
}
