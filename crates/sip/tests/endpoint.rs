//! Two endpoints over loopback sockets, through the public interface alone.

mod names;

use std::net::SocketAddr;
use std::time::Duration;

use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Endpoint, EndpointConfig, TlsListener};
use clarion_sip::hop::Transport;
use clarion_sip::negotiated::{Codec, LocalMedia, SrtpPolicy};
use clarion_sip::tls::{TlsClient, Trust};
use clarion_sip::trunk::{Condition, TrunkConfig};

const PATIENCE: Duration = Duration::from_secs(20);

fn media(port: u16) -> LocalMedia {
    LocalMedia { address: ([127, 0, 0, 1], port).into(), codecs: vec![Codec::Pcma], telephone_event: true, srtp: SrtpPolicy::Never }
}

fn endpoint(incoming: bool) -> Endpoint {
    let mut config = EndpointConfig::new(([127, 0, 0, 1], 0).into());
    config.incoming = incoming;
    Endpoint::bind(config).expect("an endpoint")
}

fn to(address: SocketAddr) -> TrunkConfig {
    TrunkConfig::new(&address.ip().to_string(), Some(address.port()))
}

fn somebody() -> DialRequest {
    DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), ..DialRequest::default() }
}

/// Events until one fits.
async fn until(call: &mut Call, fits: impl Fn(&CallEvent) -> bool) -> CallEvent {
    let search = async {
        loop {
            let event = call.event().await.expect("an event");
            if fits(&event) {
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the event comes in time")
}

#[tokio::test]
async fn a_call_is_made_taken_held_and_hung_up() {
    let (near, far) = (endpoint(false), endpoint(true));
    let trunk = near.trunk(to(far.udp_address().expect("an address"))).expect("a trunk");
    let mut state = trunk.state();
    tokio::time::timeout(PATIENCE, state.wait_for(|state| state.condition == Condition::Up)).await.expect("in time").expect("the trunk comes up");

    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let incoming = far.incoming().await.expect("a call");
    assert_eq!(incoming.request.uri.user.as_deref(), Some("01632960001"));
    incoming.ring();
    until(&mut ours, |event| matches!(event, CallEvent::Ringing { .. })).await;
    let mut theirs = incoming.answer(media(5_000));
    let CallEvent::Answered { media: agreed, .. } = until(&mut ours, |event| matches!(event, CallEvent::Answered { .. })).await else { panic!("answered") };
    assert_eq!(agreed.remote.port(), 5_000);
    ours.hold();
    until(&mut theirs, |event| matches!(event, CallEvent::MediaChanged(_))).await;
    until(&mut ours, |event| matches!(event, CallEvent::MediaChanged(_))).await;
    ours.hang_up(HangUp::default());
    let CallEvent::Ended(end) = until(&mut theirs, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!((end.by, end.q850), (EndedBy::FarEnd, Some(16)));
    let CallEvent::Ended(end) = until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!(end.by, EndedBy::Us);
    near.close().await;
}

#[tokio::test]
async fn a_call_is_cancelled_and_another_refused() {
    let (near, far) = (endpoint(false), endpoint(true));
    let trunk = near.trunk(to(far.udp_address().expect("an address"))).expect("a trunk");
    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let mut incoming = far.incoming().await.expect("a call");
    incoming.ring();
    until(&mut ours, |event| matches!(event, CallEvent::Ringing { .. })).await;
    ours.hang_up(HangUp::default());
    assert!(matches!(incoming.event().await, Some(CallEvent::Ended(end)) if end.by == EndedBy::FarEnd));
    let CallEvent::Ended(end) = until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!((end.by, end.sip_status), (EndedBy::Us, Some(487)));

    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let incoming = far.incoming().await.expect("a call");
    incoming.reject_with(486, "Busy Here", &[("Reason", "Q.850;cause=17")]);
    let CallEvent::Ended(end) = until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!((end.by, end.sip_status, end.q850), (EndedBy::FarEnd, Some(486), Some(17)));
}

#[tokio::test]
async fn dropping_a_call_hangs_up_and_dropping_the_endpoint_hangs_up_all() {
    let (near, far) = (endpoint(false), endpoint(true));
    let trunk = near.trunk(to(far.udp_address().expect("an address"))).expect("a trunk");
    for drop_everything in [false, true] {
        let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
        let mut theirs = far.incoming().await.expect("a call").answer(media(5_000));
        until(&mut ours, |event| matches!(event, CallEvent::Answered { .. })).await;
        if !drop_everything {
            drop(ours);
            until(&mut theirs, |event| matches!(event, CallEvent::Ended(_))).await;
            continue;
        }
        near.close().await;
        until(&mut theirs, |event| matches!(event, CallEvent::Ended(_))).await;
        until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await;
        return;
    }
}

#[tokio::test]
async fn over_tls_with_a_pin_and_not_with_another() {
    let made = rcgen::generate_simple_self_signed(vec!["carrier.example".to_owned()]).expect("a certificate");
    let mut config = EndpointConfig::new(([127, 0, 0, 1], 0).into());
    config.incoming = true;
    config.tls = Some(TlsListener { address: ([127, 0, 0, 1], 0).into(), certificate_pem: made.cert.pem().into_bytes(), key_pem: made.signing_key.serialize_pem().into_bytes() });
    let far = Endpoint::bind(config).expect("an endpoint");
    let near = endpoint(false);
    let tls = |trust: Trust| {
        let mut config = to(far.tls_address().expect("an address"));
        config.transport = Some(Transport::Tls);
        config.tls = Some(TlsClient { server_name: "carrier.example".into(), trust });
        config
    };
    let trunk = near.trunk(tls(Trust::CaPem(made.cert.pem().into_bytes()))).expect("a trunk");
    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let mut theirs = far.incoming().await.expect("a call").answer(media(5_000));
    until(&mut ours, |event| matches!(event, CallEvent::Answered { .. })).await;
    // Their BYE comes back by the connection that we opened.
    theirs.hang_up(HangUp::default());
    let CallEvent::Ended(end) = until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!(end.by, EndedBy::FarEnd);
    until(&mut theirs, |event| matches!(event, CallEvent::Ended(_))).await;

    let trunk = near.trunk(tls(Trust::PinSha256([7; 32]))).expect("a trunk");
    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let CallEvent::Ended(end) = until(&mut ours, |event| matches!(event, CallEvent::Ended(_))).await else { panic!("ended") };
    assert_eq!(end.by, EndedBy::Unreachable);
}

#[tokio::test]
async fn servers_are_found_by_srv_and_a_dead_one_is_passed_over() {
    let far = endpoint(true);
    let dead = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let ports = [dead.local_addr().expect("an address").port(), far.udp_address().expect("an address").port()];
    let names = names::serve(vec![("carrier.example", ports.to_vec())]).await;
    let mut config = EndpointConfig::new(([127, 0, 0, 1], 0).into());
    config.name_servers = vec![names];
    let near = Endpoint::bind(config).expect("an endpoint");
    let mut config = TrunkConfig::new("carrier.example", None);
    config.silence_max = Duration::from_secs(1);
    let trunk = near.trunk(config).expect("a trunk");
    let mut ours = trunk.dial(somebody(), media(4_000)).expect("a call");
    let incoming = tokio::time::timeout(PATIENCE, far.incoming()).await.expect("in time").expect("a call");
    assert_eq!(incoming.request.uri.host, "carrier.example");
    let _theirs = incoming.answer(media(5_000));
    until(&mut ours, |event| matches!(event, CallEvent::Answered { .. })).await;
    let mut state = trunk.state();
    let state = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.condition == Condition::Degraded)).await.expect("in time").expect("a state").clone();
    assert_eq!(state.reason, format!("127.0.0.1:{} does not answer", ports[0]));
}
