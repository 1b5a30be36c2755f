//! A page's body on its way from the wire, through a reader on a thread of its own, to rows. Memory holds a few pieces of the body, a few
//! batches of rows, and one row.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clarion_domain::connectors::pull::{FieldFrom, Incremental, PullFormat, PullSettings};
use clarion_domain::connectors::pull_fault::PullFault;
use clarion_domain::connectors::watermark::Watermark;
use reqwest::Response;
use tokio::sync::mpsc;

use super::{csv_rows, json_rows};

const PIECES_MAX: usize = 4;
const BATCHES_MAX: usize = 4;
const BATCH_ROWS: usize = 500;
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;
/// Names of fields that are remembered, and how long one is.
const NAMES_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 60;

/// The values of the taken fields, in their order.
pub(super) type Values = Vec<String>;

/// What a page told beside its rows.
#[derive(Debug, Clone, Default)]
pub(super) struct PageEnd {
    /// What stands where the next page is told.
    pub next: Option<String>,
    pub rows: usize,
    pub bytes: usize,
    pub names: BTreeSet<String>,
    pub watermark: Option<Watermark>,
    pub hash: [u8; 32],
}

/// How a page is read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub format: PullFormat,
    pub rows_at: Vec<String>,
    pub next_at: Option<Vec<String>>,
    pub taken: Vec<FieldFrom>,
    /// The field of the watermark.
    pub since_field: Option<String>,
    /// Rows after which it is enough.
    pub rows_max: Option<usize>,
}

/// The parts of a JSON pointer.
fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

impl Reading {
    pub fn new(settings: &PullSettings, taken: &[FieldFrom], rows_max: Option<usize>) -> Self {
        Self {
            format: settings.format,
            rows_at: parts(&settings.rows_at),
            next_at: (!settings.next_at.is_empty()).then(|| parts(&settings.next_at)),
            taken: taken.to_vec(),
            since_field: (settings.incremental == Incremental::Since).then(|| settings.since_field.clone()),
            rows_max,
        }
    }
}

/// Where rows go as they are read.
pub(super) struct Sink {
    out: mpsc::Sender<Vec<Values>>,
    batch: Vec<Values>,
    rows_max: Option<usize>,
    pub end: PageEnd,
    /// Why reading stopped: the first word counts.
    pub fault: Option<PullFault>,
    /// Enough rows were read, or nobody takes them any more.
    pub enough: bool,
    since_row: Arc<AtomicUsize>,
    beside: Arc<AtomicBool>,
}

impl Sink {
    /// What is passed over beside the rows is not held, and so may be long.
    pub fn beside(&self, passed_over: bool) {
        self.beside.store(passed_over, Ordering::Relaxed);
        self.since_row.store(0, Ordering::Relaxed);
    }

    pub fn fail(&mut self, fault: PullFault) {
        self.fault.get_or_insert(fault);
    }

    pub fn name(&mut self, name: &str) {
        if self.end.names.len() < NAMES_MAX && !self.end.names.contains(name) {
            self.end.names.insert(name.chars().take(NAME_CHARS_MAX).collect());
        }
    }

    /// A row; false when reading is to stop.
    pub fn row(&mut self, values: Values, since: Option<&str>) -> bool {
        self.since_row.store(0, Ordering::Relaxed);
        if let Some(text) = since.filter(|text| !text.is_empty()) {
            match Watermark::read(text) {
                Some(mark) => self.end.watermark = Some(Watermark::latest(self.end.watermark.take(), mark)),
                None => self.fail(PullFault::WatermarkUnreadable),
            }
        }
        self.end.rows += 1;
        self.batch.push(values);
        if self.batch.len() >= BATCH_ROWS {
            self.flush();
        }
        self.enough |= self.rows_max.is_some_and(|most| self.end.rows >= most);
        self.fault.is_none() && !self.enough
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() && self.out.blocking_send(std::mem::take(&mut self.batch)).is_err() {
            self.enough = true;
        }
    }
}

/// The pieces of a body as a reader.
pub(super) struct Body {
    pieces: mpsc::Receiver<Result<Vec<u8>, PullFault>>,
    piece: Vec<u8>,
    at: usize,
    hasher: blake3::Hasher,
    told: Arc<std::sync::Mutex<Told>>,
    since_row: Arc<AtomicUsize>,
    beside: Arc<AtomicBool>,
}

#[derive(Default)]
struct Told {
    bytes: usize,
    hash: [u8; 32],
    fault: Option<PullFault>,
}

impl Body {
    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn stop(&self, fault: PullFault) -> io::Error {
        self.told().fault.get_or_insert(fault);
        io::Error::other(fault.as_str())
    }
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Err(fault)) => return Err(self.stop(fault)),
                Some(Ok(piece)) => {
                    self.hasher.update(&piece);
                    let hash = *self.hasher.finalize().as_bytes();
                    let mut told = self.told();
                    told.bytes += piece.len();
                    told.hash = hash;
                    drop(told);
                    let long = self.since_row.fetch_add(piece.len(), Ordering::Relaxed) > ROW_BYTES_MAX + (1 << 16);
                    if long && !self.beside.load(Ordering::Relaxed) {
                        return Err(self.stop(PullFault::RowTooLong));
                    }
                    (self.piece, self.at) = (piece, 0);
                }
            }
        }
        let count = out.len().min(self.piece.len() - self.at);
        out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// What comes from a wire cannot be gone back in; the reader of text never asks for it after its beginning.
impl Seek for Body {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A page that is being read: take its rows, then its end.
pub(super) struct Page {
    pub rows: mpsc::Receiver<Vec<Values>>,
    wire: tokio::task::JoinHandle<()>,
    reading: tokio::task::JoinHandle<Result<PageEnd, PullFault>>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.wire.abort();
    }
}

impl Page {
    /// `bytes_max` is what the run may still read.
    pub fn open(answer: Response, reading: Reading, bytes_max: usize) -> Self {
        let (pieces, body) = mpsc::channel(PIECES_MAX);
        let (out, rows) = mpsc::channel(BATCHES_MAX);
        let wire = tokio::spawn(forward(answer, pieces, bytes_max));
        let reading = tokio::task::spawn_blocking(move || read(body, &reading, out));
        Self { rows, wire, reading }
    }

    pub async fn end(mut self) -> Result<PageEnd, PullFault> {
        match (&mut self.reading).await {
            Ok(end) => end,
            Err(error) => {
                tracing::error!(%error, "a reader panicked on an answer: report this");
                Err(PullFault::NotText)
            }
        }
    }
}

async fn forward(mut answer: Response, pieces: mpsc::Sender<Result<Vec<u8>, PullFault>>, bytes_max: usize) {
    let mut bytes = 0;
    loop {
        let piece = match answer.chunk().await {
            Ok(None) => return,
            Ok(Some(piece)) => {
                bytes += piece.len();
                if bytes > bytes_max { Err(PullFault::TooManyBytes) } else { Ok(piece.to_vec()) }
            }
            Err(error) if error.is_timeout() => Err(PullFault::NoAnswerInTime),
            Err(_) => Err(PullFault::NoAnswer),
        };
        let ended = piece.is_err();
        if pieces.send(piece).await.is_err() || ended {
            return;
        }
    }
}

fn read(pieces: mpsc::Receiver<Result<Vec<u8>, PullFault>>, reading: &Reading, out: mpsc::Sender<Vec<Values>>) -> Result<PageEnd, PullFault> {
    let (told, since_row, beside) = (Arc::new(std::sync::Mutex::new(Told::default())), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let body = Body { pieces, piece: Vec::new(), at: 0, hasher: blake3::Hasher::new(), told: told.clone(), since_row: since_row.clone(), beside: beside.clone() };
    let mut sink = Sink { out, batch: Vec::new(), rows_max: reading.rows_max, end: PageEnd::default(), fault: None, enough: false, since_row, beside };
    let done = match reading.format {
        PullFormat::Json => json_rows::read(body, reading, &mut sink),
        PullFormat::Csv => csv_rows::read(body, reading, &mut sink),
    };
    let told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // What the wire said comes before what its cut end looked like to the reader.
    if let Some(fault) = told.fault.or(sink.fault).or(if sink.enough { None } else { done.err() }) {
        return Err(fault);
    }
    sink.flush();
    let mut end = sink.end;
    (end.bytes, end.hash) = (told.bytes, told.hash);
    Ok(end)
}
