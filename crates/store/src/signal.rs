//! A worker wakes by a signal of this process or by its poll; other nodes are found by the poll.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// What a worker waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// An import has something to do.
    Intake,
    /// A campaign was started, paused, resumed or cancelled.
    Campaigns,
    /// A notice waits to be sent.
    Notices,
    /// A trunk or a route was changed.
    Carriers,
    /// A campaign began or ceased to run.
    Sending,
    /// A voice campaign, its targets or its trunks have changed.
    Calls,
    /// A recording is to be paused or to go on.
    Recordings,
    /// An event waits for an endpoint, or an endpoint was changed.
    Webhooks,
    /// A connector or an export has something to do.
    Connectors,
    /// A name for short links is to be looked at.
    Links,
}

/// The signals of one process.
#[derive(Clone, Default)]
pub struct Signals(Arc<[Notify; 10]>);

impl Signals {
    fn of(&self, signal: Signal) -> &Notify {
        &self.0[signal as usize]
    }

    /// Wakes whoever waits; kept for the next wait when nobody does.
    pub fn raise(&self, signal: Signal) {
        self.of(signal).notify_one();
        if signal == Signal::Campaigns {
            self.of(Signal::Sending).notify_one();
        }
        if matches!(signal, Signal::Campaigns | Signal::Carriers) {
            self.of(Signal::Calls).notify_one();
        }
    }

    /// Returns at the signal, and after `poll` at the latest.
    pub async fn wait(&self, signal: Signal, poll: Duration) {
        let _elapsed = tokio::time::timeout(poll, self.of(signal).notified()).await;
    }
}
