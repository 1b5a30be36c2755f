//! What was decided about a batch of a campaign's recipients, whatever the channel: where they come from, and what becomes of them.

use clarion_domain::compliance::{Decision, Permit};
use clarion_domain::id::CampaignId;
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_store::{Store, StoreError};
use clarion_store::attempts::{Candidate, DecisionRow, add_due, advance, due_candidates, fresh_candidates, next_due, record_decisions, remove_due};
use clarion_store::campaigns::{CampaignRecord, StepEvent, StepNews, begin_step, move_on};
use clarion_store::compliance::{DecisionWords, is_of_a_suppression};
use clarion_store::db::{DbError, Tx};

/// A campaign with nobody to contact is looked at again after this at the latest.
const IDLE_MS: i64 = 2 * SECOND_MS;

/// Why nothing of the transaction may stand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("somebody was stopped, or another node moved this campaign, at the same time")]
    Conflict,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbError> for ClaimError {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

/// Whoever is due now, and then whoever comes next in the audience: at most `look`. To a later step everybody comes by being due.
pub(crate) async fn candidates(tx: &mut Tx, record: &CampaignRecord, look: usize, now: Instant) -> Result<Vec<Candidate>, ClaimError> {
    let mut candidates = due_candidates(tx, record.id, record.first, now, look).await?;
    if candidates.len() < look && record.step == 1 {
        candidates.extend(fresh_candidates(tx, record.id, cursor(record), look - candidates.len()).await?);
    }
    Ok(candidates)
}

fn cursor(record: &CampaignRecord) -> u32 {
    u32::try_from(record.next_position).unwrap_or(u32::MAX)
}

/// Until when a campaign without candidates need not be asked again.
pub(crate) async fn idle_until(tx: &mut Tx, id: CampaignId, now: Instant) -> Result<Instant, ClaimError> {
    let soon = now.plus_ms(IDLE_MS);
    Ok(next_due(tx, id).await?.unwrap_or(soon).min(soon))
}

/// Everything about a batch but the permits.
#[derive(Default)]
pub(crate) struct Decided {
    decisions: Vec<DecisionRow>,
    put_off: Vec<(Candidate, Instant, String)>,
    /// Candidates that were decided, in whatever way: they leave `due` or the cursor passes them.
    done: Vec<Candidate>,
}

impl Decided {
    /// A deferral or a refusal, as it is kept.
    pub(crate) fn note(&mut self, candidate: &Candidate, decision: &Decision, words: DecisionWords) {
        if let Decision::Defer(deferral) = decision {
            self.put_off(candidate, deferral.until, format!("deferred {}", words.rules));
        }
        self.decisions.push(DecisionRow { position: candidate.position, kind: words.kind, rules: words.rules, rule_pack: words.rule_pack, until: words.until });
        self.done(candidate);
    }

    /// Permitted, and still not to be contacted: for this rule, or these.
    pub(crate) fn refuse(&mut self, candidate: &Candidate, rules: String, permit: &Permit) {
        self.decisions.push(DecisionRow { position: candidate.position, kind: "refused", rules, rule_pack: permit.version().to_string(), until: None });
    }

    /// Due again at a time, for a reason of ours.
    pub(crate) fn put_off(&mut self, candidate: &Candidate, at: Instant, why: String) {
        self.put_off.push((Candidate { due_at: None, ..*candidate }, at, why));
    }

    pub(crate) fn done(&mut self, candidate: &Candidate) {
        self.done.push(*candidate);
    }

    pub(crate) async fn write(&self, tx: &mut Tx, store: &Store, record: &CampaignRecord, now: Instant) -> Result<(), ClaimError> {
        let id = record.id;
        if !remove_due(tx, id, &self.done).await? {
            return Err(ClaimError::Conflict);
        }
        let begun: Vec<u32> = self.done.iter().filter(|candidate| candidate.try_number == 1).map(|candidate| candidate.position).collect();
        begin_step(tx, record, &begun).await?;
        if !self.put_off.is_empty() {
            add_due(tx, id, &self.put_off).await?;
        }
        let is_tracked = record.step > 1 || record.sequence.is_tracked();
        let refused: Vec<StepNews> = self.decisions.iter().filter(|made| is_tracked && made.kind == "refused").map(|made| news_of(id, made)).collect();
        if !refused.is_empty() {
            move_on(tx, store, &refused, now).await?;
        }
        if let Some(last) = self.done.iter().filter(|candidate| candidate.due_at.is_none()).map(|candidate| candidate.position).max()
            && !advance(tx, id, cursor(record), last + 1, record.stops).await?
        {
            return Err(ClaimError::Conflict);
        }
        if !self.decisions.is_empty() {
            record_decisions(tx, id, &self.decisions, now).await?;
        }
        Ok(())
    }
}

fn news_of(campaign: CampaignId, made: &DecisionRow) -> StepNews {
    StepNews { campaign, position: made.position, event: StepEvent::Refused { suppressed: is_of_a_suppression(&made.rules) } }
}
