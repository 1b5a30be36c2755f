//! What offer and answer (RFC 3264) agree on: the only words that signalling and media share.

use std::net::SocketAddr;

/// A narrowband codec of the telephone network (RFC 3551, ITU-T G.711).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// A-law, static payload type 8.
    Pcma,
    /// µ-law, static payload type 0.
    Pcmu,
}

impl Codec {
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }
}

/// The payload type that we give telephone-event (RFC 4733) when we choose it, and by which we hear keys then.
pub const TELEPHONE_EVENT: u8 = 101;

/// Which way audio may flow (RFC 8866, section 6.7), from our point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    #[default]
    SendReceive,
    SendOnly,
    ReceiveOnly,
    Inactive,
}

/// Whether audio is encrypted (SDP security descriptions, RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SrtpPolicy {
    /// RTP/AVP alone.
    #[default]
    Never,
    /// RTP/AVP with keys beside it (RFC 8643): encrypted with a far end that answers with its own, plain with one that does not.
    Offered,
    /// RTP/SAVP alone: a call whose far end has no keys fails.
    Required,
}

/// One end's SRTP master key and salt for AES_CM_128_HMAC_SHA1_80: 30 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey(pub [u8; 30]);

impl std::fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SrtpKey(…)")
    }
}

/// What we offer, or can accept: our address and what may be agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where we receive RTP.
    pub address: SocketAddr,
    /// In order of preference.
    pub codecs: Vec<Codec>,
    /// Offer telephone-event (RFC 4733) beside the codecs.
    pub telephone_event: bool,
    pub srtp: SrtpPolicy,
}

/// What was agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiatedMedia {
    /// Where the far end receives RTP.
    pub remote: SocketAddr,
    pub codec: Codec,
    /// The payload type of telephone-event, when agreed.
    pub telephone_event: Option<u8>,
    pub direction: Direction,
    /// Milliseconds of audio in a packet that we send; 20 unless the far end asked for another.
    pub packet_ms: u8,
    /// Our key (to send with) and theirs (to receive with), when encrypted.
    pub srtp: Option<(SrtpKey, SrtpKey)>,
}
