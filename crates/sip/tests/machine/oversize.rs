//! Requests that are too large for a datagram: by a stream, and as datagrams after all.

use clarion_sip::call::CallKey;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::hop::{Destination, Hop, Transport};
use clarion_sip::message::{Message, Method, Name};
use clarion_sip::user_agent::CallCommand;

use crate::far::{CALL, Far, seconds, server};

/// A call whose INVITE is so many bytes longer than it need be.
fn padded(bytes: usize) -> DialRequest {
    let headers = (0..bytes.div_ceil(1_000)).map(|place| (format!("X-Pad-{place}"), "x".repeat((bytes - place * 1_000).min(1_000)))).collect();
    DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), headers, ..DialRequest::default() }
}

fn by_stream(last: u8) -> Destination {
    Destination::Hop(Hop { transport: Transport::Tcp, ..server(last) })
}

fn as_datagram(last: u8) -> Destination {
    Destination::Hop(server(last))
}

fn large(servers: &[u8]) -> Far {
    let mut far = Far::new();
    far.trunk(|_| {}, servers);
    far.dial_as(CALL, padded(1_500));
    far
}

#[track_caller]
fn sent(far: &mut Far, method: &Method, to: Destination, transport: &str) -> Message {
    let (message, place) = far.sent.pop_front().expect("a message is sent");
    assert_eq!((message.method(), place), (Some(method), to));
    assert_eq!(message.via().expect("a Via").transport, transport);
    message
}

#[test]
fn a_large_invite_takes_a_stream_and_what_is_small_does_not() {
    let mut far = large(&[1]);
    let invite = sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    // We are called back as the trunk does it.
    assert_eq!(invite.get(&Name::Contact), Some("<sip:clarion@127.0.0.1:5060>"));
    far.pass(seconds(3));
    far.quiet();
    far.answer(&invite, 180, "b", &[], None);
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>"], Some(crate::far::sdp(6_000)));
    sent(&mut far, &Method::Ack, as_datagram(1), "UDP");
    far.command(CallCommand::HangUp(HangUp::default()));
    let bye = sent(&mut far, &Method::Bye, as_datagram(1), "UDP");
    far.answer(&bye, 200, "b", &[], None);
    assert_eq!(far.ended().by, EndedBy::Us);
    far.forgets();
}

#[test]
fn the_limit_is_1300_bytes() {
    // By the same chance each time, so that all else is as long.
    let invite = |padding: usize| {
        let mut far = Far::new();
        far.trunk(|_| {}, &[1]);
        far.dial_as(CALL, padded(padding));
        far.sent.pop_front().expect("an INVITE")
    };
    let bare = invite(1).0.write().len() - 1;
    for (bytes, to) in [(1_300, as_datagram(1)), (1_301, by_stream(1))] {
        let (message, place) = invite(bytes - bare);
        assert_eq!((message.write().len(), place), (bytes, to));
    }
}

#[test]
fn cancel_and_the_ack_of_a_failure_go_the_way_of_their_invite() {
    let mut far = large(&[1]);
    let invite = sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    far.answer(&invite, 180, "b", &[], None);
    far.command(CallCommand::HangUp(HangUp::default()));
    let cancel = sent(&mut far, &Method::Cancel, by_stream(1), "TCP");
    assert_eq!(cancel.get(&Name::Via), invite.get(&Name::Via));
    far.answer(&cancel, 200, "b", &[], None);
    far.answer(&invite, 487, "b", &[], None);
    sent(&mut far, &Method::Ack, by_stream(1), "TCP");
    assert_eq!(far.ended().sip_status, Some(487));
    far.forgets();
}

#[test]
fn where_no_stream_is_taken_it_goes_as_a_datagram_and_so_does_the_next() {
    let mut far = large(&[1]);
    let first = sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    far.undelivered();
    let second = sent(&mut far, &Method::Invite, as_datagram(1), "UDP");
    // The same request by another way: whoever had both would take them for one.
    assert_eq!((second.get(&Name::CSeq), second.call_id()), (first.get(&Name::CSeq), first.call_id()));
    assert_eq!(second.via().expect("a Via").branch(), first.via().expect("a Via").branch());
    far.is_up();
    far.pass(seconds(1));
    sent(&mut far, &Method::Invite, as_datagram(1), "UDP");
    far.answer(&second, 180, "b", &[], None);
    far.command(CallCommand::HangUp(HangUp::default()));
    let cancel = sent(&mut far, &Method::Cancel, as_datagram(1), "UDP");
    far.answer(&cancel, 200, "b", &[], None);
    far.answer(&second, 487, "b", &[], None);
    sent(&mut far, &Method::Ack, as_datagram(1), "UDP");
    far.dial_as(CallKey(4), padded(1_500));
    let known = sent(&mut far, &Method::Invite, as_datagram(1), "UDP");
    far.answer(&known, 486, "b", &[], None);
    sent(&mut far, &Method::Ack, as_datagram(1), "UDP");
    far.pass(seconds(601));
    // It may have learned.
    far.dial_as(CallKey(6), padded(1_500));
    let again = sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    far.answer(&again, 486, "b", &[], None);
    sent(&mut far, &Method::Ack, by_stream(1), "TCP");
    far.forgets();
}

#[test]
fn a_server_that_takes_neither_is_left_for_the_next() {
    let mut far = large(&[1, 2]);
    sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    far.undelivered();
    sent(&mut far, &Method::Invite, as_datagram(1), "UDP");
    far.pass(seconds(5));
    let next = far.sent.pop_back().expect("the next server");
    assert_eq!(next.1, by_stream(2));
    assert!(far.sent.iter().all(|(_, to)| *to == as_datagram(1)), "until then it was repeated");
    far.sent.clear();
    far.undelivered();
    sent(&mut far, &Method::Invite, as_datagram(2), "UDP");
    far.undelivered();
    assert_eq!(far.ended().by, EndedBy::Unreachable);
    far.forgets();
}

#[test]
fn a_stream_that_nobody_answers_on_is_not_tried_again() {
    let mut far = large(&[1]);
    sent(&mut far, &Method::Invite, by_stream(1), "TCP");
    // The connection has its time before the silence is counted.
    far.pass(seconds(5));
    far.quiet();
    far.is_up();
    far.pass(seconds(2));
    assert_eq!(far.ended().by, EndedBy::Timeout);
    far.dial_as(CallKey(4), padded(1_500));
    let datagram = sent(&mut far, &Method::Invite, as_datagram(1), "UDP");
    far.answer(&datagram, 486, "b", &[], None);
    sent(&mut far, &Method::Ack, as_datagram(1), "UDP");
    far.forgets();
}

#[test]
fn a_large_request_within_the_call_takes_a_stream_too() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    let routes: Vec<String> = (0..14).map(|place| format!("<sip:proxy-{place}.{}.example;lr>", "x".repeat(80))).collect();
    let routes = format!("Record-Route: <sip:192.0.2.9;lr>, {}", routes.join(", "));
    // The first route is the last proxy's, and the way to it a name.
    let ack = far.pick_up(&invite, "b", &[&routes]);
    assert!(ack.write().len() > 1_300);
    assert_eq!(ack.via().expect("a Via").transport, "UDP", "nobody would hear that an ACK was lost");
    far.command(CallCommand::HangUp(HangUp::default()));
    let (bye, to) = far.sent.pop_front().expect("a BYE");
    assert_eq!(bye.via().expect("a Via").transport, "TCP");
    assert!(matches!(to, Destination::Name { transport: Transport::Tcp, .. }), "{to:?}");
    far.undelivered();
    let (bye, to) = far.sent.pop_front().expect("a BYE");
    assert!(matches!(to, Destination::Name { transport: Transport::Udp, .. }), "{to:?}");
    far.answer(&bye, 200, "b", &[], None);
    far.forgets();
}
