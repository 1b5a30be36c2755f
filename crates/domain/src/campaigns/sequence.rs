//! A campaign of several steps: what follows when, what ends it for a person, and whether it goes on taking people in.
//!
//! A campaign says its first step itself. A plain campaign is a sequence of that one step.

use std::fmt;
use std::str::FromStr;

use crate::attempts::recording::RecordingSettings;
use crate::campaigns::call_pacing::CallPacing;
use crate::campaigns::campaign::Channel;
use crate::campaigns::retry::RetryRules;
use crate::outcomes::disposition::Disposition;
use crate::outcomes::reply::ReplyMeaning;
use crate::time::{DAY_MS, HOUR_MS, Instant};
use crate::word::words;

/// The first included.
pub const STEPS_MAX: usize = 10;
pub const WAIT_HOURS_MAX: u32 = 90 * 24;
pub const STOP_WORDS_MAX: usize = 20;
pub const STOP_WORD_LETTERS_MAX: usize = 20;
/// What is kept of people in it goes by the campaign's end: it must have one within sight.
pub const EVERGREEN_DAYS_MAX: i64 = 366;
pub const AGAIN_AFTER_DAYS_MAX: u16 = 3 * 366;
pub const TOLD_REASON_LETTERS_MAX: usize = 24;

words! {
    /// From when a wait counts.
    pub enum WaitFrom {
        /// The person's last attempt in the previous step, whatever became of it.
        LastTry = "last_try",
        /// Their first in it: tries in between do not put the next step off.
        FirstTry = "first_try",
    }
}

/// How long after the previous step the next one begins for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    #[serde(default)]
    pub days: u16,
    #[serde(default)]
    pub hours: u16,
    #[serde(default = "WaitFrom::of_a_wait")]
    pub from: WaitFrom,
}

impl WaitFrom {
    fn of_a_wait() -> Self {
        Self::LastTry
    }
}

impl Wait {
    #[must_use]
    pub fn hours_in_all(self) -> u32 {
        u32::from(self.days) * 24 + u32::from(self.hours)
    }

    /// When the next step is due: never before now.
    #[must_use]
    pub fn due(self, first_try: Instant, last_try: Instant, now: Instant) -> Instant {
        let from = match self.from {
            WaitFrom::FirstTry => first_try,
            WaitFrom::LastTry => last_try,
        };
        from.plus_ms(i64::from(self.days) * DAY_MS + i64::from(self.hours) * HOUR_MS).max(now)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |n: u16, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        let long = match (self.days, self.hours) {
            (0, hours) => some(hours, "hour"),
            (days, 0) => some(days, "day"),
            (days, hours) => format!("{} and {}", some(days, "day"), some(hours, "hour")),
        };
        let from = match self.from {
            WaitFrom::LastTry => "the last try of the step before",
            WaitFrom::FirstTry => "the first try of the step before",
        };
        write!(f, "{long} after {from}")
    }
}

/// A step after the first. Purpose, ground in law, audience and hours are the campaign's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceStep {
    pub wait: Wait,
    pub channel: Channel,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub script: String,
    pub sender: String,
    #[serde(default)]
    pub call_pacing: CallPacing,
    #[serde(default)]
    pub recording: RecordingSettings,
    pub retry: RetryRules,
    pub rate_per_second: u32,
}

words! {
    /// Which replies end it.
    pub enum ReplyStop {
        Any = "any",
        /// Those with one of the campaign's words in them.
        Words = "words",
        Never = "never",
    }
}

words! {
    /// What becomes of a person whom the rules refuse at a step. A suppression always ends it.
    pub enum AfterRefusal {
        Stop = "stop",
        NextStep = "next_step",
    }
}

/// What ends a sequence for a person before its last step. An opt-out and a suppression always do, and so does a word of the API.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopRules {
    pub replies: ReplyStop,
    /// For `words`: in capitals or not, each a whole word of the reply.
    pub words: Vec<String>,
    pub put_through: bool,
    pub outcomes: Vec<Disposition>,
    pub after_refusal: AfterRefusal,
}

impl Default for StopRules {
    fn default() -> Self {
        Self { replies: ReplyStop::Any, words: Vec::new(), put_through: true, outcomes: Vec::new(), after_refusal: AfterRefusal::Stop }
    }
}

impl StopRules {
    /// Why a reply ends it; `None` when it goes on. `text` is read here and kept nowhere.
    #[must_use]
    pub fn on_reply(&self, meaning: ReplyMeaning, text: &str) -> Option<EndReason> {
        if meaning.opts_out() {
            return Some(EndReason::OptOut);
        }
        let counts = match self.replies {
            // A machine answers these two; they say nothing about the matter.
            _ if matches!(meaning, ReplyMeaning::Help | ReplyMeaning::Start) => false,
            ReplyStop::Any => true,
            ReplyStop::Never => false,
            ReplyStop::Words => {
                let said: Vec<String> = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase).collect();
                self.words.iter().any(|word| said.contains(&word.to_lowercase()))
            }
        };
        counts.then_some(EndReason::Reply)
    }

    /// Why the outcome of an attempt ends it.
    #[must_use]
    pub fn on_outcome(&self, disposition: Disposition) -> Option<EndReason> {
        match disposition {
            Disposition::OptedOut => Some(EndReason::OptOut),
            Disposition::PutThrough if self.put_through => Some(EndReason::PutThrough),
            _ if self.outcomes.contains(&disposition) => Some(EndReason::Outcome(disposition)),
            _ => None,
        }
    }
}

/// A campaign that goes on taking in people who come to match its list and filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evergreen {
    /// Nobody new from then on; those who are in it go on to their last step.
    pub until_ms: i64,
    /// New people a day, by the tenant's clock.
    #[serde(default)]
    pub new_a_day_max: Option<u32>,
    /// Who has been through it may come in again so long after they did; never when empty.
    #[serde(default)]
    pub again_after_days: Option<u16>,
}

/// What a campaign says beyond its first step.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sequence {
    /// The steps after the first.
    pub then: Vec<SequenceStep>,
    pub stops: StopRules,
    pub evergreen: Option<Evergreen>,
}

/// Why a sequence cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SequenceFault {
    #[error("there are {0} steps: keep at most {STEPS_MAX}")]
    Steps(usize),
    #[error("step {step} waits {hours} hours: choose one hour to {WAIT_HOURS_MAX} (90 days)")]
    Wait { step: usize, hours: u32 },
    #[error("say which words of a reply end it, or let any reply end it")]
    NoWords,
    #[error("write each word that ends it as one word of letters and digits, at most {STOP_WORDS_MAX} words of {STOP_WORD_LETTERS_MAX} letters")]
    Words,
    #[error("every attempt that goes well would end it at once: take “{0}” out, or its later steps are never reached")]
    NeverGoesOn(Disposition),
    #[error("the day after which nobody new comes in has passed: set a later one")]
    EvergreenOver,
    #[error("new people come in for at most {EVERGREEN_DAYS_MAX} days: set an earlier day, and begin another campaign after it")]
    EvergreenTooLong,
    #[error("people are taken in until after the campaign ends: set the campaign's end later, or take nobody in after it")]
    EvergreenOutlives,
    #[error("a ceiling of no new people a day takes nobody in: set one or more, or leave it empty")]
    NoneADay,
    #[error("who has been through it may come in again after 1 to {AGAIN_AFTER_DAYS_MAX} days, or never")]
    Again,
}

impl SequenceFault {
    /// The part of the sequence that is to be mended.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Steps(_) | Self::Wait { .. } => "then",
            Self::NoWords | Self::Words | Self::NeverGoesOn(_) => "stops",
            Self::EvergreenOver | Self::EvergreenTooLong | Self::EvergreenOutlives | Self::NoneADay | Self::Again => "evergreen",
        }
    }
}

impl Wait {
    /// What a step that follows by this wait cannot be started with.
    #[must_use]
    pub fn fault(self, step: usize) -> Option<SequenceFault> {
        let hours = self.hours_in_all();
        (hours == 0 || hours > WAIT_HOURS_MAX).then_some(SequenceFault::Wait { step, hours })
    }
}

impl Sequence {
    /// Where each person stands is kept.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        !self.then.is_empty() || self.evergreen.is_some()
    }

    /// How many steps there are, the first included.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.then.len() + 1
    }

    /// A step after the first by its number, from 2 on.
    #[must_use]
    pub fn step(&self, number: usize) -> Option<&SequenceStep> {
        number.checked_sub(2).and_then(|place| self.then.get(place))
    }

    /// What cannot stand by itself; each step's content is checked like a campaign's.
    #[must_use]
    pub fn faults(&self, first: Channel, ends_at_ms: Option<i64>, now: Instant) -> Vec<SequenceFault> {
        let mut faults = Vec::new();
        if self.steps() > STEPS_MAX {
            faults.push(SequenceFault::Steps(self.steps()));
        }
        faults.extend(self.then.iter().enumerate().filter_map(|(place, step)| step.wait.fault(place + 2)));
        self.stop_faults(first, &mut faults);
        if let Some(evergreen) = self.evergreen {
            if evergreen.until_ms <= now.ms() {
                faults.push(SequenceFault::EvergreenOver);
            }
            if evergreen.until_ms > now.ms().saturating_add(EVERGREEN_DAYS_MAX * DAY_MS) {
                faults.push(SequenceFault::EvergreenTooLong);
            }
            if ends_at_ms.is_some_and(|end| end < evergreen.until_ms) {
                faults.push(SequenceFault::EvergreenOutlives);
            }
            if evergreen.new_a_day_max == Some(0) {
                faults.push(SequenceFault::NoneADay);
            }
            if evergreen.again_after_days.is_some_and(|days| days == 0 || days > AGAIN_AFTER_DAYS_MAX) {
                faults.push(SequenceFault::Again);
            }
        }
        faults
    }

    fn stop_faults(&self, first: Channel, faults: &mut Vec<SequenceFault>) {
        let stops = &self.stops;
        if stops.replies == ReplyStop::Words {
            let fits = |word: &String| !word.is_empty() && word.chars().count() <= STOP_WORD_LETTERS_MAX && word.chars().all(char::is_alphanumeric);
            if stops.words.is_empty() {
                faults.push(SequenceFault::NoWords);
            } else if stops.words.len() > STOP_WORDS_MAX || !stops.words.iter().all(fits) {
                faults.push(SequenceFault::Words);
            }
        }
        // What the carrier takes is the end of a step of messages: nobody would get beyond it.
        let early = std::iter::once(first).chain(self.then.iter().map(|step| step.channel)).take(self.then.len());
        if early.into_iter().any(|channel| channel == Channel::Sms) && stops.outcomes.contains(&Disposition::Accepted) {
            faults.push(SequenceFault::NeverGoesOn(Disposition::Accepted));
        }
    }
}

/// A word that a client's own system gives for ending it, such as `paid`: letters and underscores, so that it can hold no number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToldReason(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give the reason as one word of small letters and underscores, at most {TOLD_REASON_LETTERS_MAX}, such as paid")]
pub struct NotAReason;

impl FromStr for ToldReason {
    type Err = NotAReason;
    fn from_str(text: &str) -> Result<Self, NotAReason> {
        let fits = text.len() <= TOLD_REASON_LETTERS_MAX && text.starts_with(|letter: char| letter.is_ascii_lowercase());
        let fits = fits && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAReason) }
    }
}

impl fmt::Display for ToldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// What became of one whom a client's system wanted stopped.
    pub enum StopResult {
        /// Nothing more goes to them from this campaign.
        Stopped = "stopped",
        /// It was over for them already.
        Over = "over",
        /// Not in this campaign's audience.
        Unknown = "unknown",
    }
}

/// Why a sequence is over for a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// Its last step is behind them.
    Completed,
    Reply,
    OptOut,
    PutThrough,
    Outcome(Disposition),
    /// The rules refuse them.
    Refused,
    Suppressed,
    /// The client's own system said so.
    Told(ToldReason),
}

impl EndReason {
    /// The words that stand by themselves.
    const PLAIN: &'static [Self] = &[Self::Completed, Self::Reply, Self::OptOut, Self::PutThrough, Self::Refused, Self::Suppressed];

    /// As people read it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Completed => "every step is behind them".to_owned(),
            Self::Reply => "they replied".to_owned(),
            Self::OptOut => "they opted out".to_owned(),
            Self::PutThrough => "put through".to_owned(),
            Self::Outcome(disposition) => format!("ended as {}", disposition.as_str().replace('_', " ")),
            Self::Refused => "the rules refuse them".to_owned(),
            Self::Suppressed => "their number is suppressed".to_owned(),
            Self::Told(reason) => format!("stopped by your word: {}", reason.0.replace('_', " ")),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Reply => f.write_str("reply"),
            Self::OptOut => f.write_str("opt_out"),
            Self::PutThrough => f.write_str("put_through"),
            Self::Outcome(disposition) => write!(f, "outcome:{disposition}"),
            Self::Refused => f.write_str("refused"),
            Self::Suppressed => f.write_str("suppressed"),
            Self::Told(reason) => write!(f, "told:{reason}"),
        }
    }
}

impl FromStr for EndReason {
    type Err = crate::id::UnknownWord;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || crate::id::UnknownWord::new("EndReason", ["completed", "reply", "opt_out", "put_through", "refused", "suppressed", "outcome:…", "told:…"].into_iter());
        match text.split_once(':') {
            Some(("outcome", disposition)) => Ok(Self::Outcome(disposition.parse()?)),
            Some(("told", reason)) => reason.parse().map(Self::Told).map_err(|_| unknown()),
            Some(_) => Err(unknown()),
            None => Self::PLAIN.iter().find(|plain| plain.to_string() == text).cloned().ok_or_else(unknown),
        }
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
