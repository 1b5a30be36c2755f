//! Requests within a dialog, theirs and the responses to ours.

use std::time::Instant;

use super::{Call, CallEvent, Phase, Purpose};
use crate::cause::EndedBy;
use crate::hop::{Destination, Hop};
use crate::message::{Message, Method, Name};
use crate::transaction::{ClientKey, Outcome, ServerKey};
use crate::wire::{Owner, Wire};

pub const ALLOWED: &str = crate::message::ALLOW;
/// A request of ours is sent again with credentials at most so often.
const TRIES_MAX: u8 = 2;

impl Call {
    /// The outcome of a request that we sent within a dialog.
    pub fn outcome(&mut self, wire: &mut Wire, now: Instant, key: ClientKey, outcome: Outcome) {
        let place = self.open.iter().position(|open| open.key == key).or_else(|| self.late_answer(&outcome));
        let Some(place) = place else {
            if let Outcome::Response(response) = outcome {
                self.repeated(wire, &response);
            }
            return;
        };
        let response = match outcome {
            Outcome::Response(response) if response.status().is_some_and(|status| status < 200) => return,
            Outcome::Response(response) => Some(response),
            Outcome::Timeout | Outcome::Unreachable(_) => None,
        };
        let mut open = self.open.swap_remove(place);
        if response.as_ref().is_none_or(|response| response.status() == Some(503))
            && let Some(next) = open.others.pop_front()
        {
            return self.ask_next(wire, now, open, next);
        }
        let status = response.as_ref().and_then(|response| response.status()).unwrap_or(408);
        if let (401 | 407, Some(response)) = (status, &response)
            && open.tries < TRIES_MAX
            && super::retry::accept_challenge(&mut self.challenges, self.rules.credentials.is_some(), response)
        {
            let number = self.dialog(&open.remote_tag).map(|dialog| {
                dialog.local_number += 1;
                dialog.local_number
            });
            if let (Some(number), Some(method)) = (number, open.request.method().cloned()) {
                open.request.set(Name::CSeq, format!("{number} {method}"));
                open.request.headers.retain(|header| !matches!(header.name, Name::Authorization | Name::ProxyAuthorization));
                let credentials = super::retry::credentials(&mut self.challenges, self.rules.credentials.as_ref(), &open.request, &mut *wire.chance);
                open.request.headers.extend(credentials);
                open.key = wire.request(now, Owner::Call(self.key, open.purpose), open.request.clone(), open.to.clone(), None);
                open.tries += 1;
                self.open.push(open);
                return;
            }
        }
        self.settled(wire, now, open, status, response.as_deref());
    }

    /// The same request to the next server of its name (RFC 3263, section 4.3).
    fn ask_next(&mut self, wire: &mut Wire, now: Instant, mut open: super::Open, next: Hop) {
        let silence_max = (!open.others.is_empty()).then_some(self.rules.silence_max);
        open.to = Destination::Hop(next);
        open.key = wire.request(now, Owner::Call(self.key, open.purpose), open.request.clone(), open.to.clone(), silence_max);
        self.open.push(open);
    }

    /// A server that was given up for silence took our INVITE on after all: its 2xx answers the one that another server has now.
    fn late_answer(&self, outcome: &Outcome) -> Option<usize> {
        let Outcome::Response(response) = outcome else { return None };
        let answered = response.cseq().filter(|(_, method)| *method == Method::Invite && response.status().is_some_and(|status| (200..300).contains(&status)))?;
        self.open.iter().position(|open| open.request.cseq().as_ref() == Some(&answered))
    }

    fn settled(&mut self, wire: &mut Wire, now: Instant, open: super::Open, status: u16, response: Option<&Message>) {
        match open.purpose {
            Purpose::Offer | Purpose::Refresh => {
                // These say that the dialog is gone (RFC 3261, section 12.2.1.2; RFC 4028, section 10).
                if matches!(status, 408 | 481) && self.phase == Phase::Up {
                    return self.lost(wire, now, if response.is_some() { EndedBy::FarEnd } else { EndedBy::Timeout }, "the far end does not know the call any more", Some(status));
                }
                let stand_in;
                let response = match response {
                    Some(response) => response,
                    None => {
                        stand_in = Message::response(&open.request, 408, "Request Timeout", "");
                        &stand_in
                    }
                };
                self.asked(wire, now, open.purpose, &open.request, response);
            }
            Purpose::Refer => self.referred(wire, status),
            Purpose::Prack if !open.request.body.is_empty() => self.prack_answered(wire, now, &open.remote_tag, status, response),
            // A PRACK that fails leaves the INVITE to time out or be answered; a BYE has ended the call either way.
            Purpose::Prack | Purpose::Bye | Purpose::Notify | Purpose::Invite => {}
        }
    }

    /// A 2xx to a re-INVITE again: its ACK was lost.
    fn repeated(&mut self, wire: &mut Wire, response: &Message) {
        let invites = response.cseq().is_some_and(|(_, method)| method == Method::Invite);
        if invites && response.status().is_some_and(|status| (200..300).contains(&status)) {
            let tag = response.to().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
            if let Some(dialog) = self.dialog(&tag) {
                dialog.repeat_ack(wire);
            }
        }
    }

    /// A request of theirs within one of our dialogs.
    pub fn request(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message) {
        let tag = request.from().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default();
        let Some(dialog) = self.dialog(&tag) else {
            // BYE of a dialog that has just ended is as good as done.
            return wire.reply(now, server, request, 481, "Call/Transaction Does Not Exist");
        };
        if !dialog.take_number(request) {
            return wire.reply(now, server, request, 500, "Out Of Order");
        }
        let method = request.method().cloned().unwrap_or(Method::Other("".into()));
        if self.phase == Phase::Over && method != Method::Bye {
            return wire.reply(now, server, request, 481, "Call/Transaction Does Not Exist");
        }
        match method {
            Method::Bye => self.take_bye(wire, now, server, request, &tag),
            Method::Invite | Method::Update => self.take_offer(wire, now, server, request, &tag),
            Method::Prack => self.take_prack(wire, now, server, request, &tag),
            Method::Info => self.take_info(wire, now, server, request),
            Method::Refer => self.take_refer(wire, now, server, request),
            Method::Notify => self.take_notify(wire, now, server, request),
            Method::Options => {
                let mut response = wire.response(server, request, 200, "OK");
                self.fill_2xx(wire, server, &mut response);
                wire.respond(now, server, &response);
            }
            _ => {
                let mut response = wire.response(server, request, 405, "Method Not Allowed");
                response.push(Name::Allow, ALLOWED);
                wire.respond(now, server, &response);
            }
        }
    }

    /// Keys as some carriers send them: `Signal=5` or the bare key.
    fn take_info(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message) {
        wire.reply(now, server, request, 200, "OK");
        let relay = request.body_is("application/dtmf-relay");
        if !relay && !request.body_is("application/dtmf") {
            return;
        }
        let text = String::from_utf8_lossy(&request.body);
        let signal = if relay {
            text.lines().find_map(|line| line.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("signal")).map(|(_, value)| value.trim().to_owned()))
        } else {
            Some(text.trim().to_owned())
        };
        let key = signal.and_then(|signal| match signal.as_str() {
            "10" => Some('*'),
            "11" => Some('#'),
            one => one.chars().next().filter(|_| one.len() == 1).map(|key| key.to_ascii_uppercase()),
        });
        if let Some(key) = key.filter(|key| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')) {
            self.tell(wire, CallEvent::Key(key));
        }
    }
}
