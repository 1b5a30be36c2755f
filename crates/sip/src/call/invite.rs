//! The calling side up to the final response: servers in turn, challenges, redirects, forks, CANCEL in every race.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::provisional::Provisional;
use super::{Call, CallAlarm, CallEvent, CallKey, CallMedia, CallRules, Ending, Phase, Purpose, call_name, description};
use crate::alarm::Alarm;
use crate::cause::{EndedBy, HangUp, retry_after};
use crate::dialog::Dialog;
use crate::hop::{Destination, Hop};
use crate::message::{Header, Message, Method, Name};
use crate::name_addr::NameAddr;
use crate::transaction::{ClientKey, Outcome};
use crate::trunk::TrunkKey;
use crate::uri::Uri;
use crate::wire::{Note, Noted, Owner, Wire};

/// More branches of one call are not followed; their answers are still hung up on.
const FORKS_MAX: usize = 16;
/// Credentials that are refused twice with a fresh nonce are wrong.
const CHALLENGES_MAX: u8 = 3;
/// Between dialling and ringing, what is not taken off the time for which it rings.
const RINGS_LATE_MAX: Duration = Duration::from_secs(30);

/// What becomes of a 3xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// It ends the call.
    #[default]
    End,
    /// Its contacts are called, so many in all.
    Follow { targets_max: u8 },
}

/// An INVITE in the making, and its way through servers.
pub struct Invitation {
    pub uri: String,
    pub from: NameAddr,
    pub to: NameAddr,
    pub call_id: String,
    /// Caller identity, privacy and what else was asked for.
    pub headers: Vec<Header>,
    /// Servers not yet tried, the next one first.
    pub hops: VecDeque<Destination>,
    pub ring_max: Option<Duration>,
    current: Option<Current>,
    number: u32,
    challenged: u8,
    redirected: u8,
    session_expires: Option<Duration>,
    session_min: Option<Duration>,
    /// Targets of a 3xx, in their order.
    targets: VecDeque<Uri>,
    /// Who redirected us: transport and trust where a target names none.
    redirector: Option<Destination>,
    /// The last failure, told when there is nowhere left to go.
    last: Option<Ending>,
}

struct Current {
    key: ClientKey,
    to: Destination,
    provisional: bool,
    credentials: Vec<Header>,
}

impl Invitation {
    #[must_use]
    pub fn new(uri: String, from: NameAddr, to: NameAddr, call_id: String, headers: Vec<Header>) -> Self {
        Self { uri, from, to, call_id, headers, hops: VecDeque::new(), ring_max: None, current: None, number: 0, challenged: 0, redirected: 0, session_expires: None, session_min: None, targets: VecDeque::new(), redirector: None, last: None }
    }

    fn ring_max(&self) -> Duration {
        self.ring_max.unwrap_or(super::RING_MAX)
    }

    /// The way to the next target of a redirect, which becomes the one that is called.
    fn next_target(&mut self) -> Option<Destination> {
        let redirector = self.redirector.as_ref()?;
        let mut target = self.targets.pop_front()?;
        let to = Destination::of_uri(&target, redirector);
        target.headers = None;
        self.redirected += 1;
        self.uri = target.to_string();
        Some(to)
    }

    /// The name of its server was looked up.
    pub(super) fn goes_to(&mut self, key: ClientKey, server: Hop, others: VecDeque<Hop>) {
        if let Some(current) = self.current.as_mut().filter(|current| current.key == key) {
            current.to = Destination::Hop(server);
            self.hops = others.into_iter().map(Destination::Hop).collect();
        }
    }

    pub(super) fn current_key(&self) -> Option<ClientKey> {
        self.current.as_ref().map(|current| current.key)
    }
}

impl Call {
    /// Begins a call of ours. Its servers may still be unknown: `proceed` is then called again with them.
    pub fn invite(wire: &mut Wire, now: Instant, key: CallKey, trunk: TrunkKey, rules: CallRules, mut invitation: Invitation, media: CallMedia) -> Self {
        let name = call_name(&invitation.call_id, invitation.from.tag().unwrap_or_default());
        invitation.session_expires = rules.session_expires;
        wire.alarm(now + invitation.ring_max(), Alarm::Call(key, CallAlarm::RingMax));
        let mut call = Self::new(key, Some(trunk), name, rules, media, Phase::Inviting, now);
        call.invitation = Some(invitation);
        call
    }

    /// The servers that this call may try, in order.
    pub fn give_servers(&mut self, hops: VecDeque<Destination>, barred_for: Option<Duration>) {
        if let Some(invitation) = self.invitation.as_mut() {
            if barred_for.is_some() {
                invitation.last = Some(Ending { sip_status: Some(503), retry_after: barred_for, ..Ending::words("every server asked to be left alone for a while") });
            }
            invitation.hops = hops;
        }
    }

    /// Goes to the next server, or to the next target of a redirect, or ends the call where there is neither.
    pub fn proceed(&mut self, wire: &mut Wire, now: Instant, otherwise: EndedBy) {
        let Some(invitation) = self.invitation.as_mut() else { return };
        match invitation.hops.pop_front().or_else(|| invitation.next_target()) {
            Some(to) => self.send_invite(wire, now, to),
            None => {
                let last = invitation.last.take().unwrap_or_else(|| Ending::words("no server of the trunk could be reached"));
                self.end(wire, now, otherwise, last);
            }
        }
    }

    fn send_invite(&mut self, wire: &mut Wire, now: Instant, to: Destination) {
        let body = self.media.offer();
        let Some(invitation) = self.invitation.as_mut() else { return };
        invitation.number += 1;
        let mut request = Message::request(Method::Invite, invitation.uri.clone());
        request.push(Name::From, invitation.from.to_string());
        request.push(Name::To, invitation.to.to_string());
        request.push(Name::CallId, invitation.call_id.as_str());
        request.push(Name::CSeq, format!("{} INVITE", invitation.number));
        request.push(Name::Contact, wire.contact(&to));
        request.push(Name::Allow, super::within::ALLOWED);
        request.push(Name::Supported, if self.rules.reliable_provisional { "100rel, timer" } else { "timer" });
        if let Some(expires) = invitation.session_expires {
            request.push(Name::SessionExpires, expires.as_secs().to_string());
            let min = invitation.session_min.unwrap_or(self.rules.session_min);
            request.push(Name::MinSe, min.as_secs().to_string());
        }
        request.headers.extend(invitation.headers.iter().cloned());
        request.set_body(super::media::SDP, body);
        let credentials = super::retry::credentials(&mut self.challenges, self.rules.credentials.as_ref(), &request, &mut *wire.chance);
        request.headers.extend(credentials.iter().cloned());
        let key = wire.request(now, Owner::Call(self.key, Purpose::Invite), request, to.clone(), Some(self.rules.silence_max));
        invitation.current = Some(Current { key, to, provisional: false, credentials });
    }

    /// An outcome of an INVITE of ours, the current one or one that was given up.
    pub fn invited(&mut self, wire: &mut Wire, now: Instant, key: ClientKey, outcome: Outcome) {
        let current = self.invitation.as_ref().and_then(|invitation| invitation.current.as_ref()).is_some_and(|current| current.key == key);
        match outcome {
            Outcome::Response(response) => {
                let status = response.status().unwrap_or_default();
                match status {
                    // A server that was slow rings all the same: it must not.
                    100..200 if !current || self.is_over() => {
                        wire.cancel(now, key, &HangUp::default().header());
                    }
                    100..200 => self.provisional(wire, now, key, &response),
                    200..300 => self.accepted(wire, now, key, current, &response),
                    _ if !current => {}
                    _ => self.refused(wire, now, &response),
                }
            }
            Outcome::Timeout if current => self.no_server(wire, now, EndedBy::Timeout, Noted::Silent, "no answer from the server"),
            Outcome::Unreachable(why) if current => {
                let words = if why.is_empty() { "the server cannot be reached".to_owned() } else { format!("the server cannot be reached: {why}") };
                self.no_server(wire, now, EndedBy::Unreachable, Noted::Unreachable(why), &words);
            }
            Outcome::Timeout | Outcome::Unreachable(_) => {}
        }
    }

    fn provisional(&mut self, wire: &mut Wire, now: Instant, key: ClientKey, response: &Message) {
        self.note(wire, Noted::Alive);
        let first = !std::mem::replace(&mut self.tried, true);
        if let Some(current) = self.invitation.as_mut().and_then(|invitation| invitation.current.as_mut()) {
            current.provisional = true;
        }
        if let Phase::Cancelling(hang_up) = &self.phase {
            // The CANCEL had to wait for this (RFC 3261, section 9.1).
            let reason = hang_up.header();
            wire.cancel(now, key, &reason);
            return;
        }
        if first {
            self.tell(wire, CallEvent::Trying { at: now });
        }
        let status = response.status().unwrap_or_default();
        let Some(tag) = response.to().and_then(|to| to.tag().map(str::to_owned)).filter(|_| status > 100) else { return };
        if !self.early_dialog(&tag, key, response, wire) {
            return;
        }
        let turn = self.take_provisional(&tag, response);
        if matches!(turn, Provisional::OutOfTurn) {
            return;
        }
        // Many carriers ring with a 183 and the ringing tone in it.
        if matches!(status, 180 | 183) && self.rang_at.is_none() {
            self.rang_at = Some(now);
            self.tell(wire, CallEvent::Ringing { at: now });
        }
        self.early_description(wire, &tag, response);
        if let Provisional::InTurn(rack) = turn {
            self.send_prack(wire, now, &tag, rack);
        }
    }

    /// Finds or makes the early dialog; false when there are too many.
    fn early_dialog(&mut self, tag: &str, key: ClientKey, response: &Message, wire: &Wire) -> bool {
        if let Some(dialog) = self.dialog(tag) {
            if !dialog.confirmed {
                dialog.refresh(response);
            }
            return true;
        }
        let Some(made_at) = wire.sent_to(key) else { return false };
        if self.dialogs.len() >= FORKS_MAX {
            return false;
        }
        let number = response.cseq().map_or(1, |(number, _)| number);
        self.dialogs.push(Dialog::of_response(response, number, &made_at));
        true
    }

    /// The answer in a provisional response. Where several branches send one, the last is heard.
    fn early_description(&mut self, wire: &mut Wire, tag: &str, response: &Message) {
        let Some(body) = description(response) else { return };
        if self.dialog(tag).is_some_and(|dialog| dialog.moved_on) {
            return;
        }
        let Ok(agreed) = self.media.settle(&body) else { return };
        if let Some(dialog) = self.dialog(tag) {
            dialog.agreed = Some(agreed.clone());
        }
        if self.media.agreed.as_ref() != Some(&agreed) {
            self.media.agreed = Some(agreed.clone());
            self.tell(wire, CallEvent::EarlyMedia(agreed));
        }
    }

    /// A 2xx: the first makes the call, others of the same branch are acknowledged again, those of other branches hung up on.
    fn accepted(&mut self, wire: &mut Wire, now: Instant, key: ClientKey, current: bool, response: &Message) {
        self.note(wire, Noted::Alive);
        let tag = response.to().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        if let Some(dialog) = self.dialog(&tag).filter(|dialog| dialog.ack.is_some()) {
            dialog.repeat_ack(wire);
            return;
        }
        let made_at = wire.sent_to(key);
        let number = response.cseq().map_or(1, |(number, _)| number);
        if self.dialog(&tag).is_none() {
            let Some(made_at) = made_at else { return };
            self.dialogs.push(Dialog::of_response(response, number, &made_at));
        }
        let credentials = self.invitation.as_ref().and_then(|invitation| invitation.current.as_ref()).map(|current| current.credentials.clone()).unwrap_or_default();
        let Some(dialog) = self.dialog(&tag) else { return };
        dialog.confirm(response);
        dialog.acknowledge(wire, number, credentials);
        match &self.phase {
            Phase::Inviting if current => self.answered(wire, now, tag, response),
            // Somebody picked up as their phone had rung for long enough: they are there, and hanging up on them would be a silent call.
            Phase::Cancelling(_) if current && self.rang_out => self.answered(wire, now, tag, response),
            Phase::Cancelling(hang_up) if current => {
                // It crossed with our CANCEL: somebody picked up, and is hung up on.
                let hang_up = hang_up.clone();
                self.answered_at = Some(now);
                self.bye(wire, now, &tag, &hang_up);
                self.end(wire, now, EndedBy::Us, Ending { q850: Some(hang_up.q850), reason: hang_up.text, ..Ending::default() });
            }
            _ => self.bye(wire, now, &tag, &HangUp { q850: crate::cause::NORMAL, text: "Answered elsewhere".to_owned() }),
        }
    }

    fn answered(&mut self, wire: &mut Wire, now: Instant, tag: String, response: &Message) {
        self.answered_at = Some(now);
        let (early, moved_on) = self.dialog(&tag).map_or((None, false), |dialog| (dialog.agreed.clone(), dialog.moved_on));
        let agreed = match description(response) {
            // It repeats the first answer (RFC 6337, section 2.2), which holds no more.
            Some(_) if moved_on && early.is_some() => early.ok_or_else(String::new),
            Some(body) => self.media.settle(&body).map_err(|error| error.to_string()),
            // It was answered in a provisional response (RFC 3262, section 5).
            None => early.ok_or_else(|| "answered without a session description".to_owned()),
        };
        match agreed {
            Ok(agreed) => {
                self.phase = Phase::Up;
                self.media.agreed = Some(agreed.clone());
                self.main = Some(tag);
                self.session_agreed(wire, now, response, true);
                self.tell(wire, CallEvent::Answered { at: now, media: agreed });
                self.exchange_settled(wire, now);
            }
            Err(reason) => {
                // Bearer capability not implemented: the nearest word of Q.850.
                self.bye(wire, now, &tag, &HangUp { q850: 65, text: reason.clone() });
                self.end(wire, now, EndedBy::Us, Ending { q850: Some(65), reason, ..Ending::default() });
            }
        }
    }

    fn refused(&mut self, wire: &mut Wire, now: Instant, response: &Message) {
        let status = response.status().unwrap_or_default();
        if status == 503 {
            self.note(wire, Noted::Unavailable(retry_after(response)));
        } else {
            self.note(wire, Noted::Alive);
        }
        self.dialogs.retain(|dialog| dialog.confirmed);
        let to = self.invitation.as_mut().and_then(|invitation| invitation.current.take()).map(|current| current.to);
        // It was given up, and this is its final response after all: nobody else is asked.
        if self.is_over() {
            return;
        }
        if let Phase::Cancelling(hang_up) = &self.phase {
            let end = Ending { sip_status: Some(status), q850: Some(hang_up.q850), reason: hang_up.text.clone(), retry_after: None };
            self.end(wire, now, EndedBy::Us, end);
            return;
        }
        let Some(invitation) = self.invitation.as_mut() else { return };
        match (status, to) {
            (401 | 407, Some(to)) if invitation.challenged < CHALLENGES_MAX && super::retry::accept_challenge(&mut self.challenges, self.rules.credentials.is_some(), response) => {
                invitation.challenged += 1;
                self.send_invite(wire, now, to);
            }
            (422, Some(to)) if invitation.session_min.is_none() && response.number(&Name::MinSe).is_some() => {
                let min = Duration::from_secs(u64::from(response.number(&Name::MinSe).unwrap_or_default().min(86_400)));
                invitation.session_min = Some(min);
                invitation.session_expires = Some(invitation.session_expires.unwrap_or(min).max(min));
                self.send_invite(wire, now, to);
            }
            (300..=399, Some(to)) => self.redirected(wire, now, response, &to),
            (503, _) => {
                invitation.last = Some(Ending::of(response));
                self.proceed(wire, now, EndedBy::FarEnd);
            }
            _ => self.next_target(wire, now, response),
        }
    }

    /// Calls the contacts of a 3xx in the order of their `q`, within the trunk's limit.
    fn redirected(&mut self, wire: &mut Wire, now: Instant, response: &Message, to: &Destination) {
        let Redirects::Follow { targets_max } = self.rules.redirects else { return self.end(wire, now, EndedBy::FarEnd, Ending::of(response)) };
        let mut contacts: Vec<(u32, Uri)> = response.list(&Name::Contact).filter_map(|value| NameAddr::parse(value).ok()).take(FORKS_MAX).map(|contact| {
            let q = contact.params.get("q").and_then(|q| q.trim().parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q)).unwrap_or(1.0);
            // As thousandths, so that it can be ordered.
            ((q * 1_000.0) as u32, contact.uri)
        }).collect();
        contacts.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        if let Some(invitation) = self.invitation.as_mut() {
            let room = usize::from(targets_max.saturating_sub(invitation.redirected)).saturating_sub(invitation.targets.len());
            // Their order before what an earlier redirect left.
            let fresh: Vec<Uri> = contacts.into_iter().map(|(_, uri)| uri).take(room).collect();
            for uri in fresh.into_iter().rev() {
                invitation.targets.push_front(uri);
            }
            invitation.redirector = Some(to.clone());
        }
        self.next_target(wire, now, response);
    }

    fn next_target(&mut self, wire: &mut Wire, now: Instant, response: &Message) {
        let Some(invitation) = self.invitation.as_mut() else { return };
        // 6xx holds for everywhere (RFC 3261, section 21.6).
        let next = if response.status().is_some_and(|status| status >= 600) { None } else { invitation.next_target() };
        let Some(to) = next else { return self.end(wire, now, EndedBy::FarEnd, Ending::of(response)) };
        invitation.hops.clear();
        invitation.last = Some(Ending::of(response));
        self.send_invite(wire, now, to);
    }

    fn no_server(&mut self, wire: &mut Wire, now: Instant, by: EndedBy, noted: Noted, words: &str) {
        self.note(wire, noted);
        if let Some(invitation) = self.invitation.as_mut() {
            invitation.current = None;
        }
        if let Phase::Cancelling(hang_up) = &self.phase {
            let end = Ending { q850: Some(hang_up.q850), reason: hang_up.text.clone(), ..Ending::default() };
            return self.end(wire, now, EndedBy::Us, end);
        }
        if let Some(invitation) = self.invitation.as_mut() {
            invitation.last = Some(Ending::words(words));
        }
        self.proceed(wire, now, by);
    }

    fn note(&mut self, wire: &mut Wire, what: Noted) {
        let to = self.invitation.as_ref().and_then(|invitation| invitation.current.as_ref()).map(|current| &current.to);
        if let (Some(Destination::Hop(hop)), Some(trunk)) = (to, self.trunk) {
            wire.notes.push(Note { trunk, address: hop.address, what });
        }
    }

    /// We want our INVITE to end. It may have been answered already: only its final response tells.
    pub(super) fn cancel(&mut self, wire: &mut Wire, now: Instant, hang_up: HangUp) {
        let current = self.invitation.as_ref().and_then(|invitation| invitation.current.as_ref());
        let Some((key, provisional)) = current.map(|current| (current.key, current.provisional)) else {
            // Nothing is on its way.
            return self.end(wire, now, EndedBy::Us, Ending { q850: Some(hang_up.q850), reason: hang_up.text, ..Ending::default() });
        };
        let reason = hang_up.header();
        self.phase = Phase::Cancelling(hang_up);
        if provisional {
            wire.cancel(now, key, &reason);
        }
        wire.alarm(now + wire.timers.patience(), Alarm::Call(self.key, CallAlarm::CancelPatience));
    }

    /// No final response in 64 times T1 after CANCEL (RFC 3261, section 9.1): it is over for us.
    pub(super) fn cancel_patience_over(&mut self, wire: &mut Wire, now: Instant) {
        if let Phase::Cancelling(hang_up) = &self.phase {
            let end = Ending { q850: Some(hang_up.q850), reason: hang_up.text.clone(), ..Ending::default() };
            self.end(wire, now, EndedBy::Us, end);
        }
    }

    /// Until when it may ring: counted from its ringing, as the law does, and not without end when that came late.
    fn rings_until(&self) -> Option<Instant> {
        let ring_max = self.invitation.as_ref()?.ring_max();
        Some((self.rang_at? + ring_max).min(self.began_at + ring_max + RINGS_LATE_MAX))
    }

    pub(super) fn rang_long_enough(&mut self, wire: &mut Wire, now: Instant) {
        match self.phase {
            Phase::Inviting => match self.rings_until().filter(|until| now < *until) {
                Some(until) => wire.alarm(until, Alarm::Call(self.key, CallAlarm::RingMax)),
                // No answer from the user.
                None => {
                    self.rang_out = true;
                    self.cancel(wire, now, HangUp { q850: 19, text: "No answer".to_owned() });
                }
            },
            // Their CANCEL may have been lost for good.
            Phase::Invited => self.refuse(wire, now, 480, "Temporarily Unavailable", Vec::new()),
            _ => {}
        }
    }
}
