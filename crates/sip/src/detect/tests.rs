use super::*;
use crate::media::{FRAME_SAMPLES, Frame};

struct Sound(Vec<i16>);

impl Sound {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// Tones together, each with this peak.
    fn tones(mut self, hz: &[f32], ms: usize, peak: f32) -> Self {
        let start = self.0.len();
        self.0.extend((0..ms * 8).map(|n| hz.iter().map(|hz| peak * (std::f32::consts::TAU * hz * (start + n) as f32 / 8_000.0).sin()).sum::<f32>() as i16));
        self
    }

    fn quiet(self, ms: usize) -> Self {
        self.tones(&[], ms, 0.0)
    }
}

/// All verdicts on a sound that is followed by silence.
fn verdicts(sound: Sound, config: DetectConfig) -> Vec<(Answer, u32)> {
    let mut detector = Detector::new(config);
    let mut audio = sound.0;
    audio.resize(audio.len() + 8_000 * 8, 0);
    audio.as_chunks::<FRAME_SAMPLES>().0.iter().filter_map(|frame: &Frame| detector.hear(frame)).map(|verdict| (verdict.answer, verdict.features.elapsed_ms)).collect()
}

fn answers(sound: Sound) -> Vec<Answer> {
    verdicts(sound, DetectConfig::default()).into_iter().map(|(answer, _)| answer).collect()
}

#[test]
fn silence_is_silence_and_never_a_machine() {
    assert_eq!(verdicts(Sound::new(), DetectConfig::default()), [(Answer::Silence, 6_000)]);
}

#[test]
fn a_fax_machine_is_known_by_its_answering_tone() {
    let found = verdicts(Sound::new().quiet(1_000).tones(&[2_100.0], 3_000, 8_000.0), DetectConfig::default());
    assert_eq!(found[0].0, Answer::Fax);
    assert!((1_400..1_700).contains(&found[0].1), "{found:?}");
}

#[test]
fn special_tones_of_either_kind_are_the_network() {
    for (low, middle, high, ms) in [(950.0, 1_400.0, 1_800.0, 330), (985.2, 1_428.5, 1_776.7, 380), (913.8, 1_370.6, 1_776.7, 274)] {
        let sound = Sound::new().quiet(300).tones(&[low], ms, 6_000.0).tones(&[middle], ms, 6_000.0).tones(&[high], ms, 6_000.0);
        assert_eq!(answers(sound)[0], Answer::NetworkAnnouncement, "{low}");
    }
    assert_eq!(answers(Sound::new().tones(&[400.0], 5_000, 4_000.0))[0], Answer::NetworkAnnouncement, "number unobtainable");
}

fn cadence(hz: &[f32], on: usize, off: usize) -> Sound {
    (0..8).fold(Sound::new().quiet(200), |sound, _| sound.tones(hz, on, 4_000.0).quiet(off))
}

#[test]
fn busy_and_congestion_of_several_countries() {
    for (hz, on, off) in [(&[400.0][..], 375, 375), (&[425.0], 500, 500), (&[425.0], 250, 250), (&[480.0, 620.0], 500, 500), (&[480.0, 620.0], 250, 250), (&[425.0], 200, 200)] {
        let found = verdicts(cadence(hz, on, off), DetectConfig::default());
        assert_eq!(found[0].0, Answer::Busy, "{hz:?} {on}");
        assert!(found[0].1 < 3_000, "{found:?}");
        assert_eq!(verdicts(cadence(hz, on, off), DetectConfig { answered: false, ..DetectConfig::default() })[0].0, Answer::Busy, "before the answer");
    }
}

/// What the network's tones said of the way there says nothing of whoever answers after all.
#[test]
fn a_tone_before_the_answer_is_told_once_and_whoever_answers_is_judged_anew() {
    let mut detector = Detector::new(DetectConfig { answered: false, ..DetectConfig::default() });
    let hear = |detector: &mut Detector, sound: Sound| -> Vec<Answer> {
        sound.0.as_chunks::<FRAME_SAMPLES>().0.iter().filter_map(|frame: &Frame| detector.hear(frame)).map(|verdict| verdict.answer).collect()
    };
    assert_eq!(hear(&mut detector, cadence(&[400.0], 375, 375)), [Answer::Busy]);
    assert!(!detector.finished(), "the call may yet be answered");
    detector.answered();
    assert_eq!(hear(&mut detector, Sound::new().quiet(7_000)), [Answer::Silence]);
}

#[test]
fn ringing_is_nobody() {
    let british = || (0..4).fold(Sound::new(), |sound, _| sound.tones(&[400.0, 450.0], 400, 4_000.0).quiet(200).tones(&[400.0, 450.0], 400, 4_000.0).quiet(2_000));
    let american = || (0..3).fold(Sound::new(), |sound, _| sound.tones(&[440.0, 480.0], 2_000, 4_000.0).quiet(4_000));
    for sound in [british(), american()] {
        assert_eq!(verdicts(sound, DetectConfig { answered: false, ..DetectConfig::default() }), []);
    }
}

#[test]
fn a_beep_and_then_quiet_is_a_voicemail_that_records() {
    for (hz, ms) in [(440.0, 400), (850.0, 200), (1_000.0, 500), (1_400.0, 300), (2_000.0, 1_000)] {
        let found = verdicts(Sound::new().quiet(500).tones(&[hz], ms, 6_000.0), DetectConfig::default());
        assert_eq!(found[0].0, Answer::VoicemailReady, "{hz}");
        let end = 500 + ms as u32;
        let wait = if hz < 670.0 { 1_000 } else { 320 };
        assert!((end..end + wait).contains(&found[0].1), "{hz}: {found:?}");
    }
}

#[test]
fn a_tone_that_something_follows_is_no_beep() {
    let sound = Sound::new().tones(&[1_000.0], 300, 6_000.0).tones(&[300.0, 720.0, 1_130.0, 1_900.0], 3_000, 3_000.0);
    assert!(!answers(sound).contains(&Answer::VoicemailReady));
}

#[test]
fn keys_are_no_beep() {
    let sound = Sound::new().quiet(200).tones(&[770.0, 1_336.0], 150, 5_000.0).quiet(500).tones(&[941.0, 1_477.0], 150, 5_000.0);
    assert!(!answers(sound).contains(&Answer::VoicemailReady));
}

#[test]
fn noise_alone_is_no_speech() {
    let mut seed = 7u32;
    let noise: Vec<i16> = (0..8_000 * 8).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 16) as i16) / 60
    }).collect();
    assert_eq!(answers(Sound(noise)), [Answer::Silence]);
}

#[test]
fn a_verdict_keeps_its_reasons() {
    let mut detector = Detector::new(DetectConfig::default());
    let sound = Sound::new().tones(&[2_100.0], 1_000, 8_000.0);
    let verdict = sound.0.as_chunks::<FRAME_SAMPLES>().0.iter().find_map(|frame| detector.hear(frame)).unwrap();
    assert_eq!((verdict.evidence, verdict.features.before_answer), (Evidence::Tone, false));
    assert!((verdict.features.tone_hz.unwrap() - 2_100.0).abs() < 5.0);
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    assert!(detector.finished());
}
