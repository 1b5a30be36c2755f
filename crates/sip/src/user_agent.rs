//! The whole of signalling without sockets, clock or chance: messages, commands and time go in, effects come out.

use std::collections::HashMap;
use std::time::Instant;

use crate::alarm::Alarm;
use crate::call::{Call, CallAlarm, CallKey, CallMedia, CallRules, IncomingRequest, description};
use crate::cause::{EndedBy, HangUp};
use crate::chance::Chance;
use crate::dial::{DialError, DialRequest};
use crate::dialog::Dialog;
use crate::hop::Destination;
use crate::message::{ALLOW, Header, Message, Method, Name, ParseError, Start, parse};
use crate::negotiated::{Direction, LocalMedia};
use crate::transaction::{ClientKey, Outcome, ServerKey, Taken, Timers};
use crate::trunk::{Found, TrunkConfig, TrunkKey, Watch};
use crate::uri::{Uri, UriError};
use crate::wire::{Advertised, Effect, Owner, Source, Wire};

/// Option tags that a request may require of us.
const EXTENSIONS: &[&str] = &["100rel", "timer"];

/// What the owner of a call may ask of it.
#[derive(Debug)]
pub enum CallCommand {
    HangUp(HangUp),
    Ring,
    Early(LocalMedia),
    Answer(LocalMedia),
    Reject { status: u16, words: String, headers: Vec<Header> },
    ChangeMedia { local: Option<LocalMedia>, direction: Option<Direction> },
    Refer(String),
    AnswerTransfer { accept: bool },
    NotifyTransfer { status: u16 },
}

pub struct UserAgent {
    wire: Wire,
    calls: HashMap<CallKey, Call>,
    /// By Call-ID and our tag.
    names: HashMap<String, CallKey>,
    /// INVITEs from outside by Call-ID and their tag: the same by two ways rings once (RFC 3261, section 8.2.2.2).
    invited: HashMap<String, CallKey>,
    trunks: HashMap<TrunkKey, Watch>,
    /// Rules of calls that come in; none do without.
    incoming: Option<CallRules>,
    calls_in: u64,
}

impl UserAgent {
    #[must_use]
    pub fn new(timers: Timers, advertised: Advertised, user_agent: String, incoming: Option<CallRules>, chance: Box<dyn Chance>) -> Self {
        Self { wire: Wire::new(timers, advertised, user_agent, chance), calls: HashMap::new(), names: HashMap::new(), invited: HashMap::new(), trunks: HashMap::new(), incoming, calls_in: 0 }
    }

    /// Our address is nobody's word: what servers see of it goes into our Contact.
    pub fn learn_addresses(&mut self) {
        self.wire.learn_addresses();
    }

    /// What is to be done outside since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.wire.effects)
    }

    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.wire.alarms.next_at()
    }

    #[must_use]
    pub fn open_transactions(&self) -> usize {
        self.wire.open_transactions()
    }

    /// Nothing of ours waits for an answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.wire.is_idle()
    }

    /// Calls that are up, under way, or not yet forgotten.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Everything whose time has come.
    pub fn wake(&mut self, now: Instant) {
        while let Some(alarm) = self.wire.alarms.due(now) {
            match alarm {
                Alarm::Client(key, alarm) => {
                    if let Some((owner, outcome)) = self.wire.ring_client(now, key, alarm) {
                        self.outcome(now, owner, key, outcome);
                    }
                }
                Alarm::Server(key, alarm) => self.wire.ring_server(now, key, alarm),
                Alarm::Call(key, alarm) => self.ring_call(now, key, alarm),
                Alarm::Trunk(key, alarm) => {
                    if let Some(trunk) = self.trunks.get_mut(&key) {
                        trunk.ring(&mut self.wire, now, alarm);
                    }
                }
            }
        }
    }

    fn ring_call(&mut self, now: Instant, key: CallKey, alarm: CallAlarm) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if call.ring(&mut self.wire, now, alarm)
            && let Some(call) = self.calls.remove(&key)
        {
            self.names.remove(&call.name);
            if call.trunk.is_none() {
                self.invited.retain(|_, invited| *invited != key);
            }
        }
        self.after_call(now);
    }

    /// A datagram came in.
    pub fn receive(&mut self, now: Instant, bytes: &[u8], source: Source) {
        match parse(bytes) {
            Ok(message) => self.take(now, message, source),
            Err(ParseError::Body { message, why }) if message.method().is_some_and(|method| *method != Method::Ack) => self.wire.respond_stateless(&message, source, 400, why),
            // What cannot be answered is dropped: answering noise only makes more of it.
            Err(_) => {}
        }
    }

    /// A message came in.
    pub fn take(&mut self, now: Instant, message: Message, source: Source) {
        let fault = message.fault();
        match (&message.start, fault) {
            (Start::Response { .. }, None) => self.response(now, message),
            (Start::Request { .. }, None) => self.request(now, message, source),
            (Start::Request { method, .. }, Some(fault)) if *method != Method::Ack => self.wire.respond_stateless(&message, source, 400, fault),
            _ => {}
        }
    }

    fn response(&mut self, now: Instant, message: Message) {
        if let Some((owner, key)) = self.wire.take_response(now, &message) {
            self.outcome(now, owner, key, Outcome::Response(Box::new(message)));
        }
    }

    /// The transport could not deliver a request; `why` is empty where it does not know.
    pub fn undelivered(&mut self, now: Instant, key: ClientKey, why: &str) {
        if let Some(owner) = self.wire.undelivered(now, key) {
            self.outcome(now, owner, key, Outcome::Unreachable(why.to_owned()));
        }
    }

    /// The servers of a name to which something was sent. One takes it, and the others are for when that one does not (RFC 3263, section 4.3).
    pub fn servers_found(&mut self, now: Instant, client: Option<ClientKey>, turn: u16, bytes: Vec<u8>, found: Vec<Found>) {
        let mut hops = self.wire.in_order(now, found);
        let first = usize::from(turn) % hops.len().max(1);
        hops.rotate_left(first);
        match (hops.pop_front(), client) {
            (Some(first), Some(client)) => {
                let call = match self.wire.owner(client) {
                    Some(Owner::Call(call, _)) => self.calls.get_mut(&call),
                    _ => None,
                };
                let silence_max = call.as_ref().filter(|_| !hops.is_empty()).map(|call| call.silence_max());
                if self.wire.named(now, client, first.clone(), bytes, silence_max).is_some()
                    && let Some(call) = call
                {
                    call.goes_to(client, first, hops);
                }
            }
            // An ACK has no transaction: where it is lost, the 2xx comes again, and it goes to the next.
            (Some(first), None) => self.wire.effects.push(Effect::Send { to: Destination::Hop(first), bytes, client: None }),
            (None, Some(client)) => self.undelivered(now, client, "its name has no address"),
            (None, None) => {}
        }
    }

    fn outcome(&mut self, now: Instant, owner: Owner, key: ClientKey, outcome: Outcome) {
        match owner {
            Owner::Call(call, purpose) => match self.calls.get_mut(&call) {
                Some(call) if purpose == crate::call::Purpose::Invite => call.invited(&mut self.wire, now, key, outcome),
                Some(call) => call.outcome(&mut self.wire, now, key, outcome),
                None => self.orphan(now, key, outcome),
            },
            Owner::Trunk(trunk, purpose) => {
                if let Some(trunk) = self.trunks.get_mut(&trunk) {
                    trunk.outcome(&mut self.wire, now, purpose, key, outcome);
                }
            }
            Owner::Nobody => {}
        }
        self.after_call(now);
    }

    /// An answer to a call that is long forgotten is hung up on.
    fn orphan(&mut self, now: Instant, key: ClientKey, outcome: Outcome) {
        let Outcome::Response(response) = outcome else { return };
        let Some((number, Method::Invite)) = response.cseq() else { return };
        let (Some(made_at), true) = (self.wire.sent_to(key), response.status().is_some_and(|status| (200..300).contains(&status))) else { return };
        let mut dialog = Dialog::of_response(&response, number, &made_at);
        dialog.acknowledge(&mut self.wire, number, Vec::new());
        let (bye, to) = dialog.request(Method::Bye, None);
        self.wire.request(now, Owner::Nobody, bye, to, None);
    }

    /// Tells trunks what calls learned of their servers.
    fn after_call(&mut self, now: Instant) {
        for note in std::mem::take(&mut self.wire.notes) {
            if let Some(trunk) = self.trunks.get_mut(&note.trunk) {
                trunk.note(&mut self.wire, now, note.address, &note.what);
            }
        }
    }

    fn request(&mut self, now: Instant, mut request: Message, source: Source) {
        match self.wire.take_request(now, &mut request, source) {
            Some(Taken::New(server)) => self.serve(now, server, request, source),
            Some(Taken::Ack) => {
                if let Some(call) = self.named(&request) {
                    call.1.acknowledged(call.0, now, &request);
                }
            }
            Some(Taken::Cancel { own, invite }) => self.cancel(now, own, invite, &request),
            Some(Taken::Overload) => self.wire.respond_stateless(&request, source, 503, "Service Unavailable"),
            Some(Taken::Absorbed) | None => {}
        }
        self.after_call(now);
    }

    /// The call to which a request within a dialog belongs.
    fn named(&mut self, request: &Message) -> Option<(&mut Wire, &mut Call)> {
        let to = request.to()?;
        let name = crate::call::call_name(request.call_id()?, to.tag()?);
        let call = self.calls.get_mut(self.names.get(&name)?)?;
        Some((&mut self.wire, call))
    }

    fn cancel(&mut self, now: Instant, own: ServerKey, invite: Option<ServerKey>, request: &Message) {
        let Some(server) = invite.and_then(|invite| self.wire.server(invite)) else {
            return self.wire.reply(now, own, request, 481, "Call/Transaction Does Not Exist");
        };
        let call = server.call;
        self.wire.reply(now, own, request, 200, "OK");
        if let Some(call) = call.and_then(|call| self.calls.get_mut(&call)) {
            call.cancelled(&mut self.wire, now, request);
        }
    }

    fn serve(&mut self, now: Instant, server: ServerKey, request: Message, source: Source) {
        if let Some((wire, call)) = self.named(&request) {
            return call.request(wire, now, server, &request);
        }
        if request.to().is_some_and(|to| to.tag().is_some()) {
            return self.wire.reply(now, server, &request, 481, "Call/Transaction Does Not Exist");
        }
        let unknown: Vec<&str> = request.list(&Name::Require).filter(|tag| !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(tag))).collect();
        if !unknown.is_empty() {
            let mut response = self.wire.response(server, &request, 420, "Bad Extension");
            response.push(Name::Unsupported, unknown.join(", "));
            return self.wire.respond(now, server, &response);
        }
        match request.method() {
            Some(Method::Invite) => self.invite(now, server, &request, source),
            Some(Method::Options) => {
                let mut response = self.wire.response(server, &request, 200, "OK");
                response.push(Name::Allow, ALLOW);
                response.push(Name::Accept, "application/sdp");
                response.push(Name::Supported, EXTENSIONS.join(", "));
                self.wire.respond(now, server, &response);
            }
            Some(Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Refer | Method::Notify) => self.wire.reply(now, server, &request, 481, "Call/Transaction Does Not Exist"),
            _ => {
                let mut response = self.wire.response(server, &request, 405, "Method Not Allowed");
                response.push(Name::Allow, ALLOW);
                self.wire.respond(now, server, &response);
            }
        }
    }

    fn invite(&mut self, now: Instant, server: ServerKey, request: &Message, source: Source) {
        let Some(rules) = self.incoming.clone() else { return self.wire.reply(now, server, request, 403, "Forbidden") };
        let Start::Request { uri, .. } = &request.start else { return };
        let uri = match Uri::parse(uri) {
            Ok(uri) => uri,
            Err(UriError::Scheme) => return self.wire.reply(now, server, request, 416, "Unsupported URI Scheme"),
            Err(UriError::Form) => return self.wire.reply(now, server, request, 400, "Bad Request-URI"),
        };
        let (Some(from), Some(to)) = (request.from(), request.to()) else { return };
        let twin = format!("{}|{}", request.call_id().unwrap_or_default(), from.tag().unwrap_or_default());
        if self.invited.contains_key(&twin) {
            return self.wire.reply(now, server, request, 482, "Loop Detected");
        }
        let offers = description(request).is_some();
        if !request.body.is_empty() && !offers {
            let mut response = self.wire.response(server, request, 415, "Unsupported Media Type");
            response.push(Name::Accept, "application/sdp");
            return self.wire.respond(now, server, &response);
        }
        self.wire.reply(now, server, request, 100, "Trying");
        self.calls_in += 1;
        // Keys of calls that come in are odd, of ours even: nobody has to ask for one.
        let key = CallKey(self.calls_in * 2 + 1);
        let nowhere = LocalMedia { address: ([0, 0, 0, 0], 0).into(), codecs: Vec::new(), telephone_event: false, srtp: Default::default() };
        let media = CallMedia::new(nowhere, &mut *self.wire.chance);
        let call = Call::incoming(&mut self.wire, key, rules, media, server, request, now);
        if let Some(server) = self.wire.server(server) {
            server.call = Some(key);
        }
        self.names.insert(call.name.clone(), key);
        self.invited.insert(twin, key);
        self.calls.insert(key, call);
        let asserted = request.list(&Name::PAssertedIdentity).find_map(|value| crate::name_addr::NameAddr::parse(value).ok());
        let request = IncomingRequest { source: source.address, uri, from, to, asserted, offers, headers: request.headers.clone() };
        self.wire.effects.push(Effect::Incoming { call: key, request: Box::new(request) });
    }

    pub fn add_trunk(&mut self, now: Instant, key: TrunkKey, config: TrunkConfig) {
        let watch = Watch::start(&mut self.wire, now, key, config);
        self.trunks.insert(key, watch);
    }

    /// Its calls go on.
    pub fn remove_trunk(&mut self, now: Instant, key: TrunkKey) {
        if let Some(mut trunk) = self.trunks.remove(&key) {
            // Another that registers the same address would lose its binding with this one's.
            if !self.trunks.values().any(|other| other.registers_as(&trunk)) {
                trunk.leave(&mut self.wire, now);
            }
            for call in trunk.waiting {
                self.command(now, call, CallCommand::HangUp(HangUp::default()));
            }
        }
    }

    #[must_use]
    pub fn trunk_config(&self, key: TrunkKey) -> Option<&TrunkConfig> {
        self.trunks.get(&key).map(|trunk| &trunk.config)
    }

    /// The look-up that `Effect::Resolve` asked for.
    pub fn trunk_found(&mut self, now: Instant, key: TrunkKey, found: Result<Vec<Found>, String>) {
        let Some(trunk) = self.trunks.get_mut(&key) else { return };
        trunk.found(&mut self.wire, now, found);
        for call in std::mem::take(&mut trunk.waiting) {
            self.set_out(now, key, call);
        }
    }

    /// Begins a call under a key of the caller's choice, an even number.
    pub fn dial(&mut self, now: Instant, key: CallKey, trunk_key: TrunkKey, request: &DialRequest, local: LocalMedia) -> Result<(), DialError> {
        let Some(trunk) = self.trunks.get_mut(&trunk_key) else {
            self.wire.effects.push(Effect::Gone { call: key });
            return Ok(());
        };
        let invitation = request.invitation(&trunk.config, &mut *self.wire.chance)?;
        let media = CallMedia::new(local, &mut *self.wire.chance);
        let call = Call::invite(&mut self.wire, now, key, trunk_key, trunk.config.rules(), invitation, media);
        self.names.insert(call.name.clone(), key);
        self.calls.insert(key, call);
        if trunk.is_resolved() {
            self.set_out(now, trunk_key, key);
        } else {
            trunk.waiting.push_back(key);
        }
        self.after_call(now);
        Ok(())
    }

    fn set_out(&mut self, now: Instant, trunk: TrunkKey, call: CallKey) {
        let (Some(trunk), Some(call)) = (self.trunks.get(&trunk), self.calls.get_mut(&call)) else { return };
        let hops = trunk.servers.order(now, &mut *self.wire.chance).into_iter().map(Destination::Hop).collect();
        call.set_out(&mut self.wire, now, hops, trunk.servers.barred_for(now));
    }

    pub fn command(&mut self, now: Instant, call: CallKey, command: CallCommand) {
        let Some(call) = self.calls.get_mut(&call) else { return };
        let wire = &mut self.wire;
        match command {
            CallCommand::HangUp(hang_up) => call.hang_up(wire, now, hang_up),
            CallCommand::Ring => call.ring_back(wire, now),
            CallCommand::Early(local) => call.early(wire, now, local),
            CallCommand::Answer(local) => call.answer(wire, now, local),
            CallCommand::Reject { status, words, headers } => call.refuse(wire, now, status, &words, headers),
            CallCommand::ChangeMedia { local, direction } => call.change_media(wire, now, local, direction),
            CallCommand::Refer(target) => call.refer(wire, now, &target),
            CallCommand::AnswerTransfer { accept } => call.answer_transfer(wire, now, accept),
            CallCommand::NotifyTransfer { status } => call.notify_transfer(wire, now, status),
        }
        self.after_call(now);
    }
}

impl Call {
    /// Sends the INVITE to the first of these servers, unless the call has ended while it waited for them.
    fn set_out(&mut self, wire: &mut Wire, now: Instant, hops: std::collections::VecDeque<Destination>, barred_for: Option<std::time::Duration>) {
        if self.is_over() {
            return;
        }
        self.give_servers(hops, barred_for);
        self.proceed(wire, now, EndedBy::Unreachable);
    }
}
