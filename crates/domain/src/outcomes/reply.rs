//! What an inbound message means.

use crate::word::words;

words! {
    /// What the machine made of a reply.
    pub enum ReplyMeaning {
        Stop = "stop",
        /// Stops, and a person should look as well.
        StopReview = "stop_review",
        /// Holds a word of stopping inside a longer sentence: sends pause until a person decides.
        Unsure = "unsure",
        Start = "start",
        Help = "help",
        Other = "other",
    }
}
