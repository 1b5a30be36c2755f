//! A recording as a WAV file, whole or from any place in it, opened as it is read; and who listens, in the audit.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::attempts::recording::{WAV_HEADER_BYTES, wav_header};
use clarion_domain::audit::event::Act;
use clarion_domain::id::{RecordingId, UserId};
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::attempts::RecordedSound;
use clarion_store::{StoreError, Tenant};
use tokio::sync::OnceCell;

/// A player asks for a file in parts: what it asks for within this time of its first request is the same listening.
const ONE_LISTENING_MS: i64 = 10 * MINUTE_MS;
const KEPT_MAX: usize = 10_000;

/// Who listened to what a moment ago.
#[derive(Default)]
pub struct Listeners(Mutex<HashMap<(UserId, RecordingId), Listening>>);

/// When it began, and whether it is in the audit.
type Listening = (Instant, Arc<OnceCell<()>>);

impl Listeners {
    /// A listening is in the audit when this returns, whatever part of the file is asked for. A player hangs up on its first request at will and
    /// asks again: whoever asks while it is being written waits for it, and writes it when the first has hung up.
    pub async fn write(&self, tenant: &Tenant, user: UserId, recording: RecordingId, now: Instant) -> Result<(), StoreError> {
        let listening = self.of(user, recording, now);
        listening.get_or_try_init(|| tenant.audit_alone(now, Act::Listened, "recording", recording.0, "")).await.copied()
    }

    fn of(&self, user: UserId, recording: RecordingId, now: Instant) -> Arc<OnceCell<()>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |began: Instant| began.plus_ms(ONE_LISTENING_MS) > now;
        if let Some((_, written)) = known.get(&(user, recording)).filter(|(began, _)| lasts(*began)) {
            return written.clone();
        }
        if known.len() >= KEPT_MAX {
            known.retain(|_, (began, _)| lasts(*began));
        }
        let written = Arc::default();
        if known.len() < KEPT_MAX {
            known.insert((user, recording), (now, Arc::clone(&written)));
        }
        written
    }
}

/// What of so many bytes a `Range` header asks for; `None` without one that can be met as asked, `Err` when it lies beyond the end.
fn asked(headers: &HeaderMap, length: u64) -> Result<Option<Range<u64>>, ()> {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("bytes=")) else { return Ok(None) };
    // Several ranges at once may be answered with the whole.
    let Some((from, to)) = range.split_once('-').filter(|(_, to)| !to.contains(',')) else { return Ok(None) };
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(length),
        (Ok(from), Err(_)) if to.is_empty() => from..length,
        (Err(_), Ok(last)) if from.is_empty() => length.saturating_sub(last)..length,
        _ => return Ok(None),
    };
    if range.start >= length { Err(()) } else { Ok(Some(range)) }
}

/// The file, or the part of it that is asked for.
pub fn wav(sound: RecordedSound, headers: &HeaderMap, name: Option<&str>) -> Response {
    let length = WAV_HEADER_BYTES as u64 + sound.samples() * 2;
    let Ok(part) = asked(headers, length) else {
        return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{length}"))]).into_response();
    };
    let status = if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let range = part.clone().unwrap_or(0..length);
    let mut response = (
        status,
        [(header::CONTENT_TYPE, "audio/wav".to_owned()), (header::ACCEPT_RANGES, "bytes".to_owned()), (header::CONTENT_LENGTH, (range.end - range.start).to_string())],
    )
        .into_response();
    let mut put = |name, text: String| {
        if let Ok(value) = text.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    if part.is_some() {
        put(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end - 1));
    }
    if let Some(name) = name {
        put(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    }
    *response.body_mut() = body(sound, range);
    response
}

fn body(sound: RecordedSound, range: Range<u64>) -> Body {
    Body::from_stream(futures_util::stream::try_unfold((sound, range), |(sound, range)| async move {
        if range.start >= range.end {
            return Ok::<_, StoreError>(None);
        }
        let mut piece = piece(&sound, range.start).await?;
        if piece.is_empty() {
            return Ok(None);
        }
        piece.truncate(usize::try_from(range.end - range.start).unwrap_or(usize::MAX));
        let next = range.start + piece.len() as u64;
        Ok(Some((Bytes::from(piece), (sound, next..range.end))))
    }))
}

/// Some bytes of the file from this one on: what is left of the header, or of a stored chunk.
async fn piece(sound: &RecordedSound, from: u64) -> Result<Vec<u8>, StoreError> {
    let Some(within) = from.checked_sub(WAV_HEADER_BYTES as u64) else {
        let header = wav_header(sound.channels(), sound.samples());
        return Ok(header[usize::try_from(from).unwrap_or(0)..].to_vec());
    };
    let bytes = sound.from(within / 2).await?.into_iter().flat_map(i16::to_le_bytes);
    Ok(bytes.skip(usize::from(within % 2 == 1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<Option<Range<u64>>, ()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, text.parse().expect("a value"));
        asked(&headers, 1_000)
    }

    #[test]
    fn a_range_is_met_as_far_as_the_file_goes() {
        assert_eq!(asked(&HeaderMap::new(), 1_000), Ok(None));
        assert_eq!((part("bytes=0-"), part("bytes=10-19"), part("bytes=990-2000"), part("bytes=-4")), (Ok(Some(0..1_000)), Ok(Some(10..20)), Ok(Some(990..1_000)), Ok(Some(996..1_000))));
        assert_eq!((part("bytes=1000-"), part("bytes=5-4"), part("bytes=0-1,5-6"), part("items=0-1"), part("bytes=-")), (Err(()), Ok(None), Ok(None), Ok(None), Ok(None)));
    }

    #[test]
    fn a_player_that_asks_in_parts_listens_once() {
        let (listeners, user, now) = (Listeners::default(), UserId(1), Instant(0));
        let first = listeners.of(user, RecordingId(1), now);
        let is_the_same = |user, recording, now| Arc::ptr_eq(&first, &listeners.of(user, recording, now));
        assert!(is_the_same(user, RecordingId(1), now.plus_ms(1_000)), "from whatever place");
        assert!(!is_the_same(user, RecordingId(2), now) && !is_the_same(UserId(2), RecordingId(1), now));
        assert!(!is_the_same(user, RecordingId(1), now.plus_ms(ONE_LISTENING_MS)));
    }
}
