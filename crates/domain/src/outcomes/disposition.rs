//! Our one word for how an attempt ended.

use crate::word::words;

words! {
    pub enum Disposition {
        /// The carrier has it; no receipt yet.
        Accepted = "accepted",
        Delivered = "delivered",
        /// The carrier gave up within the validity period.
        Expired = "expired",
        /// The carrier or the handset refused it.
        Undeliverable = "undeliverable",
        /// The number is not in service.
        InvalidNumber = "invalid_number",
        /// The carrier blocks this message, sender or person.
        Blocked = "blocked",
        /// The carrier refused the submission.
        Rejected = "rejected",
        /// No trunk could take it.
        NoRoute = "no_route",
        /// Caught between the wire and its answer: it may or may not have been sent, and is never resent by itself.
        Unknown = "unknown",
    }
}

impl Disposition {
    /// No later receipt is expected.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Accepted
    }
}
