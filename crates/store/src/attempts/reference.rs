//! Receipts find their attempt by the carrier's id: an append-only map, one row a cycle, without a random-ordered index.

use clarion_domain::id::{AttemptId, TrunkId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// The carrier's id of one part (its 64-bit hash) and the attempt it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    pub key: u64,
    pub attempt: AttemptId,
    pub part: u8,
}

const ENTRY_BYTES: usize = 17;

impl Reference {
    /// The hash under which a trunk's canonical message id is kept.
    #[must_use]
    pub fn key_of(trunk: TrunkId, canonical_id: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&trunk.0.to_le_bytes()).update(canonical_id.as_bytes());
        let mut key = [0; 8];
        hasher.finalize_xof().fill(&mut key);
        u64::from_le_bytes(key)
    }
}

fn pack(entries: &[Reference]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        bytes.extend_from_slice(&entry.key.to_le_bytes());
        bytes.extend_from_slice(&entry.attempt.0.to_le_bytes());
        bytes.push(entry.part);
    }
    bytes
}

fn unpack(bytes: &[u8]) -> impl Iterator<Item = Reference> + '_ {
    bytes.chunks_exact(ENTRY_BYTES).map(|entry| {
        let number = |at: usize| <[u8; 8]>::try_from(&entry[at..at + 8]).unwrap_or_default();
        Reference { key: u64::from_le_bytes(number(0)), attempt: AttemptId(i64::from_le_bytes(number(8))), part: entry[16] }
    })
}

/// Appends what one cycle learned from one trunk. `id` is a fresh identifier: they grow with time.
pub async fn add_references(tx: &mut Tx, id: i64, trunk: TrunkId, entries: &[Reference], now: Instant) -> Result<(), DbError> {
    let insert = sql!("INSERT INTO carrier_reference (id, trunk_id, created_at, entries) VALUES ($1, $2, $3, $4)");
    tx.execute(insert, &params![id, trunk, now, pack(entries)]).await?;
    Ok(())
}

impl Store {
    /// Forgets what was sent before a time: no receipt comes for it any more. Returns how many rows went.
    pub async fn forget_references(&self, before: Instant) -> Result<u64, StoreError> {
        let delete = sql!("DELETE FROM carrier_reference WHERE id < $1");
        Ok(self.db().execute(delete, &params![clarion_domain::id::floor_at(before.ms())]).await?)
    }

    /// Walks the map from the newest row back to `since`, and hands each row's id and entries to `take` until it returns false.
    pub async fn walk_references(&self, since: Instant, mut take: impl FnMut(i64, Reference) -> bool) -> Result<(), StoreError> {
        let select = sql!("SELECT id, entries FROM carrier_reference WHERE id < $1 AND id >= $2 ORDER BY id DESC LIMIT 64");
        let floor = clarion_domain::id::floor_at(since.ms());
        let mut before = i64::MAX;
        loop {
            let rows = self.db().query(select, &params![before, floor]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for mut row in rows {
                before = row.take(0)?;
                let bytes: Vec<u8> = row.take(1)?;
                for entry in unpack(&bytes) {
                    if !take(before, entry) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_packing_and_keys_differ_between_trunks() {
        let entries = [Reference { key: u64::MAX, attempt: AttemptId(7), part: 0 }, Reference { key: 1, attempt: AttemptId(i64::MAX), part: 9 }];
        assert_eq!(unpack(&pack(&entries)).collect::<Vec<_>>(), entries);
        assert_ne!(Reference::key_of(TrunkId(1), "abc"), Reference::key_of(TrunkId(2), "abc"));
    }
}
