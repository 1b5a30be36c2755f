//! What passes between the sending loop and a trunk's driver, whatever the protocol.

use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::cause::Cause;
use clarion_smpp::client::RequestId;
use clarion_smpp::pdu::ShortMessage;

/// One thing to send: a part of a message over SMPP, a whole message over HTTP.
#[derive(Debug, Clone)]
pub(crate) enum WirePart {
    Smpp { message: Box<ShortMessage>, segments: u32 },
    Http(HttpMessage),
}

impl WirePart {
    /// A part that came back does not say what it counts; its flight does.
    pub(crate) fn counted(self, counts: u32) -> Self {
        match self {
            Self::Smpp { message, .. } => Self::Smpp { message, segments: counts },
            http => http,
        }
    }
}

/// What an HTTP provider is told.
#[derive(Clone)]
pub(crate) struct HttpMessage {
    pub to: String,
    pub from: String,
    pub text: String,
    /// Ours, for the provider to give back.
    pub reference: String,
    pub segments: u32,
}

impl std::fmt::Debug for HttpMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpMessage").field("reference", &self.reference).field("segments", &self.segments).finish_non_exhaustive()
    }
}

/// A message made ready for one trunk.
pub(crate) struct Prepared {
    /// What it costs and counts against the rate.
    pub segments: u16,
    pub parts: Vec<WirePart>,
}

/// The fate of one part.
#[derive(Debug)]
pub(crate) enum WireOutcome {
    Accepted { message_id: String },
    /// Refused for our rate: comes back, to be sent again.
    Throttled(WirePart),
    Rejected(Cause),
    /// Written and not answered. Never sent again.
    Lost,
    /// Surely not written.
    NotSent(WirePart),
}

/// How to acknowledge what came in, once it is safe in the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledge {
    pub bind: usize,
    pub request: RequestId,
}

/// A receipt or a reply as it came.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub acknowledge: Acknowledge,
    pub message: Box<ShortMessage>,
}

/// What a trunk reports.
#[derive(Debug)]
pub(crate) enum WireEvent {
    Result { trunk: TrunkId, token: u64, outcome: WireOutcome },
    /// The answer to something that was told as `Lost`: its time had run out.
    Late { trunk: TrunkId, token: u64, outcome: WireOutcome },
    Inbound { trunk: TrunkId, inbound: Inbound },
    /// A bind came up or went down.
    Changed { trunk: TrunkId },
}
