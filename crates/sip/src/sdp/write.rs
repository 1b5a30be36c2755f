//! Writing a description of our one audio stream.

use std::fmt::Write;

use super::base64::encode_key;
use super::SRTP_SUITE;
use crate::negotiated::{Codec, Direction, LocalMedia, SrtpKey, SrtpPolicy, TELEPHONE_EVENT};

/// Names the session, and counts its descriptions (RFC 3264, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub session: u64,
    pub version: u64,
}

/// The stream as it is written: in an offer all that we can, in an answer what was agreed on.
pub(super) struct Stream<'a> {
    pub local: &'a LocalMedia,
    pub codecs: &'a [(u8, Codec)],
    pub telephone_event: Option<u8>,
    pub direction: Direction,
    pub packet_ms: u8,
    /// The tag and our key.
    pub crypto: Option<(u32, &'a SrtpKey)>,
}

/// What we can, in our order of preference. `key` is used when our media may be encrypted.
#[must_use]
pub fn offer(local: &LocalMedia, origin: Origin, direction: Direction, key: &SrtpKey) -> String {
    let codecs: Vec<_> = local.codecs.iter().map(|codec| (codec.payload_type(), *codec)).collect();
    let crypto = (local.srtp != SrtpPolicy::Never).then_some((1, key));
    let stream = Stream { local, codecs: &codecs, telephone_event: local.telephone_event.then_some(TELEPHONE_EVENT), direction, packet_ms: 20, crypto };
    let mut text = head(local, origin);
    stream.write(&mut text, if local.srtp == SrtpPolicy::Required { "RTP/SAVP" } else { "RTP/AVP" });
    text
}

pub(super) fn head(local: &LocalMedia, origin: Origin) -> String {
    let address = local.address.ip();
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    format!("v=0\r\no=- {} {} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n", origin.session, origin.version)
}

impl Stream<'_> {
    pub fn write(&self, text: &mut String, protocol: &str) {
        // Writing to a text cannot fail.
        let _ = write!(text, "m=audio {} {protocol}", self.local.address.port());
        for number in self.codecs.iter().map(|(number, _)| *number).chain(self.telephone_event) {
            let _ = write!(text, " {number}");
        }
        text.push_str("\r\n");
        for (number, codec) in self.codecs {
            let _ = write!(text, "a=rtpmap:{number} {}/8000\r\n", if *codec == Codec::Pcma { "PCMA" } else { "PCMU" });
        }
        if let Some(number) = self.telephone_event {
            let _ = write!(text, "a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-16\r\n");
        }
        let _ = write!(text, "a=ptime:{}\r\n", self.packet_ms);
        if let Some((tag, key)) = self.crypto {
            let _ = write!(text, "a=crypto:{tag} {SRTP_SUITE} inline:{}\r\n", encode_key(&key.0));
        }
        text.push_str(match self.direction {
            Direction::SendReceive => "a=sendrecv\r\n",
            Direction::SendOnly => "a=sendonly\r\n",
            Direction::ReceiveOnly => "a=recvonly\r\n",
            Direction::Inactive => "a=inactive\r\n",
        });
    }
}
