//! Servers that die, or say that they are unavailable, while a call is set up and while it is up.

use std::time::{Duration, Instant};

use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Endpoint, EndpointConfig, Trunk};
use clarion_sip::negotiated::Direction;
use clarion_sip::transaction::Timers;
use clarion_sip::trunk::{TrunkConfig, TrunkHost};

use crate::away::{PATIENCE, answered, dial, ended, free_port, loopback, media, until};
use crate::kamailio::Kamailio;
use crate::names;
use crate::script::{SDP, Script};

/// Nobody waits for longer before another server has the request.
const FAILOVER_MAX: Duration = Duration::from_secs(10);

/// Two proxies that stay in the way by one name, of which the first is the better.
struct Floor {
    first: Option<Kamailio>,
    _second: Kamailio,
    near: Endpoint,
    far: Endpoint,
    trunk: Trunk,
}

fn named_proxy(far: u16, first_words: &str) -> String {
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:PORT
disable_tcp=yes
auto_aliases=no
alias="proxy.example"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {{
    {first_words}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
        sl_send_reply("404", "Not Here"); exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    record_route_preset("proxy.example");
    $du = "sip:127.0.0.1:{far}";
    t_relay();
}}
"#
    )
}

impl Floor {
    /// `first_words` are what the first proxy does before all else.
    async fn open(first_words: &str) -> Self {
        let (first_port, second_port) = (free_port(), free_port());
        let name_server = names::serve(vec![("proxy.example", vec![first_port, second_port])]).await;
        let endpoint = |incoming| {
            let mut config = EndpointConfig::new(loopback(0));
            (config.incoming, config.name_servers) = (incoming, vec![name_server]);
            Endpoint::bind(config).expect("an endpoint")
        };
        let (near, far) = (endpoint(false), endpoint(true));
        let place = far.udp_address().expect("an address").port();
        let first = Kamailio::start_at(first_port, &named_proxy(place, first_words)).await;
        let second = Kamailio::start_at(second_port, &named_proxy(place, "")).await;
        let mut config = TrunkConfig::new("proxy.example", None);
        config.options_interval = None;
        let trunk = near.trunk(config).expect("a trunk");
        Self { first: Some(first), _second: second, near, far, trunk }
    }

    /// Both ends of a call that is up.
    async fn call(&self) -> (Call, Call) {
        let mut ours = dial(&self.trunk);
        let incoming = tokio::time::timeout(PATIENCE, self.far.incoming()).await.expect("in time").expect("a call");
        let mut theirs = incoming.answer(media());
        answered(&mut ours).await;
        answered(&mut theirs).await;
        (ours, theirs)
    }

    /// The same once our ACK has arrived, of which neither end tells: a proxy that died with it, and with every answer that follows, would end the call.
    async fn settled_call(&self) -> (Call, Call) {
        let call = self.call().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        call
    }
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    assert!(began.elapsed() < FAILOVER_MAX, "{what} took {:?}", began.elapsed());
    done
}

async fn holds(from: &Call, to: &mut Call) {
    from.hold();
    until(to, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::ReceiveOnly)).await;
}

#[tokio::test]
async fn a_call_that_is_up_goes_on_by_the_other_proxy_when_its_own_dies() {
    for we_hang_up in [true, false] {
        let mut floor = Floor::open("").await;
        let (mut ours, mut theirs) = floor.settled_call().await;
        floor.first.take().expect("the first").kill();
        // Their request: theirs is the first to find out that it is dead; then ours.
        within("their hold", holds(&theirs, &mut ours)).await;
        within("our hold", async {
            ours.hold();
            // That they send only is what became of their own.
            until(&mut theirs, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction != Direction::SendOnly)).await;
        })
        .await;
        // Whoever found out does not wait for it again.
        let (from, to) = if we_hang_up { (&mut ours, &mut theirs) } else { (&mut theirs, &mut ours) };
        let began = Instant::now();
        from.hang_up(HangUp::default());
        assert_eq!(ended(to).await.by, EndedBy::FarEnd);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!(ended(from).await.by, EndedBy::Us);
        floor.near.close().await;
    }
}

#[tokio::test]
async fn the_first_that_is_heard_of_a_dead_proxy_may_be_a_bye() {
    let mut floor = Floor::open("").await;
    let (mut ours, mut theirs) = floor.call().await;
    floor.first.take().expect("the first").kill();
    ours.hang_up(HangUp::default());
    assert_eq!(ended(&mut ours).await.by, EndedBy::Us);
    assert_eq!(within("the BYE", ended(&mut theirs)).await.by, EndedBy::FarEnd);
}

#[tokio::test]
async fn a_proxy_that_is_unavailable_within_the_call_is_passed_over_at_once() {
    let floor = Floor::open(r#"if (has_totag() && !is_method("ACK")) { sl_send_reply("503", "Service Unavailable"); exit; }"#).await;
    let (mut ours, mut theirs) = floor.call().await;
    let began = Instant::now();
    holds(&ours, &mut theirs).await;
    theirs.change_media(media());
    until(&mut ours, |event| matches!(event, CallEvent::MediaChanged(_))).await;
    ours.hang_up(HangUp::default());
    assert_eq!(ended(&mut theirs).await.by, EndedBy::FarEnd);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_proxy_that_swallows_the_ack_does_not_end_the_call() {
    let floor = Floor::open(r#"if (is_method("ACK")) { exit; }"#).await;
    let (mut ours, theirs) = floor.call().await;
    // The answer came again, and its ACK by the other proxy: nobody gives the call up.
    tokio::time::sleep(Duration::from_secs(2)).await;
    theirs.hang_up(HangUp::default());
    assert_eq!(within("the BYE after the ACK", ended(&mut ours)).await.by, EndedBy::FarEnd);
}

#[tokio::test]
async fn a_server_that_is_unavailable_gives_way_to_the_next_before_the_call_is_answered() {
    let first = Script::default().invite().respond("100 Trying", "", &[], "").respond("503 Service Unavailable", "b", &["Retry-After: 30"], "").recv("ACK").play(1, &[]).await;
    let second = Script::default().invite().respond("200 OK", "b", &[], SDP).recv("ACK").hung_up_on().play(2, &[]).await;
    let near = Endpoint::bind(EndpointConfig::new(loopback(0))).expect("an endpoint");
    let mut config = TrunkConfig::new("127.0.0.1", Some(first.port));
    config.hosts.push(TrunkHost { host: "127.0.0.1".into(), port: Some(second.port) });
    config.options_interval = None;
    let trunk = near.trunk(config).expect("a trunk");
    for _ in 0..2 {
        // The second call does not ask the first server at all, as it wished.
        let mut call = dial(&trunk);
        answered(&mut call).await;
        call.hang_up(HangUp::default());
        ended(&mut call).await;
    }
    first.ends_content().await;
    second.ends_content().await;
}

/// An endpoint that gives up after 6.4 s instead of 32.
fn hurried() -> Endpoint {
    let mut config = EndpointConfig::new(loopback(0));
    config.timers = Timers { t1: Duration::from_millis(100), t2: Duration::from_millis(800), t4: Duration::from_secs(1) };
    Endpoint::bind(config).expect("an endpoint")
}

fn only(near: &Endpoint, port: u16) -> Trunk {
    let mut config = TrunkConfig::new("127.0.0.1", Some(port));
    config.options_interval = None;
    near.trunk(config).expect("a trunk")
}

#[tokio::test]
async fn a_far_end_that_dies_while_it_rings_is_no_answer_and_nothing_is_stuck() {
    let far = Script::default().invite().respond("180 Ringing", "b", &[], "").recv("NEVER").play(1, &[]).await;
    let near = hurried();
    let trunk = only(&near, far.port);
    let request = DialRequest { to: "01632960001".into(), ring_max: Some(Duration::from_secs(1)), ..DialRequest::default() };
    let mut call = trunk.dial(request, media()).expect("a call");
    until(&mut call, |event| matches!(event, CallEvent::Ringing { .. })).await;
    far.kill();
    let end = within("the end", ended(&mut call)).await;
    assert_eq!((end.by, end.q850, end.sip_status, end.answered_at), (EndedBy::Us, Some(19), None, None));
    assert!(end.rang_at.is_some());
}

#[tokio::test]
async fn a_far_end_with_one_address_that_dies_while_the_call_is_up_ends_it() {
    let far = Script::default().invite().respond("200 OK", "b", &[], SDP).recv("ACK").recv("NEVER").play(1, &[]).await;
    let near = hurried();
    let trunk = only(&near, far.port);
    let mut call = dial(&trunk);
    answered(&mut call).await;
    far.kill();
    call.hold();
    let end = within("the end", ended(&mut call)).await;
    assert_eq!((end.by, end.q850, end.sip_status), (EndedBy::Timeout, Some(41), Some(408)));
    assert!(end.answered_at.is_some());
}
