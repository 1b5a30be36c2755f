//! The consent ledger: what a person agreed to, with its evidence. Records are added and withdrawn, never changed.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::consent::{ConsentKind, ObtainedIn};
use clarion_domain::compliance::purpose::Purpose;
use clarion_domain::compliance::suppression::SuppressionScope;
use clarion_domain::id::ContactId;
use clarion_domain::time::Instant;

use super::suppression::checked_source;
use crate::db::{Params, Row, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// A consent to record.
#[derive(Debug, Clone, Copy)]
pub struct NewConsent<'a> {
    pub channel: Channel,
    pub purpose: Purpose,
    pub kind: ConsentKind,
    pub given_at: Instant,
    pub expires_at: Option<Instant>,
    /// Where the proof lies: a form's version and log line, a call's reference. Never what the person said.
    pub evidence: &'a str,
    pub wording_version: &'a str,
    /// For a soft opt-in.
    pub obtained_in: ObtainedIn,
    pub refusal_offered: bool,
}

#[derive(Debug, Clone)]
pub struct ConsentEntry {
    pub id: i64,
    pub channel: Channel,
    pub purpose: Purpose,
    pub kind: ConsentKind,
    pub given_at: Instant,
    pub expires_at: Option<Instant>,
    pub withdrawn_at: Option<Instant>,
    pub evidence: String,
    pub wording_version: String,
    pub obtained_in: ObtainedIn,
    pub refusal_offered: bool,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<ConsentEntry, StoreError> {
    Ok(ConsentEntry {
        id: row.take(0)?,
        channel: row.word(1)?,
        purpose: row.word(2)?,
        kind: row.word(3)?,
        given_at: row.take(4)?,
        expires_at: row.take(5)?,
        withdrawn_at: row.take(6)?,
        evidence: row.take(7)?,
        wording_version: row.take(8)?,
        obtained_in: row.word(9)?,
        refusal_offered: row.take(10)?,
        created_by: row.take(11)?,
        created_at: row.take(12)?,
    })
}

impl Tenant {
    pub async fn add_consent(&self, contact: ContactId, new: &NewConsent<'_>, now: Instant) -> Result<i64, StoreError> {
        let (evidence, wording) = (checked_source(new.evidence)?, checked_source(new.wording_version)?);
        if evidence.is_empty() || wording.is_empty() {
            return Err(StoreError::Invalid("a consent that cannot be shown is none: say where the proof lies and which wording was agreed to".into()));
        }
        if new.given_at > now {
            return Err(StoreError::Invalid("the consent lies in the future: set when it was given".into()));
        }
        if new.expires_at.is_some_and(|end| end <= new.given_at) {
            return Err(StoreError::Invalid("the consent ends before it was given: set a later end, or none".into()));
        }
        let mut tx = self.db().begin().await?;
        let known = sql!("SELECT id FROM contact WHERE id = $1 AND tenant_id = $2 AND erased_at IS NULL");
        if tx.query_first(known, &params![contact, self.id]).await?.is_none() {
            return Err(StoreError::NotFound("contact"));
        }
        let insert = sql!(
            "INSERT INTO consent (id, tenant_id, contact_id, channel, purpose, kind, given_at, expires_at, withdrawn_at, evidence, wording_version,
                                  obtained_in, refusal_offered, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9, $10, $11, $12, $13, $14)"
        );
        let id = self.store.next_id(now);
        let words = params![id, self.id, contact, new.channel.as_str(), new.purpose.as_str(), new.kind.as_str(), new.given_at, new.expires_at];
        let proof = params![evidence, wording, new.obtained_in.as_str(), new.refusal_offered, self.actor.to_string(), now];
        tx.execute(insert, &[words, proof].concat()).await?;
        self.audit(&mut tx, now, Act::Created, "consent", id, &format!("{} {} {}", new.kind, new.channel, new.purpose)).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// As easy as giving it: one step, no reason asked.
    pub async fn withdraw_consent(&self, id: i64, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let withdraw = sql!("UPDATE consent SET withdrawn_at = $3 WHERE id = $1 AND tenant_id = $2 AND withdrawn_at IS NULL");
        if tx.execute(withdraw, &params![id, self.id, now]).await? == 0 {
            let known = tx.query_first(sql!("SELECT id FROM consent WHERE id = $1 AND tenant_id = $2"), &params![id, self.id]).await?;
            return Err(known.map_or(StoreError::NotFound("consent"), |_| StoreError::Conflict("this consent was withdrawn already".into())));
        }
        self.audit(&mut tx, now, Act::Changed, "consent", id, "withdrawn").await?;
        Ok(tx.commit().await?)
    }

    /// Withdraws every consent that the people behind these numbers gave for the channels of `scope`.
    pub(super) async fn withdraw_consents_in_tx(&self, tx: &mut Tx, numbers: &[[u8; 16]], scope: SuppressionScope, now: Instant) -> Result<(), StoreError> {
        let withdraw = sql!(
            "UPDATE consent SET withdrawn_at = $4 WHERE +tenant_id = $1 AND withdrawn_at IS NULL AND ($3 = 'every' OR channel = $3)
             AND contact_id IN (SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2)"
        );
        let batch: Vec<Params> = numbers.iter().map(|number| params![self.id, *number, scope.as_str(), now]).collect();
        let withdrawn: u64 = tx.execute_many(withdraw, &batch).await?.iter().sum();
        if withdrawn > 0 {
            self.audit(tx, now, Act::Changed, "consent", 0, &format!("{withdrawn} withdrawn with a suppression of {scope}")).await?;
        }
        Ok(())
    }

    pub async fn consents_of(&self, contact: ContactId) -> Result<Vec<ConsentEntry>, StoreError> {
        let select = sql!(
            "SELECT id, channel, purpose, kind, given_at, expires_at, withdrawn_at, evidence, wording_version, obtained_in, refusal_offered, created_by, created_at
             FROM consent WHERE contact_id = $1 AND tenant_id = $2 ORDER BY id"
        );
        self.db().query(select, &params![contact, self.id]).await?.into_iter().map(read).collect()
    }
}
