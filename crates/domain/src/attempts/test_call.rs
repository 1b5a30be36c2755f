//! What a campaign's manager hears of who calls a number of their own to try a script: it counts in no report.

use serde::{Deserialize, Serialize};

use crate::outcomes::disposition::Disposition;

/// More keys than anybody presses to try a script.
pub const KEYS_MAX: usize = 64;
/// More steps than a call goes through.
pub const STEPS_MAX: usize = 64;

/// What a waiting test call's text says when agents are to be rung by it.
pub const RINGS_AGENTS: &str = "agents";

/// How a test call went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCall {
    pub disposition: Disposition,
    /// From dialling to the answer; `None` when nobody answered.
    pub answered_after_ms: Option<u64>,
    /// From the answer to the end.
    pub lasted_ms: u64,
    /// The script's steps in their order, by name.
    pub steps: Vec<String>,
    /// Keys in the order in which they were pressed.
    pub keys: String,
    /// The group of transfer targets that was asked for. Unless the test rings agents, the information message played instead.
    pub asked_for: Option<String>,
    /// The test was one that rings agents.
    #[serde(default)]
    pub rings_agents: bool,
    /// An agent was on the line.
    #[serde(default)]
    pub put_through: bool,
    /// The caller ID that the phone was shown.
    #[serde(default)]
    pub shown: String,
    /// The key for no more calls was pressed: a test suppresses nobody.
    pub opted_out: bool,
}

impl TestCall {
    pub fn pressed(&mut self, key: char) {
        if self.keys.len() < KEYS_MAX {
            self.keys.push(key);
        }
    }

    pub fn came_to(&mut self, step: String) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(step);
        }
    }

    /// In a sentence or some.
    #[must_use]
    pub fn told(&self) -> String {
        let seconds = |ms: u64| ms.div_ceil(1_000);
        let Some(after_ms) = self.answered_after_ms else { return format!("Nobody answered: {}.", self.disposition.as_str().replace('_', " ")) };
        let shown = if self.shown.is_empty() { String::new() } else { format!("The phone was shown {}. ", self.shown) };
        let mut told = format!("{shown}Answered after {} s, ended after {} s more. Steps: {}. ", seconds(after_ms), seconds(self.lasted_ms), if self.steps.is_empty() { "none".to_owned() } else { self.steps.join(", ") });
        told.push_str(&if self.keys.is_empty() { "No key was pressed.".to_owned() } else { format!("Keys pressed: {}.", self.keys) });
        if let Some(group) = &self.asked_for {
            told.push_str(&match (self.put_through, self.rings_agents) {
                (true, _) => format!(" An agent of {group} was put through."),
                (false, true) => format!(" An agent of {group} was asked for, and none was free or picked up: the information message played."),
                (false, false) => format!(" An agent of {group} was asked for: this test disturbs none, so the information message played."),
            });
        }
        if self.opted_out {
            told.push_str(" No more calls were asked for: a test suppresses nobody.");
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_was_done() {
        let mut call = TestCall { disposition: Disposition::NoAnswer, answered_after_ms: None, lasted_ms: 0, steps: Vec::new(), keys: String::new(), asked_for: None, rings_agents: false, put_through: false, shown: String::new(), opted_out: false };
        assert_eq!(call.told(), "Nobody answered: no answer.");
        (call.answered_after_ms, call.lasted_ms, call.asked_for) = (Some(4_200), 12_000, Some("agents".into()));
        call.came_to("menu".into());
        call.came_to("agents".into());
        call.pressed('1');
        assert_eq!(call.told(), "Answered after 5 s, ended after 12 s more. Steps: menu, agents. Keys pressed: 1. An agent of agents was asked for: this test disturbs none, so the information message played.");
        (call.rings_agents, call.shown) = (true, "+442079460999".into());
        assert_eq!(call.told(), "The phone was shown +442079460999. Answered after 5 s, ended after 12 s more. Steps: menu, agents. Keys pressed: 1. An agent of agents was asked for, and none was free or picked up: the information message played.");
        call.put_through = true;
        assert!(call.told().ends_with(" An agent of agents was put through."));
        (0..100).for_each(|_| call.pressed('2'));
        assert_eq!(call.keys.len(), KEYS_MAX);
    }
}
