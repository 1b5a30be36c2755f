//! The carrier's own count of calls, kept apart from the dialler's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::CallFate;

/// What the carrier saw.
#[derive(Debug, Clone, Default)]
pub struct CallTally {
    begun: BTreeMap<CallFate, u64>,
    /// People who heard sound from us after they answered.
    heard: BTreeMap<CallFate, u64>,
    calls_to: HashMap<String, u64>,
    /// The caller IDs that people saw.
    shown: BTreeSet<String>,
    /// Who we said that we are to the carrier alone (RFC 3325).
    asserted: BTreeSet<String>,
    /// The same of calls to agents.
    shown_to_agents: BTreeSet<String>,
    asserted_of_agents: BTreeSet<String>,
    /// Where people were to be transferred to by REFER.
    pub transferred: Vec<String>,
    pub agent_calls: u64,
    /// Agents who heard a person's call come up.
    pub agent_answers: u64,
}

impl CallTally {
    pub(super) fn begin(&mut self, number: &str, shown: &str, asserted: Option<&str>, fate: CallFate) {
        self.shown.insert(shown.to_owned());
        self.asserted.extend(asserted.map(str::to_owned));
        *self.begun.entry(fate).or_default() += 1;
        *self.calls_to.entry(number.to_owned()).or_default() += 1;
    }

    pub(super) fn begin_agent(&mut self, shown: &str, asserted: Option<&str>) {
        self.agent_calls += 1;
        self.shown_to_agents.insert(shown.to_owned());
        self.asserted_of_agents.extend(asserted.map(str::to_owned));
    }

    pub(super) fn end(&mut self, fate: CallFate, heard: bool) {
        *self.heard.entry(fate).or_default() += u64::from(heard);
    }

    /// Calls of a fate that came in.
    #[must_use]
    pub fn of(&self, fate: CallFate) -> u64 {
        self.begun.get(&fate).copied().unwrap_or(0)
    }

    /// Of them, those whose person heard something.
    #[must_use]
    pub fn heard(&self, fate: CallFate) -> u64 {
        self.heard.get(&fate).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn calls(&self) -> u64 {
        self.begun.values().sum()
    }

    /// The caller IDs that people saw, each once.
    #[must_use]
    pub fn shown(&self) -> Vec<&str> {
        self.shown.iter().map(String::as_str).collect()
    }

    /// The identities that were asserted to the carrier, each once.
    #[must_use]
    pub fn asserted(&self) -> Vec<&str> {
        self.asserted.iter().map(String::as_str).collect()
    }

    /// What agents were shown and the carrier was told with their calls, each once.
    #[must_use]
    pub fn of_agents(&self) -> (Vec<&str>, Vec<&str>) {
        (self.shown_to_agents.iter().map(String::as_str).collect(), self.asserted_of_agents.iter().map(String::as_str).collect())
    }

    /// Numbers that were called more than once.
    #[must_use]
    pub fn called_again(&self) -> usize {
        self.calls_to.values().filter(|calls| **calls > 1).count()
    }
}
