//! The client against SMSCs that are not ours: node-smpp and Net::SMPP, each in a process of its own.
//!
//! Needs Node.js with npm, and Net::SMPP for Perl. What is missing fails with a line that says what to install.

use clarion_smpp::client::*;
use clarion_smpp::limiter::Limiter;
use clarion_smpp::pdu::*;
use clarion_smpp::receipt::{IdFormat, Receipt, message_id_candidates};
use clarion_smpp::text::{Added, LongMessage, Reassembler, ReassemblyLimits, TextCoding, segment};
use clarion_smpp::tls::{TlsClient, Trust, parse_pin};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc;

#[path = "peers/packages.rs"]
mod packages;

use packages::{folder, node_packages};

struct Peer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Peer {
    async fn start(mut command: tokio::process::Command, missing: &str) -> Peer {
        let spawned = command
            .current_dir(folder())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.unwrap_or_else(|_| panic!("{missing}"));
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut peer = Peer {
            child,
            lines,
            port: 0,
        };
        let listening = peer
            .said("listening")
            .await
            .unwrap_or_else(|| panic!("{missing}"));
        peer.port = listening["port"].as_u64().expect("a port");
        peer
    }

    async fn node(options: Value) -> Peer {
        node_packages();
        let mut command = tokio::process::Command::new("node");
        command.arg("node_smsc.js").arg(options.to_string());
        Peer::start(
            command,
            "node is missing: install Node.js (Debian: nodejs npm)",
        )
        .await
    }

    async fn perl() -> Peer {
        let mut command = tokio::process::Command::new("perl");
        command.arg("perl_smsc.pl");
        Peer::start(
            command,
            "Net::SMPP is missing: install it (Debian: libnet-smpp-perl)",
        )
        .await
    }

    async fn line(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.next_line())
            .await
            .expect("a line in time");
        line.expect("readable")
            .map(|line| serde_json::from_str(&line).expect("JSON"))
    }

    /// The next line with this event; others are passed over.
    async fn said(&mut self, event: &str) -> Option<Value> {
        loop {
            let value = self.line().await?;
            if value["event"] == event {
                return Some(value);
            }
        }
    }

    fn client(&self) -> ClientConfig {
        ClientConfig::new(format!("127.0.0.1:{}", self.port), "clarion", "secret")
    }
}

struct Esme {
    session: Session,
    events: mpsc::Receiver<Vec<Event>>,
    waiting: Vec<Event>,
}

impl Esme {
    async fn bind(config: &ClientConfig) -> Esme {
        let (session, events) = Session::bind(config).await.expect("bound");
        let mut esme = Esme {
            session,
            events,
            waiting: Vec::new(),
        };
        assert!(matches!(
            esme.next(|event| matches!(event, Event::Bound { .. }))
                .await,
            Event::Bound { .. }
        ));
        esme
    }

    /// The next event of a kind; others wait for their turn.
    async fn next(&mut self, wanted: fn(&Event) -> bool) -> Event {
        loop {
            if let Some(at) = self.waiting.iter().position(wanted) {
                return self.waiting.remove(at);
            }
            let batch = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
            self.waiting.extend(
                batch
                    .expect("an event in time")
                    .expect("the session to live"),
            );
        }
    }

    fn submit(&self, token: u64, message: ShortMessage) {
        let batch = vec![Submission {
            token,
            segments: 1,
            message: Box::new(message),
        }];
        self.session.submitter.submit(batch).expect("room");
    }

    async fn result(&mut self) -> (u64, Outcome) {
        match self
            .next(|event| matches!(event, Event::SubmitResult { .. }))
            .await
        {
            Event::SubmitResult { token, outcome } => (token, outcome),
            other => panic!("{other:?}"),
        }
    }

    async fn accepted(&mut self) -> String {
        match self.result().await {
            (_, Outcome::Accepted { message_id }) => message_id,
            other => panic!("{other:?}"),
        }
    }

    /// The next delivery, answered.
    async fn delivered(&mut self) -> Box<ShortMessage> {
        match self
            .next(|event| matches!(event, Event::Deliver { .. }))
            .await
        {
            Event::Deliver { id, message } => {
                self.session.submitter.ack([(id, CommandStatus::ROK)]);
                message
            }
            other => panic!("{other:?}"),
        }
    }

    async fn leave(mut self) {
        self.session.submitter.unbind();
        let last = self
            .next(|event| matches!(event, Event::Unbound { .. }))
            .await;
        assert!(
            matches!(
                last,
                Event::Unbound {
                    reason: CloseReason::Requested,
                    ..
                }
            ),
            "{last:?}"
        );
    }
}

fn blank() -> ShortMessage {
    ShortMessage {
        source: Address::alphanumeric("CLARION"),
        destination: Address::international("+447700900123"),
        ..ShortMessage::default()
    }
}

fn texts(text: &str, coding: &TextCoding, form: LongMessage) -> Vec<ShortMessage> {
    let cut = segment(text, coding, form, 0x4242).expect("fits");
    let fill = |at| {
        let mut message = blank();
        cut.apply(at, &mut message);
        message
    };
    (0..cut.parts.len()).map(fill).collect()
}

fn plain(text: &str) -> ShortMessage {
    texts(text, &TextCoding::GSM, LongMessage::Udh8).remove(0)
}

#[tokio::test]
async fn node_smpp_reads_our_texts_and_we_its_receipts() {
    let mut peer = Peer::node(json!({})).await;
    let mut esme = Esme::bind(&peer.client()).await;
    assert_eq!(esme.session.smsc_system_id, "node-smpp");
    assert_eq!(
        peer.said("bound").await.expect("bound")["command"],
        "bind_transceiver"
    );
    let long = "Long [text] with € and more. ".repeat(12);
    let cyrillic = "Привет 👍 ".repeat(12);
    let latin1 = TextCoding::LATIN1;
    for (coding, text) in [
        (TextCoding::GSM, "Hello @ £5 é [x] €"),
        (latin1, "Naïve é [x]"),
        (TextCoding::GSM, "Привет 👍"),
        (TextCoding::GSM, &long),
        (TextCoding::GSM, &cyrillic),
    ] {
        for form in [
            LongMessage::Udh8,
            LongMessage::Udh16,
            LongMessage::SarTlvs,
            LongMessage::MessagePayload,
        ] {
            let mut read = String::new();
            for part in texts(text, &coding, form) {
                esme.submit(1, part);
                esme.accepted().await;
                read.push_str(
                    peer.said("submit").await.expect("a submit")["text"]
                        .as_str()
                        .expect("text"),
                );
            }
            assert_eq!(read, *text, "{form:?}");
        }
    }
    esme.submit(
        2,
        ShortMessage {
            registered_delivery: 1,
            ..plain("with a receipt")
        },
    );
    let id = esme.accepted().await;
    let receipt = Receipt::of(&*esme.delivered().await, &TextCoding::GSM).expect("a receipt");
    assert_eq!(
        (receipt.message_id.as_deref(), receipt.state),
        (Some(id.as_str()), Some(MessageState::Delivered))
    );
    assert_eq!(receipt.done_at.as_deref(), Some("2611232144"));
    assert_eq!(
        peer.said("receipt_answered").await.expect("an answer")["status"],
        0
    );
    let question = QuerySm {
        message_id: id.clone(),
        source: blank().source,
    };
    assert!(esme.session.submitter.query(9, question));
    match esme
        .next(|event| matches!(event, Event::QueryResult { .. }))
        .await
    {
        Event::QueryResult {
            token: 9,
            outcome: QueryOutcome::Known(answer),
        } => {
            assert_eq!((answer.message_id, answer.message_state), (id, 2));
        }
        other => panic!("{other:?}"),
    }
    esme.leave().await;
}

#[tokio::test]
async fn node_smpp_sends_replies_plain_in_ucs2_and_in_parts() {
    let peer = Peer::node(json!({})).await;
    let mut esme = Esme::bind(&ClientConfig {
        version: Version::V50,
        ..peer.client()
    })
    .await;
    let mut said = Vec::new();
    for request in ["GO mo", "GO ucs2", "GO long"] {
        esme.submit(1, plain(request));
        esme.accepted().await;
        let mut reassembler = Reassembler::new(ReassemblyLimits::default());
        loop {
            let message = esme.delivered().await;
            assert_eq!(Receipt::of(&message, &TextCoding::GSM), None);
            if let Added::Complete(whole) = reassembler.add(0, message, (), &TextCoding::GSM) {
                said.push(whole.content.text().expect("text").to_owned());
                break;
            }
        }
    }
    assert_eq!(
        said,
        [
            "Stop. [please] €",
            "Стоп 👍",
            "first part, second part, third part"
        ]
    );
    esme.submit(2, plain("GO unbind"));
    esme.accepted().await;
    let last = esme
        .next(|event| matches!(event, Event::Unbound { .. }))
        .await;
    assert!(
        matches!(
            last,
            Event::Unbound {
                reason: CloseReason::PeerUnbound,
                ..
            }
        ),
        "{last:?}"
    );
}

#[tokio::test]
async fn odd_pdus_from_node_are_read_or_answered_and_the_bind_lives() {
    let mut peer = Peer::node(json!({})).await;
    let mut esme = Esme::bind(&peer.client()).await;
    esme.submit(1, plain("GO odd"));
    esme.accepted().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        let receipt = Receipt::of(&*esme.delivered().await, &TextCoding::GSM).expect("a receipt");
        ids.push((
            receipt.message_id.expect("an id"),
            receipt.state.expect("a state"),
        ));
    }
    use MessageState::*;
    let long = "f".repeat(80);
    let expected = [
        ("a0", Delivered),
        ("a1", Undeliverable),
        ("a2", Expired),
        ("a3", Delivered),
        (&long, Rejected),
        ("a5", Undeliverable),
    ];
    assert_eq!(ids, expected.map(|(id, state)| (id.to_owned(), state)));
    let last = esme.delivered().await;
    assert_eq!(last.short_message, b"the last of them");
    let mut answers = HashMap::new();
    while answers.len() < 10 {
        let answer = peer.said("odd_answered").await.expect("an answer");
        answers.insert(
            answer["index"].as_u64().expect("an index"),
            answer["status"].as_u64().expect("a status"),
        );
    }
    let refused = [
        (6, CommandStatus::RSYSERR),
        (7, CommandStatus::RINVCMDID),
        (8, CommandStatus::RINVCMDID),
    ];
    for index in [0, 1, 2, 3, 4, 5, 11] {
        assert_eq!(answers.get(&index), Some(&0), "odd PDU {index}");
    }
    for (index, status) in refused {
        assert_eq!(
            answers.get(&index),
            Some(&u64::from(status.0)),
            "odd PDU {index}"
        );
    }
    esme.submit(2, plain("still here"));
    esme.accepted().await;
    esme.leave().await;
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such() {
    let peer = Peer::node(json!({})).await;
    let mut config = peer.client();
    config.bind.password = "wrong".to_owned();
    let refused = Session::bind(&config)
        .await
        .map(|_| ())
        .expect_err("refused");
    assert!(
        matches!(refused, BindError::Refused(CommandStatus::RINVPASWD)),
        "{refused}"
    );
    assert!(refused.to_string().contains("the password is wrong"));
}

#[tokio::test]
async fn tls_with_a_self_signed_certificate_a_pin_or_an_authority() {
    let scratch = tempfile::tempdir().expect("a folder");
    let own =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (key, cert) = (
        scratch.path().join("key.pem"),
        scratch.path().join("cert.pem"),
    );
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("written");
    std::fs::write(&cert, own.cert.pem()).expect("written");
    let peer = Peer::node(json!({ "tls": { "key": key, "cert": cert } })).await;
    let digest = ring::digest::digest(&ring::digest::SHA256, own.cert.der());
    let pin: String = digest
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let with = |trust| ClientConfig {
        tls: Some(TlsClient {
            server_name: "localhost".to_owned(),
            trust,
        }),
        ..peer.client()
    };
    for trust in [
        Trust::CaPem(own.cert.pem().into_bytes()),
        Trust::PinSha256(parse_pin(&pin).expect("a pin")),
    ] {
        let mut esme = Esme::bind(&with(trust)).await;
        for part in texts(&"over TLS ".repeat(40), &TextCoding::GSM, LongMessage::Udh8) {
            esme.submit(1, part);
            esme.accepted().await;
        }
        esme.leave().await;
    }
    let other =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    for trust in [
        Trust::CaPem(other.cert.pem().into_bytes()),
        Trust::PinSha256([7; 32]),
    ] {
        let refused = Session::bind(&with(trust))
            .await
            .map(|_| ())
            .expect_err("an unknown certificate");
        assert!(matches!(refused, BindError::Connect { .. }), "{refused}");
    }
}

/// Killed at different moments while messages stream: what came in must not be called unsent.
#[tokio::test]
async fn a_peer_killed_in_mid_window_makes_lost_and_not_sent_exactly() {
    const COUNT: u64 = 4_000;
    let (mut lost_ever, mut not_sent_ever) = (0, 0);
    for after in [1, 60, 300, 900] {
        let mut peer = Peer::node(json!({})).await;
        let mut config = peer.client();
        config.link.window_max = 64;
        let mut esme = Esme::bind(&config).await;
        for token in 0..COUNT {
            esme.submit(token, plain(&format!("message {token}")));
        }
        let token_of = |line: &Value| {
            line["text"]
                .as_str()
                .and_then(|text| text.strip_prefix("message ")?.parse::<u64>().ok())
        };
        let mut received: HashSet<u64> = HashSet::new();
        while received.len() < after {
            received.extend(peer.said("submit").await.iter().filter_map(token_of));
        }
        peer.child.kill().await.expect("killed");
        while let Some(line) = peer.line().await {
            received.extend(token_of(&line));
        }
        let mut fates: HashMap<u64, Outcome> = HashMap::new();
        while fates.len() < COUNT as usize {
            let (token, outcome) = esme.result().await;
            assert!(fates.insert(token, outcome).is_none(), "one fate each");
        }
        esme.next(|event| matches!(event, Event::Unbound { .. }))
            .await;
        for (token, outcome) in &fates {
            match outcome {
                Outcome::Accepted { .. } => assert!(received.contains(token)),
                Outcome::NotSent { .. } => assert!(
                    !received.contains(token),
                    "{token} came in and would be sent twice"
                ),
                Outcome::Lost => lost_ever += 1,
                other => panic!("{other:?}"),
            }
        }
        not_sent_ever += fates
            .values()
            .filter(|outcome| matches!(outcome, Outcome::NotSent { .. }))
            .count();
    }
    assert!(
        lost_ever > 0 && not_sent_ever > 0,
        "{lost_ever} lost, {not_sent_ever} not sent"
    );
}

#[tokio::test]
async fn what_a_throttling_node_allows_is_held() {
    const PER_SECOND: f64 = 200.0;
    const MEASURED_SECONDS: f64 = 20.0;
    let mut peer = Peer::node(json!({ "perSecond": PER_SECOND })).await;
    let limiter = SharedLimiter::new(Limiter::new(3_000.0));
    let mut esme = Esme::bind(&ClientConfig {
        limiter: Some(limiter),
        ..peer.client()
    })
    .await;
    let start = Instant::now();
    let (mut token, mut settling, mut accepted, mut throttled) = (0, true, 0u32, 0u32);
    let fresh = |token| Submission {
        token,
        segments: 1,
        message: Box::new(plain("throttle me")),
    };
    let first = (0..2_000).map(fresh).collect();
    esme.session.submitter.submit(first).expect("room");
    let (mut lived, settle) = (Duration::ZERO, Duration::from_secs(5));
    let mut accepted_ever = HashSet::new();
    while lived < settle + Duration::from_secs_f64(MEASURED_SECONDS) {
        let (done, outcome) = esme.result().await;
        lived = start.elapsed();
        if settling && lived > settle {
            (settling, accepted, throttled) = (false, 0, 0);
        }
        let next = match outcome {
            Outcome::Accepted { .. } => {
                accepted += 1;
                assert!(accepted_ever.insert(done), "accepted once");
                token += 1;
                fresh(2_000 + token)
            }
            Outcome::Throttled { message, .. } => {
                throttled += 1;
                Submission {
                    token: done,
                    segments: 1,
                    message,
                }
            }
            other => panic!("{other:?}"),
        };
        esme.session.submitter.submit(vec![next]).expect("room");
    }
    let share = f64::from(accepted) / (PER_SECOND * MEASURED_SECONDS);
    println!("held {share:.3} of {PER_SECOND} a second, {throttled} refused of {accepted}");
    assert!(share >= 0.95, "held {share:.3}, {throttled} refused");
    assert!(
        f64::from(throttled) <= 0.02 * f64::from(accepted),
        "{throttled} refused of {accepted}"
    );
    esme.session.submitter.unbind();
    esme.next(|event| matches!(event, Event::Unbound { .. }))
        .await;
    let tally = peer.said("unbound").await.expect("a tally");
    let late = esme.waiting.iter().filter(|event| {
        matches!(
            event,
            Event::SubmitResult {
                outcome: Outcome::Accepted { .. },
                ..
            }
        )
    });
    let ours = accepted_ever.len() + late.count();
    assert_eq!(
        tally["accepted"].as_u64(),
        Some(ours as u64),
        "nothing is lost, nothing counted twice"
    );
}

#[tokio::test]
async fn net_smpp_texts_receipts_and_replies() {
    let mut peer = Peer::perl().await;
    let mut esme = Esme::bind(&peer.client()).await;
    assert_eq!(esme.session.smsc_system_id, "net-smpp");
    let bound = peer.said("bound").await.expect("bound");
    assert_eq!(
        (&bound["system_id"], &bound["version"]),
        (&json!("clarion"), &json!(0x34))
    );
    esme.submit(
        1,
        ShortMessage {
            registered_delivery: 1,
            ..plain("£5 [x]")
        },
    );
    let id = esme.accepted().await;
    let seen = peer.said("submit").await.expect("a submit");
    assert_eq!(
        (&seen["hex"], &seen["data_coding"]),
        (&json!("0135201b3c781b3e"), &json!(0))
    );
    let receipt = Receipt::of(&*esme.delivered().await, &TextCoding::GSM).expect("a receipt");
    assert_eq!(
        (receipt.state, receipt.error.as_deref()),
        (Some(MessageState::Undeliverable), Some("27"))
    );
    assert_eq!(receipt.done_at.as_deref(), Some("261123214501"));
    let key = IdFormat::DecimalToHex.key_of_response(&id);
    let written = receipt.message_id.expect("an id");
    assert_ne!(written, id);
    assert_eq!(
        message_id_candidates(&written, IdFormat::DecimalToHex),
        [key]
    );
    assert_eq!(
        peer.said("delivery_answered").await.expect("an answer")["status"],
        0
    );
    esme.submit(2, plain("Привет"));
    esme.accepted().await;
    let seen = peer.said("submit").await.expect("a submit");
    assert_eq!(
        (&seen["hex"], &seen["data_coding"]),
        (&json!("041f04400438043204350442"), &json!(8))
    );
    for (at, part) in texts(&"a".repeat(200), &TextCoding::GSM, LongMessage::Udh8)
        .into_iter()
        .enumerate()
    {
        esme.submit(3, part);
        esme.accepted().await;
        let seen = peer.said("submit").await.expect("a submit");
        assert_eq!(seen["esm_class"], 0x40);
        assert!(
            seen["hex"]
                .as_str()
                .is_some_and(|hex| hex.starts_with(&format!("0500034202{:02x}61", at + 1)))
        );
    }
    esme.submit(
        4,
        texts(
            &"b".repeat(200),
            &TextCoding::GSM,
            LongMessage::MessagePayload,
        )
        .remove(0),
    );
    esme.accepted().await;
    let seen = peer.said("submit").await.expect("a submit");
    assert_eq!(
        (&seen["hex"], &seen["payload"]),
        (&json!(""), &json!("62".repeat(200)))
    );
    esme.submit(5, plain("GO long"));
    esme.accepted().await;
    let mut reassembler = Reassembler::new(ReassemblyLimits::default());
    assert_eq!(
        reassembler.add(0, esme.delivered().await, (), &TextCoding::GSM),
        Added::Waiting
    );
    let Added::Complete(whole) = reassembler.add(0, esme.delivered().await, (), &TextCoding::GSM)
    else {
        panic!("not whole")
    };
    assert_eq!(whole.content.text(), Some("one two"));
    esme.leave().await;
}
