//! What a start would lead to: every person of the audience is put before the rules, and nothing is kept or sent.

use clarion_domain::id::{AddressId, CampaignId, ContactId};
use clarion_domain::time::Instant;
use clarion_store::campaigns::DryRunResult;
use clarion_store::compliance::RECIPIENTS_MAX;
use clarion_store::{StoreError, Tenant};

use super::prices::Prices;
use super::tally::Tally;

/// Decides for the moment of the start: now, or when the campaign is scheduled. Reads in pages; memory stays flat.
pub async fn dry_run(tenant: &Tenant, campaign: CampaignId, now: Instant) -> Result<DryRunResult, StoreError> {
    let record = tenant.campaign(campaign).await?;
    let template = tenant.parse_template(&record.body).await?;
    let terms = tenant.campaign_terms(&record).await?;
    let prices = Prices::read(tenant).await?;
    let at = record.starts_at.map_or(now, |starts_at| starts_at.max(now));
    let mut tally = Tally::new(&record, &terms, &template, &prices, at);
    let mut after = None;
    loop {
        let page = tenant.campaign_audience(&record, after, RECIPIENTS_MAX as i64).await?;
        let recipients: Vec<(ContactId, AddressId)> = page.rows.iter().map(|member| (member.contact_id, member.address_id)).collect();
        let facts = tenant.recipient_facts_to_explain(&recipients, terms.touches_since(at)).await?;
        facts.iter().for_each(|person| tally.add(person));
        after = page.next;
        if after.is_none() {
            return Ok(tally.conclude());
        }
    }
}
