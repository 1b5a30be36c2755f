//! Whether a trunk is there: OPTIONS, REGISTER, and the state that comes of them.

use clarion_sip::auth::Credentials;
use clarion_sip::hop::Destination;
use clarion_sip::message::{Method, Name};
use clarion_sip::trunk::{Condition, Found, Registration, TrunkConfig};

use crate::far::{Far, TRUNK, seconds, server};

fn asked(config: &mut TrunkConfig) {
    config.options_interval = Some(seconds(30));
}

fn registering(config: &mut TrunkConfig) {
    config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() });
    config.registration = Some(Registration { expires: seconds(600) });
}

#[track_caller]
fn state(far: &mut Far) -> (Condition, String) {
    let state = far.states.pop_back().expect("a state");
    far.states.clear();
    (state.condition, state.reason)
}

#[test]
fn options_tell_up_degraded_and_down() {
    let mut far = Far::new();
    far.trunk(asked, &[1, 2]);
    let (first, second) = (far.next(&Method::Options), far.next(&Method::Options));
    // Whatever it says, it is there.
    far.answer(&first, 404, "x", &[], None);
    far.answer(&second, 200, "x", &[], None);
    assert_eq!(state(&mut far), (Condition::Up, String::new()));
    far.pass(seconds(30));
    let (first, _) = (far.next(&Method::Options), far.next(&Method::Options));
    far.answer(&first, 200, "x", &[], None);
    far.pass(seconds(5));
    assert_eq!(state(&mut far), (Condition::Degraded, "192.0.2.2:5060 does not answer".to_owned()));
    far.sent.clear();
    far.pass(seconds(30));
    let (condition, reason) = state(&mut far);
    assert_eq!(condition, Condition::Down);
    assert!(reason.contains("192.0.2.1:5060") && reason.contains("192.0.2.2:5060"), "{reason}");
    far.sent.clear();
    far.pass(seconds(26));
    let first = far.next(&Method::Options);
    far.answer(&first, 200, "x", &[], None);
    assert_eq!(state(&mut far).0, Condition::Degraded);
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_and_comes_back() {
    let mut far = Far::new();
    far.trunk(asked, &[1]);
    let first = far.next(&Method::Options);
    far.answer(&first, 503, "x", &["Retry-After: 12"], None);
    assert_eq!(state(&mut far).0, Condition::Down);
    far.pass(seconds(13));
    assert_eq!(state(&mut far).0, Condition::Up);
}

#[test]
fn a_new_look_up_changes_the_servers() {
    let mut far = Far::new();
    far.trunk(|config| config.resolve_interval = seconds(100), &[1]);
    assert_eq!(far.resolves, 1);
    far.pass(seconds(101));
    assert_eq!(far.resolves, 2);
    far.agent.trunk_found(far.now, TRUNK, Ok(vec![Found { hop: server(9), priority: 0, weight: 0 }]));
    far.dial();
    // A look-up that fails leaves what is known in use.
    far.agent.trunk_found(far.now, TRUNK, Err("no name server answers".into()));
    far.collect();
    assert_eq!(state(&mut far).0, Condition::Degraded);
    far.dial_as(clarion_sip::call::CallKey(4), clarion_sip::dial::DialRequest { to: "01632960002".into(), ..Default::default() });
    assert_eq!(far.sent.pop_back().expect("an INVITE").1, Destination::Hop(server(9)));
}

#[test]
fn registered_with_a_challenge_a_longer_interval_and_refreshed() {
    let mut far = Far::new();
    far.trunk(registering, &[1]);
    let first = far.next(&Method::Register);
    assert_eq!((first.get(&Name::Expires), first.get(&Name::To)), (Some("600"), Some("<sip:clarion@carrier.example>")));
    far.answer(&first, 401, "x", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""], None);
    let second = far.next(&Method::Register);
    assert!(second.get(&Name::Authorization).is_some());
    far.answer(&second, 423, "x", &["Min-Expires: 1200"], None);
    let third = far.next(&Method::Register);
    assert_eq!(third.get(&Name::Expires), Some("1200"));
    assert!(third.get(&Name::Authorization).expect("credentials").contains("nc=00000002"));
    far.answer(&third, 200, "x", &["Contact: <sip:somebody@192.0.2.77>;expires=9, <sip:clarion@127.0.0.1:5060>;expires=300"], None);
    assert_eq!(state(&mut far).0, Condition::Up);
    far.pass(seconds(269));
    far.quiet();
    far.pass(seconds(2));
    let refresh = far.next(&Method::Register);
    far.sent.clear();
    assert_eq!(refresh.call_id(), first.call_id());
    far.answer(&refresh, 200, "x", &["Contact: <sip:clarion@127.0.0.1:5060>;expires=300"], None);
    far.agent.remove_trunk(far.now, TRUNK);
    far.collect();
    assert_eq!(far.next(&Method::Register).get(&Name::Expires), Some("0"));
}

#[test]
fn behind_a_translator_the_interval_is_that_of_the_contact_that_was_sent() {
    let mut far = Far::new();
    far.agent.learn_addresses();
    far.trunk(registering, &[1]);
    let mut seen = far.next(&Method::Register);
    let via = seen.headers.iter_mut().find(|header| header.name == Name::Via).expect("Via");
    via.value = via.value.replace(";rport", ";received=203.0.113.9;rport=40123");
    far.answer(&seen, 401, "x", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""], None);
    let second = far.next(&Method::Register);
    assert_eq!(second.get(&Name::Contact), Some("<sip:clarion@203.0.113.9:40123>"));
    far.answer(&second, 200, "x", &["Contact: <sip:clarion@127.0.0.1:5060>;expires=500, <sip:clarion@203.0.113.9:40123>;expires=60"], None);
    far.pass(seconds(29));
    far.quiet();
    far.pass(seconds(2));
    far.next(&Method::Register);
}

#[test]
fn a_trunk_that_another_takes_the_place_of_leaves_its_registration_to_it() {
    let mut far = Far::new();
    far.trunk(registering, &[1]);
    let register = |far: &mut Far| {
        let first = far.next(&Method::Register);
        far.answer(&first, 200, "x", &["Expires: 600"], None);
    };
    register(&mut far);
    let mut config = TrunkConfig::new("carrier.example", None);
    config.options_interval = None;
    registering(&mut config);
    let other = clarion_sip::trunk::TrunkKey(2);
    far.agent.add_trunk(far.now, other, config);
    far.agent.trunk_found(far.now, other, Ok(vec![clarion_sip::trunk::Found { hop: server(1), priority: 0, weight: 0 }]));
    far.collect();
    register(&mut far);
    far.agent.remove_trunk(far.now, TRUNK);
    far.collect();
    far.quiet();
    far.agent.remove_trunk(far.now, other);
    far.collect();
    assert_eq!(far.next(&Method::Register).get(&Name::Expires), Some("0"), "the last one leaves");
}

#[test]
fn a_refused_registration_takes_the_trunk_down_and_is_tried_again() {
    let mut far = Far::new();
    far.trunk(registering, &[1]);
    let first = far.next(&Method::Register);
    far.answer(&first, 403, "x", &[], None);
    assert_eq!(state(&mut far), (Condition::Down, "the registrar refuses the credentials".to_owned()));
    far.pass(seconds(6));
    let again = far.next(&Method::Register);
    far.sent.clear();
    far.answer(&again, 401, "x", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\""], None);
    let third = far.next(&Method::Register);
    far.answer(&third, 401, "x", &["WWW-Authenticate: Digest realm=\"r\", nonce=\"m\""], None);
    // Not hammered with a password that is wrong.
    far.quiet();
    far.pass(seconds(11));
    let again = far.next(&Method::Register);
    far.answer(&again, 200, "x", &["Expires: 600"], None);
    assert_eq!(state(&mut far).0, Condition::Up);
}
