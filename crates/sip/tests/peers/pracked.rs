//! Offers and answers in PRACK (RFC 3262, section 5), against SIPp on either side.

use std::process::Command;
use std::time::Duration;

use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::negotiated::Direction;

use crate::away::{PATIENCE, Process, answered, dial, endpoint, ended, free_port, media, trunk, until};
use crate::script::{SDP, Script};

/// SIPp as the caller, written step by step.
#[derive(Default)]
struct Caller {
    steps: String,
    number: u32,
}

impl Caller {
    fn send(mut self, method: &str, number: u32, further: &[&str], body: &str) -> Self {
        let further: String = further.iter().map(|line| format!("{line}\n")).collect();
        let body = if body.is_empty() { "Content-Length: 0\n\n".to_owned() } else { format!("Content-Type: application/sdp\nContent-Length: [len]\n\n{body}") };
        let (uri, to) = if method == "INVITE" { ("sip:clarion@[remote_ip]:[remote_port]", "") } else { ("[next_url]", "[peer_tag_param]") };
        let retransmit = if method == "ACK" { "" } else { " retrans=\"500\"" };
        self.steps += &format!("<send{retransmit}><![CDATA[\n{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\nFrom: <sip:far@[local_ip]:[local_port]>;tag=far[call_number]\nTo: <sip:clarion@[remote_ip]:[remote_port]>{to}\nCall-ID: [call_id]\nCSeq: {number} {method}\nContact: <sip:far@[local_ip]:[local_port]>\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\n{further}{body}\n]]></send>\n");
        self.number = number;
        self
    }

    fn invite(self, body: &str) -> Self {
        self.send("INVITE", 1, &["Require: 100rel"], body).optional(100)
    }

    fn optional(mut self, status: u16) -> Self {
        self.steps += &format!("<recv response=\"{status}\" optional=\"true\"/>\n");
        self
    }

    /// A response whose body has a description, or none; the RSeq of a provisional one is remembered.
    fn recv(mut self, status: u16, described: bool) -> Self {
        let check = if described { "check_it" } else { "check_it_inverse" };
        let rseq = if status < 200 { "<ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"RSeq:\" check_it=\"true\" assign_to=\"rseq\"/>" } else { "" };
        self.steps += &format!("<recv response=\"{status}\" rrs=\"true\"><action><ereg regexp=\"m=audio\" search_in=\"msg\" {check}=\"true\" assign_to=\"found\"/>{rseq}</action></recv>\n");
        self
    }

    fn prack(self, body: &str) -> Self {
        let number = self.number + 1;
        self.send("PRACK", number, &["RAck: [$rseq] 1 INVITE"], body)
    }

    fn hangs_up(self) -> Self {
        let number = self.number + 1;
        self.send("ACK", 1, &[], "").send("BYE", number, &[], "").recv(200, false)
    }

    fn play(&self, port: u16) -> (Process, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let scenario = folder.path().join("caller.xml");
        let text = format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario name=\"caller\">\n{}<Reference variables=\"found,rseq\"/>\n</scenario>\n", self.steps);
        std::fs::write(&scenario, text).expect("a scenario");
        let mut command = Command::new("sipp");
        command.arg(format!("127.0.0.1:{port}")).arg("-sf").arg(&scenario).args(["-i", "127.0.0.1", "-p", &free_port().to_string(), "-m", "1", "-nostdin", "-timeout", "30s", "-timeout_error", "-trace_err", "-error_file"]);
        (Process::start(command.arg(folder.path().join("errors")).current_dir(folder.path())), folder)
    }
}

async fn went_as_written((mut process, folder): (Process, tempfile::TempDir)) {
    let status = process.ended().await;
    let errors = std::fs::read_to_string(folder.path().join("errors")).unwrap_or_default();
    assert!(status.success(), "SIPp: {status}\n{errors}");
}

#[tokio::test]
async fn a_caller_without_an_offer_gets_ours_reliably_and_answers_in_its_prack() {
    let near = endpoint(true);
    let port = near.udp_address().expect("an address").port();
    let caller = Caller::default().invite("").recv(183, true).prack(&SDP.replace("6000", "6100")).recv(200, false).recv(180, false).prack("").recv(200, false).recv(200, false).hangs_up().play(port);
    let mut incoming = tokio::time::timeout(PATIENCE, near.incoming()).await.expect("in time").expect("a call");
    assert!(!incoming.request.offers);
    incoming.early(media());
    let early = tokio::time::timeout(PATIENCE, incoming.event()).await.expect("in time");
    assert!(matches!(&early, Some(CallEvent::EarlyMedia(media)) if media.remote.port() == 6_100), "{early:?}");
    incoming.ring();
    let mut call = incoming.answer(media());
    let told = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await;
    assert!(matches!(&told, CallEvent::Answered { media, .. } if media.remote.port() == 6_100), "{told:?}");
    assert_eq!(ended(&mut call).await.by, EndedBy::FarEnd);
    went_as_written(caller).await;
}

#[tokio::test]
async fn a_new_offer_in_a_prack_is_answered_in_its_response() {
    let near = endpoint(true);
    let port = near.udp_address().expect("an address").port();
    let caller = Caller::default().invite(SDP).recv(183, true).prack(&SDP.replace("6000", "6100")).recv(200, true).recv(200, false).hangs_up().play(port);
    let mut incoming = tokio::time::timeout(PATIENCE, near.incoming()).await.expect("in time").expect("a call");
    incoming.early(media());
    for port in [6_000, 6_100] {
        let early = tokio::time::timeout(PATIENCE, incoming.event()).await.expect("in time");
        assert!(matches!(&early, Some(CallEvent::EarlyMedia(media)) if media.remote.port() == port), "{early:?}");
    }
    let mut call = incoming.answer(media());
    let told = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await;
    assert!(matches!(&told, CallEvent::Answered { media, .. } if media.remote.port() == 6_100), "{told:?}");
    assert_eq!(ended(&mut call).await.by, EndedBy::FarEnd);
    went_as_written(caller).await;
}

#[tokio::test]
async fn a_caller_that_owes_an_answer_and_gives_none_is_refused() {
    let near = endpoint(true);
    let port = near.udp_address().expect("an address").port();
    let caller = Caller::default().invite("").recv(183, true).prack("").recv(200, false).recv(488, false).send("ACK", 1, &[], "").play(port);
    let mut incoming = tokio::time::timeout(PATIENCE, near.incoming()).await.expect("in time").expect("a call");
    incoming.early(media());
    let end = tokio::time::timeout(PATIENCE, incoming.event()).await.expect("in time");
    assert!(matches!(&end, Some(CallEvent::Ended(end)) if end.sip_status == Some(488)), "{end:?}");
    went_as_written(caller).await;
}

#[tokio::test]
async fn our_change_goes_with_the_prack_and_an_answer_that_comes_late_says_nothing_new() {
    let far = Script::default()
        .invite()
        .wait_ms(300)
        .respond("183 Session Progress", "b", &["Require: 100rel", "RSeq: 5"], SDP)
        .recv_with("PRACK", "a=sendonly")
        .reply_with("200 OK", &[], &format!("{}a=recvonly\n", SDP.replace("6000", "6200")))
        .respond("180 Ringing", "b", &["Require: 100rel", "RSeq: 6"], "")
        .recv_with("PRACK", "RAck: 6 1 INVITE")
        .reply("200 OK", &[])
        .respond("200 OK", "b", &[], SDP)
        .recv("ACK")
        .hung_up_on()
        .play(1, &[])
        .await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |config| config.silence_max = Duration::from_secs(10));
    let mut call = dial(&trunk);
    call.hold();
    let told = until(&mut call, |event| matches!(event, CallEvent::EarlyMedia(media) if media.remote.port() == 6_200)).await;
    assert!(matches!(told, CallEvent::EarlyMedia(media) if media.direction == Direction::SendOnly));
    let told = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await;
    assert!(matches!(&told, CallEvent::Answered { media, .. } if media.remote.port() == 6_200 && media.direction == Direction::SendOnly), "{told:?}");
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    far.ends_content().await;
}

#[tokio::test]
async fn what_an_early_update_changed_holds_when_the_answer_says_nothing_of_it() {
    let far = Script::default()
        .invite()
        .respond("183 Session Progress", "b", &["Require: 100rel", "RSeq: 1"], SDP)
        .recv("PRACK")
        .reply("200 OK", &[])
        .ask("UPDATE", 1, "b", &[], &SDP.replace("6000", "6300"))
        .recv_status(200)
        .respond("200 OK", "b", &[], "")
        .recv("ACK")
        .hung_up_on()
        .play(1, &[])
        .await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |_| {});
    let mut call = dial(&trunk);
    let told = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await;
    assert!(matches!(&told, CallEvent::Answered { media, .. } if media.remote.port() == 6_300), "{told:?}");
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    far.ends_content().await;
}

#[tokio::test]
async fn a_prack_that_is_challenged_is_said_again_with_its_offer() {
    let challenge = "Proxy-Authenticate: Digest realm=\"far.example\", nonce=\"abc\", qop=\"auth\", algorithm=MD5";
    let far = Script::default()
        .invite()
        .wait_ms(300)
        .respond("183 Session Progress", "b", &["Require: 100rel", "RSeq: 5"], SDP)
        .recv("PRACK")
        .reply("407 Proxy Authentication Required", &[challenge])
        .recv_with("PRACK", "a=sendonly")
        .reply_with("200 OK", &[], &format!("{SDP}a=recvonly\n"))
        .respond("200 OK", "b", &[], "")
        .recv("ACK")
        .hung_up_on()
        .play(1, &[])
        .await;
    let near = endpoint(false);
    let trunk = trunk(&near, far.port, |config| {
        config.silence_max = Duration::from_secs(10);
        config.credentials = Some(clarion_sip::auth::Credentials { user: "clarion".into(), password: "secret".into() });
    });
    let mut call = dial(&trunk);
    call.hold();
    answered(&mut call).await;
    call.hang_up(HangUp::default());
    ended(&mut call).await;
    far.ends_content().await;
}
