//! Recording: both directions as stereo, carried off the media threads in pieces of half a second to whoever keeps it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender};

use super::{FRAME_MS, FRAME_SAMPLES, Frame};

/// Frames of a piece.
const PIECE_FRAMES: usize = 25;
const STEREO: usize = FRAME_SAMPLES * 2;
/// Pieces of all recordings that may wait for their sinks: a minute of a hundred legs, 100 MB.
const WAITING_MAX: usize = 12_000;

/// Keeps a recording. Called on a thread of its own, which all recordings of an engine share: it may write a file, but
/// a slow one makes the others wait, and when too much waits, pieces are left out (and told).
pub trait RecordingSink: Send {
    /// Interleaved stereo at 8 kHz: left is what we said to the far end (prompts, the other leg of a bridge), right
    /// what the far end said.
    fn audio(&mut self, stereo: &[i16]);
    fn mark(&mut self, mark: Mark);
    /// The recording has ended: by `stop_recording`, or with its leg.
    fn close(self: Box<Self>);
}

/// A place in the recording, in milliseconds from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub at_ms: u64,
    pub what: MarkKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Silence is recorded from here on.
    Paused,
    Resumed,
    /// So much was left out here because its sink was too slow.
    Lost { ms: u64 },
}

pub(super) enum Carried {
    Open(u64, Box<dyn RecordingSink>),
    Audio(u64, Vec<i16>),
    Mark(u64, Mark),
    Close(u64),
}

/// The way to the recorder's thread.
#[derive(Clone)]
pub(super) struct Carrier {
    to: Sender<Carried>,
    waiting: Arc<AtomicUsize>,
}

impl Carrier {
    pub fn new(to: Sender<Carried>) -> (Self, Arc<AtomicUsize>) {
        let waiting = Arc::new(AtomicUsize::new(0));
        (Self { to, waiting: waiting.clone() }, waiting)
    }

    fn send(&self, carried: Carried) {
        // Without a recorder the engine is ending.
        let _ = self.to.send(carried);
    }
}

/// One recording, on its leg.
pub(super) struct Recording {
    id: u64,
    carrier: Carrier,
    piece: Vec<i16>,
    frames: u64,
    lost_frames: u64,
    paused: bool,
}

impl Recording {
    pub fn new(id: u64, carrier: Carrier, sink: Box<dyn RecordingSink>) -> Self {
        carrier.send(Carried::Open(id, sink));
        Self { id, carrier, piece: Vec::with_capacity(PIECE_FRAMES * STEREO), frames: 0, lost_frames: 0, paused: false }
    }

    /// 20 ms of both directions.
    pub fn frame(&mut self, said: &Frame, heard: &Frame) {
        if self.paused {
            self.piece.resize(self.piece.len() + STEREO, 0);
        } else {
            self.piece.extend(said.iter().zip(heard).flat_map(|(said, heard)| [*said, *heard]));
        }
        self.frames += 1;
        if self.piece.len() >= PIECE_FRAMES * STEREO {
            self.hand_over();
        }
    }

    /// Time in which nothing was said or heard.
    pub fn silence(&mut self, frames: u32) {
        for _ in 0..frames {
            self.frame(&[0; FRAME_SAMPLES], &[0; FRAME_SAMPLES]);
        }
    }

    pub fn pause(&mut self, paused: bool) {
        if paused != self.paused {
            self.paused = paused;
            self.hand_over();
            let what = if paused { MarkKind::Paused } else { MarkKind::Resumed };
            self.carrier.send(Carried::Mark(self.id, Mark { at_ms: self.frames * FRAME_MS, what }));
        }
    }

    fn hand_over(&mut self) {
        if self.piece.is_empty() {
            return;
        }
        let frames = (self.piece.len() / STEREO) as u64;
        if self.carrier.waiting.load(Relaxed) >= WAITING_MAX {
            self.lost_frames += frames;
            self.piece.clear();
            return;
        }
        if self.lost_frames > 0 {
            let before = self.frames - frames - self.lost_frames;
            self.carrier.send(Carried::Mark(self.id, Mark { at_ms: before * FRAME_MS, what: MarkKind::Lost { ms: self.lost_frames * FRAME_MS } }));
            self.lost_frames = 0;
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_FRAMES * STEREO));
        self.carrier.waiting.fetch_add(1, Relaxed);
        self.carrier.send(Carried::Audio(self.id, piece));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.hand_over();
        self.carrier.send(Carried::Close(self.id));
    }
}

/// The recorder's thread: runs until every carrier is gone.
pub(super) fn run(carried: &Receiver<Carried>, waiting: &AtomicUsize) {
    let mut sinks: HashMap<u64, Box<dyn RecordingSink>> = HashMap::new();
    while let Ok(one) = carried.recv() {
        let (id, outcome) = match one {
            Carried::Open(id, sink) => {
                sinks.insert(id, sink);
                continue;
            }
            Carried::Audio(id, piece) => {
                waiting.fetch_sub(1, Relaxed);
                (id, sinks.get_mut(&id).map(|sink| catch_unwind(AssertUnwindSafe(|| sink.audio(&piece)))))
            }
            Carried::Mark(id, mark) => (id, sinks.get_mut(&id).map(|sink| catch_unwind(AssertUnwindSafe(|| sink.mark(mark))))),
            Carried::Close(id) => (id, sinks.remove(&id).map(|sink| catch_unwind(AssertUnwindSafe(|| sink.close())))),
        };
        if let Some(Err(_)) = outcome {
            tracing::error!("a recording's sink panicked: that recording ends, the others go on");
            sinks.remove(&id);
        }
    }
    for (_, sink) in sinks {
        sink.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    #[derive(Default)]
    struct Kept {
        audio: Vec<i16>,
        marks: Vec<Mark>,
        closed: bool,
    }

    struct Keep(Arc<Mutex<Kept>>);

    impl RecordingSink for Keep {
        fn audio(&mut self, stereo: &[i16]) {
            assert!(stereo != [7; STEREO], "a sink that breaks");
            self.0.lock().unwrap().audio.extend(stereo);
        }
        fn mark(&mut self, mark: Mark) {
            self.0.lock().unwrap().marks.push(mark);
        }
        fn close(self: Box<Self>) {
            self.0.lock().unwrap().closed = true;
        }
    }

    #[test]
    fn both_sides_are_kept_and_a_pause_leaves_silence_and_marks() {
        let (to, carried) = channel();
        let (carrier, waiting) = Carrier::new(to);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let mut recording = Recording::new(1, carrier, Box::new(Keep(kept.clone())));
        for n in 0..60 {
            match n {
                10 => recording.pause(true),
                30 => recording.pause(false),
                _ => {}
            }
            recording.frame(&[100; FRAME_SAMPLES], &[-200; FRAME_SAMPLES]);
        }
        drop(recording);
        run(&carried, &waiting);
        let kept = kept.lock().unwrap();
        assert_eq!(kept.audio.len(), 60 * STEREO);
        assert!(kept.audio[..10 * STEREO].chunks(2).all(|pair| pair == [100, -200]));
        assert!(kept.audio[10 * STEREO..30 * STEREO].iter().all(|sample| *sample == 0));
        assert!(kept.audio[30 * STEREO..].chunks(2).all(|pair| pair == [100, -200]));
        assert_eq!(kept.marks, [Mark { at_ms: 200, what: MarkKind::Paused }, Mark { at_ms: 600, what: MarkKind::Resumed }]);
        assert!(kept.closed);
        assert_eq!(waiting.load(Relaxed), 0);
    }

    #[test]
    fn a_sink_that_does_not_keep_up_loses_pieces_and_is_told() {
        let (to, carried) = channel();
        let (carrier, waiting) = Carrier::new(to);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let mut recording = Recording::new(1, carrier, Box::new(Keep(kept.clone())));
        let frame = [1; FRAME_SAMPLES];
        waiting.store(WAITING_MAX, Relaxed);
        (0..50).for_each(|_| recording.frame(&frame, &frame));
        waiting.store(0, Relaxed);
        (0..25).for_each(|_| recording.frame(&frame, &frame));
        drop(recording);
        run(&carried, &waiting);
        let kept = kept.lock().unwrap();
        assert_eq!(kept.marks, [Mark { at_ms: 0, what: MarkKind::Lost { ms: 1_000 } }]);
        assert_eq!(kept.audio.len(), 25 * STEREO);
    }

    #[test]
    fn a_sink_that_panics_ends_alone() {
        let (to, carried) = channel();
        let (carrier, waiting) = Carrier::new(to);
        let (broken, sound) = (Arc::new(Mutex::new(Kept::default())), Arc::new(Mutex::new(Kept::default())));
        let mut one = Recording::new(1, carrier.clone(), Box::new(Keep(broken)));
        let mut other = Recording::new(2, carrier, Box::new(Keep(sound.clone())));
        one.frame(&[7; FRAME_SAMPLES], &[7; FRAME_SAMPLES]);
        one.pause(true);
        other.frame(&[3; FRAME_SAMPLES], &[3; FRAME_SAMPLES]);
        drop((one, other));
        run(&carried, &waiting);
        assert_eq!(sound.lock().unwrap().audio.len(), STEREO);
    }
}
