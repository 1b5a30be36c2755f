//! A link of one message to one person: made in the transaction that claims the message, so that none stands without the other.

use clarion_domain::id::{AttemptId, CampaignId, ContactId, TenantId};
use clarion_domain::links::code::code_of;
use clarion_domain::time::Instant;

use crate::db::{DbError, Params, Tx, sql};
use crate::params;
use crate::seal::{DataKey, random_bytes};
use crate::store::{StoreError, Tenant};

pub(super) const TARGET_LABEL: &str = "short_link.target";

/// A link that was put into a message, before its attempt has a number.
#[derive(Debug, Clone)]
pub struct NewShortLink {
    /// Its place among the message's links, from 0.
    pub place: usize,
    pub code_hash: [u8; 16],
    pub sealed_target: Vec<u8>,
}

/// The same with all that its row holds.
#[derive(Debug, Clone)]
pub struct ShortLinkRow {
    pub attempt: AttemptId,
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub contact: ContactId,
    pub expires_at: Instant,
    pub link: NewShortLink,
}

impl Tenant {
    /// A fresh code, and the link that keeps where it leads. Nothing tells the code from the link.
    pub fn new_short_link(&self, key: &DataKey, place: usize, target: &str) -> Result<(String, NewShortLink), StoreError> {
        let code = code_of(random_bytes()?);
        let link = NewShortLink { place, code_hash: self.keys.index.link(&code), sealed_target: key.seal(TARGET_LABEL, target.as_bytes())? };
        Ok((code, link))
    }
}

pub async fn add_short_links(tx: &mut Tx, rows: &[ShortLinkRow]) -> Result<(), DbError> {
    let insert = sql!(
        "INSERT INTO short_link (attempt_id, place, tenant_id, campaign_id, contact_id, code_hash, sealed_target, expires_at, clicks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)"
    );
    let batch: Vec<Params> = rows
        .iter()
        .map(|row| params![row.attempt, row.link.place as i64, row.tenant, row.campaign, row.contact, row.link.code_hash, row.link.sealed_target.clone(), row.expires_at])
        .collect();
    tx.execute_many(insert, &batch).await?;
    Ok(())
}
