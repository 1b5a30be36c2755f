//! From the document to a script that can run, or to every fault at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::campaigns::script::document::{GatherDocument, ScriptDocument, SpeechDocument, StepDocument};
use crate::campaigns::script::fault::{ScriptFault, ScriptFaultKind as K};
use crate::campaigns::script::placeholder;
use crate::campaigns::script::shape;
use crate::campaigns::script::step::{Act, Gather, STEPS_MAX, Script, ScriptWorld, Speech, Step, StepId};
use crate::campaigns::template::{Template, TemplateError, TemplateFault, TemplateWarning};
use crate::outcomes::answered_by::AnsweredBy;

const NAME_CHARS_MAX: usize = 40;
pub(super) const ANSWERED_BY: &str = "answered_by";

impl Script {
    /// Reads and checks a script. `world` is what the tenant has.
    pub fn parse(text: &str, world: &ScriptWorld<'_>) -> Result<Self, Vec<ScriptFault>> {
        Self::check(&ScriptDocument::read(text)?, world)
    }

    /// Checks a document: an error names every fault that was found, those of the steps in the order of their names.
    pub fn check(document: &ScriptDocument, world: &ScriptWorld<'_>) -> Result<Self, Vec<ScriptFault>> {
        let mut checker = Checker { document, world, faults: Vec::new(), step: None };
        let script = checker.script();
        let mut faults = checker.faults;
        // The shape is worth looking at only when every way leads somewhere.
        match script {
            Some(script) if !faults.iter().any(|fault| matches!(fault.fault, K::NoSuchStep { .. } | K::DeadEnd { .. })) => {
                faults.extend(shape::faults(&script));
                if faults.is_empty() { Ok(script) } else { Err(faults) }
            }
            _ => Err(faults),
        }
    }
}

struct Checker<'a> {
    document: &'a ScriptDocument,
    world: &'a ScriptWorld<'a>,
    faults: Vec<ScriptFault>,
    step: Option<&'a str>,
}

/// Where a name that leads nowhere points while the other faults are gathered; such a script is never given out.
const NOWHERE: StepId = StepId(u16::MAX);

impl<'a> Checker<'a> {
    fn fault(&mut self, fault: K) {
        self.faults.push(ScriptFault { step: self.step.map(str::to_owned), fault });
    }

    fn script(&mut self) -> Option<Script> {
        let document = self.document;
        if document.steps.is_empty() {
            self.fault(K::NoSteps);
            return None;
        }
        if document.steps.len() > STEPS_MAX {
            self.fault(K::TooLong { what: "the script", max: STEPS_MAX, unit: "steps" });
            return None;
        }
        self.language(&document.language);
        let start = self.way("start", &document.start);
        let machine = document.machine.as_ref().map(|name| self.way("machine", name));
        let information = document.information.as_ref().and_then(|speech| self.speech(speech));
        if document.information.is_none() && document.steps.values().any(|step| matches!(step, StepDocument::Transfer { .. })) {
            self.fault(K::NoInformation);
        }
        if let Some(prompt) = &document.fallback {
            self.play(prompt);
        }
        let mut steps = Vec::with_capacity(document.steps.len());
        for (name, step) in &document.steps {
            self.step = Some(name);
            let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if name.is_empty() || name.len() > NAME_CHARS_MAX || !letters || name == ANSWERED_BY {
                self.fault(K::BadName);
            }
            if let Some(act) = self.act(step) {
                steps.push(Step { name: name.clone(), act });
            }
        }
        self.step = None;
        (steps.len() == document.steps.len()).then_some(Script { start, machine, information, fallback: document.fallback.clone(), steps })
    }

    fn act(&mut self, step: &'a StepDocument) -> Option<Act> {
        Some(match step {
            StepDocument::Say { text, language, voice, next } => {
                let speech = self.say(text, language.as_ref(), voice.as_ref(), None)?;
                Act::Speak { speech, next: self.must(next.as_ref(), "next") }
            }
            StepDocument::Play { prompt, next } => {
                let speech = self.play(prompt);
                Act::Speak { speech, next: self.must(next.as_ref(), "next") }
            }
            StepDocument::Gather(gather) => Act::Gather(self.gather(gather)),
            StepDocument::Branch { on, cases, otherwise } => self.branch(on, cases, otherwise)?,
            StepDocument::Transfer { target, mode, ring_ms_max, speech, otherwise, next } => {
                if !self.world.targets.contains(&target.as_str()) {
                    self.fault(K::NoSuchTarget { name: target.clone(), known: self.world.targets.join(", ") });
                }
                self.range("ring_ms_max", *ring_ms_max, 2_000, 120_000);
                let speech = speech.as_ref().and_then(|speech| self.speech(speech));
                let (otherwise, next) = (self.may(otherwise.as_ref(), "otherwise"), self.may(next.as_ref(), "next"));
                Act::Transfer { target: target.clone(), mode: *mode, ring_ms_max: *ring_ms_max, speech, otherwise, next }
            }
            StepDocument::VoicemailDrop { speech, wait_ms_max, next } => {
                self.range("wait_ms_max", *wait_ms_max, 1_000, 120_000);
                let next = self.may(next.as_ref(), "next");
                Act::VoicemailDrop { speech: self.speech(speech)?, wait_ms_max: *wait_ms_max, next }
            }
            StepDocument::Record { speech, record_ms_max, silence_ms_max, end_key, next } => {
                self.range("record_ms_max", *record_ms_max, 1_000, 600_000);
                self.range("silence_ms_max", *silence_ms_max, 1_000, 60_000);
                self.key(*end_key);
                let speech = speech.as_ref().and_then(|speech| self.speech(speech));
                Act::Record { speech, record_ms_max: *record_ms_max, silence_ms_max: *silence_ms_max, end_key: *end_key, next: self.must(next.as_ref(), "next") }
            }
            StepDocument::PauseRecording { next } => Act::PauseRecording { is_paused: true, next: self.must(next.as_ref(), "next") },
            StepDocument::ResumeRecording { next } => Act::PauseRecording { is_paused: false, next: self.must(next.as_ref(), "next") },
            StepDocument::OptOut { speech, next } => {
                let speech = speech.as_ref().and_then(|speech| self.speech(speech));
                Act::OptOut { speech, next: self.may(next.as_ref(), "next") }
            }
            StepDocument::HangUp {} => Act::HangUp,
        })
    }

    fn gather(&mut self, gather: &'a GatherDocument) -> Gather {
        self.range("digits_max", gather.digits_max.into(), 1, 20);
        self.range("timeout_ms", gather.timeout_ms, 1_000, 30_000);
        self.range("between_keys_ms", gather.between_keys_ms, 500, 15_000);
        self.range("retries", gather.retries.into(), 0, 5);
        self.key(gather.end_key);
        if gather.keys.is_empty() && gather.other.is_none() {
            self.fault(K::NoKeys);
        }
        let mut keys = BTreeMap::new();
        for (entry, name) in &gather.keys {
            if !fits(gather, entry) {
                self.fault(K::BadEntry { entry: entry.clone(), digits_max: gather.digits_max });
            }
            keys.insert(entry.clone(), self.way(&format!("keys.{entry}"), name));
        }
        Gather {
            speech: gather.speech.as_ref().and_then(|speech| self.speech(speech)),
            digits_max: gather.digits_max,
            timeout_ms: gather.timeout_ms,
            between_keys_ms: gather.between_keys_ms,
            end_key: gather.end_key,
            retries: gather.retries,
            keys,
            other: self.may(gather.other.as_ref(), "other"),
            invalid: self.must(gather.invalid.as_ref(), "invalid"),
            timeout: self.must(gather.timeout.as_ref(), "timeout"),
        }
    }

    fn branch(&mut self, on: &'a str, cases: &'a BTreeMap<String, String>, otherwise: &'a str) -> Option<Act> {
        let otherwise = self.way("otherwise", otherwise);
        let ways: Vec<(&String, StepId)> = cases.iter().map(|(case, name)| (case, self.way(&format!("cases.{case}"), name))).collect();
        if on == ANSWERED_BY {
            let mut cases = BTreeMap::new();
            for (case, to) in ways {
                match case.parse::<AnsweredBy>() {
                    Ok(by) => drop(cases.insert(by, to)),
                    Err(_) => self.fault(K::BadCase { case: case.clone(), known: AnsweredBy::ALL.iter().map(|by| by.as_str()).collect::<Vec<_>>().join(", ") }),
                }
            }
            return Some(Act::BranchOnAnswer { cases, otherwise });
        }
        let Some(StepDocument::Gather(gather)) = self.document.steps.get(on) else {
            self.fault(K::BranchOn { on: on.to_owned() });
            return None;
        };
        // An entry is kept when one of the keys takes it, or `other` takes whatever was made.
        let takes = |entry: &str| fits(gather, entry) && (gather.other.is_some() || gather.keys.contains_key(entry));
        let known = if gather.other.is_some() { String::new() } else { gather.keys.keys().cloned().collect::<Vec<_>>().join(", ") };
        for (case, _) in ways.iter().filter(|(case, _)| !takes(case)) {
            self.fault(K::NeverEntered { entry: (*case).clone(), gather: on.to_owned(), known: known.clone(), digits_max: gather.digits_max });
        }
        Some(Act::BranchOnEntry { gather: on.to_owned(), cases: ways.into_iter().map(|(case, to)| (case.clone(), to)).collect(), otherwise })
    }

    fn speech(&mut self, speech: &'a SpeechDocument) -> Option<Arc<Speech>> {
        match (&speech.text, &speech.prompt) {
            (Some(text), None) => self.say(text, speech.language.as_ref(), speech.voice.as_ref(), speech.fallback.as_ref()),
            (None, Some(_)) if speech.fallback.is_some() => {
                self.fault(K::FallbackOfPrompt);
                None
            }
            (None, Some(prompt)) => Some(self.play(prompt)),
            _ => {
                self.fault(K::TextOrPrompt);
                None
            }
        }
    }

    fn say(&mut self, text: &str, language: Option<&'a String>, voice: Option<&'a String>, fallback: Option<&'a String>) -> Option<Arc<Speech>> {
        if let Some(prompt) = fallback {
            self.play(prompt);
        }
        if let Some(language) = language {
            self.language(language);
        }
        for words in placeholder::left_in(text) {
            self.fault(K::Placeholder(words));
        }
        match Template::parse(text, self.world.fields) {
            Ok(text) if text.short_links() > 0 => {
                self.fault(K::Text(TemplateError { position: 1, fault: TemplateFault::NotHeard }));
                None
            }
            Ok(text) => {
                for TemplateWarning::NoFallback { field } in text.warnings() {
                    self.fault(K::NoFallback { field });
                }
                let language = language.unwrap_or(&self.document.language).clone();
                Some(Arc::new(Speech::Say { text, language, voice: voice.or(self.document.voice.as_ref()).cloned(), fallback: fallback.cloned() }))
            }
            Err(error) => {
                self.fault(K::Text(error));
                None
            }
        }
    }

    fn play(&mut self, prompt: &str) -> Arc<Speech> {
        if !self.world.prompts.contains(&prompt) {
            self.fault(K::NoSuchPrompt { name: prompt.to_owned(), known: self.world.prompts.join(", ") });
        }
        Arc::new(Speech::Play { prompt: prompt.to_owned() })
    }

    fn way(&mut self, key: &str, name: &str) -> StepId {
        match self.document.steps.keys().position(|known| known == name) {
            Some(place) => StepId(place as u16),
            None => {
                self.fault(K::NoSuchStep { key: key.to_owned(), name: name.to_owned() });
                NOWHERE
            }
        }
    }

    fn may(&mut self, name: Option<&String>, key: &str) -> Option<StepId> {
        name.map(|name| self.way(key, name))
    }

    fn must(&mut self, name: Option<&String>, key: &'static str) -> StepId {
        self.may(name, key).unwrap_or_else(|| {
            self.fault(K::DeadEnd { key });
            NOWHERE
        })
    }

    fn range(&mut self, key: &'static str, value: u32, min: u32, max: u32) {
        if !(min..=max).contains(&value) {
            self.fault(K::OutOfRange { key, value, min, max });
        }
    }

    fn key(&mut self, key: Option<char>) {
        if let Some(key) = key.filter(|key| !is_key(*key)) {
            self.fault(K::BadKey(key));
        }
    }

    fn language(&mut self, tag: &str) {
        let fits = |(place, part): (usize, &str)| !part.is_empty() && part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (place > 0 || (2..=3).contains(&part.len()));
        if tag.len() > 20 || !tag.split('-').enumerate().all(fits) {
            self.fault(K::BadLanguage(tag.to_owned()));
        }
    }
}

/// Whether a gather can get this entry: one that is not too long, and that its end key does not cut short.
fn fits(gather: &GatherDocument, entry: &str) -> bool {
    (1..=usize::from(gather.digits_max)).contains(&entry.len()) && entry.chars().all(|key| is_key(key) && Some(key) != gather.end_key)
}

pub(super) fn is_key(key: char) -> bool {
    key.is_ascii_digit() || key == '*' || key == '#'
}

#[cfg(test)]
#[path = "check_tests.rs"]
pub(super) mod tests;
