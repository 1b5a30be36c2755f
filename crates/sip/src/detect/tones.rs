//! The tones of machines and networks, by what is steady in the spectrum and for how long.

use super::spectrum::{HOP_MS, Look};

/// Share of the energy from which a sound is one tone, and how far it may wander.
const PURITY_MIN: f32 = 0.82;
const WANDER_HZ: f32 = 22.0;
const LEVEL_MIN_DBFS: f32 = -42.0;

/// A beep: its length, its frequencies, and how quiet it must be for how long after it.
const BEEP_MS: std::ops::RangeInclusive<u32> = 90..=2_600;
const BEEP_HZ: std::ops::Range<f32> = 350.0..2_500.0;
const BEEP_DROP_DB: f32 = 10.0;
const BEEP_QUIET_MS: u32 = 160;
/// Where a beep might be the first burst of a network's tone, it must stay quiet longer than those pause.
const NETWORK_HZ: std::ops::Range<f32> = 330.0..670.0;
const NETWORK_QUIET_MS: u32 = 720;
/// Hops after the tone in which its end may still ring in the window.
const RINGING_HOPS: u32 = 4;

const FAX_HZ: std::ops::Range<f32> = 2_080.0..2_120.0;
const FAX_MS: u32 = 450;

/// The three special information tones (ITU-T E.180, Q.35), wide enough for the national variants.
const SPECIAL_HZ: [std::ops::Range<f32>; 3] = [880.0..1_035.0, 1_325.0..1_480.0, 1_720.0..1_860.0];
const SPECIAL_MS: std::ops::RangeInclusive<u32> = 150..=520;
const SPECIAL_GAP_MS: u32 = 90;

/// Two tones together, as the network has them, are no voice either.
const LOW_SHARE: f32 = 0.86;
const CADENCE_SHARE: f32 = 0.8;
/// Steps that a tone may be missing without having ended: one lost packet, and the window.
const MISSING_HOPS: u32 = 6;
/// A tone from this length on is no voice, nor is what follows it for a moment.
const TONE_MS: u32 = 40;
const HOLD_MS: u32 = 70;

const STEADY_NETWORK_MS: u32 = 3_000;

/// What was recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sound {
    Fax,
    Special,
    Unobtainable,
    Busy,
    Beep,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tone {
    pub hz: f32,
    pub ms: u32,
    dbfs: f32,
}

#[derive(Debug, Default)]
pub struct Tones {
    now: Option<Tone>,
    /// The last tone that ended, how long ago, and for how long it was quiet since.
    last: Option<(Tone, u32, u32)>,
    /// The first two special tones, as far as heard.
    special: usize,
    fax_told: bool,
    /// Steps without the tone that may be a gap in it, how many of the last were quiet, and what may follow it.
    missing: u32,
    missing_quiet: u32,
    next: Option<Tone>,
    /// Since the last tone ended.
    since_ms: u32,
    /// Until which the end of a tone may still be taken for a voice.
    hold_ms: u32,
    /// How long all of the sound is where the network's tones are, two together included.
    low_ms: u32,
    cadence: Cadence,
}

impl Tones {
    /// The tone that is heard now, or was heard last.
    #[must_use]
    pub fn tone(&self) -> Option<Tone> {
        self.now.or(self.last.map(|(tone, ..)| tone))
    }

    /// Whether what sounds now is a tone and so no voice.
    #[must_use]
    pub fn sounding(&self) -> bool {
        self.hold_ms > 0
    }

    /// Whether a network's tone may be under way: a verdict on voices waits for its next burst.
    #[must_use]
    pub fn suspicious(&self) -> bool {
        self.cadence.waiting()
    }

    /// One step. `after_speech`: somebody spoke before, so that a low tone is hardly the network's.
    pub fn step(&mut self, look: &Look, after_speech: bool) -> Option<Sound> {
        let low = look.low_share >= LOW_SHARE && look.dbfs >= LEVEL_MIN_DBFS;
        self.low_ms = if low { self.low_ms + HOP_MS } else { 0 };
        self.since_ms = self.since_ms.saturating_add(HOP_MS);
        let toned = self.now.is_some_and(|tone| tone.ms >= TONE_MS) || self.low_ms >= TONE_MS;
        self.hold_ms = if toned { HOLD_MS } else { self.hold_ms.saturating_sub(HOP_MS) };
        let pure = look.purity >= PURITY_MIN && look.dbfs >= LEVEL_MIN_DBFS;
        let same = pure && self.now.is_some_and(|tone| (tone.hz - look.peak_hz).abs() <= WANDER_HZ);
        let found = if same { self.goes_on(look) } else { None };
        if !same {
            self.differs(look, pure);
        }
        let beep = self.quiet_after(look, after_speech);
        let busy = self.cadence.step(look);
        found.or(busy.then_some(Sound::Busy)).or(beep.then_some(Sound::Beep))
    }

    fn goes_on(&mut self, look: &Look) -> Option<Sound> {
        let tone = self.now.as_mut()?;
        let before_ms = tone.ms;
        // A packet that was lost within the tone counts as tone.
        tone.ms += HOP_MS * (1 + std::mem::take(&mut self.missing));
        self.next = None;
        self.missing_quiet = 0;
        let weight = 10.0 / tone.ms.min(200) as f32;
        tone.hz += weight * (look.peak_hz - tone.hz);
        tone.dbfs += weight * (look.dbfs - tone.dbfs);
        let tone = *tone;
        if FAX_HZ.contains(&tone.hz) && tone.ms >= FAX_MS && !self.fax_told {
            self.fax_told = true;
            return Some(Sound::Fax);
        }
        let passed = |ms: u32| before_ms < ms && tone.ms >= ms;
        if self.special == 2 && SPECIAL_HZ[2].contains(&tone.hz) && passed(*SPECIAL_MS.start() + 30) {
            self.special = 0;
            return Some(Sound::Special);
        }
        (passed(STEADY_NETWORK_MS) && NETWORK_HZ.contains(&tone.hz)).then_some(Sound::Unobtainable)
    }

    /// Something else than the tone: a gap in it, its end, or another one.
    fn differs(&mut self, look: &Look, pure: bool) {
        let fresh = Tone { hz: look.peak_hz, ms: HOP_MS, dbfs: look.dbfs };
        let Some(tone) = self.now.filter(|tone| tone.ms >= TONE_MS) else {
            self.now = pure.then_some(fresh);
            return;
        };
        self.missing += 1;
        self.missing_quiet = if look.dbfs <= tone.dbfs - BEEP_DROP_DB { self.missing_quiet + 1 } else { 0 };
        self.next = match self.next {
            Some(next) if pure && (next.hz - look.peak_hz).abs() <= WANDER_HZ => Some(Tone { ms: next.ms + HOP_MS, ..next }),
            _ => pure.then_some(fresh),
        };
        if self.missing >= MISSING_HOPS {
            self.ends(tone);
        }
    }

    fn ends(&mut self, ended: Tone) {
        let missing_ms = std::mem::take(&mut self.missing) * HOP_MS;
        let gap = self.since_ms.saturating_sub(ended.ms + missing_ms);
        let expected = SPECIAL_HZ.get(self.special).is_some_and(|range| range.contains(&ended.hz)) && SPECIAL_MS.contains(&ended.ms) && (self.special == 0 || gap <= SPECIAL_GAP_MS);
        self.special = if expected { self.special + 1 } else { usize::from(SPECIAL_HZ[0].contains(&ended.hz) && SPECIAL_MS.contains(&ended.ms)) };
        self.since_ms = missing_ms;
        self.last = Some((ended, missing_ms, std::mem::take(&mut self.missing_quiet) * HOP_MS));
        self.now = self.next.take();
    }

    /// Whether a beep is now complete: a steady tone, and then quiet for long enough.
    fn quiet_after(&mut self, look: &Look, after_speech: bool) -> bool {
        let Some((tone, ago, quiet)) = &mut self.last else { return false };
        *ago += HOP_MS;
        if look.dbfs <= tone.dbfs - BEEP_DROP_DB {
            *quiet += HOP_MS;
        } else if *ago > RINGING_HOPS * HOP_MS {
            // Something else followed: no beep, now or later.
            *quiet = 0;
            *ago = (*ago).max(60_000);
        }
        let wanted = if NETWORK_HZ.contains(&tone.hz) && !after_speech { NETWORK_QUIET_MS } else { BEEP_QUIET_MS };
        let shape = BEEP_MS.contains(&tone.ms) && BEEP_HZ.contains(&tone.hz) && !(FAX_HZ.contains(&tone.hz) && tone.ms >= FAX_MS);
        shape && *ago < 60_000 && *quiet == wanted
    }
}

/// Busy and congestion: a low tone that comes and goes in even time.
#[derive(Debug, Default)]
struct Cadence {
    on: bool,
    /// Hops that look otherwise than the state, so that one of them changes nothing.
    doubt: u32,
    length_ms: u32,
    last_on_ms: u32,
    last_period_ms: u32,
    even: u32,
}

impl Cadence {
    fn step(&mut self, look: &Look) -> bool {
        self.length_ms += HOP_MS;
        let on = look.low_share >= CADENCE_SHARE && look.dbfs >= LEVEL_MIN_DBFS;
        if on == self.on {
            self.doubt = 0;
            return false;
        }
        self.doubt += 1;
        if self.doubt < 3 {
            return false;
        }
        let length = self.length_ms - 3 * HOP_MS;
        self.on = on;
        self.doubt = 0;
        self.length_ms = 3 * HOP_MS;
        if !on {
            self.last_on_ms = length;
            return false;
        }
        self.begins(length)
    }

    /// A burst of plausible length ended a moment ago, or one sounds.
    fn waiting(&self) -> bool {
        if self.on { self.length_ms >= 100 } else { (150..=620).contains(&self.last_on_ms) && self.length_ms <= 800 }
    }

    /// Another burst begins, `off_ms` after the last one.
    fn begins(&mut self, off_ms: u32) -> bool {
        let plausible = (150..=620).contains(&self.last_on_ms) && (150..=680).contains(&off_ms);
        let period = self.last_on_ms + off_ms;
        let even = plausible && period.abs_diff(self.last_period_ms) * 100 <= period * 9;
        self.even = if even { self.even + 1 } else { 0 };
        self.last_period_ms = if plausible { period } else { 0 };
        self.even == 1
    }
}
