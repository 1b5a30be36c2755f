//! Requests that go to a name: of its servers the next is asked where one is dead or unavailable (RFC 3263, section 4.3), within a call and for the
//! targets of a redirect.

use clarion_sip::call::{CallEvent, Redirects};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::hop::Destination;
use clarion_sip::message::{Message, Method, Name};
use clarion_sip::negotiated::Direction;
use clarion_sip::trunk::{Found, TrunkConfig};
use clarion_sip::user_agent::CallCommand;

use crate::far::{Far, sdp, seconds, server};

const ROUTED: &str = "Record-Route: <sip:proxy.example;lr>";

fn found(servers: &[u8]) -> Vec<Found> {
    servers.iter().zip(0..).map(|(last, priority)| Found { hop: server(*last), priority, weight: 0 }).collect()
}

/// What was sent to a name last is looked up: which of these servers has it now.
#[track_caller]
fn looked_up(far: &mut Far, servers: &[u8]) -> (Message, Destination) {
    let (message, to) = far.sent.pop_front().expect("a message is sent");
    let Destination::Name { host, turn, .. } = &to else { panic!("to a name: {to:?}") };
    assert_eq!(host, "proxy.example");
    let client = (message.method() != Some(&Method::Ack)).then_some(far.last.expect("a request"));
    far.agent.servers_found(far.now, client, *turn, message.write(), found(servers));
    far.collect();
    far.sent.pop_front().expect("it goes on")
}

#[track_caller]
fn next_to(far: &mut Far, method: &Method, last: u8) -> Message {
    let (message, to) = far.sent.pop_front().expect("a message is sent");
    assert_eq!((message.method(), &to), (Some(method), &Destination::Hop(server(last))));
    message
}

/// A call that was answered through a proxy by its name, whose ACK went to the first of two servers.
fn up() -> (Far, Message) {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE", ROUTED], Some(sdp(6_000)));
    let (ack, to) = looked_up(&mut far, &[7, 8]);
    assert_eq!((ack.method(), to), (Some(&Method::Ack), Destination::Hop(server(7))));
    far.events.clear();
    (far, invite)
}

fn held() -> CallCommand {
    CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendOnly) }
}

#[test]
fn a_change_goes_to_the_next_server_when_the_first_is_silent_and_later_requests_begin_there() {
    let (mut far, _) = up();
    far.command(held());
    let (first, to) = looked_up(&mut far, &[7, 8]);
    assert_eq!(to, Destination::Hop(server(7)));
    far.pass(seconds(5));
    far.sent.retain(|(_, to)| *to != Destination::Hop(server(7)));
    let second = next_to(&mut far, &Method::Invite, 8);
    assert_eq!((second.get(&Name::CSeq), &second.body), (first.get(&Name::CSeq), &first.body), "the same request");
    assert_ne!(second.via().expect("a Via").branch(), first.via().expect("a Via").branch(), "in a transaction of its own");
    far.sent.clear();
    far.answer(&second, 200, "b", &["Contact: <sip:far@192.0.2.1>"], Some(format!("{}a=recvonly\r\n", sdp(6_000))));
    // Its silence is remembered: nothing waits for it again.
    assert_eq!(looked_up(&mut far, &[7, 8]).1, Destination::Hop(server(8)), "the ACK");
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaChanged(media)) if media.direction == Direction::SendOnly));
    far.command(CallCommand::HangUp(HangUp::default()));
    let (bye, to) = looked_up(&mut far, &[7, 8]);
    assert_eq!((bye.method(), to), (Some(&Method::Bye), Destination::Hop(server(8))));
    far.answer(&bye, 200, "b", &[], None);
    assert_eq!(far.ended().by, EndedBy::Us);
    far.forgets();
}

#[test]
fn unavailable_and_undeliverable_go_on_at_once_and_the_last_word_is_the_calls() {
    let (mut far, _) = up();
    far.command(held());
    let (first, _) = looked_up(&mut far, &[7, 8, 9]);
    far.answer(&first, 503, "b", &[], None);
    far.sent.pop_front().expect("the ACK of the failure");
    next_to(&mut far, &Method::Invite, 8);
    far.undelivered();
    let third = next_to(&mut far, &Method::Invite, 9);
    far.answer(&third, 488, "b", &[], None);
    far.sent.pop_front().expect("the ACK of the failure");
    far.quiet();
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaRefused { status: 488 })));
    far.is_up();
}

#[test]
fn a_call_none_of_whose_servers_answers_a_change_has_ended() {
    let (mut far, _) = up();
    far.command(held());
    looked_up(&mut far, &[7, 8]);
    far.pass(seconds(40));
    assert_eq!(far.ended().by, EndedBy::Timeout);
    // The BYE that says so tries both as well, and is over some day.
    far.sent.retain(|(message, _)| message.method() == Some(&Method::Bye));
    assert!(!far.sent.is_empty());
    looked_up(&mut far, &[7, 8]);
    far.forgets();
}

#[test]
fn a_bye_reaches_the_far_end_by_another_server() {
    let (mut far, _) = up();
    far.command(CallCommand::HangUp(HangUp::default()));
    looked_up(&mut far, &[7, 8]);
    far.undelivered();
    let bye = next_to(&mut far, &Method::Bye, 8);
    far.answer(&bye, 200, "b", &[], None);
    assert_eq!(far.ended().by, EndedBy::Us);
    far.forgets();
}

#[test]
fn an_ack_that_its_server_does_not_take_on_goes_to_the_next_when_the_answer_comes_again() {
    let (mut far, invite) = up();
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>", ROUTED], Some(sdp(6_000)));
    assert_eq!(looked_up(&mut far, &[7, 8]).1, Destination::Hop(server(8)));
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>", ROUTED], Some(sdp(6_000)));
    assert_eq!(looked_up(&mut far, &[7, 8]).1, Destination::Hop(server(7)));
}

#[test]
fn an_answer_of_the_server_that_was_given_up_is_taken_all_the_same() {
    let (mut far, _) = up();
    far.command(held());
    let (first, _) = looked_up(&mut far, &[7, 8]);
    far.pass(seconds(5));
    far.sent.retain(|(_, to)| *to != Destination::Hop(server(7)));
    let second = next_to(&mut far, &Method::Invite, 8);
    far.sent.clear();
    far.answer(&first, 200, "b", &["Contact: <sip:far@192.0.2.1>"], Some(format!("{}a=recvonly\r\n", sdp(6_000))));
    assert_eq!(looked_up(&mut far, &[7, 8]).0.get(&Name::CSeq), Some("2 ACK"));
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaChanged(_))));
    // What the other makes of a request that it has answered already changes nothing.
    far.answer(&second, 500, "b", &[], None);
    far.is_up();
}

#[test]
fn nothing_is_sent_again_to_a_name_that_is_still_being_looked_up() {
    let (mut far, _) = up();
    far.command(held());
    let waiting = far.sent.pop_front().expect("an INVITE");
    far.pass(seconds(2));
    far.quiet();
    far.sent.push_back(waiting);
    looked_up(&mut far, &[]);
    assert_eq!(far.ended().by, EndedBy::Timeout, "a name without an address");
}

#[test]
fn the_targets_of_a_redirect_are_names_of_several_servers_and_a_dead_target_is_passed_over() {
    let redirects = |config: &mut TrunkConfig| config.redirects = Redirects::Follow { targets_max: 3 };
    let (mut far, invite) = Far::called(redirects, &[1]);
    far.answer(&invite, 302, "b", &["Contact: <sip:a@proxy.example>;q=0.9, <sip:b@192.0.2.5>;q=0.5"], None);
    far.next(&Method::Ack);
    looked_up(&mut far, &[7, 8]);
    far.undelivered();
    let second = next_to(&mut far, &Method::Invite, 8);
    assert!(second.write().starts_with(b"INVITE sip:a@proxy.example "));
    far.answer(&second, 503, "b", &[], None);
    far.next(&Method::Ack);
    let third = next_to(&mut far, &Method::Invite, 5);
    assert!(third.write().starts_with(b"INVITE sip:b@192.0.2.5 "));
    far.pick_up(&third, "b", &[]);
    far.is_up();
}
