//! Runs a script for one call. Pure: events go in, orders come out, and whoever holds the call carries them out.
//!
//! Every order has a turn; an event that answers an older turn is late and changes nothing. The machine ends within a
//! bounded number of events whatever the person presses.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::campaigns::script::check::is_key;
use crate::campaigns::script::document::TransferMode;
use crate::campaigns::script::step::{Act, Gather, Script, Speech, StepId};
use crate::outcomes::answered_by::AnsweredBy;
use crate::word::words;

/// Steps in one call, after which it ends: more than any sensible script takes, fewer than a person could be held with.
pub const STEPS_TAKEN_MAX: u16 = 200;
/// Keys in one call.
pub const KEYS_TAKEN_MAX: u16 = 400;
const TYPED_AHEAD_MAX: usize = 20;

/// What happened. `turn` is that of the order which it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEvent {
    /// The speech was played to its end.
    Played { turn: u32 },
    Key(char),
    /// The time of a `Wait`, or of a voicemail, is over.
    TimedOut { turn: u32 },
    /// The detector's word, at any time.
    Judged(AnsweredBy),
    Bridged { turn: u32 },
    AgentLeft { turn: u32 },
    /// Closed, nobody free, no answer or a fault: no agent came.
    NotPutThrough { turn: u32 },
    /// The recording is over, or was paused or resumed.
    Recorded { turn: u32 },
    /// The suppression is committed.
    Suppressed { turn: u32 },
    /// The speech could not be played at all.
    Failed { turn: u32 },
    /// The person's leg is gone.
    HungUp,
}

/// What to do now; whatever was being done before stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub turn: u32,
    /// The step that it comes from; `None` for the information message and the last hang-up.
    pub step: Option<StepId>,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Play, then `Played`. Keys are told as they come.
    Play { speech: Arc<Speech>, why: PlayedFor },
    /// Listen for keys this long, then `TimedOut`.
    Wait { ms: u32 },
    /// Ring an agent of this target, while the speech plays; `Bridged` or `NotPutThrough`, then `AgentLeft`.
    PutThrough { target: String, mode: TransferMode, ring_ms_max: u32, speech: Option<Arc<Speech>> },
    /// Wait until the detector says that the voicemail is ready; `TimedOut` after this long.
    AwaitVoicemail { ms: u32 },
    /// Record what is said, then `Recorded`: after this long, or after so long a silence.
    Record { ms_max: u32, silence_ms_max: u32 },
    /// Recordings hold silence from now on, or sound again; then `Recorded`.
    PauseRecording { is_paused: bool },
    /// Suppress the number, then `Suppressed`.
    Suppress,
    HangUp(ScriptEnd),
}

/// What a speech is, for the timings of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayedFor {
    Message,
    /// The message of UK-7: no agent was there.
    Information,
    Voicemail,
}

words! {
    /// Why a script ended the call.
    pub enum ScriptEnd {
        Finished = "finished",
        PutThrough = "put_through",
        OptedOut = "opted_out",
        VoicemailLeft = "voicemail_left",
        NoAgent = "no_agent",
        /// A fax, an announcement or a busy tone.
        NotAPerson = "not_a_person",
        /// The bound on steps or keys was reached.
        TooLong = "too_long",
        Failed = "failed",
    }
}

/// What became of the call so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptResult {
    /// What was entered, by gather step, the last time each was passed.
    pub entries: BTreeMap<String, String>,
    pub opted_out: bool,
    pub put_through: bool,
    /// An agent was wanted and none came.
    pub no_agent: bool,
    pub voicemail_left: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    Speaking { next: StepId },
    Gathering { entered: String, tries_left: u8, is_asking: bool },
    RingingAgent { otherwise: Option<StepId>, next: Option<StepId> },
    WithAgent { next: Option<StepId> },
    Informing { then: Option<StepId> },
    AwaitingVoicemail { speech: Arc<Speech>, next: Option<StepId> },
    LeavingVoicemail { next: Option<StepId> },
    AnnouncingRecord,
    Recording { end_key: Option<char>, next: StepId },
    PausingRecording { next: StepId },
    Suppressing { speech: Option<Arc<Speech>>, next: Option<StepId> },
    /// Says that the number is suppressed; what follows may be nothing.
    Confirming { next: Option<StepId> },
    Over,
}

/// One call's way through a script.
#[derive(Debug, Clone)]
pub struct ScriptMachine {
    script: Arc<Script>,
    at: StepId,
    doing: Doing,
    turn: u32,
    steps_taken: u16,
    keys_taken: u16,
    typed_ahead: String,
    answered_by: AnsweredBy,
    /// A key was pressed or an agent bridged: it is a person, whatever the detector says later.
    surely_a_person: bool,
    on_machine_way: bool,
    result: ScriptResult,
}

impl ScriptMachine {
    /// Begins a call that was just answered, with the detector's word so far (`unsure` when it has none).
    #[must_use]
    pub fn start(script: Arc<Script>, answered_by: AnsweredBy) -> (Self, Order) {
        let at = script.start;
        let mut machine = Self {
            script,
            at,
            doing: Doing::Over,
            turn: 0,
            steps_taken: 0,
            keys_taken: 0,
            typed_ahead: String::new(),
            answered_by,
            surely_a_person: false,
            on_machine_way: false,
            result: ScriptResult::default(),
        };
        let order = machine.judged(answered_by).unwrap_or_else(|| machine.go(Some(at), ScriptEnd::Finished));
        (machine, order)
    }

    /// Takes an event; gives the next order when there is one.
    pub fn on(&mut self, event: ScriptEvent) -> Option<Order> {
        if self.doing == Doing::Over {
            return None;
        }
        match event {
            ScriptEvent::HungUp => {
                self.doing = Doing::Over;
                None
            }
            ScriptEvent::Key(key) => self.key(key),
            ScriptEvent::Judged(by) => self.judged(by),
            ScriptEvent::Played { turn } if turn == self.turn => self.played(),
            ScriptEvent::TimedOut { turn } if turn == self.turn => self.timed_out(),
            ScriptEvent::Bridged { turn } if turn == self.turn => self.bridged(),
            ScriptEvent::AgentLeft { turn } if turn == self.turn => self.agent_left(),
            ScriptEvent::NotPutThrough { turn } if turn == self.turn => self.not_put_through(),
            ScriptEvent::Recorded { turn } if turn == self.turn => self.recorded(),
            ScriptEvent::Suppressed { turn } if turn == self.turn => self.suppressed(),
            ScriptEvent::Failed { turn } if turn == self.turn => Some(self.hang_up(ScriptEnd::Failed)),
            _ => None,
        }
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.doing == Doing::Over
    }

    /// A key was pressed or an agent joined: what the detector says changes nothing any more.
    #[must_use]
    pub fn is_surely_a_person(&self) -> bool {
        self.surely_a_person
    }

    /// The turn of the last order.
    #[must_use]
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// The step that the call is at.
    #[must_use]
    pub fn at(&self) -> StepId {
        self.at
    }

    #[must_use]
    pub fn result(&self) -> &ScriptResult {
        &self.result
    }

    fn order(&mut self, step: Option<StepId>, action: Action, doing: Doing) -> Order {
        self.turn += 1;
        self.doing = doing;
        Order { turn: self.turn, step, action }
    }

    fn hang_up(&mut self, end: ScriptEnd) -> Order {
        self.order(None, Action::HangUp(end), Doing::Over)
    }

    fn play(&mut self, speech: Arc<Speech>, doing: Doing) -> Order {
        let step = Some(self.at);
        self.order(step, Action::Play { speech, why: PlayedFor::Message }, doing)
    }

    /// Goes to a step, through branches, to the first order; without a step the call ends.
    fn go(&mut self, to: Option<StepId>, end: ScriptEnd) -> Order {
        let Some(mut to) = to else { return self.hang_up(end) };
        let script = Arc::clone(&self.script);
        loop {
            self.steps_taken += 1;
            if self.steps_taken > STEPS_TAKEN_MAX {
                return self.hang_up(ScriptEnd::TooLong);
            }
            self.at = to;
            to = match &script.step(to).act {
                Act::BranchOnAnswer { cases, otherwise } => self.case_of_answer(cases).unwrap_or(*otherwise),
                Act::BranchOnEntry { gather, cases, otherwise } => self.result.entries.get(gather).and_then(|entry| cases.get(entry)).copied().unwrap_or(*otherwise),
                act => return self.begin(act),
            };
        }
    }

    /// Without a way of its own, doubt goes the way of a person and a ready voicemail that of a machine.
    fn case_of_answer(&self, cases: &BTreeMap<AnsweredBy, StepId>) -> Option<StepId> {
        let kin = match self.answered_by {
            AnsweredBy::Unsure | AnsweredBy::Silence => AnsweredBy::Human,
            AnsweredBy::VoicemailReady => AnsweredBy::Machine,
            by => by,
        };
        cases.get(&self.answered_by).or_else(|| cases.get(&kin)).copied()
    }

    fn begin(&mut self, act: &Act) -> Order {
        let here = Some(self.at);
        match act {
            Act::Speak { speech, next } => self.play(Arc::clone(speech), Doing::Speaking { next: *next }),
            Act::Gather(gather) => self.ask(gather, gather.retries),
            Act::Transfer { target, mode, ring_ms_max, speech, otherwise, next } => {
                let action = Action::PutThrough { target: target.clone(), mode: *mode, ring_ms_max: *ring_ms_max, speech: speech.clone() };
                self.order(here, action, Doing::RingingAgent { otherwise: *otherwise, next: *next })
            }
            Act::VoicemailDrop { speech, next, .. } if self.answered_by == AnsweredBy::VoicemailReady => self.leave_voicemail(Arc::clone(speech), *next),
            Act::VoicemailDrop { speech, wait_ms_max, next } => {
                self.order(here, Action::AwaitVoicemail { ms: *wait_ms_max }, Doing::AwaitingVoicemail { speech: Arc::clone(speech), next: *next })
            }
            Act::Record { speech: Some(speech), .. } => self.play(Arc::clone(speech), Doing::AnnouncingRecord),
            Act::Record { speech: None, .. } => self.record(),
            Act::PauseRecording { is_paused, next } => self.order(here, Action::PauseRecording { is_paused: *is_paused }, Doing::PausingRecording { next: *next }),
            Act::OptOut { speech, next } => self.order(here, Action::Suppress, Doing::Suppressing { speech: speech.clone(), next: *next }),
            Act::HangUp => self.hang_up(self.end_so_far()),
            Act::BranchOnAnswer { otherwise, .. } | Act::BranchOnEntry { otherwise, .. } => self.go(Some(*otherwise), ScriptEnd::Finished),
        }
    }

    fn end_so_far(&self) -> ScriptEnd {
        match &self.result {
            ScriptResult { opted_out: true, .. } => ScriptEnd::OptedOut,
            ScriptResult { put_through: true, .. } => ScriptEnd::PutThrough,
            ScriptResult { no_agent: true, .. } => ScriptEnd::NoAgent,
            ScriptResult { voicemail_left: true, .. } => ScriptEnd::VoicemailLeft,
            _ => ScriptEnd::Finished,
        }
    }

    fn ask(&mut self, gather: &Gather, tries_left: u8) -> Order {
        let entered: String = std::mem::take(&mut self.typed_ahead).chars().take(usize::from(gather.digits_max)).collect();
        let doing = Doing::Gathering { entered: String::new(), tries_left, is_asking: gather.speech.is_some() };
        if !entered.is_empty() {
            self.doing = doing;
            return self.enter(gather, entered, tries_left);
        }
        match &gather.speech {
            Some(speech) => self.play(Arc::clone(speech), doing),
            None => self.order(Some(self.at), Action::Wait { ms: gather.timeout_ms }, doing),
        }
    }

    fn gather(&self) -> Option<(Arc<Script>, StepId)> {
        matches!(self.script.step(self.at).act, Act::Gather(_)).then(|| (Arc::clone(&self.script), self.at))
    }

    fn key(&mut self, key: char) -> Option<Order> {
        if !is_key(key) {
            return None;
        }
        self.keys_taken += 1;
        if self.keys_taken > KEYS_TAKEN_MAX {
            return Some(self.hang_up(ScriptEnd::TooLong));
        }
        self.surely_a_person = true;
        match self.doing.clone() {
            Doing::Gathering { mut entered, tries_left, .. } => {
                let (script, at) = self.gather()?;
                let Act::Gather(gather) = &script.step(at).act else { return None };
                if Some(key) == gather.end_key {
                    return Some(self.entered(gather, entered, tries_left));
                }
                entered.push(key);
                Some(self.enter(gather, entered, tries_left))
            }
            Doing::Recording { end_key, next } if end_key.is_none_or(|end| end == key) => Some(self.go(Some(next), ScriptEnd::Finished)),
            // A key before its question is kept, and cuts short the speech that leads to it.
            Doing::Speaking { next } => {
                self.type_ahead(key);
                let asks = matches!(self.script.step(next).act, Act::Gather(_));
                asks.then(|| self.go(Some(next), ScriptEnd::Finished))
            }
            Doing::Informing { .. } | Doing::Confirming { .. } | Doing::Suppressing { .. } => {
                self.type_ahead(key);
                None
            }
            _ => None,
        }
    }

    fn type_ahead(&mut self, key: char) {
        if self.typed_ahead.len() < TYPED_AHEAD_MAX {
            self.typed_ahead.push(key);
        }
    }

    /// Some keys are in: is that an entry already?
    fn enter(&mut self, gather: &Gather, entered: String, tries_left: u8) -> Order {
        let full = entered.len() >= usize::from(gather.digits_max);
        let only_one = gather.other.is_none() && gather.keys.contains_key(&entered) && !gather.keys.keys().any(|key| key.len() > entered.len() && key.starts_with(&entered));
        if full || only_one {
            return self.entered(gather, entered, tries_left);
        }
        self.order(Some(self.at), Action::Wait { ms: gather.between_keys_ms }, Doing::Gathering { entered, tries_left, is_asking: false })
    }

    fn entered(&mut self, gather: &Gather, entered: String, tries_left: u8) -> Order {
        let known = gather.keys.get(&entered).copied().or(gather.other.filter(|_| !entered.is_empty()));
        match known {
            Some(to) => {
                let name = self.script.step(self.at).name.clone();
                self.result.entries.insert(name, entered);
                self.go(Some(to), ScriptEnd::Finished)
            }
            None if tries_left > 0 => self.ask(gather, tries_left - 1),
            None => self.go(Some(gather.invalid), ScriptEnd::Finished),
        }
    }

    fn played(&mut self) -> Option<Order> {
        match self.doing.clone() {
            Doing::Speaking { next } => Some(self.go(Some(next), ScriptEnd::Finished)),
            Doing::Gathering { entered, tries_left, is_asking: true } => {
                let (script, at) = self.gather()?;
                let Act::Gather(gather) = &script.step(at).act else { return None };
                Some(self.order(Some(at), Action::Wait { ms: gather.timeout_ms }, Doing::Gathering { entered, tries_left, is_asking: false }))
            }
            Doing::Informing { then } => Some(self.go(then, ScriptEnd::NoAgent)),
            Doing::LeavingVoicemail { next } => {
                self.result.voicemail_left = true;
                Some(self.go(next, ScriptEnd::VoicemailLeft))
            }
            Doing::AnnouncingRecord => Some(self.record()),
            Doing::Confirming { next } => Some(self.go(next, ScriptEnd::OptedOut)),
            _ => None,
        }
    }

    /// Begins the recording of the step that the call is at.
    fn record(&mut self) -> Order {
        let script = Arc::clone(&self.script);
        let Act::Record { record_ms_max, silence_ms_max, end_key, next, .. } = &script.step(self.at).act else { return self.hang_up(ScriptEnd::Failed) };
        let action = Action::Record { ms_max: *record_ms_max, silence_ms_max: *silence_ms_max };
        self.order(Some(self.at), action, Doing::Recording { end_key: *end_key, next: *next })
    }

    fn timed_out(&mut self) -> Option<Order> {
        match self.doing.clone() {
            Doing::Gathering { entered, tries_left, is_asking: false } => {
                let (script, at) = self.gather()?;
                let Act::Gather(gather) = &script.step(at).act else { return None };
                Some(match (entered.is_empty(), tries_left) {
                    (false, _) => self.entered(gather, entered, tries_left),
                    (true, 0) => self.go(Some(gather.timeout), ScriptEnd::Finished),
                    (true, _) => self.ask(gather, tries_left - 1),
                })
            }
            Doing::AwaitingVoicemail { next, .. } => Some(self.go(next, ScriptEnd::Finished)),
            Doing::Recording { next, .. } => Some(self.go(Some(next), ScriptEnd::Finished)),
            _ => None,
        }
    }

    fn judged(&mut self, by: AnsweredBy) -> Option<Order> {
        self.answered_by = by;
        if self.surely_a_person {
            return None;
        }
        if let (AnsweredBy::VoicemailReady, Doing::AwaitingVoicemail { speech, next }) = (by, self.doing.clone()) {
            return Some(self.leave_voicemail(speech, next));
        }
        if matches!(by, AnsweredBy::Fax | AnsweredBy::Announcement | AnsweredBy::BusyTone) {
            return Some(self.hang_up(ScriptEnd::NotAPerson));
        }
        let way = self.script.machine.filter(|_| by.is_voicemail() && !self.on_machine_way)?;
        self.on_machine_way = true;
        Some(self.go(Some(way), ScriptEnd::Finished))
    }

    fn leave_voicemail(&mut self, speech: Arc<Speech>, next: Option<StepId>) -> Order {
        let action = Action::Play { speech, why: PlayedFor::Voicemail };
        self.order(Some(self.at), action, Doing::LeavingVoicemail { next })
    }

    fn bridged(&mut self) -> Option<Order> {
        if let Doing::RingingAgent { next, .. } = self.doing {
            self.doing = Doing::WithAgent { next };
            self.result.put_through = true;
            self.surely_a_person = true;
        }
        None
    }

    fn agent_left(&mut self) -> Option<Order> {
        match self.doing {
            Doing::WithAgent { next } => Some(self.go(next, ScriptEnd::PutThrough)),
            _ => None,
        }
    }

    fn not_put_through(&mut self) -> Option<Order> {
        let Doing::RingingAgent { otherwise, .. } = self.doing else { return None };
        self.result.no_agent = true;
        Some(match self.script.information.clone() {
            Some(speech) => self.order(None, Action::Play { speech, why: PlayedFor::Information }, Doing::Informing { then: otherwise }),
            None => self.go(otherwise, ScriptEnd::NoAgent),
        })
    }

    fn recorded(&mut self) -> Option<Order> {
        match self.doing {
            Doing::Recording { next, .. } | Doing::PausingRecording { next } => Some(self.go(Some(next), ScriptEnd::Finished)),
            _ => None,
        }
    }

    fn suppressed(&mut self) -> Option<Order> {
        let Doing::Suppressing { speech, next } = self.doing.clone() else { return None };
        self.result.opted_out = true;
        Some(match speech {
            Some(speech) => self.play(speech, Doing::Confirming { next }),
            None => self.go(next, ScriptEnd::OptedOut),
        })
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
pub(super) mod tests;
