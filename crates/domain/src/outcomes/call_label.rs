//! Who really answered, by a person's ear; and how often the detector was wrong, with what is sure about it (UK-4).

use std::collections::BTreeMap;

use crate::compliance::abandonment::SAMPLE_MIN;
use crate::outcomes::answered_by::AnsweredBy;
use crate::word::words;

words! {
    /// A listener's word for who took a call.
    pub enum CallLabel {
        Human = "human",
        /// A recorded greeting.
        Machine = "machine",
        /// A beep, or the end of a greeting: a message may be left.
        Voicemail = "voicemail",
        Fax = "fax",
        /// The network's own announcement.
        Announcement = "announcement",
        BusyTone = "busy_tone",
        Silence = "silence",
    }
}

/// The detector and its settings, whose mistakes are measured: its version, then the times in milliseconds by which it decides,
/// to which it listens, and after which a quiet greeting has ended. A change of any is another detector, which nobody has measured yet.
/// A test of the engine holds it to the detector that runs.
pub const DETECTOR: &str = "3/6000/60000/2500";

/// The confidence of every bound, in percent.
pub const CONFIDENCE_PERCENT: u8 = 95;

/// One cell of the table of confusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub label: CallLabel,
    /// The detector's word; `unsure` where it had none.
    pub judged: AnsweredBy,
    pub n: u32,
}

/// What was labelled of one detector's calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confusion {
    cells: BTreeMap<(CallLabel, AnsweredBy), u32>,
}

/// Some of so many, and the bounds between which the true share lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub of: u32,
    pub n: u32,
    /// In ten-thousandths, rounded outwards.
    pub low_bp: u32,
    pub high_bp: u32,
}

impl FromIterator<Cell> for Confusion {
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        let mut confusion = Self::default();
        for cell in cells {
            *confusion.cells.entry((cell.label, cell.judged)).or_default() += cell.n;
        }
        confusion
    }
}

impl Confusion {
    #[must_use]
    pub fn of(&self, label: CallLabel, judged: AnsweredBy) -> u32 {
        self.cells.get(&(label, judged)).copied().unwrap_or(0)
    }

    fn sum(&self, wanted: impl Fn(CallLabel, AnsweredBy) -> bool) -> u32 {
        self.cells.iter().filter(|((label, judged), _)| wanted(*label, *judged)).map(|(_, n)| n).sum()
    }

    #[must_use]
    pub fn labelled(&self) -> u32 {
        self.sum(|_, _| true)
    }

    /// Of the people, those whom the detector took for something else: its rate of false positives.
    #[must_use]
    pub fn people_mistaken(&self) -> Share {
        Share::new(self.sum(|label, judged| label == CallLabel::Human && !judged.may_be_a_person()), self.sum(|label, _| label == CallLabel::Human))
    }

    /// Of the calls given to a machine, those that were a person's: what the abandoned rate takes in (UK-4).
    #[must_use]
    pub fn machines_mistaken(&self) -> Share {
        Share::new(self.sum(|label, judged| label == CallLabel::Human && judged.is_voicemail()), self.sum(|_, judged| judged.is_voicemail()))
    }

    /// Of the machines, those that were known as one.
    #[must_use]
    pub fn machines_found(&self) -> Share {
        let machine = |label| matches!(label, CallLabel::Machine | CallLabel::Voicemail);
        Share::new(self.sum(|label, judged| machine(label) && judged.is_voicemail()), self.sum(|label, _| machine(label)))
    }

    /// Labelled calls that are still missing before a script may act on machines.
    #[must_use]
    pub fn missing(&self) -> u32 {
        SAMPLE_MIN.saturating_sub(self.machines_mistaken().of)
    }
}

/// What the search for a bound leaves open, in ten-thousandths: it must not move a bound that is a whole number.
const NOISE: f64 = 1e-6;

impl Share {
    /// The bounds are Clopper and Pearson's: exact for any number, never too narrow.
    #[must_use]
    pub fn new(n: u32, of: u32) -> Self {
        let tail = f64::from(100 - CONFIDENCE_PERCENT) / 200.0;
        let n = n.min(of);
        // At least n are as unlikely as `tail` at the low bound, at most n at the high one.
        let low = if n == 0 { 0.0 } else { bisect(|p| 1.0 - at_most(n - 1, of, p) < tail) };
        let high = if n == of { 1.0 } else { bisect(|p| at_most(n, of, p) > tail) };
        Self { of, n, low_bp: (low * 10_000.0 + NOISE).floor() as u32, high_bp: (high * 10_000.0 - NOISE).ceil() as u32 }
    }

    /// n of so many, in ten-thousandths, rounded to the next; `None` of nothing.
    #[must_use]
    pub fn bp(&self) -> Option<u32> {
        let (n, of) = (u64::from(self.n), u64::from(self.of));
        (of > 0).then(|| u32::try_from((n * 10_000 + of / 2) / of).unwrap_or(u32::MAX))
    }
}

/// The share up to which `below` holds.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if below(middle) { low = middle } else { high = middle }
    }
    low
}

/// How likely at most `n` of `of` are, when each is with the chance `p`: a binomial sum, by logarithms so that it holds for many.
fn at_most(n: u32, of: u32, p: f64) -> f64 {
    if p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return if n >= of { 1.0 } else { 0.0 };
    }
    let (yes, no) = (p.ln(), (-p).ln_1p());
    let mut choose = 0.0f64;
    let mut sum = 0.0f64;
    for k in 0..=n.min(of) {
        if k > 0 {
            choose += f64::from(of - k + 1).ln() - f64::from(k).ln();
        }
        sum += (choose + f64::from(k) * yes + f64::from(of - k) * no).exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_tables() {
        // Clopper-Pearson at 95 %, from the beta distribution's quantiles.
        for (n, of, low_bp, high_bp) in [(0, 100, 0, 363), (1, 100, 2, 545), (5, 100, 164, 1_129), (10, 20, 2_719, 7_281), (100, 100, 9_637, 10_000), (3, 1_000, 6, 88), (0, 1, 0, 9_750)] {
            let share = Share::new(n, of);
            assert_eq!((share.low_bp, share.high_bp), (low_bp, high_bp), "{n} of {of}");
        }
        let nothing = Share::new(0, 0);
        assert_eq!((nothing.bp(), nothing.low_bp, nothing.high_bp), (None, 0, 10_000), "nothing is known of nothing");
        let many = Share::new(500, 100_000);
        assert!((45..50).contains(&many.low_bp) && (51..56).contains(&many.high_bp), "{many:?}");
    }

    #[test]
    fn counts_people_by_what_they_were_taken_for() {
        let cell = |label, judged, n| Cell { label, judged, n };
        let confusion: Confusion = [
            cell(CallLabel::Human, AnsweredBy::Human, 180),
            cell(CallLabel::Human, AnsweredBy::Unsure, 15),
            cell(CallLabel::Human, AnsweredBy::Machine, 3),
            cell(CallLabel::Human, AnsweredBy::BusyTone, 2),
            cell(CallLabel::Machine, AnsweredBy::Machine, 60),
            cell(CallLabel::Voicemail, AnsweredBy::VoicemailReady, 20),
            cell(CallLabel::Machine, AnsweredBy::Human, 20),
        ]
        .into_iter()
        .collect();
        assert_eq!(confusion.labelled(), 300);
        let (people, machines, found) = (confusion.people_mistaken(), confusion.machines_mistaken(), confusion.machines_found());
        assert_eq!((people.n, people.of, people.bp()), (5, 200, Some(250)), "a person taken for a busy line is lost too");
        assert_eq!((machines.n, machines.of), (3, 83));
        assert_eq!((found.n, found.of), (80, 100));
        assert_eq!(confusion.missing(), 17);
        assert_eq!(confusion.of(CallLabel::Human, AnsweredBy::Silence), 0);
    }
}
