//! Consent given or withdrawn, with its evidence.

use crate::campaigns::campaign::Channel;
use crate::time::Instant;
use crate::word::words;

words! {
    pub enum ConsentState {
        Given = "given",
        Withdrawn = "withdrawn",
    }
}

words! {
    /// In which dealings the sender itself obtained the number (UK PECR reg. 22(3)(a)). A bought list is `other`.
    pub enum ObtainedIn {
        Sale = "sale",
        Negotiation = "negotiation",
        Other = "other",
    }
}

/// What a soft opt-in rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftOptIn {
    pub obtained_in: ObtainedIn,
    /// The person could refuse, free of charge, when the number was obtained.
    pub refusal_offered: bool,
}

/// One record of the consent ledger about this person and tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub channel: Channel,
    pub state: ConsentState,
    /// When it was given, or withdrawn.
    pub at: Instant,
    pub expires_at: Option<Instant>,
    /// The wording, the source and the way in which it was given are on record.
    pub has_evidence: bool,
}
