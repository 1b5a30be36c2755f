//! Scenarios for SIPp, written step by step beside the test that plays them.

use std::process::Command;

use crate::away::{Process, free_port};

/// What SIPp plays as the called side.
#[derive(Default)]
pub struct Script {
    steps: String,
}

/// A far end's description of one A-law stream.
pub const SDP: &str = "v=0\no=far 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 6000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n";

impl Script {
    /// An INVITE; what its responses need is remembered.
    pub fn invite(mut self) -> Self {
        let mut actions = String::new();
        for (header, name) in [("Via:", "via"), ("From:", "from"), ("To:", "to"), ("CSeq:", "cseq")] {
            actions += &format!("<ereg regexp=\".*\" search_in=\"hdr\" header=\"{header}\" assign_to=\"{name}\"/>");
        }
        actions += "<ereg regexp=\"sip:[^>]*\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"contact\"/>";
        self.steps += &format!("<recv request=\"INVITE\" crlf=\"true\"><action>{actions}</action></recv>\n");
        self
    }

    /// A request, which must hold this somewhere.
    pub fn recv_with(mut self, method: &str, expression: &str) -> Self {
        self.steps += &format!("<recv request=\"{method}\"><action><ereg regexp=\"{expression}\" search_in=\"msg\" check_it=\"true\" assign_to=\"found\"/></action></recv>\n");
        self
    }

    pub fn recv(mut self, method: &str) -> Self {
        self.steps += &format!("<recv request=\"{method}\"/>\n");
        self
    }

    pub fn recv_status(mut self, status: u16) -> Self {
        self.steps += &format!("<recv response=\"{status}\"/>\n");
        self
    }

    /// Checks the credentials of the INVITE that was received last, with SIPp's own digest.
    pub fn verify(mut self) -> Self {
        self.steps = self.steps.trim_end().trim_end_matches("</action></recv>").to_owned();
        self.steps += "<verifyauth assign_to=\"valid\" username=\"clarion\" password=\"secret\"/></action></recv>\n";
        self.steps += "<nop test=\"valid\" next=\"good\"/>\n<nop next=\"fail\"/>\n<label id=\"good\"/>\n";
        self
    }

    /// A response to the INVITE, whatever came in between. `further` are header lines.
    pub fn respond(mut self, status: &str, tag: &str, further: &[&str], body: &str) -> Self {
        let further: String = further.iter().map(|line| format!("{line}\n")).collect();
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}[call_number]") };
        let body = if body.is_empty() { "Content-Length: 0\n\n".to_owned() } else { format!("Content-Type: application/sdp\nContent-Length: [len]\n\n{body}") };
        self.steps += &format!("<send><![CDATA[\nSIP/2.0 {status}\nVia:[$via]\nFrom:[$from]\nTo:[$to]{tag}\nCall-ID: [call_id]\nCSeq:[$cseq]\nContact: <sip:far@[local_ip]:[local_port];transport=[transport]>\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\n{further}{body}\n]]></send>\n");
        self
    }

    /// A response to what came last.
    pub fn reply(mut self, status: &str, further: &[&str]) -> Self {
        let further: String = further.iter().map(|line| format!("{line}\n")).collect();
        self.steps += &format!("<send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{further}Content-Length: 0\n\n]]></send>\n");
        self
    }

    /// The same, with a description.
    pub fn reply_with(mut self, status: &str, further: &[&str], body: &str) -> Self {
        let further: String = further.iter().map(|line| format!("{line}\n")).collect();
        self.steps += &format!("<send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{further}Content-Type: application/sdp\nContent-Length: [len]\n\n{body}\n]]></send>\n");
        self
    }

    /// A request of the far end within the dialog.
    pub fn ask(mut self, method: &str, number: u32, tag: &str, further: &[&str], body: &str) -> Self {
        let further: String = further.iter().map(|line| format!("{line}\n")).collect();
        let body = if body.is_empty() { "Content-Length: 0\n\n".to_owned() } else { format!("Content-Type: application/sdp\nContent-Length: [len]\n\n{body}") };
        let retransmit = if method == "ACK" { "" } else { " retrans=\"500\"" };
        self.steps += &format!("<send{retransmit}><![CDATA[\n{method} [$contact] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\nFrom:[$to];tag={tag}[call_number]\nTo:[$from]\nCall-ID: [call_id]\nCSeq: {number} {method}\nContact: <sip:far@[local_ip]:[local_port];transport=[transport]>\n{further}{body}\n]]></send>\n");
        self
    }

    /// Gives the last request of the far end this status line of another call as its body (RFC 3515, section 2.4.5).
    pub fn with_fragment(mut self, body: &str) -> Self {
        let place = self.steps.rfind("Content-Length: 0\n\n\n]]></send>").expect("a request without a body");
        let end = place + "Content-Length: 0\n\n\n".len();
        self.steps.replace_range(place..end, &format!("Content-Length: [len]\n\n{body}\n"));
        self
    }

    /// A response that is never lost where others are: SIPp knows a request that comes again by what it has answered to it, and gives up a call of which it has answered nothing.
    pub fn respond_surely(self, status: &str, tag: &str) -> Self {
        let mut script = self.respond(status, tag, &[], "");
        let place = script.steps.rfind("<send>").expect("a response");
        script.steps.replace_range(place..place + 6, "<send lost=\"0\">");
        script
    }

    /// A 2xx that is repeated until its ACK, for networks that lose.
    pub fn respond_until_ack(self, status: &str, tag: &str, body: &str) -> Self {
        let mut script = self.respond(status, tag, &[], body);
        let place = script.steps.rfind("<send>").expect("a response");
        script.steps.replace_range(place..place + 6, "<send retrans=\"500\">");
        script.recv("ACK")
    }

    pub fn wait_ms(mut self, milliseconds: u32) -> Self {
        self.steps += &format!("<pause milliseconds=\"{milliseconds}\"/>\n");
        self
    }

    /// BYE of ours, to its end.
    pub fn hung_up_on(self) -> Self {
        self.recv("BYE").reply("200 OK", &[])
    }

    fn xml(&self) -> String {
        let mut text = format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario name=\"far end\">\n{}", self.steps);
        if self.steps.contains("next=\"fail\"") {
            // A wait for what never comes: SIPp counts it as a failure.
            text += "<nop next=\"done\"/>\n<label id=\"fail\"/>\n<recv request=\"NEVER\" timeout=\"100\"/>\n<label id=\"done\"/>\n<nop/>\n";
        }
        let mut names = Vec::new();
        for name in ["via", "from", "to", "cseq", "contact", "found", "valid"] {
            if self.steps.contains(&format!("assign_to=\"{name}\"")) {
                names.push(name);
            }
        }
        text + &format!("<Reference variables=\"{}\"/>\n</scenario>\n", names.join(","))
    }

    /// Starts SIPp with so many calls; it exits with 0 when every one went as written.
    pub async fn play(&self, calls: u32, further: &[&str]) -> Far {
        let folder = tempfile::tempdir().expect("a folder");
        let (scenario, port) = (folder.path().join("far.xml"), free_port());
        std::fs::write(&scenario, self.xml()).expect("a scenario");
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(&scenario).args(["-i", "127.0.0.1", "-p", &port.to_string(), "-m", &calls.to_string(), "-nostdin", "-timeout", "35s", "-timeout_error", "-trace_err", "-error_file"]);
        command.arg(folder.path().join("errors")).args(further).current_dir(folder.path());
        let mut process = Process::start(&mut command);
        if further.contains(&"t1") {
            // TCP has nothing to be seen from outside but that it can be connected to.
            let connected = async { while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() { tokio::time::sleep(std::time::Duration::from_millis(20)).await } };
            tokio::time::timeout(crate::away::PATIENCE, connected).await.expect("SIPp listens");
        } else {
            process.listens(port).await;
        }
        Far { port, process, folder }
    }
}

pub struct Far {
    pub port: u16,
    process: Process,
    folder: tempfile::TempDir,
}

impl Far {
    /// Gone without a word.
    pub fn kill(mut self) {
        self.process.0.kill().expect("it is killed");
        let _ = self.process.0.wait();
    }

    /// Every call went as written.
    pub async fn ends_content(mut self) {
        let status = self.process.ended().await;
        let errors = std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
        assert!(status.success(), "SIPp: {status}\n{errors}");
    }
}
