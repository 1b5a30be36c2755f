//! A reason not to contact until it ends.

use crate::time::Instant;
use crate::word::words;

words! {
    pub enum HoldReason {
        BreathingSpace = "breathing_space",
        Dispute = "dispute",
        Capacity = "capacity",
        Complaint = "complaint",
        /// A reply held something that reads like a stop; a person must look.
        ReplyReview = "reply_review",
        Restricted = "restricted",
        Other = "other",
    }
}

/// One hold on the person. `until` is when it is expected to end; whether it then ends by itself is the rule's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub reason: HoldReason,
    pub until: Option<Instant>,
}
