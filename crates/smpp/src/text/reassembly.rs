//! Putting the parts of inbound messages together: any order, doubles tolerated, bounded in number and time.

use super::coding::{Content, TextCoding};
use super::udh::{Concatenation, UserDataHeader};
use crate::pdu::{Address, ShortMessage};
use std::collections::HashMap;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyLimits {
    /// Messages that wait for parts at the same time; the oldest gives way to one more.
    pub open_max: usize,
    /// How long a message waits after its first part.
    pub wait_max_micros: u64,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        ReassemblyLimits {
            open_max: 10_000,
            wait_max_micros: 10 * 60 * 1_000_000,
        }
    }
}

/// One part: the PDU, and what the caller wants back with it (a delivery to acknowledge, a row id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<T> {
    /// The PDU as it came.
    pub message: Box<ShortMessage>,
    /// The caller's own.
    pub with: T,
}

/// A message that is whole, or that will not become so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete<T> {
    /// What was said; of missing parts nothing.
    pub content: Content,
    /// How many parts are missing: 0 for a whole message.
    pub missing: usize,
    /// The parts in their order, doubles of a part behind it.
    pub pieces: Vec<Piece<T>>,
}

/// What became of a part.
#[derive(Debug, PartialEq, Eq)]
pub enum Added<T> {
    /// The message is whole (also when it had only this one part).
    Complete(Complete<T>),
    /// More parts are needed.
    Waiting,
    /// There was no room: the oldest incomplete message is handed back, and this part waits in its place.
    Displaced(Complete<T>),
}

#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    source: Address,
    destination: Address,
    reference: u16,
    wide: bool,
    total: u8,
}

struct Open<T> {
    first_at_micros: u64,
    pieces: Vec<(u8, Piece<T>)>,
    distinct: usize,
}

/// Messages whose parts are still coming. Time is the caller's, in microseconds from any fixed point.
pub struct Reassembler<T> {
    limits: ReassemblyLimits,
    open: HashMap<Key, Open<T>>,
}

/// The same part may come this many times more before the doubles are not kept any longer.
const DOUBLES_MAX: usize = 16;

impl<T> Reassembler<T> {
    /// An empty one.
    pub fn new(limits: ReassemblyLimits) -> Self {
        Reassembler {
            limits,
            open: HashMap::new(),
        }
    }

    /// Takes one message. `coding` is the trunk's.
    pub fn add(
        &mut self,
        now_micros: u64,
        message: Box<ShortMessage>,
        with: T,
        coding: &TextCoding,
    ) -> Added<T> {
        let place = Concatenation::of(&message).filter(|place| place.total > 1);
        let piece = Piece { message, with };
        let Some(place) = place else {
            let content = coding.decode_message(&piece.message);
            return Added::Complete(Complete {
                content,
                missing: 0,
                pieces: vec![piece],
            });
        };
        let key = key_of(&piece.message, place);
        let displaced = (!self.open.contains_key(&key))
            .then(|| self.make_room(coding))
            .flatten();
        let open = self.open.entry(key.clone()).or_insert_with(|| Open {
            first_at_micros: now_micros,
            pieces: Vec::new(),
            distinct: 0,
        });
        let double = open
            .pieces
            .iter()
            .any(|(number, _)| *number == place.number);
        open.distinct += usize::from(!double);
        if !double || open.pieces.len() < open.distinct + DOUBLES_MAX {
            open.pieces.push((place.number, piece));
        }
        if open.distinct == usize::from(place.total) {
            let whole = self
                .open
                .remove(&key)
                .map(|open| finish(open, place.total, coding));
            return whole.map_or(Added::Waiting, Added::Complete);
        }
        displaced.map_or(Added::Waiting, Added::Displaced)
    }

    /// Hands back every message that has waited too long, incomplete as it is.
    pub fn expire(&mut self, now_micros: u64, coding: &TextCoding) -> Vec<Complete<T>> {
        let wait_max = self.limits.wait_max_micros;
        let late: Vec<Key> = self
            .open
            .iter()
            .filter(|(_, open)| now_micros.saturating_sub(open.first_at_micros) >= wait_max)
            .map(|(key, _)| key.clone())
            .collect();
        late.iter()
            .filter_map(|key| Some(finish(self.open.remove(key)?, key.total, coding)))
            .collect()
    }

    /// How many messages wait for parts.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn make_room(&mut self, coding: &TextCoding) -> Option<Complete<T>> {
        if self.open.len() < self.limits.open_max.max(1) {
            return None;
        }
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, open)| open.first_at_micros)
            .map(|(key, _)| key.clone())?;
        self.open
            .remove(&oldest)
            .map(|open| finish(open, oldest.total, coding))
    }
}

fn key_of(message: &ShortMessage, place: Concatenation) -> Key {
    Key {
        source: message.source.clone(),
        destination: message.destination.clone(),
        reference: place.reference,
        wide: place.wide,
        total: place.total,
    }
}

/// Parts of one coding are joined before they are read, so that a pair split by the sender is whole again.
fn finish<T>(mut open: Open<T>, total: u8, coding: &TextCoding) -> Complete<T> {
    open.pieces.sort_by_key(|(number, _)| *number);
    let missing = usize::from(total) - open.distinct;
    let mut runs: Vec<(u8, usize, Vec<u8>)> = Vec::new();
    let mut last = 0;
    for (number, piece) in &open.pieces {
        if *number == last {
            continue;
        }
        last = *number;
        let (header, octets) = UserDataHeader::split(&piece.message);
        let header_bytes = header.map_or(0, |header| header.octets);
        let packed = coding.inbound_default == super::coding::GsmText::GsmPacked;
        match runs.last_mut() {
            Some((data_coding, _, joined))
                if *data_coding == piece.message.data_coding && !packed =>
            {
                joined.extend_from_slice(octets);
            }
            _ => runs.push((piece.message.data_coding, header_bytes, octets.to_vec())),
        }
    }
    let pieces = open.pieces.into_iter().map(|(_, piece)| piece).collect();
    Complete {
        content: join(&runs, coding),
        missing,
        pieces,
    }
}

fn join(runs: &[(u8, usize, Vec<u8>)], coding: &TextCoding) -> Content {
    let read = runs
        .iter()
        .map(|(data_coding, header, octets)| coding.decode_after(*data_coding, octets, *header));
    let read: Vec<Content> = read.collect();
    match read.iter().all(|content| content.text().is_some()) {
        true => Content::Text(read.iter().filter_map(Content::text).collect()),
        false => Content::Binary(
            runs.iter()
                .flat_map(|(.., octets)| octets.iter().copied())
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{LongMessage, segment};

    const CODING: TextCoding = TextCoding::GSM;

    #[expect(clippy::vec_box, reason = "a part is boxed wherever it comes from")]
    fn parts(text: &str, form: LongMessage, reference: u16) -> Vec<Box<ShortMessage>> {
        let cut = segment(text, &CODING, form, reference).expect("fits");
        let from = Address::international("+447700900123");
        let blank = ShortMessage {
            source: from,
            ..ShortMessage::default()
        };
        let fill = |index| {
            let mut message = blank.clone();
            cut.apply(index, &mut message);
            Box::new(message)
        };
        (0..cut.parts.len()).map(fill).collect()
    }

    #[test]
    fn parts_in_any_order_with_doubles_become_the_text() {
        for form in [
            LongMessage::Udh8,
            LongMessage::Udh16,
            LongMessage::SarTlvs,
            LongMessage::MessagePayload,
        ] {
            for text in ["naïve € [text] ".repeat(25), "Привет 👍 ".repeat(25)] {
                let mut reassembler = Reassembler::new(ReassemblyLimits::default());
                let parts = parts(&text, form, 9);
                let mut whole = None;
                for (at, part) in parts.iter().rev().enumerate() {
                    if at > 0 {
                        let double =
                            reassembler.add(1, parts[parts.len() - 1].clone(), 100, &CODING);
                        assert_eq!(double, Added::Waiting);
                    }
                    if let Added::Complete(complete) = reassembler.add(0, part.clone(), at, &CODING)
                    {
                        whole = Some(complete);
                    }
                }
                let whole = whole.expect("complete");
                assert_eq!(whole.content.text(), Some(text.as_str()));
                assert_eq!((whole.missing, reassembler.open_count()), (0, 0));
                assert_eq!(
                    whole.pieces.len(),
                    2 * parts.len() - 1,
                    "every PDU comes back to be acknowledged"
                );
            }
        }
    }

    #[test]
    fn what_never_completes_is_handed_back() {
        let limits = ReassemblyLimits {
            open_max: 2,
            wait_max_micros: 1_000,
        };
        let mut reassembler = Reassembler::new(limits);
        for (now, reference) in [(0, 1), (10, 2)] {
            let part = parts(&"a".repeat(200), LongMessage::Udh8, reference).remove(1);
            assert_eq!(
                reassembler.add(now, part, reference, &CODING),
                Added::Waiting
            );
        }
        let part = parts(&"a".repeat(200), LongMessage::Udh8, 3).remove(0);
        let Added::Displaced(oldest) = reassembler.add(20, part, 3, &CODING) else {
            panic!("no room was made")
        };
        assert_eq!((oldest.missing, oldest.pieces[0].with), (1, 1));
        assert_eq!(oldest.content.text().map(str::len), Some(47));
        assert!(reassembler.expire(1_009, &CODING).is_empty());
        assert_eq!(reassembler.expire(1_020, &CODING).len(), 2);
    }
}
