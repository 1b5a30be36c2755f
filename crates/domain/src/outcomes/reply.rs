//! What an inbound message means: the matching steps of contact-rules section 8, in their order.

use crate::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
use crate::outcomes::keyword::{FORMS, HELP, PHRASES, SOMEBODY_ELSES, START, STOP, YES, around_phrases, holds_phrase, is_about_something_else, is_in, is_stop_word, stop_at, words_of};
use crate::word::words;

words! {
    /// What the machine made of a reply.
    pub enum ReplyMeaning {
        Stop = "stop",
        /// Stops, and a person should look as well.
        StopReview = "stop_review",
        /// The number is somebody else's: stops texts and calls, and a person should look as well.
        WrongNumber = "wrong_number",
        /// Holds a word of stopping inside a longer sentence: sends pause until a person decides.
        Unsure = "unsure",
        Start = "start",
        Help = "help",
        Other = "other",
    }
}

const OPT_OUT: Suppression = Suppression { scope: SuppressionScope::Sms, reason: SuppressionReason::OptOut };
const WRONG_PERSON: Suppression = Suppression { scope: SuppressionScope::Every, reason: SuppressionReason::WrongPerson };

/// A text of at most so many words that begins or ends with a word of stopping is a stop.
const SHORT_WORDS: usize = 4;

impl ReplyMeaning {
    /// Ends what is sent to the number, at once.
    #[must_use]
    pub fn opts_out(self) -> bool {
        matches!(self, Self::Stop | Self::StopReview | Self::WrongNumber)
    }

    /// What goes on the suppression list for a text that was taken for this, at once. Whoever writes that the number is somebody else's may ask to
    /// stop in the same breath: that stands, also where a person decides that the number is theirs.
    #[must_use]
    pub fn suppresses(self, text: &str) -> &'static [Suppression] {
        match self {
            Self::Stop | Self::StopReview => &[OPT_OUT],
            Self::WrongNumber if stops_besides(&words_of(text)) => &[WRONG_PERSON, OPT_OUT],
            Self::WrongNumber => &[WRONG_PERSON],
            Self::Unsure | Self::Start | Self::Help | Self::Other => &[],
        }
    }

    /// What of it a person may take back who has read the text, because the machine has inferred it.
    #[must_use]
    pub fn inferred(self) -> Option<Suppression> {
        match self {
            Self::StopReview => Some(OPT_OUT),
            Self::WrongNumber => Some(WRONG_PERSON),
            Self::Stop | Self::Unsure | Self::Start | Self::Help | Self::Other => None,
        }
    }

    /// Waits in the inbox for somebody to read it.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::StopReview | Self::WrongNumber | Self::Unsure | Self::Other)
    }
}

/// Reads a reply. `awaits_opt_in` is set when the last thing that we sent asked for a yes: only then does YES start.
#[must_use]
pub fn read(text: &str, awaits_opt_in: bool) -> ReplyMeaning {
    let words = words_of(text);
    if words.is_empty() {
        return ReplyMeaning::Other;
    }
    let polite: Vec<String> = words.iter().filter(|word| !matches!(word.as_str(), "please" | "pls" | "plz")).cloned().collect();
    if is_in(&words, STOP) || words.len() == 1 && is_stop_word(&words[0]) {
        return ReplyMeaning::Stop;
    }
    if is_in(&polite, START) || awaits_opt_in && is_in(&polite, &[YES]) {
        return ReplyMeaning::Start;
    }
    if is_in(&polite, HELP) {
        return ReplyMeaning::Help;
    }
    if holds_phrase(&words, SOMEBODY_ELSES) {
        return ReplyMeaning::WrongNumber;
    }
    read_stop(&words).unwrap_or(ReplyMeaning::Other)
}

/// Beside its saying that the number is somebody else's, a text asks to stop: what stands around the saying is read without it, since a STOP that
/// would be one alone is none the less for the words after it.
fn stops_besides(words: &[String]) -> bool {
    around_phrases(words, SOMEBODY_ELSES).into_iter().any(|run| matches!(read_stop(run), Some(ReplyMeaning::Stop | ReplyMeaning::StopReview)))
}

/// How a text that is more than a bare word asks to stop, if it does.
fn read_stop(words: &[String]) -> Option<ReplyMeaning> {
    let mentions = (0..words.len()).any(|place| stop_at(words, place).is_some());
    let about_something_else = mentions && is_about_something_else(words);
    if words.len() <= SHORT_WORDS && begins_or_ends(words) && !about_something_else {
        return Some(ReplyMeaning::Stop);
    }
    if holds_phrase(words, PHRASES) {
        return Some(ReplyMeaning::StopReview);
    }
    (mentions || holds_phrase(words, FORMS)).then_some(ReplyMeaning::Unsure)
}

fn begins_or_ends(words: &[String]) -> bool {
    let Some(last) = words.len().checked_sub(1) else { return false };
    stop_at(words, 0).is_some() || stop_at(words, last).is_some() || last > 0 && stop_at(words, last - 1) == Some(2)
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
