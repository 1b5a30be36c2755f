//! A campaign's text for real people of its audience, as they would read it, with what the rules say about each now.

use clarion_domain::campaigns::segments::{self, SegmentCount};
use clarion_domain::compliance::Decision;
use clarion_domain::id::{AddressId, CampaignId, ContactId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::campaign::CampaignRecord;
use crate::compliance::{CampaignTerms, DecisionWords, RECIPIENTS_MAX, RecipientFacts, RuleReason, decide, refuse_text};
use crate::store::{StoreError, Tenant};

/// One message of a preview.
#[derive(Debug, Clone)]
pub struct PreviewRow {
    pub contact_id: ContactId,
    pub number: Personal,
    /// The text, or why it cannot be filled for this person.
    pub text: Result<Personal, String>,
    /// Segments and alphabet; `None` without a text.
    pub count: Option<SegmentCount>,
    /// `2026-11-23 14:05 Europe/London` for each zone the person may be in.
    pub local_times: Vec<String>,
    pub decision: DecisionWords,
    /// The sentences behind a deferral or refusal.
    pub reasons: Vec<RuleReason>,
}

impl Tenant {
    /// The first `n` people of the audience, at most a batch.
    pub async fn preview(&self, id: CampaignId, n: usize, now: Instant) -> Result<Vec<PreviewRow>, StoreError> {
        let record = self.campaign(id).await?;
        self.preview_of(&record, n, now).await
    }

    /// The same for a campaign as it stands in an author's form.
    pub async fn preview_of(&self, record: &CampaignRecord, n: usize, now: Instant) -> Result<Vec<PreviewRow>, StoreError> {
        let template = self.parse_template(&record.body).await?;
        let terms = self.campaign_terms(record).await?;
        let wanted = n.clamp(1, RECIPIENTS_MAX);
        let mut recipients: Vec<(ContactId, AddressId)> = Vec::new();
        let mut after = None;
        while recipients.len() < wanted {
            let page = self.campaign_audience(record, after, 256).await?;
            recipients.extend(page.rows.iter().map(|member| (member.contact_id, member.address_id)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        recipients.truncate(wanted);
        let facts = self.recipient_facts_to_explain(&recipients, terms.touches_since(now)).await?;
        let links = self.link_sample().await?;
        let text = |person: &RecipientFacts| template.render_links(|name| person.profile.field(name), |_, target| links.clone().unwrap_or(target)).map_err(|error| error.to_string());
        Ok(facts.into_iter().map(|person| preview_row(&terms, text(&person), &person, now)).collect())
    }
}

fn preview_row(terms: &CampaignTerms, text: Result<String, String>, person: &RecipientFacts, now: Instant) -> PreviewRow {
    let decision = decide(terms, person, &[], now);
    let filled = text.as_deref().ok().filter(|_| !matches!(decision, Decision::Refuse(_)));
    let decision = filled.and_then(|text| refuse_text(terms, person, text, now)).unwrap_or(decision);
    PreviewRow {
        contact_id: person.contact_id,
        number: person.number.clone(),
        count: text.as_deref().ok().map(segments::count),
        text: text.map(Personal::new),
        local_times: person.zones.iter().filter_map(|zone| local_time(zone, now)).collect(),
        decision: terms.words(&decision, &person.region, now),
        reasons: terms.reasons(&decision, &person.region, now),
    }
}

fn local_time(zone: &str, now: Instant) -> Option<String> {
    let local = now.timestamp().in_tz(zone).ok()?;
    Some(format!("{} {zone}", local.strftime("%Y-%m-%d %H:%M")))
}
