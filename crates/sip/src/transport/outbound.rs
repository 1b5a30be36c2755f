//! Connections that are open, and those that we open: one for each server, used again while it lasts.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Input;
use super::stream::{Arrival, Outgoing, QUEUE, connect, handshake, next_id, serve};
use crate::hop::{Hop, StreamId, Transport};
use crate::tls::TlsClient;
use crate::transaction::ClientKey;

/// Two trunks that trust differently do not share a connection.
type Peer = (Transport, SocketAddr, Option<Arc<TlsClient>>);

pub struct Streams {
    open: HashMap<StreamId, (Outgoing, Option<Peer>)>,
    peers: Vec<(Peer, StreamId)>,
    arrivals: mpsc::Sender<Arrival>,
    inputs: mpsc::WeakUnboundedSender<Input>,
}

impl Streams {
    pub fn new(arrivals: mpsc::Sender<Arrival>, inputs: mpsc::WeakUnboundedSender<Input>) -> Self {
        Self { open: HashMap::new(), peers: Vec::new(), arrivals, inputs }
    }

    /// A connection that somebody else opened.
    pub fn opened(&mut self, id: StreamId, outgoing: Outgoing) {
        self.open.insert(id, (outgoing, None));
    }

    pub fn closed(&mut self, id: StreamId) {
        if let Some((_, Some(_))) = self.open.remove(&id) {
            self.peers.retain(|(_, known)| *known != id);
        }
    }

    /// False when the connection is gone, or does not keep up.
    pub fn send(&mut self, id: StreamId, bytes: Vec<u8>, client: Option<ClientKey>) -> bool {
        self.open.get(&id).is_some_and(|(outgoing, _)| outgoing.try_send((bytes, client)).is_ok())
    }

    /// By the open connection to this server, or a new one. What cannot be delivered is told later.
    pub fn send_to(&mut self, hop: Hop, bytes: Vec<u8>, client: Option<ClientKey>) {
        let peer = (hop.transport, hop.address, hop.tls.clone());
        let known = self.peers.iter().find(|(known, _)| *known == peer).map(|(_, id)| *id);
        let id = known.filter(|id| self.open.get(id).is_some_and(|(outgoing, _)| !outgoing.is_closed())).unwrap_or_else(|| self.connect(peer));
        if !self.send(id, bytes, client) {
            undelivered(&self.inputs, client.into_iter().collect(), String::new());
        }
    }

    fn connect(&mut self, peer: Peer) -> StreamId {
        let id = next_id();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        self.peers.retain(|(known, _)| *known != peer);
        self.peers.push((peer.clone(), id));
        self.open.insert(id, (outgoing, Some(peer.clone())));
        let (arrivals, inputs) = (self.arrivals.clone(), self.inputs.clone());
        tokio::spawn(async move {
            run(peer, id, queue, &arrivals, &inputs).await;
            let _ = arrivals.send(Arrival::Closed { id }).await;
        });
        id
    }
}

async fn run((transport, address, tls): Peer, id: StreamId, mut queue: mpsc::Receiver<(Vec<u8>, Option<ClientKey>)>, arrivals: &mpsc::Sender<Arrival>, inputs: &mpsc::WeakUnboundedSender<Input>) {
    let stream = connect(address).await;
    let mut why = String::new();
    let mut clients = match (stream, transport, tls) {
        (Some(stream), Transport::Tls, Some(tls)) => match handshake(stream, &tls).await {
            Ok(stream) => serve(stream, id, transport, address, &mut queue, arrivals).await,
            Err(refusal) => {
                why = refusal.to_string();
                Vec::new()
            }
        },
        (Some(stream), Transport::Tcp, _) => serve(stream, id, transport, address, &mut queue, arrivals).await,
        // TLS without anything to trust is refused rather than trusted.
        _ => Vec::new(),
    };
    // What was not even written.
    queue.close();
    while let Some((_, client)) = queue.recv().await {
        clients.extend(client);
    }
    undelivered(inputs, clients, why);
}

fn undelivered(inputs: &mpsc::WeakUnboundedSender<Input>, clients: Vec<ClientKey>, why: String) {
    if let Some(inputs) = inputs.upgrade().filter(|_| !clients.is_empty()) {
        // The loop may have ended.
        let _ = inputs.send(Input::Undelivered(clients, why));
    }
}
