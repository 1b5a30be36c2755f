//! One audited act.

use crate::word::words;

words! {
    /// What was done. The object and its identifier stand beside it; personal data never does.
    pub enum Act {
        SignedIn = "signed_in",
        SignInRefused = "sign_in_refused",
        SignedOut = "signed_out",
        Created = "created",
        Changed = "changed",
        Deleted = "deleted",
        Loaded = "loaded",
        Started = "started",
        Scheduled = "scheduled",
        Paused = "paused",
        Resumed = "resumed",
        Cancelled = "cancelled",
        Finished = "finished",
        Suppressed = "suppressed",
        Unsuppressed = "unsuppressed",
        Revealed = "revealed",
        /// A recording was heard or downloaded.
        Listened = "listened",
        Labelled = "labelled",
        Exported = "exported",
        Erased = "erased",
        Swept = "swept",
        TestSent = "test_sent",
        /// Somebody wants what needs a second person.
        Asked = "asked",
        Approved = "approved",
        Refused = "refused",
        Withdrawn = "withdrawn",
    }
}
