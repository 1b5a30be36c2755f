//! How long each class of record is kept, and why.

use crate::word::words;

words! {
    /// A class of record with a clock of its own.
    pub enum RecordClass {
        ContactRow = "contact_row",
        AttemptMetadata = "attempt_metadata",
        MessageBody = "message_body",
        SourceFile = "source_file",
        Suppression = "suppression",
        ConsentProof = "consent_proof",
        PortalActivity = "portal_activity",
        RightsRequest = "rights_request",
        AuditEvent = "audit_event",
    }
}
