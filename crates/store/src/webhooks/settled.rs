//! Attempts that have their outcome, told many at a time. The sending loop calls this in each of its transactions: what it costs
//! where nobody asks is one small read.

use std::collections::BTreeMap;

use clarion_domain::id::{AttemptId, CampaignId, TenantId, WebhookId};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::{ATTEMPTS_IN_EVENT_MAX, WebhookEventKind};
use serde_json::{Value as Json, json};

use super::outbox::write_event;
use crate::attempts::{AttemptRow, attempts_by_id};
use crate::db::{Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// Tells of the attempts in `rows` that are final, and of those named in `moved`, which stand in this transaction as they now are.
pub async fn tell_settled<'a>(tx: &mut Tx, store: &Store, rows: impl Iterator<Item = &'a AttemptRow>, moved: &[(TenantId, AttemptId)], now: Instant) -> Result<(), StoreError> {
    let select = sql!("SELECT tenant_id, id FROM webhook WHERE enabled = 1 AND events LIKE '% attempt.settled %'");
    let mut asked = BTreeMap::<TenantId, Vec<WebhookId>>::new();
    for mut row in tx.query(select, &params![]).await? {
        asked.entry(row.take(0)?).or_default().push(row.take(1)?);
    }
    if asked.is_empty() {
        return Ok(());
    }
    let mut told = BTreeMap::<(TenantId, CampaignId), BTreeMap<AttemptId, Json>>::new();
    let mut note = |row: &AttemptRow| {
        if row.disposition.is_final() && asked.contains_key(&row.tenant) {
            told.entry((row.tenant, row.campaign)).or_default().insert(row.id, said_of(row));
        }
    };
    rows.for_each(&mut note);
    let ids: Vec<AttemptId> = moved.iter().filter(|(tenant, _)| asked.contains_key(tenant)).map(|(_, id)| *id).collect();
    attempts_by_id(tx, &ids).await?.iter().for_each(&mut note);
    for ((tenant, campaign), attempts) in told {
        let attempts: Vec<Json> = attempts.into_values().collect();
        for some in attempts.chunks(ATTEMPTS_IN_EVENT_MAX) {
            write_event(tx, store, tenant, &asked[&tenant], WebhookEventKind::AttemptSettled, &json!({"campaign": campaign, "attempts": some}), now).await?;
        }
    }
    Ok(())
}

fn said_of(row: &AttemptRow) -> Json {
    json!({
        "attempt": row.id, "contact": row.contact, "channel": row.channel.as_str(), "try": row.try_number, "disposition": row.disposition.as_str(),
        "cause": row.cause, "segments": row.segments, "settled_at": row.settled_at.map(Instant::rfc3339),
    })
}
