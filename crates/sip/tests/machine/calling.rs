//! From INVITE to the answer: challenges, forks, early media, reliable responses, redirects, failover.

use std::time::Duration;

use clarion_sip::auth::Credentials;
use clarion_sip::call::{CallEvent, Redirects};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::hop::Destination;
use clarion_sip::message::{Message, Method, Name, Start};
use clarion_sip::user_agent::CallCommand;

use crate::far::{Far, sdp, seconds, server};

fn uri(message: &Message) -> &str {
    match &message.start {
        Start::Request { uri, .. } => uri,
        Start::Response { .. } => panic!("a request"),
    }
}

fn with_password(config: &mut clarion_sip::trunk::TrunkConfig) {
    config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() });
}

#[test]
fn a_call_rings_is_answered_and_hung_up() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    assert_eq!(uri(&invite), "sip:01632960001@carrier.example");
    assert!(invite.get(&Name::From).expect("From").starts_with("<sip:02079460000@carrier.example>;tag="));
    far.answer(&invite, 100, "", &[], None);
    far.answer(&invite, 180, "b", &[], None);
    assert!(matches!(far.events.pop_front(), Some(CallEvent::Trying { .. })));
    assert!(matches!(far.events.pop_front(), Some(CallEvent::Ringing { .. })));
    far.pass(seconds(20));
    far.quiet();
    let ack = far.pick_up(&invite, "b", &[]);
    assert_eq!((uri(&ack), ack.get(&Name::CSeq)), ("sip:far@192.0.2.1", Some("1 ACK")));
    let Some(CallEvent::Answered { media, .. }) = far.events.pop_front() else { panic!("answered") };
    assert_eq!((media.remote, media.telephone_event), (([192, 0, 2, 1], 6_000).into(), Some(101)));
    // The answer again, as its ACK was lost: the same ACK again.
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>"], Some(sdp(6_000)));
    assert_eq!(far.next(&Method::Ack), ack);
    far.command(CallCommand::HangUp(HangUp::default()));
    let bye = far.next(&Method::Bye);
    assert_eq!(bye.get(&Name::Reason), Some("Q.850;cause=16;text=\"Normal call clearing\""));
    far.answer(&bye, 200, "b", &[], None);
    let end = far.ended();
    assert_eq!((end.by, end.ring_time()), (EndedBy::Us, Some(seconds(20))));
    far.forgets();
}

#[test]
fn behind_a_translator_our_contact_is_the_address_that_the_server_sees() {
    let mut far = Far::new();
    far.agent.learn_addresses();
    far.trunk(with_password, &[1]);
    let invite = far.dial();
    assert_eq!(invite.get(&Name::Contact), Some("<sip:clarion@127.0.0.1:5060>"));
    let seen = |request: &Message, place: &str| {
        let mut seen = request.clone();
        let via = seen.headers.iter_mut().find(|header| header.name == Name::Via).expect("Via");
        via.value = via.value.replace(";rport", place);
        seen
    };
    far.answer(&seen(&invite, ";received=203.0.113.9;rport=40123"), 401, "a", &["WWW-Authenticate: Digest realm=\"x\", nonce=\"n\""], None);
    far.next(&Method::Ack);
    let again = far.next(&Method::Invite);
    assert_eq!(again.get(&Name::Contact), Some("<sip:clarion@203.0.113.9:40123>"));
    assert!(again.get(&Name::Via).expect("Via").contains("127.0.0.1:5060"), "the Via is ours still: rport is what leads back");
    // A server on our own side of the translator sees us as we are.
    far.answer(&seen(&again, ";received=127.0.0.1;rport=5060"), 180, "b", &[], None);
    far.pick_up(&again, "b", &[]);
    far.command(CallCommand::ChangeMedia { local: None, direction: Some(clarion_sip::negotiated::Direction::SendOnly) });
    assert_eq!(far.next(&Method::Invite).get(&Name::Contact), Some("<sip:clarion@127.0.0.1:5060>"));
}

#[test]
fn an_unheard_invite_is_repeated_and_then_given_up() {
    let (mut far, invite) = Far::called(|config| config.silence_max = seconds(32), &[1]);
    far.pass(seconds(31));
    // At 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 seconds.
    assert_eq!(far.sent.len(), 5);
    assert!(far.sent.iter().all(|(message, _)| *message == invite));
    far.pass(seconds(2));
    assert_eq!(far.ended().by, EndedBy::Timeout);
    far.forgets();
}

#[test]
fn a_challenge_is_answered_once_and_a_wrong_password_ends_it() {
    for (status, asks, answers) in [(401, "WWW-Authenticate", Name::Authorization), (407, "Proxy-Authenticate", Name::ProxyAuthorization)] {
        let (mut far, invite) = Far::called(with_password, &[1]);
        let challenge = format!("{asks}: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth,auth-int\"");
        far.answer(&invite, status, "x", &[&challenge], None);
        assert_eq!(far.next(&Method::Ack).get(&Name::Via), invite.get(&Name::Via));
        let again = far.next(&Method::Invite);
        assert_eq!(again.get(&Name::CSeq), Some("2 INVITE"));
        assert!(again.get(&answers).expect("credentials").contains("algorithm=SHA-256"));
        let ack = far.pick_up(&again, "b", &[]);
        assert_eq!(ack.get(&answers), again.get(&answers), "the ACK holds what the INVITE held");
        // Requests within the dialog count the nonce on.
        far.command(CallCommand::HangUp(HangUp::default()));
        assert!(far.next(&Method::Bye).get(&answers).expect("credentials").contains("nc=00000002"));
    }
    let (mut far, invite) = Far::called(with_password, &[1]);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"";
    far.answer(&invite, 401, "x", &[challenge], None);
    far.next(&Method::Ack);
    let again = far.next(&Method::Invite);
    far.answer(&again, 401, "x", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"m\""], None);
    far.next(&Method::Ack);
    let end = far.ended();
    assert_eq!((end.by, end.sip_status), (EndedBy::FarEnd, Some(401)));
    far.forgets();
}

#[test]
fn a_stale_nonce_is_no_wrong_password() {
    let (mut far, invite) = Far::called(with_password, &[1]);
    far.answer(&invite, 407, "x", &["Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""], None);
    far.next(&Method::Ack);
    let again = far.next(&Method::Invite);
    far.answer(&again, 407, "x", &["Proxy-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth\", stale=true"], None);
    far.next(&Method::Ack);
    assert!(far.next(&Method::Invite).get(&Name::ProxyAuthorization).expect("credentials").contains("nonce=\"m\""));
}

#[test]
fn a_challenged_bye_is_said_again() {
    let (mut far, invite) = Far::called(with_password, &[1]);
    far.pick_up(&invite, "b", &[]);
    far.command(CallCommand::HangUp(HangUp::default()));
    let bye = far.next(&Method::Bye);
    far.answer(&bye, 407, "b", &["Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\""], None);
    let again = far.next(&Method::Bye);
    assert!(again.get(&Name::ProxyAuthorization).is_some() && again.get(&Name::CSeq) != bye.get(&Name::CSeq));
    far.answer(&again, 200, "b", &[], None);
    far.forgets();
}

#[test]
fn of_two_answers_the_second_is_hung_up_on() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    for tag in ["b", "c"] {
        far.answer(&invite, 180, tag, &[], None);
    }
    assert_eq!(far.events.iter().filter(|event| matches!(event, CallEvent::Ringing { .. })).count(), 1);
    far.pick_up(&invite, "c", &[]);
    let ack = far.pick_up(&invite, "b", &[]);
    assert_eq!(ack.to().expect("To").tag(), Some("b"));
    let bye = far.next(&Method::Bye);
    assert_eq!(bye.to().expect("To").tag(), Some("b"));
    far.answer(&bye, 200, "b", &[], None);
    far.is_up();
    // A third one, long after: even then.
    far.pass(seconds(30));
    far.pick_up(&invite, "d", &[]);
    assert_eq!(far.next(&Method::Bye).to().expect("To").tag(), Some("d"));
    far.is_up();
}

#[test]
fn early_media_is_heard_and_the_answer_may_say_nothing_new() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 183, "b", &[], Some(sdp(6_000)));
    far.answer(&invite, 180, "b", &[], Some(sdp(6_000)));
    let early = far.events.iter().filter(|event| matches!(event, CallEvent::EarlyMedia(_))).count();
    assert_eq!(early, 1);
    far.answer(&invite, 200, "b", &[], None);
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_000));
}

#[test]
fn an_answer_without_audio_is_hung_up_on() {
    for body in [None, Some("v=0\r\nm=audio 0 RTP/AVP 8\r\n".to_owned()), Some("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 6000 RTP/AVP 9\r\n".to_owned()), Some("nonsense".to_owned())] {
        let (mut far, invite) = Far::called(|_| {}, &[1]);
        far.answer(&invite, 200, "b", &[], body);
        far.next(&Method::Ack);
        far.next(&Method::Bye);
        let end = far.ended();
        assert_eq!((end.by, end.q850), (EndedBy::Us, Some(65)));
        assert!(end.answered_at.is_some());
    }
}

#[test]
fn reliable_responses_are_acknowledged_in_order_and_once() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    assert!(invite.lists(&Name::Supported, "100rel"));
    let reliable = |rseq: u32| format!("RSeq: {rseq}");
    let contact = "Contact: <sip:far@192.0.2.1>";
    far.answer(&invite, 183, "b", &["Require: 100rel", &reliable(9), contact], Some(sdp(6_000)));
    let prack = far.next(&Method::Prack);
    assert_eq!((prack.get(&Name::RAck), prack.get(&Name::CSeq)), (Some("9 1 INVITE"), Some("2 PRACK")));
    far.answer(&prack, 200, "b", &[], None);
    // Again, and one too early: neither is acknowledged.
    far.answer(&invite, 183, "b", &["Require: 100rel", &reliable(9), contact], Some(sdp(6_000)));
    far.answer(&invite, 180, "b", &["Require: 100rel", &reliable(11), contact], None);
    far.quiet();
    assert_eq!(far.events.iter().filter(|event| matches!(event, CallEvent::Ringing { .. })).count(), 1, "that of the 183");
    far.answer(&invite, 180, "b", &["Require: 100rel", &reliable(10), contact], None);
    assert_eq!(far.next(&Method::Prack).get(&Name::RAck), Some("10 1 INVITE"));
    far.pick_up(&invite, "b", &[]);
    far.is_up();
}

#[test]
fn a_redirect_ends_the_call_or_is_followed_within_its_limit() {
    let contacts = "Contact: <sip:a@192.0.2.7>;q=0.2, <sip:b@192.0.2.8:5070>;q=0.9, <sip:c@192.0.2.9>;q=0.1";
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 302, "x", &[contacts], None);
    far.next(&Method::Ack);
    assert_eq!(far.ended().sip_status, Some(302));

    let (mut far, invite) = Far::called(|config| config.redirects = Redirects::Follow { targets_max: 2 }, &[1]);
    far.answer(&invite, 302, "x", &[contacts], None);
    far.next(&Method::Ack);
    let (second, to) = far.sent.pop_front().expect("an INVITE");
    assert_eq!(uri(&second), "sip:b@192.0.2.8:5070");
    assert!(matches!(to, Destination::Hop(hop) if hop.address == ([192, 0, 2, 8], 5070).into()));
    far.answer(&second, 404, "x", &[], None);
    far.next(&Method::Ack);
    let third = far.next(&Method::Invite);
    assert_eq!(uri(&third), "sip:a@192.0.2.7");
    // The two that were allowed are used up.
    far.answer(&third, 302, "x", &["Contact: <sip:d@192.0.2.7>"], None);
    far.next(&Method::Ack);
    assert_eq!(far.ended().sip_status, Some(302));
    far.forgets();
}

#[test]
fn a_dead_server_is_left_within_seconds_and_one_that_wakes_late_does_not_ring_on() {
    let (mut far, invite) = Far::called(|_| {}, &[1, 2]);
    far.pass(seconds(4));
    let (second, to) = far.sent.pop_back().expect("an INVITE");
    assert_eq!(to, Destination::Hop(server(2)));
    far.sent.clear();
    assert_ne!(second.get(&Name::Via), invite.get(&Name::Via));
    far.answer(&second, 180, "b", &[], None);
    // The first wakes up and rings: it is cancelled.
    far.answer(&invite, 180, "a", &[], None);
    assert_eq!(far.next(&Method::Cancel).get(&Name::Via), invite.get(&Name::Via));
    far.pick_up(&second, "b", &[]);
    // Its answer crossed with the CANCEL: hung up on, while ours goes on.
    far.pick_up(&invite, "a", &[]);
    assert_eq!(far.next(&Method::Bye).to().expect("To").tag(), Some("a"));
    far.is_up();
    // A second call goes to the living one at once.
    far.dial_as(clarion_sip::call::CallKey(4), clarion_sip::dial::DialRequest { to: "01632960002".into(), ..Default::default() });
    assert_eq!(far.sent.pop_front().expect("an INVITE").1, Destination::Hop(server(2)));
}

#[test]
fn unavailable_is_told_with_its_time_and_respected() {
    let (mut far, invite) = Far::called(|_| {}, &[1, 2]);
    far.answer(&invite, 503, "x", &["Retry-After: 20 (maintenance)"], None);
    far.next(&Method::Ack);
    let (second, to) = far.sent.pop_front().expect("an INVITE");
    assert_eq!(to, Destination::Hop(server(2)));
    far.answer(&second, 503, "x", &["Retry-After: 30"], None);
    far.next(&Method::Ack);
    let end = far.ended();
    assert_eq!((end.by, end.sip_status, end.retry_after), (EndedBy::FarEnd, Some(503), Some(seconds(30))));
    // Nobody is asked before the time.
    far.events.clear();
    far.pass(seconds(5));
    far.dial_as(clarion_sip::call::CallKey(4), clarion_sip::dial::DialRequest { to: "01632960002".into(), ..Default::default() });
    far.quiet();
    assert_eq!(far.ended().retry_after, Some(seconds(15)));
    far.events.clear();
    far.pass(seconds(15));
    far.dial_as(clarion_sip::call::CallKey(6), clarion_sip::dial::DialRequest { to: "01632960003".into(), ..Default::default() });
    assert_eq!(far.sent.pop_front().expect("an INVITE").1, Destination::Hop(server(1)));
}

#[test]
fn a_failure_is_told_with_its_cause() {
    let (mut far, invite) = Far::called(|_| {}, &[1, 2]);
    far.answer(&invite, 180, "b", &[], None);
    far.answer(&invite, 486, "b", &["Reason: Q.850;cause=17;text=\"User busy\""], None);
    let ack = far.next(&Method::Ack);
    assert_eq!((ack.get(&Name::CSeq), ack.get(&Name::Via)), (Some("1 ACK"), invite.get(&Name::Via)));
    let end = far.ended();
    assert_eq!((end.by, end.sip_status, end.q850, end.reason.as_str()), (EndedBy::FarEnd, Some(486), Some(17), "User busy"));
    // Its ACK was lost.
    far.answer(&invite, 486, "b", &[], None);
    assert_eq!(far.next(&Method::Ack), ack);
    far.quiet();
    far.forgets();
}

#[test]
fn a_short_session_interval_is_raised() {
    let (mut far, invite) = Far::called(|config| config.session_expires = Some(seconds(120)), &[1]);
    assert_eq!(invite.get(&Name::SessionExpires), Some("120"));
    far.answer(&invite, 422, "x", &["Min-SE: 600"], None);
    far.next(&Method::Ack);
    let again = far.next(&Method::Invite);
    assert_eq!((again.get(&Name::SessionExpires), again.get(&Name::MinSe)), (Some("600"), Some("600")));
    far.answer(&again, 422, "x", &["Min-SE: 900"], None);
    far.next(&Method::Ack);
    assert_eq!(far.ended().sip_status, Some(422));
}

#[test]
fn a_transport_that_fails_at_once_goes_on_to_the_next_server() {
    let mut far = Far::new();
    far.trunk(|_| {}, &[1, 2]);
    far.agent.dial(far.now, crate::far::CALL, crate::far::TRUNK, &clarion_sip::dial::DialRequest { to: "01632960001".into(), ..Default::default() }, crate::far::media()).expect("dialled");
    let client = far.agent.take_effects().into_iter().find_map(|effect| match effect {
        clarion_sip::wire::Effect::Send { client, .. } => client,
        _ => None,
    });
    far.agent.undelivered(far.now, client.expect("a transaction"), "");
    far.collect();
    assert_eq!(far.sent.pop_front().expect("an INVITE").1, Destination::Hop(server(2)));
}

#[test]
fn a_call_waits_for_its_trunks_addresses() {
    let mut far = Far::new();
    far.agent.add_trunk(far.now, crate::far::TRUNK, clarion_sip::trunk::TrunkConfig::new("carrier.example", None));
    far.dial_as(crate::far::CALL, clarion_sip::dial::DialRequest { to: "01632960001".into(), ..Default::default() });
    far.quiet();
    assert_eq!(far.resolves, 1);
    far.agent.trunk_found(far.now, crate::far::TRUNK, Err("no name server answers".into()));
    far.collect();
    assert_eq!(far.ended().by, EndedBy::Unreachable);
    assert_eq!(far.states.back().map(|state| state.reason.as_str()), Some("no name server answers"));
    far.pass(Duration::from_secs(10));
    assert_eq!(far.resolves, 2);
}
