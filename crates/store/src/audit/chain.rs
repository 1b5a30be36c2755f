//! The chain: every act has a number and a hash over what it says and the hash before it. One chain an organisation and clock.

use std::collections::BTreeMap;

use clarion_domain::audit::chain::{AnchorKind, Chain};
use clarion_domain::audit::event::Act;
use clarion_domain::id::TenantId;
use clarion_domain::time::Instant;

use super::anchor::{Anchor, write_anchor};
use crate::db::{DbError, Params, Row, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// Whose acts are the operator's own, of no organisation.
pub const OPERATOR: TenantId = TenantId(0);
pub(super) const BEFORE_THE_FIRST: [u8; 32] = [0; 32];
/// Each entry whose number is a multiple of this has an anchor; the nightly one comes besides.
const ENTRIES_PER_ANCHOR: i64 = 1_000;
/// Where so many stand behind the last anchor, anchors were taken away. Twice as many as there can be, for a node of before that seals the last of a
/// batch.
pub(super) const ENTRIES_UNANCHORED_MAX: i64 = 2 * ENTRIES_PER_ANCHOR;
const BATCH: i64 = 1_000;

/// One act of a transaction that has not committed.
pub(crate) struct PendingAct {
    pub store: Store,
    pub tenant: TenantId,
    pub act: Act,
    pub event: Content,
}

/// What an entry says, as it is stored.
pub(crate) struct Content {
    pub id: i64,
    pub at: i64,
    pub actor: String,
    pub act: String,
    pub object_kind: String,
    pub object_id: i64,
    pub detail: String,
}

impl Content {
    /// From `id, at, actor, act, object_kind, object_id, detail`, beginning at column `from`.
    pub(super) fn read(row: &mut Row, from: usize) -> Result<Self, DbError> {
        Ok(Self { id: row.take(from)?, at: row.take(from + 1)?, actor: row.take(from + 2)?, act: row.take(from + 3)?, object_kind: row.take(from + 4)?, object_id: row.take(from + 5)?, detail: row.take(from + 6)? })
    }
}

/// The hash of one entry. Version 1 of its writing: every text with its length before it, every number in eight bytes.
pub(super) fn link(previous: &[u8; 32], tenant: TenantId, chain: &str, number: i64, event: &Content) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("clarion 2026 audit entry version 1");
    hasher.update(previous);
    for value in [tenant.0, number, event.id, event.at, event.object_id] {
        hasher.update(&value.to_le_bytes());
    }
    for text in [chain, &event.actor, &event.act, &event.object_kind, &event.detail] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// A hash as it was read: one of another length is none of ours.
pub(super) fn as_hash(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0xff; 32])
}

/// Writes a transaction's acts at the ends of their chains. The end of each chain is locked until the commit, always in the same order:
/// nodes that act at the same moment wait for each other and number without a gap.
pub(crate) async fn append_acts(tx: &mut Tx, acts: Vec<PendingAct>) -> Result<(), DbError> {
    let mut chains: BTreeMap<(TenantId, Chain), Vec<PendingAct>> = BTreeMap::new();
    for act in acts {
        chains.entry((act.tenant, Chain::of(act.act))).or_default().push(act);
    }
    for ((tenant, chain), acts) in chains {
        let (mut number, mut hash) = lock_end(tx, tenant, chain, acts.len()).await?;
        let mut rows: Vec<Params> = Vec::with_capacity(acts.len());
        let mut seals: Vec<(Store, Anchor)> = Vec::new();
        for PendingAct { store, event, .. } in acts {
            number += 1;
            hash = link(&hash, tenant, chain.as_str(), number, &event);
            if number % ENTRIES_PER_ANCHOR == 0 {
                seals.push((store, Anchor { tenant, chain, kind: AnchorKind::Seal, number, hash, at: Instant(event.at) }));
            }
            rows.push(params![event.id, tenant, event.at, event.actor, event.act, event.object_kind, event.object_id, event.detail, chain.as_str(), number, hash]);
        }
        let insert = sql!("INSERT INTO audit_event (id, tenant_id, at, actor, act, object_kind, object_id, detail, chain, number, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
        tx.execute_many(insert, &rows).await?;
        set_end(tx, tenant, chain, hash).await?;
        for (store, anchor) in seals {
            write_anchor(tx, store.keyring(), &anchor).await?;
        }
    }
    Ok(())
}

/// Makes room for `count` entries; the number and hash of the last one before them.
async fn lock_end(tx: &mut Tx, tenant: TenantId, chain: Chain, count: usize) -> Result<(i64, [u8; 32]), DbError> {
    let lock = sql!(
        "INSERT INTO audit_head (tenant_id, chain, number, hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, chain) DO UPDATE SET number = audit_head.number + excluded.number RETURNING number, hash"
    );
    let count = count as i64;
    let row = tx.query_first(lock, &params![tenant, chain.as_str(), count, BEFORE_THE_FIRST]).await?;
    let mut row = row.ok_or_else(|| DbError::Failed("the end of an audit chain was not found".into()))?;
    let number: i64 = row.take(0)?;
    Ok((number - count, as_hash(&row.take::<Vec<u8>>(1)?)))
}

async fn set_end(tx: &mut Tx, tenant: TenantId, chain: Chain, hash: [u8; 32]) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE audit_head SET hash = $3 WHERE tenant_id = $1 AND chain = $2"), &params![tenant, chain.as_str(), hash]).await?;
    Ok(())
}

/// Links what was written before there were chains, in the order of the identifiers, which is that of time. Only the migration does this.
pub(crate) async fn link_unlinked(tx: &mut Tx) -> Result<(), DbError> {
    let select = sql!("SELECT id, at, actor, act, object_kind, object_id, detail, tenant_id, chain FROM audit_event WHERE id > $1 AND number = 0 ORDER BY id LIMIT $2");
    let mut ends: BTreeMap<(TenantId, Chain), (i64, [u8; 32])> = BTreeMap::new();
    let mut after = i64::MIN;
    loop {
        let rows = tx.query(select, &params![after, BATCH]).await?;
        let mut links: Vec<Params> = Vec::with_capacity(rows.len());
        for mut row in rows {
            let (tenant, chain): (TenantId, Chain) = (row.take(7)?, row.word(8)?);
            let event = Content::read(&mut row, 0)?;
            let (number, hash) = ends.entry((tenant, chain)).or_insert((0, BEFORE_THE_FIRST));
            *number += 1;
            *hash = link(hash, tenant, chain.as_str(), *number, &event);
            after = event.id;
            links.push(params![*number, *hash, event.id]);
        }
        if links.is_empty() {
            break;
        }
        tx.execute_many(sql!("UPDATE audit_event SET number = $1, hash = $2 WHERE id = $3"), &links).await?;
    }
    for ((tenant, chain), (number, hash)) in ends {
        lock_end(tx, tenant, chain, usize::try_from(number).unwrap_or(0)).await?;
        set_end(tx, tenant, chain, hash).await?;
    }
    Ok(())
}

impl Store {
    /// Anchors what the migrations of this start have linked, with the names of those: no SQL can sign. Other chains are anchored once they were read and
    /// found whole.
    pub async fn anchor_linked(&self, applied: &[&str], now: Instant) -> Result<(), StoreError> {
        if applied.contains(&"0020_audit_chain") {
            for tenant in self.tenants().await? {
                self.anchor_audit(tenant.id, now).await?;
            }
            self.anchor_audit(OPERATOR, now).await?;
        }
        Ok(())
    }

    /// Records an act of the operator that touches no single organisation, in the transaction that does it.
    pub(crate) fn record_operator(&self, tx: &mut Tx, now: Instant, act: Act, object_kind: &str, detail: &str) {
        let event = Content { id: self.next_id(now), at: now.ms(), actor: "operator".into(), act: act.as_str().into(), object_kind: object_kind.into(), object_id: 0, detail: detail.into() };
        tx.record(PendingAct { store: self.clone(), tenant: OPERATOR, act, event });
    }

    /// Records an act of the operator that changes no row of its own: a backup, a rotation.
    pub async fn audit_operator(&self, now: Instant, act: Act, object_kind: &str, detail: &str) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.record_operator(&mut tx, now, act, object_kind, detail);
        Ok(tx.commit().await?)
    }
}
