//! A configured connection to a carrier.

use crate::word::words;

words! {
    pub enum TrunkKind {
        Smpp = "smpp",
        Http = "http",
        /// Carries calls, not messages.
        Sip = "sip",
    }
}

words! {
    /// What a trunk is doing, as its node last said.
    pub enum TrunkState {
        Disabled = "disabled",
        Connecting = "connecting",
        Up = "up",
        /// Some binds are up and some are not.
        Degraded = "degraded",
        Waiting = "waiting",
        /// The carrier refused us: a wrong password, an unknown account.
        Refused = "refused",
    }
}
