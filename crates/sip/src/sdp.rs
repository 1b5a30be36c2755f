//! Session descriptions (RFC 8866) of one audio stream, and what offer and answer agree on (RFC 3264).

mod base64;
mod negotiate;
mod read;
mod write;

pub use negotiate::{SdpError, answer, settle};
pub use read::{Description, Media, parse};
pub use write::{Origin, offer};

const SRTP_SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
