//! What is recorded of a call and what is kept of the detector's word, and how the person is told.

use std::time::Duration;

use clarion_domain::attempts::call::{ANSWER_TO_SOUND_MS_MAX, CallEvent};
use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::campaigns::script::{ScriptEvent, ScriptMachine};
use clarion_domain::id::RecordingId;
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::time::Instant;
use clarion_sip::detect::{Answer, DetectConfig, Verdict};
use clarion_sip::media::{PlayId, Repeat};
use clarion_store::attempts::NewRecording;

use super::super::recording::RecordingTold;
use super::{News, RecordedCall, Talk};

/// A recording that runs.
pub(super) struct Running {
    pub id: RecordingId,
    pub kind: RecordingKind,
    /// Of the script's step that waits for its end.
    pub turn: u32,
}

/// Whether the person has heard that their talk is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Announcing {
    No,
    /// It plays; an agent who has answered meanwhile is joined at its end.
    Plays { play: PlayId, agent_waits: bool },
    Done,
}

impl Talk {
    /// Begins a recording, in the place of one that runs.
    pub(super) fn record(&mut self, kind: RecordingKind, silence_ms_max: Option<u32>) {
        let (plan, now) = (&self.plan, self.now());
        let step = if kind == RecordingKind::Message { self.machine.as_ref().map(|machine| plan.script.step(machine.at()).name.clone()) } else { None };
        let RecordedCall { tenant, campaign, contact, address } = plan.of;
        let id = plan.recorder.next_id(now);
        let new = NewRecording { id, tenant, campaign, attempt: plan.attempt, contact, address, kind, step: step.unwrap_or_default(), is_paused: self.is_paused, began_at: now };
        self.leg.record(plan.recorder.sink(new, silence_ms_max, self.recording_told.0.clone()));
        if self.is_paused {
            self.leg.pause_recording();
        }
        self.running = Some(Running { id, kind, turn: self.turn });
    }

    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        if is_paused { self.leg.pause_recording() } else { self.leg.resume_recording() }
    }

    pub(super) fn recording_told(&mut self, told: RecordingTold) {
        match told {
            RecordingTold::Pause(is_paused) => self.pause(is_paused),
            RecordingTold::Silence(id) => {
                if let Some(turn) = self.running.as_ref().filter(|running| running.id == id).map(|running| running.turn) {
                    self.on(ScriptEvent::Recorded { turn });
                }
            }
            RecordingTold::Over(id) => {
                if self.running.take_if(|running| running.id == id).is_some() {
                    self.leg.stop_recording();
                }
            }
        }
    }

    /// Says that the talk is recorded, while the agent is rung.
    pub(super) fn announce(&mut self) {
        if self.announcing == Announcing::No
            && let Some(words) = self.plan.sounds.announcement()
        {
            self.tell(CallEvent::MessageStarted { at: self.now() });
            self.announcing = Announcing::Plays { play: self.leg.play(vec![words], Repeat::Once), agent_waits: false };
        }
    }

    /// Joins the person and the agent who has answered, and records them when the person knows.
    pub(super) fn join(&mut self, now: Instant) {
        let Some((agent, turn)) = &mut self.agent else { return };
        let turn = *turn;
        (self.transfer, self.timer) = (None, None);
        self.leg.stop();
        agent.bridge(&self.leg, now);
        if self.plan.recording.talks && (self.announcing == Announcing::Done || !self.plan.recording.told_in.trim().is_empty()) {
            self.record(RecordingKind::Talk, None);
        }
        self.tell(CallEvent::Bridged { at: now });
        self.agent_heard_by = Some(tokio::time::Instant::now() + Duration::from_millis(ANSWER_TO_SOUND_MS_MAX.unsigned_abs()));
        self.on(ScriptEvent::Bridged { turn });
    }

    /// The detector's word: it is kept for the register, and moves the call where the script acts on it.
    pub(super) fn judged(&mut self, verdict: &Verdict, at: Instant) {
        let by = match verdict.answer {
            Answer::Human => AnsweredBy::Human,
            Answer::Machine => AnsweredBy::Machine,
            Answer::VoicemailReady => AnsweredBy::VoicemailReady,
            Answer::Fax => AnsweredBy::Fax,
            Answer::NetworkAnnouncement => AnsweredBy::Announcement,
            Answer::Busy => AnsweredBy::BusyTone,
            Answer::Silence => AnsweredBy::Silence,
            Answer::Unsure => AnsweredBy::Unsure,
        };
        // What is said once it is surely a person changes nothing, and a word for a person does not take back one for a machine.
        let is_sure = self.machine.as_ref().is_some_and(ScriptMachine::is_surely_a_person);
        if !is_sure && (self.measured.may_be_a_person() || !by.may_be_a_person()) {
            self.measured = by;
            self.measure(features(Some(verdict), Some(by)));
        }
        // A detector that is only measured changes neither the call nor what is counted of it (UK-4).
        if self.plan.script.acts_on_machines() || !self.answered {
            self.tell(CallEvent::Judged { at, by });
            self.on(ScriptEvent::Judged(by));
        }
    }

    pub(super) fn measure(&self, features: String) {
        let _ = self.news.send(News::Measured { attempt: self.plan.attempt, features });
    }
}

/// What is kept of a call for the register of the detector's mistakes: which detector it was, its word, and what that rests on.
pub(super) fn features(verdict: Option<&Verdict>, judged: Option<AnsweredBy>) -> String {
    let mut kept = serde_json::Map::new();
    kept.insert("detector".into(), DetectConfig::default().name().into());
    if let Some(judged) = judged {
        kept.insert("judged".into(), judged.as_str().into());
    }
    if let Some(verdict) = verdict
        && let Ok(serde_json::Value::Object(rest)) = serde_json::to_value(verdict)
    {
        kept.extend(rest);
    }
    serde_json::Value::Object(kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clarion_domain::outcomes::call_label::DETECTOR;

    #[test]
    fn the_detector_that_runs_is_the_one_whose_mistakes_are_measured() {
        assert_eq!(DetectConfig::default().name(), DETECTOR, "a changed detector is a new one: name it in the domain too, and its register begins anew");
        assert_eq!(features(None, None), format!(r#"{{"detector":"{DETECTOR}"}}"#));
    }
}
