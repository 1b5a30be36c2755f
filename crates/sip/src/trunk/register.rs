//! REGISTER where a trunk wants it (RFC 3261, section 10): kept fresh, with the registrar's own terms.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{TrunkAlarm, TrunkPurpose, Watch};
use crate::alarm::Alarm;
use crate::auth::{Challenge, strongest};
use crate::cause::retry_after;
use crate::chance::Chance;
use crate::hop::{Destination, Hop};
use crate::message::{Message, Method, Name};
use crate::name_addr::NameAddr;
use crate::transaction::{ClientKey, Outcome};
use crate::uri::{Uri, escape_user};
use crate::wire::{Owner, Wire};

/// After a failure, doubled with each further one.
const AGAIN_MIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(300);
const TRIES_MAX: u8 = 3;

pub struct Register {
    call_id: String,
    tag: String,
    number: u32,
    challenge: Option<Challenge>,
    expires_min: Option<Duration>,
    key: Option<ClientKey>,
    /// The Contact that was sent: behind a translator none of those that we know as ours.
    contact: Option<Uri>,
    /// Second tries in a row: credentials, or a longer interval.
    tries: u8,
    failures: u32,
    fault: Option<String>,
}

impl Register {
    pub fn new(chance: &mut dyn Chance) -> Self {
        Self { call_id: chance.token(), tag: chance.token(), number: 0, challenge: None, expires_min: None, key: None, contact: None, tries: 0, failures: 0, fault: Some("registering".to_owned()) }
    }

    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// No outcome has been seen yet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.failures == 0
    }
}

impl Watch {
    pub(super) fn register_now(&mut self, wire: &mut Wire, now: Instant) {
        if let Some(registration) = self.config.registration {
            self.send_register(wire, now, registration.expires);
        }
    }

    pub(super) fn register_due(&mut self, wire: &mut Wire, now: Instant, number: u32) {
        if number == self.register.number {
            self.register.tries = 0;
            self.register_now(wire, now);
        }
    }

    /// Both keep one binding: the same user of the same domain.
    #[must_use]
    pub fn registers_as(&self, other: &Self) -> bool {
        let registered = |watch: &Self| watch.config.registration.and(watch.config.credentials.as_ref()).map(|who| (who.user.clone(), watch.config.domain().to_owned()));
        registered(self).is_some() && registered(self) == registered(other)
    }

    /// Leaves the registrar, best effort.
    pub fn leave(&mut self, wire: &mut Wire, now: Instant) {
        if self.config.registration.is_some() && self.register.fault.is_none() {
            self.register.expires_min = None;
            self.send_register(wire, now, Duration::ZERO);
        }
    }

    fn send_register(&mut self, wire: &mut Wire, now: Instant, expires: Duration) {
        let order: Vec<Hop> = self.servers.order(now, &mut *wire.chance);
        // Each failure goes on to the next server.
        let hop = order.get(self.register.failures as usize % order.len().max(1)).cloned();
        let (Some(hop), Some(who)) = (hop, self.config.credentials.clone()) else {
            let why = if self.config.credentials.is_none() { "registration needs credentials" } else { "no server to register with" };
            return self.register_again(wire, now, None, why);
        };
        let to = Destination::Hop(hop);
        let domain = Uri::sip(None, self.config.domain(), None).to_string();
        let user = escape_user(&who.user);
        let us = NameAddr::new(Uri::sip(Some(&user), self.config.domain(), None));
        let register = &mut self.register;
        register.number += 1;
        let mut request = Message::request(Method::Register, domain.clone());
        request.push(Name::From, us.clone().with_tag(&register.tag).to_string());
        request.push(Name::To, us.to_string());
        request.push(Name::CallId, register.call_id.as_str());
        request.push(Name::CSeq, format!("{} REGISTER", register.number));
        let contact = wire.contact(&to);
        register.contact = NameAddr::parse(&contact).ok().map(|contact| contact.uri);
        request.push(Name::Contact, contact);
        let expires = register.expires_min.map_or(expires, |min| expires.max(min));
        request.push(Name::Expires, expires.as_secs().to_string());
        if let Some(challenge) = register.challenge.as_mut() {
            let value = challenge.answer(&who, "REGISTER", &domain, b"", &wire.chance.token());
            request.push(challenge.header(), value);
        }
        register.key = Some(wire.request(now, Owner::Trunk(self.key, TrunkPurpose::Register), request, to, Some(self.config.silence_max)));
    }

    pub(super) fn registered(&mut self, wire: &mut Wire, now: Instant, key: ClientKey, outcome: Outcome) {
        if self.register.key != Some(key) {
            return;
        }
        let response = match outcome {
            Outcome::Response(response) if response.status().is_some_and(|status| status < 200) => return,
            Outcome::Response(response) => response,
            Outcome::Timeout => return self.register_again(wire, now, None, "the registrar does not answer"),
            Outcome::Unreachable(why) if why.is_empty() => return self.register_again(wire, now, None, "the registrar cannot be reached"),
            Outcome::Unreachable(why) => return self.register_again(wire, now, None, &format!("the registrar cannot be reached: {why}")),
        };
        let register = &mut self.register;
        register.key = None;
        let status = response.status().unwrap_or_default();
        match status {
            200..300 => {
                let granted = granted(register.contact.as_ref(), &response).unwrap_or(self.config.registration.map_or(AGAIN_MAX, |registration| registration.expires));
                (register.fault, register.failures, register.tries) = (None, 0, 0);
                // Early enough for a few tries before it lapses.
                let refresh = granted.saturating_sub(Duration::from_secs(30)).max(granted / 2).max(Duration::from_secs(1));
                wire.alarm(now + refresh, Alarm::Trunk(self.key, TrunkAlarm::Register(register.number)));
            }
            401 | 407 if register.tries < TRIES_MAX => {
                register.tries += 1;
                let fresh = strongest(&response);
                let refused = register.tries > 1 && fresh.as_ref().is_none_or(|fresh| !fresh.is_stale());
                register.challenge = fresh;
                if register.challenge.is_none() || refused {
                    return self.register_again(wire, now, None, "the registrar refuses the credentials");
                }
                self.register_now(wire, now);
            }
            423 if register.tries < TRIES_MAX => {
                register.tries += 1;
                register.expires_min = response.number(&Name::MinExpires).map(|seconds| Duration::from_secs(u64::from(seconds.min(86_400))));
                self.register_now(wire, now);
            }
            401 | 403 | 407 => self.register_again(wire, now, None, "the registrar refuses the credentials"),
            _ => self.register_again(wire, now, retry_after(&response), &format!("the registrar answered {status}")),
        }
    }

    fn register_again(&mut self, wire: &mut Wire, now: Instant, wait: Option<Duration>, why: &str) {
        let register = &mut self.register;
        let doubled = AGAIN_MIN * (1 << register.failures.min(6));
        register.failures += 1;
        register.fault = Some(why.to_owned());
        let wait = wait.unwrap_or(doubled).clamp(AGAIN_MIN, AGAIN_MAX);
        wire.alarm(now + wait, Alarm::Trunk(self.key, TrunkAlarm::Register(register.number)));
    }
}

/// The interval that the registrar gave the Contact that we sent, or all.
fn granted(sent: Option<&Uri>, response: &Message) -> Option<Duration> {
    let place = |uri: &Uri| (uri.host.parse::<IpAddr>().map_err(|_| uri.host.to_ascii_lowercase()), uri.port.unwrap_or(5060));
    let ours = |contact: &NameAddr| sent.is_some_and(|sent| place(&contact.uri) == place(sent));
    let own = response.list(&Name::Contact).filter_map(|value| NameAddr::parse(value).ok()).find(ours);
    let seconds = own.and_then(|contact| contact.params.get("expires").and_then(|seconds| seconds.trim().parse::<u32>().ok())).or(response.number(&Name::Expires))?;
    Some(Duration::from_secs(u64::from(seconds.clamp(1, 86_400))))
}
