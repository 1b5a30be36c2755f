//! What an offer and its answer agree on, whichever side offered.

use std::net::{IpAddr, SocketAddr};

use super::write::{Stream, head};
use super::{Description, Media, Origin};
use crate::negotiated::{Codec, Direction, LocalMedia, NegotiatedMedia, SrtpKey, SrtpPolicy};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    #[error("the session description cannot be read")]
    Form,
    #[error("the far end has no audio for us")]
    NoAudio,
    #[error("no codec in common")]
    NoCodec,
    #[error("the far end and this trunk do not agree on encryption")]
    Encryption,
}

/// Reads the answer to our offer.
pub fn settle(theirs: &Description, local: &LocalMedia, hold: Direction, key: &SrtpKey) -> Result<NegotiatedMedia, SdpError> {
    let media = theirs.media.iter().find(|media| media.kind == "audio" && media.port != 0).ok_or(SdpError::NoAudio)?;
    let codec = media.codecs().map(|(_, codec)| codec).find(|codec| local.codecs.contains(codec)).ok_or(SdpError::NoCodec)?;
    agree(media, local, codec, hold, key).map(|(agreed, _)| agreed)
}

/// Answers their offer: our description, and what it agrees on. Streams that we do not take are refused one by one,
/// since an answer has as many as its offer (RFC 3264, section 6).
pub fn answer(theirs: &Description, local: &LocalMedia, origin: Origin, hold: Direction, key: &SrtpKey) -> Result<(String, NegotiatedMedia), SdpError> {
    let usable = |media: &&Media| media.kind == "audio" && media.port != 0 && media.is_rtp() && is_encrypted(media, local.srtp).is_ok();
    let audio = |media: &&Media| media.kind == "audio" && media.port != 0;
    let encrypted = |media: &&Media| usable(media) && is_encrypted(media, local.srtp) == Ok(true);
    let chosen = theirs.media.iter().find(encrypted).or_else(|| theirs.media.iter().find(usable));
    let chosen = chosen.ok_or(if theirs.media.iter().any(|media| audio(&media)) { SdpError::Encryption } else { SdpError::NoAudio })?;
    let (number, codec) = preferred(chosen, local).ok_or(SdpError::NoCodec)?;
    let (agreed, tag) = agree(chosen, local, codec, hold, key)?;
    let mut text = head(local, origin);
    for media in &theirs.media {
        if std::ptr::eq(media, chosen) {
            let stream = Stream { local, codecs: &[(number, codec)], telephone_event: agreed.telephone_event, direction: agreed.direction, packet_ms: agreed.packet_ms, crypto: tag.map(|tag| (tag, key)) };
            stream.write(&mut text, &media.protocol);
        } else {
            text.push_str(&format!("m={} 0 {} {}\r\n", media.kind, media.protocol, if media.formats.is_empty() { "0".to_owned() } else { media.formats.join(" ") }));
        }
    }
    Ok((text, agreed))
}

/// The codec of theirs that stands first with us.
fn preferred(media: &Media, local: &LocalMedia) -> Option<(u8, Codec)> {
    local.codecs.iter().find_map(|ours| media.codecs().find(|(_, theirs)| theirs == ours))
}

/// Whether this stream of theirs is to be encrypted, if it can be taken at all.
fn is_encrypted(media: &Media, policy: SrtpPolicy) -> Result<bool, SdpError> {
    let secure = match policy {
        SrtpPolicy::Never => false,
        SrtpPolicy::Offered => media.is_secure() || !media.keys.is_empty(),
        SrtpPolicy::Required => true,
    };
    let fits = policy == SrtpPolicy::Offered || media.is_secure() == secure;
    if fits && (!secure || !media.keys.is_empty()) { Ok(secure) } else { Err(SdpError::Encryption) }
}

fn agree(media: &Media, local: &LocalMedia, codec: Codec, hold: Direction, key: &SrtpKey) -> Result<(NegotiatedMedia, Option<u32>), SdpError> {
    let address = media.address.ok_or(SdpError::NoAudio)?;
    let secure = is_encrypted(media, local.srtp)?;
    let (tag, srtp) = media.keys.first().cloned().filter(|_| secure).map(|(tag, theirs)| (tag, (key.clone(), theirs))).unzip();
    let direction = both_ways(hold, media.direction, address);
    let packet_ms = media.ptime_ms.filter(|ms| (10..=60).contains(ms) && ms % 10 == 0).unwrap_or(20);
    let telephone_event = local.telephone_event.then(|| media.telephone_event()).flatten();
    Ok((NegotiatedMedia { remote: SocketAddr::new(address, media.port), codec, telephone_event, direction, packet_ms, srtp }, tag))
}

/// Audio flows where we want to and they want to. The address of zeroes is an old word for hold (RFC 3264, section 8.4).
fn both_ways(ours: Direction, theirs: Direction, address: IpAddr) -> Direction {
    let sends = |direction| matches!(direction, Direction::SendReceive | Direction::SendOnly);
    let receives = |direction| matches!(direction, Direction::SendReceive | Direction::ReceiveOnly);
    let we_send = sends(ours) && receives(theirs) && !address.is_unspecified();
    let we_receive = receives(ours) && sends(theirs);
    match (we_send, we_receive) {
        (true, true) => Direction::SendReceive,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::ReceiveOnly,
        (false, false) => Direction::Inactive,
    }
}
