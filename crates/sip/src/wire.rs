//! What calls and trunks share: their transactions, alarms and chance, and what is to be done outside.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::alarm::{Alarm, Alarms};
use crate::call::{CallEvent, CallKey, IncomingRequest, Purpose};
use crate::chance::Chance;
use crate::hop::{Destination, Hop, StreamId, Transport};
use crate::message::{Message, Method, Name};
use crate::oversize::Places;
use crate::transaction::{Client, ClientAlarm, ClientKey, Outcome, Server, ServerAlarm, ServerKey, Setting, Taken, Timers};
use crate::trunk::{Found, Servers, TrunkKey, TrunkPurpose, TrunkState};
use crate::uri::bracketed;

/// Requests of strangers that may be under way at once; more are answered with 503 and not kept.
const SERVERS_MAX: usize = 50_000;
/// Servers whose view of our address is kept.
const LEARNED_MAX: usize = 1_024;
/// For how long a server that kept silent comes last among those of its name, and how many such are remembered.
const SILENT_FOR: Duration = Duration::from_secs(60);
const SILENT_MAX: usize = 1_024;
const BRANCH: &str = "z9hG4bK";

/// For whom a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Call(CallKey, Purpose),
    Trunk(TrunkKey, TrunkPurpose),
    /// Nobody waits for the answer.
    Nobody,
}

/// What the task that owns the sockets must do.
#[derive(Debug)]
pub enum Effect {
    Send { to: Destination, bytes: Vec<u8>, client: Option<ClientKey> },
    Event { call: CallKey, event: Box<CallEvent> },
    Incoming { call: CallKey, request: Box<IncomingRequest> },
    /// No event of this call will follow.
    Gone { call: CallKey },
    Trunk { trunk: TrunkKey, state: TrunkState },
    /// Look up the trunk's hosts.
    Resolve { trunk: TrunkKey },
}

/// What a call learned of a server of its trunk.
#[derive(Debug)]
pub struct Note {
    pub trunk: TrunkKey,
    pub address: SocketAddr,
    pub what: Noted,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Noted {
    Alive,
    Silent,
    /// Nothing can be delivered to it, and perhaps it is known why.
    Unreachable(String),
    /// 503, and for how long it wants to be left alone.
    Unavailable(Option<Duration>),
}

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub transport: Transport,
    pub address: SocketAddr,
    pub stream: Option<StreamId>,
}

/// How we are to be reached, by transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Advertised {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    pub tls: Option<SocketAddr>,
}

impl Advertised {
    /// Without a listener of that kind, what comes back does so on the connection that we opened.
    #[must_use]
    pub fn of(&self, transport: Transport) -> SocketAddr {
        let own = match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
        };
        own.or(self.udp).or(self.tcp).or(self.tls).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 5060)))
    }
}

pub struct Wire {
    pub timers: Timers,
    pub advertised: Advertised,
    /// How servers see us, where a translator stands between (RFC 3581); `None` when the operator has said our address.
    learned: Option<HashMap<IpAddr, SocketAddr>>,
    pub user_agent: String,
    pub chance: Box<dyn Chance>,
    pub alarms: Alarms,
    pub effects: Vec<Effect>,
    pub notes: Vec<Note>,
    clients: HashMap<ClientKey, Client>,
    servers: HashMap<ServerKey, Server>,
    names: HashMap<String, ServerKey>,
    served: u64,
    places: Places,
    /// Servers that kept silent when a request was sent to them by their name.
    silent: HashMap<SocketAddr, Instant>,
}

impl Wire {
    #[must_use]
    pub fn new(timers: Timers, advertised: Advertised, user_agent: String, chance: Box<dyn Chance>) -> Self {
        Self { timers, advertised, learned: None, user_agent, chance, alarms: Alarms::default(), effects: Vec::new(), notes: Vec::new(), clients: HashMap::new(), servers: HashMap::new(), names: HashMap::new(), served: 0, places: Places::default(), silent: HashMap::new() }
    }

    pub fn event(&mut self, call: CallKey, event: CallEvent) {
        self.effects.push(Effect::Event { call, event: Box::new(event) });
    }

    /// From now on our Contact towards a server has the address that it sees us by.
    pub fn learn_addresses(&mut self) {
        self.learned.get_or_insert_with(HashMap::new);
    }

    fn learn(&mut self, key: ClientKey, response: &Message) {
        let Some(learned) = &mut self.learned else { return };
        let Some(Destination::Hop(Hop { transport: Transport::Udp, address, .. })) = self.clients.get(&key).map(Client::to) else { return };
        let seen = response.via().and_then(|via| Some(SocketAddr::new(via.params.get("received")?.parse().ok()?, via.params.get("rport")?.parse().ok()?)));
        match seen.filter(|seen| Some(*seen) != self.advertised.udp) {
            Some(seen) if learned.len() < LEARNED_MAX || learned.contains_key(&address.ip()) => drop(learned.insert(address.ip(), seen)),
            Some(_) => {}
            None => drop(learned.remove(&address.ip())),
        }
    }

    /// Our Contact towards this destination. A request that takes a stream for its size keeps that of its trunk: it says how
    /// we want to be called back, and behind a translator only what comes as it always does gets through.
    #[must_use]
    pub fn contact(&self, to: &Destination) -> String {
        let transport = to.transport();
        let learned = match to {
            Destination::Hop(Hop { transport: Transport::Udp, address, .. }) => self.learned.as_ref().and_then(|learned| learned.get(&address.ip())).copied(),
            _ => None,
        };
        let place = learned.unwrap_or_else(|| self.advertised.of(transport));
        let suffix = match transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:clarion@{}:{}{suffix}>", bracketed(&place.ip().to_string()), place.port())
    }

    fn via(&self, to: &Destination, branch: u64) -> String {
        let place = self.advertised.of(to.transport());
        format!("SIP/2.0/{} {}:{};branch={BRANCH}{branch:016x};rport", to.transport().as_str(), bracketed(&place.ip().to_string()), place.port())
    }

    /// Sends a request in a transaction of its own. Via and the like are put in front of it, and one that is too large for a
    /// datagram goes by a stream.
    pub fn request(&mut self, now: Instant, owner: Owner, mut request: Message, to: Destination, silence_max: Option<Duration>) -> ClientKey {
        let key = ClientKey { branch: self.chance.number(), cancels: false };
        self.head(&mut request, &to, key.branch);
        let mut bytes = request.write();
        let (to, meant) = match self.places.instead(now, &to, bytes.len()) {
            Some(stream) => {
                request.set_via(self.via(&stream, key.branch));
                bytes = request.write();
                (stream, Some(to))
            }
            None => (to, None),
        };
        let setting = Setting { request, bytes, to, meant, silence_max };
        let client = Client::start(now, key, owner, setting, &self.timers, &mut self.alarms, &mut self.effects);
        self.clients.insert(key, client);
        key
    }

    /// An ACK for a 2xx, which is a transaction of nobody's (RFC 3261, section 13.2.2.4). Its bytes, and where they
    /// went, are kept for repetition.
    pub fn send_ack(&mut self, mut ack: Message, mut to: Destination) -> (Vec<u8>, Destination) {
        let branch = self.chance.number();
        self.head(&mut ack, &to, branch);
        let mut bytes = ack.write();
        if let Some(stream) = self.places.surely_instead(&to, bytes.len()) {
            ack.set_via(self.via(&stream, branch));
            (bytes, to) = (ack.write(), stream);
        }
        self.effects.push(Effect::Send { to: to.clone(), bytes: bytes.clone(), client: None });
        (bytes, to)
    }

    fn head(&self, request: &mut Message, to: &Destination, branch: u64) {
        let via = crate::message::Header { name: Name::Via, value: self.via(to, branch) };
        request.headers.insert(0, via);
        request.push(Name::MaxForwards, "70");
        request.push(Name::UserAgent, self.user_agent.as_str());
    }

    /// Cancels an INVITE that has had a provisional response and no final one. False while it may not be cancelled.
    pub fn cancel(&mut self, now: Instant, invite: ClientKey, reason: &str) -> bool {
        let Some((mut cancel, to)) = self.clients.get(&invite).and_then(|client| Some((client.cancel()?, client.to().clone()))) else { return false };
        let key = ClientKey { branch: invite.branch, cancels: true };
        if self.clients.contains_key(&key) {
            return true;
        }
        cancel.push(Name::Reason, reason);
        if let Some(client) = self.clients.get_mut(&invite) {
            client.cancelled(now, &self.timers, &mut self.alarms);
        }
        // By the way of its INVITE, whatever that was.
        let setting = Setting { bytes: cancel.write(), request: cancel, to, meant: None, silence_max: None };
        let client = Client::start(now, key, Owner::Nobody, setting, &self.timers, &mut self.alarms, &mut self.effects);
        self.clients.insert(key, client);
        true
    }

    /// The servers of a name in the order in which they are to be tried (RFC 2782), those that kept silent a moment ago last.
    pub fn in_order(&mut self, now: Instant, found: Vec<Found>) -> VecDeque<Hop> {
        self.silent.retain(|_, since| now.saturating_duration_since(*since) < SILENT_FOR);
        let mut servers = Servers::default();
        servers.replace(found);
        for address in self.silent.keys() {
            servers.note(now, *address, &Noted::Silent);
        }
        servers.order(now, &mut *self.chance).into()
    }

    /// The first server of the name that a request was sent to; whose request it is, unless it is not waiting for one any more.
    pub fn named(&mut self, now: Instant, key: ClientKey, first: Hop, bytes: Vec<u8>, silence_max: Option<Duration>) -> Option<Owner> {
        let client = self.clients.get_mut(&key)?;
        if !client.goes_to(now, first.clone(), silence_max, &mut self.alarms) {
            return None;
        }
        let owner = client.owner;
        self.effects.push(Effect::Send { to: Destination::Hop(first), bytes, client: Some(key) });
        Some(owner)
    }

    fn kept_silent(&mut self, now: Instant, key: ClientKey) {
        if let Some(Destination::Hop(hop)) = self.clients.get(&key).map(Client::to)
            && (self.silent.len() < SILENT_MAX || self.silent.contains_key(&hop.address))
        {
            self.silent.insert(hop.address, now);
        }
    }

    /// For whom a request was sent.
    #[must_use]
    pub fn owner(&self, key: ClientKey) -> Option<Owner> {
        self.clients.get(&key).map(|client| client.owner)
    }

    /// Where a request was sent: what belongs to its dialog chooses its way from there anew.
    #[must_use]
    pub fn sent_to(&self, key: ClientKey) -> Option<Destination> {
        self.clients.get(&key).map(|client| client.meant().clone())
    }

    /// Matches a response to its request; whose it is, if they shall see it.
    pub fn take_response(&mut self, now: Instant, response: &Message) -> Option<(Owner, ClientKey)> {
        let via = response.via()?;
        let digits = via.branch()?.strip_prefix(BRANCH)?;
        let (_, method) = response.cseq()?;
        let key = ClientKey { branch: u64::from_str_radix(digits, 16).ok()?, cancels: method == Method::Cancel };
        self.learn(key, response);
        let client = self.clients.get_mut(&key)?;
        if let Some(place) = client.on_trial() {
            self.places.took(place);
        }
        if let Destination::Hop(hop) = client.to() {
            self.silent.remove(&hop.address);
        }
        let seen = client.receive(now, response, &self.timers, &mut self.alarms, &mut self.effects);
        seen.then_some((client.owner, key))
    }

    /// Matches a request to what is known (RFC 3261, section 17.2.3), or begins a transaction.
    pub fn take_request(&mut self, now: Instant, request: &mut Message, source: Source) -> Option<Taken> {
        let mut via = request.via()?;
        via.receive_from(source.address);
        let method = request.method()?.clone();
        let name = |method: &str| match via.branch().filter(|branch| branch.starts_with(BRANCH)) {
            Some(branch) => format!("{branch}|{}|{:?}|{method}", via.host.to_ascii_lowercase(), via.port),
            // An RFC 2543 element: its identity is that of the whole request.
            None => format!("|{}|{:?}|{:?}|{method}", request.call_id().unwrap_or_default(), request.cseq().map(|(number, _)| number), request.from().and_then(|from| from.tag().map(str::to_owned))),
        };
        if method == Method::Ack {
            let Some(server) = self.names.get(&name("INVITE")).and_then(|key| self.servers.get_mut(key)) else { return Some(Taken::Ack) };
            server.acknowledged(now, &self.timers, &mut self.alarms);
            // A 2xx's ACK has a branch of its own, unless an old element sends it.
            return Some(if via.branch().is_some_and(|branch| branch.starts_with(BRANCH)) { Taken::Absorbed } else { Taken::Ack });
        }
        let own = name(method.as_str());
        if let Some(server) = self.names.get(&own).and_then(|key| self.servers.get(key)) {
            server.again(&mut self.effects);
            return Some(Taken::Absorbed);
        }
        if self.servers.len() >= SERVERS_MAX {
            return Some(Taken::Overload);
        }
        let invite = (method == Method::Cancel).then(|| self.names.get(&name("INVITE")).copied());
        let to = match source.stream {
            Some(id) => Destination::Stream { id, transport: source.transport, address: source.address },
            None => Destination::Hop(Hop { transport: source.transport, address: via.response_address(source.address), tls: None }),
        };
        request.set_via(via.to_string());
        self.served += 1;
        let key = ServerKey(self.served);
        let tag = self.chance.token();
        self.servers.insert(key, Server::new(key, own.clone(), request, to, tag));
        self.names.insert(own, key);
        Some(match invite {
            Some(invite) => Taken::Cancel { own: key, invite },
            None => Taken::New(key),
        })
    }

    /// A response to a request that no transaction holds.
    pub fn respond_stateless(&mut self, request: &Message, source: Source, status: u16, reason: &str) {
        let Some(mut via) = request.via() else { return };
        via.receive_from(source.address);
        let to = match source.stream {
            Some(id) => Destination::Stream { id, transport: source.transport, address: source.address },
            None => Destination::Hop(Hop { transport: source.transport, address: via.response_address(source.address), tls: None }),
        };
        let tag = self.chance.token();
        let mut response = Message::response(request, status, reason, &tag);
        response.set_via(via.to_string());
        self.effects.push(Effect::Send { to, bytes: response.write(), client: None });
    }

    pub fn server(&mut self, key: ServerKey) -> Option<&mut Server> {
        self.servers.get_mut(&key)
    }

    /// A response with our tag, ready to be filled.
    #[must_use]
    pub fn response(&self, key: ServerKey, request: &Message, status: u16, reason: &str) -> Message {
        let tag = self.servers.get(&key).map_or("", |server| server.tag.as_str());
        let mut response = Message::response(request, status, reason, tag);
        response.push(Name::Server, self.user_agent.as_str());
        response
    }

    pub fn respond(&mut self, now: Instant, key: ServerKey, response: &Message) {
        if let Some(server) = self.servers.get_mut(&key) {
            server.respond(now, response, &self.timers, &mut self.alarms, &mut self.effects);
        }
    }

    /// A response without more to it.
    pub fn reply(&mut self, now: Instant, key: ServerKey, request: &Message, status: u16, reason: &str) {
        let response = self.response(key, request, status, reason);
        self.respond(now, key, &response);
    }

    pub fn ring_client(&mut self, now: Instant, key: ClientKey, alarm: ClientAlarm) -> Option<(Owner, Outcome)> {
        let client = self.clients.get_mut(&key)?;
        let owner = client.owner;
        if let Some(place) = client.on_trial().filter(|_| alarm == ClientAlarm::GiveUp) {
            // It may have been read, and is not said twice; the next goes as a datagram.
            self.places.refused(now, place);
        }
        let (outcome, over) = client.ring(now, alarm, &self.timers, &mut self.alarms, &mut self.effects);
        if matches!(outcome, Some(Outcome::Timeout)) {
            self.kept_silent(now, key);
        }
        if over {
            self.clients.remove(&key);
        }
        outcome.map(|outcome| (owner, outcome))
    }

    pub fn ring_server(&mut self, now: Instant, key: ServerKey, alarm: ServerAlarm) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        if server.ring(now, alarm, &self.timers, &mut self.alarms, &mut self.effects)
            && let Some(server) = self.servers.remove(&key)
        {
            self.names.remove(&server.name);
        }
    }

    /// The transport could not deliver a request; whose it is, unless it can go another way.
    pub fn undelivered(&mut self, now: Instant, key: ClientKey) -> Option<Owner> {
        let client = self.clients.get(&key).filter(|client| client.fails())?;
        if let Some(place) = client.on_trial().cloned() {
            self.places.refused(now, &place);
            let via = self.via(&place, key.branch);
            self.clients.get_mut(&key)?.fall_back(now, via, &self.timers, &mut self.alarms, &mut self.effects);
            return None;
        }
        let owner = client.owner;
        self.kept_silent(now, key);
        self.clients.remove(&key);
        Some(owner)
    }

    pub fn alarm(&mut self, at: Instant, alarm: Alarm) {
        self.alarms.set(at, alarm);
    }

    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.clients.values().any(Client::fails)
    }

    /// How many transactions are open, for the limits' tests and the measures.
    #[must_use]
    pub fn open_transactions(&self) -> usize {
        self.clients.len() + self.servers.len()
    }
}
