//! Single messages outside a campaign's audience: the confirmation of an opt-out, the answer to HELP, a test send; and test calls.
//! Each is a row before it goes to the wire, like everything that leaves.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{CampaignId, ContactId, TenantId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};

use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// Tests to one number within 24 hours, and of one tenant within an hour.
const TESTS_TO_ONE_A_DAY_MAX: i64 = 10;
const TESTS_AN_HOUR_MAX: i64 = 60;

/// What a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    StopConfirmation,
    Help,
    TestSend,
    /// A call to oneself: taken by the dialler.
    TestCall,
}

impl NoticeKind {
    /// What takes it: the sender or the dialler.
    #[must_use]
    pub fn channel(self) -> Channel {
        if self == Self::TestCall { Channel::Voice } else { Channel::Sms }
    }
}

/// Where it stands. What a crash leaves claimed becomes `unknown` and is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeState {
    Waiting,
    Claimed,
    Sent,
    Failed,
    Refused,
    Unknown,
}

macro_rules! spelled {
    ($name:ident { $($member:ident = $text:literal),+ }) => {
        impl $name {
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$member => $text),+ }
            }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text { $($text => Ok(Self::$member),)+ _ => Err(format!("unknown {}", stringify!($name))) }
            }
        }
    };
}
spelled! { NoticeKind { StopConfirmation = "stop_confirmation", Help = "help", TestSend = "test_send", TestCall = "test_call" } }
spelled! { NoticeState { Waiting = "waiting", Claimed = "claimed", Sent = "sent", Failed = "failed", Refused = "refused", Unknown = "unknown" } }

/// A notice to be sent.
#[derive(Debug, Clone)]
pub struct NewNotice {
    pub kind: NoticeKind,
    pub contact: Option<ContactId>,
    pub campaign: Option<CampaignId>,
    /// E.164.
    pub number: Personal,
    pub body: Personal,
    pub sender: String,
    /// The trunk to answer on; `None` to choose by route.
    pub trunk: Option<TrunkId>,
}

/// A notice as stored, opened.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    pub id: i64,
    pub tenant: TenantId,
    pub kind: NoticeKind,
    pub campaign: Option<CampaignId>,
    pub number: Personal,
    pub body: Personal,
    pub sender: String,
    pub trunk: Option<TrunkId>,
    pub state: NoticeState,
    pub cause: String,
    pub created_at: Instant,
}

/// Writes the row; the engine sends it after the commit. The number and the text are sealed with the tenant's key.
pub async fn add_notice(tx: &mut Tx, tenant: &Tenant, new: &NewNotice, now: Instant) -> Result<i64, StoreError> {
    let id = tenant.store().next_id(now);
    let insert = sql!(
        "INSERT INTO notice (id, tenant_id, kind, contact_id, campaign_id, number_index, sealed_number, sealed_body, sender, trunk_id, state, cause, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', '', $11, $12)"
    );
    let number = tenant.keys.data.seal("notice.number", new.number.reveal().as_bytes())?;
    let body = tenant.keys.data.seal("notice.body", new.body.reveal().as_bytes())?;
    let values = params![
        id, tenant.id(), new.kind.as_str(), new.contact.map_or(0, |contact| contact.0), new.campaign.map_or(0, |campaign| campaign.0),
        tenant.number_index(new.number.reveal()), number, body, new.sender.as_str(), new.trunk.map_or(0, |trunk| trunk.0), tenant.actor().to_string(), now
    ];
    tx.execute(insert, &values).await?;
    Ok(id)
}

impl Tenant {
    /// A test send: the campaign's text to one number of the user's own. Audited, and few: it is no way to contact people.
    pub async fn queue_test_send(&self, campaign: CampaignId, number: Personal, body: Personal, sender: &str, now: Instant) -> Result<i64, StoreError> {
        let new = NewNotice { kind: NoticeKind::TestSend, contact: None, campaign: Some(campaign), number, body, sender: sender.to_owned(), trunk: None };
        let mut tx = self.db().begin().await?;
        self.refuse_many_tests(&mut tx, &new, now).await?;
        let id = add_notice(&mut tx, self, &new, now).await?;
        self.audit(&mut tx, now, Act::TestSent, "campaign", campaign.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Notices);
        Ok(id)
    }

    pub(super) async fn refuse_many_tests(&self, tx: &mut Tx, new: &NewNotice, now: Instant) -> Result<(), StoreError> {
        let to_one = sql!("SELECT COUNT(*) FROM notice WHERE tenant_id = $1 AND number_index = $2 AND kind IN ('test_send', 'test_call') AND created_at > $3");
        let to_all = sql!("SELECT COUNT(*) FROM notice WHERE tenant_id = $1 AND kind IN ('test_send', 'test_call') AND created_at > $2");
        let index = self.number_index(new.number.reveal());
        let count = |row: Option<crate::db::Row>| row.map_or(Ok(0), |mut row| row.take::<i64>(0));
        if count(tx.query_first(to_one, &params![self.id(), index, now.plus_ms(-DAY_MS)]).await?)? >= TESTS_TO_ONE_A_DAY_MAX {
            return Err(StoreError::Conflict(format!("this number has had {TESTS_TO_ONE_A_DAY_MAX} tests in 24 hours: try another, or tomorrow")));
        }
        if count(tx.query_first(to_all, &params![self.id(), now.plus_ms(-HOUR_MS)]).await?)? >= TESTS_AN_HOUR_MAX {
            return Err(StoreError::Conflict(format!("your organisation has sent {TESTS_AN_HOUR_MAX} tests in an hour: wait a while")));
        }
        Ok(())
    }

    /// How a notice stands: its state, and the cause when it failed or was refused.
    pub async fn notice_state(&self, id: i64) -> Result<(NoticeState, String), StoreError> {
        let select = sql!("SELECT state, cause FROM notice WHERE tenant_id = $1 AND id = $2");
        let mut row = self.db().query_first(select, &params![self.id(), id]).await?.ok_or(StoreError::NotFound("notice"))?;
        Ok((row.word(0)?, row.take(1)?))
    }
}

/// Takes waiting notices of a channel: they are `claimed` once this transaction is committed, and go to the wire after it.
pub async fn claim_notices(tx: &mut Tx, store: &Store, channel: Channel, now: Instant, limit: i64) -> Result<Vec<NoticeRow>, StoreError> {
    let select = sql!(
        "SELECT id, tenant_id, kind, sealed_number, sealed_body, sender, trunk_id, state, cause, created_at, campaign_id FROM notice
         WHERE state IN ('waiting', 'claimed') AND state = 'waiting' AND CASE WHEN kind = 'test_call' THEN 'voice' ELSE 'sms' END = $2 ORDER BY id LIMIT $1"
    );
    let update = sql!("UPDATE notice SET state = 'claimed', claimed_at = $2, claimed_by = $3 WHERE id = $1 AND state = 'waiting'");
    let mut taken = Vec::new();
    for mut row in tx.query(select, &params![limit, channel.as_str()]).await? {
        let (id, tenant_id): (i64, TenantId) = (row.take(0)?, row.take(1)?);
        if tx.execute(update, &params![id, now, store.node()]).await? == 0 {
            continue;
        }
        let tenant = store.tenant(tenant_id, clarion_domain::tenancy::tenant::Actor::System).await?;
        let (number, body): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(3)?, row.take(4)?);
        let open = |label: &str, sealed: Option<Vec<u8>>| sealed.map_or(Ok(String::new()), |sealed| tenant.keys.data.open_text(label, &sealed));
        let (trunk, campaign): (i64, i64) = (row.take(6)?, row.take(10)?);
        taken.push(NoticeRow {
            id,
            tenant: tenant_id,
            kind: row.word(2)?,
            campaign: (campaign != 0).then_some(CampaignId(campaign)),
            number: open("notice.number", number)?.into(),
            body: open("notice.body", body)?.into(),
            sender: row.take(5)?,
            trunk: (trunk != 0).then_some(TrunkId(trunk)),
            state: row.word(7)?,
            cause: row.take(8)?,
            created_at: row.take(9)?,
        });
    }
    Ok(taken)
}

/// Ends a notice, or puts it back to `waiting` when it surely did not go to the wire.
pub async fn settle_notice(tx: &mut Tx, id: i64, state: NoticeState, cause: &str, now: Instant) -> Result<(), DbError> {
    let update = sql!("UPDATE notice SET state = $2, cause = $3, settled_at = $4 WHERE id = $1");
    tx.execute(update, &params![id, state.as_str(), cause, now]).await?;
    Ok(())
}

/// Of a channel, what this node, or one not seen since `seen_before`, left claimed before `started_at` is `unknown`. Returns how many.
pub async fn recover_notices(tx: &mut Tx, store: &Store, channel: Channel, seen_before: Instant, started_at: Instant) -> Result<u64, DbError> {
    let update = sql!(
        "UPDATE notice SET state = 'unknown', cause = 'answer_lost', settled_at = $2 WHERE state IN ('waiting', 'claimed') AND state = 'claimed' AND claimed_at < $2
         AND CASE WHEN kind = 'test_call' THEN 'voice' ELSE 'sms' END = $4
         AND (claimed_by = $1 OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = notice.claimed_by AND n.seen_at >= $3))"
    );
    tx.execute(update, &params![store.node(), started_at, seen_before, channel.as_str()]).await
}

/// Whether a notice of this kind was made for this number since a time.
pub async fn recent_notice(tx: &mut Tx, tenant: &Tenant, e164: &str, kind: NoticeKind, since: Instant) -> Result<bool, DbError> {
    let select = sql!("SELECT id FROM notice WHERE tenant_id = $1 AND number_index = $2 AND kind = $3 AND created_at >= $4 LIMIT 1");
    Ok(tx.query_first(select, &params![tenant.id(), tenant.number_index(e164), kind.as_str(), since]).await?.is_some())
}

impl Store {
    /// Whether any notice of a channel waits to be sent.
    pub async fn has_waiting_notices(&self, channel: Channel) -> Result<bool, StoreError> {
        let select = sql!("SELECT id FROM notice WHERE state IN ('waiting', 'claimed') AND state = 'waiting' AND CASE WHEN kind = 'test_call' THEN 'voice' ELSE 'sms' END = $1 LIMIT 1");
        Ok(self.db().query_first(select, &params![channel.as_str()]).await?.is_some())
    }
}
