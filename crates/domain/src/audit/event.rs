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

/// The kinds of records that an organisation's acts are about, in the order in which they are listed.
pub const OBJECT_KINDS: &[&str] = &[
    "activity", "api_key", "approval", "audit_event", "call", "campaign", "connector", "connector_run", "consent", "contact", "contact profile",
    "declared_field", "export", "export_file", "file_key", "filter", "hold", "import", "instruction", "invitation", "legal_hold", "link_domain",
    "list", "passkey", "preference", "prompt", "recipient", "recording", "reply", "report", "retention", "route", "script", "sender", "sftp_account",
    "short_link", "subject_request", "suppression", "template", "tenant", "transfer target", "trunk", "user", "web_session", "webhook",
    "webhook_event",
];
