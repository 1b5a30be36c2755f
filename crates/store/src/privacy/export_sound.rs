//! Recordings in what is handed out: as WAV, within the page itself or as files beside it.

use clarion_domain::attempts::recording::{RecordingKind, wav};
use clarion_domain::audit::event::Act;
use clarion_domain::id::RecordingId;
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::store::{StoreError, Tenant};

/// So much sound of one kind goes into the page itself: 150 MB. The rest is handed out as files.
pub(super) const EMBEDDED_MS_MAX: i64 = 60 * MINUTE_MS;
/// How a sound in the page begins.
pub(super) const DATA_URI: &str = "data:audio/wav;base64,";

pub(super) fn what_was_recorded(kind: RecordingKind) -> &'static str {
    match kind {
        RecordingKind::Talk => "Your talk with an agent: you on the left, the agent on the right",
        RecordingKind::Message => "What you said when you were asked to speak",
        RecordingKind::Opening => "The first seconds after the call was taken",
    }
}

/// A whole recording as a WAV file.
pub(super) async fn wav_of(tenant: &Tenant, id: RecordingId) -> Result<Vec<u8>, StoreError> {
    let sound = tenant.recorded_sound(id).await?;
    let samples = sound.whole().await?;
    Ok(wav(sound.channels(), &samples))
}

pub(super) fn data_uri(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(DATA_URI.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(DATA_URI);
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            text.push(if place > three.len() { '=' } else { char::from(DIGITS[(all >> (18 - 6 * place) & 63) as usize]) });
        }
    }
    text
}

impl Tenant {
    /// Every recording of the person with this whole number or reference, as WAV: each name with its bytes, one at a time to `take`.
    pub async fn subject_recordings<E: From<StoreError>>(&self, typed: &str, now: Instant, mut take: impl FnMut(&str, &[u8]) -> Result<(), E>) -> Result<usize, E> {
        let subject = self.find_subject(typed).await?;
        let mut count = 0;
        for contact in &subject.contacts {
            for recording in self.recordings_of_contact(*contact).await? {
                let wav = wav_of(self, recording.id).await?;
                self.audit_alone(now, Act::Exported, "recording", recording.id.0, "").await?;
                take(&format!("{}.wav", recording.id), &wav)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_base_64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(data_uri(bytes.as_bytes()), format!("{DATA_URI}{text}"));
        }
    }
}
