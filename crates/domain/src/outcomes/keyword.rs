//! The words of stopping, starting and help, and how a text is cut into words that can be compared with them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Sets of contact-rules section 8, normalised: the union of what the law and the carriers require.
pub(super) const STOP: &[&str] = &[
    "stop", "stopall", "stop all", "unsubscribe", "unsub", "cancel", "end", "quit", "revoke", "optout", "opt out", "remove", "arret", "stopp", "alto", "baja",
    "td", "stpo", "sotp", "st0p",
];
pub(super) const START: &[&str] = &["start", "unstop"];
pub(super) const YES: &str = "yes";
pub(super) const HELP: &[&str] = &["help", "info", "aide"];

/// Whole sayings that stop, and that a person should read as well.
pub(super) const PHRASES: &[&str] = &[
    "please stop", "pls stop", "plz stop", "take me off", "take my number off", "remove me", "remove my number", "dont text", "do not text", "dont message",
    "do not message", "dont contact", "do not contact", "stop texting", "stop messaging", "stop contacting", "stop sending", "stop harassing", "stop calling",
    "leave me alone", "opt me out", "unsubscribe me", "no more texts", "no more messages", "no more sms", "dont send", "do not send",
    "never text", "never contact", "delete my number", "lose my number", "take me of", "get me off", "go away",
    "fuck off", "piss off", "sod off", "stop texts", "stop txts", "stop txting", "stop msging", "stop messages", "stop msgs", "stop bothering", "stop spamming",
];

/// Sayings that the number is somebody else's.
pub(super) const SOMEBODY_ELSES: &[&str] = &[
    "wrong number", "wrong person", "wrong phone", "not my number", "nobody by that name", "no one by that name", "nobody of that name", "no one of that name",
    "nobody called that", "no one called that", "dont know this person", "do not know this person", "dont know that person", "do not know that person",
];

/// Other forms of the words, which speak about stopping rather than ask for it.
pub(super) const FORMS: &[&str] = &[
    "stops", "stopped", "stopping", "unsubscribed", "unsubscribing", "cancels", "canceled", "cancelled", "canceling", "cancelling", "ends", "ended", "ending",
    "removes", "removed", "removing", "revokes", "revoked", "opting out", "opted out", "quits",
];

/// Real words that are one letter away from a word of stopping.
const NOT_TYPOS: &[&str] = &["cancer", "cancers", "remote", "evoke", "evokes", "arrest", "garret", "caret", "karet", "stoop", "stomp", "removal", "remover", "revive", "unsung", "start"];

/// Things other than messages that people want stopped: a short text that names one is for a person to read.
const OBJECTS: &[&str] = &[
    "debit", "debits", "dd", "payment", "payments", "order", "orders", "card", "cards", "account", "accounts", "policy", "plan", "loan", "loans", "agreement",
    "contract", "insurance", "membership", "booking", "appointment", "delivery", "cheque", "interest", "charges", "charge", "fees", "fee", "bailiffs", "bailiff",
    "debt", "transfer", "subscription", "application", "repayment", "repayments", "instalment", "instalments",
];

const NEGATIONS: &[&str] = &["dont", "not", "never", "wont", "cant", "didnt"];

/// At most so much of a text is read. No SMS comes near it.
const TEXT_MAX_CHARS: usize = 8_000;

/// Lower-case words without marks, quotes, punctuation and pictures. Letters that are spelled out (`S.T.O.P`) become one word.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let plain: String = text
        .chars()
        .take(TEXT_MAX_CHARS)
        .filter(|letter| !is_invisible(*letter) && !matches!(letter, '\'' | '’' | '‘' | '`' | '´' | 'ʼ'))
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect();
    let words: Vec<String> = plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.len() > 2 && words.iter().all(|word| word.chars().count() == 1) { vec![words.concat()] } else { words }
}

/// Zero-width characters, soft hyphens and variation selectors: they stand inside words and show nothing.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The whole text, words put back together.
pub(super) fn is_in(words: &[String], set: &[&str]) -> bool {
    let whole = words.join(" ");
    set.contains(&whole.as_str())
}

/// One of the words of stopping, or one slip of the finger away from a long one.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP.contains(&word) || is_slip(word)
}

fn is_slip(word: &str) -> bool {
    if word.chars().count() < 4 || NOT_TYPOS.contains(&word) || FORMS.contains(&word) {
        return false;
    }
    if is_drawn_out(word) && STOP.iter().any(|stop| without_doubles(stop) == without_doubles(word)) {
        return true;
    }
    STOP.iter().filter(|stop| stop.len() >= 5 && !stop.contains(' ')).any(|stop| is_one_edit(word, stop))
}

/// `stoooop`: no word of any language has a letter three times in a row.
fn is_drawn_out(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    letters.windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

fn without_doubles(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// One letter changed, added, dropped, or two neighbours swapped.
fn is_one_edit(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let same_start = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let (a, b) = (&left[same_start..], &right[same_start..]);
    match (a.len(), b.len()) {
        (x, y) if x == y && x > 0 => a[1..] == b[1..] || (x > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]),
        (x, y) if x == y + 1 => a[1..] == *b,
        (x, y) if x + 1 == y => *a == b[1..],
        _ => false,
    }
}

/// A stop word, or one of two words, at this place; and how many words it takes.
pub(super) fn stop_at(words: &[String], place: usize) -> Option<usize> {
    let pair = words.get(place..place + 2).is_some_and(|pair| STOP.contains(&pair.join(" ").as_str()));
    if pair { Some(2) } else { is_stop_word(&words[place]).then_some(1) }
}

pub(super) fn holds_phrase(words: &[String], phrases: &[&str]) -> bool {
    let whole = format!(" {} ", words.join(" "));
    phrases.iter().any(|phrase| whole.contains(&format!(" {phrase} ")))
}

/// What stands before, between and after these sayings, each a run of words by itself.
pub(super) fn around_phrases<'a>(words: &'a [String], phrases: &[&str]) -> Vec<&'a [String]> {
    let (mut runs, mut from, mut place) = (Vec::new(), 0, 0);
    while place < words.len() {
        let begins = |phrase: &&&str| phrase.split(' ').eq(words[place..].iter().take(phrase.split(' ').count()).map(String::as_str));
        if let Some(phrase) = phrases.iter().find(begins) {
            runs.push(&words[from..place]);
            place += phrase.split(' ').count();
            from = place;
        } else {
            place += 1;
        }
    }
    runs.push(&words[from..]);
    runs
}

/// The sentence turns the word round ("don't stop") or wants something else stopped ("cancel my direct debit").
pub(super) fn is_about_something_else(words: &[String]) -> bool {
    let negated = words.iter().enumerate().any(|(place, word)| NEGATIONS.contains(&word.as_str()) && place + 1 < words.len() && stop_at(words, place + 1).is_some());
    negated || words.iter().any(|word| OBJECTS.contains(&word.as_str()))
}
