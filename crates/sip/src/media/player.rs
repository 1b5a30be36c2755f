//! The prompts of a leg: a queue of pieces of 8 kHz audio, played without a gap.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// Audio at 8 kHz: a whole prompt, or one of those that make up a sentence.
pub type Piece = Arc<[i16]>;

/// One call of `play`, unique in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

/// Whether a queue entry is played again at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    #[default]
    Once,
    /// Until it is stopped, or something else waits in the queue at the end of a round.
    Loop,
}

/// Entries that may wait.
const WAITING_MAX: usize = 256;

struct Entry {
    id: PlayId,
    pieces: Vec<Piece>,
    repeat: Repeat,
    piece: usize,
    offset: usize,
    played_samples: u64,
}

impl Entry {
    /// Copies on; returns how many samples, 0 at the end of the round.
    fn copy(&mut self, into: &mut [i16]) -> usize {
        let mut copied = 0;
        while copied < into.len() {
            let Some(piece) = self.pieces.get(self.piece) else { break };
            let rest = &piece[self.offset.min(piece.len())..];
            let length = rest.len().min(into.len() - copied);
            into[copied..copied + length].copy_from_slice(&rest[..length]);
            copied += length;
            self.offset += length;
            if self.offset >= piece.len() {
                self.piece += 1;
                self.offset = 0;
            }
        }
        self.played_samples += copied as u64;
        copied
    }

    fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| piece.is_empty())
    }

    fn ended(&self, completed: bool) -> Played {
        Played { id: self.id, played_ms: milliseconds(self.played_samples), completed }
    }
}

/// An entry that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    pub id: PlayId,
    pub played_ms: u32,
    /// False when it was stopped.
    pub completed: bool,
}

fn milliseconds(samples: u64) -> u32 {
    u32::try_from(samples * 1_000 / u64::from(SAMPLE_RATE_HZ)).unwrap_or(u32::MAX)
}

#[derive(Default)]
pub struct Player {
    queue: VecDeque<Entry>,
}

impl Player {
    /// Queues an entry; one that does not fit any more ends at once.
    pub fn push(&mut self, id: PlayId, pieces: Vec<Piece>, repeat: Repeat) -> Option<Played> {
        let entry = Entry { id, pieces, repeat, piece: 0, offset: 0, played_samples: 0 };
        if self.queue.len() >= WAITING_MAX {
            return Some(entry.ended(false));
        }
        self.queue.push_back(entry);
        None
    }

    /// Ends all entries.
    pub fn stop(&mut self, mut ended: impl FnMut(Played)) {
        for entry in self.queue.drain(..) {
            ended(entry.ended(false));
        }
    }

    /// The entry that is heard now and how far it is.
    #[must_use]
    pub fn position(&self) -> Option<(PlayId, u32)> {
        self.queue.front().map(|entry| (entry.id, milliseconds(entry.played_samples)))
    }

    /// Fills a frame. False when there was nothing to play in it.
    pub fn fill(&mut self, frame: &mut Frame, mut ended: impl FnMut(Played)) -> bool {
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let others = self.queue.len() > 1;
            let Some(entry) = self.queue.front_mut() else { break };
            filled += entry.copy(&mut frame[filled..]);
            if entry.piece < entry.pieces.len() {
                continue;
            }
            if entry.repeat == Repeat::Loop && !others && !entry.is_empty() {
                entry.piece = 0;
                continue;
            }
            ended(entry.ended(true));
            self.queue.pop_front();
        }
        frame[filled..].fill(0);
        filled > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(value: i16, length: usize) -> Piece {
        vec![value; length].into()
    }

    fn run(player: &mut Player, frames: usize) -> (Vec<i16>, Vec<Played>) {
        let (mut heard, mut ended) = (Vec::new(), Vec::new());
        for _ in 0..frames {
            let mut frame = [0; FRAME_SAMPLES];
            player.fill(&mut frame, |played| ended.push(played));
            heard.extend(frame);
        }
        (heard, ended)
    }

    #[test]
    fn pieces_follow_without_a_gap() {
        let mut player = Player::default();
        player.push(PlayId(1), vec![piece(1, 100), piece(2, 250), piece(9, 0)], Repeat::Once);
        player.push(PlayId(2), vec![piece(3, 50)], Repeat::Once);
        let (heard, ended) = run(&mut player, 3);
        let mut expected = vec![1; 100];
        expected.extend([2; 250]);
        expected.extend([3; 50]);
        expected.extend([0; 80]);
        assert_eq!(heard, expected);
        assert_eq!(ended, [Played { id: PlayId(1), played_ms: 43, completed: true }, Played { id: PlayId(2), played_ms: 6, completed: true }]);
    }

    #[test]
    fn a_loop_goes_on_until_something_waits_or_it_is_stopped() {
        let mut player = Player::default();
        player.push(PlayId(1), vec![piece(1, 100)], Repeat::Loop);
        assert_eq!(run(&mut player, 10), (vec![1; 1_600], vec![]));
        player.push(PlayId(2), vec![piece(2, 160)], Repeat::Loop);
        let (_, ended) = run(&mut player, 2);
        assert_eq!(ended, [Played { id: PlayId(1), played_ms: 212, completed: true }]);
        assert_eq!(player.position().unwrap().0, PlayId(2));
        let mut stopped = Vec::new();
        player.stop(|played| stopped.push(played));
        assert!(!stopped[0].completed);
        assert_eq!(run(&mut player, 1), (vec![0; 160], vec![]));
    }

    #[test]
    fn empty_entries_end_at_once_even_in_a_loop() {
        let mut player = Player::default();
        player.push(PlayId(1), vec![piece(1, 0)], Repeat::Loop);
        player.push(PlayId(2), Vec::new(), Repeat::Loop);
        let (_, ended) = run(&mut player, 1);
        assert_eq!(ended.len(), 2);
    }
}
