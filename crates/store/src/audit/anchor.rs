//! Anchors: the end of a chain at some time, signed. The key is made from the keyring, so whoever can write to the database alone cannot sign.
//! A root key that is about to be destroyed has its public half certified by the next: what it signed can still be checked, and
//! nobody can sign with it any more.

use std::collections::BTreeMap;

use clarion_domain::audit::chain::{AnchorKind, Chain};
use clarion_domain::id::TenantId;
use clarion_domain::time::Instant;
use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};

use super::chain::as_hash;
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::seal::Keyring;
use crate::store::{Store, StoreError};

/// One signed statement about a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub tenant: TenantId,
    pub chain: Chain,
    pub kind: AnchorKind,
    /// The last entry that it vouches for.
    pub number: i64,
    /// The hash of that entry.
    pub hash: [u8; 32],
    pub at: Instant,
}

/// An anchor as it stands in the database, its signature not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAnchor {
    pub anchor: Anchor,
    /// The number of the root key from which the signing key is made.
    pub key_number: i64,
    pub signature: Vec<u8>,
}

impl Anchor {
    fn message(&self) -> Vec<u8> {
        let mut message = b"clarion audit anchor version 1\n".to_vec();
        for word in [self.chain.as_str(), self.kind.as_str()] {
            message.extend_from_slice(word.as_bytes());
            message.push(b'\n');
        }
        for value in [self.tenant.0, self.number, self.at.ms()] {
            message.extend_from_slice(&value.to_le_bytes());
        }
        message.extend_from_slice(&self.hash);
        message
    }
}

fn certificate(number: i64, public_key: &[u8]) -> Vec<u8> {
    let mut message = b"clarion audit key version 1\n".to_vec();
    message.extend_from_slice(&number.to_le_bytes());
    message.extend_from_slice(public_key);
    message
}

/// The keys whose signatures count, by number.
pub(super) struct TrustedKeys(BTreeMap<i64, Vec<u8>>);

impl TrustedKeys {
    pub fn vouch(&self, signed: &SignedAnchor) -> bool {
        self.signed(signed.key_number, &signed.anchor.message(), &signed.signature)
    }

    fn signed(&self, number: i64, message: &[u8], signature: &[u8]) -> bool {
        self.0.get(&number).is_some_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
    }
}

pub(super) async fn write_anchor(tx: &mut Tx, keyring: &Keyring, anchor: &Anchor) -> Result<(), DbError> {
    let root = keyring.current();
    let pair = keyring.anchor_key(root).map_err(|error| DbError::Failed(error.to_string()))?;
    if anchor.kind == AnchorKind::Start {
        // A chain begins in one place; and what vouched for what is gone has no more to say.
        let forget = sql!("DELETE FROM audit_anchor WHERE tenant_id = $1 AND chain = $2 AND (kind = 'start' OR number < $3)");
        tx.execute(forget, &params![anchor.tenant, anchor.chain.as_str(), anchor.number]).await?;
    }
    let insert = sql!(
        "INSERT INTO audit_anchor (tenant_id, chain, kind, number, hash, at, key_number, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, chain, kind, number) DO NOTHING"
    );
    let signature = pair.sign(&anchor.message());
    tx.execute(insert, &params![anchor.tenant, anchor.chain.as_str(), anchor.kind.as_str(), anchor.number, anchor.hash, anchor.at, i64::from(root), signature.as_ref()]).await?;
    Ok(())
}

fn read(mut row: Row) -> Result<SignedAnchor, DbError> {
    let hash = as_hash(&row.take::<Vec<u8>>(4)?);
    let anchor = Anchor { tenant: row.take(0)?, chain: row.word(1)?, kind: row.word(2)?, number: row.take(3)?, hash, at: row.take(5)? };
    Ok(SignedAnchor { anchor, key_number: row.take(6)?, signature: row.take(7)? })
}

impl Store {
    /// Anchors of one chain as they are stored, by number.
    pub(super) async fn anchors(&self, tenant: TenantId, chain: Chain) -> Result<Vec<SignedAnchor>, StoreError> {
        let select = sql!("SELECT tenant_id, chain, kind, number, hash, at, key_number, signature FROM audit_anchor WHERE tenant_id = $1 AND chain = $2 AND kind IN ('seal', 'start') ORDER BY number, kind");
        Ok(self.db().query(select, &params![tenant, chain.as_str()]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Anchors the end of each of a tenant's chains, where it has moved since the last anchor; gives the ends.
    pub async fn anchor_audit(&self, tenant: TenantId, now: Instant) -> Result<Vec<Anchor>, StoreError> {
        let mut ends = Vec::new();
        let mut tx = self.db().begin().await?;
        let heads = sql!("SELECT chain, number, hash FROM audit_head WHERE tenant_id = $1 ORDER BY chain");
        for mut row in tx.query(heads, &params![tenant]).await? {
            let anchor = Anchor { tenant, chain: row.word(0)?, kind: AnchorKind::Seal, number: row.take(1)?, hash: as_hash(&row.take::<Vec<u8>>(2)?), at: now };
            write_anchor(&mut tx, self.keyring(), &anchor).await?;
            ends.push(anchor);
        }
        tx.commit().await?;
        Ok(ends)
    }

    /// Before root keys are destroyed: the newest says which public keys were theirs.
    pub(crate) async fn certify_anchor_keys(&self) -> Result<(), StoreError> {
        let newest = self.keyring().current();
        let signer = self.keyring().anchor_key(newest)?;
        let insert = sql!("INSERT INTO audit_key (number, public_key, certified_by, signature) VALUES ($1, $2, $3, $4) ON CONFLICT (number) DO NOTHING");
        for number in self.keyring().numbers().into_iter().filter(|number| *number != newest) {
            let pair = self.keyring().anchor_key(number)?;
            let signature = signer.sign(&certificate(i64::from(number), pair.public_key().as_ref()));
            self.db().execute(insert, &params![i64::from(number), pair.public_key().as_ref(), i64::from(newest), signature.as_ref()]).await?;
        }
        Ok(())
    }

    /// The keyring's own, and those that one of them vouches for, the newest first.
    pub(super) async fn trusted_keys(&self) -> Result<TrustedKeys, StoreError> {
        let mut trusted = TrustedKeys(BTreeMap::new());
        for number in self.keyring().numbers() {
            trusted.0.insert(i64::from(number), self.keyring().anchor_key(number)?.public_key().as_ref().to_vec());
        }
        let select = sql!("SELECT number, public_key, certified_by, signature FROM audit_key ORDER BY number DESC");
        for mut row in self.db().query(select, &[]).await? {
            let (number, key, by, signature): (i64, Vec<u8>, i64, Vec<u8>) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
            if by > number && trusted.signed(by, &certificate(number, &key), &signature) {
                trusted.0.entry(number).or_insert(key);
            }
        }
        Ok(trusted)
    }
}
