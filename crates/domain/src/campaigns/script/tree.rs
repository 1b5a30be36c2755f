//! A script as a tree that people can read: each step once, and a pointer where a way leads back to one.

use crate::campaigns::script::step::{Act, Script, Speech, StepId};

/// One line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLine {
    pub depth: usize,
    /// What leads here: `start`, `on 1`, `without a key`.
    pub way: String,
    /// The step's name.
    pub step: String,
    /// What it does, in words; empty when the step stands elsewhere in the tree.
    pub text: String,
    /// The step is shown further up or on another branch.
    pub is_shown_elsewhere: bool,
}

const EXCERPT_CHARS_MAX: usize = 120;
/// Beside a step that rings an agent for people who have heard nothing yet.
const SILENCE: &str = "nothing is heard before or meanwhile, so agents have 2 s from the answer to pick up: else the information message plays and the call is abandoned. Say something first, or while they are rung";

impl Script {
    #[must_use]
    pub fn tree(&self) -> Vec<TreeLine> {
        let (mut lines, silent) = (Vec::new(), self.rings_in_silence());
        let mut shown = vec![false; self.steps.len()];
        let mut ahead: Vec<(usize, String, StepId)> = Vec::new();
        ahead.extend(self.machine.map(|id| (0, "when a machine is heard".to_owned(), id)));
        ahead.push((0, "start".to_owned(), self.start));
        while let Some((depth, way, id)) = ahead.pop() {
            let step = self.step(id);
            let again = std::mem::replace(&mut shown[usize::from(id.0)], true);
            let text = match again {
                true => String::new(),
                false if silent.contains(&id) => format!("{}; {}", in_words(&step.act), SILENCE),
                false => in_words(&step.act),
            };
            lines.push(TreeLine { depth, way, step: step.name.clone(), text, is_shown_elsewhere: again });
            if !again {
                let ways = step.act.ways();
                // A single way on is not a branch: it stays at the same depth, so that a long talk does not wander off the page.
                let deeper = if ways.len() > 1 { depth + 1 } else { depth };
                ahead.extend(ways.into_iter().rev().map(|(way, to)| (deeper, way, to)));
            }
        }
        lines
    }

    #[must_use]
    pub fn tree_text(&self) -> String {
        let line = |line: TreeLine| {
            let said = if line.is_shown_elsewhere { "↑ as above".to_owned() } else { line.text };
            format!("{}{}: {}: {said}\n", "    ".repeat(line.depth), line.way, line.step)
        };
        self.tree().into_iter().map(line).collect()
    }
}

fn in_words(act: &Act) -> String {
    let seconds = |ms: u32| format!("{} s", f64::from(ms) / 1_000.0);
    match act {
        Act::Speak { speech, .. } => heard(speech),
        Act::Gather(gather) => {
            let asked = gather.speech.as_deref().map_or_else(|| "wait".to_owned(), heard);
            let keys = if gather.digits_max == 1 { "a key".to_owned() } else { format!("up to {} keys", gather.digits_max) };
            format!("{asked}; take {keys} within {}, ask {} more times", seconds(gather.timeout_ms), gather.retries)
        }
        Act::BranchOnAnswer { .. } => "by who answered".to_owned(),
        Act::BranchOnEntry { gather, .. } => format!("by what was entered at {gather}"),
        Act::Transfer { target, ring_ms_max, .. } => format!("put through to {target}, rung for {}", seconds(*ring_ms_max)),
        Act::VoicemailDrop { speech, wait_ms_max, .. } => format!("wait up to {} for the beep, then {}", seconds(*wait_ms_max), heard(speech)),
        Act::Record { speech, record_ms_max, silence_ms_max, .. } => {
            let asked = speech.as_deref().map(|speech| format!("{}; ", heard(speech))).unwrap_or_default();
            format!("{asked}record up to {}, or until {} of silence", seconds(*record_ms_max), seconds(*silence_ms_max))
        }
        Act::PauseRecording { is_paused: true, .. } => "record silence from here on".to_owned(),
        Act::PauseRecording { is_paused: false, .. } => "record again".to_owned(),
        Act::OptOut { speech, .. } => format!("never call again{}", speech.as_deref().map(|speech| format!(", then {}", heard(speech))).unwrap_or_default()),
        Act::HangUp => "hang up".to_owned(),
    }
}

fn heard(speech: &Speech) -> String {
    match speech {
        Speech::Play { prompt } => format!("play {prompt}"),
        Speech::Say { text, .. } => {
            let text = text.source();
            let short: String = text.chars().take(EXCERPT_CHARS_MAX).collect();
            if short.len() < text.len() { format!("say “{short}…”") } else { format!("say “{short}”") }
        }
    }
}
