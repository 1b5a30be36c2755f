//! The SMSC's side: accept binds, take submits in batches, answer them, deliver receipts and replies.
//!
//! Good enough for a test carrier and for benchmarks; it stores nothing and routes nothing.
//!
//! ```no_run
//! # use clarion_smpp::server::*;
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind("127.0.0.1:2775", None, ServerConfig::default()).await?;
//! loop {
//!     let arrival = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let (smsc, mut events) = arrival.binding().await?.accept();
//!         while let Some(batch) = events.recv().await {
//!             smsc.respond(batch.into_iter().filter_map(|event| match event {
//!                 SmscEvent::Submit { id, .. } => Some((id, Ok(id.sequence().to_string()))),
//!                 _ => None,
//!             }));
//!         }
//!         Ok::<(), ArrivalError>(())
//!     });
//! }
//! # }
//! ```

use crate::link::{self, Answer, AnswerBody, Command, Handle, Role};
use crate::pdu::{
    Bind, BindKind, BindResponse, Body, CommandId, CommandStatus, DecodeError, Frame, Framer, Pdu,
    QuerySm, QuerySmResponse, SubmitSm, Tlvs, Version, tag,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use crate::link::{CloseReason, LinkConfig, Outcome, RequestId, Submission, SubmitError};

/// How the SMSC presents itself.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Its name in bind responses.
    pub system_id: String,
    /// The version it announces.
    pub version: Version,
    /// How long a connection may take to bind.
    pub bind_timeout: Duration,
    /// The limits of each session; the window is that of deliveries.
    pub link: LinkConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            system_id: "clarion-smsc".to_owned(),
            version: Version::V34,
            bind_timeout: Duration::from_secs(10),
            link: LinkConfig::default(),
        }
    }
}

/// A listening socket.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    config: ServerConfig,
}

/// Why a connection did not become a session.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// The connection broke, or TLS failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// No bind in [`ServerConfig::bind_timeout`].
    #[error("the peer did not bind in time")]
    Timeout,
    /// It ended before binding.
    #[error("the peer left without binding")]
    Closed,
    /// It does not speak SMPP.
    #[error("the peer does not speak SMPP: {0}")]
    NotSmpp(DecodeError),
}

impl Listener {
    /// Listens; with `tls` (see [`crate::tls::acceptor`]) every connection is TLS.
    pub async fn bind(
        address: impl tokio::net::ToSocketAddrs,
        tls: Option<TlsAcceptor>,
        config: ServerConfig,
    ) -> std::io::Result<Listener> {
        Ok(Listener {
            tcp: TcpListener::bind(address).await?,
            tls,
            config,
        })
    }

    /// The address, with the port that was chosen when port 0 was asked for.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next connection. It says who it is in [`Arrival::binding`], which belongs into a task of its own.
    pub async fn accept(&self) -> std::io::Result<Arrival> {
        let (stream, peer) = self.tcp.accept().await?;
        stream.set_nodelay(true)?;
        Ok(Arrival {
            stream,
            peer,
            tls: self.tls.clone(),
            config: self.config.clone(),
        })
    }
}

/// A connection that has not bound yet.
pub struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    config: ServerConfig,
}

/// A bind that waits for a decision.
pub struct Binding {
    /// What the peer wants to do.
    pub kind: BindKind,
    /// Who it says it is.
    pub bind: Bind,
    /// Where it comes from.
    pub peer: SocketAddr,
    sequence: u32,
    connection: Box<dyn link::Connection>,
    framer: Framer,
    config: ServerConfig,
}

impl Arrival {
    /// Waits for the bind request. `enquire_link` before it is answered, anything else refused.
    pub async fn binding(self) -> Result<Binding, ArrivalError> {
        let timeout = self.config.bind_timeout;
        tokio::time::timeout(timeout, self.wait_for_bind())
            .await
            .map_err(|_| ArrivalError::Timeout)?
    }

    async fn wait_for_bind(self) -> Result<Binding, ArrivalError> {
        let Arrival {
            stream,
            peer,
            tls,
            config,
        } = self;
        let mut connection: Box<dyn link::Connection> = match tls {
            Some(acceptor) => Box::new(acceptor.accept(stream).await?),
            None => Box::new(stream),
        };
        let mut framer = Framer::default();
        loop {
            let mut answer = Vec::new();
            match framer.next_frame() {
                Frame::Whole(frame) => match Pdu::decode(frame) {
                    Ok(Pdu {
                        sequence,
                        body: Body::Bind(kind, bind),
                        ..
                    }) => {
                        return Ok(Binding {
                            kind,
                            bind,
                            peer,
                            sequence,
                            connection,
                            framer,
                            config,
                        });
                    }
                    Ok(Pdu { sequence, body, .. }) => refuse_unbound(&body, sequence, &mut answer),
                    Err(error) => error.answer(&mut answer),
                },
                Frame::Skipped(error) | Frame::Lost(error) => {
                    return Err(ArrivalError::NotSmpp(error));
                }
                Frame::Incomplete => {
                    let bytes = connection.read(framer.room(4096)).await?;
                    if bytes == 0 {
                        return Err(ArrivalError::Closed);
                    }
                    framer.filled(bytes);
                }
            }
            connection.write_all(&answer).await?;
            connection.flush().await?;
        }
    }
}

fn refuse_unbound(body: &Body, sequence: u32, answer: &mut Vec<u8>) {
    let command = body.command();
    let status = match body {
        Body::EnquireLink | Body::Unbind => CommandStatus::ROK,
        _ => CommandStatus::RINVBNDSTS,
    };
    if !command.is_response() {
        crate::pdu::encode_bare(answer, command.response(), status, sequence);
    }
}

/// What a session of the SMSC reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmscEvent {
    /// A message to take or refuse with [`Smsc::respond`] (`data_sm` in the same shape).
    Submit {
        /// For the answer.
        id: RequestId,
        /// The message.
        message: Box<SubmitSm>,
    },
    /// A question, to be answered with [`Smsc::answer_query`].
    Query {
        /// For the answer.
        id: RequestId,
        /// The question.
        query: QuerySm,
    },
    /// The fate of a delivery.
    DeliverResult {
        /// The caller's token.
        token: u64,
        /// Its fate.
        outcome: Outcome,
    },
    /// The session has ended.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

struct Centre {
    kind: BindKind,
}

impl Role for Centre {
    type Event = SmscEvent;
    const SENDS: CommandId = CommandId::DELIVER_SM;

    fn opened(_: u64) -> Option<SmscEvent> {
        None
    }

    fn answered(token: u64, outcome: Outcome) -> SmscEvent {
        SmscEvent::DeliverResult { token, outcome }
    }

    fn answered_late(token: u64, outcome: Outcome) -> SmscEvent {
        SmscEvent::DeliverResult { token, outcome }
    }

    fn queried(_: u64, _: link::QueryOutcome) -> Option<SmscEvent> {
        None
    }

    fn requested(&self, id: RequestId, body: Body) -> Result<SmscEvent, CommandStatus> {
        match body {
            Body::SubmitSm(message) | Body::DataSm(message) if self.kind.transmits() => {
                Ok(SmscEvent::Submit { id, message })
            }
            Body::QuerySm(query) if self.kind.transmits() => Ok(SmscEvent::Query { id, query }),
            _ => Err(CommandStatus::RINVBNDSTS),
        }
    }

    fn closed(_: u64, reason: CloseReason) -> SmscEvent {
        SmscEvent::Closed { reason }
    }
}

/// Batches of events that may wait for the caller before reading stops.
const EVENT_BATCHES_MAX: usize = 16;

impl Binding {
    /// Accepts the bind.
    pub fn accept(self) -> (Smsc, mpsc::Receiver<Vec<SmscEvent>>) {
        let (events, receiver) = mpsc::channel(EVENT_BATCHES_MAX);
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::SC_INTERFACE_VERSION, [self.config.version.octet()]);
        let response = BindResponse {
            system_id: self.config.system_id.clone(),
            tlvs,
        };
        let answer = Pdu {
            status: CommandStatus::ROK,
            sequence: self.sequence,
            body: Body::BindResponse(self.kind, response),
        };
        let wire = (self.connection, self.framer, answer.to_bytes());
        let (handle, ended) = link::start(
            Centre { kind: self.kind },
            wire,
            self.config.link,
            None,
            events,
        );
        (Smsc { handle, ended }, receiver)
    }

    /// Refuses the bind and closes the connection.
    pub async fn refuse(mut self, status: CommandStatus) -> std::io::Result<()> {
        let body = Body::BindResponse(self.kind, BindResponse::default());
        let answer = Pdu {
            status,
            sequence: self.sequence,
            body,
        };
        self.connection.write_all(&answer.to_bytes()).await?;
        self.connection.shutdown().await
    }
}

/// The SMSC's side of one session. When it is dropped the session unbinds.
#[derive(Debug)]
pub struct Smsc {
    handle: Handle,
    ended: JoinHandle<CloseReason>,
}

impl Smsc {
    /// Answers submits: a message id, or a status that refuses.
    pub fn respond(
        &self,
        answers: impl IntoIterator<Item = (RequestId, Result<String, CommandStatus>)>,
    ) {
        let answers = answers.into_iter().map(|(id, answer)| match answer {
            Ok(message_id) => Answer {
                id,
                status: CommandStatus::ROK,
                body: AnswerBody::MessageId(message_id),
            },
            Err(status) => Answer {
                id,
                status,
                body: AnswerBody::MessageId(String::new()),
            },
        });
        self.handle.send(Command::Answer(answers.collect()));
    }

    /// Answers a question.
    pub fn answer_query(&self, id: RequestId, answer: Result<QuerySmResponse, CommandStatus>) {
        let (status, response) = match answer {
            Ok(response) => (CommandStatus::ROK, response),
            Err(status) => (status, QuerySmResponse::default()),
        };
        self.handle.send(Command::Answer(vec![Answer {
            id,
            status,
            body: AnswerBody::Query(response),
        }]));
    }

    /// Queues deliveries without waiting; on an error the batch comes back.
    pub fn deliver(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        self.handle.submit(batch)
    }

    /// Queues deliveries, waiting for room.
    pub async fn deliver_when_room(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        self.handle.submit_when_room(batch).await
    }

    /// Ends the session in order.
    pub fn unbind(&self) {
        self.handle.send(Command::Unbind);
    }

    /// Cuts the connection without a word, as a crash would.
    pub fn kill(&self) {
        self.ended.abort();
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }
}
