//! An attempt's states and the moves between them.

use crate::word::words;

words! {
    /// Where an attempt stands. What a crash leaves between the wire and its answer becomes `unknown`.
    pub enum AttemptState {
        /// Claimed: the row before the wire.
        Claimed = "claimed",
        /// The carrier took it; its receipt is awaited.
        Accepted = "accepted",
        /// Settled with a disposition.
        Settled = "settled",
    }
}
