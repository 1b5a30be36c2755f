//! Kamailio between: a registrar that asks for SHA-256, and a proxy that stays in the way.

use std::process::Command;
use std::time::Duration;

use clarion_sip::auth::Credentials;
use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::negotiated::Direction;
use clarion_sip::trunk::{Condition, Registration, TrunkConfig};

use crate::away::{PATIENCE, Process, answered, condition, dial_to, endpoint, ended, free_port, loopback, media, trunk, until};

pub struct Kamailio {
    pub port: u16,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Kamailio {
    pub async fn start() -> Self {
        Self::start_with(CONFIG).await
    }

    /// By streams too, and with the word of the standard for who does not use them.
    async fn start_for_streams() -> Self {
        let config = CONFIG.replace("disable_tcp=yes", "listen=tcp:127.0.0.1:PORT\ntcp_children=1");
        let refusal = "request_route {\n    if ($proto == \"udp\" && $ml > 1300) { sl_send_reply(\"513\", \"Message Too Large\"); exit; }";
        let proxy = Self::start_with(&config.replace("request_route {", refusal)).await;
        let connecting = async {
            while tokio::net::TcpStream::connect(loopback(proxy.port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("it takes streams in time");
        proxy
    }

    async fn start_with(text: &str) -> Self {
        Self::start_at(free_port(), text).await
    }

    /// Gone without a word.
    pub fn kill(self) {
        self.process.kill_group();
    }

    pub async fn start_at(port: u16, text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("kamailio.cfg");
        std::fs::write(&config, text.replace("PORT", &port.to_string())).expect("a configuration");
        // In the foreground, with nothing of the system's own installation.
        let program = if std::path::Path::new("/usr/sbin/kamailio").exists() { "/usr/sbin/kamailio" } else { "kamailio" };
        let mut process = Process::start_group(Command::new(program).args(["-DD", "-E", "-m", "32", "-M", "4", "-f"]).arg(&config).arg("-Y").arg(folder.path()).arg("-P").arg(folder.path().join("pid")));
        process.listens(port).await;
        Self { port, process, _folder: folder }
    }
}

const CONFIG: &str = r#"#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:PORT
disable_tcp=yes
auto_aliases=no
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "algorithm", "SHA-256")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 60)
modparam("registrar", "max_expires", 120)
request_route {
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
        sl_send_reply("404", "Not Here"); exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    if (is_method("REGISTER")) {
        if ($fU == "clarion") {
            if (!pv_www_authenticate("$td", "secret", "0")) { auth_challenge("$td", "1"); exit; }
        }
        save("location"); exit;
    }
    if (is_method("INVITE")) {
        if (!pv_proxy_authenticate("$fd", "secret", "0")) { proxy_challenge("$fd", "1"); exit; }
        consume_credentials();
        record_route();
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
        t_relay(); exit;
    }
    sl_send_reply("405", "Method Not Allowed");
}
"#;

fn with(password: &'static str) -> impl FnOnce(&mut TrunkConfig) {
    move |config| {
        config.credentials = Some(Credentials { user: "clarion".into(), password: password.into() });
        config.registration = Some(Registration { expires: Duration::from_secs(10) });
        config.options_interval = Some(Duration::from_secs(10));
    }
}

#[tokio::test]
async fn registered_with_sha_256_and_called_back_through_the_proxy() {
    let proxy = Kamailio::start().await;
    // The one who registers also takes calls; the other calls through the proxy's challenge.
    let (far, near) = (endpoint(true), endpoint(false));
    let registered = trunk(&far, proxy.port, with("secret"));
    condition(&registered, Condition::Up).await;
    let trunk = trunk(&near, proxy.port, |config| config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() }));
    for we_hang_up in [true, false] {
        let mut ours = dial_to(&trunk, "clarion");
        let incoming = tokio::time::timeout(PATIENCE, far.incoming()).await.expect("in time").expect("a call");
        incoming.ring();
        until(&mut ours, |event| matches!(event, CallEvent::Ringing { .. })).await;
        let mut theirs = incoming.answer(media());
        answered(&mut ours).await;
        answered(&mut theirs).await;
        // Within the dialog everything goes by the proxy's Record-Route, challenged or not.
        ours.hold();
        until(&mut theirs, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::ReceiveOnly)).await;
        theirs.change_media(media());
        until(&mut ours, |event| matches!(event, CallEvent::MediaChanged(_))).await;
        let (from, to) = if we_hang_up { (&mut ours, &mut theirs) } else { (&mut theirs, &mut ours) };
        from.hang_up(HangUp::default());
        assert_eq!(ended(to).await.by, EndedBy::FarEnd);
        assert_eq!(ended(from).await.by, EndedBy::Us);
    }
    // Cancelled through the proxy.
    let mut ours = dial_to(&trunk, "clarion");
    let mut incoming = tokio::time::timeout(PATIENCE, far.incoming()).await.expect("in time").expect("a call");
    incoming.ring();
    until(&mut ours, |event| matches!(event, CallEvent::Ringing { .. })).await;
    ours.hang_up(HangUp::default());
    assert!(matches!(tokio::time::timeout(PATIENCE, incoming.event()).await.expect("in time"), Some(CallEvent::Ended(end)) if end.by == EndedBy::FarEnd));
    assert_eq!(ended(&mut ours).await.sip_status, Some(487));
    // Nobody there.
    assert_eq!(ended(&mut dial_to(&trunk, "nobody")).await.sip_status, Some(404));
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let proxy = Kamailio::start().await;
    let near = endpoint(false);
    let trunk = trunk(&near, proxy.port, with("wrong"));
    assert_eq!(condition(&trunk, Condition::Down).await, "the registrar refuses the credentials");
    assert_eq!(ended(&mut dial_to(&trunk, "clarion")).await.sip_status, Some(407));
}

#[tokio::test]
async fn a_proxy_that_dies_takes_the_trunk_down_and_its_return_brings_it_up() {
    let proxy = Kamailio::start().await;
    let near = endpoint(false);
    let trunk = trunk(&near, proxy.port, |config| {
        config.options_interval = Some(Duration::from_millis(500));
        config.silence_max = Duration::from_secs(1);
    });
    condition(&trunk, Condition::Up).await;
    drop(proxy);
    assert!(condition(&trunk, Condition::Down).await.contains("does not answer"));
    assert!(matches!(ended(&mut dial_to(&trunk, "clarion")).await.by, EndedBy::Timeout | EndedBy::Unreachable));
}

fn large() -> DialRequest {
    let headers = vec![("X-First".to_owned(), "x".repeat(900)), ("X-Second".to_owned(), "x".repeat(900))];
    DialRequest { to: "clarion".into(), caller_id: "02079460000".into(), headers, ..DialRequest::default() }
}

#[tokio::test]
async fn a_large_invite_goes_by_a_stream_or_where_there_is_none_as_a_datagram() {
    for proxy in [Kamailio::start_for_streams().await, Kamailio::start().await] {
        let (far, near) = (endpoint(true), endpoint(false));
        let registered = trunk(&far, proxy.port, with("secret"));
        condition(&registered, Condition::Up).await;
        let trunk = trunk(&near, proxy.port, |config| config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() }));
        for we_hang_up in [true, false] {
            // Challenged, and large both times; a proxy of streams would refuse either as a datagram with 513.
            let mut ours = trunk.dial(large(), media()).expect("a call");
            let incoming = tokio::time::timeout(PATIENCE, far.incoming()).await.expect("in time").expect("a call");
            incoming.ring();
            until(&mut ours, |event| matches!(event, CallEvent::Ringing { .. })).await;
            let mut theirs = incoming.answer(media());
            answered(&mut ours).await;
            answered(&mut theirs).await;
            ours.hold();
            until(&mut theirs, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::ReceiveOnly)).await;
            let (from, to) = if we_hang_up { (&mut ours, &mut theirs) } else { (&mut theirs, &mut ours) };
            from.hang_up(HangUp::default());
            assert_eq!(ended(to).await.by, EndedBy::FarEnd);
            assert_eq!(ended(from).await.by, EndedBy::Us);
        }
    }
}
