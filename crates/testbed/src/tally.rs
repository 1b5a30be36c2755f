//! Exact counts of what the pretend carrier received and said, to be compared with a report.

use std::collections::{BTreeMap, HashMap, HashSet};

use clarion_smpp::pdu::ShortMessage;
use clarion_smpp::text::{Concatenation, TextCoding, UserDataHeader};

use crate::fate::Fate;

/// One part as it stood on the wire: two that are equal are the same message sent twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Part {
    destination: String,
    text: u64,
    number: u8,
}

/// The counts so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    parts: HashMap<Part, u32>,
    fates: BTreeMap<Fate, u64>,
    first_fates: BTreeMap<Fate, u64>,
    known: HashSet<String>,
    /// Submits taken or refused for good, parts counted one by one; refusals for the rate are not among them.
    pub segments: u64,
    /// Submits refused for the rate.
    pub throttled: u64,
    /// Receipts and replies that were acknowledged.
    pub receipts_acknowledged: u64,
    pub replies_acknowledged: u64,
}

impl Tally {
    pub(crate) fn take(&mut self, message: &ShortMessage, fate: Fate) {
        self.segments += 1;
        let number = Concatenation::of(message).map_or(1, |part| part.number);
        if number == 1 {
            *self.fates.entry(fate).or_default() += 1;
            if self.known.insert(message.destination.value.clone()) {
                *self.first_fates.entry(fate).or_default() += 1;
            }
        }
        let part = Part { destination: message.destination.value.clone(), text: content_hash(message), number };
        *self.parts.entry(part).or_default() += 1;
    }

    /// For benchmarks, which count and do not compare.
    pub(crate) fn take_uncompared(&mut self, fate: Fate, count: u64) {
        self.segments += count;
        *self.fates.entry(fate).or_default() += count;
    }

    /// Messages (not parts) by what became of them.
    #[must_use]
    pub fn fates(&self) -> &BTreeMap<Fate, u64> {
        &self.fates
    }

    /// The same of the first message to each destination alone: without what answers a STOP or a HELP.
    #[must_use]
    pub fn first_fates(&self) -> &BTreeMap<Fate, u64> {
        &self.first_fates
    }

    /// Messages, however many parts each had.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.fates.values().sum()
    }

    /// Messages that reached somebody.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.fates.iter().filter(|(fate, _)| fate.arrives()).map(|(_, n)| n).sum()
    }

    /// How often this text was received for this destination, digits only; of a long message, its first part
    /// counts, by that part's text.
    #[must_use]
    pub fn received(&self, destination: &str, text: &str) -> u32 {
        let part = Part { destination: destination.trim_start_matches('+').to_owned(), text: text_hash(text), number: 1 };
        self.parts.get(&part).copied().unwrap_or(0)
    }

    /// How many messages each destination got, whatever they said.
    #[must_use]
    pub fn by_destination(&self) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for (part, n) in self.parts.iter().filter(|(part, _)| part.number == 1) {
            *counts.entry(part.destination.as_str()).or_default() += n;
        }
        counts
    }

    /// Messages that came more than once, same destination and same text: there should be none.
    #[must_use]
    pub fn doubled(&self) -> u64 {
        self.parts.values().map(|n| u64::from(n.saturating_sub(1))).sum()
    }
}

/// FNV-1a: the same in every run and on every machine.
#[must_use]
pub fn text_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn content_hash(message: &ShortMessage) -> u64 {
    let content = TextCoding::GSM.decode_message(message);
    match content.text() {
        Some(text) => text_hash(text),
        None => text_hash(&String::from_utf8_lossy(UserDataHeader::split(message).1)),
    }
}
