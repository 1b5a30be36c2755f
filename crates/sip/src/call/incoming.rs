//! The called side: their INVITE up to our final response.

use std::time::{Duration, Instant};

use super::{Call, CallAlarm, CallEvent, CallKey, CallMedia, CallRules, Ending, Phase, call_name, description};
use crate::alarm::Alarm;
use crate::cause::EndedBy;
use crate::dialog::Dialog;
use crate::message::{Header, Message, Name};
use crate::negotiated::LocalMedia;
use crate::transaction::ServerKey;
use crate::wire::Wire;

/// Their INVITE, as long as it is open.
pub struct Invited {
    pub server: ServerKey,
    pub request: Box<Message>,
    rseq: u32,
    /// A reliable provisional response waits for its PRACK.
    unacknowledged: Option<Unacknowledged>,
    /// What waits for that.
    next: Option<Next>,
    /// Our answer went out in a provisional response.
    described: bool,
}

struct Unacknowledged {
    response: Message,
    interval: Duration,
    until: Instant,
}

enum Next {
    Provisional(u16, &'static str, Option<LocalMedia>),
    Answer(LocalMedia),
}

impl Call {
    /// Takes an INVITE from outside of any dialog. The media is only what we would have; `answer` says what we do.
    pub fn incoming(wire: &mut Wire, key: CallKey, rules: CallRules, media: CallMedia, server: ServerKey, request: &Message, now: Instant) -> Self {
        let (own_tag, made_at) = wire.server(server).map(|server| (server.tag.clone(), Some(server.to().clone()))).unwrap_or_default();
        let name = call_name(request.call_id().unwrap_or_default(), &own_tag);
        let mut call = Self::new(key, None, name, rules, media, Phase::Invited, now);
        if let Some(made_at) = made_at {
            let dialog = Dialog::of_request(request, &own_tag, &made_at);
            call.main = Some(dialog.remote_tag.clone());
            call.dialogs.push(dialog);
        }
        wire.alarm(now + super::RING_MAX, Alarm::Call(key, CallAlarm::RingMax));
        let rseq = (wire.chance.number() & 0xFFFF) as u32 + 1;
        call.invited = Some(Invited { server, request: Box::new(request.clone()), rseq, unacknowledged: None, next: None, described: false });
        call
    }

    /// 180.
    pub fn ring_back(&mut self, wire: &mut Wire, now: Instant) {
        self.rang_at.get_or_insert(now);
        self.say_provisional(wire, now, 180, "Ringing", None);
    }

    /// 183 with our description, when theirs was in the INVITE.
    pub fn early(&mut self, wire: &mut Wire, now: Instant, local: LocalMedia) {
        self.say_provisional(wire, now, 183, "Session Progress", Some(local));
    }

    fn say_provisional(&mut self, wire: &mut Wire, now: Instant, status: u16, words: &'static str, local: Option<LocalMedia>) {
        let Some(invited) = self.invited.as_mut().filter(|_| self.phase == Phase::Invited) else { return };
        if invited.unacknowledged.is_some() {
            invited.next = Some(Next::Provisional(status, words, local));
            return;
        }
        let (server, request) = (invited.server, invited.request.clone());
        let mut response = wire.response(server, &request, status, words);
        if let Some(to) = wire.server(server).map(|server| server.to().clone()) {
            response.push(Name::Contact, wire.contact(&to));
        }
        response.push(Name::Allow, super::within::ALLOWED);
        if let (Some(local), Some(offer)) = (local, description(&request)) {
            self.media.local = local;
            let Ok((body, agreed)) = self.media.answer(&offer) else { return self.refuse(wire, now, 488, "Not Acceptable Here", Vec::new()) };
            self.media.agreed = Some(agreed.clone());
            response.set_body(super::media::SDP, body);
            self.tell(wire, CallEvent::EarlyMedia(agreed));
        }
        let Some(invited) = self.invited.as_mut() else { return };
        invited.described |= !response.body.is_empty();
        if request.lists(&Name::Require, "100rel") {
            response.push(Name::Require, "100rel");
            response.push(Name::RSeq, invited.rseq.to_string());
            let interval = wire.timers.t1;
            invited.unacknowledged = Some(Unacknowledged { response: response.clone(), interval, until: now + wire.timers.patience() });
            wire.alarm(now + interval, Alarm::Call(self.key, CallAlarm::RepeatProvisional(invited.rseq)));
        }
        wire.respond(now, server, &response);
    }

    pub(super) fn repeat_provisional(&mut self, wire: &mut Wire, now: Instant, number: u32) {
        let Some(invited) = self.invited.as_mut().filter(|invited| invited.rseq == number && self.phase == Phase::Invited) else { return };
        let Some(waiting) = invited.unacknowledged.as_mut() else { return };
        if now >= waiting.until {
            return self.refuse(wire, now, 504, "Server Time-out", Vec::new());
        }
        waiting.interval *= 2;
        let (next, response, server) = ((now + waiting.interval).min(waiting.until), waiting.response.clone(), invited.server);
        wire.respond(now, server, &response);
        wire.alarm(next, Alarm::Call(self.key, CallAlarm::RepeatProvisional(number)));
    }

    pub(super) fn take_prack(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message) {
        let named = request.number(&Name::RAck);
        let Some(invited) = self.invited.as_mut().filter(|invited| invited.unacknowledged.is_some() && named == Some(invited.rseq)) else {
            return wire.reply(now, server, request, 481, "Call/Transaction Does Not Exist");
        };
        invited.unacknowledged = None;
        invited.rseq += 1;
        let next = invited.next.take();
        wire.reply(now, server, request, 200, "OK");
        match next {
            Some(Next::Provisional(status, words, local)) => self.say_provisional(wire, now, status, words, local),
            Some(Next::Answer(local)) => self.answer(wire, now, local),
            None => {}
        }
    }

    /// 200 with our description: the answer to their offer, or our offer.
    pub fn answer(&mut self, wire: &mut Wire, now: Instant, local: LocalMedia) {
        let Some(invited) = self.invited.as_mut().filter(|_| self.phase == Phase::Invited) else { return };
        if invited.unacknowledged.is_some() {
            invited.next = Some(Next::Answer(local));
            return;
        }
        let (server, request, described) = (invited.server, invited.request.clone(), invited.described);
        let offer = description(&request);
        if !described {
            self.media.local = local;
        }
        let (body, agreed) = match &offer {
            Some(offer) => match self.media.answer(offer) {
                Ok((body, agreed)) => (body, Some(agreed)),
                Err(_) => return self.refuse(wire, now, 488, "Not Acceptable Here", Vec::new()),
            },
            None => (self.media.offer(), None),
        };
        let mut response = wire.response(server, &request, 200, "OK");
        self.fill_2xx(wire, server, &mut response);
        let session = self.session_answer(wire, now, &request);
        response.headers.extend(session);
        response.set_body(super::media::SDP, body);
        wire.respond(now, server, &response);
        self.phase = Phase::Answered;
        self.answered_at = Some(now);
        self.start_repeating(wire, now, server, &request, &response, offer.is_none());
        if let Some(agreed) = agreed {
            self.media.agreed = Some(agreed.clone());
            self.tell(wire, CallEvent::Answered { at: now, media: agreed });
        }
        self.invited = None;
    }

    /// A final failure, with further headers: Reason, Retry-After, Contact of a redirect …
    pub fn refuse(&mut self, wire: &mut Wire, now: Instant, status: u16, words: &str, headers: Vec<Header>) {
        if self.phase != Phase::Invited {
            return;
        }
        self.answer_invite_with(wire, now, status, words, headers);
        self.end(wire, now, EndedBy::Us, Ending { sip_status: Some(status), ..Ending::words(words) });
    }

    pub(super) fn answer_invite_with(&mut self, wire: &mut Wire, now: Instant, status: u16, words: &str, headers: Vec<Header>) {
        let Some(invited) = self.invited.take() else { return };
        let mut response = wire.response(invited.server, &invited.request, status, words);
        response.headers.extend(headers);
        wire.respond(now, invited.server, &response);
    }

    /// Their CANCEL. After our final response it changes nothing (RFC 3261, section 9.2).
    pub fn cancelled(&mut self, wire: &mut Wire, now: Instant, cancel: &Message) {
        if self.phase == Phase::Invited {
            self.answer_invite_with(wire, now, 487, "Request Terminated", Vec::new());
            self.end(wire, now, EndedBy::FarEnd, Ending::of(cancel));
        }
    }
}
