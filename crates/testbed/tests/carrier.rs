//! The pretend carrier against our own client: what it says it does, it does, and its counts are exact.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clarion_smpp::client::{ClientConfig, Event, Outcome, Session, Submission};
use clarion_smpp::pdu::{Address, CommandStatus, ShortMessage};
use clarion_smpp::receipt::Receipt;
use clarion_smpp::text::{TextCoding, encode_gsm};
use clarion_testbed::{Carrier, CarrierConfig, Fate, Limits};

fn message(token: u64, number: &str, text: &str) -> Submission {
    let message = ShortMessage {
        source: Address::alphanumeric("Northwind"),
        destination: Address::international(number),
        registered_delivery: 1,
        short_message: encode_gsm(text).expect("fits the alphabet"),
        ..ShortMessage::default()
    };
    Submission { token, segments: 1, message: Box::new(message) }
}

fn quick() -> CarrierConfig {
    let limits = Limits { receipt_delay: (Duration::from_millis(20), Duration::from_millis(60)), ..CarrierConfig::default().limits };
    CarrierConfig { limits, ..CarrierConfig::default() }
}

/// What a client saw of one conversation.
#[derive(Default)]
struct Seen {
    outcomes: BTreeMap<u64, Outcome>,
    receipts: BTreeMap<String, Vec<String>>,
    replies: Vec<String>,
}

/// Sends everything and takes what comes until the carrier has nothing left to say.
async fn converse(carrier: &Carrier, batch: Vec<Submission>) -> Seen {
    let config = ClientConfig::new(carrier.address().to_string(), "pretend", "pretend");
    let (session, mut events) = Session::bind(&config).await.expect("binds");
    let client = session.submitter.clone();
    let expected = batch.len();
    client.submit_when_room(batch).await.expect("queued");
    let (mut seen, started) = (Seen::default(), Instant::now());
    while seen.outcomes.len() < expected || carrier.outstanding() > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "the carrier stopped talking");
        let Ok(Some(batch)) = tokio::time::timeout(Duration::from_millis(50), events.recv()).await else { continue };
        let mut acknowledged = Vec::new();
        for event in batch {
            match event {
                Event::SubmitResult { token, outcome } => {
                    seen.outcomes.insert(token, outcome);
                }
                Event::Deliver { id, message } => {
                    acknowledged.push((id, CommandStatus::ROK));
                    match Receipt::of(&message, &TextCoding::GSM) {
                        Some(receipt) => seen.receipts.entry(receipt.message_id.unwrap_or_default()).or_default().push(receipt.state_raw.unwrap_or_default()),
                        None => seen.replies.push(TextCoding::GSM.decode_message(&message).text().unwrap_or_default().to_owned()),
                    }
                }
                _ => {}
            }
        }
        client.ack(acknowledged);
    }
    seen
}

#[tokio::test]
async fn every_fate_is_told_and_counted() {
    let carrier = Carrier::start(quick()).await.expect("listens");
    let batch = (0..100).map(|n| message(n, &format!("+4477009000{n:02}"), &format!("Message {n}"))).collect();
    let seen = converse(&carrier, batch).await;
    let tally = carrier.tally();
    assert_eq!((tally.messages(), tally.segments, tally.doubled()), (100, 100, 0));
    assert_eq!((tally.fates()[&Fate::Delivered], tally.fates()[&Fate::Silent], tally.fates()[&Fate::Refused]), (80, 2, 1));
    let taken = seen.outcomes.values().filter(|outcome| matches!(outcome, Outcome::Accepted { .. })).count();
    assert_eq!(taken, 99, "one number is refused");
    assert_eq!(seen.receipts.len(), 97, "two are silent");
    assert_eq!(seen.receipts.values().flatten().count(), 98, "one is told twice");
    assert_eq!(tally.receipts_acknowledged, 98);
    let mut replies = seen.replies.clone();
    replies.sort();
    assert_eq!(replies, ["HELP", "STOP", "STOP", "Stop.", "Thanks", "Thanks", "who is this?", "who is this?"]);
    assert_eq!((tally.received("+447700900042", "Message 42"), tally.received("+447700900042", "Message 43")), (1, 0));
}

#[tokio::test]
async fn it_takes_what_its_rate_allows() {
    let carrier = Carrier::start(quick()).await.expect("listens");
    carrier.set_limits(Limits { rate_per_second: Some(20), ..carrier.limits() });
    let seen = converse(&carrier, (0..200).map(|n| message(n, "+447700900100", &format!("Message {n}"))).collect()).await;
    let throttled = seen.outcomes.values().filter(|outcome| matches!(outcome, Outcome::Throttled { .. })).count() as u64;
    let tally = carrier.tally();
    assert_eq!((tally.throttled, tally.messages() + tally.throttled), (throttled, 200));
    assert!((1..60).contains(&tally.messages()), "{} at once", tally.messages());
}

#[tokio::test]
async fn a_receipt_survives_a_broken_connection() {
    let carrier = Carrier::start(CarrierConfig { limits: Limits { receipt_delay: (Duration::from_millis(400), Duration::from_millis(400)), ..quick().limits }, ..quick() }).await.expect("listens");
    let config = ClientConfig::new(carrier.address().to_string(), "pretend", "pretend");
    let (session, mut events) = Session::bind(&config).await.expect("binds");
    let client = session.submitter.clone();
    client.submit_when_room(vec![message(1, "+447700900100", "Hello")]).await.expect("queued");
    let answered = async {
        while let Some(batch) = events.recv().await {
            if batch.iter().any(|event| matches!(event, Event::SubmitResult { .. })) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), answered).await.expect("answered");
    carrier.drop_connections();
    let seen = converse(&carrier, Vec::new()).await;
    assert_eq!(seen.receipts.values().flatten().collect::<Vec<_>>(), ["DELIVRD"]);
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let carrier = Carrier::start(quick()).await.expect("listens");
    let bound = Session::bind(&ClientConfig::new(carrier.address().to_string(), "pretend", "wrong")).await;
    let Err(error) = bound else { panic!("must refuse") };
    assert!(error.to_string().contains("ESME_RINVPASWD"), "{error}");
}

/// More receipts may wait than a session's queue holds: they come all the same, once they are taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_slow_to_acknowledge_gets_every_receipt() {
    const MESSAGES: u64 = 25_000;
    let carrier = Carrier::start(CarrierConfig::sink()).await.expect("listens");
    let config = ClientConfig::new(carrier.address().to_string(), "pretend", "pretend");
    let (session, mut events) = Session::bind(&config).await.expect("binds");
    let client = session.submitter.clone();
    let feeding = tokio::spawn(async move { client.submit_when_room((0..MESSAGES).map(|token| message(token, "447700900123", "x")).collect()).await });
    let (mut answered, mut unacknowledged, mut acknowledged, started) = (0, Vec::new(), 0, Instant::now());
    while acknowledged < MESSAGES {
        assert!(started.elapsed() < Duration::from_secs(60), "{answered} answers, {acknowledged} acknowledged");
        if let Ok(Some(batch)) = tokio::time::timeout(Duration::from_millis(50), events.recv()).await {
            for event in batch {
                match event {
                    Event::SubmitResult { .. } => answered += 1,
                    Event::Deliver { id, .. } => unacknowledged.push((id, CommandStatus::ROK)),
                    _ => {}
                }
            }
        }
        if answered == MESSAGES {
            acknowledged += unacknowledged.len() as u64;
            session.submitter.ack(unacknowledged.drain(..));
        }
    }
    feeding.await.expect("fed").expect("queued");
    while carrier.outstanding() > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "{} are outstanding", carrier.outstanding());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((carrier.tally().messages(), carrier.tally().receipts_acknowledged), (MESSAGES, MESSAGES));
}
