//! While a call is up: hold, re-INVITE and UPDATE from either side, glare, session timers, transfer, keys.

use clarion_sip::call::{CallEvent, ReferProgress};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::message::{Message, Method, Name};
use clarion_sip::negotiated::{Direction, LocalMedia};
use clarion_sip::user_agent::CallCommand;

use crate::far::{Far, media, sdp, seconds};

fn up(further: &[&str]) -> (Far, Message) {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.pick_up(&invite, "b", further);
    far.events.clear();
    (far, invite)
}

fn held() -> CallCommand {
    CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendOnly) }
}

fn direction(message: &Message) -> String {
    let text = String::from_utf8_lossy(&message.body).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("a=")).find(|line| ["sendrecv", "sendonly", "recvonly", "inactive"].contains(line)).expect("a direction").to_owned()
}

#[test]
fn hold_and_resume() {
    let (mut far, _) = up(&[]);
    far.command(held());
    let hold = far.next(&Method::Invite);
    assert_eq!((direction(&hold).as_str(), hold.get(&Name::CSeq)), ("sendonly", Some("2 INVITE")));
    far.answer(&hold, 200, "b", &["Contact: <sip:moved@192.0.2.1>"], Some(format!("{}a=recvonly\r\n", sdp(6_000))));
    let ack = far.next(&Method::Ack);
    assert_eq!(ack.get(&Name::CSeq), Some("2 ACK"));
    assert!(ack.write().starts_with(b"ACK sip:moved@192.0.2.1 "), "the new Contact is used");
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaChanged(media)) if media.direction == Direction::SendOnly));
    far.command(CallCommand::ChangeMedia { local: Some(LocalMedia { address: ([127, 0, 0, 1], 41_000).into(), ..media() }), direction: Some(Direction::SendReceive) });
    let resume = far.next(&Method::Invite);
    assert_eq!(direction(&resume), "sendrecv");
    assert!(String::from_utf8_lossy(&resume.body).contains("m=audio 41000 "));
    // The version of the description counts up with each change (RFC 3264, section 8).
    let version = |message: &Message| String::from_utf8_lossy(&message.body).lines().find_map(|line| line.strip_prefix("o=- ").and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok())).expect("a version");
    assert_eq!(version(&resume), version(&hold) + 1);
}

#[test]
fn changes_wait_for_each_other_and_a_refusal_leaves_things_as_they_were() {
    let (mut far, _) = up(&[]);
    far.command(held());
    let hold = far.next(&Method::Invite);
    far.command(CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendReceive) });
    far.quiet();
    far.answer(&hold, 488, "b", &[], None);
    far.next(&Method::Ack);
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaRefused { status: 488 })));
    let resume = far.next(&Method::Invite);
    assert_eq!(direction(&resume), "sendrecv");
    far.is_up();
}

#[test]
fn theirs_and_ours_at_once() {
    let (mut far, invite) = up(&[]);
    far.command(held());
    let ours = far.next(&Method::Invite);
    let theirs = far.ask(&invite, Method::Invite, "b", &[], Some(sdp(7_000)));
    far.next_status(491);
    far.acknowledge(&theirs, true, None);
    far.answer(&ours, 491, "b", &[], None);
    far.next(&Method::Ack);
    // The owner of the Call-ID waits between 2.1 and 4 seconds, and theirs goes first.
    far.pass(seconds(1));
    let again = far.ask(&invite, Method::Invite, "b", &[], Some(sdp(7_000)));
    far.next_status(200);
    far.acknowledge(&again, false, None);
    far.pass(seconds(1));
    far.quiet();
    far.pass(seconds(2));
    assert_eq!(direction(&far.next(&Method::Invite)), "sendonly");
}

#[test]
fn their_reinvite_is_answered_and_repeated_until_its_ack() {
    let (mut far, invite) = up(&[]);
    let theirs = far.ask(&invite, Method::Invite, "b", &[], Some(format!("{}a=sendonly\r\n", sdp(7_000))));
    let ok = far.next_status(200);
    assert_eq!(direction(&ok), "recvonly");
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaChanged(media)) if media.direction == Direction::ReceiveOnly && media.remote.port() == 7_000));
    far.pass(seconds(1));
    assert_eq!(far.next_status(200), ok);
    // Another before the ACK is too early.
    let early = far.ask(&invite, Method::Invite, "b", &[], Some(sdp(7_002)));
    far.next_status(491);
    far.acknowledge(&early, true, None);
    far.acknowledge(&theirs, false, None);
    far.sent.clear();
    far.pass(seconds(40));
    far.quiet();
    far.is_up();
    // A description that cannot be met leaves the call as it is.
    far.ask(&invite, Method::Invite, "b", &[], Some("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 7000 RTP/AVP 9\r\n".into()));
    far.next_status(488);
    far.is_up();
}

#[test]
fn a_reinvite_without_an_offer_gets_ours_and_its_answer_comes_with_the_ack() {
    let (mut far, invite) = up(&[]);
    let theirs = far.ask(&invite, Method::Invite, "b", &[], None);
    let ok = far.next_status(200);
    assert_eq!(direction(&ok), "sendrecv");
    far.acknowledge(&theirs, false, Some(sdp(7_777)));
    assert!(matches!(far.events.pop_front(), Some(CallEvent::MediaChanged(media)) if media.remote.port() == 7_777));
}

#[test]
fn an_answer_to_their_reinvite_that_is_never_acknowledged_ends_the_call() {
    let (mut far, invite) = up(&[]);
    far.ask(&invite, Method::Invite, "b", &[], Some(sdp(7_000)));
    far.pass(seconds(40));
    far.sent.retain(|(message, _)| message.method() == Some(&Method::Bye));
    far.next(&Method::Bye);
    assert_eq!(far.ended().by, EndedBy::Timeout);
}

#[test]
fn update_within_an_early_dialog_is_answered() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 183, "b", &["Contact: <sip:far@192.0.2.1>", "Require: 100rel", "RSeq: 1"], Some(sdp(6_000)));
    let prack = far.next(&Method::Prack);
    far.answer(&prack, 200, "b", &[], None);
    far.ask(&invite, Method::Update, "b", &[], Some(sdp(6_500)));
    let ok = far.next_status(200);
    assert!(!ok.body.is_empty());
    assert!(matches!(far.events.back(), Some(CallEvent::EarlyMedia(media)) if media.remote.port() == 6_500));
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>"], Some(sdp(6_500)));
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { .. })));
}

#[test]
fn requests_out_of_order_and_of_other_kinds() {
    let (mut far, invite) = up(&[]);
    let options = far.ask(&invite, Method::Options, "b", &[], None);
    far.next_status(200);
    let mut late = options.clone();
    late.set(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKlate");
    far.say(&late);
    far.next_status(500);
    far.ask(&invite, Method::Other("PUBLISH".into()), "b", &[], None);
    assert!(far.next_status(405).get(&Name::Allow).is_some());
    far.ask(&invite, Method::Notify, "b", &["Event: refer"], None);
    far.next_status(481);
    far.is_up();
}

#[test]
fn we_refresh_the_session_by_update_at_half_its_time() {
    let (mut far, _) = up(&["Session-Expires: 200;refresher=uac"]);
    far.pass(seconds(99));
    far.quiet();
    far.pass(seconds(2));
    let update = far.next(&Method::Update);
    assert_eq!((update.get(&Name::SessionExpires), update.body.len()), (Some("200;refresher=uac"), 0));
    far.answer(&update, 200, "b", &["Session-Expires: 200;refresher=uac"], None);
    far.pass(seconds(101));
    // This one is lost for good: the far end is gone.
    far.next(&Method::Update);
    far.pass(seconds(33));
    far.sent.retain(|(message, _)| message.method() == Some(&Method::Bye));
    far.next(&Method::Bye);
    assert_eq!(far.ended().by, EndedBy::Timeout);
}

#[test]
fn where_update_is_not_allowed_a_reinvite_refreshes() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.answer(&invite, 200, "b", &["Contact: <sip:far@192.0.2.1>", "Session-Expires: 200;refresher=uac"], Some(sdp(6_000)));
    far.next(&Method::Ack);
    far.events.clear();
    far.pass(seconds(101));
    let refresh = far.next(&Method::Invite);
    far.sent.clear();
    assert_eq!(refresh.body, invite.body, "the same description, under the same version");
    far.answer(&refresh, 200, "b", &["Session-Expires: 200;refresher=uac"], Some(sdp(6_000)));
    far.next(&Method::Ack);
    assert!(far.events.is_empty(), "nothing has changed: {:?}", far.events);
}

#[test]
fn a_far_end_that_stops_refreshing_is_hung_up_on() {
    let (mut far, invite) = up(&["Session-Expires: 180;refresher=uas"]);
    far.pass(seconds(80));
    far.ask(&invite, Method::Update, "b", &["Session-Expires: 180;refresher=uac", "Supported: timer"], None);
    assert_eq!(far.next_status(200).get(&Name::SessionExpires), Some("180;refresher=uac"));
    far.pass(seconds(147));
    far.is_up();
    far.pass(seconds(2));
    assert_eq!(far.next(&Method::Bye).get(&Name::Reason).map(|reason| reason.contains("session timer")), Some(true));
    assert_eq!(far.ended().by, EndedBy::Timeout);
}

#[test]
fn a_session_interval_below_ours_is_refused() {
    let (mut far, invite) = up(&[]);
    far.ask(&invite, Method::Update, "b", &["Session-Expires: 30", "Supported: timer"], None);
    assert_eq!(far.next_status(422).get(&Name::MinSe), Some("90"));
    far.is_up();
}

#[test]
fn a_far_end_that_has_forgotten_the_call_ends_it() {
    let (mut far, _) = up(&["Session-Expires: 200;refresher=uac"]);
    far.pass(seconds(101));
    let update = far.next(&Method::Update);
    far.sent.clear();
    far.answer(&update, 481, "b", &[], None);
    far.next(&Method::Bye);
    assert_eq!((far.ended().by, far.ended().sip_status), (EndedBy::FarEnd, Some(481)));
}

#[test]
fn a_transfer_and_how_it_goes() {
    let (mut far, invite) = up(&[]);
    far.command(CallCommand::Refer("sip:02079460001@agents.example".into()));
    let refer = far.next(&Method::Refer);
    assert_eq!(refer.get(&Name::ReferTo), Some("<sip:02079460001@agents.example>"));
    far.answer(&refer, 202, "b", &[], None);
    for (status, state) in [("100 Trying", "active;expires=60"), ("180 Ringing", "active"), ("200 OK", "terminated;reason=noresource")] {
        let state = format!("Subscription-State: {state}");
        let mut notify = Message::request(Method::Notify, "sip:clarion@127.0.0.1".into());
        notify.set_body("message/sipfrag", format!("SIP/2.0 {status}\r\n").into_bytes());
        far.ask_with(&invite, notify, "b", &["Event: refer;id=2", &state]);
        far.next_status(200);
    }
    let progress: Vec<_> = far.events.iter().filter_map(|event| match event {
        CallEvent::Refer(progress) => Some(*progress),
        _ => None,
    }).collect();
    assert_eq!(progress, [ReferProgress::Accepted, ReferProgress::Trying(100), ReferProgress::Trying(180), ReferProgress::Done(200)]);
    far.command(CallCommand::HangUp(HangUp::default()));
    far.next(&Method::Bye);
    let (mut far, _) = up(&[]);
    far.command(CallCommand::Refer("sip:02079460001@agents.example".into()));
    let refer = far.next(&Method::Refer);
    far.answer(&refer, 603, "b", &[], None);
    assert!(matches!(far.events.back(), Some(CallEvent::Refer(ReferProgress::Refused(603)))));
}

#[test]
fn a_number_is_transferred_to_at_the_carriers_own_domain() {
    let (mut far, _) = up(&[]);
    far.command(CallCommand::Refer("+442079460001".into()));
    assert_eq!(far.next(&Method::Refer).get(&Name::ReferTo), Some("<sip:+442079460001@carrier.example>"));
}

#[test]
fn we_are_asked_to_transfer() {
    let (mut far, invite) = up(&[]);
    far.ask(&invite, Method::Refer, "b", &["Refer-To: <sip:02079460001@agents.example>"], None);
    far.quiet();
    assert!(matches!(far.events.back(), Some(CallEvent::TransferWanted { target }) if target == "sip:02079460001@agents.example"));
    far.command(CallCommand::AnswerTransfer { accept: true });
    far.next_status(202);
    let notify = far.next(&Method::Notify);
    assert_eq!(notify.body, b"SIP/2.0 100 Trying\r\n");
    far.command(CallCommand::NotifyTransfer { status: 200 });
    assert!(far.next(&Method::Notify).get(&Name::SubscriptionState).expect("a state").starts_with("terminated"));
    far.ask(&invite, Method::Refer, "b", &["Refer-To: <sip:02079460001@agents.example>"], None);
    far.command(CallCommand::AnswerTransfer { accept: false });
    far.next_status(603);
    far.ask(&invite, Method::Refer, "b", &[], None);
    far.next_status(400);
}

#[test]
fn keys_come_by_info() {
    let (mut far, invite) = up(&[]);
    for (kind, body) in [("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"), ("application/dtmf-relay", "Signal= *\r\n"), ("application/dtmf", "11"), ("application/dtmf-relay", "nothing"), ("text/plain", "7")] {
        let mut info = Message::request(Method::Info, "sip:clarion@127.0.0.1".into());
        info.set_body(kind, body.as_bytes().to_vec());
        far.ask_with(&invite, info, "b", &[]);
        far.next_status(200);
    }
    let keys: Vec<_> = far.events.drain(..).collect();
    assert_eq!(keys, [CallEvent::Key('5'), CallEvent::Key('*'), CallEvent::Key('#')]);
}

/// A call that rings, with a reliable answer to our offer and a change of ours that waits.
fn ringing(far: &mut Far, invite: &Message, rseq: u32) {
    far.answer(invite, 183, "b", &["Require: 100rel", &format!("RSeq: {rseq}"), "Contact: <sip:b@192.0.2.1>", "Allow: UPDATE, PRACK"], Some(sdp(6_000)));
}

#[test]
fn a_change_that_waits_while_it_rings_goes_with_the_prack_and_its_answer_holds() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.command(held());
    far.quiet();
    ringing(&mut far, &invite, 1);
    let prack = far.next(&Method::Prack);
    assert_eq!(direction(&prack), "sendonly", "an offer in the PRACK (RFC 3262, section 5)");
    // Theirs meets ours.
    far.ask(&invite, Method::Update, "b", &[], Some(sdp(7_000)));
    far.next_status(491);
    far.answer(&prack, 200, "b", &[], Some(format!("{}a=recvonly\r\n", sdp(6_200))));
    assert!(matches!(far.events.back(), Some(CallEvent::EarlyMedia(media)) if media.direction == Direction::SendOnly && media.remote.port() == 6_200));
    // The first answer again, as many write it: it holds no more.
    far.answer(&invite, 200, "b", &["Contact: <sip:b@192.0.2.1>"], Some(sdp(6_000)));
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.direction == Direction::SendOnly && media.remote.port() == 6_200));
    far.is_up();
}

#[test]
fn a_change_in_a_prack_that_is_refused_leaves_things_as_they_were() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.command(held());
    ringing(&mut far, &invite, 1);
    let prack = far.next(&Method::Prack);
    far.answer(&prack, 488, "b", &[], None);
    assert!(matches!(far.events.back(), Some(CallEvent::MediaRefused { status: 488 })));
    far.answer(&invite, 200, "b", &["Contact: <sip:b@192.0.2.1>"], None);
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.direction == Direction::SendReceive && media.remote.port() == 6_000));
    // Nothing waits any more: a change now is an INVITE.
    far.command(held());
    assert_eq!(direction(&far.next(&Method::Invite)), "sendonly");
}

#[test]
fn a_branch_that_lost_moves_no_audio_any_more() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    far.command(held());
    ringing(&mut far, &invite, 1);
    let prack = far.next(&Method::Prack);
    assert_eq!(direction(&prack), "sendonly");
    // Another branch answers before the first has answered our PRACK, and then that comes.
    far.answer(&invite, 200, "c", &["Contact: <sip:c@192.0.2.2>"], Some(sdp(6_400)));
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_400));
    far.answer(&prack, 200, "b", &[], Some(format!("{}a=recvonly\r\n", sdp(6_200))));
    let moved: Vec<_> = far.events.iter().skip_while(|event| !matches!(event, CallEvent::Answered { .. })).filter(|event| matches!(event, CallEvent::MediaChanged(_))).collect();
    assert!(moved.is_empty(), "{moved:?}");
}

#[test]
fn what_an_update_changed_while_it_rang_holds_when_the_answer_says_nothing_of_it() {
    let (mut far, invite) = Far::called(|_| {}, &[1]);
    ringing(&mut far, &invite, 1);
    let prack = far.next(&Method::Prack);
    assert!(prack.body.is_empty());
    far.answer(&prack, 200, "b", &[], None);
    far.ask(&invite, Method::Update, "b", &[], Some(sdp(6_300)));
    far.next_status(200);
    far.answer(&invite, 200, "b", &["Contact: <sip:b@192.0.2.1>"], None);
    far.next(&Method::Ack);
    assert!(matches!(far.events.back(), Some(CallEvent::Answered { media, .. }) if media.remote.port() == 6_300));
}
