//! The recorder of a node: sound comes off the media's thread, is sealed with the person's key, and is written a few seconds at a
//! time; and whoever asks for a pause is heard within a moment.
//!
//! Nothing waits for it: a call goes on whatever becomes of its recording, and what cannot be kept is left out and marked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use clarion_domain::attempts::recording::{OPENING_MS, RECORDING_MS_MAX, RECORDING_RATE_HZ, RecordingKind, RecordingMark, RecordingMarkKind};
use clarion_domain::id::RecordingId;
use clarion_domain::time::Instant;
use clarion_domain::tenancy::tenant::Actor;
use clarion_sip::media::g711;
use clarion_sip::media::{Mark, MarkKind, RecordingSink};
use clarion_sip::negotiated::Codec;
use clarion_store::attempts::{NewRecording, RecordingChunk, RecordingKey, RecordingProgress, chunk_bytes, write_recording_chunks, write_recording_progress};
use clarion_store::{Signal, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::intake::Clock;

/// Sound of all recordings that may wait to be written: twenty seconds of two hundred talks.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Wishes for a pause are looked for so often, and what is whole is written.
const TURN: Duration = Duration::from_millis(250);
const FAILED_PAUSE: Duration = Duration::from_millis(500);
/// A frame whose mean is below this, of 32,767, is silence: -45 dB.
const QUIET_LEVEL: i64 = 184;
const FRAME_SAMPLES: usize = 160;
const FRAME_MS: u32 = 20;

/// What a recording tells its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordingTold {
    /// Somebody asked that it holds silence from now on, or sound again.
    Pause(bool),
    /// Nobody said anything for as long as the script's step waits.
    Silence(RecordingId),
    /// It takes no more: it is full, or its person was erased.
    Over(RecordingId),
}

pub(super) type RecordingTells = mpsc::UnboundedSender<RecordingTold>;

enum Told {
    Begin(Box<NewRecording>, RecordingTells),
    Sound(RecordingId, Vec<u8>),
    Mark(RecordingId, RecordingMark),
    /// A step of the script pauses it, or lets it go on.
    Wanted(RecordingId, bool),
    End(RecordingId, &'static str),
    /// Everything is ended and written; then the answer.
    Finish(oneshot::Sender<()>),
}

/// The way to the recorder; cheap to clone.
#[derive(Clone)]
pub(super) struct Recorder {
    store: Store,
    to: mpsc::UnboundedSender<Told>,
    waiting: Arc<AtomicUsize>,
}

impl Recorder {
    /// Starts the recorder's task.
    pub fn start(store: Store, clock: Clock) -> Self {
        let (to, told) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let keeper = Keeper { store: store.clone(), clock, running: HashMap::new(), waiting: waiting.clone() };
        tokio::spawn(keeper.run(told));
        Self { store, to, waiting }
    }

    /// A fresh identifier of a recording that begins now.
    pub fn next_id(&self, now: Instant) -> RecordingId {
        RecordingId(self.store.next_id(now))
    }

    /// Begins a recording: what the media records goes into the sink that this gives. `silence_ms_max` is after which silence it tells.
    pub fn sink(&self, new: NewRecording, silence_ms_max: Option<u32>, tells: RecordingTells) -> Box<dyn RecordingSink> {
        let (id, kind) = (new.id, new.kind);
        self.tell(Told::Begin(Box::new(new), tells.clone()));
        let ms_max = if kind == RecordingKind::Opening { OPENING_MS } else { RECORDING_MS_MAX };
        let bytes_left = ms_max as usize / 1_000 * RECORDING_RATE_HZ as usize * usize::from(kind.channels());
        Box::new(Sink { id, kind, recorder: self.clone(), tells, bytes_left, kept_ms: 0, lost_ms: 0, quiet: silence_ms_max.map(|max_ms| Quiet { max_ms, ms: 0 }) })
    }

    /// A step of the script pauses a recording or lets it go on: whoever had asked otherwise before is overruled.
    pub fn wanted(&self, id: RecordingId, paused: bool) {
        self.tell(Told::Wanted(id, paused));
    }

    /// Ends and writes what runs: the node stops.
    pub async fn finish(&self) {
        let (done, wait) = oneshot::channel();
        self.tell(Told::Finish(done));
        if tokio::time::timeout(Duration::from_secs(5), wait).await.is_err() {
            tracing::warn!("not everything that was recorded could be written before the stop");
        }
    }

    fn tell(&self, told: Told) {
        // Without a keeper the node is ending.
        let _ = self.to.send(told);
    }
}

/// How long nobody has spoken.
struct Quiet {
    max_ms: u32,
    ms: u32,
}

impl Quiet {
    /// Hears the person's side; true once the silence is long enough.
    fn hear(&mut self, samples: impl Iterator<Item = i16>) -> bool {
        let samples: Vec<i16> = samples.collect();
        for frame in samples.chunks(FRAME_SAMPLES) {
            let power = frame.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum::<i64>() / frame.len() as i64;
            self.ms = if power < QUIET_LEVEL * QUIET_LEVEL { self.ms + FRAME_MS } else { 0 };
        }
        self.ms >= self.max_ms
    }
}

/// One recording on the media's side.
struct Sink {
    id: RecordingId,
    kind: RecordingKind,
    recorder: Recorder,
    tells: RecordingTells,
    bytes_left: usize,
    kept_ms: u64,
    lost_ms: u64,
    quiet: Option<Quiet>,
}

impl Sink {
    fn mark_lost(&mut self) {
        if std::mem::take(&mut self.lost_ms) > 0 {
            self.recorder.tell(Told::Mark(self.id, RecordingMark { at_ms: self.kept_ms, what: RecordingMarkKind::Lost }));
        }
    }
}

impl RecordingSink for Sink {
    fn audio(&mut self, stereo: &[i16]) {
        // What the media calls left is what the far end hears, and right what it says.
        let pairs = stereo.as_chunks::<2>().0;
        let samples: Vec<i16> = match self.kind {
            RecordingKind::Talk => pairs.iter().flat_map(|[heard, said]| [*said, *heard]).collect(),
            RecordingKind::Message | RecordingKind::Opening => pairs.iter().map(|[_, said]| *said).collect(),
        };
        let mut sound = vec![0; samples.len().min(self.bytes_left)];
        g711::encode(Codec::Pcma, &samples, &mut sound);
        if self.bytes_left == 0 {
            return;
        }
        if self.recorder.waiting.load(Relaxed) >= WAITING_BYTES_MAX {
            self.lost_ms += (pairs.len() * 1_000 / RECORDING_RATE_HZ as usize) as u64;
            return;
        }
        self.mark_lost();
        self.kept_ms += (pairs.len() * 1_000 / RECORDING_RATE_HZ as usize) as u64;
        self.bytes_left -= sound.len();
        self.recorder.waiting.fetch_add(sound.len(), Relaxed);
        self.recorder.tell(Told::Sound(self.id, sound));
        if self.bytes_left == 0 {
            self.recorder.tell(Told::End(self.id, "limit"));
            let _ = self.tells.send(RecordingTold::Over(self.id));
        } else if self.quiet.as_mut().is_some_and(|quiet| quiet.hear(pairs.iter().map(|[_, said]| *said))) {
            // Told once.
            self.quiet = None;
            let _ = self.tells.send(RecordingTold::Silence(self.id));
        }
    }

    fn mark(&mut self, mark: Mark) {
        let what = match mark.what {
            MarkKind::Paused => RecordingMarkKind::Paused,
            MarkKind::Resumed => RecordingMarkKind::Resumed,
            MarkKind::Lost { .. } => RecordingMarkKind::Lost,
        };
        self.recorder.tell(Told::Mark(self.id, RecordingMark { at_ms: self.kept_ms, what }));
    }

    fn close(mut self: Box<Self>) {
        self.mark_lost();
        self.recorder.tell(Told::End(self.id, if self.kind == RecordingKind::Message { "script" } else { "call" }));
    }
}

/// One recording on the database's side.
struct Kept {
    new: NewRecording,
    tells: RecordingTells,
    key: Option<RecordingKey>,
    /// Not yet a whole chunk.
    sound: Vec<u8>,
    sealed: Vec<RecordingChunk>,
    /// Bytes that wait to be written, as they were counted.
    waiting: usize,
    chunks: i64,
    bytes: i64,
    marks: Vec<RecordingMark>,
    is_paused: bool,
    /// By the script, and not yet in the row.
    pause_wanted: Option<bool>,
    /// The row is behind.
    is_dirty: bool,
    ended: Option<(Instant, &'static str)>,
}

struct Keeper {
    store: Store,
    clock: Clock,
    running: HashMap<RecordingId, Kept>,
    waiting: Arc<AtomicUsize>,
}

impl Keeper {
    async fn run(mut self, mut told: mpsc::UnboundedReceiver<Told>) {
        if let Err(error) = self.store.end_own_recordings((self.clock)()).await {
            tracing::warn!(%error, "recordings of before the restart stay open until they are swept");
        }
        let signals = self.store.signals().clone();
        let mut finish = None;
        while finish.is_none() {
            tokio::select! {
                first = told.recv() => match first {
                    None => break,
                    Some(first) => {
                        finish = self.hear(first);
                        while finish.is_none() && let Ok(more) = told.try_recv() {
                            finish = self.hear(more);
                        }
                        // Sound comes all the time: it is gathered for a turn.
                        if finish.is_none() && !self.has_ended() {
                            tokio::time::sleep(TURN / 4).await;
                        }
                    }
                },
                () = signals.wait(Signal::Recordings, TURN), if !self.running.is_empty() => {}
            }
            if let Err(error) = self.turn().await {
                tracing::warn!(%error, "what was recorded could not be written; it is kept, and tried again");
                tokio::time::sleep(FAILED_PAUSE).await;
            }
        }
        self.end_all().await;
        if let Some(done) = finish {
            let _ = done.send(());
        }
    }

    fn has_ended(&self) -> bool {
        self.running.values().any(|kept| kept.ended.is_some())
    }

    /// Takes what was told. Gives whom to answer when everything is to end.
    fn hear(&mut self, told: Told) -> Option<oneshot::Sender<()>> {
        let now = (self.clock)();
        match told {
            Told::Begin(new, tells) => {
                let is_paused = new.is_paused;
                let kept = Kept { new: *new, tells, key: None, sound: Vec::new(), sealed: Vec::new(), waiting: 0, chunks: 0, bytes: 0, marks: Vec::new(), is_paused, pause_wanted: None, is_dirty: false, ended: None };
                self.running.insert(kept.new.id, kept);
            }
            Told::Sound(id, sound) => match self.running.get_mut(&id).filter(|kept| kept.ended.is_none()) {
                Some(kept) => {
                    kept.waiting += sound.len();
                    kept.sound.extend_from_slice(&sound);
                }
                None => drop(self.waiting.fetch_sub(sound.len(), Relaxed)),
            },
            Told::Mark(id, mark) => {
                if let Some(kept) = self.running.get_mut(&id) {
                    kept.is_paused = match mark.what {
                        RecordingMarkKind::Paused => true,
                        RecordingMarkKind::Resumed => false,
                        RecordingMarkKind::Lost => kept.is_paused,
                    };
                    kept.marks.push(mark);
                    kept.is_dirty = true;
                }
            }
            Told::Wanted(id, paused) => {
                if let Some(kept) = self.running.get_mut(&id) {
                    (kept.pause_wanted, kept.is_dirty) = (Some(paused), true);
                }
            }
            Told::End(id, by) => {
                if let Some(kept) = self.running.get_mut(&id).filter(|kept| kept.ended.is_none()) {
                    (kept.ended, kept.is_dirty) = (Some((now, by)), true);
                }
            }
            Told::Finish(done) => return Some(done),
        }
        None
    }

    async fn turn(&mut self) -> Result<(), StoreError> {
        self.begin().await?;
        self.write().await?;
        if !self.running.is_empty() {
            for (id, paused) in self.store.recording_wishes().await? {
                if let Some(kept) = self.running.get(&id) {
                    let _ = kept.tells.send(RecordingTold::Pause(paused));
                }
            }
        }
        Ok(())
    }

    /// Rows and keys of recordings that are new. One whose person is gone is forgotten with its sound.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let new: Vec<RecordingId> = self.running.iter().filter(|(_, kept)| kept.key.is_none()).map(|(id, _)| *id).collect();
        for id in new {
            let Some(kept) = self.running.get_mut(&id) else { continue };
            let tenant = self.store.tenant(kept.new.tenant, Actor::System).await?;
            kept.key = tenant.begin_recording(&kept.new).await?;
            if kept.key.is_none() {
                self.forget(id);
            }
        }
        Ok(())
    }

    fn forget(&mut self, id: RecordingId) {
        if let Some(kept) = self.running.remove(&id) {
            self.waiting.fetch_sub(kept.waiting, Relaxed);
            let _ = kept.tells.send(RecordingTold::Over(id));
        }
    }

    /// Seals what is whole, or ended, and writes it in one transaction.
    async fn write(&mut self) -> Result<(), StoreError> {
        for kept in self.running.values_mut() {
            kept.seal()?;
        }
        let chunks: Vec<RecordingChunk> = self.running.values().flat_map(|kept| kept.sealed.iter().cloned()).collect();
        let progress: Vec<RecordingProgress> = self.running.values().filter(|kept| kept.is_dirty && kept.key.is_some()).map(Kept::progress).collect();
        if chunks.is_empty() && progress.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.db().begin().await?;
        let stands = write_recording_chunks(&mut tx, &chunks).await?;
        write_recording_progress(&mut tx, &progress).await?;
        tx.commit().await?;
        let gone: Vec<RecordingId> = chunks.iter().zip(stands).filter(|(_, stands)| !stands).map(|(chunk, _)| chunk.recording).collect();
        for kept in self.running.values_mut() {
            kept.sealed.clear();
            let written = kept.waiting - kept.sound.len();
            self.waiting.fetch_sub(written, Relaxed);
            kept.waiting -= written;
        }
        for one in &progress {
            if let Some(kept) = self.running.get_mut(&one.recording) {
                (kept.is_dirty, kept.pause_wanted) = (false, None);
            }
        }
        gone.into_iter().for_each(|id| self.forget(id));
        self.running.retain(|_, kept| kept.ended.is_none() || kept.is_dirty);
        Ok(())
    }

    async fn end_all(&mut self) {
        let now = (self.clock)();
        for kept in self.running.values_mut().filter(|kept| kept.ended.is_none()) {
            (kept.ended, kept.is_dirty) = (Some((now, "stop")), true);
        }
        if let Err(error) = self.turn().await {
            tracing::warn!(%error, "what was recorded last could not be written");
        }
    }
}

impl Kept {
    fn seal(&mut self) -> Result<(), StoreError> {
        let Some(key) = &self.key else { return Ok(()) };
        let whole = chunk_bytes(self.new.kind);
        while self.sound.len() >= whole || (self.ended.is_some() && !self.sound.is_empty()) {
            let rest = self.sound.split_off(self.sound.len().min(whole));
            let plain = std::mem::replace(&mut self.sound, rest);
            self.bytes += plain.len() as i64;
            self.sealed.push(RecordingChunk { recording: self.new.id, position: self.chunks, sealed: key.seal(self.chunks, &plain)?, bytes: self.bytes });
            self.chunks += 1;
        }
        Ok(())
    }

    fn progress(&self) -> RecordingProgress {
        RecordingProgress { recording: self.new.id, marks: self.marks.clone(), is_paused: self.is_paused, pause_wanted: self.pause_wanted, ended: self.ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_counted_from_the_last_sound() {
        let mut quiet = Quiet { max_ms: 1_000, ms: 0 };
        assert!(!quiet.hear(std::iter::repeat_n(0, 4_000)));
        assert!(!quiet.hear((0..4_000).map(|n| if n < 1_000 { 3_000 } else { 50 })), "a word begins it anew");
        assert!(!quiet.hear(std::iter::repeat_n(-20, 4_000)));
        assert!(quiet.hear(std::iter::repeat_n(-20, 4_000)), "a hum is silence");
    }
}
