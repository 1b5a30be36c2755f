//! Our side of the audio: what we can, what we want, and what was agreed on last.

use crate::chance::Chance;
use crate::message::Message;
use crate::negotiated::{Direction, LocalMedia, NegotiatedMedia, SrtpKey};
use crate::sdp::{self, Origin, SdpError};

pub const SDP: &str = "application/sdp";

#[derive(Debug, Clone)]
pub struct CallMedia {
    pub local: LocalMedia,
    /// SendOnly while we hold the far end.
    pub direction: Direction,
    pub agreed: Option<NegotiatedMedia>,
    origin: Origin,
    key: SrtpKey,
    /// Our last description: its version counts up only when it changes (RFC 3264, section 8).
    last: String,
}

impl CallMedia {
    pub fn new(local: LocalMedia, chance: &mut dyn Chance) -> Self {
        let mut key = [0; 30];
        chance.fill(&mut key);
        // Below 2^62, for readers that count with a sign.
        let origin = Origin { session: chance.number() >> 2, version: 1 };
        Self { local, direction: Direction::SendReceive, agreed: None, origin, key: SrtpKey(key), last: String::new() }
    }

    pub fn offer(&mut self) -> Vec<u8> {
        let make = |media: &Self| sdp::offer(&media.local, media.origin, media.direction, &media.key);
        let mut text = make(self);
        if !self.last.is_empty() && text != self.last {
            self.origin.version += 1;
            text = make(self);
        }
        self.last.clone_from(&text);
        text.into_bytes()
    }

    /// Reads the answer to our offer.
    pub fn settle(&self, body: &[u8]) -> Result<NegotiatedMedia, SdpError> {
        sdp::settle(&sdp::parse(body).ok_or(SdpError::Form)?, &self.local, self.direction, &self.key)
    }

    pub fn answer(&mut self, body: &[u8]) -> Result<(Vec<u8>, NegotiatedMedia), SdpError> {
        let theirs = sdp::parse(body).ok_or(SdpError::Form)?;
        let make = |media: &Self| sdp::answer(&theirs, &media.local, media.origin, media.direction, &media.key);
        let (mut text, mut agreed) = make(self)?;
        if !self.last.is_empty() && text != self.last {
            self.origin.version += 1;
            (text, agreed) = make(self)?;
        }
        self.last.clone_from(&text);
        Ok((text.into_bytes(), agreed))
    }
}

/// A message's description, alone or as the only part that concerns us of a multipart body.
pub fn description(message: &Message) -> Option<Vec<u8>> {
    if message.body_is(SDP) {
        return Some(message.body.clone());
    }
    // SIP-I and location bodies come as multipart/mixed; the description is the part that says so.
    let kind = message.get(&crate::message::Name::ContentType)?;
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let boundary = crate::params::Params::parse(kind.split_once(';')?.1).get("boundary")?.to_owned();
    let text = String::from_utf8_lossy(&message.body);
    text.split(&format!("--{boundary}")).take(8).find_map(|part| {
        let (head, body) = part.split_once("\r\n\r\n")?;
        head.to_ascii_lowercase().contains(SDP).then(|| body.as_bytes().to_vec())
    })
}
