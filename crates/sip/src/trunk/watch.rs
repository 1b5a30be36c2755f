//! Watching a trunk: look-ups, OPTIONS to each server, REGISTER where wanted, and the state that comes of it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::register::Register;
use super::{Condition, Found, Servers, TrunkAlarm, TrunkConfig, TrunkKey, TrunkPurpose, TrunkState};
use crate::alarm::Alarm;
use crate::call::CallKey;
use crate::cause::retry_after;
use crate::hop::{Destination, Hop};
use crate::message::{Message, Method, Name};
use crate::name_addr::NameAddr;
use crate::transaction::{ClientKey, Outcome};
use crate::uri::Uri;
use crate::wire::{Effect, Noted, Owner, Wire};

/// After a look-up that failed.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

pub struct Watch {
    pub key: TrunkKey,
    pub config: TrunkConfig,
    pub servers: Servers,
    /// Calls that wait for the first look-up.
    pub waiting: VecDeque<CallKey>,
    resolved: bool,
    fault: Option<String>,
    pings: HashMap<ClientKey, SocketAddr>,
    pub(super) register: Register,
    state: TrunkState,
}

impl Watch {
    pub fn start(wire: &mut Wire, now: Instant, key: TrunkKey, config: TrunkConfig) -> Self {
        wire.effects.push(Effect::Resolve { trunk: key });
        let state = TrunkState { condition: Condition::Starting, reason: "not yet asked".to_owned(), since: now };
        let register = Register::new(&mut *wire.chance);
        Self { key, config, servers: Servers::default(), waiting: VecDeque::new(), resolved: false, fault: None, pings: HashMap::new(), register, state }
    }

    /// Whether calls may be tried at once; otherwise they wait for the first look-up.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.resolved
    }

    /// What the look-up found, or why it did not.
    pub fn found(&mut self, wire: &mut Wire, now: Instant, found: Result<Vec<Found>, String>) {
        let first = !std::mem::replace(&mut self.resolved, true);
        let wait = match found {
            Ok(found) if !found.is_empty() => {
                let before: Vec<Hop> = self.servers.hops().cloned().collect();
                self.servers.replace(found);
                self.fault = None;
                let fresh = self.servers.hops().any(|hop| !before.contains(hop));
                if fresh && self.config.options_interval.is_some() {
                    self.ping(wire, now, &before);
                }
                self.config.resolve_interval
            }
            // What is known stays in use: a name server that is away must not end calls.
            Ok(_) => self.not_found("the trunk's hosts have no address"),
            Err(why) => self.not_found(&why),
        };
        // Addresses need no second look.
        if self.config.hosts.iter().any(|host| host.host.parse::<std::net::IpAddr>().is_err()) {
            wire.alarm(now + wait, Alarm::Trunk(self.key, TrunkAlarm::Resolve));
        }
        if first {
            if let Some(interval) = self.config.options_interval {
                wire.alarm(now + interval, Alarm::Trunk(self.key, TrunkAlarm::Ping));
            }
            self.register_now(wire, now);
        }
        self.review(wire, now);
    }

    fn not_found(&mut self, why: &str) -> Duration {
        self.fault = Some(why.to_owned());
        RESOLVE_AGAIN.min(self.config.resolve_interval)
    }

    pub fn ring(&mut self, wire: &mut Wire, now: Instant, alarm: TrunkAlarm) {
        match alarm {
            TrunkAlarm::Resolve => wire.effects.push(Effect::Resolve { trunk: self.key }),
            TrunkAlarm::Ping => {
                self.ping(wire, now, &[]);
                if let Some(interval) = self.config.options_interval {
                    wire.alarm(now + interval, Alarm::Trunk(self.key, TrunkAlarm::Ping));
                }
            }
            TrunkAlarm::Register(number) => self.register_due(wire, now, number),
            TrunkAlarm::Review => self.review(wire, now),
        }
    }

    /// OPTIONS to every server but these.
    fn ping(&mut self, wire: &mut Wire, now: Instant, but: &[Hop]) {
        let hops: Vec<Hop> = self.servers.hops().filter(|hop| !but.contains(hop)).cloned().collect();
        for hop in hops {
            let address = hop.address;
            let to = Destination::Hop(hop);
            let uri = Uri::sip(None, self.config.domain(), None);
            let mut request = Message::request(Method::Options, uri.to_string());
            let user = self.config.credentials.as_ref().map_or("clarion", |who| who.user.as_str());
            let us = NameAddr::new(Uri::sip(Some(&crate::uri::escape_user(user)), self.config.domain(), None));
            request.push(Name::From, us.with_tag(&wire.chance.token()).to_string());
            request.push(Name::To, format!("<{uri}>"));
            request.push(Name::CallId, wire.chance.token());
            request.push(Name::CSeq, "1 OPTIONS");
            request.push(Name::Contact, wire.contact(&to));
            request.push(Name::Accept, "application/sdp");
            let key = wire.request(now, Owner::Trunk(self.key, TrunkPurpose::Ping), request, to, Some(self.config.silence_max));
            self.pings.insert(key, address);
        }
    }

    pub fn outcome(&mut self, wire: &mut Wire, now: Instant, purpose: TrunkPurpose, key: ClientKey, outcome: Outcome) {
        if purpose == TrunkPurpose::Register {
            self.registered(wire, now, key, outcome);
            return self.review(wire, now);
        }
        let what = match &outcome {
            Outcome::Response(response) => match response.status() {
                Some(status) if status < 200 => return,
                Some(503) => Noted::Unavailable(retry_after(response)),
                // 404, 405, 401 …: whoever says so is there.
                _ => Noted::Alive,
            },
            Outcome::Timeout => Noted::Silent,
            Outcome::Unreachable(why) => Noted::Unreachable(why.clone()),
        };
        if let Some(address) = self.pings.remove(&key) {
            self.note(wire, now, address, &what);
        }
    }

    pub fn note(&mut self, wire: &mut Wire, now: Instant, address: SocketAddr, what: &Noted) {
        if self.servers.note(now, address, what) {
            if let Noted::Unavailable(Some(wait)) = what {
                wire.alarm(now + *wait, Alarm::Trunk(self.key, TrunkAlarm::Review));
            }
            self.review(wire, now);
        }
    }

    /// Says so when the state has changed.
    pub(super) fn review(&mut self, wire: &mut Wire, now: Instant) {
        let (condition, reason) = self.judge(now);
        if condition != self.state.condition || reason != self.state.reason {
            let since = if condition == self.state.condition { self.state.since } else { now };
            self.state = TrunkState { condition, reason, since };
            wire.effects.push(Effect::Trunk { trunk: self.key, state: self.state.clone() });
        }
    }

    fn judge(&self, now: Instant) -> (Condition, String) {
        if !self.resolved {
            return (Condition::Starting, "its hosts are being looked up".to_owned());
        }
        let census = self.servers.census(now);
        let mut faults: Vec<String> = self.fault.iter().cloned().collect();
        faults.extend(census.silent.iter().map(|address| format!("{address} does not answer")));
        faults.extend(census.unreachable.iter().map(|(address, why)| format!("{address} cannot be used: {why}")));
        faults.extend(census.barred.iter().map(|address| format!("{address} is unavailable and asked to be left alone for a while")));
        let reason = faults.join("; ");
        // Who is not asked is taken to be there.
        let usable = census.usable + if self.config.options_interval.is_none() { census.unknown } else { 0 };
        if let Some(fault) = self.config.registration.is_some().then(|| self.register.fault()).flatten() {
            let starting = self.register.is_first() && usable + census.unknown > 0;
            return (if starting { Condition::Starting } else { Condition::Down }, fault.to_owned());
        }
        match usable {
            0 if census.unknown > 0 => (Condition::Starting, "its servers are being asked".to_owned()),
            0 => (Condition::Down, reason),
            _ if reason.is_empty() => (Condition::Up, reason),
            _ => (Condition::Degraded, reason),
        }
    }
}
