//! The detector of one leg.

use std::time::Duration;

use super::DETECTOR_VERSION;
use super::spectrum::{HOP, Spectrum};
use super::timing::Timing;
use super::tones::{Sound, Tones};
use super::verdict::{Answer, Evidence, Features, Verdict};
use super::voice::Voice;
use crate::media::{FRAME_MS, Frame};

#[derive(Debug, Clone, Copy)]
pub struct DetectConfig {
    /// The call is answered already. Otherwise only tones are listened for until `answered`: a ringing tone is no machine.
    pub answered: bool,
    /// After so long a first verdict is given in any case: silence, or unsure.
    pub decide_by: Duration,
    /// After so long nothing is listened for any more.
    pub listen_for: Duration,
    /// A greeting that was followed by so much quiet has ended: its voicemail records.
    pub quiet_after_greeting: Duration,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self { answered: true, decide_by: Duration::from_secs(6), listen_for: Duration::from_secs(60), quiet_after_greeting: Duration::from_millis(2_500) }
    }
}

impl DetectConfig {
    /// The detector with these settings, by a name of its own: its version, and the times in milliseconds by which it decides, to which it listens,
    /// and after which a quiet greeting has ended.
    #[must_use]
    pub fn name(&self) -> String {
        let [decide, listen, quiet] = [self.decide_by, self.listen_for, self.quiet_after_greeting].map(ms);
        format!("{DETECTOR_VERSION}/{decide}/{listen}/{quiet}")
    }
}

pub struct Detector {
    config: DetectConfig,
    answered: bool,
    elapsed_ms: u64,
    spectrum: Spectrum,
    tones: Tones,
    voice: Voice,
    timing: Timing,
    last: Option<Answer>,
    beep_told: bool,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Detector {
    #[must_use]
    pub fn new(config: DetectConfig) -> Self {
        Self { config, answered: config.answered, elapsed_ms: 0, spectrum: Spectrum::default(), tones: Tones::default(), voice: Voice::default(), timing: Timing::default(), last: None, beep_told: false }
    }

    /// The call is answered: from now on it is somebody's voice that counts. What the network's tones had said was said of the way there.
    pub fn answered(&mut self) {
        if !self.answered {
            self.answered = true;
            self.elapsed_ms = 0;
            (self.last, self.beep_told) = (None, false);
            self.timing.restart();
            self.tones = Tones::default();
        }
    }

    /// Nothing is left to say. Before the answer there always is: the call may yet be answered.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.answered && (self.elapsed_ms >= ms(self.config.listen_for) || self.heard_a_last_tone())
    }

    fn heard_a_last_tone(&self) -> bool {
        matches!(self.last, Some(Answer::Fax | Answer::Busy | Answer::NetworkAnnouncement))
    }

    /// Whether somebody speaks now.
    #[must_use]
    pub fn speaking(&self) -> bool {
        self.timing.speaking()
    }

    /// Hears 20 ms.
    pub fn hear(&mut self, frame: &Frame) -> Option<Verdict> {
        if self.finished() || self.heard_a_last_tone() {
            return None;
        }
        self.elapsed_ms += FRAME_MS;
        let (mut sound, mut dbfs) = (None, -100.0f32);
        for hop in frame.as_chunks::<HOP>().0 {
            let look = self.spectrum.step(hop);
            dbfs = dbfs.max(look.dbfs);
            sound = sound.or(self.tones.step(&look, self.answered && self.timing.spoke()));
        }
        if self.answered {
            let (timing, tone) = (&mut self.timing, self.tones.sounding());
            // Softer than this is the line, whatever the network says.
            let audible = dbfs > -50.0;
            self.voice.hear(frame, |voice| timing.step(voice && audible && !tone, dbfs));
        }
        let (answer, evidence) = sound.and_then(|sound| self.by_tone(sound)).or_else(|| self.by_timing())?;
        self.last = Some(answer);
        Some(Verdict { answer, evidence, features: self.features() })
    }

    fn by_tone(&mut self, sound: Sound) -> Option<(Answer, Evidence)> {
        match sound {
            Sound::Fax => Some((Answer::Fax, Evidence::Tone)),
            Sound::Special | Sound::Unobtainable => Some((Answer::NetworkAnnouncement, Evidence::Tone)),
            Sound::Busy => Some((Answer::Busy, Evidence::Tone)),
            Sound::Beep if self.answered && !self.beep_told => {
                self.beep_told = true;
                Some((Answer::VoicemailReady, Evidence::Beep))
            }
            Sound::Beep => None,
        }
    }

    fn by_timing(&mut self) -> Option<(Answer, Evidence)> {
        if !self.answered || self.tones.sounding() || self.tones.suspicious() {
            return None;
        }
        // Whoever was silent may speak yet.
        let last = self.last.filter(|last| *last != Answer::Silence);
        if let Some(answer) = self.timing.judge(last) {
            return Some((answer, Evidence::Timing));
        }
        match self.last {
            None if self.elapsed_ms >= ms(self.config.decide_by) => Some(if self.timing.heard_speech() { (self.timing.time_is_up(), Evidence::Timing) } else { (Answer::Silence, Evidence::Quiet) }),
            Some(Answer::Machine) if u64::from(self.timing.pause_ms()) >= ms(self.config.quiet_after_greeting) => Some((Answer::VoicemailReady, Evidence::Quiet)),
            _ => None,
        }
    }

    /// What a verdict at this moment would rest on.
    #[must_use]
    pub fn features(&self) -> Features {
        let tone = self.tones.tone();
        let elapsed_ms = u32::try_from(self.elapsed_ms).unwrap_or(u32::MAX);
        Features { elapsed_ms, before_answer: !self.answered, tone_hz: tone.map(|tone| tone.hz), tone_ms: tone.map_or(0, |tone| tone.ms), ..self.timing.features() }
    }
}
