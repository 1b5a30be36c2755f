//! Two endpoints over loopback sockets, through the public interface alone.

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
    let names = names::serve(ports).await;
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

/// A name server for one domain, as small as it can be.
mod names {
    use std::net::SocketAddr;

    pub async fn serve(ports: [u16; 2]) -> SocketAddr {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let address = socket.local_addr().expect("an address");
        tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let _ = socket.send_to(&answer(&buffer[..length], ports), from).await;
            }
        });
        address
    }

    fn name(text: &str) -> Vec<u8> {
        let mut bytes: Vec<u8> = text.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes())).collect();
        bytes.push(0);
        bytes
    }

    fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = name(owner);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    fn answer(query: &[u8], ports: [u16; 2]) -> Vec<u8> {
        let end = query[12..].iter().position(|byte| *byte == 0).expect("a name") + 12 + 5;
        let asked = &query[12..end - 4];
        let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
        let plain = |text: &str| asked.to_ascii_lowercase() == name(text);
        let mut records = Vec::new();
        if kind == 35 && plain("carrier.example") {
            // Order 10, preference 1, flags "s", SIP+D2U.
            let mut data = vec![0, 10, 0, 1, 1, b's', 7];
            data.extend_from_slice(b"SIP+D2U\0");
            data.extend_from_slice(&name("_sip._udp.carrier.example"));
            records.push(record("carrier.example", 35, &data));
        } else if kind == 33 && plain("_sip._udp.carrier.example") {
            for (priority, port) in (1u16..).zip(ports) {
                let mut data = priority.to_be_bytes().to_vec();
                data.extend_from_slice(&[0, 0]);
                data.extend_from_slice(&port.to_be_bytes());
                data.extend_from_slice(&name("a.carrier.example"));
                records.push(record("_sip._udp.carrier.example", 33, &data));
            }
        } else if kind == 1 && plain("a.carrier.example") {
            records.push(record("a.carrier.example", 1, &[127, 0, 0, 1]));
        }
        let mut bytes = query[..2].to_vec();
        bytes.extend_from_slice(&[0x85, 0x80, 0, 1]);
        bytes.extend_from_slice(&(records.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0]);
        bytes.extend_from_slice(&query[12..end]);
        bytes.extend(records.into_iter().flatten());
        bytes
    }
}
