//! Calls from outside: rung, answered, refused, cancelled; and requests that are no calls.

use clarion_sip::call::{CallEvent, CallKey};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::message::{Header, Message, Method, Name, parse};
use clarion_sip::user_agent::CallCommand;

use crate::far::{Far, media, sdp, seconds};

const CALLED: CallKey = CallKey(3);

fn invite(further: &str, body: &str) -> Message {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!("INVITE sip:01632960001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKone;rport\r\nFrom: <sip:02079460000@h>;tag=a\r\nTo: <sip:01632960001@h>\r\nCall-ID: one\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.1>\r\n{further}{kind}\r\n{body}");
    parse(text.as_bytes()).expect("an INVITE")
}

fn within(far: &Far, method: &str, number: u32, ok: &Message, further: &str) -> Message {
    let _ = far;
    let to = ok.get(&Name::To).expect("To");
    let text = format!("{method} sip:clarion@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{method}{number}\r\nFrom: <sip:02079460000@h>;tag=a\r\nTo: {to}\r\nCall-ID: one\r\nCSeq: {number} {method}\r\n{further}\r\n");
    parse(text.as_bytes()).expect("a request")
}

fn command(far: &mut Far, command: CallCommand) {
    far.agent.command(far.now, CALLED, command);
    far.collect();
}

#[test]
fn rung_answered_and_hung_up_from_either_side() {
    for ours in [true, false] {
        let mut far = Far::new();
        far.say(&invite("", &sdp(6_000)));
        far.next_status(100);
        let (key, request) = far.incoming.pop_front().expect("a call");
        assert_eq!((key, request.offers), (CALLED, true));
        command(&mut far, CallCommand::Ring);
        let ringing = far.next_status(180);
        command(&mut far, CallCommand::Answer(media()));
        let ok = far.next_status(200);
        assert_eq!(ok.get(&Name::To), ringing.get(&Name::To), "one tag");
        assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_000));
        // Unacknowledged, it is said again, and a retransmitted INVITE is not a new call.
        far.pass(seconds(1));
        assert_eq!(far.next_status(200), ok);
        far.say(&invite("", &sdp(6_000)));
        assert!(far.incoming.is_empty());
        if ours {
            command(&mut far, CallCommand::HangUp(HangUp::default()));
            assert!(!far.sent.iter().any(|(message, _)| message.method() == Some(&Method::Bye)), "BYE waits for the ACK");
        }
        far.sent.clear();
        let ack = within(&far, "ACK", 7, &ok, "");
        far.say(&ack);
        if ours {
            let bye = far.next(&Method::Bye);
            far.answer(&bye, 200, "", &[], None);
            assert_eq!(far.ended().by, EndedBy::Us);
        } else {
            far.pass(seconds(40));
            far.quiet();
            let bye = within(&far, "BYE", 8, &ok, "Reason: Q.850;cause=16\r\n");
            far.say(&bye);
            far.next_status(200);
            assert_eq!(far.ended().by, EndedBy::FarEnd);
        }
        far.forgets();
    }
}

#[test]
fn an_answer_that_is_never_acknowledged_ends() {
    let mut far = Far::new();
    far.say(&invite("", &sdp(6_000)));
    command(&mut far, CallCommand::Answer(media()));
    far.pass(seconds(35));
    far.sent.retain(|(message, _)| message.method() == Some(&Method::Bye));
    far.next(&Method::Bye);
    assert_eq!(far.ended().by, EndedBy::Timeout);
}

#[test]
fn without_an_offer_ours_is_answered_by_the_ack() {
    let mut far = Far::new();
    far.say(&invite("", ""));
    assert!(!far.incoming.pop_front().expect("a call").1.offers);
    command(&mut far, CallCommand::Answer(media()));
    far.next_status(100);
    let ok = far.next_status(200);
    assert!(far.events.is_empty());
    let mut ack = within(&far, "ACK", 7, &ok, "");
    ack.set_body("application/sdp", sdp(6_100).into_bytes());
    far.say(&ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_100));
}

#[test]
fn refused_with_further_headers_until_its_ack() {
    let mut far = Far::new();
    far.say(&invite("", &sdp(6_000)));
    far.next_status(100);
    command(&mut far, CallCommand::Reject { status: 503, words: "Busy".into(), headers: vec![Header { name: Name::RetryAfter, value: "5".into() }] });
    let refused = far.next_status(503);
    assert_eq!(refused.get(&Name::RetryAfter), Some("5"));
    far.pass(seconds(2));
    assert_eq!(far.sent.len(), 2, "repeated at 0.5 and 1.5 s");
    far.sent.clear();
    let mut ack = within(&far, "ACK", 7, &refused, "");
    ack.set(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKone;rport");
    far.say(&ack);
    far.pass(seconds(10));
    far.quiet();
    far.forgets();
}

#[test]
fn cancelled_by_the_caller_before_and_after_the_answer() {
    let cancel = |invite: &Message| {
        let mut cancel = invite.clone();
        cancel.start = clarion_sip::message::Start::Request { method: Method::Cancel, uri: "sip:01632960001@127.0.0.1".into() };
        cancel.set(Name::CSeq, "7 CANCEL");
        cancel.body = Vec::new();
        cancel
    };
    let mut far = Far::new();
    let first = invite("", &sdp(6_000));
    far.say(&first);
    command(&mut far, CallCommand::Ring);
    far.sent.clear();
    far.say(&cancel(&first));
    far.next_status(200);
    far.next_status(487);
    assert_eq!(far.ended().by, EndedBy::FarEnd);
    let mut far = Far::new();
    far.say(&first);
    command(&mut far, CallCommand::Answer(media()));
    far.sent.clear();
    far.say(&cancel(&first));
    far.next_status(200);
    far.is_up();
    let mut far = Far::new();
    far.say(&cancel(&first));
    far.next_status(481);
}

#[test]
fn reliable_responses_wait_for_their_prack() {
    let mut far = Far::new();
    far.say(&invite("Require: 100rel\r\n", &sdp(6_000)));
    far.next_status(100);
    command(&mut far, CallCommand::Early(media()));
    command(&mut far, CallCommand::Answer(media()));
    let early = far.next_status(183);
    let rseq = early.number(&Name::RSeq).expect("RSeq");
    far.quiet();
    far.pass(seconds(1));
    assert_eq!(far.next_status(183), early);
    let wrong = within(&far, "PRACK", 8, &early, &format!("RAck: {} 7 INVITE\r\n", rseq + 1));
    far.say(&wrong);
    far.next_status(481);
    let prack = within(&far, "PRACK", 9, &early, &format!("RAck: {rseq} 7 INVITE\r\n"));
    far.say(&prack);
    far.next_status(200);
    assert!(far.next_status(200).body.is_empty(), "then the answer goes out, of which the description is known (RFC 6337, section 2.2)");
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_000));
    // One that never comes ends the call.
    let mut far = Far::new();
    far.say(&invite("Require: 100rel\r\n", &sdp(6_000)));
    command(&mut far, CallCommand::Ring);
    far.pass(seconds(40));
    assert_eq!(far.ended().sip_status, Some(504));
}

#[test]
fn the_same_call_by_two_ways_rings_once() {
    let mut far = Far::new();
    let first = invite("", &sdp(6_000));
    far.say(&first);
    far.sent.clear();
    let mut second = first.clone();
    second.set(Name::Via, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKtwo");
    far.say(&second);
    far.next_status(482);
    assert_eq!(far.incoming.len(), 1);
}

#[test]
fn what_is_no_call_is_answered_all_the_same() {
    let mut far = Far::new();
    let request = |method: &str, further: &str| parse(format!("{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{method}{}\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>{further}\r\nCall-ID: {method}\r\nCSeq: 1 {method}\r\n\r\n", further.len()).as_bytes()).expect("a request");
    far.say(&request("OPTIONS", ""));
    assert!(far.next_status(200).lists(&Name::Allow, "PRACK"));
    for (method, further, status) in [("BYE", ";tag=x", 481), ("NOTIFY", "", 481), ("REGISTER", "", 405), ("PUBLISH", "", 405), ("OPTIONS", ";tag=x", 481), ("INVITE", "\r\nRequire: 100rel, path", 420)] {
        far.say(&request(method, further));
        far.next_status(status);
    }
    let mut alien = invite("", "");
    alien.start = clarion_sip::message::Start::Request { method: Method::Invite, uri: "mailto:a@b".into() };
    far.say(&alien);
    far.next_status(416);
    let mut odd = invite("", "");
    odd.set(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKodd");
    odd.set_body("text/plain", b"hello".to_vec());
    far.say(&odd);
    far.next_status(415);
    // What cannot be worked with is refused, an ACK never.
    for (broken, answered) in [("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nFrom: <sip:a@h>\r\n\r\n", true), ("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nCall-ID: x\r\nCSeq: 1 BYE\r\nFrom: <sip:a@h>\r\nTo: <sip:a@h>\r\n\r\n", true), ("ACK sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\r\n", false), ("nonsense", false)] {
        far.agent.receive(far.now, broken.as_bytes(), clarion_sip::wire::Source { transport: clarion_sip::hop::Transport::Udp, address: ([192, 0, 2, 1], 5060).into(), stream: None });
        far.collect();
        if answered {
            far.next_status(400);
        }
        far.quiet();
    }
}

const RELIABLE: &str = "Require: 100rel\r\n";

fn prack(far: &Far, number: u32, early: &Message, body: Option<String>) -> Message {
    let mut prack = within(far, "PRACK", number, early, &format!("RAck: {} 7 INVITE\r\n", early.number(&Name::RSeq).expect("RSeq")));
    if let Some(body) = body {
        prack.set_body("application/sdp", body.into_bytes());
    }
    prack
}

#[test]
fn without_an_offer_ours_goes_out_reliably_and_its_answer_comes_in_the_prack() {
    let mut far = Far::new();
    far.say(&invite(RELIABLE, ""));
    far.next_status(100);
    // Ringing would have to hold an offer, and nobody has said yet where our audio is.
    command(&mut far, CallCommand::Ring);
    far.quiet();
    command(&mut far, CallCommand::Early(media()));
    let early = far.next_status(183);
    assert!(String::from_utf8_lossy(&early.body).contains("m=audio 40000 "), "our offer");
    assert!(far.events.is_empty(), "nothing is agreed on");
    // An UPDATE with an offer is too early while ours has no answer.
    let mut update = within(&far, "UPDATE", 8, &early, "");
    update.set_body("application/sdp", sdp(6_500).into_bytes());
    far.say(&update);
    far.next_status(491);
    let answered = prack(&far, 9, &early, Some(sdp(6_100)));
    far.say(&answered);
    assert!(far.next_status(200).body.is_empty());
    assert!(matches!(far.events.pop_back(), Some(CallEvent::EarlyMedia(media)) if media.remote.port() == 6_100));
    // Now it may ring, and the answer says nothing of audio any more.
    command(&mut far, CallCommand::Ring);
    let ringing = far.next_status(180);
    assert!(ringing.body.is_empty());
    let acknowledged = prack(&far, 10, &ringing, None);
    far.say(&acknowledged);
    far.next_status(200);
    command(&mut far, CallCommand::Answer(media()));
    let ok = far.next_status(200);
    assert!(ok.body.is_empty());
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_100));
    let ack = within(&far, "ACK", 7, &ok, "");
    far.say(&ack);
    far.is_up();
}

#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    let mut far = Far::new();
    far.say(&invite(RELIABLE, ""));
    far.next_status(100);
    command(&mut far, CallCommand::Early(media()));
    let early = far.next_status(183);
    let empty = prack(&far, 8, &early, None);
    far.say(&empty);
    far.next_status(200);
    far.next_status(488);
    assert_eq!(far.ended().by, EndedBy::Us);
}

#[test]
fn a_prack_with_a_new_offer_is_answered_and_one_before_our_answer_is_not() {
    let mut far = Far::new();
    far.say(&invite(RELIABLE, &sdp(6_000)));
    far.next_status(100);
    command(&mut far, CallCommand::Ring);
    let ringing = far.next_status(180);
    let early = prack(&far, 8, &ringing, Some(sdp(6_050)));
    far.say(&early);
    assert!(far.next_status(500).get(&Name::RetryAfter).is_some(), "theirs has no answer yet");
    command(&mut far, CallCommand::Early(media()));
    let progress = far.next_status(183);
    assert!(!progress.body.is_empty());
    far.events.clear();
    let moved = prack(&far, 9, &progress, Some(sdp(6_100)));
    far.say(&moved);
    assert!(String::from_utf8_lossy(&far.next_status(200).body).contains("m=audio 40000 "), "our answer to it");
    assert!(matches!(far.events.back(), Some(CallEvent::EarlyMedia(media)) if media.remote.port() == 6_100));
    // One that cannot be met is refused, and things stay as they are.
    command(&mut far, CallCommand::Ring);
    let again = far.next_status(180);
    let odd = prack(&far, 10, &again, Some("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 7000 RTP/AVP 9\r\n".into()));
    far.say(&odd);
    far.next_status(488);
    command(&mut far, CallCommand::Answer(media()));
    far.next_status(200);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_100));
}
