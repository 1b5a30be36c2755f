use super::*;
use crate::detect::{Answer, DetectConfig};
use crate::negotiated::SrtpKey;

const FAR: &str = "192.0.2.7:4000";

fn settings() -> LegSettings {
    LegSettings { latch: Latch::SameHost, timeout: Duration::from_secs(5) }
}

fn agreed(srtp: Option<(SrtpKey, SrtpKey)>) -> NegotiatedMedia {
    NegotiatedMedia { remote: FAR.parse().unwrap(), codec: Codec::Pcma, telephone_event: Some(101), direction: Direction::SendReceive, packet_ms: 20, srtp }
}

fn leg(chance: u128, start: Instant, srtp: Option<(SrtpKey, SrtpKey)>) -> Leg {
    let mut leg = Leg::new(settings(), chance, start);
    leg.connect(agreed(srtp), start);
    leg
}

fn at(start: Instant, turn: u64) -> Instant {
    start + Duration::from_millis(turn * 20)
}

fn tone_frame(hz: f32, turn: u64) -> Frame {
    std::array::from_fn(|n| (9_000.0 * (std::f32::consts::TAU * hz * (turn as usize * 160 + n) as f32 / 8_000.0).sin()) as i16)
}

/// The packets of one leg that plays a tone.
fn spoken(leg: &mut Leg, start: Instant, turns: u64) -> Vec<Vec<u8>> {
    let audio: Vec<i16> = (0..turns).flat_map(|turn| tone_frame(500.0, turn)).collect();
    leg.play(PlayId(1), vec![audio.into()], Repeat::Once, start);
    let mut packets = Vec::new();
    for turn in 0..turns {
        leg.speak(None, at(start, turn), |packet, _| packets.push(packet.to_vec()));
    }
    packets
}

fn share(audio: &[i16], hz: f32) -> f32 {
    let (mut real, mut imaginary, mut energy) = (0.0f64, 0.0f64, 1.0f64);
    for (n, sample) in audio.iter().enumerate() {
        let (turn, value) = (std::f64::consts::TAU * f64::from(hz) * n as f64 / 8_000.0, f64::from(*sample));
        real += value * turn.cos();
        imaginary += value * turn.sin();
        energy += value * value;
    }
    (2.0 * (real * real + imaginary * imaginary) / audio.len() as f64 / energy) as f32
}

#[test]
fn loss_reordering_and_doubling_are_hardly_heard() {
    let start = Instant::now();
    let packets = spoken(&mut leg(1, start, None), start, 300);
    let mut hearing = leg(2, start, None);
    let mut audio = Vec::new();
    for turn in 0..300usize {
        // Every 25th is lost, every 10th comes two turns late, every 7th twice.
        let mut arriving: Vec<usize> = Vec::new();
        if turn % 25 != 24 && turn % 10 != 5 {
            arriving.push(turn);
        }
        if turn % 10 == 7 && turn >= 2 {
            arriving.push(turn - 2);
        }
        if turn % 7 == 0 && turn % 25 != 24 {
            arriving.push(turn);
        }
        for n in arriving {
            hearing.receive(&mut packets[n].clone(), FAR.parse().unwrap(), at(start, turn as u64));
        }
        hearing.listen(at(start, turn as u64));
        audio.extend(hearing.heard());
    }
    assert_eq!(hearing.refused, 0);
    let whole = &audio[8_000..46_000];
    let good = whole.chunks(800).filter(|part| share(part, 500.0) > 0.9).count();
    assert!(good >= 42, "{good} of {}", whole.chunks(800).count());
    let quality = hearing.quality();
    assert!((8..=16).contains(&quality.packets_lost) || quality.packets_received > 290, "{quality:?}");
}

fn key(byte: u8) -> SrtpKey {
    SrtpKey([byte; 30])
}

#[test]
fn an_encrypted_leg_hears_its_far_end_and_nobody_else() {
    let start = Instant::now();
    let mut speaking = leg(1, start, Some((key(1), key(2))));
    let packets = spoken(&mut speaking, start, 100);
    assert!(packets.iter().all(|packet| packet.len() == 182 && share(&packet[12..172].iter().map(|byte| i16::from(*byte)).collect::<Vec<_>>(), 500.0) < 0.5));
    let run = |ours: u8, theirs: u8, forged: bool| {
        let mut hearing = leg(2, start, Some((key(ours), key(theirs))));
        let mut audio = Vec::new();
        for (turn, packet) in packets.iter().enumerate() {
            let mut packet = packet.clone();
            if forged {
                packet[40] ^= 1;
            }
            hearing.receive(&mut packet, FAR.parse().unwrap(), at(start, turn as u64));
            hearing.listen(at(start, turn as u64));
            audio.extend(*hearing.heard());
        }
        (share(&audio[3_200..], 500.0), hearing.refused, hearing.next_event())
    };
    let (heard, refused, event) = run(2, 1, false);
    assert!(heard > 0.95 && refused == 0 && event.is_some(), "{heard} {refused}");
    for (theirs, forged) in [(3, false), (1, true)] {
        let (heard, refused, event) = run(2, theirs, forged);
        assert!(heard < 0.1 && refused == 100 && event.is_none(), "{heard} {refused} {event:?}");
    }
    let mut plain = leg(3, start, None);
    let mut hearing = leg(2, start, Some((key(2), key(1))));
    for packet in spoken(&mut plain, start, 20) {
        hearing.receive(&mut packet.clone(), FAR.parse().unwrap(), start);
    }
    assert_eq!(hearing.refused, 20, "what is not encrypted is not heard where encryption was agreed on");
}

#[test]
fn reports_tell_each_end_what_the_other_loses() {
    let start = Instant::now();
    for srtp in [false, true] {
        let (one_keys, other_keys) = if srtp { (Some((key(1), key(2))), Some((key(2), key(1)))) } else { (None, None) };
        let (mut one, mut other) = (leg(1, start, one_keys), leg(2, start, other_keys));
        for (n, packet) in spoken(&mut one, start, 100).iter().enumerate().filter(|(n, _)| n % 4 != 3) {
            other.receive(&mut packet.clone(), FAR.parse().unwrap(), at(start, n as u64));
        }
        let mut report = Vec::new();
        other.report(at(start, 100), |packet, target| {
            assert_eq!(target.port(), 4_001);
            report = packet.to_vec();
        });
        one.receive_report(&mut report, FAR.parse().unwrap(), at(start, 100));
        let loss = one.quality().far_end_loss_256.unwrap();
        assert!((60..=66).contains(&loss), "a quarter: {loss}");
        assert_eq!(other.quality().packets_lost, 24, "the last is not missed yet");
    }
}

#[test]
fn strangers_and_noise_change_nothing() {
    let start = Instant::now();
    let packets = spoken(&mut leg(1, start, None), start, 200);
    let mut hearing = leg(2, start, None);
    let mut seed = 77u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u32
    };
    let mut audio = Vec::new();
    for (turn, packet) in packets.iter().enumerate() {
        let now = at(start, turn as u64);
        hearing.receive(&mut packet.clone(), FAR.parse().unwrap(), now);
        for _ in 0..50 {
            let mut noise: Vec<u8> = (0..next() % 400).map(|_| next() as u8).collect();
            if let Some(first) = noise.first_mut().filter(|_| next() % 2 == 0) {
                *first = 0x80;
            }
            let from = ["192.0.2.7:4000", "192.0.2.7:9", "198.51.100.1:4000"][next() as usize % 3];
            hearing.receive(&mut noise.clone(), from.parse().unwrap(), now);
            hearing.receive_report(&mut noise, from.parse().unwrap(), now);
        }
        hearing.listen(now);
        audio.extend(*hearing.heard());
    }
    assert!(share(&audio[3_200..], 500.0) > 0.99);
    assert_eq!(hearing.target(), Some(FAR.parse().unwrap()));
}

#[test]
fn a_key_that_stays_goes_on_where_it_was_when_the_other_changes() {
    let start = Instant::now();
    let mut speaking = leg(1, start, Some((key(1), key(2))));
    let mut hearing = leg(2, start, Some((key(2), key(1))));
    let mut packets = spoken(&mut speaking, start, 70_000);
    speaking.connect(agreed(Some((key(1), key(3)))), start);
    packets.extend(spoken(&mut speaking, start, 50));
    for (turn, packet) in packets.iter_mut().enumerate() {
        hearing.receive(packet, FAR.parse().unwrap(), at(start, turn as u64));
    }
    assert_eq!(hearing.refused, 0, "70,000 packets are more than a count of sequence numbers, and the count of those goes on too");
}

#[test]
fn keys_are_heard_by_our_number_and_by_theirs() {
    let start = Instant::now();
    for number in [96, TELEPHONE_EVENT] {
        let mut sending = leg(1, start, None);
        sending.connect(NegotiatedMedia { telephone_event: Some(number), ..agreed(None) }, start);
        sending.send_keys(&[Key::from_char('9').unwrap()]);
        let mut hearing = leg(2, start, None);
        hearing.connect(NegotiatedMedia { telephone_event: Some(96), ..agreed(None) }, start);
        for turn in 0..40 {
            sending.speak(None, at(start, turn), |packet, _| hearing.receive(&mut packet.to_vec(), FAR.parse().unwrap(), at(start, turn)));
        }
        let heard: Vec<char> = std::iter::from_fn(|| hearing.next_event()).filter_map(|event| if let MediaEvent::Key { key, .. } = event { Some(key.as_char()) } else { None }).collect();
        assert_eq!(heard, ['9'], "{number}");
    }
}

#[test]
fn whoever_holds_us_without_music_is_not_gone() {
    let start = Instant::now();
    let mut leg = leg(1, start, None);
    let timeouts = |leg: &mut Leg, from: u64| {
        (from..from + 600).for_each(|turn| leg.listen(at(start, turn)));
        std::iter::from_fn(|| leg.next_event()).filter(|event| matches!(event, MediaEvent::Timeout { .. })).count()
    };
    leg.connect(NegotiatedMedia { direction: Direction::ReceiveOnly, ..agreed(None) }, start);
    assert_eq!(timeouts(&mut leg, 0), 0);
    leg.connect(agreed(None), at(start, 600));
    assert_eq!(timeouts(&mut leg, 600), 1, "once they have taken up again, they are to be heard");
}

#[test]
fn the_first_sound_is_told_once_and_a_click_or_an_empty_line_is_none() {
    let start = Instant::now();
    let heard = |level: i16, frames: u64| {
        let (mut speaking, mut hearing) = (leg(1, start, None), leg(2, start, None));
        hearing.listen_for_sound();
        speaking.play(PlayId(1), vec![vec![level; 160 * frames as usize].into()], Repeat::Once, start);
        for turn in 0..100 {
            speaking.speak(None, at(start, turn), |packet, _| hearing.receive(&mut packet.to_vec(), FAR.parse().unwrap(), at(start, turn)));
            hearing.listen(at(start, turn));
        }
        std::iter::from_fn(|| hearing.next_event()).filter(|event| matches!(event, MediaEvent::Sounded { .. })).count()
    };
    assert_eq!((heard(3_000, 60), heard(3_000, 1), heard(30, 60)), (1, 0, 0));
}

#[test]
fn what_is_heard_is_judged_and_time_out_is_told_once() {
    let start = Instant::now();
    let mut leg = leg(1, start, None);
    leg.listen_for(Some(Box::new(Detector::new(DetectConfig::default()))));
    let mut told = Vec::new();
    for turn in 0..600 {
        leg.listen(at(start, turn));
        while let Some(event) = leg.next_event() {
            told.push(match event {
                MediaEvent::Detected { verdict, .. } => {
                    assert_eq!(verdict.answer, Answer::Silence);
                    "silence"
                }
                MediaEvent::Timeout { .. } => "timeout",
                other => panic!("{other:?}"),
            });
        }
    }
    assert_eq!(told, ["timeout", "silence"]);
}

#[test]
fn a_prompt_comes_before_the_bridge_and_keys_before_both() {
    let start = Instant::now();
    let mut leg = leg(1, start, None);
    let bridged = [5_000; FRAME_SAMPLES];
    let mut kinds = Vec::new();
    leg.play(PlayId(1), vec![vec![1_000; 320].into()], Repeat::Once, start);
    for turn in 0..12 {
        if turn == 4 {
            leg.send_keys(&[Key::from_char('5').unwrap()]);
        }
        leg.speak(Some(&bridged), at(start, turn), |packet, _| {
            let (header, begin) = Header::read(packet).unwrap();
            let mut samples = [0; 160];
            g711::decode(Codec::Pcma, &packet[begin..], &mut samples);
            kinds.push(match (header.payload_type, samples[80]) {
                (101, _) => 'k',
                (_, 900..1_100) => 'p',
                (_, 4_800..5_200) => 'b',
                _ => '.',
            });
        });
    }
    assert_eq!(kinds.iter().collect::<String>(), "ppbbkkkkkkkk..");
}
