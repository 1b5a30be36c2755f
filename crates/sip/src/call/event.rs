//! What a call tells its owner.

use std::net::SocketAddr;
use std::time::Instant;

use crate::cause::CallEnd;
use crate::message::Header;
use crate::name_addr::NameAddr;
use crate::negotiated::NegotiatedMedia;
use crate::uri::Uri;

/// Times are of the monotonic clock, taken when the packet was read.
#[derive(Debug, Clone, PartialEq)]
pub enum CallEvent {
    /// A server has the call: the first provisional response.
    Trying { at: Instant },
    /// 180, or 183 with what the network plays: it rings at the far end.
    Ringing { at: Instant },
    /// Audio before the answer (183, or a 180 with a description), or it moved.
    EarlyMedia(NegotiatedMedia),
    Answered { at: Instant, media: NegotiatedMedia },
    /// Either side changed the audio: hold, resume, another address.
    MediaChanged(NegotiatedMedia),
    /// The far end did not agree to a change of ours; the audio stays as it was.
    MediaRefused { status: u16 },
    /// How our transfer goes on (RFC 3515).
    Refer(ReferProgress),
    /// The far end wants us to call somewhere else; answer with `accept_transfer` or `refuse_transfer`.
    TransferWanted { target: String },
    /// A key sent by INFO (application/dtmf-relay or application/dtmf).
    Key(char),
    /// The last event of every call.
    Ended(CallEnd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferProgress {
    /// The far end will try.
    Accepted,
    /// What it hears from the target: 100, 180 …
    Trying(u16),
    /// The target answered, or did not: a final status. Below 200 the far end tells no more, and not how it ended.
    Done(u16),
    /// The far end will not try.
    Refused(u16),
}

/// An INVITE that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingRequest {
    pub source: SocketAddr,
    pub uri: Uri,
    pub from: NameAddr,
    pub to: NameAddr,
    /// P-Asserted-Identity, as far as the source is to be believed.
    pub asserted: Option<NameAddr>,
    /// Whether it holds an offer; without one ours goes out with the answer.
    pub offers: bool,
    /// All headers, in their order.
    pub headers: Vec<Header>,
}
