//! The asking side of a transaction.

use std::time::{Duration, Instant};

use super::Timers;
use crate::alarm::{Alarm, Alarms};
use crate::hop::{Destination, Hop};
use crate::message::{Message, Method, Name, Start};
use crate::oversize::CONNECT_MAX;
use crate::wire::{Effect, Owner};

/// The branch's number; a CANCEL shares that of its INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientKey {
    pub branch: u64,
    pub cancels: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAlarm {
    /// Timers A and E.
    Retransmit,
    /// Timers B and F, and the wait for a first sign of life.
    GiveUp,
    /// Timers D, K and M.
    Forget,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    Response(Box<Message>),
    /// Nobody answered in time.
    Timeout,
    /// The transport could not deliver it, and perhaps knows why.
    Unreachable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calling, or Trying.
    Asking,
    /// Given up for silence, and watched on: a server that was only slow must not be left ringing.
    Abandoned,
    Proceeding,
    /// A final response came; retransmissions of it are absorbed, an INVITE's is acknowledged again.
    Completed,
    /// An INVITE's 2xx came; each further one goes up (RFC 6026, section 7.2).
    Accepted,
}

/// A request, ready to go.
pub struct Setting {
    pub request: Message,
    pub bytes: Vec<u8>,
    pub to: Destination,
    /// Where it goes as a datagram, when a stream is only tried for its size.
    pub meant: Option<Destination>,
    /// Ends the wait for any answer at all before timer B or F would.
    pub silence_max: Option<Duration>,
}

pub struct Client {
    pub owner: Owner,
    key: ClientKey,
    state: State,
    invites: bool,
    to: Destination,
    /// Where it would have gone as a datagram, had it not been too large for one.
    meant: Option<Destination>,
    silence_max: Duration,
    /// Timer B or F; an alarm before that asks only whether there was any sign of life.
    patience_until: Instant,
    bytes: Vec<u8>,
    /// What an ACK for a failure is made from, and the datagram where no stream is taken; of other requests not kept.
    request: Option<Box<Message>>,
    ack: Vec<u8>,
    interval: Duration,
    /// Once set it may be put off: an alarm that rings earlier is of no account.
    forget_at: Option<Instant>,
}

impl Client {
    /// Sends the request.
    pub fn start(now: Instant, key: ClientKey, owner: Owner, setting: Setting, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) -> Self {
        let Setting { request, bytes, to, meant, silence_max } = setting;
        let invites = request.method() == Some(&Method::Invite);
        effects.push(Effect::Send { to: to.clone(), bytes: bytes.clone(), client: Some(key) });
        let silence_max = silence_max.unwrap_or(timers.patience()).min(timers.patience());
        // Nobody is silent who has not been asked yet.
        let connecting = if meant.is_some() { CONNECT_MAX } else { Duration::ZERO };
        let patience_until = now + connecting + timers.patience();
        alarms.set(now + connecting + silence_max, Alarm::Client(key, ClientAlarm::GiveUp));
        let reliable = to.transport().is_reliable();
        if !reliable {
            alarms.set(now + timers.t1, Alarm::Client(key, ClientAlarm::Retransmit));
        }
        let bytes = if reliable { Vec::new() } else { bytes };
        let kept = invites || meant.is_some();
        Self { owner, key, state: State::Asking, invites, to, meant, silence_max, patience_until, bytes, request: kept.then(|| Box::new(request)), ack: Vec::new(), interval: timers.t1, forget_at: None }
    }

    /// Takes a response; true when the owner shall see it.
    pub fn receive(&mut self, now: Instant, response: &Message, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) -> bool {
        let status = response.status().unwrap_or_default();
        let reliable = self.to.transport().is_reliable();
        match self.state {
            State::Asking | State::Abandoned | State::Proceeding if status < 200 => {
                self.state = State::Proceeding;
                true
            }
            State::Asking | State::Abandoned | State::Proceeding if self.invites && status < 300 => {
                self.state = State::Accepted;
                self.forget(now + timers.patience(), alarms);
                true
            }
            State::Asking | State::Abandoned | State::Proceeding => {
                self.state = State::Completed;
                let linger = match (self.invites, reliable) {
                    (_, true) => Duration::ZERO,
                    (true, false) => timers.patience(),
                    (false, false) => timers.t4,
                };
                if self.invites {
                    self.acknowledge(response, effects);
                }
                self.forget(now + linger, alarms);
                true
            }
            State::Accepted => (200..300).contains(&status),
            State::Completed => {
                if self.invites && status >= 300 {
                    self.send_ack(effects);
                }
                false
            }
        }
    }

    /// What an alarm means; the outcome, if this was the last of it, and whether the transaction is over.
    pub fn ring(&mut self, now: Instant, alarm: ClientAlarm, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) -> (Option<Outcome>, bool) {
        match alarm {
            ClientAlarm::Retransmit => {
                let again = match self.state {
                    State::Asking => true,
                    State::Proceeding => !self.invites,
                    State::Abandoned | State::Completed | State::Accepted => false,
                };
                if again {
                    // Whoever is still being looked up is sent to once they are found.
                    if !matches!(self.to, Destination::Name { .. }) {
                        effects.push(Effect::Send { to: self.to.clone(), bytes: self.bytes.clone(), client: Some(self.key) });
                    }
                    self.interval = match (self.invites, self.state) {
                        (true, _) => self.interval * 2,
                        (false, State::Proceeding) => timers.t2,
                        (false, _) => (self.interval * 2).min(timers.t2),
                    };
                    alarms.set(now + self.interval, Alarm::Client(self.key, ClientAlarm::Retransmit));
                }
                (None, false)
            }
            ClientAlarm::GiveUp => match self.state {
                State::Asking if self.invites => {
                    self.state = State::Abandoned;
                    self.forget_after(now + timers.patience(), alarms);
                    (Some(Outcome::Timeout), false)
                }
                State::Asking => (Some(Outcome::Timeout), true),
                // An INVITE may ring for as long as its owner likes; all else must be over by now.
                State::Proceeding if !self.invites && now < self.patience_until => {
                    alarms.set(self.patience_until, Alarm::Client(self.key, ClientAlarm::GiveUp));
                    (None, false)
                }
                State::Proceeding if !self.invites => (Some(Outcome::Timeout), true),
                _ => (None, false),
            },
            ClientAlarm::Forget => (None, self.forget_at.is_none_or(|at| now >= at)),
        }
    }

    /// The transport could not deliver: true if that is an outcome.
    #[must_use]
    pub fn fails(&self) -> bool {
        matches!(self.state, State::Asking | State::Proceeding)
    }

    /// The name that it was sent to was looked up: it goes to this server, and stays with it. With others to try, not for long. False when
    /// it waits for no name.
    pub fn goes_to(&mut self, now: Instant, hop: Hop, silence_max: Option<Duration>, alarms: &mut Alarms) -> bool {
        if !matches!(self.to, Destination::Name { .. }) || !self.fails() {
            return false;
        }
        self.to = Destination::Hop(hop);
        if let Some(silence_max) = silence_max {
            alarms.set(now + silence_max.min(self.silence_max), Alarm::Client(self.key, ClientAlarm::GiveUp));
        }
        true
    }

    /// Where it went.
    #[must_use]
    pub fn to(&self) -> &Destination {
        &self.to
    }

    /// Where its owner sent it: a stream that was taken for its size alone is no word on what follows.
    #[must_use]
    pub fn meant(&self) -> &Destination {
        self.meant.as_ref().unwrap_or(&self.to)
    }

    /// Where it goes as a datagram, while nobody has answered on the stream that was tried for its size.
    #[must_use]
    pub fn on_trial(&self) -> Option<&Destination> {
        self.meant.as_ref().filter(|_| self.to.transport().is_reliable() && matches!(self.state, State::Asking | State::Abandoned))
    }

    /// No stream is taken there: the same request as a datagram, however large (RFC 3261, section 18.1.1).
    pub fn fall_back(&mut self, now: Instant, via: String, timers: &Timers, alarms: &mut Alarms, effects: &mut Vec<Effect>) {
        let (Some(meant), Some(request)) = (self.meant.take(), self.request.as_deref_mut()) else { return };
        request.set_via(via);
        self.bytes = request.write();
        self.to = meant;
        if !self.invites {
            self.request = None;
        }
        effects.push(Effect::Send { to: self.to.clone(), bytes: self.bytes.clone(), client: Some(self.key) });
        alarms.set(now + self.silence_max, Alarm::Client(self.key, ClientAlarm::GiveUp));
        alarms.set(now + timers.t1, Alarm::Client(self.key, ClientAlarm::Retransmit));
    }

    /// The CANCEL of this INVITE (RFC 3261, section 9.1), if it is still to be cancelled.
    #[must_use]
    pub fn cancel(&self) -> Option<Message> {
        let request = self.request.as_deref().filter(|_| self.invites)?;
        (self.state == State::Proceeding).then(|| beside(request, Method::Cancel, request.get(&Name::To).unwrap_or_default()))
    }

    fn forget(&mut self, at: Instant, alarms: &mut Alarms) {
        self.bytes = Vec::new();
        self.request = self.request.take().filter(|_| self.state == State::Proceeding);
        self.forget_after(at, alarms);
    }

    fn forget_after(&mut self, at: Instant, alarms: &mut Alarms) {
        self.forget_at = Some(at);
        alarms.set(at, Alarm::Client(self.key, ClientAlarm::Forget));
    }

    /// An INVITE whose CANCEL was sent, and which may never have a final response. It outlives its call's patience,
    /// since an answer may come even then.
    pub fn cancelled(&mut self, now: Instant, timers: &Timers, alarms: &mut Alarms) {
        self.forget_after(now + timers.patience() * 2, alarms);
    }

    fn acknowledge(&mut self, response: &Message, effects: &mut Vec<Effect>) {
        if let Some(request) = self.request.as_deref() {
            self.ack = beside(request, Method::Ack, response.get(&Name::To).unwrap_or_default()).write();
            self.send_ack(effects);
        }
    }

    fn send_ack(&self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Send { to: self.to.clone(), bytes: self.ack.clone(), client: None });
    }
}

/// An ACK or CANCEL that goes beside its INVITE: the same first Via, URI, Call-ID, From, Route and number.
fn beside(invite: &Message, method: Method, to: &str) -> Message {
    let uri = match &invite.start {
        Start::Request { uri, .. } => uri.clone(),
        Start::Response { .. } => String::new(),
    };
    let number = invite.cseq().map_or(0, |(number, _)| number);
    let mut message = Message::request(method.clone(), uri);
    for name in [Name::Via, Name::From, Name::CallId, Name::MaxForwards] {
        if let Some(value) = invite.get(&name) {
            message.push(name, value);
        }
    }
    for route in invite.all(&Name::Route) {
        message.push(Name::Route, route);
    }
    message.push(Name::To, to);
    message.push(Name::CSeq, format!("{number} {method}"));
    message
}
