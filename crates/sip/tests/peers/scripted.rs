//! SIPp at the far end.

use std::time::{Duration, Instant};

use clarion_sip::auth::Credentials;
use clarion_sip::call::{CallEvent, Redirects, ReferProgress};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::hop::Transport;
use clarion_sip::negotiated::Direction;
use clarion_sip::trunk::{Condition, TrunkConfig, TrunkHost};

use crate::away::{answered, condition, dial, endpoint, ended, free_port, media, trunk, until};
use crate::script::{SDP, Script};

fn with_password(config: &mut TrunkConfig) {
    config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() });
}

fn hold(direction: &str) -> String {
    format!("{SDP}a={direction}\n")
}

#[tokio::test]
async fn a_challenge_with_a_list_of_protections_is_answered_to_sipps_satisfaction() {
    let challenge = "WWW-Authenticate: Digest realm=\"far.example\", nonce=\"abc\", qop=\"auth,auth-int\", opaque=\"x\", algorithm=MD5";
    let far = Script::default().invite().respond("401 Unauthorized", "a", &[challenge], "").recv("ACK").invite().verify().respond("200 OK", "b", &[], SDP).recv("ACK").hung_up_on().play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, with_password);
    let mut call = dial(&trunk);
    answered(&mut call).await;
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    far.ends_content().await;
}

#[tokio::test]
async fn of_two_challenges_sha_256_is_taken() {
    let challenges = ["WWW-Authenticate: Digest realm=\"far.example\", nonce=\"abc\", qop=\"auth,auth-int\", algorithm=SHA-256", "WWW-Authenticate: Digest realm=\"far.example\", nonce=\"abc\", qop=\"auth\", algorithm=MD5"];
    let far = Script::default().invite().respond("401 Unauthorized", "a", &challenges, "").recv("ACK").recv_with("INVITE", "algorithm=SHA-256, qop=auth, nc=00000001").reply("486 Busy Here", &[]).recv("ACK").play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, with_password);
    assert_eq!(ended(&mut dial(&trunk)).await.sip_status, Some(486));
    far.ends_content().await;
}

#[tokio::test]
async fn a_redirect_is_followed_to_another_server() {
    let second = Script::default().invite().respond("200 OK", "b", &[], SDP).recv("ACK").hung_up_on().play(1, &[]).await;
    let contact = format!("Contact: <sip:other@127.0.0.1:{}>", second.port);
    let first = Script::default().invite().reply("302 Moved Temporarily", &[&contact]).recv("ACK").play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, first.port, |config| config.redirects = Redirects::Follow { targets_max: 3 });
    let mut call = dial(&trunk);
    answered(&mut call).await;
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    first.ends_content().await;
    second.ends_content().await;
}

#[tokio::test]
async fn refusals_are_told_with_cause_and_time() {
    for (status, header, code, q850, wait) in [("486 Busy Here", "Reason: Q.850;cause=17;text=\"User busy\"", 486, Some(17), None), ("503 Service Unavailable", "Retry-After: 30", 503, None, Some(Duration::from_secs(30))), ("404 Not Found", "Reason: Q.850;cause=1", 404, Some(1), None), ("603 Decline", "X: y", 603, None, None)] {
        let far = Script::default().invite().respond("100 Trying", "", &[], "").respond("180 Ringing", "b", &[], "").respond(status, "b", &[header], "").recv("ACK").play(1, &[]).await;
        let near = endpoint(false);
        let trunk = trunk(&near, far.port, |_| {});
        let end = ended(&mut dial(&trunk)).await;
        assert_eq!((end.by, end.sip_status, end.q850, end.retry_after), (EndedBy::FarEnd, Some(code), q850, wait));
        assert!(end.rang_at.is_some());
        far.ends_content().await;
    }
}

#[tokio::test]
async fn nobody_answers_and_the_call_is_cancelled() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").recv_with("CANCEL", "cause=19").reply("200 OK", &[]).respond("487 Request Terminated", "b", &[], "").recv("ACK").play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let request = clarion_sip::dial::DialRequest { to: "01632960001".into(), ring_max: Some(Duration::from_secs(1)), ..Default::default() };
    let end = ended(&mut trunk.dial(request, media()).expect("a call")).await;
    assert_eq!((end.by, end.q850, end.sip_status, end.answered_at), (EndedBy::Us, Some(19), Some(487), None));
    far.ends_content().await;
}

#[tokio::test]
async fn cancel_crosses_the_answer() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").recv("CANCEL").respond("200 OK", "b", &[], SDP).recv("ACK").hung_up_on().play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let mut call = dial(&trunk);
    until(&mut call, |event| matches!(event, CallEvent::Ringing { .. })).await;
    call.hang_up(HangUp::default());
    let end = ended(&mut call).await;
    assert!(end.by == EndedBy::Us && end.answered_at.is_some());
    far.ends_content().await;
}

#[tokio::test]
async fn cancel_before_any_provisional_response() {
    let far = Script::default().invite().wait_ms(300).respond("180 Ringing", "b", &[], "").recv("CANCEL").reply("200 OK", &[]).respond("487 Request Terminated", "b", &[], "").recv("ACK").play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    condition(&trunk, Condition::Up).await;
    let mut call = dial(&trunk);
    call.hang_up(HangUp::default());
    assert_eq!(ended(&mut call).await.sip_status, Some(487));
    far.ends_content().await;
}

#[tokio::test]
async fn two_branches_ring_and_both_answer() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").respond("180 Ringing", "c", &[], "").respond("200 OK", "b", &[], SDP).recv("ACK").respond("200 OK", "c", &[], SDP).recv_with("ACK", "tag=c").recv_with("BYE", "tag=c").reply("200 OK", &[]).wait_ms(100).ask("BYE", 1, "b", &["Reason: Q.850;cause=16"], "").recv_status(200).play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let mut call = dial(&trunk);
    answered(&mut call).await;
    assert_eq!(ended(&mut call).await.by, EndedBy::FarEnd);
    far.ends_content().await;
}

#[tokio::test]
async fn the_far_end_holds_changes_and_hangs_up() {
    let far = Script::default().invite().respond("200 OK", "b", &[], SDP).recv("ACK").ask("INVITE", 1, "b", &[], &hold("sendonly")).recv_status(200).ask("ACK", 1, "b", &[], "").ask("UPDATE", 2, "b", &[], SDP).recv_status(200).ask("BYE", 3, "b", &[], "").recv_status(200).play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let mut call = dial(&trunk);
    answered(&mut call).await;
    until(&mut call, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::ReceiveOnly)).await;
    until(&mut call, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::SendReceive)).await;
    assert_eq!(ended(&mut call).await.by, EndedBy::FarEnd);
    far.ends_content().await;
}

#[tokio::test]
async fn reliable_responses_an_update_in_the_early_dialog_and_a_session_timer() {
    let far = Script::default()
        .invite()
        .respond("183 Session Progress", "b", &["Require: 100rel", "RSeq: 5"], SDP)
        .recv_with("PRACK", "RAck: 5 1 INVITE")
        .reply("200 OK", &[])
        .ask("UPDATE", 1, "b", &[], &SDP.replace("6000", "6100"))
        .recv_status(200)
        .respond("180 Ringing", "b", &["Require: 100rel", "RSeq: 6"], "")
        .recv_with("PRACK", "RAck: 6 1 INVITE")
        .reply("200 OK", &[])
        .respond("200 OK", "b", &["Require: timer", "Session-Expires: 4;refresher=uac"], &SDP.replace("6000", "6100"))
        .recv("ACK")
        .recv_with("UPDATE", "Session-Expires: 4;refresher=uac")
        .reply("200 OK", &["Session-Expires: 4;refresher=uac"])
        .recv("UPDATE")
        .reply("200 OK", &["Session-Expires: 4;refresher=uas"])
        // Nobody refreshes now: we hang up before the four seconds are over.
        .recv_with("BYE", "session timer")
        .reply("200 OK", &[])
        .play(1, &[])
        .await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |config| config.session_min = Duration::from_secs(2));
    let mut call = dial(&trunk);
    until(&mut call, |event| matches!(event, CallEvent::Ringing { .. })).await;
    until(&mut call, |event| matches!(event, CallEvent::EarlyMedia(media) if media.remote.port() == 6_000)).await;
    until(&mut call, |event| matches!(event, CallEvent::EarlyMedia(media) if media.remote.port() == 6_100)).await;
    answered(&mut call).await;
    assert_eq!(ended(&mut call).await.by, EndedBy::Timeout);
    far.ends_content().await;
}

#[tokio::test]
async fn a_blind_transfer_is_told_of() {
    let notify = |number, state: &str, status: &str| (number, format!("Subscription-State: {state}"), status.to_owned());
    let mut script = Script::default().invite().respond("200 OK", "b", &[], SDP).recv("ACK").recv_with("REFER", "Refer-To: .sip:02079460001@127.0.0.1").reply("202 Accepted", &[]);
    for (number, state, status) in [notify(1, "active;expires=60", "180 Ringing"), notify(2, "terminated;reason=noresource", "200 OK")] {
        let fragment = format!("SIP/2.0 {status}\n");
        script = script.ask("NOTIFY", number, "b", &["Event: refer", &state, "Content-Type: message/sipfrag"], "").with_fragment(&fragment).recv_status(200);
    }
    let far = script.hung_up_on().play(1, &[]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let mut call = dial(&trunk);
    answered(&mut call).await;
    call.refer("sip:02079460001@127.0.0.1");
    until(&mut call, |event| *event == CallEvent::Refer(ReferProgress::Accepted)).await;
    until(&mut call, |event| *event == CallEvent::Refer(ReferProgress::Trying(180))).await;
    until(&mut call, |event| *event == CallEvent::Refer(ReferProgress::Done(200))).await;
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    far.ends_content().await;
}

#[tokio::test]
async fn calls_survive_a_network_that_loses() {
    let far = Script::default().invite().respond_surely("180 Ringing", "b").respond_until_ack("200 OK", "b", SDP).hung_up_on().play(12, &["-lost", "10"]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |config| config.silence_max = Duration::from_secs(32));
    let mut calls: Vec<_> = (0..12).map(|_| dial(&trunk)).collect();
    let mut up = 0;
    for call in &mut calls {
        answered(call).await;
        up += 1;
        call.hang_up(HangUp::default());
        ended(call).await;
    }
    assert_eq!(up, 12);
    near.close().await;
}

#[tokio::test]
async fn a_dead_gateway_is_left_within_ten_seconds_and_no_call_is_lost() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").respond_until_ack("200 OK", "b", SDP).hung_up_on().play(20, &[]).await;
    // A socket that takes everything and never says a word.
    let dead = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let near = endpoint(false);
    let mut config = TrunkConfig::new("127.0.0.1", Some(dead.local_addr().expect("an address").port()));
    config.hosts.push(TrunkHost { host: "127.0.0.1".into(), port: Some(far.port) });
    config.options_interval = None;
    let trunk = near.trunk(config).expect("a trunk");
    let began = Instant::now();
    let mut calls: Vec<_> = (0..20).map(|_| dial(&trunk)).collect();
    for call in &mut calls {
        answered(call).await;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        call.hang_up(HangUp::default());
    }
    far.ends_content().await;
}

#[tokio::test]
async fn over_tcp() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").respond("200 OK", "b", &[], SDP).recv("ACK").hung_up_on().play(5, &["-t", "t1"]).await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |config| config.transport = Some(Transport::Tcp));
    for _ in 0..5 {
        let mut call = dial(&trunk);
        answered(&mut call).await;
        call.hang_up(HangUp::default());
        ended(&mut call).await;
    }
    far.ends_content().await;
}

#[tokio::test]
async fn sipps_own_caller_is_answered() {
    let near = endpoint(true);
    let address = near.udp_address().expect("an address");
    let mut caller = crate::away::Process::start(std::process::Command::new("sipp").args(["-sn", "uac", &address.to_string(), "-i", "127.0.0.1", "-p", &free_port().to_string(), "-m", "10", "-r", "10", "-d", "200", "-nostdin", "-timeout", "30s", "-timeout_error"]));
    let mut calls = Vec::new();
    for _ in 0..10 {
        let incoming = near.incoming().await.expect("a call");
        incoming.ring();
        calls.push(incoming.answer(media()));
    }
    for call in &mut calls {
        assert_eq!(ended(call).await.by, EndedBy::FarEnd);
    }
    assert!(caller.ended().await.success());
}
