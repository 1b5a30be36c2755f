//! The life of one loaded file or batch.

use crate::word::words;

words! {
    /// Where an import stands. Nothing is in the contacts before `loaded`; a failure leaves nothing behind.
    pub enum ImportState {
        /// The file is being received.
        Receiving = "receiving",
        /// Received whole; a worker will read its head.
        Received = "received",
        /// Head read, a mapping is proposed and waits for somebody's confirmation.
        AwaitingMapping = "awaiting_mapping",
        /// The same bytes were loaded before; waits for a yes.
        AwaitingRepeat = "awaiting_repeat",
        Ready = "ready",
        Loading = "loading",
        Loaded = "loaded",
        Failed = "failed",
        Cancelled = "cancelled",
        /// It is being taken back: the people whom it brought are removed.
        Undoing = "undoing",
        Undone = "undone",
    }
}

words! {
    pub enum ImportSource {
        Portal = "portal",
        Api = "api",
        Command = "command",
        Sftp = "sftp",
        /// Pulled from a client's system.
        Connector = "connector",
    }
}
