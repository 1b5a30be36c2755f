//! What a start would lead to: every person of the audience is put before the rules, and nothing is kept or sent.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AddressId, CampaignId, ContactId};
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CampaignRecord, DryRunResult};
use clarion_store::compliance::{CallMark, RECIPIENTS_MAX};
use clarion_store::{StoreError, Tenant};

use super::prices::Prices;
use super::tally::{CallsTally, Content, Tally};

/// Decides for the moment of the start: now, or when the campaign is scheduled. Of a later step it is told what it would come to if nobody
/// were stopped before.
pub async fn dry_run(tenant: &Tenant, campaign: CampaignId, now: Instant) -> Result<DryRunResult, StoreError> {
    let record = tenant.campaign(campaign).await?;
    let mut result = of_step(tenant, &record, now).await?;
    for number in 2..=record.sequence.steps() {
        if let Some(step) = record.at_step(number) {
            result.steps.push(of_step(tenant, &step, now).await?);
        }
    }
    Ok(result)
}

/// Reads in pages; memory stays flat.
async fn of_step(tenant: &Tenant, record: &CampaignRecord, now: Instant) -> Result<DryRunResult, StoreError> {
    let terms = tenant.campaign_terms(record).await?;
    let prices = Prices::read(tenant, record.channel).await?;
    let content = match record.channel {
        Channel::Sms => Content::Messages(tenant.parse_template(&record.body).await?, tenant.link_sample().await?),
        Channel::Voice => Content::Calls(CallsTally::read(tenant, record, now).await?),
    };
    let at = record.starts_at.map_or(now, |starts_at| starts_at.max(now));
    let mut tally = Tally::new(record, &terms, content, &prices, at);
    let mut after = None;
    loop {
        let page = tenant.campaign_audience(record, after, RECIPIENTS_MAX as i64).await?;
        let recipients: Vec<(ContactId, AddressId)> = page.rows.iter().map(|member| (member.contact_id, member.address_id)).collect();
        let facts = tenant.recipient_facts_to_explain(&recipients, terms.touches_since(at)).await?;
        let marks = match record.channel {
            Channel::Sms => vec![CallMark::default(); facts.len()],
            Channel::Voice => tenant.call_marks_of(&facts.iter().map(|person| person.number_index).collect::<Vec<_>>()).await?,
        };
        facts.iter().zip(marks).for_each(|(person, mark)| tally.add(person, mark));
        after = page.next;
        if after.is_none() {
            return Ok(tally.conclude());
        }
    }
}
