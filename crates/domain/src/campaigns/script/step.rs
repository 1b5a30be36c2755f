//! A checked script: every name resolved, every text parsed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::campaigns::script::document::TransferMode;
use crate::campaigns::template::Template;
use crate::outcomes::answered_by::AnsweredBy;

pub const STEPS_MAX: usize = 100;

/// What a script may name: the tenant's fields, prompts and transfer targets.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScriptWorld<'a> {
    pub fields: &'a [&'a str],
    pub prompts: &'a [&'a str],
    pub targets: &'a [&'a str],
}

/// The place of a step in its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub(super) u16);

/// Something to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// Spoken by the speech engine; its fields are filled for each person. `fallback` is the prompt in its place when it could not be rendered.
    Say { text: Template, language: String, voice: Option<String>, fallback: Option<String> },
    /// An uploaded prompt, by its name.
    Play { prompt: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    pub act: Act,
}

/// What a step does. `None` as a next step ends the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Speak { speech: Arc<Speech>, next: StepId },
    Gather(Gather),
    BranchOnAnswer { cases: BTreeMap<AnsweredBy, StepId>, otherwise: StepId },
    BranchOnEntry { gather: String, cases: BTreeMap<String, StepId>, otherwise: StepId },
    Transfer { target: String, mode: TransferMode, ring_ms_max: u32, speech: Option<Arc<Speech>>, otherwise: Option<StepId>, next: Option<StepId> },
    VoicemailDrop { speech: Arc<Speech>, wait_ms_max: u32, next: Option<StepId> },
    Record { speech: Option<Arc<Speech>>, record_ms_max: u32, silence_ms_max: u32, end_key: Option<char>, next: StepId },
    PauseRecording { is_paused: bool, next: StepId },
    OptOut { speech: Option<Arc<Speech>>, next: Option<StepId> },
    HangUp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gather {
    pub speech: Option<Arc<Speech>>,
    pub digits_max: u8,
    pub timeout_ms: u32,
    pub between_keys_ms: u32,
    pub end_key: Option<char>,
    pub retries: u8,
    pub keys: BTreeMap<String, StepId>,
    pub other: Option<StepId>,
    pub invalid: StepId,
    pub timeout: StepId,
}

/// A script that has passed its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(super) start: StepId,
    pub(super) machine: Option<StepId>,
    pub(super) information: Option<Arc<Speech>>,
    pub(super) fallback: Option<String>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[usize::from(id.0)]
    }

    #[must_use]
    pub fn start(&self) -> StepId {
        self.start
    }

    /// Where a call goes on once a machine is heard.
    #[must_use]
    pub fn machine(&self) -> Option<StepId> {
        self.machine
    }

    #[must_use]
    pub fn information(&self) -> Option<&Arc<Speech>> {
        self.information.as_ref()
    }

    /// The prompt that is heard in the place of words that could not be rendered and have no fallback of their own.
    #[must_use]
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Everything that can be heard, with its step (`None` for the information message): what is rendered when the campaign is saved.
    pub fn speeches(&self) -> impl Iterator<Item = (Option<&str>, &Arc<Speech>)> {
        let own = self.steps.iter().filter_map(|step| step.act.speech().map(|speech| (Some(step.name.as_str()), speech)));
        self.information.iter().map(|speech| (None, speech)).chain(own)
    }

    /// The fields that its texts use, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (_, speech) in self.speeches() {
            if let Speech::Say { text, .. } = speech.as_ref() {
                names.extend(text.fields());
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The transfer targets that it puts people through to, each once.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.steps.iter().filter_map(|step| if let Act::Transfer { target, .. } = &step.act { Some(target.as_str()) } else { None }).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Its text without the fields, for the rules that look at what every person hears.
    #[must_use]
    pub fn fixed_text(&self) -> String {
        let texts = self.speeches().filter_map(|(_, speech)| if let Speech::Say { text, .. } = speech.as_ref() { Some(text.fixed_text()) } else { None });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Some step records what the person says.
    #[must_use]
    pub fn records(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Record { .. }))
    }

    /// A step records what the person says, and nothing says so to them.
    #[must_use]
    pub fn records_unannounced(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Record { speech: None, .. }))
    }

    /// The carrier joins some people with their agents, and we hear no more of them.
    #[must_use]
    pub fn refers(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Transfer { mode: TransferMode::Refer, .. }))
    }

    /// The steps that ring an agent for people who have heard nothing yet: whoever is still not with one two seconds after the answer
    /// hears the information message (UK-6).
    #[must_use]
    pub fn rings_in_silence(&self) -> Vec<StepId> {
        let (mut silent, mut seen, mut ahead) = (Vec::new(), vec![false; self.steps.len()], vec![self.start]);
        while let Some(id) = ahead.pop() {
            if std::mem::replace(&mut seen[usize::from(id.0)], true) {
                continue;
            }
            match &self.step(id).act {
                act @ (Act::BranchOnAnswer { .. } | Act::BranchOnEntry { .. } | Act::PauseRecording { .. }) => ahead.extend(act.ways().into_iter().map(|(_, to)| to)),
                Act::Transfer { speech: None, .. } => silent.push(id),
                _ => {}
            }
        }
        silent
    }

    /// A machine is treated otherwise than a person: the abandoned rate then needs an estimate of its mistakes (UK-4).
    #[must_use]
    pub fn acts_on_machines(&self) -> bool {
        self.machine.is_some() || self.steps.iter().any(|step| matches!(step.act, Act::BranchOnAnswer { .. }))
    }
}

impl Act {
    #[must_use]
    pub fn speech(&self) -> Option<&Arc<Speech>> {
        match self {
            Self::Speak { speech, .. } | Self::VoicemailDrop { speech, .. } => Some(speech),
            Self::Gather(Gather { speech, .. }) | Self::Transfer { speech, .. } | Self::Record { speech, .. } | Self::OptOut { speech, .. } => speech.as_ref(),
            Self::BranchOnAnswer { .. } | Self::BranchOnEntry { .. } | Self::PauseRecording { .. } | Self::HangUp => None,
        }
    }

    /// Every way out of the step, with the words that stand on it.
    #[must_use]
    pub fn ways(&self) -> Vec<(String, StepId)> {
        let next = |next: &Option<StepId>| next.map(|next| ("then".to_owned(), next));
        match self {
            Self::Speak { next, .. } | Self::Record { next, .. } | Self::PauseRecording { next, .. } => vec![("then".into(), *next)],
            Self::Gather(gather) => {
                let keys = gather.keys.iter().map(|(entry, to)| (format!("on {entry}"), *to));
                let others = gather.other.map(|to| ("on any other entry".to_owned(), to));
                keys.chain(others).chain([("after wrong keys".into(), gather.invalid), ("without a key".into(), gather.timeout)]).collect()
            }
            Self::BranchOnAnswer { cases, otherwise } => cases.iter().map(|(by, to)| (format!("if {by}"), *to)).chain([("otherwise".into(), *otherwise)]).collect(),
            Self::BranchOnEntry { cases, otherwise, .. } => cases.iter().map(|(entry, to)| (format!("if {entry}"), *to)).chain([("otherwise".into(), *otherwise)]).collect(),
            Self::Transfer { otherwise, next: after, .. } => next(after).map(|(_, to)| ("after the agent".to_owned(), to)).into_iter().chain(otherwise.map(|to| ("without an agent".to_owned(), to))).collect(),
            Self::VoicemailDrop { next: after, .. } | Self::OptOut { next: after, .. } => next(after).into_iter().collect(),
            Self::HangUp => Vec::new(),
        }
    }
}
