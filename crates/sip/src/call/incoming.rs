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
    /// Offer and answer were exchanged before our final response, and that says nothing of them (RFC 3262, section 5).
    is_settled: bool,
}

struct Unacknowledged {
    response: Message,
    /// It holds our offer: the PRACK holds the answer.
    offers: bool,
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
        call.invited = Some(Invited { server, request: Box::new(request.clone()), rseq, unacknowledged: None, next: None, described: false, is_settled: false });
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
        let (server, request, is_settled) = (invited.server, invited.request.clone(), invited.is_settled);
        let (is_reliable, offer) = (request.lists(&Name::Require, "100rel"), description(&request));
        if is_reliable && offer.is_none() && !is_settled && local.is_none() {
            // The first reliable response to an INVITE without an offer must hold ours (RFC 3261, section 13.2.1), and our audio has no place yet.
            return;
        }
        let mut response = wire.response(server, &request, status, words);
        if let Some(to) = wire.server(server).map(|server| server.to().clone()) {
            response.push(Name::Contact, wire.contact(&to));
        }
        response.push(Name::Allow, super::within::ALLOWED);
        let offers = is_reliable && offer.is_none() && !is_settled;
        match (local.filter(|_| !is_settled), &offer) {
            (Some(local), Some(offer)) => {
                self.media.local = local;
                let Ok((body, agreed)) = self.media.answer(offer) else { return self.refuse(wire, now, 488, "Not Acceptable Here", Vec::new()) };
                self.media.agreed = Some(agreed.clone());
                response.set_body(super::media::SDP, body);
                self.tell(wire, CallEvent::EarlyMedia(agreed));
            }
            (Some(local), None) if is_reliable => {
                self.media.local = local;
                response.set_body(super::media::SDP, self.media.offer());
            }
            // An offer in a response that may be lost is none.
            _ => {}
        }
        let Some(invited) = self.invited.as_mut() else { return };
        invited.described |= !response.body.is_empty();
        if is_reliable {
            response.push(Name::Require, "100rel");
            response.push(Name::RSeq, invited.rseq.to_string());
            let interval = wire.timers.t1;
            invited.is_settled |= !response.body.is_empty() && !offers;
            invited.unacknowledged = Some(Unacknowledged { response: response.clone(), offers, interval, until: now + wire.timers.patience() });
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

    pub(super) fn take_prack(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, tag: &str) {
        let named = request.number(&Name::RAck);
        let waiting = self.invited.as_mut().filter(|invited| named == Some(invited.rseq)).and_then(|invited| {
            let waiting = invited.unacknowledged.take()?;
            invited.rseq += 1;
            Some(waiting)
        });
        let Some(waiting) = waiting else {
            return wire.reply(now, server, request, 481, "Call/Transaction Does Not Exist");
        };
        match (waiting.offers, description(request)) {
            (true, answer) => {
                wire.reply(now, server, request, 200, "OK");
                let Some(Ok(agreed)) = answer.map(|answer| self.media.settle(&answer)) else {
                    return self.refuse(wire, now, 488, "Not Acceptable Here", Vec::new());
                };
                if let Some(invited) = &mut self.invited {
                    invited.is_settled = true;
                }
                self.agree(wire, tag, agreed);
            }
            (false, Some(offer)) => self.answer_in_prack(wire, now, server, request, &offer, tag),
            (false, None) => wire.reply(now, server, request, 200, "OK"),
        }
        let next = self.invited.as_mut().and_then(|invited| invited.next.take());
        match next {
            Some(Next::Provisional(status, words, local)) => self.say_provisional(wire, now, status, words, local),
            Some(Next::Answer(local)) => self.answer(wire, now, local),
            None => {}
        }
    }

    /// Another offer of theirs beside the acknowledgement (RFC 3262, section 5). One that cannot be met leaves things as they were.
    fn answer_in_prack(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, offer: &[u8], tag: &str) {
        if let Some(status) = self.offer_still_open() {
            return self.not_yet(wire, now, server, request, status);
        }
        let Ok((body, agreed)) = self.media.answer(offer) else { return wire.reply(now, server, request, 488, "Not Acceptable Here") };
        let mut response = wire.response(server, request, 200, "OK");
        response.set_body(super::media::SDP, body);
        wire.respond(now, server, &response);
        self.agree(wire, tag, agreed);
    }

    /// The status for another offer of theirs while their INVITE has no answer yet to its own, or ours to it has none.
    pub(super) fn offer_still_open(&self) -> Option<u16> {
        let invited = self.invited.as_ref().filter(|invited| !invited.is_settled)?;
        Some(if description(&invited.request).is_some() { 500 } else { 491 })
    }

    /// 200 with our description: the answer to their offer, or our offer.
    pub fn answer(&mut self, wire: &mut Wire, now: Instant, local: LocalMedia) {
        let Some(invited) = self.invited.as_mut().filter(|_| self.phase == Phase::Invited) else { return };
        if invited.unacknowledged.is_some() {
            invited.next = Some(Next::Answer(local));
            return;
        }
        let (server, request, described, is_settled) = (invited.server, invited.request.clone(), invited.described, invited.is_settled);
        let offer = description(&request);
        if !described {
            self.media.local = local;
        }
        let (body, agreed) = match &offer {
            _ if is_settled => (None, self.media.agreed.clone()),
            Some(offer) => match self.media.answer(offer) {
                Ok((body, agreed)) => (Some(body), Some(agreed)),
                Err(_) => return self.refuse(wire, now, 488, "Not Acceptable Here", Vec::new()),
            },
            None => (Some(self.media.offer()), None),
        };
        let mut response = wire.response(server, &request, 200, "OK");
        self.fill_2xx(wire, server, &mut response);
        let session = self.session_answer(wire, now, &request);
        response.headers.extend(session);
        if let Some(body) = body {
            response.set_body(super::media::SDP, body);
        }
        wire.respond(now, server, &response);
        self.phase = Phase::Answered;
        self.answered_at = Some(now);
        self.start_repeating(wire, now, server, &request, &response, agreed.is_none());
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
