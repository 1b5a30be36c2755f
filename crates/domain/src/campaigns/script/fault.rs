//! What can be wrong with a script, each with the step where it is.

use crate::campaigns::template::TemplateError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", .step.as_ref().map(|step| format!("step {step}: ")).unwrap_or_default())]
pub struct ScriptFault {
    /// `None` when it is about the script as a whole.
    pub step: Option<String>,
    pub fault: ScriptFaultKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFaultKind {
    #[error("it does not read: {0}")]
    Syntax(String),
    #[error("a step's name is 1 to 40 lower-case letters, digits and underscores, and not answered_by")]
    BadName,
    #[error("there is no step yet: add one that says or plays something")]
    NoSteps,
    // Each begins with a word of its own, never with a key: a page begins it with a capital letter.
    #[error("there is no step {name}, to which {key} leads: name one that there is, or add it")]
    NoSuchStep { key: String, name: String },
    #[error("no way leads here: name it as the next step of another, or remove it")]
    Unreachable,
    #[error("no step is named by {key}: name the next step, or a step that hangs up")]
    DeadEnd { key: &'static str },
    #[error("a person who presses nothing goes round for ever: {}", .0.join(" → "))]
    EndlessLoop(Vec<String>),
    #[error("{0}")]
    Text(#[from] TemplateError),
    #[error("people without {field} would hear a gap: give it a fallback, such as {{{field}|there}}")]
    NoFallback { field: String },
    #[error("there is no prompt {name}: upload it{}", or_one_of(.known))]
    NoSuchPrompt { name: String, known: String },
    #[error("there is no transfer target {name}: add it{}", or_one_of(.known))]
    NoSuchTarget { name: String, known: String },
    #[error("write either a text or the name of a prompt, not both and not neither")]
    TextOrPrompt,
    #[error("a prompt is never rendered: give a fallback to texts alone")]
    FallbackOfPrompt,
    #[error("{what} is longer than {max} {unit}: shorten it")]
    TooLong { what: &'static str, max: usize, unit: &'static str },
    #[error("choose {min} to {max} for {key}: it is {value}")]
    OutOfRange { key: &'static str, value: u32, min: u32, max: u32 },
    #[error("{entry:?} is not an entry of 1 to {digits_max} keys of 0-9, * and # that can be made here")]
    BadEntry { entry: String, digits_max: u8 },
    #[error("nobody can have entered {entry:?} at {gather}, so this case is never taken: {}", what_is_entered(.known, *.digits_max))]
    NeverEntered { entry: String, gather: String, known: String, digits_max: u8 },
    #[error("no key leads on: add keys, or other for any entry")]
    NoKeys,
    #[error("{0:?} is not a key: use 0-9, * or #")]
    BadKey(char),
    #[error("it branches on {on}, which is neither answered_by nor a step that gathers keys")]
    BranchOn { on: String },
    #[error("nobody is ever {case}: use one of {known}")]
    BadCase { case: String, known: String },
    #[error("a script that puts people through needs an information message for when no agent is there")]
    NoInformation,
    #[error("{0:?} is not a language: write a tag such as en-GB")]
    BadLanguage(String),
    #[error("it still says {0}: put your own words there")]
    Placeholder(&'static str),
}

/// Nothing when there is none to choose.
fn or_one_of(known: &str) -> String {
    if known.is_empty() { String::new() } else { format!(", or choose one of {known}") }
}

/// `known` is empty where the gather takes any entry.
fn what_is_entered(known: &str, digits_max: u8) -> String {
    if known.is_empty() { format!("use an entry of 1 to {digits_max} keys without its end key") } else { format!("use one of {known}") }
}

impl ScriptFault {
    #[must_use]
    pub fn of_the_script(fault: ScriptFaultKind) -> Self {
        Self { step: None, fault }
    }

    #[must_use]
    pub fn of(step: &str, fault: ScriptFaultKind) -> Self {
        Self { step: Some(step.to_owned()), fault }
    }
}
