//! The answering side of a transaction.

use std::time::{Duration, Instant};

use super::Timers;
use crate::alarm::{Alarm, Alarms};
use crate::call::CallKey;
use crate::hop::Destination;
use crate::message::{Message, Method};
use crate::wire::Effect;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerKey(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerAlarm {
    /// Timer G.
    Retransmit,
    /// Timers H, I, J and L.
    Forget,
}

/// What a request was to the transactions.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    New(ServerKey),
    /// An ACK that belongs to a 2xx, and so to a dialog.
    Ack,
    /// Seen before, and answered again.
    Absorbed,
    /// A CANCEL; the INVITE that it is for, if we have it.
    Cancel { own: ServerKey, invite: Option<ServerKey> },
    /// More transactions than we can hold are open.
    Overload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
}

pub struct Server {
    key: ServerKey,
    state: State,
    invites: bool,
    to: Destination,
    last: Vec<u8>,
    interval: Duration,
    /// Under which it is found.
    pub name: String,
    /// Whose INVITE it is.
    pub call: Option<CallKey>,
    /// The tag that we put into To.
    pub tag: String,
}

impl Server {
    #[must_use]
    pub fn new(key: ServerKey, name: String, request: &Message, to: Destination, tag: String) -> Self {
        Self { key, state: State::Proceeding, invites: request.method() == Some(&Method::Invite), to, last: Vec::new(), interval: Duration::ZERO, name, call: None, tag }
    }

    /// The same request again: it gets the same answer.
    pub fn again(&self, effects: &mut Vec<Effect>) {
        if !self.last.is_empty() && matches!(self.state, State::Proceeding | State::Completed) {
            effects.push(Effect::Send { to: self.to.clone(), bytes: self.last.clone(), client: None });
        }
    }

    /// An ACK for a failure: nothing is sent again.
    pub fn acknowledged(&mut self, now: Instant, timers: &Timers, alarms: &mut Alarms) {
        if self.state == State::Completed {
            self.state = State::Confirmed;
            self.last = Vec::new();
            let linger = if self.to.transport().is_reliable() { Duration::ZERO } else { timers.t4 };
            alarms.set(now + linger, Alarm::Server(self.key, ServerAlarm::Forget));
        }
    }

    pub fn respond(&mut self, now: Instant, response: &Message, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) {
        if self.state != State::Proceeding {
            return;
        }
        let status = response.status().unwrap_or_default();
        self.last = response.write();
        effects.push(Effect::Send { to: self.to.clone(), bytes: self.last.clone(), client: None });
        if status < 200 {
            return;
        }
        let reliable = self.to.transport().is_reliable();
        self.state = if self.invites && status < 300 { State::Accepted } else { State::Completed };
        let linger = if !self.invites && reliable { Duration::ZERO } else { timers.patience() };
        alarms.set(now + linger, Alarm::Server(self.key, ServerAlarm::Forget));
        if self.state == State::Accepted {
            // Its dialog repeats a 2xx.
            self.last = Vec::new();
        } else if self.invites && !reliable {
            self.interval = timers.t1;
            alarms.set(now + self.interval, Alarm::Server(self.key, ServerAlarm::Retransmit));
        }
    }

    /// True when the transaction is over.
    pub fn ring(&mut self, now: Instant, alarm: ServerAlarm, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) -> bool {
        match alarm {
            ServerAlarm::Forget => true,
            ServerAlarm::Retransmit => {
                if self.state == State::Completed {
                    self.again(effects);
                    self.interval = (self.interval * 2).min(timers.t2);
                    alarms.set(now + self.interval, Alarm::Server(self.key, ServerAlarm::Retransmit));
                }
                false
            }
        }
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Proceeding
    }

    #[must_use]
    pub fn to(&self) -> &Destination {
        &self.to
    }
}
