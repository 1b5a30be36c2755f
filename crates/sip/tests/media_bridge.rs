//! Legs with far ends over real sockets: prompts, keys, bridges.

mod media_peer;
#[allow(dead_code, reason = "each test file uses its part")]
#[path = "../../testbed/src/ports.rs"]
mod ports;

use std::time::Duration;

use clarion_sip::media::{Key, KeyPath, LegConfig, MediaEvent, Repeat};
use clarion_sip::negotiated::{Codec, Direction};
use media_peer::{PATIENCE, Peer, agreed, engine, eventually, from_a_law, hears, mu_law, packet, share, tone};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

async fn until<T>(events: &mut Receiver<MediaEvent>, mut wanted: impl FnMut(&MediaEvent) -> Option<T>) -> T {
    timeout(PATIENCE, async {
        loop {
            if let Some(found) = wanted(&events.recv().await.expect("the leg is open")) {
                return found;
            }
        }
    })
    .await
    .expect("in time")
}

#[test]
fn the_peers_own_laws_are_sound() {
    for sample in (-32_000..32_000).step_by(11) {
        let back = media_peer::from_mu_law(mu_law(sample));
        assert!((i32::from(back) - i32::from(sample)).abs() <= 32 + i32::from(sample).abs() / 16, "{sample} {back}");
    }
    assert!(from_a_law(0xd5).abs() <= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_played_on_time_and_its_end_is_told() {
    let engine = engine(1);
    let peer = Peer::new();
    let (leg, mut events) = engine.open_leg(LegConfig::default()).unwrap();
    leg.connect(agreed(peer.address(), Codec::Pcma));
    let prompt: Vec<i16> = (0..50).flat_map(|n| tone(440.0, n * 160, 8_000.0)).collect();
    let id = leg.play(vec![prompt[..3_000].into(), prompt[3_000..].into()], Repeat::Once);
    let (ended, played_ms, completed) = until(&mut events, |event| match event {
        MediaEvent::PlayDone { id, played_ms, completed, .. } => Some((*id, *played_ms, *completed)),
        _ => None,
    })
    .await;
    assert_eq!((ended, played_ms, completed), (id, 1_000, true));
    assert!(eventually(|| peer.got().len() >= 60));
    let got = peer.got();
    assert!(got.iter().all(|got| got.payload_type == 8 && got.payload.len() == 160));
    assert!(got.iter().all(|one| one.ssrc == got[0].ssrc));
    assert!(got[0].marker && got[1..].iter().all(|got| !got.marker));
    assert!(got.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1) && pair[1].timestamp == pair[0].timestamp.wrapping_add(160)));
    assert_eq!(got[0].from, leg.local().address, "audio leaves from the port that is offered");
    let audio = peer.audio();
    assert!(share(&audio[800..7_200], 440.0) > 0.98);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tone_of_one_peer_is_heard_by_the_other_through_the_bridge() {
    for threads in [1, 3] {
        let engine = engine(threads);
        let (mut one, mut two) = (Peer::new(), Peer::new());
        let (leg_one, mut events) = engine.open_leg(LegConfig::default()).unwrap();
        let (leg_two, _two) = engine.open_leg(LegConfig::default()).unwrap();
        leg_one.connect(agreed(one.address(), Codec::Pcmu));
        leg_two.connect(agreed(two.address(), Codec::Pcma));
        one.speak(leg_one.local().address, 500.0, 11);
        two.speak(leg_two.local().address, 900.0, 22);
        until(&mut events, |event| matches!(event, MediaEvent::FirstAudio { .. }).then_some(())).await;
        leg_one.bridge(&leg_two);
        assert!(hears(&two, 500.0), "{threads} threads: the first is heard by the second");
        assert!(hears(&one, 900.0), "{threads} threads: and the other way round");
        assert!(two.got().iter().all(|got| got.payload_type == 8), "the law is changed on the way");

        leg_two.unbridge();
        until(&mut events, |event| matches!(event, MediaEvent::Unbridged { .. }).then_some(())).await;
        one.forget();
        assert!(eventually(|| { let audio = one.audio(); audio.len() > 4_000 && audio.iter().all(|sample| sample.abs() < 10) }), "silence after the bridge");

        leg_two.bridge(&leg_one);
        assert!(hears(&one, 900.0));
        drop(leg_two);
        until(&mut events, |event| matches!(event, MediaEvent::Unbridged { .. }).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_heard_as_events_and_as_tones_and_sent_as_either() {
    let engine = engine(1);
    let (one, two) = (Peer::new(), Peer::new());
    let (leg_one, mut one_events) = engine.open_leg(LegConfig::default()).unwrap();
    let (leg_two, mut two_events) = engine.open_leg(LegConfig::default()).unwrap();
    // Each is the other's far end: what one sends, the other must hear.
    let mut first = agreed(leg_two.local().address, Codec::Pcma);
    let mut second = agreed(leg_one.local().address, Codec::Pcma);
    drop((one, two));
    leg_one.connect(first.clone());
    leg_two.connect(second.clone());
    let keys: Vec<_> = "159#".chars().map(|name| Key::from_char(name).unwrap()).collect();
    for path in [KeyPath::Event, KeyPath::InBand] {
        leg_one.send_keys(&keys);
        let mut heard = String::new();
        until(&mut two_events, |event| {
            if let MediaEvent::Key { key, by, .. } = event {
                assert_eq!(*by, path);
                heard.push(key.as_char());
            }
            (heard.len() == 4).then_some(())
        })
        .await;
        assert_eq!(heard, "159#");
        until(&mut one_events, |event| matches!(event, MediaEvent::KeysSent { .. }).then_some(())).await;
        if path == KeyPath::Event {
            first.telephone_event = None;
            second.telephone_event = None;
            // Keys that came as events once are not listened for as tones: a fresh leg hears tones.
            let (fresh, fresh_events) = engine.open_leg(LegConfig::default()).unwrap();
            first.remote = fresh.local().address;
            leg_one.connect(first.clone());
            fresh.connect(second.clone());
            two_events = fresh_events;
            std::mem::forget(fresh);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_far_end_is_told_once_and_hold_is_no_silence() {
    let engine = engine(1);
    let peer = Peer::new();
    let config = LegConfig { timeout: Duration::from_millis(300), ..LegConfig::default() };
    let (leg, mut events) = engine.open_leg(config).unwrap();
    let mut media = agreed(peer.address(), Codec::Pcma);
    media.direction = Direction::SendOnly;
    leg.connect(media.clone());
    assert!(eventually(|| peer.got().len() > 40), "on hold for 800 ms");
    assert!(events.try_recv().is_err(), "whoever is on hold says nothing");
    media.direction = Direction::SendReceive;
    leg.connect(media);
    until(&mut events, |event| matches!(event, MediaEvent::Timeout { .. }).then_some(())).await;
    let more = timeout(Duration::from_millis(700), events.recv()).await;
    assert!(more.is_err(), "told once: {more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_packets_stop_nothing() {
    let engine = engine(1);
    let mut peer = Peer::new();
    let (leg, mut events) = engine.open_leg(LegConfig::default()).unwrap();
    leg.connect(agreed(peer.address(), Codec::Pcmu));
    peer.speak(leg.local().address, 500.0, 1);
    until(&mut events, |event| matches!(event, MediaEvent::FirstAudio { .. }).then_some(())).await;
    let mut seed = 0x5eed_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u32
    };
    for n in 0..20_000u32 {
        let mut bytes = packet((next() % 128) as u8, next() % 2 == 0, next() as u16, next(), if next() % 2 == 0 { 1 } else { next() }, &vec![next() as u8; (next() % 1_600) as usize]);
        for _ in 0..next() % 4 {
            let place = next() as usize % bytes.len();
            bytes[place] = next() as u8;
        }
        bytes.truncate(if next() % 3 == 0 { next() as usize % (bytes.len() + 1) } else { bytes.len() });
        peer.socket.send_to(&bytes, leg.local().address).unwrap();
        if n % 500 == 0 {
            tokio::task::yield_now().await;
        }
    }
    peer.forget();
    let id = leg.play(vec![vec![0; 1_600].into()], Repeat::Once);
    until(&mut events, |event| matches!(event, MediaEvent::PlayDone { id: ended, .. } if *ended == id).then_some(())).await;
    assert!(eventually(|| peer.got().len() > 20), "the thread goes on");
    assert!(engine.stats().packets_refused > 0);
}
