//! One loop: datagrams, streams, commands and alarms in, effects out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::inbox::Inbox;
use super::outbound::Streams;
use super::resolve::Resolver;
use super::stream::{Arrival, accept};
use crate::call::{CallEvent, CallKey, IncomingRequest};
use crate::cause::HangUp;
use crate::dial::DialRequest;
use crate::hop::{Destination, Hop, Transport};
use crate::negotiated::LocalMedia;
use crate::transaction::ClientKey;
use crate::trunk::{Found, TrunkConfig, TrunkKey, TrunkState};
use crate::user_agent::{CallCommand, UserAgent};
use crate::wire::{Effect, Source};

/// Commands, and messages of streams, that one round takes.
const BATCH: usize = 1_024;
/// Datagrams that one system call takes, and such calls in a round.
const DATAGRAMS: usize = 32;
const CALLS: usize = 32;
type Datagrams = Inbox<DATAGRAMS, 65_536>;
/// What comes within this time of a round waits for the next: to be woken, and to wake, costs more than most messages do.
/// What comes after a longer silence is taken at once.
const GATHER: Duration = Duration::from_millis(2);
/// For how long requests may finish after the endpoint was closed.
const CLOSING_MAX: Duration = Duration::from_secs(4);

/// What handles and helping tasks tell the loop.
pub(crate) enum Input {
    AddTrunk { key: TrunkKey, config: Box<TrunkConfig>, state: watch::Sender<TrunkState> },
    RemoveTrunk(TrunkKey),
    Dial { key: CallKey, trunk: TrunkKey, request: Box<DialRequest>, local: LocalMedia, events: mpsc::UnboundedSender<CallEvent> },
    Command(CallKey, CallCommand),
    Found { trunk: TrunkKey, found: Result<Vec<Found>, String> },
    /// A name was looked up for one message.
    Named { found: Vec<Found>, turn: u16, bytes: Vec<u8>, client: Option<ClientKey> },
    /// These requests, and why, where that is known.
    Undelivered(Vec<ClientKey>, String),
    Close,
}

pub(crate) struct Sockets {
    pub udp: Option<std::net::UdpSocket>,
    pub tcp: Option<std::net::TcpListener>,
    pub tls: Option<(std::net::TcpListener, TlsAcceptor)>,
    /// Whether our sockets are of IPv6.
    pub v6: bool,
}

/// A call that came in, on its way to a handle.
pub(crate) type Arrived = (CallKey, Box<IncomingRequest>, mpsc::UnboundedReceiver<CallEvent>);

pub(crate) struct Driver {
    agent: UserAgent,
    udp: Option<UdpSocket>,
    v6: bool,
    streams: Streams,
    inputs: mpsc::UnboundedReceiver<Input>,
    sender: mpsc::WeakUnboundedSender<Input>,
    arrivals: mpsc::Receiver<Arrival>,
    calls: HashMap<CallKey, mpsc::UnboundedSender<CallEvent>>,
    trunks: HashMap<TrunkKey, watch::Sender<TrunkState>>,
    incoming: mpsc::UnboundedSender<Arrived>,
    resolver: Arc<Resolver>,
}

impl Driver {
    /// Must be called within the runtime that will run it.
    pub fn new(agent: UserAgent, sockets: Sockets, inputs: mpsc::UnboundedReceiver<Input>, sender: mpsc::WeakUnboundedSender<Input>, incoming: mpsc::UnboundedSender<Arrived>, name_servers: Vec<SocketAddr>) -> std::io::Result<Self> {
        let (arrived, arrivals) = mpsc::channel(1_024);
        let udp = sockets.udp.map(UdpSocket::from_std).transpose()?;
        if let Some(listener) = sockets.tcp {
            tokio::spawn(accept(TcpListener::from_std(listener)?, None, arrived.clone()));
        }
        if let Some((listener, acceptor)) = sockets.tls {
            tokio::spawn(accept(TcpListener::from_std(listener)?, Some(acceptor), arrived.clone()));
        }
        let resolver = Arc::new(Resolver::new(name_servers, sockets.v6));
        Ok(Self { agent, udp, v6: sockets.v6, streams: Streams::new(arrived, sender.clone()), inputs, sender, arrivals, calls: HashMap::new(), trunks: HashMap::new(), incoming, resolver })
    }

    pub async fn run(mut self) {
        let mut closing: Option<Instant> = None;
        let mut batch = Vec::with_capacity(BATCH);
        let mut inbox = Inbox::new(self.v6);
        if let Some(udp) = &self.udp {
            // Until the runtime has seen that it can be written to, the first datagrams would be lost.
            drop(udp.writable().await);
        }
        loop {
            let wake_at = [self.agent.next_at(), closing].into_iter().flatten().min();
            let mut close = false;
            tokio::select! {
                () = readable(self.udp.as_ref()) => {}
                count = self.inputs.recv_many(&mut batch, BATCH) => close = count == 0,
                Some(arrival) = self.arrivals.recv() => self.arrival(arrival),
                () = sleep_until(wake_at) => {}
            }
            let full = self.round(&mut inbox, &mut batch, &mut close);
            let now = Instant::now();
            if close {
                for key in self.calls.keys().copied().collect::<Vec<_>>() {
                    self.agent.command(now, key, CallCommand::HangUp(HangUp::default()));
                }
                closing.get_or_insert(now + CLOSING_MAX);
                self.inputs.close();
            }
            self.agent.wake(now);
            self.perform(now);
            if closing.is_some_and(|until| now >= until || self.agent.is_idle()) {
                return;
            }
            if !full {
                // Blocked on purpose: the runtime would wake for each datagram.
                std::thread::sleep(GATHER);
            }
            // Streams and look-ups have their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Takes all that has come, up to a limit; true when more may wait.
    fn round(&mut self, inbox: &mut Datagrams, batch: &mut Vec<Input>, close: &mut bool) -> bool {
        while batch.len() < BATCH && let Ok(input) = self.inputs.try_recv() {
            batch.push(input);
        }
        let now = Instant::now();
        let mut full = batch.len() >= BATCH;
        for input in batch.drain(..) {
            *close |= matches!(input, Input::Close);
            self.input(now, input);
        }
        full |= self.datagrams(inbox, now);
        for _ in 0..BATCH {
            let Ok(arrival) = self.arrivals.try_recv() else { return full };
            self.arrival(arrival);
        }
        true
    }

    /// True when more may wait.
    fn datagrams(&mut self, inbox: &mut Datagrams, now: Instant) -> bool {
        let Some(udp) = &self.udp else { return false };
        let agent = &mut self.agent;
        let count = inbox.empty(udp, CALLS, |bytes, address| agent.receive(now, bytes, Source { transport: Transport::Udp, address, stream: None }));
        let full = count == (CALLS * DATAGRAMS) as u64;
        if !full {
            // It was read to its end past the runtime, which is told so.
            let _ = udp.try_io(Interest::READABLE, || Err::<(), _>(std::io::ErrorKind::WouldBlock.into()));
        }
        full
    }

    fn arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Opened { id, outgoing } => self.streams.opened(id, outgoing),
            Arrival::Message { id, transport, address, message } => self.agent.take(Instant::now(), *message, Source { transport, address, stream: Some(id) }),
            Arrival::Closed { id } => self.streams.closed(id),
        }
    }

    fn input(&mut self, now: Instant, input: Input) {
        match input {
            Input::AddTrunk { key, config, state } => {
                self.trunks.insert(key, state);
                self.agent.add_trunk(now, key, *config);
            }
            Input::RemoveTrunk(key) => {
                self.agent.remove_trunk(now, key);
                self.trunks.remove(&key);
            }
            Input::Dial { key, trunk, request, local, events } => {
                self.calls.insert(key, events);
                // The handle has checked the request; without its trunk the call is simply gone.
                if self.agent.dial(now, key, trunk, &request, local).is_err() {
                    self.calls.remove(&key);
                }
            }
            Input::Command(call, command) => self.agent.command(now, call, command),
            Input::Found { trunk, found } => self.agent.trunk_found(now, trunk, found),
            Input::Named { found, turn, bytes, client } => self.agent.servers_found(now, client, turn, bytes, found),
            Input::Undelivered(clients, why) => clients.into_iter().for_each(|client| self.agent.undelivered(now, client, &why)),
            Input::Close => {}
        }
    }

    fn perform(&mut self, now: Instant) {
        // Sending may fail at once, and that has effects of its own.
        loop {
            let effects = self.agent.take_effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.effect(now, effect);
            }
        }
    }

    fn effect(&mut self, now: Instant, effect: Effect) {
        match effect {
            Effect::Send { to, bytes, client } => self.send(now, to, bytes, client),
            Effect::Event { call, event } => {
                if let Some(events) = self.calls.get(&call) {
                    // A dropped handle has said so with a command.
                    let _ = events.send(*event);
                }
            }
            Effect::Incoming { call, request } => {
                let (events, receiver) = mpsc::unbounded_channel();
                self.calls.insert(call, events);
                if self.incoming.send((call, request, receiver)).is_err() {
                    self.agent.command(now, call, CallCommand::Reject { status: 480, words: "Temporarily Unavailable".to_owned(), headers: Vec::new() });
                }
            }
            Effect::Gone { call } => {
                self.calls.remove(&call);
            }
            Effect::Trunk { trunk, state } => {
                if let Some(sender) = self.trunks.get(&trunk) {
                    sender.send_replace(state);
                }
            }
            Effect::Resolve { trunk } => self.resolve(now, trunk),
        }
    }

    fn resolve(&mut self, now: Instant, trunk: TrunkKey) {
        let Some(config) = self.agent.trunk_config(trunk) else { return };
        if let Some(found) = self.resolver.literal(config) {
            return self.agent.trunk_found(now, trunk, Ok(found));
        }
        let (resolver, config, sender) = (Arc::clone(&self.resolver), config.clone(), self.sender.clone());
        tokio::spawn(async move {
            let found = resolver.trunk(&config).await;
            if let Some(sender) = sender.upgrade() {
                // The loop may have ended.
                let _ = sender.send(Input::Found { trunk, found });
            }
        });
    }

    fn send(&mut self, now: Instant, to: Destination, bytes: Vec<u8>, client: Option<ClientKey>) {
        let delivered = match to {
            Destination::Hop(Hop { transport: Transport::Udp, address, .. }) => self.send_datagram(&bytes, address),
            Destination::Hop(hop) => {
                self.streams.send_to(hop, bytes, client);
                true
            }
            Destination::Stream { id, .. } => self.streams.send(id, bytes, client),
            Destination::Name { transport, host, port, tls, turn } => {
                let (resolver, sender) = (Arc::clone(&self.resolver), self.sender.clone());
                tokio::spawn(async move {
                    let found = resolver.name(transport, &host, port, tls).await;
                    if let Some(sender) = sender.upgrade() {
                        let _ = sender.send(Input::Named { found, turn, bytes, client });
                    }
                });
                true
            }
        };
        if !delivered {
            self.undelivered(now, client);
        }
    }

    fn send_datagram(&self, bytes: &[u8], address: SocketAddr) -> bool {
        match self.udp.as_ref().map(|udp| udp.try_send_to(bytes, address)) {
            Some(Ok(_)) => true,
            // A full buffer loses the datagram as the network might; it is sent again by its timer.
            Some(Err(error)) => matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::ConnectionRefused),
            None => false,
        }
    }

    fn undelivered(&mut self, now: Instant, client: Option<ClientKey>) {
        if let Some(client) = client {
            self.agent.undelivered(now, client, "");
        }
    }
}

async fn readable(udp: Option<&UdpSocket>) {
    match udp {
        // An error is met again, and dealt with, by the read that follows.
        Some(udp) => drop(udp.readable().await),
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
