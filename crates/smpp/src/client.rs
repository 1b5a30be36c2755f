//! The ESME's side: bind, submit in batches, take results, receipts and replies in batches.

use crate::link::{self, Answer, AnswerBody, Command, Handle, Role};
use crate::pdu::{
    Bind, BindKind, Body, CommandId, CommandStatus, DecodeError, DeliverSm, Frame, Framer, Pdu,
    QuerySm, Version,
};
use crate::tls::{TlsClient, TlsError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use crate::link::{
    CloseReason, LinkConfig, Outcome, QueryOutcome, RequestId, SharedLimiter, Submission,
    SubmitError,
};

/// How to reach and open a session.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `host:port`.
    pub address: String,
    /// TLS, or plain TCP.
    pub tls: Option<TlsClient>,
    /// What the session may carry.
    pub kind: BindKind,
    /// Which version to announce.
    pub version: Version,
    /// The account, password and the rest of the bind; its `interface_version` is set from `version`.
    pub bind: Bind,
    /// From the first packet to the bind's answer.
    pub connect_timeout: Duration,
    /// The limits of the session.
    pub link: LinkConfig,
    /// The account's rate, shared by all its sessions; `None` sends as fast as the window allows.
    pub limiter: Option<SharedLimiter>,
}

impl ClientConfig {
    /// A transceiver, SMPP 3.4, plain TCP, default limits, no rate.
    pub fn new(
        address: impl Into<String>,
        system_id: impl Into<String>,
        password: impl Into<String>,
    ) -> ClientConfig {
        ClientConfig {
            address: address.into(),
            tls: None,
            kind: BindKind::Transceiver,
            version: Version::V34,
            bind: Bind {
                system_id: system_id.into(),
                password: password.into(),
                ..Bind::default()
            },
            connect_timeout: Duration::from_secs(15),
            link: LinkConfig::default(),
            limiter: None,
        }
    }
}

/// Why a bind failed.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// No connection, or it broke.
    #[error("{address} cannot be reached: {error}")]
    Connect {
        /// Where to.
        address: String,
        /// What happened.
        error: std::io::Error,
    },
    /// TLS settings that cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No answer in [`ClientConfig::connect_timeout`].
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// The SMSC said no.
    #[error("the SMSC refused the bind: {0}")]
    Refused(CommandStatus),
    /// The peer closed the connection instead of answering.
    #[error("the peer closed the connection before answering the bind")]
    Closed,
    /// What answered does not speak SMPP.
    #[error("the peer does not speak SMPP: {0}")]
    NotSmpp(DecodeError),
}

/// What a session reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The session is up.
    Bound {
        /// Its number within this process.
        session: u64,
    },
    /// The fate of a submission: exactly one for each that was queued.
    SubmitResult {
        /// The caller's token.
        token: u64,
        /// Its fate.
        outcome: Outcome,
    },
    /// An answer to a submission that was already reported as `Lost` because its time ran out.
    LateAnswer {
        /// The caller's token.
        token: u64,
        /// `Accepted` or `Rejected`.
        outcome: Outcome,
    },
    /// A receipt or a reply. Answer it with [`Submitter::ack`] once it is safe in the database.
    Deliver {
        /// For the answer.
        id: RequestId,
        /// What came (`data_sm` is given in the same shape).
        message: Box<DeliverSm>,
    },
    /// The answer to [`Submitter::query`].
    QueryResult {
        /// The caller's token.
        token: u64,
        /// The answer.
        outcome: QueryOutcome,
    },
    /// The session has ended; every fate was told before this.
    Unbound {
        /// Its number.
        session: u64,
        /// Why.
        reason: CloseReason,
    },
}

struct Esme;

impl Role for Esme {
    type Event = Event;
    const SENDS: CommandId = CommandId::SUBMIT_SM;

    fn opened(session: u64) -> Option<Event> {
        Some(Event::Bound { session })
    }

    fn answered(token: u64, outcome: Outcome) -> Event {
        Event::SubmitResult { token, outcome }
    }

    fn answered_late(token: u64, outcome: Outcome) -> Event {
        Event::LateAnswer { token, outcome }
    }

    fn queried(token: u64, outcome: QueryOutcome) -> Option<Event> {
        Some(Event::QueryResult { token, outcome })
    }

    fn requested(&self, id: RequestId, body: Body) -> Result<Event, CommandStatus> {
        match body {
            Body::DeliverSm(message) | Body::DataSm(message) => Ok(Event::Deliver { id, message }),
            _ => Err(CommandStatus::RINVBNDSTS),
        }
    }

    fn closed(session: u64, reason: CloseReason) -> Event {
        Event::Unbound { session, reason }
    }
}

/// The way into a session. Clones share it; when the last is dropped the session unbinds.
#[derive(Debug, Clone)]
pub struct Submitter {
    handle: Handle,
}

impl Submitter {
    /// Queues a batch without waiting. On an error the batch comes back, and nothing of it is sent.
    pub fn submit(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        self.handle.submit(batch)
    }

    /// Queues a batch, waiting for room.
    pub async fn submit_when_room(&self, batch: Vec<Submission>) -> Result<(), SubmitError> {
        self.handle.submit_when_room(batch).await
    }

    /// Answers receipts and replies. An answer to an ended session is dropped: the SMSC will send them again.
    pub fn ack(&self, acks: impl IntoIterator<Item = (RequestId, CommandStatus)>) {
        let body = || AnswerBody::MessageId(String::new());
        let answers = acks
            .into_iter()
            .map(|(id, status)| Answer {
                id,
                status,
                body: body(),
            })
            .collect();
        self.handle.send(Command::Answer(answers));
    }

    /// Asks what became of a message. `false` when the session has ended.
    pub fn query(&self, token: u64, query: QuerySm) -> bool {
        self.handle.send(Command::Query(token, query))
    }

    /// Ends the session in order: what is queued comes back as `NotSent`, what is on the wire is waited for.
    pub fn unbind(&self) {
        self.handle.send(Command::Unbind);
    }

    /// The session's number, as in [`Event::Bound`].
    pub fn session(&self) -> u64 {
        self.handle.session()
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Messages that wait for the window or the rate, and are not on the wire yet.
    pub fn queued(&self) -> usize {
        self.handle.queued()
    }
}

/// Batches of events that may wait for the caller before reading stops.
const EVENT_BATCHES_MAX: usize = 16;

/// A bound session.
#[derive(Debug)]
pub struct Session {
    /// The way in; clone it at will.
    pub submitter: Submitter,
    /// What the SMSC called itself.
    pub smsc_system_id: String,
    /// The version that the SMSC announced, if it did.
    pub smsc_version: Option<u8>,
    /// Finishes when the session has ended and everything was told.
    pub ended: JoinHandle<CloseReason>,
}

impl Session {
    /// Binds. The first event is [`Event::Bound`], the last [`Event::Unbound`]; take events steadily, since
    /// a session whose events pile up stops reading.
    pub async fn bind(
        config: &ClientConfig,
    ) -> Result<(Session, mpsc::Receiver<Vec<Event>>), BindError> {
        let (sender, receiver) = mpsc::channel(EVENT_BATCHES_MAX);
        Ok((Session::bind_into(config, sender).await?, receiver))
    }

    /// Binds, with events going into a channel that outlives the session.
    pub async fn bind_into(
        config: &ClientConfig,
        events: mpsc::Sender<Vec<Event>>,
    ) -> Result<Session, BindError> {
        let opened = tokio::time::timeout(config.connect_timeout, open(config)).await;
        let (connection, framer, answer) =
            opened.map_err(|_| BindError::Timeout(config.address.clone()))??;
        let (limiter, link) = (config.limiter.clone(), config.link.clone());
        let (handle, ended) = link::start(
            Esme,
            (connection, framer, Vec::new()),
            link,
            limiter,
            events,
        );
        let smsc_version = answer.interface_version();
        Ok(Session {
            submitter: Submitter { handle },
            smsc_system_id: answer.system_id,
            smsc_version,
            ended,
        })
    }
}

type Opened = (Box<dyn link::Connection>, Framer, crate::pdu::BindResponse);

async fn open(config: &ClientConfig) -> Result<Opened, BindError> {
    let failed = |error| BindError::Connect {
        address: config.address.clone(),
        error,
    };
    let mut connection = connect(config).await?;
    let bind = Bind {
        interface_version: config.version.octet(),
        ..config.bind.clone()
    };
    let request = Pdu {
        status: CommandStatus::ROK,
        sequence: 1,
        body: Body::Bind(config.kind, bind),
    };
    connection
        .write_all(&request.to_bytes())
        .await
        .map_err(failed)?;
    connection.flush().await.map_err(failed)?;
    let mut framer = Framer::default();
    loop {
        match framer.next_frame() {
            Frame::Whole(frame) => match Pdu::decode(frame).map_err(BindError::NotSmpp)? {
                Pdu {
                    status,
                    body: Body::BindResponse(_, answer),
                    ..
                } if status.is_ok() => {
                    return Ok((connection, framer, answer));
                }
                Pdu {
                    status,
                    body: Body::BindResponse(..) | Body::GenericNack,
                    ..
                } => {
                    return Err(BindError::Refused(status));
                }
                _ => {}
            },
            Frame::Skipped(error) | Frame::Lost(error) => return Err(BindError::NotSmpp(error)),
            Frame::Incomplete => {
                let bytes = connection.read(framer.room(4096)).await.map_err(failed)?;
                if bytes == 0 {
                    return Err(BindError::Closed);
                }
                framer.filled(bytes);
            }
        }
    }
}

async fn connect(config: &ClientConfig) -> Result<Box<dyn link::Connection>, BindError> {
    let failed = |error| BindError::Connect {
        address: config.address.clone(),
        error,
    };
    let tls = config.tls.as_ref().map(TlsClient::connector).transpose()?;
    let stream = TcpStream::connect(&config.address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    match tls {
        None => Ok(Box::new(stream)),
        Some((connector, name)) => Ok(Box::new(
            connector.connect(name, stream).await.map_err(failed)?,
        )),
    }
}
