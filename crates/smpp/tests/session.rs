//! Client and server of this crate against each other: every outcome, both directions, both ends' deaths.

use clarion_smpp::client::*;
use clarion_smpp::limiter::Limiter;
use clarion_smpp::pdu::*;
use clarion_smpp::server::{Listener, ServerConfig, Smsc, SmscEvent};
use clarion_smpp::supervise::{BindState, SuperviseConfig, supervise};
use std::time::Duration;
use tokio::sync::mpsc;

type Events<E> = mpsc::Receiver<Vec<E>>;

async fn listen() -> (Listener, String) {
    let listener = Listener::bind("127.0.0.1:0", None, ServerConfig::default())
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

async fn pair(
    configure: impl FnOnce(&mut ClientConfig),
) -> (Session, Events<Event>, Smsc, Events<SmscEvent>) {
    let (listener, address) = listen().await;
    let mut config = ClientConfig::new(address, "tester", "secret");
    configure(&mut config);
    let serve = async {
        listener
            .accept()
            .await
            .expect("a connection")
            .binding()
            .await
            .expect("a bind")
            .accept()
    };
    let (bound, (smsc, smsc_events)) = tokio::join!(Session::bind(&config), serve);
    let (session, mut events) = bound.expect("bound");
    let session_number = session.submitter.session();
    assert_eq!(
        next(&mut events).await,
        [Event::Bound {
            session: session_number
        }]
    );
    (session, events, smsc, smsc_events)
}

async fn next<E>(events: &mut Events<E>) -> Vec<E> {
    let batch = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
    batch
        .expect("an event in time")
        .expect("the session to live")
}

async fn collect<E>(events: &mut Events<E>, count: usize) -> Vec<E> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(next(events).await);
    }
    all
}

fn message() -> Box<ShortMessage> {
    Box::new(ShortMessage {
        source: Address::alphanumeric("CLARION"),
        destination: Address::international("+447700900123"),
        short_message: b"hello".to_vec(),
        ..ShortMessage::default()
    })
}

fn batch(tokens: std::ops::Range<u64>) -> Vec<Submission> {
    tokens
        .map(|token| Submission {
            token,
            segments: 1,
            message: message(),
        })
        .collect()
}

fn submits(events: Vec<SmscEvent>) -> Vec<RequestId> {
    let submit = |event| match event {
        SmscEvent::Submit { id, .. } => Some(id),
        _ => None,
    };
    events.into_iter().filter_map(submit).collect()
}

fn results(events: Vec<Event>) -> Vec<(u64, Outcome)> {
    let result = |event| match event {
        Event::SubmitResult { token, outcome } => Some((token, outcome)),
        _ => None,
    };
    events.into_iter().filter_map(result).collect()
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let (session, mut events, smsc, mut smsc_events) = pair(|_| {}).await;
    session.submitter.submit(batch(0..4)).expect("room");
    let ids = submits(collect(&mut smsc_events, 4).await);
    let throttled = CommandStatus::RTHROTTLED;
    let answers = [
        Ok("a1".to_owned()),
        Err(throttled),
        Err(CommandStatus::RINVDSTADR),
        Ok(String::new()),
    ];
    smsc.respond(ids.into_iter().zip(answers).rev());
    let mut results = results(collect(&mut events, 4).await);
    results.sort_by_key(|(token, _)| *token);
    let outcomes: Vec<Outcome> = results.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(
        outcomes[0],
        Outcome::Accepted {
            message_id: "a1".to_owned()
        }
    );
    assert_eq!(
        outcomes[1],
        Outcome::Throttled {
            status: throttled,
            message: message()
        }
    );
    assert_eq!(
        outcomes[2],
        Outcome::Rejected {
            status: CommandStatus::RINVDSTADR
        }
    );
    assert_eq!(
        outcomes[3],
        Outcome::Accepted {
            message_id: String::new()
        }
    );
}

#[tokio::test]
async fn what_smpp_cannot_carry_is_invalid_and_harms_nobody() {
    let (session, mut events, smsc, mut smsc_events) = pair(|_| {}).await;
    let mut wrong = batch(0..2);
    wrong[0].message.destination.value = "4".repeat(21);
    session.submitter.submit(wrong).expect("room");
    smsc.respond(
        submits(collect(&mut smsc_events, 1).await)
            .into_iter()
            .map(|id| (id, Ok("x".to_owned()))),
    );
    let results = results(collect(&mut events, 2).await);
    assert!(matches!(
        results[0],
        (
            0,
            Outcome::Invalid(InvalidField {
                field: "destination_addr",
                ..
            })
        )
    ));
    assert!(matches!(results[1], (1, Outcome::Accepted { .. })));
}

#[tokio::test]
async fn the_window_is_kept_and_the_sequence_wraps() {
    let configure = |config: &mut ClientConfig| {
        config.link.window_max = 10;
        config.link.first_sequence = SEQUENCE_MAX - 4;
    };
    let (session, mut events, smsc, mut smsc_events) = pair(configure).await;
    session.submitter.submit(batch(0..25)).expect("room");
    let mut sequences = Vec::new();
    while sequences.len() < 25 {
        let ids = submits(next(&mut smsc_events).await);
        assert!(ids.len() <= 10);
        sequences.extend(ids.iter().map(|id| id.sequence()));
        smsc.respond(ids.into_iter().map(|id| (id, Ok("x".to_owned()))));
    }
    let expected: Vec<u32> = (SEQUENCE_MAX - 4..=SEQUENCE_MAX).chain(1..=20).collect();
    assert_eq!(sequences, expected);
    assert_eq!(results(collect(&mut events, 25).await).len(), 25);
}

#[tokio::test]
async fn a_full_queue_gives_the_batch_back() {
    let configure = |config: &mut ClientConfig| {
        config.link.window_max = 1;
        config.link.queue_max = 10;
    };
    let (session, _events, _smsc, mut smsc_events) = pair(configure).await;
    session.submitter.submit(batch(0..10)).expect("room");
    collect(&mut smsc_events, 1).await;
    match session.submitter.submit(batch(10..20)) {
        Err(SubmitError::Full(back)) => assert_eq!(back, batch(10..20)),
        other => panic!("{other:?}"),
    }
    session
        .submitter
        .submit(batch(20..21))
        .expect("one place is free");
}

#[tokio::test]
async fn a_killed_peer_leaves_the_written_lost_and_the_rest_not_sent() {
    let (session, mut events, smsc, mut smsc_events) =
        pair(|config| config.link.window_max = 50).await;
    session.submitter.submit(batch(0..200)).expect("room");
    let ids = submits(collect(&mut smsc_events, 50).await);
    smsc.respond(ids.into_iter().take(20).map(|id| (id, Ok("x".to_owned()))));
    collect(&mut smsc_events, 20).await;
    smsc.kill();
    let mut all = collect(&mut events, 201).await;
    assert!(matches!(all.pop(), Some(Event::Unbound { .. })));
    let results = results(all);
    let count = |matches: fn(&Outcome) -> bool| {
        results
            .iter()
            .filter(|(_, outcome)| matches(outcome))
            .count()
    };
    assert_eq!(
        count(|outcome| matches!(outcome, Outcome::Accepted { .. })),
        20
    );
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Lost)), 50);
    assert_eq!(
        count(|outcome| matches!(outcome, Outcome::NotSent { .. })),
        130
    );
    assert!(matches!(
        session.submitter.submit(batch(0..1)),
        Err(SubmitError::NotBound(_))
    ));
}

#[tokio::test]
async fn no_answer_in_time_is_lost_and_a_late_one_is_still_told() {
    let configure =
        |config: &mut ClientConfig| config.link.response_timeout = Duration::from_millis(200);
    let (session, mut events, smsc, mut smsc_events) = pair(configure).await;
    session.submitter.submit(batch(7..8)).expect("room");
    let ids = submits(collect(&mut smsc_events, 1).await);
    assert_eq!(
        collect(&mut events, 1).await,
        [Event::SubmitResult {
            token: 7,
            outcome: Outcome::Lost
        }]
    );
    smsc.respond(ids.into_iter().map(|id| (id, Ok("late".to_owned()))));
    let outcome = Outcome::Accepted {
        message_id: "late".to_owned(),
    };
    assert_eq!(
        collect(&mut events, 1).await,
        [Event::LateAnswer { token: 7, outcome }]
    );
}

#[tokio::test]
async fn deliveries_wait_for_the_callers_word() {
    let (session, mut events, smsc, mut smsc_events) = pair(|_| {}).await;
    smsc.deliver(batch(0..3)).expect("room");
    let ids: Vec<RequestId> = collect(&mut events, 3)
        .await
        .into_iter()
        .map(|event| match event {
            Event::Deliver {
                id,
                message: delivered,
            } => {
                assert_eq!(delivered, message());
                id
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        smsc_events.try_recv().is_err(),
        "nothing is acknowledged by itself"
    );
    session.submitter.ack(ids.into_iter().zip([
        CommandStatus::ROK,
        CommandStatus::RX_T_APPN,
        CommandStatus::ROK,
    ]));
    let told = collect(&mut smsc_events, 3).await;
    assert!(matches!(
        &told[0],
        SmscEvent::DeliverResult {
            token: 0,
            outcome: Outcome::Accepted { .. }
        }
    ));
    let rejected = Outcome::Rejected {
        status: CommandStatus::RX_T_APPN,
    };
    assert_eq!(
        told[1],
        SmscEvent::DeliverResult {
            token: 1,
            outcome: rejected
        }
    );
}

#[tokio::test]
async fn unbinding_waits_for_the_last_answers() {
    let (session, mut events, smsc, mut smsc_events) =
        pair(|config| config.link.window_max = 2).await;
    session.submitter.submit(batch(0..5)).expect("room");
    let ids = submits(collect(&mut smsc_events, 2).await);
    session.submitter.unbind();
    let returned = results(collect(&mut events, 3).await);
    assert!(
        returned
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::NotSent { .. }))
    );
    smsc.respond(ids.into_iter().map(|id| (id, Ok("x".to_owned()))));
    let last = collect(&mut events, 3).await;
    assert!(
        matches!(
            last[2],
            Event::Unbound {
                reason: CloseReason::Requested,
                ..
            }
        ),
        "{last:?}"
    );
    assert_eq!(results(last).len(), 2);
    assert_eq!(
        collect(&mut smsc_events, 1).await,
        [SmscEvent::Closed {
            reason: CloseReason::PeerUnbound
        }]
    );
}

#[tokio::test]
async fn a_question_is_answered() {
    let (session, mut events, smsc, mut smsc_events) = pair(|_| {}).await;
    let asked = QuerySm {
        message_id: "m1".to_owned(),
        source: Address::alphanumeric("CLARION"),
    };
    assert!(session.submitter.query(3, asked.clone()));
    let SmscEvent::Query { id, query } = collect(&mut smsc_events, 1).await.remove(0) else {
        panic!("no query")
    };
    assert_eq!(query, asked);
    let answer = QuerySmResponse {
        message_id: "m1".to_owned(),
        message_state: 2,
        ..QuerySmResponse::default()
    };
    smsc.answer_query(id, Ok(answer.clone()));
    let told = Event::QueryResult {
        token: 3,
        outcome: QueryOutcome::Known(answer),
    };
    assert_eq!(collect(&mut events, 1).await, [told]);
}

#[tokio::test]
async fn a_silent_peer_is_asked_for_a_sign_of_life_and_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let mut config = ClientConfig::new(
        listener.local_addr().expect("an address").to_string(),
        "t",
        "s",
    );
    config.link.enquire_link_interval = Duration::from_millis(100);
    config.link.enquire_link_timeout = Duration::from_millis(100);
    let mute = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let bound = Body::BindResponse(BindKind::Transceiver, BindResponse::default());
        let answer = Pdu {
            status: CommandStatus::ROK,
            sequence: 1,
            body: bound,
        };
        tokio::io::AsyncWriteExt::write_all(&mut stream, &answer.to_bytes())
            .await
            .expect("written");
        stream
    };
    let (bound, _stream) = tokio::join!(Session::bind(&config), mute);
    let (_session, mut events) = bound.expect("bound");
    let told = collect(&mut events, 2).await;
    assert!(
        matches!(
            told[1],
            Event::Unbound {
                reason: CloseReason::NoSignOfLife,
                ..
            }
        ),
        "{told:?}"
    );
}

/// The peer stops reading; the client gives it up. What the peer then finds in its socket was not "not sent".
#[tokio::test]
async fn what_stands_in_the_outbox_at_the_end_is_not_sent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let mut config = ClientConfig::new(
        listener.local_addr().expect("an address").to_string(),
        "t",
        "s",
    );
    config.link.enquire_link_interval = Duration::from_millis(300);
    config.link.enquire_link_timeout = Duration::from_millis(300);
    (config.link.window_max, config.link.queue_max) = (200_000, 200_000);
    let greet = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bind = [0; 256];
        assert!(stream.read(&mut bind).await.expect("read") > 16);
        let bound = Body::BindResponse(BindKind::Transceiver, BindResponse::default());
        let answer = Pdu {
            status: CommandStatus::ROK,
            sequence: 1,
            body: bound,
        };
        stream.write_all(&answer.to_bytes()).await.expect("written");
        stream
    };
    let (bound, mut stream) = tokio::join!(Session::bind(&config), greet);
    let (session, mut events) = bound.expect("bound");
    assert!(matches!(next(&mut events).await[0], Event::Bound { .. }));
    session.submitter.submit(batch(0..150_000)).expect("room");
    let mut told = collect(&mut events, 150_001).await;
    assert!(matches!(
        told.pop(),
        Some(Event::Unbound {
            reason: CloseReason::NoSignOfLife,
            ..
        })
    ));
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).await.expect("read");
    let mut framer = Framer::default();
    framer.room(octets.len())[..octets.len()].copy_from_slice(&octets);
    framer.filled(octets.len());
    let mut received = 0;
    while let Frame::Whole(_) = framer.next_frame() {
        received += 1;
    }
    let results = results(told);
    let lost = results
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Lost)
        .count();
    let not_sent = results
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::NotSent { .. }))
        .count();
    assert_eq!(lost + not_sent, 150_000);
    assert_eq!(
        received, lost,
        "every whole message in the peer's socket is lost, none is not sent"
    );
    assert!(not_sent > 0 && lost > 0);
}

/// Both ends pour as fast as they can: nobody waits for the other for ever.
#[tokio::test]
async fn floods_in_both_directions_do_not_block_each_other() {
    const COUNT: usize = 50_000;
    let wide = |config: &mut ClientConfig| {
        (config.link.window_max, config.link.queue_max) = (5_000, COUNT)
    };
    let (session, mut events, smsc, mut smsc_events) = pair(wide).await;
    session
        .submitter
        .submit(batch(0..COUNT as u64))
        .expect("room");
    let pouring = async {
        for first in (0..COUNT as u64).step_by(5_000) {
            smsc.deliver_when_room(batch(first..first + 5_000))
                .await
                .expect("bound");
        }
    };
    let submitter = session.submitter.clone();
    let esme = async {
        let (mut submitted, mut delivered) = (0, 0);
        while submitted < COUNT || delivered < COUNT {
            let mut acks = Vec::new();
            for event in next(&mut events).await {
                match event {
                    Event::SubmitResult {
                        outcome: Outcome::Accepted { .. },
                        ..
                    } => submitted += 1,
                    Event::Deliver { id, .. } => acks.push((id, CommandStatus::ROK)),
                    other => panic!("{other:?}"),
                }
            }
            delivered += acks.len();
            submitter.ack(acks);
        }
    };
    let centre = async {
        let (mut answered, mut acknowledged) = (0, 0);
        while answered < COUNT || acknowledged < COUNT {
            let told = next(&mut smsc_events).await;
            let fates = told
                .iter()
                .filter(|event| matches!(event, SmscEvent::DeliverResult { .. }))
                .count();
            acknowledged += fates;
            let ids = submits(told);
            answered += ids.len();
            smsc.respond(ids.into_iter().map(|id| (id, Ok("x".to_owned()))));
        }
    };
    tokio::join!(pouring, esme, centre);
}

#[tokio::test]
async fn a_receiver_may_not_submit_and_an_unbound_peer_is_told_so() {
    let (session, mut events, _smsc, _smsc_events) =
        pair(|config| config.kind = BindKind::Receiver).await;
    session.submitter.submit(batch(0..1)).expect("room");
    let status = CommandStatus::RINVBNDSTS;
    assert_eq!(
        results(collect(&mut events, 1).await),
        [(0, Outcome::Rejected { status })]
    );
}

#[tokio::test]
async fn our_own_smsc_speaks_tls() {
    let own =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (
        own.cert.pem().into_bytes(),
        own.signing_key.serialize_pem().into_bytes(),
    );
    let acceptor = clarion_smpp::tls::acceptor(&cert, &key).expect("usable");
    let listener = Listener::bind("127.0.0.1:0", Some(acceptor), ServerConfig::default())
        .await
        .expect("a port");
    let mut config = ClientConfig::new(
        listener.local_addr().expect("an address").to_string(),
        "t",
        "s",
    );
    let trust = clarion_smpp::tls::Trust::CaPem(cert);
    config.tls = Some(clarion_smpp::tls::TlsClient {
        server_name: "localhost".to_owned(),
        trust,
    });
    let serve = async {
        listener
            .accept()
            .await
            .expect("a connection")
            .binding()
            .await
            .expect("a bind")
            .accept()
    };
    let (bound, (smsc, mut smsc_events)) = tokio::join!(Session::bind(&config), serve);
    let (session, mut events) = bound.expect("bound");
    session.submitter.submit(batch(0..5_000)).expect("room");
    let mut answered = 0;
    while answered < 5_000 {
        let ids = submits(next(&mut smsc_events).await);
        answered += ids.len();
        smsc.respond(ids.into_iter().map(|id| (id, Ok("x".to_owned()))));
    }
    assert_eq!(results(collect(&mut events, 5_001).await).len(), 5_000);
}

#[tokio::test]
async fn a_caller_who_does_not_listen_loses_no_answer() {
    let configure = |config: &mut ClientConfig| {
        config.link.queue_max = 100_000;
        config.link.response_timeout = Duration::from_millis(500);
    };
    let (session, mut events, smsc, mut smsc_events) = pair(configure).await;
    let answering = tokio::spawn(async move {
        while let Some(batch) = smsc_events.recv().await {
            smsc.respond(
                submits(batch)
                    .into_iter()
                    .map(|id| (id, Ok("x".to_owned()))),
            );
        }
    });
    session.submitter.submit(batch(0..60_000)).expect("room");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let results = results(collect(&mut events, 60_000).await);
    assert!(
        results
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::Accepted { .. }))
    );
    drop(session);
    answering.await.expect("the server ended");
}

#[tokio::test]
async fn the_ceiling_of_a_shared_limiter_is_kept() {
    let limiter = SharedLimiter::new(Limiter::new(200.0));
    let (session, mut events, smsc, mut smsc_events) =
        pair(|config| config.limiter = Some(limiter)).await;
    let start = std::time::Instant::now();
    session.submitter.submit(batch(0..300)).expect("room");
    let answering = async {
        let mut answered = 0;
        while answered < 300 {
            let ids = submits(next(&mut smsc_events).await);
            answered += ids.len();
            smsc.respond(ids.into_iter().map(|id| (id, Ok("x".to_owned()))));
        }
    };
    let (_, results) = tokio::join!(answering, collect(&mut events, 300));
    assert_eq!(results.len(), 300);
    assert!(
        start.elapsed() >= Duration::from_millis(1_470),
        "300 at 200 a second in {:?}",
        start.elapsed()
    );
}

async fn until(
    state: &mut tokio::sync::watch::Receiver<BindState>,
    wanted: fn(&BindState) -> bool,
) -> BindState {
    let reached = tokio::time::timeout(Duration::from_secs(10), state.wait_for(wanted)).await;
    reached
        .expect("the state in time")
        .expect("supervision to live")
        .clone()
}

#[tokio::test]
async fn supervision_binds_again_after_a_death_and_slows_down_when_refused() {
    let (listener, address) = listen().await;
    let mut config = SuperviseConfig::new(ClientConfig::new(address, "tester", "secret"));
    config.backoff_min = Duration::from_millis(20);
    let (supervised, mut events) = supervise(config, || 0.5);
    let mut state = supervised.state();
    let (smsc, _first) = listener
        .accept()
        .await
        .expect("first")
        .binding()
        .await
        .expect("a bind")
        .accept();
    until(&mut state, |state| matches!(state, BindState::Bound { .. })).await;
    smsc.kill();
    let second = listener
        .accept()
        .await
        .expect("second")
        .binding()
        .await
        .expect("a bind");
    assert!(matches!(
        supervised.submit(batch(0..1)),
        Err(SubmitError::NotBound(_))
    ));
    let (smsc, mut smsc_events) = second.accept();
    until(&mut state, |state| matches!(state, BindState::Bound { .. })).await;
    supervised.submit(batch(5..6)).expect("bound again");
    assert_eq!(submits(collect(&mut smsc_events, 1).await).len(), 1);
    smsc.kill();
    let third = listener
        .accept()
        .await
        .expect("third")
        .binding()
        .await
        .expect("a bind");
    third
        .refuse(CommandStatus::RINVPASWD)
        .await
        .expect("refused");
    let refused = until(&mut state, |state| {
        matches!(state, BindState::Refused { .. })
    })
    .await;
    let BindState::Refused {
        status,
        until: again,
    } = refused
    else {
        unreachable!()
    };
    assert_eq!(status, CommandStatus::RINVPASWD);
    assert!(
        again > tokio::time::Instant::now() + Duration::from_secs(15),
        "a refusal is not hammered on"
    );
    supervised.stop();
    until(&mut state, |state| *state == BindState::Stopped).await;
    let mut all = Vec::new();
    while let Some(batch) = events.recv().await {
        all.extend(batch);
    }
    assert_eq!(
        all.iter()
            .filter(|event| matches!(event, Event::Bound { .. }))
            .count(),
        2
    );
    assert_eq!(results(all), [(5, Outcome::Lost)]);
}
