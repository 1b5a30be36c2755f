//! Offers while the call is up (RFC 3264 over re-INVITE and UPDATE), from either side, and what happens when they meet.

use std::time::{Duration, Instant};

use super::{Call, CallAlarm, CallEvent, Phase, Purpose, description};
use crate::alarm::Alarm;
use crate::cause::HangUp;
use crate::hop::Destination;
use crate::message::{Message, Method, Name};
use crate::negotiated::{Direction, LocalMedia, NegotiatedMedia};
use crate::transaction::ServerKey;
use crate::wire::{Effect, Wire};

/// A change that has to wait for its turn.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    local: Option<LocalMedia>,
    direction: Option<Direction>,
}

/// A 2xx of ours that is repeated until its ACK.
pub struct Repeat {
    pub number: u32,
    bytes: Vec<u8>,
    to: Destination,
    interval: Duration,
    until: Instant,
    /// Ours was the offer: the ACK holds the answer.
    pub offered: bool,
}

#[derive(Default)]
pub struct Exchange {
    /// Our INVITE or UPDATE within the dialog has no final response yet.
    asking: bool,
    /// Ours met theirs, and waits before it is sent again. Meanwhile theirs goes first.
    waits_turn: bool,
    /// What the far end knows of us, to go back to when it refuses a change.
    before: Option<(LocalMedia, Direction)>,
    wanted: Option<Wanted>,
    /// A refresh met an offer of theirs, and is still due.
    refresh_due: bool,
    pub repeat: Option<Repeat>,
    repeats: u32,
    pub bye_after_ack: Option<HangUp>,
}

impl Call {
    /// Hold (`SendOnly` or `Inactive`), resume (`SendReceive`), or other local media.
    pub fn change_media(&mut self, wire: &mut Wire, now: Instant, local: Option<LocalMedia>, direction: Option<Direction>) {
        let wanted = self.exchange.wanted.get_or_insert_with(Wanted::default);
        wanted.local = local.or(wanted.local.take());
        wanted.direction = direction.or(wanted.direction);
        self.exchange_settled(wire, now);
    }

    /// Sends what waits, if it may go now.
    pub(super) fn exchange_settled(&mut self, wire: &mut Wire, now: Instant) {
        if self.phase != Phase::Up || self.exchange.asking || self.exchange.waits_turn || self.exchange.repeat.is_some() {
            return;
        }
        if self.take_wanted() {
            self.ask(wire, now, Purpose::Offer, Method::Invite, true);
        }
    }

    fn take_wanted(&mut self) -> bool {
        let Some(wanted) = self.exchange.wanted.take() else { return false };
        self.exchange.before.get_or_insert_with(|| (self.media.local.clone(), self.media.direction));
        self.media.direction = wanted.direction.unwrap_or(self.media.direction);
        self.media.local = wanted.local.unwrap_or_else(|| self.media.local.clone());
        true
    }

    /// The change that waits, for a request that may hold an offer beside what it is for.
    pub(super) fn wanted_offer(&mut self) -> Option<Vec<u8>> {
        if self.phase != Phase::Inviting || self.exchange.asking || !self.take_wanted() {
            return None;
        }
        self.exchange.asking = true;
        Some(self.media.offer())
    }

    pub(super) fn offer_accepted(&mut self) {
        self.exchange.asking = false;
        self.exchange.before = None;
    }

    pub(super) fn offer_refused(&mut self, wire: &mut Wire, status: u16) {
        self.exchange.asking = false;
        self.go_back();
        self.tell(wire, CallEvent::MediaRefused { status });
    }

    /// An INVITE or UPDATE within the dialog.
    pub(super) fn ask(&mut self, wire: &mut Wire, now: Instant, purpose: Purpose, method: Method, offers: bool) {
        let body = offers.then(|| self.media.offer());
        let session = self.session.request_headers(self.rules.session_min);
        let Some(dialog) = self.main_dialog() else { return };
        let tag = dialog.remote_tag.clone();
        let (mut request, to) = dialog.request(method, None);
        request.push(Name::Contact, wire.contact(&to));
        request.push(Name::Allow, super::within::ALLOWED);
        request.push(Name::Supported, "timer");
        request.headers.extend(session);
        if let Some(body) = body {
            request.set_body(super::media::SDP, body);
        }
        self.exchange.asking = true;
        self.send_within(wire, now, purpose, request, to, tag);
    }

    /// The final response to our INVITE or UPDATE within the dialog.
    pub(super) fn asked(&mut self, wire: &mut Wire, now: Instant, purpose: Purpose, request: &Message, response: &Message) {
        let status = response.status().unwrap_or_default();
        let invites = request.method() == Some(&Method::Invite);
        self.exchange.asking = false;
        if (200..300).contains(&status) {
            if let Some(dialog) = self.main_dialog() {
                dialog.refresh(response);
            }
            if invites {
                self.acknowledge_reinvite(wire, request, response);
            }
            self.session_agreed(wire, now, response, true);
            if !request.body.is_empty() {
                self.exchange.before = None;
                let agreed = description(response).and_then(|body| self.media.settle(&body).ok());
                match agreed {
                    Some(agreed) => self.agree(wire, "", agreed),
                    None => self.tell(wire, CallEvent::MediaRefused { status: 488 }),
                }
            }
            return self.exchange_settled(wire, now);
        }
        if status == 491 || (status == 500 && response.get(&Name::RetryAfter).is_some()) {
            return self.wait_for_our_turn(wire, now, purpose);
        }
        if purpose == Purpose::Offer {
            self.go_back();
            self.tell(wire, CallEvent::MediaRefused { status });
        }
        self.exchange_settled(wire, now);
    }

    fn acknowledge_reinvite(&mut self, wire: &mut Wire, request: &Message, response: &Message) {
        let number = response.cseq().map_or(0, |(number, _)| number);
        let credentials = request.headers.iter().filter(|header| matches!(header.name, Name::Authorization | Name::ProxyAuthorization)).cloned().collect();
        if let Some(dialog) = self.main_dialog() {
            dialog.acknowledge(wire, number, credentials);
        }
    }

    /// Both sides asked at once: each waits, the one who owns the Call-ID longer (RFC 3261, section 14.1).
    fn wait_for_our_turn(&mut self, wire: &mut Wire, now: Instant, purpose: Purpose) {
        if purpose == Purpose::Offer {
            let (local, direction) = (self.media.local.clone(), self.media.direction);
            self.go_back();
            let wanted = self.exchange.wanted.get_or_insert_with(Wanted::default);
            wanted.local.get_or_insert(local);
            wanted.direction.get_or_insert(direction);
        } else {
            self.exchange.refresh_due = true;
        }
        let tens = wire.chance.number() % 200;
        let wait = if self.invitation.is_some() { 2_100 + (tens % 190) * 10 } else { tens * 10 };
        self.exchange.waits_turn = true;
        wire.alarm(now + Duration::from_millis(wait), Alarm::Call(self.key, CallAlarm::OfferAgain));
    }

    pub(super) fn offer_again(&mut self, wire: &mut Wire, now: Instant) {
        let waits = !self.open.iter().any(|open| matches!(open.purpose, Purpose::Offer | Purpose::Refresh));
        if std::mem::take(&mut self.exchange.waits_turn) && waits {
            self.exchange_settled(wire, now);
            if std::mem::take(&mut self.exchange.refresh_due) && !self.exchange.asking {
                self.refresh_now(wire, now);
            }
        }
    }

    fn go_back(&mut self) {
        if let Some((local, direction)) = self.exchange.before.take() {
            self.media.local = local;
            self.media.direction = direction;
        }
    }

    /// Their INVITE or UPDATE within the dialog.
    pub(super) fn take_offer(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, tag: &str) {
        let invites = request.method() == Some(&Method::Invite);
        if self.exchange.asking || (invites && (self.exchange.repeat.is_some() || self.phase != Phase::Up)) {
            return wire.reply(now, server, request, 491, "Request Pending");
        }
        if let Some(min) = self.session_too_short(request) {
            let mut response = wire.response(server, request, 422, "Session Interval Too Small");
            response.push(Name::MinSe, min.as_secs().to_string());
            return wire.respond(now, server, &response);
        }
        let offer = description(request);
        if let Some(status) = offer.as_ref().and(self.offer_still_open()) {
            return self.not_yet(wire, now, server, request, status);
        }
        let (body, agreed) = match &offer {
            Some(offer) => match self.media.answer(offer) {
                Ok((body, agreed)) => (Some(body), Some(agreed)),
                Err(_) => return wire.reply(now, server, request, 488, "Not Acceptable Here"),
            },
            None if invites => (Some(self.media.offer()), None),
            None => (None, None),
        };
        if let Some(dialog) = self.dialog(tag) {
            dialog.refresh(request);
        }
        let mut response = wire.response(server, request, 200, "OK");
        self.fill_2xx(wire, server, &mut response);
        let session = self.session_answer(wire, now, request);
        response.headers.extend(session);
        if let Some(body) = body {
            response.set_body(super::media::SDP, body);
        }
        wire.respond(now, server, &response);
        if invites {
            self.start_repeating(wire, now, server, request, &response, offer.is_none());
        }
        if let Some(agreed) = agreed {
            self.agree(wire, tag, agreed);
        }
    }

    /// While an offer of either side has no answer, another is too early (RFC 3311, section 5.2): theirs by 500, ours by 491.
    pub(super) fn not_yet(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, status: u16) {
        if status == 491 {
            return wire.reply(now, server, request, 491, "Request Pending");
        }
        let mut response = wire.response(server, request, status, "Server Internal Error");
        response.push(Name::RetryAfter, (wire.chance.number() % 11).to_string());
        wire.respond(now, server, &response);
    }

    pub(super) fn fill_2xx(&self, wire: &mut Wire, server: ServerKey, response: &mut Message) {
        if let Some(to) = wire.server(server).map(|server| server.to().clone()) {
            response.push(Name::Contact, wire.contact(&to));
        }
        response.push(Name::Allow, super::within::ALLOWED);
        response.push(Name::Supported, "100rel, timer");
    }

    /// What an exchange after the first agreed on, in the dialog with this tag.
    pub(super) fn agree(&mut self, wire: &mut Wire, tag: &str, agreed: NegotiatedMedia) {
        if let Some(dialog) = self.dialog(tag) {
            dialog.agreed = Some(agreed.clone());
            dialog.moved_on = true;
        }
        // A branch that lost to the one that answered moves nothing any more.
        if !tag.is_empty() && self.main.as_deref().is_some_and(|main| main != tag) {
            return;
        }
        if self.media.agreed.as_ref() == Some(&agreed) {
            return;
        }
        self.media.agreed = Some(agreed.clone());
        let event = if matches!(self.phase, Phase::Inviting | Phase::Invited) { CallEvent::EarlyMedia(agreed) } else { CallEvent::MediaChanged(agreed) };
        self.tell(wire, event);
    }

    /// A 2xx to an INVITE is repeated until its ACK, whatever the transport (RFC 3261, section 13.3.1.4).
    pub(super) fn start_repeating(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, response: &Message, offered: bool) {
        let Some(to) = wire.server(server).map(|server| server.to().clone()) else { return };
        let number = request.cseq().map_or(0, |(number, _)| number);
        let interval = wire.timers.t1;
        self.exchange.repeats += 1;
        self.exchange.repeat = Some(Repeat { number, bytes: response.write(), to, interval, until: now + wire.timers.patience(), offered });
        wire.alarm(now + interval, Alarm::Call(self.key, CallAlarm::Repeat2xx(self.exchange.repeats)));
    }

    pub(super) fn repeat_2xx(&mut self, wire: &mut Wire, now: Instant, number: u32) {
        if number != self.exchange.repeats {
            return;
        }
        let Some(repeat) = self.exchange.repeat.as_mut() else { return };
        if now >= repeat.until {
            self.exchange.repeat = None;
            return self.never_acknowledged(wire, now);
        }
        wire.effects.push(Effect::Send { to: repeat.to.clone(), bytes: repeat.bytes.clone(), client: None });
        repeat.interval = (repeat.interval * 2).min(wire.timers.t2);
        wire.alarm((now + repeat.interval).min(repeat.until), Alarm::Call(self.key, CallAlarm::Repeat2xx(number)));
    }
}
