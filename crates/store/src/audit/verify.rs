//! Whether the chains are whole: every entry is read, its hash made again, and the ends and anchors compared.

use std::collections::HashMap;

use clarion_domain::audit::chain::{AnchorKind, Chain};
use clarion_domain::id::TenantId;
use clarion_domain::time::Instant;

use super::anchor::{SignedAnchor, TrustedKeys};
use super::chain::{BEFORE_THE_FIRST, Content, ENTRIES_UNANCHORED_MAX, as_hash, link};
use crate::db::sql;
use crate::params;
use crate::store::{Store, StoreError, Tenant};

const BATCH: i64 = 1_000;
/// Old entries may be deleted by their clock while a chain is read; then it is read again.
const READINGS_MAX: u32 = 3;

/// The first entry of a chain that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFault {
    /// The entry's number in its chain; 0 for what stands in none.
    pub number: i64,
    /// When it happened, where that can still be said.
    pub at: Option<Instant>,
    /// In words.
    pub what: String,
}

/// What was found of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCheck {
    pub tenant: TenantId,
    pub chain: Chain,
    /// Up to this entry everything was deleted by its clock.
    pub begins_after: i64,
    pub entries: i64,
    pub anchors: usize,
    pub fault: Option<ChainFault>,
}

/// When a tenant's chains were last verified, and with what result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheck {
    pub at: Instant,
    pub entries: i64,
    /// Empty when all was whole.
    pub fault: String,
}

fn fault(number: i64, at: Option<Instant>, what: impl Into<String>) -> Option<ChainFault> {
    Some(ChainFault { number, at, what: what.into() })
}

/// What the anchors and the head say before any entry is read.
struct Frame {
    start: Option<SignedAnchor>,
    seals: HashMap<i64, SignedAnchor>,
    sealed_to: i64,
    end: (i64, [u8; 32]),
}

impl Frame {
    fn begins_after(&self) -> i64 {
        self.start.as_ref().map_or(0, |start| start.anchor.number)
    }

    fn count(&self) -> usize {
        self.seals.len() + usize::from(self.start.is_some())
    }
}

/// Where the reading of a chain stands.
struct Reading<'a> {
    tenant: TenantId,
    chain: Chain,
    frame: &'a Frame,
    number: i64,
    hash: [u8; 32],
    at: Option<Instant>,
}

impl Reading<'_> {
    /// Compares the next stored entry; says what is wrong with it, if anything.
    fn next(&mut self, number: i64, stored: &[u8], event: &Content) -> Option<ChainFault> {
        let expected = self.number + 1;
        if number != expected {
            let what = if number > expected { "the entry is missing" } else { "the entry is there twice" };
            return fault(expected.min(number), self.at.filter(|_| number < expected), what);
        }
        let hash = link(&self.hash, self.tenant, self.chain.as_str(), number, event);
        (self.number, self.at) = (number, Some(Instant(event.at)));
        if hash[..] != *stored {
            return fault(number, self.at, "the entry, or its hash, was changed after it was written");
        }
        self.hash = hash;
        match self.frame.seals.get(&number) {
            Some(seal) if seal.anchor.hash != hash => fault(number, self.at, format!("the entry is not the one that was anchored on {}", seal.anchor.at.rfc3339())),
            _ => None,
        }
    }

    /// Compares the end with what the head and the anchors say.
    fn ended(&self) -> Option<ChainFault> {
        let (end, hash) = self.frame.end;
        if self.number < self.frame.sealed_to {
            return fault(self.number + 1, None, format!("entries were cut off: an anchor vouches for {} and the last is {}", self.frame.sealed_to, self.number));
        }
        if self.number != end {
            return fault(self.number.min(end) + 1, None, format!("the chain counts {end} entries and the last that is there is {}", self.number));
        }
        let anchored = self.frame.sealed_to.max(self.frame.begins_after());
        if end - anchored >= ENTRIES_UNANCHORED_MAX {
            return fault(anchored + 1, None, format!("no anchor vouches for any of the {} entries from here on: the anchors were taken away, or an upgrade was broken off before it could sign", end - anchored));
        }
        if self.hash != hash { fault(self.number, self.at, "the chain's own end names another hash") } else { None }
    }
}

impl Store {
    /// Reads every entry of both chains of a tenant (`OPERATOR` for the operator's own).
    pub async fn verify_audit(&self, tenant: TenantId) -> Result<Vec<ChainCheck>, StoreError> {
        let keys = self.trusted_keys().await?;
        let mut checks = Vec::new();
        for chain in Chain::ALL {
            let mut check = self.verify_chain(&keys, tenant, *chain).await?;
            for _ in 1..READINGS_MAX {
                if check.fault.is_none() || self.frame(tenant, *chain).await?.begins_after() == check.begins_after {
                    break;
                }
                check = self.verify_chain(&keys, tenant, *chain).await?;
            }
            checks.push(check);
        }
        if let Some(acts) = checks.first_mut().filter(|acts| acts.fault.is_none()) {
            acts.fault = self.outside(tenant).await?;
        }
        Ok(checks)
    }

    async fn verify_chain(&self, keys: &TrustedKeys, tenant: TenantId, chain: Chain) -> Result<ChainCheck, StoreError> {
        let frame = self.frame(tenant, chain).await?;
        let mut check = ChainCheck { tenant, chain, begins_after: frame.begins_after(), entries: 0, anchors: frame.count(), fault: None };
        let unsigned = frame.start.iter().chain(frame.seals.values()).filter(|signed| !keys.vouch(signed)).min_by_key(|signed| signed.anchor.number);
        let unsigned = unsigned.and_then(|signed| fault(signed.anchor.number, None, "the anchor at this entry does not bear this installation's signature"));
        let mut reading = Reading { tenant, chain, frame: &frame, number: frame.begins_after(), hash: frame.start.as_ref().map_or(BEFORE_THE_FIRST, |start| start.anchor.hash), at: None };
        check.fault = self.read_entries(&mut reading, &mut check.entries).await?;
        if check.fault.is_none() {
            check.fault = reading.ended();
        }
        // The first in the chain is named, whether it is an entry or an anchor.
        if unsigned.as_ref().is_some_and(|unsigned| check.fault.as_ref().is_none_or(|found| unsigned.number <= found.number)) {
            check.fault = unsigned;
        }
        Ok(check)
    }

    async fn read_entries(&self, reading: &mut Reading<'_>, entries: &mut i64) -> Result<Option<ChainFault>, StoreError> {
        let select = sql!(
            "SELECT number, hash, id, at, actor, act, object_kind, object_id, detail FROM audit_event
             WHERE tenant_id = $1 AND chain = $2 AND number > 0 AND number > $3 AND number <= $4 ORDER BY number, id LIMIT $5"
        );
        let end = reading.frame.end.0;
        loop {
            let rows = self.db().query(select, &params![reading.tenant, reading.chain.as_str(), reading.number, end, BATCH]).await?;
            let full = rows.len() as i64 == BATCH;
            for mut row in rows {
                let number: i64 = row.take(0)?;
                let stored: Option<Vec<u8>> = row.take(1)?;
                let event = Content::read(&mut row, 2)?;
                if let Some(fault) = reading.next(number, &stored.unwrap_or_default(), &event) {
                    return Ok(Some(fault));
                }
                *entries += 1;
            }
            if !full {
                return Ok(None);
            }
        }
    }

    async fn frame(&self, tenant: TenantId, chain: Chain) -> Result<Frame, StoreError> {
        // Anchors before the end: what is anchored meanwhile must not seem to lie beyond it.
        let (starts, seals): (Vec<_>, Vec<_>) = self.anchors(tenant, chain).await?.into_iter().partition(|signed| signed.anchor.kind == AnchorKind::Start);
        let select = sql!("SELECT number, hash FROM audit_head WHERE tenant_id = $1 AND chain = $2");
        let end = match self.db().query_first(select, &params![tenant, chain.as_str()]).await? {
            Some(mut row) => (row.take(0)?, as_hash(&row.take::<Vec<u8>>(1)?)),
            None => (0, BEFORE_THE_FIRST),
        };
        let sealed_to = seals.iter().map(|seal| seal.anchor.number).max().unwrap_or(0);
        Ok(Frame { start: starts.into_iter().last(), seals: seals.into_iter().map(|seal| (seal.anchor.number, seal)).collect(), sealed_to, end })
    }

    /// What stands in no chain, before the beginning of its own or after its end: nothing that this program wrote.
    async fn outside(&self, tenant: TenantId) -> Result<Option<ChainFault>, StoreError> {
        let events = sql!(
            "SELECT e.number, e.at FROM audit_event e WHERE e.tenant_id = $1 AND (e.chain NOT IN ('acts', 'sign_ins')
                OR e.number <= COALESCE((SELECT MAX(a.number) FROM audit_anchor a WHERE a.tenant_id = e.tenant_id AND a.chain = e.chain AND a.kind = 'start'), 0)
                OR e.number > COALESCE((SELECT h.number FROM audit_head h WHERE h.tenant_id = e.tenant_id AND h.chain = e.chain), 0)) ORDER BY e.id LIMIT 1"
        );
        if let Some(mut row) = self.db().query_first(events, &params![tenant]).await? {
            return Ok(fault(row.take(0)?, Some(row.take(1)?), "an entry stands outside the chains: it was not written by this program"));
        }
        let anchors = sql!("SELECT number, at FROM audit_anchor WHERE tenant_id = $1 AND (chain NOT IN ('acts', 'sign_ins') OR kind NOT IN ('seal', 'start')) ORDER BY number LIMIT 1");
        Ok(match self.db().query_first(anchors, &params![tenant]).await? {
            Some(mut row) => fault(row.take(0)?, Some(row.take(1)?), "an anchor belongs to no chain: it was changed after it was written"),
            None => None,
        })
    }

    /// Keeps what a verification found, for the portal and the next one to show.
    pub async fn keep_audit_check(&self, tenant: TenantId, checks: &[ChainCheck], now: Instant) -> Result<LastCheck, StoreError> {
        let entries = checks.iter().map(|check| check.entries).sum();
        let first = checks.iter().find_map(|check| check.fault.as_ref().map(|fault| (check.chain, fault)));
        let said = first.map(|(chain, fault)| format!("{chain} {}: {}", fault.number, fault.what)).unwrap_or_default();
        let upsert = sql!(
            "INSERT INTO audit_check (tenant_id, checked_at, entries, fault) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id) DO UPDATE SET checked_at = excluded.checked_at, entries = excluded.entries, fault = excluded.fault"
        );
        self.db().execute(upsert, &params![tenant, now, entries, said.as_str()]).await?;
        Ok(LastCheck { at: now, entries, fault: said })
    }
}

impl Tenant {
    pub async fn last_audit_check(&self) -> Result<Option<LastCheck>, StoreError> {
        let select = sql!("SELECT checked_at, entries, fault FROM audit_check WHERE tenant_id = $1");
        Ok(match self.db().query_first(select, &params![self.id]).await? {
            Some(mut row) => Some(LastCheck { at: row.take(0)?, entries: row.take(1)?, fault: row.take(2)? }),
            None => None,
        })
    }
}
