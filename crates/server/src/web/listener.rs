//! TLS on a bound listener. Handshakes run beside each other, so that a slow one holds nobody up; one that asks for a certificate by which
//! an authority checks whose name this is gets that.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use clarion_edge::{LetGo, Share};
use clarion_store::Store;
use clarion_tls::{Certificate, HandshakeIo, challenge_certificate, read_hello};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::held::Held;
use crate::clock;

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes at once: who is silent in one must not hold up the others.
const HANDSHAKES_MAX: usize = 1_024;
/// An address may have this part of its connections in handshakes.
const HANDSHAKES_PART: usize = 8;
/// Connections that are ready and not yet taken.
const READY_MAX: usize = 64;
/// Protocol by which an authority asks (RFC 8737).
const ACME_TLS: &[u8] = b"acme-tls/1";

/// Which certificate a handshake gets.
#[derive(Clone)]
pub struct Certificates {
    pub held: Held,
    /// Where answers to an authority lie, when certificates are fetched.
    pub challenges: Option<Store>,
}

/// Hands out connections whose handshake is done.
pub struct TlsListener {
    ready: mpsc::Receiver<(HandshakeIo, SocketAddr)>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    pub fn start(listener: TcpListener, certificates: Certificates, share: Share) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY_MAX);
        Ok(Self { ready, address, accepting: tokio::spawn(accept(listener, certificates, share, sender)) })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = HandshakeIo;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (HandshakeIo, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The one who accepts ends with this listener alone.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(mut listener: TcpListener, certificates: Certificates, share: Share, ready: mpsc::Sender<(HandshakeIo, SocketAddr)>) {
    let (places, mut let_go) = (Arc::default(), LetGo::default());
    loop {
        // axum's own: it waits when the process has no file left.
        let (stream, peer) = Listener::accept(&mut listener).await;
        let Some(place) = share.take(&places, peer.ip(), share.connections_max.div_ceil(HANDSHAKES_PART), HANDSHAKES_MAX) else {
            let_go.tell("TLS handshake", peer.ip());
            continue;
        };
        let (certificates, ready) = (certificates.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_WITHIN, handshake(stream, &certificates)).await {
                Ok(Ok(io)) => {
                    // A listener that is gone takes nobody any more.
                    let _ = ready.send((io, peer)).await;
                }
                // Strangers knock at an open port all day long: this is no trouble of the operator's.
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake was not finished in time"),
            }
            drop(place);
        });
    }
}

async fn handshake(stream: TcpStream, certificates: &Certificates) -> io::Result<HandshakeIo> {
    let _small = stream.set_nodelay(true);
    let hello = read_hello(stream).await?;
    let certificate = if hello.offers(ACME_TLS) { challenge(certificates, hello.server_name().as_deref()).await } else { certificates.held.served() };
    match certificate {
        Some(certificate) => hello.go_on(&certificate).await,
        None => Err(io::Error::other("there is no certificate for it yet")),
    }
}

async fn challenge(certificates: &Certificates, name: Option<&str>) -> Option<Certificate> {
    let (store, name) = (certificates.challenges.as_ref()?, name?);
    let answer = match store.acme_answer_for(name, clock::real()).await {
        Ok(answer) => answer?,
        Err(error) => {
            tracing::error!(%error, "an authority's question could not be looked up");
            return None;
        }
    };
    challenge_certificate(name, &answer).inspect_err(|error| tracing::error!(%error, "an authority's question could not be answered")).ok()
}
