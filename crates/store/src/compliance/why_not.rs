//! "Why not?": what the rules say about one number now, and everything that stands in the way.

use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::compliance::facts::MessageFacts;
use clarion_domain::compliance::purpose::{LegalBasis, StatedPurpose};
use clarion_domain::compliance::window::MINUTES_OF_DAY;
use clarion_domain::id::{AddressId, ContactId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::suppression::SuppressionEntry;
use crate::campaigns::{CampaignDraft, CampaignRecord};
use crate::compliance::{CampaignTerms, DecisionWords, HoldEntry, RuleReason, decide};
use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

/// The answer about one number.
#[derive(Debug, Clone)]
pub struct WhyNot {
    /// As read from what was typed.
    pub number: Personal,
    /// `None` when the tenant does not know this number; then only the list can tell.
    pub contact_id: Option<ContactId>,
    pub suppressions: Vec<SuppressionEntry>,
    /// Those that stand.
    pub holds: Vec<HoldEntry>,
    /// Attempts within the longest cap of the rules.
    pub recent_attempts: usize,
    /// For a known contact.
    pub decision: Option<DecisionWords>,
    /// The sentences behind a deferral or refusal.
    pub reasons: Vec<RuleReason>,
}

impl Tenant {
    /// Asks about a number for a purpose, without a campaign: at any hour that the rules allow, with a text that is in order.
    pub async fn why_not_for(&self, typed: &str, purpose: StatedPurpose, basis: LegalBasis, now: Instant) -> Result<WhyNot, StoreError> {
        let mut draft = CampaignDraft::new("why not");
        draft.schedule.days = Day::ALL.to_vec();
        draft.schedule.from = TimeOfDay::from_minute(0).map_err(|error| StoreError::Invalid(error.to_string()))?;
        draft.schedule.until = TimeOfDay::from_minute(MINUTES_OF_DAY).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let mut record = CampaignRecord::unsaved(&draft, now);
        record.purpose = Some(purpose);
        record.basis = Some(basis);
        record.assessment_reference = "asked without a campaign".into();
        let mut terms = self.campaign_terms(&record).await?;
        terms.message = MessageFacts { says_how_to_stop: true, names_sender: true, is_promotional: false };
        self.why_not(typed, &terms, now).await
    }

    /// Asks about a number as typed, under the terms of a campaign. Nothing is kept of the answer.
    pub async fn why_not(&self, typed: &str, terms: &CampaignTerms, now: Instant) -> Result<WhyNot, StoreError> {
        let read = self.read_number(typed).await?;
        let number = read.ok_or_else(|| StoreError::Invalid("this is no phone number: write it with its country code, such as +44 7700 900123".into()))?;
        let suppressions = self.suppressions_of(&number).await?;
        let find = sql!("SELECT contact_id, id FROM address WHERE tenant_id = $1 AND number_index = $2");
        let found = self.db().query_first(find, &params![self.id, self.number_index(&number)]).await?;
        let mut answer = WhyNot { number: number.into(), contact_id: None, suppressions, holds: Vec::new(), recent_attempts: 0, decision: None, reasons: Vec::new() };
        let Some(mut row) = found else { return Ok(answer) };
        let recipient: (ContactId, AddressId) = (row.take(0)?, row.take(1)?);
        let facts = self.recipient_facts_to_explain(&[recipient], terms.touches_since(now)).await?;
        answer.contact_id = Some(recipient.0);
        answer.holds = self.holds_of(recipient.0).await?.into_iter().filter(|hold| hold.lifted_at.is_none()).collect();
        if let Some(person) = facts.first() {
            let decision = decide(terms, person, &[], now);
            answer.recent_attempts = person.touches.len();
            answer.decision = Some(terms.words(&decision, &person.region, now));
            answer.reasons = terms.reasons(&decision, &person.region, now);
        }
        Ok(answer)
    }
}
