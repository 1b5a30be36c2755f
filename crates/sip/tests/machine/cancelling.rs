//! CANCEL in every race, and BYE of the far end in every state.

use std::time::Duration;

use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::message::{Method, Name};
use clarion_sip::dial::DialRequest;
use clarion_sip::user_agent::CallCommand;

use crate::far::{CALL, Far, seconds};

fn hang_up() -> CallCommand {
    CallCommand::HangUp(HangUp { q850: 16, text: "stopped".into() })
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.command(hang_up());
    far.quiet();
    far.is_up();
    far.answer(&invite, 100, "", &[], None);
    let cancel = far.next(&Method::Cancel);
    assert_eq!((cancel.get(&Name::Via), cancel.get(&Name::CSeq)), (invite.get(&Name::Via), Some("1 CANCEL")));
    assert_eq!(cancel.get(&Name::Reason), Some("Q.850;cause=16;text=\"stopped\""));
    far.answer(&cancel, 200, "b", &[], None);
    far.is_up();
    far.answer(&invite, 487, "b", &[], None);
    far.next(&Method::Ack);
    let end = far.ended();
    assert_eq!((end.by, end.sip_status, end.answered_at), (EndedBy::Us, Some(487), None));
    far.forgets();
}

#[test]
fn cancel_with_no_response_at_all_ends_with_the_invite() {
    let (mut far, _) = Far::called(|_| {}, &[1, 2]);
    far.command(hang_up());
    far.pass(seconds(4));
    // Another server is not tried for a call that nobody wants.
    assert!(far.sent.iter().all(|(message, _)| message.method() == Some(&Method::Invite) && message.get(&Name::CSeq) == Some("1 INVITE")));
    assert_eq!(far.ended().by, EndedBy::Us);
    far.forgets();
}

#[test]
fn an_answer_that_crosses_a_cancel_is_hung_up_on_and_told() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.command(hang_up());
    let cancel = far.next(&Method::Cancel);
    far.pick_up(&invite, "b", &[]);
    far.next(&Method::Bye);
    far.answer(&cancel, 481, "b", &[], None);
    let end = far.ended();
    assert_eq!(end.by, EndedBy::Us);
    assert!(end.answered_at.is_some(), "somebody had picked up");
    assert!(!far.events.iter().any(|event| matches!(event, CallEvent::Answered { .. })));
    far.forgets();
}

#[test]
fn an_answer_before_any_provisional_response_after_hanging_up() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.command(hang_up());
    far.pick_up(&invite, "b", &[]);
    far.next(&Method::Bye);
    assert!(far.ended().answered_at.is_some());
    far.forgets();
}

#[test]
fn no_final_response_after_cancel_ends_after_64_t1() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.command(hang_up());
    let cancel = far.next(&Method::Cancel);
    far.answer(&cancel, 200, "b", &[], None);
    far.pass(Duration::from_millis(31_900));
    far.is_up();
    far.pass(Duration::from_millis(200));
    assert_eq!(far.ended().by, EndedBy::Us);
    // Even then an answer is not left hanging.
    far.pick_up(&invite, "b", &[]);
    far.next(&Method::Bye);
}

#[test]
fn unavailable_after_it_was_given_up_asks_nobody_else() {
    let (mut far, invite) = Far::called(|_| {}, &[1, 2]);
    far.answer(&invite, 180, "b", &[], None);
    far.command(hang_up());
    let cancel = far.next(&Method::Cancel);
    far.answer(&cancel, 200, "b", &[], None);
    far.pass(Duration::from_secs(33));
    assert_eq!(far.ended().by, EndedBy::Us);
    far.answer(&invite, 503, "b", &["Retry-After: 5"], None);
    far.next(&Method::Ack);
    far.quiet();
    far.forgets();
}

#[test]
fn a_cancel_that_is_lost_is_repeated() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.command(hang_up());
    let cancel = far.next(&Method::Cancel);
    far.pass(Duration::from_millis(600));
    assert_eq!(far.next(&Method::Cancel), cancel);
}

#[test]
fn hanging_up_twice_says_it_once() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.command(hang_up());
    far.command(hang_up());
    far.next(&Method::Cancel);
    far.quiet();
    far.answer(&invite, 200, "b", &[], Some(crate::far::sdp(6_000)));
    far.next(&Method::Ack);
    far.next(&Method::Bye);
    far.command(hang_up());
    far.quiet();
    far.ended();
}

#[test]
fn whoever_picks_up_as_it_had_rung_for_long_enough_is_spoken_to() {
    for stopped in [false, true] {
        let mut far = Far::new();
        far.trunk(|_| {}, &[1]);
        far.dial_as(CALL, DialRequest { to: "01632960001".into(), ring_max: Some(Duration::from_secs(20)), ..DialRequest::default() });
        let invite = far.next(&Method::Invite);
        far.answer(&invite, 180, "b", &[], None);
        far.pass(Duration::from_secs(21));
        let cancel = far.next(&Method::Cancel);
        // It is repeated until it is answered.
        far.sent.clear();
        if stopped {
            far.command(hang_up());
        }
        far.pick_up(&invite, "b", &[]);
        far.answer(&cancel, 481, "b", &[], None);
        if stopped {
            far.next(&Method::Bye);
            assert_eq!(far.ended().by, EndedBy::Us);
            continue;
        }
        far.pass(Duration::from_secs(60));
        far.quiet();
        far.is_up();
        assert!(far.events.iter().any(|event| matches!(event, CallEvent::Answered { .. })), "{:?}", far.events);
        far.command(hang_up());
        far.next(&Method::Bye);
    }
}

#[test]
fn ringing_for_long_enough_is_cancelled_as_no_answer() {
    let mut far = Far::new();
    far.trunk(|_| {}, &[1]);
    far.dial_as(crate::far::CALL, clarion_sip::dial::DialRequest { to: "01632960001".into(), ring_max: Some(seconds(25)), ..Default::default() });
    let invite = far.next(&Method::Invite);
    far.answer(&invite, 180, "b", &[], None);
    far.pass(seconds(26));
    assert_eq!(far.next(&Method::Cancel).get(&Name::Reason), Some("Q.850;cause=19;text=\"No answer\""));
    far.answer(&invite, 487, "b", &[], None);
    let end = far.ended();
    assert_eq!((end.q850, end.ring_time()), (Some(19), Some(seconds(26))));
}

/// A call that may ring for 15 s, and is answered with this status after so many seconds; how many seconds after that it is cancelled.
fn cancelled_after(status: u16, late: u64) -> (Far, u64) {
    let mut far = Far::new();
    far.trunk(|_| {}, &[1]);
    far.dial_as(crate::far::CALL, clarion_sip::dial::DialRequest { to: "01632960001".into(), ring_max: Some(seconds(15)), ..Default::default() });
    let invite = far.next(&Method::Invite);
    far.answer(&invite, 100, "", &[], None);
    far.pass(seconds(late));
    far.answer(&invite, status, if status == 100 { "" } else { "b" }, &[], None);
    for waited in 1..60 {
        far.pass(seconds(1));
        if far.sent.iter().any(|(message, _)| message.method() == Some(&Method::Cancel)) {
            far.answer(&invite, 487, "b", &[], None);
            return (far, waited);
        }
    }
    panic!("it rings for ever");
}

#[test]
fn ringing_is_counted_from_where_it_began_and_a_183_rings() {
    for status in [180, 183] {
        let (mut far, waited) = cancelled_after(status, 4);
        assert_eq!((waited, far.ended().ring_time()), (15, Some(seconds(15))), "{status}: the law counts from the ringing (UK-10)");
        assert!(far.events.iter().any(|event| matches!(event, CallEvent::Ringing { .. })), "{status} is told");
    }
    let (mut far, waited) = cancelled_after(100, 4);
    assert_eq!((waited, far.ended().ring_time()), (11, None), "what never rings has its time from dialling");
}

#[test]
fn bye_of_the_far_end_in_every_state() {
    // Early.
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.ask(&invite, Method::Bye, "b", &[], None);
    far.next_status(200);
    far.next(&Method::Cancel);
    assert_eq!(far.ended().by, EndedBy::FarEnd);
    far.answer(&invite, 487, "b", &[], None);
    far.next(&Method::Ack);
    far.forgets();
    // Up.
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.pick_up(&invite, "b", &[]);
    let bye = far.ask(&invite, Method::Bye, "b", &["Reason: Q.850;cause=31"], None);
    far.next_status(200);
    let end = far.ended();
    assert_eq!((end.by, end.q850), (EndedBy::FarEnd, Some(31)));
    // Again, as the 200 was lost; and once more under another number.
    far.say(&bye);
    far.next_status(200);
    far.ask(&invite, Method::Bye, "b", &[], None);
    far.next_status(200);
    far.forgets();
    // Crossing with ours.
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.pick_up(&invite, "b", &[]);
    far.command(hang_up());
    let ours = far.next(&Method::Bye);
    far.ask(&invite, Method::Bye, "b", &[], None);
    far.next_status(200);
    far.answer(&ours, 481, "b", &[], None);
    assert_eq!(far.ended().by, EndedBy::Us);
    far.forgets();
    // Of another dialog than ours.
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.pick_up(&invite, "b", &[]);
    far.ask(&invite, Method::Bye, "stranger", &[], None);
    far.next_status(481);
    far.is_up();
}

#[test]
fn a_branch_that_ends_early_does_not_end_the_others() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 180, "b", &[], None);
    far.answer(&invite, 180, "c", &[], None);
    far.ask(&invite, Method::Bye, "b", &[], None);
    far.next_status(200);
    far.is_up();
    far.pick_up(&invite, "c", &[]);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { .. })));
}
