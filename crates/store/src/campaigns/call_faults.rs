//! What keeps a campaign of calls from starting.

use std::sync::Arc;

use clarion_domain::campaigns::call_pacing::{CallPacing, CallPacingError, PacingMode};
use clarion_domain::campaigns::script::{Script, ScriptDocument, ScriptFault, ScriptWorld};
use clarion_domain::attempts::recording::RecordingFault;
use clarion_domain::carriers::sender::{Sender, SenderKind};
use clarion_domain::compliance::information::InformationFault;
use clarion_domain::time::Instant;

use super::draft::CampaignDraft;
use super::faults::Faults;
use crate::compliance::{CampaignTerms, caller_id_facts};
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// Reads and checks a script against what this tenant has: its fields, prompts and groups of transfer targets.
    pub async fn check_script(&self, text: &str) -> Result<Result<Arc<Script>, Vec<ScriptFault>>, StoreError> {
        let fields = self.template_fields().await?;
        let prompts: Vec<String> = self.prompts().await?.into_iter().map(|prompt| prompt.name).collect();
        let mut groups: Vec<String> = self.transfer_targets().await?.into_iter().map(|target| target.target.group).collect();
        groups.dedup();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        let targets: Vec<&str> = groups.iter().map(String::as_str).collect();
        Ok(Script::parse(text, &ScriptWorld { fields: &fields, prompts: &prompts, targets: &targets }).map(Arc::new))
    }

    pub(super) async fn call_faults(&self, draft: &CampaignDraft, faults: &mut Faults, now: Instant) -> Result<(), StoreError> {
        match self.check_script(&draft.script).await? {
            Err(_) if draft.script.trim().is_empty() => faults.add("script", "write what the call says: a script"),
            Err(found) => found.iter().for_each(|fault| faults.add("script", fault.to_string())),
            Ok(script) => self.script_faults(draft, &script, faults, now).await?,
        }
        for fault in draft.recording.faults() {
            faults.add("recording", fault.to_string());
        }
        for error in pacing_faults(draft.call_pacing) {
            faults.add("call_pacing", error.to_string());
        }
        let caller = draft.sender.trim();
        if caller.is_empty() {
            faults.add("sender", "choose the caller ID: a number at which you can be called back (UK-12)");
        } else if !Sender::parse(caller).is_ok_and(|sender| sender.kind() == SenderKind::Number) {
            faults.add("sender", "a caller ID is a whole number, such as +442079460123 (UK-12)");
        } else {
            let senders = self.senders().await?;
            let sender = senders.iter().find(|sender| sender.value == caller);
            let facts = caller_id_facts(caller, self.record().await?.number_mode, sender);
            if sender.is_none() {
                faults.add("sender", "this number is not on your list of checked senders: add it there first");
            } else if facts.is_do_not_originate {
                faults.add("sender", "this number is on a list of numbers from which nobody calls (Do Not Originate), and networks block it: choose another (UK-12)");
            } else if !facts.is_answered {
                faults.add("sender", "confirm on your list of senders that somebody, or an announcement, answers this number day and night (UK-12)");
            } else if !facts.is_honest() {
                faults.add("sender", "say on your list of senders how it is known that this mobile number takes calls (UK-14)");
            }
        }
        Ok(())
    }

    /// Of a script that is whole by itself: what this campaign may not do with it.
    async fn script_faults(&self, draft: &CampaignDraft, script: &Script, faults: &mut Faults, now: Instant) -> Result<(), StoreError> {
        if draft.call_pacing.pace != PacingMode::Agentless && script.targets().is_empty() {
            faults.add("call_pacing", "this pace matches calls with agents, and the script puts nobody through: add a transfer, or choose the agentless pace");
        }
        if draft.recording.talks && script.refers() {
            faults.add("recording", RecordingFault::Refers.to_string());
        }
        if script.records_unannounced() && draft.recording.told_in.trim().is_empty() {
            faults.add("recording", RecordingFault::StepUntold.to_string());
        }
        self.information_faults(draft, faults).await?;
        if script.acts_on_machines()
            && let Some(untested) = self.mistakes_untested(now).await?
        {
            // Not the script's own fault: it may be written and kept until the detector is measured.
            faults.add("detector", untested);
        }
        Ok(())
    }

    /// What UK-7 would refuse every call for. While no caller ID is chosen, nothing is said of the number: the caller ID is asked for itself.
    async fn information_faults(&self, draft: &CampaignDraft, faults: &mut Faults) -> Result<(), StoreError> {
        let Ok(document) = ScriptDocument::read(&draft.script) else { return Ok(()) };
        let (caller, record) = (draft.sender.trim(), self.record().await?);
        let has_number = Sender::parse(caller).is_ok_and(|sender| sender.kind() == SenderKind::Number);
        let line_type = caller_id_facts(caller, record.number_mode, None).line_type;
        for fault in CampaignTerms::information(&document, &record, caller, line_type).map(|(_, lacks)| lacks).unwrap_or_default() {
            match fault {
                InformationFault::NoNumber(_) | InformationFault::Premium if !has_number => {}
                InformationFault::Premium => faults.add("sender", format!("the information message has people call this number back, and {fault} (UK-7)")),
                fault => faults.add("script", format!("the information message (UK-7): {fault}")),
            }
        }
        Ok(())
    }
}

/// Every fault of the pace: its own check names the first, so each is mended in a copy until none is left.
fn pacing_faults(mut pacing: CallPacing) -> Vec<CallPacingError> {
    let (mut found, fit) = (Vec::new(), CallPacing::default());
    while let Err(error) = pacing.check() {
        match error {
            CallPacingError::CallsPerSecond(_) => pacing.calls_per_second_max = fit.calls_per_second_max,
            CallPacingError::CallsAtOnce(_) => pacing.calls_at_once_max = fit.calls_at_once_max,
            CallPacingError::Ring(_) => pacing.ring_ms_max = fit.ring_ms_max,
            CallPacingError::Power(_) | CallPacingError::Ceiling(_) => pacing.pace = fit.pace,
        }
        found.push(error);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_pace_is_named() {
        let wrong = CallPacing { pace: PacingMode::Predictive { ceiling_bp: 900 }, calls_per_second_max: 0, calls_at_once_max: 0, ring_ms_max: 2_000 };
        let all = [CallPacingError::CallsPerSecond(0), CallPacingError::CallsAtOnce(0), CallPacingError::Ring(2_000), CallPacingError::Ceiling(900)];
        assert_eq!(pacing_faults(wrong), all);
        assert_eq!(pacing_faults(CallPacing { pace: PacingMode::Power { calls_per_slot_percent: 900 }, ..CallPacing::default() }), [CallPacingError::Power(900)]);
        assert_eq!(pacing_faults(CallPacing::default()), []);
    }
}
