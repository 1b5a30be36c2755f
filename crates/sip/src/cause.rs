//! Why a call ended: the Reason header (RFC 3326) with causes of Q.850, and the end itself.

use std::time::{Duration, Instant};

use crate::message::{Message, Name};
use crate::params::{Params, quote, split_outside_quotes};

/// Of a far end's words, no more than this is kept.
const TEXT_CHARS_MAX: usize = 120;

/// Normal call clearing.
pub const NORMAL: u8 = 16;

/// Why we hang up, said to the far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HangUp {
    pub q850: u8,
    pub text: String,
}

impl Default for HangUp {
    fn default() -> Self {
        Self { q850: NORMAL, text: "Normal call clearing".to_owned() }
    }
}

impl HangUp {
    #[must_use]
    pub fn header(&self) -> String {
        format!("Q.850;cause={};text={}", self.q850 & 0x7F, quote(&bounded(&self.text)))
    }
}

/// What a message says of why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason {
    pub q850: Option<u8>,
    /// A SIP status, as proxies put into CANCEL: `SIP;cause=200;text="Call completed elsewhere"`.
    pub sip: Option<u16>,
    pub text: Option<String>,
}

impl Reason {
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let mut reason = Self::default();
        for value in message.all(&Name::Reason).flat_map(|value| split_outside_quotes(value, b',')).take(8) {
            let (protocol, params) = value.trim().split_once(';').unwrap_or((value.trim(), ""));
            let params = Params::parse(params);
            let cause = params.get("cause").map(str::trim);
            if protocol.trim().eq_ignore_ascii_case("Q.850") {
                reason.q850 = reason.q850.or(cause.and_then(|cause| cause.parse().ok()).filter(|cause| *cause < 128));
            } else if protocol.trim().eq_ignore_ascii_case("SIP") {
                reason.sip = reason.sip.or(cause.and_then(|cause| cause.parse().ok()));
            }
            reason.text = reason.text.or_else(|| params.get("text").filter(|text| !text.is_empty()).map(bounded));
        }
        reason
    }
}

/// Whose doing the end was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// We hung up, cancelled or refused.
    Us,
    /// The far end did, or refused the call.
    FarEnd,
    /// Nobody answered a request within its time.
    Timeout,
    /// It could not be sent to any server of the trunk.
    Unreachable,
}

/// How a call ended. Times are of the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnd {
    pub by: EndedBy,
    /// The final status of the INVITE, where it was a failure.
    pub sip_status: Option<u16>,
    /// Cause of Q.850, when the far end gave one.
    pub q850: Option<u8>,
    /// A few words, perhaps the far end's: not for logs.
    pub reason: String,
    /// For how long the trunk wants no more calls (503).
    pub retry_after: Option<Duration>,
    pub began_at: Instant,
    pub rang_at: Option<Instant>,
    /// Also set when the answer crossed with our CANCEL: somebody had picked up.
    pub answered_at: Option<Instant>,
    pub ended_at: Instant,
}

impl CallEnd {
    /// From the first ring to the answer or the end.
    #[must_use]
    pub fn ring_time(&self) -> Option<Duration> {
        self.rang_at.map(|rang| self.answered_at.unwrap_or(self.ended_at).saturating_duration_since(rang))
    }
}

/// A far end's words, without control characters and not too many.
#[must_use]
pub fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

/// Retry-After in seconds: a number, perhaps with a comment and parameters.
#[must_use]
pub fn retry_after(message: &Message) -> Option<Duration> {
    message.number(&Name::RetryAfter).map(|seconds| Duration::from_secs(u64::from(seconds.min(86_400))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    #[test]
    fn causes_are_read_from_what_carriers_write() {
        let read = |value: &str| Reason::of(&parse(format!("BYE sip:a SIP/2.0\r\nReason: {value}\r\n\r\n").as_bytes()).expect("a message"));
        assert_eq!(read("Q.850;cause=17;text=\"User busy\""), Reason { q850: Some(17), sip: None, text: Some("User busy".into()) });
        assert_eq!(read("SIP ;cause=200 ;text=\"Call completed, elsewhere\", q.850 ; cause = 16"), Reason { q850: Some(16), sip: Some(200), text: Some("Call completed, elsewhere".into()) });
        assert_eq!(read("Q.850;cause=999"), Reason::default());
        assert_eq!(HangUp { q850: 16, text: "a\r\nb\"".into() }.header(), "Q.850;cause=16;text=\"ab\\\"\"");
        assert_eq!(read(&format!("Q.850;cause=1;text=\"{}\"", "x".repeat(999))).text.map(|text| text.len()), Some(TEXT_CHARS_MAX));
    }
}
