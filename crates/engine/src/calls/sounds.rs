//! What is played in a campaign's calls: prompts, fixed words that were rendered before the first call, and each person's own
//! words, which are rendered for the call and kept by it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clarion_domain::campaigns::script::{Script, ScriptDocument, Speech};
use clarion_domain::campaigns::template::Part;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::{StoreError, Tenant};

use super::speech::{SpeechEngine, SpeechError, SpeechRequest};

type Piece = Arc<[i16]>;

/// What only one person hears, for their call.
pub(super) type OwnWords = HashMap<SpeechRequest, Piece>;

/// Words of people that are remembered for others while a campaign runs, such as common first names.
const WORDS_MAX: usize = 2_000;
/// A person's own words are ready within this, or their fallback is heard: the permit to call is not to grow old.
const LEARN_MAX: Duration = Duration::from_secs(10);

/// The sounds of one campaign.
pub(super) struct Sounds {
    engine: Arc<SpeechEngine>,
    prompts: HashMap<String, Piece>,
    fixed: HashMap<SpeechRequest, Piece>,
    words: Mutex<HashMap<SpeechRequest, Piece>>,
    /// What says that a talk is recorded.
    announcement: Option<SpeechRequest>,
    /// What is heard in the place of words that could not be rendered, and the words of which that is so, with the reason of the last.
    fallback: Option<Piece>,
    missing: HashSet<SpeechRequest>,
    why_missing: String,
    prepared_at: Instant,
}

/// Words that could not be rendered are tried again after so long.
const MISSING_LAST_MS: i64 = MINUTE_MS;

/// Why a campaign's sounds cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SoundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Speech(#[from] SpeechError),
}

fn request(text: &str, language: &str, voice: Option<&String>) -> SpeechRequest {
    SpeechRequest { text: text.to_owned(), language: language.to_owned(), voice: voice.cloned() }
}

/// Punctuation alone is a pause, not a word.
fn is_spoken(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

impl Sounds {
    /// Loads every prompt and renders every fixed word, so that no call waits for them.
    pub async fn prepare(tenant: &Tenant, script: &Script, campaign: &CampaignRecord, engine: &Arc<SpeechEngine>, now: Instant) -> Result<Self, SoundError> {
        let mut sounds = Self { engine: engine.clone(), prompts: HashMap::new(), fixed: HashMap::new(), words: Mutex::default(), announcement: None, fallback: None, missing: HashSet::new(), why_missing: String::new(), prepared_at: now };
        if let Some(prompt) = script.fallback() {
            sounds.fallback = Some(tenant.prompt_audio(prompt).await?.into());
        }
        for (step, speech) in script.speeches() {
            match speech.as_ref() {
                Speech::Play { prompt } => {
                    if !sounds.prompts.contains_key(prompt) {
                        sounds.prompts.insert(prompt.clone(), tenant.prompt_audio(prompt).await?.into());
                    }
                }
                Speech::Say { text, language, voice, fallback } => {
                    if let Some(prompt) = fallback
                        && !sounds.prompts.contains_key(prompt)
                    {
                        sounds.prompts.insert(prompt.clone(), tenant.prompt_audio(prompt).await?.into());
                    }
                    for part in text.parts() {
                        let words = match part {
                            Part::Text(words) => words,
                            Part::Field { fallback: Some(fallback), .. } => fallback,
                            // A script holds no links.
                            Part::Field { fallback: None, .. } | Part::Link(_) => continue,
                        };
                        let wanted = request(words, language, voice.as_ref());
                        match sounds.fix(tenant, wanted.clone(), now).await {
                            // The law wants the words of the information message: without them, or a prompt that was recorded in their
                            // place, nobody is called.
                            Err(SoundError::Speech(error)) if fallback.is_some() || (step.is_some() && sounds.fallback.is_some()) => {
                                tracing::warn!(%error, "words of a campaign could not be rendered: its fallback is heard");
                                sounds.missing.insert(wanted);
                                sounds.why_missing = error.to_string();
                            }
                            other => other?,
                        }
                    }
                }
            }
        }
        if let (Some(words), Ok(document)) = (campaign.recording.announced(), ScriptDocument::read(&campaign.script)) {
            let wanted = request(words, &document.language, document.voice.as_ref());
            sounds.fix(tenant, wanted.clone(), now).await?;
            sounds.announcement = Some(wanted);
        }
        Ok(sounds)
    }

    /// What a person hears before their talk is recorded.
    pub fn announcement(&self) -> Option<Piece> {
        self.announcement.as_ref().and_then(|wanted| self.fixed.get(wanted)).cloned()
    }

    async fn fix(&mut self, tenant: &Tenant, wanted: SpeechRequest, now: Instant) -> Result<(), SoundError> {
        if !is_spoken(&wanted.text) || self.fixed.contains_key(&wanted) {
            return Ok(());
        }
        let hash = self.engine.content_hash(&wanted);
        let audio: Piece = match tenant.rendered_speech(&hash).await? {
            Some(samples) => samples.into(),
            None => {
                let audio = self.engine.render(&wanted).await?;
                tenant.keep_speech(&hash, &audio, now).await?;
                audio
            }
        };
        self.fixed.insert(wanted, audio);
        Ok(())
    }

    /// Renders what only this person hears. A word that cannot be rendered is left out, and its fallback is heard.
    pub async fn learn(&self, script: &Script, value: impl Fn(&str) -> Option<String>) -> OwnWords {
        let mut own = OwnWords::new();
        let until = tokio::time::Instant::now() + LEARN_MAX;
        for (_, speech) in script.speeches() {
            let Speech::Say { text, language, voice, .. } = speech.as_ref() else { continue };
            for part in text.parts() {
                let Part::Field { name, .. } = part else { continue };
                let Some(words) = value(name).filter(|words| is_spoken(words)) else { continue };
                let wanted = request(&words, language, voice.as_ref());
                if self.fixed.contains_key(&wanted) || own.contains_key(&wanted) {
                    continue;
                }
                if let Some(known) = self.remembered(&wanted) {
                    own.insert(wanted, known);
                    continue;
                }
                let rendered = tokio::time::timeout_at(until, self.engine.render(&wanted)).await;
                match rendered.unwrap_or(Err(SpeechError::Slow(LEARN_MAX.as_secs()))) {
                    Ok(audio) => {
                        self.remember(wanted.clone(), audio.clone());
                        own.insert(wanted, audio);
                    }
                    Err(error) => tracing::warn!(%error, field = %name, "a person's own words could not be spoken: the fallback is heard"),
                }
            }
        }
        own
    }

    fn remember(&self, wanted: SpeechRequest, audio: Piece) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() >= WORDS_MAX {
            words.clear();
        }
        words.insert(wanted, audio);
    }

    fn remembered(&self, wanted: &SpeechRequest) -> Option<Piece> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).get(wanted).cloned()
    }

    /// The prompt that is heard in the place of a speech of which some words are missing, where there is one: half a sentence is none.
    fn in_its_place(&self, speech: &Speech, own: &OwnWords, value: impl Fn(&str) -> Option<String>) -> Option<&Piece> {
        let Speech::Say { text, language, voice, fallback } = speech else { return None };
        let of = |words: &str| request(words, language, voice.as_ref());
        let is_missing = text.parts().iter().any(|part| match part {
            Part::Text(words) => self.missing.contains(&of(words)),
            Part::Field { fallback: Some(fallback), .. } => self.missing.contains(&of(fallback)),
            Part::Field { name, fallback: None } => value(name).filter(|words| is_spoken(words)).is_some_and(|words| self.fixed.get(&of(&words)).or_else(|| own.get(&of(&words))).is_none()),
            Part::Link(_) => false,
        });
        let prompt = || fallback.as_ref().and_then(|prompt| self.prompts.get(prompt)).or(self.fallback.as_ref());
        is_missing.then(prompt).flatten()
    }

    /// What the live page says of words that are missing.
    pub fn missing(&self) -> Option<String> {
        (!self.missing.is_empty()).then(|| format!("some words could not be rendered ({}), and the fallback prompt is heard in their place", self.why_missing))
    }

    /// Missing words are due to be tried again.
    pub fn are_stale(&self, now: Instant) -> bool {
        !self.missing.is_empty() && now.ms() - self.prepared_at.ms() >= MISSING_LAST_MS
    }

    /// The pieces of a speech for one person, in order, and whether that is the fallback prompt in its place.
    pub fn pieces(&self, speech: &Speech, own: &OwnWords, value: impl Fn(&str) -> Option<String>) -> (Vec<Piece>, bool) {
        if let Some(prompt) = self.in_its_place(speech, own, &value) {
            return (vec![prompt.clone()], true);
        }
        let (text, language, voice) = match speech {
            Speech::Play { prompt } => return (self.prompts.get(prompt).cloned().into_iter().collect(), false),
            Speech::Say { text, language, voice, .. } => (text, language, voice.as_ref()),
        };
        let spoken = |words: &str| {
            let wanted = request(words, language, voice);
            self.fixed.get(&wanted).or_else(|| own.get(&wanted)).cloned()
        };
        let part = |part: &Part| match part {
            Part::Text(words) => spoken(words),
            Part::Field { name, fallback } => {
                let theirs = value(name).filter(|words| is_spoken(words)).and_then(|words| spoken(&words));
                theirs.or_else(|| fallback.as_deref().and_then(spoken))
            }
            Part::Link(_) => None,
        };
        (text.parts().iter().filter_map(part).collect(), false)
    }
}

#[cfg(test)]
#[path = "sounds_tests.rs"]
mod tests;
