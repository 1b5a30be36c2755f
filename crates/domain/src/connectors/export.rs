//! What goes back to a client of each recipient of a campaign, and in which form.

use crate::word::words;

words! {
    /// A column of an export. Only those that the instruction names are written.
    pub enum ResultField {
        Campaign = "campaign",
        Contact = "contact",
        Outcome = "outcome",
        Why = "why",
        Tries = "tries",
        /// When the last attempt was made.
        TriedAt = "tried_at",
        /// The client's own reference.
        Reference = "reference",
        UserId = "user_id",
        Number = "number",
    }
}

words! {
    pub enum ExportFormat {
        Csv = "csv",
        /// A JSON object a line.
        Jsonl = "jsonl",
    }
}

words! {
    pub enum ExportTarget {
        /// The folder `out/` of an account of the SFTP drop.
        Sftp = "sftp",
        Put = "https_put",
        Post = "https_post",
    }
}

words! {
    pub enum ExportState {
        On = "on",
        Paused = "paused",
        Stopped = "stopped",
    }
}

words! {
    /// Where a file of results stands.
    pub enum ExportFileState {
        Waiting = "waiting",
        /// It lies in `out/`.
        Ready = "ready",
        Delivered = "delivered",
        Failed = "failed",
        /// Its contents are gone: its time had passed, or a person in it was erased.
        Removed = "removed",
    }
}
