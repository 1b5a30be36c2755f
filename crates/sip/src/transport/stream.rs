//! TCP and TLS connections: one task each, messages cut by Content-Length (RFC 3261, section 18.3).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::hop::{StreamId, Transport};
use crate::message::{Framer, Message};
use crate::oversize::CONNECT_MAX;
use crate::tls::{TlsClient, TlsError};
use crate::transaction::ClientKey;

/// Connections that strangers may hold open.
const ACCEPTED_MAX: usize = 1_024;
/// Messages that wait for a slow peer.
pub const QUEUE: usize = 256;
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// A peer that has said nothing yet, and one that has.
const FIRST_MAX: Duration = Duration::from_secs(30);
const IDLE_MAX: Duration = Duration::from_secs(2 * 3_600);
/// What was sent and is not acknowledged for so long ends the connection: the next request makes another, or goes to another server.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(8);

static NEXT: AtomicU64 = AtomicU64::new(1);

pub type Outgoing = mpsc::Sender<(Vec<u8>, Option<ClientKey>)>;

pub enum Arrival {
    Opened { id: StreamId, outgoing: Outgoing },
    Message { id: StreamId, transport: Transport, address: SocketAddr, message: Box<Message> },
    Closed { id: StreamId },
}

pub fn next_id() -> StreamId {
    StreamId(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Takes connections until the endpoint ends.
pub async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, arrivals: mpsc::Sender<Arrival>) {
    let room = Arc::new(Semaphore::new(ACCEPTED_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of file handles, most likely: better a little later than in a busy loop.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if arrivals.is_closed() {
            return;
        }
        let (tls, arrivals) = (tls.clone(), arrivals.clone());
        tokio::spawn(async move {
            let id = next_id();
            let (outgoing, mut queue) = mpsc::channel(QUEUE);
            set_options(&stream);
            if arrivals.send(Arrival::Opened { id, outgoing }).await.is_ok() {
                match tls {
                    None => drop(serve(stream, id, Transport::Tcp, address, &mut queue, &arrivals).await),
                    Some(tls) => {
                        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                            drop(serve(stream, id, Transport::Tls, address, &mut queue, &arrivals).await);
                        }
                    }
                }
                let _ = arrivals.send(Arrival::Closed { id }).await;
            }
            drop(permit);
        });
    }
}

/// Small messages do not wait for each other, and a peer that is gone without a word is given up long before the system would.
fn set_options(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
}

/// Connects within the time.
pub async fn connect(address: SocketAddr) -> Option<TcpStream> {
    let stream = tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await.ok()?.ok()?;
    set_options(&stream);
    Some(stream)
}

pub async fn handshake(stream: TcpStream, tls: &TlsClient) -> Result<tokio_rustls::client::TlsStream<TcpStream>, TlsError> {
    let (connector, name) = tls.connector()?;
    let shaken = tokio::time::timeout(HANDSHAKE_MAX, connector.connect(name, stream)).await;
    shaken.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(|error| tls.refused(&error))
}

/// Reads and writes until either side ends or says something that cannot be followed. Returned are requests that were written to
/// a peer that ended without ever having said a word: it takes no SIP here.
pub async fn serve<S: AsyncRead + AsyncWrite>(stream: S, id: StreamId, transport: Transport, address: SocketAddr, queue: &mut mpsc::Receiver<(Vec<u8>, Option<ClientKey>)>, arrivals: &mpsc::Sender<Arrival>) -> Vec<ClientKey> {
    let mut unheard = Vec::new();
    exchange(stream, id, transport, address, queue, arrivals, &mut unheard).await;
    unheard
}

async fn exchange<S: AsyncRead + AsyncWrite>(stream: S, id: StreamId, transport: Transport, address: SocketAddr, queue: &mut mpsc::Receiver<(Vec<u8>, Option<ClientKey>)>, arrivals: &mpsc::Sender<Arrival>, unheard: &mut Vec<ClientKey>) {
    let mut heard = false;
    let (mut read, mut write) = tokio::io::split(stream);
    let mut framer = Framer::default();
    let mut buffer = vec![0; 16_384];
    let mut patience = FIRST_MAX;
    loop {
        tokio::select! {
            next = queue.recv() => {
                let Some((bytes, client)) = next else { return };
                if let Some(client) = client.filter(|_| !heard && unheard.len() < QUEUE) {
                    unheard.push(client);
                }
                if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
                    return;
                }
                patience = IDLE_MAX;
            }
            count = tokio::time::timeout(patience, read.read(&mut buffer)) => {
                let Ok(Ok(count @ 1..)) = count else { return };
                heard = true;
                unheard.clear();
                framer.push(&buffer[..count]);
                loop {
                    match framer.next_message() {
                        Ok(Some(message)) => {
                            patience = IDLE_MAX;
                            if arrivals.send(Arrival::Message { id, transport, address, message: Box::new(message) }).await.is_err() {
                                return;
                            }
                        }
                        Ok(None) => break,
                        Err(_) => return,
                    }
                }
                for _ in 0..framer.take_pings() {
                    if write.write_all(b"\r\n").await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
