//! Transactions (RFC 3261, section 17, corrected by RFC 6026): retransmission and its timers, both sides.

mod client;
mod server;

pub use client::{Client, ClientAlarm, ClientKey, Outcome, Setting};
pub use server::{Server, ServerAlarm, ServerKey, Taken};

use std::time::Duration;

/// The timers of RFC 3261, table 4. The defaults are the standard's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// The round trip assumed.
    pub t1: Duration,
    /// The longest wait between retransmissions.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timers {
    /// Timers B, F, H, J, L and M: when a transaction is given up, or forgotten.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }
}
