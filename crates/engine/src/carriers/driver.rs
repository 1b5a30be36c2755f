//! The one interface of the two drivers.

use clarion_domain::carriers::trunk::TrunkState;

use super::http::HttpDriver;
use super::smpp::SmppDriver;
use super::wire::{Acknowledge, Prepared, WirePart};

pub(super) enum Driver {
    Smpp(Box<SmppDriver>),
    Http(HttpDriver),
}

/// A text that a trunk cannot carry.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CannotCarry(pub String);

impl Driver {
    /// The state, and in words why it is not up.
    pub(super) fn state(&self) -> (TrunkState, String) {
        match self {
            Self::Smpp(driver) => driver.state(),
            Self::Http(driver) => driver.state(),
        }
    }

    /// Submissions that may be without an answer at the same time.
    pub(super) fn window(&self) -> usize {
        match self {
            Self::Smpp(driver) => driver.window(),
            Self::Http(driver) => driver.window(),
        }
    }

    /// Submissions that wait for the rate, and are not on the wire yet.
    pub(super) fn queued(&self) -> usize {
        match self {
            Self::Smpp(driver) => driver.queued(),
            Self::Http(driver) => driver.queued(),
        }
    }

    /// Segments a second that the carrier takes, as found.
    pub(super) fn rate_per_second(&self) -> f64 {
        match self {
            Self::Smpp(driver) => driver.rate_per_second(),
            Self::Http(driver) => driver.rate_per_second(),
        }
    }

    /// The most that this node may send over it.
    pub(super) fn set_ceiling(&self, per_second: f64) {
        match self {
            Self::Smpp(driver) => driver.set_ceiling(per_second),
            Self::Http(driver) => driver.set_ceiling(per_second),
        }
    }

    pub(super) fn throttled(&self) -> u64 {
        match self {
            Self::Smpp(driver) => driver.throttled(),
            Self::Http(driver) => driver.throttled(),
        }
    }

    pub(super) fn prepare(&self, to: &str, from: &str, text: &str, reference: u64) -> Result<Prepared, CannotCarry> {
        match self {
            Self::Smpp(driver) => driver.prepare(to, from, text, reference),
            Self::Http(driver) => Ok(driver.prepare(to, from, text, reference)),
        }
    }

    /// Sends; every part comes back as exactly one result.
    pub(super) fn submit(&self, parts: Vec<(u64, WirePart)>) {
        match self {
            Self::Smpp(driver) => driver.submit(parts),
            Self::Http(driver) => driver.submit(parts),
        }
    }

    pub(super) fn acknowledge(&self, all: &[Acknowledge]) {
        if let Self::Smpp(driver) = self {
            driver.acknowledge(all);
        }
    }

    pub(super) fn stop(&self) {
        if let Self::Smpp(driver) = self {
            driver.stop();
        }
    }
}
