//! The names and numbers from which a tenant may send. Each is checked and has its evidence.

use clarion_domain::audit::event::Act;
use clarion_domain::carriers::sender::{Sender, SenderKind};
use clarion_domain::time::Instant;

use crate::compliance::is_do_not_originate;
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

const EVIDENCE_CHARS_MAX: usize = 500;

#[derive(Debug, Clone)]
pub struct SenderRecord {
    pub value: String,
    pub kind: SenderKind,
    /// Replies to it reach us: a STOP sent to it is heard.
    pub takes_replies: bool,
    /// Why the tenant may use it: a registration, a letter of authority.
    pub evidence: String,
    pub created_by: String,
    pub created_at: Instant,
    /// When the tenant confirmed that somebody or an announcement answers the number day and night: no call shows it before (UK-12).
    pub answered_at: Option<Instant>,
    /// How it is known that a mobile number takes calls, and since when: no call shows one before (UK-14).
    pub inbound_evidence: String,
    pub inbound_at: Option<Instant>,
    /// On the operator's list of numbers that no call may show (UK-12).
    pub is_do_not_originate: bool,
}

fn read(mut row: Row) -> Result<SenderRecord, StoreError> {
    Ok(SenderRecord { value: row.take(0)?, kind: row.word(1)?, takes_replies: row.take(2)?, evidence: row.take(3)?, created_by: row.take(4)?, created_at: row.take(5)?, answered_at: row.take(6)?, inbound_evidence: row.take(7)?, inbound_at: row.take(8)?, is_do_not_originate: row.take(9)? })
}

impl Tenant {
    /// Gives it back as it is kept: a number may have been written in another way.
    pub async fn add_sender(&self, value: &str, takes_replies: bool, evidence: &str, now: Instant) -> Result<SenderRecord, StoreError> {
        let (sender, evidence) = (Sender::parse(value), evidence.trim());
        let mut faults = Vec::new();
        let mut fault = |field, message: String| faults.push(FieldFault { field, message });
        match &sender {
            Err(error) => fault("value", error.to_string()),
            Ok(sender) if takes_replies && !sender.can_take_replies() => fault("takes_replies", "nobody can reply to a name: use a number or a short code for replies".into()),
            Ok(_) => {}
        }
        if evidence.is_empty() || evidence.chars().nth(EVIDENCE_CHARS_MAX).is_some() {
            fault("evidence", format!("say in at most {EVIDENCE_CHARS_MAX} characters why you may use this sender: a registration, a contract, a letter of authority"));
        }
        let Ok(sender) = sender else { return Err(StoreError::Faults(faults)) };
        if !faults.is_empty() {
            return Err(StoreError::Faults(faults));
        }
        let mut tx = self.db().begin().await?;
        let is_do_not_originate = sender.kind() == SenderKind::Number && is_do_not_originate(&mut tx, sender.as_str()).await?;
        let insert = sql!("INSERT INTO sender (tenant_id, value, kind, takes_replies, evidence, created_by, created_at, is_do_not_originate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        match tx.execute(insert, &params![self.id, sender.as_str(), sender.kind().as_str(), takes_replies, evidence, self.actor.to_string(), now, is_do_not_originate]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("this sender is on your list already".into())),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "sender", 0, sender.as_str()).await?;
        tx.commit().await?;
        Ok(SenderRecord { value: sender.as_str().to_owned(), kind: sender.kind(), takes_replies, evidence: evidence.to_owned(), created_by: self.actor.to_string(), created_at: now, answered_at: None, inbound_evidence: String::new(), inbound_at: None, is_do_not_originate })
    }

    /// The tenant's word on a number that calls show: whether it is answered day and night, and how it is known that it takes calls, where
    /// that is a question (a test call, a letter of authority). Each keeps the date on which it was first given; what is taken back is gone.
    pub async fn attest_sender(&self, value: &str, answered: bool, inbound_evidence: &str, now: Instant) -> Result<SenderRecord, StoreError> {
        let evidence = inbound_evidence.trim();
        let known = self.senders().await?.into_iter().find(|sender| sender.value == value.trim()).ok_or(StoreError::NotFound("sender"))?;
        if known.kind != SenderKind::Number {
            return Err(StoreError::Faults(vec![FieldFault { field: "value", message: "calls show whole numbers alone".into() }]));
        }
        if evidence.chars().nth(EVIDENCE_CHARS_MAX).is_some() {
            return Err(StoreError::Faults(vec![FieldFault { field: "inbound_evidence", message: format!("at most {EVIDENCE_CHARS_MAX} characters") }]));
        }
        let answered_at = answered.then(|| known.answered_at.unwrap_or(now));
        let inbound_at = (!evidence.is_empty()).then(|| known.inbound_at.filter(|_| known.inbound_evidence == evidence).unwrap_or(now));
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE sender SET answered_at = $3, inbound_evidence = $4, inbound_at = $5 WHERE tenant_id = $1 AND value = $2");
        tx.execute(update, &params![self.id, known.value.as_str(), answered_at, evidence, inbound_at]).await?;
        let words = [answered.then_some("answered day and night"), inbound_at.map(|_| "takes calls")];
        let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        self.audit(&mut tx, now, Act::Changed, "sender", 0, &format!("{}: {}", known.value, if words.is_empty() { "nothing confirmed" } else { &words })).await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Calls);
        Ok(SenderRecord { answered_at, inbound_evidence: evidence.to_owned(), inbound_at, ..known })
    }

    /// Refused while a campaign that is not over uses it.
    pub async fn remove_sender(&self, value: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let used = sql!("SELECT name FROM campaign WHERE tenant_id = $1 AND sender = $2 AND state IN ('scheduled', 'starting', 'running', 'paused') LIMIT 1");
        if let Some(mut row) = tx.query_first(used, &params![self.id, value]).await? {
            let campaign: String = row.take(0)?;
            return Err(StoreError::Conflict(format!("the campaign “{campaign}” sends from it: finish or cancel it first")));
        }
        if tx.execute(sql!("DELETE FROM sender WHERE tenant_id = $1 AND value = $2"), &params![self.id, value]).await? == 0 {
            return Err(StoreError::NotFound("sender"));
        }
        self.audit(&mut tx, now, Act::Deleted, "sender", 0, value).await?;
        Ok(tx.commit().await?)
    }

    pub async fn senders(&self) -> Result<Vec<SenderRecord>, StoreError> {
        let select = sql!("SELECT value, kind, takes_replies, evidence, created_by, created_at, answered_at, inbound_evidence, inbound_at, is_do_not_originate FROM sender WHERE tenant_id = $1 ORDER BY value");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }
}
