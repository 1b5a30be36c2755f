//! Inbound messages: an inbox for the tenant, and the parts of long ones until they are whole.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
use clarion_domain::id::{CampaignId, ContactId, ReplyId, TenantId, TrunkId, UserId};
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;

use crate::compliance::NewSuppression;
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{Page, Store, StoreError, Tenant};

/// A number without its country code is known by no fewer digits.
const NATIONAL_DIGITS_MIN: usize = 7;

/// A person read that it means stop.
const STOPPED: Suppression = Suppression { scope: SuppressionScope::Sms, reason: SuppressionReason::OptOut };

/// Where a reply stands in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyState {
    New,
    Assigned,
    Closed,
}

impl ReplyState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Assigned => "assigned",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for ReplyState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "new" => Ok(Self::New),
            "assigned" => Ok(Self::Assigned),
            "closed" => Ok(Self::Closed),
            _ => Err("unknown reply state: use new, assigned or closed".into()),
        }
    }
}

/// A reply to be stored.
#[derive(Debug, Clone)]
pub struct NewReply {
    /// E.164.
    pub number: Personal,
    pub body: Personal,
    pub trunk: TrunkId,
    pub meaning: ReplyMeaning,
    /// A hash that is the same when the carrier delivers the same message again.
    pub dedupe: [u8; 16],
    /// The hash that the same message would have had a moment earlier, and how far back it counts.
    pub earlier: Option<([u8; 16], Instant)>,
    pub received_at: Instant,
}

/// A reply as the inbox shows it.
#[derive(Debug, Clone)]
pub struct ReplyRecord {
    pub id: ReplyId,
    pub contact: Option<ContactId>,
    pub campaign: Option<CampaignId>,
    pub number: Personal,
    pub body: Personal,
    pub meaning: ReplyMeaning,
    pub state: ReplyState,
    pub assigned_to: Option<UserId>,
    pub received_at: Instant,
    pub closed_at: Option<Instant>,
}

/// The contact behind a number, the campaign that last wrote to it, and when.
pub async fn known_contact(tx: &mut Tx, tenant: &Tenant, e164: &str) -> Result<Option<(ContactId, Option<(CampaignId, Instant)>)>, StoreError> {
    let by_number = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2");
    let Some(mut row) = tx.query_first(by_number, &params![tenant.id(), tenant.number_index(e164)]).await? else { return Ok(None) };
    let contact: ContactId = row.take(0)?;
    let last = sql!("SELECT campaign_id, answered_at FROM attempt WHERE contact_id = $1 ORDER BY id DESC LIMIT 1");
    let last = match tx.query_first(last, &params![contact]).await? {
        Some(mut row) => Some((row.take(0)?, row.take(1)?)),
        None => None,
    };
    Ok(Some((contact, last)))
}

/// Stores a reply once; `None` when the carrier delivered it before.
pub async fn add_reply(tx: &mut Tx, tenant: &Tenant, new: &NewReply) -> Result<Option<(ReplyId, Option<ContactId>)>, StoreError> {
    if let Some((dedupe, since)) = new.earlier {
        let before = sql!("SELECT id FROM reply WHERE dedupe = $1 AND received_at > $2");
        if tx.query_first(before, &params![dedupe, since]).await?.is_some() {
            return Ok(None);
        }
    }
    let id = ReplyId(tenant.store().next_id(new.received_at));
    let known = known_contact(tx, tenant, new.number.reveal()).await?;
    let (contact, campaign) = known.map_or((None, None), |(contact, last)| (Some(contact), last.map(|(campaign, _)| campaign)));
    let key = match contact {
        Some(contact) => contact_key(tx, tenant, contact).await?,
        None => None,
    };
    let key = key.as_ref().unwrap_or(&tenant.keys.data);
    let insert = sql!(
        "INSERT INTO reply (id, tenant_id, contact_id, number_index, sealed_number, sealed_body, trunk_id, campaign_id, meaning, state, dedupe, received_at, closed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (dedupe) DO NOTHING"
    );
    // What the machine has done by itself needs nobody.
    let state = if new.meaning.needs_a_person() { ReplyState::New } else { ReplyState::Closed };
    let closed_at = (state == ReplyState::Closed).then_some(new.received_at);
    let values = params![
        id, tenant.id(), contact, tenant.number_index(new.number.reveal()), key.seal("reply.number", new.number.reveal().as_bytes())?,
        key.seal("reply.body", new.body.reveal().as_bytes())?, new.trunk, campaign, new.meaning.as_str(), state.as_str(), new.dedupe, new.received_at, closed_at
    ];
    if tx.execute(insert, &values).await? == 0 {
        return Ok(None);
    }
    let said = serde_json::json!({"reply": id, "contact": contact, "campaign": campaign, "meaning": new.meaning.as_str()});
    tenant.tell(tx, WebhookEventKind::ReplyReceived, said, new.received_at).await?;
    Ok(Some((id, contact)))
}

async fn contact_key(tx: &mut Tx, tenant: &Tenant, contact: ContactId) -> Result<Option<DataKey>, StoreError> {
    let select = sql!("SELECT wrapped_key FROM contact WHERE tenant_id = $1 AND id = $2");
    let Some(mut row) = tx.query_first(select, &params![tenant.id(), contact]).await? else { return Ok(None) };
    let wrapped: Option<Vec<u8>> = row.take(0)?;
    Ok(wrapped.map(|wrapped| tenant.store().keyring().unwrap(&wrapped)).transpose()?)
}

/// One part of a long inbound message, kept from its acknowledgement until the message is whole.
pub struct ReplyPart {
    pub id: i64,
    pub trunk: TrunkId,
    /// The PDU's own bytes.
    pub pdu: Vec<u8>,
    pub received_at: Instant,
}

pub async fn add_reply_part(tx: &mut Tx, tenant: &Tenant, part: &ReplyPart) -> Result<(), StoreError> {
    let insert = sql!("INSERT INTO reply_part (id, trunk_id, tenant_id, sealed_pdu, received_at) VALUES ($1, $2, $3, $4, $5)");
    tx.execute(insert, &params![part.id, part.trunk, tenant.id(), tenant.keys.data.seal("reply_part.pdu", &part.pdu)?, part.received_at]).await?;
    Ok(())
}

pub async fn drop_reply_parts(tx: &mut Tx, ids: &[i64]) -> Result<(), DbError> {
    let delete = sql!("DELETE FROM reply_part WHERE id = $1");
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.execute_many(delete, &batch).await?;
    Ok(())
}

impl Store {
    /// The parts that waited for the rest of their message when the process ended.
    pub async fn reply_parts(&self) -> Result<Vec<ReplyPart>, StoreError> {
        let select = sql!("SELECT id, trunk_id, tenant_id, sealed_pdu, received_at FROM reply_part ORDER BY id");
        let mut parts = Vec::new();
        for mut row in self.db().query(select, &[]).await? {
            let (id, trunk, tenant, sealed): (i64, TrunkId, TenantId, Vec<u8>) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
            let tenant = self.tenant(tenant, Actor::System).await?;
            parts.push(ReplyPart { id, trunk, pdu: tenant.keys.data.open("reply_part.pdu", &sealed)?.to_vec(), received_at: row.take(4)? });
        }
        Ok(parts)
    }

    /// The tenants that send as `to`, each with the sender as it is on its list: to whom an inbound message to it may belong.
    /// Carriers write a number as `447…`, `+447…`, `00447…` or, at home, `07…`.
    pub async fn tenants_of_sender(&self, to: &str) -> Result<Vec<(TenantId, String)>, StoreError> {
        let select = sql!("SELECT tenant_id, value FROM sender WHERE value = $1 OR value = $2 OR ($3 <> '' AND value LIKE '+%' || $3) ORDER BY tenant_id, value");
        let digits = to.trim_start_matches('+');
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        let at_home = digits.strip_prefix('0').filter(|rest| rest.len() >= NATIONAL_DIGITS_MIN && rest.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("");
        let rows = self.db().query(select, &params![to, format!("+{digits}"), at_home]).await?;
        let mut found: Vec<(TenantId, String)> = rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect::<Result<_, DbError>>()?;
        found.dedup_by_key(|(tenant, _)| *tenant);
        Ok(found)
    }
}

fn read(mut row: Row, tenant: &Tenant) -> Result<ReplyRecord, StoreError> {
    let wrapped: Option<Vec<u8>> = row.take(10)?;
    let own = wrapped.map(|wrapped| tenant.store().keyring().unwrap(&wrapped)).transpose()?;
    let contact: Option<ContactId> = row.take(1)?;
    let key = if contact.is_some() { own.as_ref() } else { None }.unwrap_or(&tenant.keys.data);
    let open = |label: &str, sealed: Option<Vec<u8>>| sealed.map_or(Ok(String::new()), |sealed| key.open_text(label, &sealed));
    Ok(ReplyRecord {
        id: row.take(0)?,
        contact,
        campaign: row.take(2)?,
        number: open("reply.number", row.take(3)?)?.into(),
        body: open("reply.body", row.take(4)?)?.into(),
        meaning: row.word(5)?,
        state: row.word(6)?,
        assigned_to: row.take(7)?,
        received_at: row.take(8)?,
        closed_at: row.take(9)?,
    })
}

impl Tenant {
    /// The inbox, newest first; `state` narrows it.
    pub async fn replies(&self, state: Option<ReplyState>, before: Option<i64>, limit: i64) -> Result<Page<ReplyRecord>, StoreError> {
        let select = sql!(
            "SELECT r.id, r.contact_id, r.campaign_id, r.sealed_number, r.sealed_body, r.meaning, r.state, r.assigned_to, r.received_at, r.closed_at, c.wrapped_key
             FROM reply r LEFT JOIN contact c ON c.id = r.contact_id
             WHERE r.tenant_id = $1 AND r.id < $2 AND ($3 = '' OR r.state = $3) ORDER BY r.id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id(), before.unwrap_or(i64::MAX), state.map_or("", ReplyState::as_str), limit + 1]).await?;
        let rows = rows.into_iter().map(|row| read(row, self)).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, limit, |reply: &ReplyRecord| reply.id.0))
    }

    pub async fn reply(&self, id: ReplyId) -> Result<ReplyRecord, StoreError> {
        let select = sql!(
            "SELECT r.id, r.contact_id, r.campaign_id, r.sealed_number, r.sealed_body, r.meaning, r.state, r.assigned_to, r.received_at, r.closed_at, c.wrapped_key
             FROM reply r LEFT JOIN contact c ON c.id = r.contact_id WHERE r.tenant_id = $1 AND r.id = $2"
        );
        read(self.db().query_first(select, &params![self.id(), id]).await?.ok_or(StoreError::NotFound("reply"))?, self)
    }

    /// How many replies are not closed.
    pub async fn open_replies(&self) -> Result<i64, StoreError> {
        let select = sql!("SELECT COUNT(*) FROM reply WHERE tenant_id = $1 AND state <> 'closed'");
        Ok(self.db().query_first(select, &params![self.id()]).await?.map_or(Ok(0), |mut row| row.take(0))?)
    }

    /// Gives a reply to a user of this tenant.
    pub async fn assign_reply(&self, id: ReplyId, user: UserId, now: Instant) -> Result<(), StoreError> {
        let update = sql!(
            "UPDATE reply SET assigned_to = $3, state = 'assigned' WHERE tenant_id = $1 AND id = $2 AND state <> 'closed'
             AND EXISTS (SELECT 1 FROM user_account u WHERE u.id = $3 AND u.tenant_id = $1 AND u.deactivated_at IS NULL)"
        );
        self.move_reply(update, crate::params![self.id(), id, user], id, "assigned", now).await
    }

    /// Closes a reply. One that holds its person back must be decided: closed unread, it would hold them for ever.
    pub async fn close_reply(&self, id: ReplyId, now: Instant) -> Result<(), StoreError> {
        let holds = sql!(
            "SELECT h.id FROM reply r JOIN hold h ON h.contact_id = r.contact_id AND h.reason = 'reply_review' AND h.lifted_at IS NULL
             WHERE r.tenant_id = $1 AND r.id = $2 AND r.meaning = 'unsure' AND r.state <> 'closed' LIMIT 1"
        );
        if self.db().query_first(holds, &params![self.id(), id]).await?.is_some() {
            return Err(StoreError::Conflict("nothing is sent to this person until somebody decides whether they want it to stop: decide that, which closes the reply".into()));
        }
        let update = sql!("UPDATE reply SET state = 'closed', closed_at = $3 WHERE tenant_id = $1 AND id = $2 AND state <> 'closed'");
        self.move_reply(update, crate::params![self.id(), id, now], id, "closed", now).await
    }

    /// A person has read a reply that the machine was not sure of: `stops` puts the number on the suppression list, and
    /// otherwise an opt-out that this very reply made is lifted. The hold that waited for this ends, unless another reply
    /// waits to be read; and the reply is closed, all in one transaction.
    pub async fn decide_reply(&self, id: ReplyId, stops: bool, now: Instant) -> Result<(), StoreError> {
        let reply = self.reply(id).await?;
        let close = sql!("UPDATE reply SET state = 'closed', closed_at = $3 WHERE tenant_id = $1 AND id = $2 AND state <> 'closed'");
        let lift = sql!(
            "UPDATE hold SET lifted_at = $3 WHERE +tenant_id = $1 AND contact_id = $2 AND reason = 'reply_review' AND lifted_at IS NULL
             AND (CAST($4 AS BIGINT) = 1 OR NOT EXISTS (SELECT 1 FROM reply r WHERE r.contact_id = $2 AND r.meaning = 'unsure' AND r.state <> 'closed'))"
        );
        let mut tx = self.db().begin().await?;
        if tx.execute(close, &params![self.id(), id, now]).await? == 0 {
            return Err(StoreError::Conflict("this reply was decided already".into()));
        }
        if stops {
            let entries = match reply.meaning.suppresses(reply.body.reveal()) {
                [] => &[STOPPED],
                entries => entries,
            };
            for Suppression { scope, reason } in entries.iter().copied() {
                let new = NewSuppression { number: &reply.number, scope, reason, source: "reply" };
                self.suppress_in_tx(&mut tx, &new, now).await?;
            }
        } else if let Some(entry) = reply.meaning.inferred() {
            self.take_back(&mut tx, &reply, entry, now).await?;
        }
        if let Some(contact) = reply.contact {
            tx.execute(lift, &params![self.id(), contact, now, stops]).await?;
        }
        self.audit(&mut tx, now, Act::Changed, "reply", id.0, if stops { "means stop" } else { "does not mean stop" }).await?;
        Ok(tx.commit().await?)
    }

    /// The machine took a saying for a stop or for a wrong number, and a person says that it was none. What the same number said besides stands.
    async fn take_back(&self, tx: &mut Tx, reply: &ReplyRecord, entry: Suppression, now: Instant) -> Result<(), StoreError> {
        let index = self.number_index(reply.number.reveal());
        let others = sql!(
            "SELECT r.id, r.contact_id, r.campaign_id, r.sealed_number, r.sealed_body, r.meaning, r.state, r.assigned_to, r.received_at, r.closed_at, c.wrapped_key
             FROM reply r LEFT JOIN contact c ON c.id = r.contact_id
             WHERE r.tenant_id = $1 AND r.number_index = $2 AND r.id <> $3 AND r.meaning IN ('stop', 'stop_review', 'wrong_number')"
        );
        let others = tx.query(others, &params![self.id(), index, reply.id]).await?;
        let others: Vec<ReplyRecord> = others.into_iter().map(|row| read(row, self)).collect::<Result<_, _>>()?;
        if others.iter().any(|other| other.meaning.suppresses(other.body.reveal()).contains(&entry)) {
            let why = "this person has said so in another message too: close this one, and take the number off the suppression list if they may be contacted all the same";
            return Err(StoreError::Conflict(why.into()));
        }
        let lift = sql!(
            "DELETE FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND reason = $4 AND scope = $5 AND source = 'reply' AND created_at >= $3"
        );
        if tx.execute(lift, &params![self.id(), index, reply.received_at, entry.reason.as_str(), entry.scope.as_str()]).await? > 0 {
            self.audit(tx, now, Act::Unsuppressed, "suppression", 0, &format!("{} {}, which the reply was not", entry.scope, entry.reason)).await?;
        }
        Ok(())
    }

    async fn move_reply(&self, update: &crate::db::Statement, values: Vec<crate::db::Value>, id: ReplyId, what: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(update, &values).await? == 0 {
            return Err(StoreError::Conflict("this reply is closed already, or that user does not exist".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "reply", id.0, what).await?;
        Ok(tx.commit().await?)
    }
}
