//! Reading a description: what concerns one narrowband audio stream, all else is skipped over.

use std::net::IpAddr;

use super::base64::decode_key;

use super::SRTP_SUITE;
use crate::negotiated::{Codec, Direction, SrtpKey};

const SDP_BYTES_MAX: usize = 16_384;
const MEDIA_MAX: usize = 16;
const FORMATS_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub media: Vec<Media>,
}

/// One `m=` line with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// audio, video, image …
    pub kind: String,
    pub port: u16,
    /// RTP/AVP, RTP/SAVP …
    pub protocol: String,
    /// As written, to be repeated in a refusal.
    pub formats: Vec<String>,
    pub address: Option<IpAddr>,
    pub direction: Direction,
    pub ptime_ms: Option<u8>,
    /// Payload type, name and clock rate of `a=rtpmap`.
    pub maps: Vec<(u8, String, u32)>,
    /// Tag and key of `a=crypto` lines whose suite we know.
    pub keys: Vec<(u32, SrtpKey)>,
}

impl Media {
    /// G.711 codecs in the order of the `m=` line, with their payload types.
    pub fn codecs(&self) -> impl Iterator<Item = (u8, Codec)> {
        self.payload_types().filter_map(|number| {
            let named = self.maps.iter().find(|(mapped, ..)| *mapped == number);
            let codec = match named {
                Some((_, name, 8_000)) if name.eq_ignore_ascii_case("PCMA") => Codec::Pcma,
                Some((_, name, 8_000)) if name.eq_ignore_ascii_case("PCMU") => Codec::Pcmu,
                Some(_) => return None,
                // Static payload types need no map (RFC 3551, section 6).
                None if number == 8 => Codec::Pcma,
                None if number == 0 => Codec::Pcmu,
                None => return None,
            };
            // A dynamic number for a codec that has a static one is allowed and never seen: audio knows the static one.
            (number == codec.payload_type()).then_some((number, codec))
        })
    }

    /// The payload type of telephone-event at our clock rate.
    #[must_use]
    pub fn telephone_event(&self) -> Option<u8> {
        let named = |number: &u8| self.maps.iter().any(|(mapped, name, rate)| mapped == number && name.eq_ignore_ascii_case("telephone-event") && *rate == 8_000);
        self.payload_types().find(named)
    }

    fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats.iter().filter_map(|format| format.parse().ok())
    }

    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("RTP/SAVP") || self.protocol.eq_ignore_ascii_case("RTP/SAVPF")
    }

    #[must_use]
    pub fn is_rtp(&self) -> bool {
        self.is_secure() || self.protocol.eq_ignore_ascii_case("RTP/AVP") || self.protocol.eq_ignore_ascii_case("RTP/AVPF")
    }
}

/// `None` for what is no description, or one beyond all measure.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Description> {
    if bytes.len() > SDP_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim_end);
    if lines.next()? != "v=0" {
        return None;
    }
    let mut session = Media::default();
    let mut media: Vec<Media> = Vec::new();
    for line in lines {
        let Some((kind, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        if kind == "m" {
            if media.len() == MEDIA_MAX {
                return None;
            }
            media.push(media_line(value, &session)?);
            continue;
        }
        let current = media.last_mut().unwrap_or(&mut session);
        match kind {
            "c" => current.address = connection(value),
            "a" => attribute(value, current),
            _ => {}
        }
    }
    Some(Description { media })
}

fn media_line(value: &str, session: &Media) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next()?.to_owned();
    // `port/number` of RTP streams: the first is what we can use.
    let port = words.next()?.split('/').next()?.parse().ok()?;
    let protocol = words.next()?.to_owned();
    let formats = words.take(FORMATS_MAX).map(str::to_owned).collect();
    Some(Media { kind, port, protocol, formats, ..session.clone() })
}

/// `IN IP4 192.0.2.1/127`
fn connection(value: &str) -> Option<IpAddr> {
    let mut words = value.split_ascii_whitespace();
    let (_, _, address) = (words.next()?, words.next()?, words.next()?);
    address.split('/').next()?.parse().ok()
}

fn attribute(value: &str, media: &mut Media) {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    match name {
        // Seen from the one who wrote it.
        "sendrecv" => media.direction = Direction::SendReceive,
        "sendonly" => media.direction = Direction::SendOnly,
        "recvonly" => media.direction = Direction::ReceiveOnly,
        "inactive" => media.direction = Direction::Inactive,
        "ptime" => media.ptime_ms = value.trim().parse().ok(),
        "rtpmap" if media.maps.len() < FORMATS_MAX => media.maps.extend(map(value)),
        "crypto" if media.keys.len() < 8 => media.keys.extend(crypto(value)),
        _ => {}
    }
}

/// `101 telephone-event/8000`
fn map(value: &str) -> Option<(u8, String, u32)> {
    let (number, rest) = value.trim().split_once([' ', '\t'])?;
    let mut pieces = rest.trim().split('/');
    let name = pieces.next()?.to_owned();
    Some((number.parse().ok()?, name, pieces.next()?.trim().parse().ok()?))
}

/// `1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^31|1:4`. Keys with an MKI would put it into every packet: not ours.
fn crypto(value: &str) -> Option<(u32, SrtpKey)> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    if words.next()? != SRTP_SUITE {
        return None;
    }
    let mut pieces = words.next()?.strip_prefix("inline:")?.split('|');
    let key = decode_key(pieces.next()?)?;
    let session = words.next();
    (pieces.all(|piece| !piece.contains(':')) && session.is_none_or(|word| !word.starts_with("UNENCRYPTED") && !word.starts_with("UNAUTHENTICATED"))).then_some((tag, SrtpKey(key)))
}
