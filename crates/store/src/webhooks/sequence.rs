//! People for whom a sequence is over, told many at a time: stopped, or through with its last step.

use clarion_domain::campaigns::sequence::EndReason;
use clarion_domain::id::{CampaignId, ContactId, TenantId, WebhookId};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::{ATTEMPTS_IN_EVENT_MAX, WebhookEventKind};
use serde_json::{Value as Json, json};

use super::outbox::write_event;
use crate::db::{Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// One of them.
#[derive(Debug)]
pub(crate) struct SequenceEnd {
    pub contact: ContactId,
    pub step: usize,
    pub why: EndReason,
}

pub(crate) async fn tell_sequence_ends(tx: &mut Tx, store: &Store, tenant: TenantId, campaign: CampaignId, ends: &[SequenceEnd], now: Instant) -> Result<(), StoreError> {
    let (through, stopped): (Vec<&SequenceEnd>, Vec<&SequenceEnd>) = ends.iter().partition(|end| end.why == EndReason::Completed);
    for (kind, ends) in [(WebhookEventKind::SequenceCompleted, through), (WebhookEventKind::SequenceStopped, stopped)] {
        if ends.is_empty() {
            continue;
        }
        let select = sql!("SELECT id FROM webhook WHERE tenant_id = $1 AND enabled = 1 AND events LIKE $2 ORDER BY id");
        let asked = tx.query(select, &params![tenant, format!("% {kind} %")]).await?;
        let to: Vec<WebhookId> = asked.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            continue;
        }
        for some in ends.chunks(ATTEMPTS_IN_EVENT_MAX) {
            let people: Vec<Json> = some.iter().map(|end| json!({"contact": end.contact, "step": end.step, "why": end.why.to_string()})).collect();
            write_event(tx, store, tenant, &to, kind, &json!({"campaign": campaign, "people": people}), now).await?;
        }
    }
    Ok(())
}
