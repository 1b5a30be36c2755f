//! "Call me": a campaign's script tried on a number of its manager's own. A notice like a test send, which the dialler takes.

use clarion_domain::attempts::test_call::{RINGS_AGENTS, TestCall};
use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::CampaignId;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::notice::{NewNotice, NoticeKind, NoticeState, add_notice, settle_notice};
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{StoreError, Tenant};

/// A test call as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCallRecord {
    pub id: i64,
    pub state: NoticeState,
    /// Why it failed, was refused or ended; empty before.
    pub cause: String,
    pub created_at: Instant,
    /// How it went, once it is over; `None` too when that is no longer kept.
    pub outcome: Option<TestCall>,
}

impl Tenant {
    /// Asks for a call with the campaign's script to one number of the user's own, which rings agents where the script puts through, or disturbs
    /// none. Audited, and few: it is no way to contact people.
    pub async fn queue_test_call(&self, campaign: CampaignId, number: Personal, rings_agents: bool, now: Instant) -> Result<i64, StoreError> {
        let record = self.campaign(campaign).await?;
        if record.channel != Channel::Voice {
            return Err(StoreError::Conflict("this campaign sends texts: send its text to yourself instead".into()));
        }
        if record.sender.is_empty() {
            return Err(StoreError::Conflict("choose a caller ID before you try the script".into()));
        }
        if self.check_script(&record.script).await?.is_err() {
            return Err(StoreError::Conflict("the script has faults: mend and save it before you try it".into()));
        }
        let new = NewNotice { kind: NoticeKind::TestCall, contact: None, campaign: Some(campaign), number, body: Personal::new(if rings_agents { RINGS_AGENTS } else { "" }), sender: record.sender, trunk: None };
        let mut tx = self.db().begin().await?;
        self.refuse_many_tests(&mut tx, &new, now).await?;
        let id = add_notice(&mut tx, self, &new, now).await?;
        self.audit(&mut tx, now, Act::TestSent, "campaign", campaign.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Calls);
        Ok(id)
    }

    fn read_test_call(&self, mut row: Row) -> Result<TestCallRecord, StoreError> {
        let sealed: Option<Vec<u8>> = row.take(4)?;
        let told = sealed.map(|sealed| self.keys.data.open_text("notice.body", &sealed)).transpose()?;
        Ok(TestCallRecord { id: row.take(0)?, state: row.word(1)?, cause: row.take(2)?, created_at: row.take(3)?, outcome: told.and_then(|told| serde_json::from_str(&told).ok()) })
    }

    pub async fn test_call(&self, id: i64) -> Result<TestCallRecord, StoreError> {
        let select = sql!("SELECT id, state, cause, created_at, sealed_body FROM notice WHERE tenant_id = $1 AND id = $2 AND kind = 'test_call'");
        self.read_test_call(self.db().query_first(select, &params![self.id(), id]).await?.ok_or(StoreError::NotFound("test call"))?)
    }

    /// The newest of a campaign.
    pub async fn latest_test_call(&self, campaign: CampaignId) -> Result<Option<TestCallRecord>, StoreError> {
        let select = sql!("SELECT id, state, cause, created_at, sealed_body FROM notice WHERE +tenant_id = $1 AND campaign_id = $2 AND kind = 'test_call' ORDER BY id DESC LIMIT 1");
        self.db().query_first(select, &params![self.id(), campaign]).await?.map(|row| self.read_test_call(row)).transpose()
    }

    /// Ends a test call with what came of it.
    pub async fn end_test_call(&self, id: i64, outcome: &TestCall, cause: &str, now: Instant) -> Result<(), StoreError> {
        let told = serde_json::to_string(outcome).map_err(|error| DbError::Failed(error.to_string()))?;
        let state = if outcome.answered_after_ms.is_some() { NoticeState::Sent } else { NoticeState::Failed };
        let keep = sql!("UPDATE notice SET sealed_body = $3 WHERE tenant_id = $1 AND id = $2 AND state = 'claimed'");
        let mut tx = self.db().begin().await?;
        if tx.execute(keep, &params![self.id(), id, self.keys.data.seal("notice.body", told.as_bytes())?]).await? == 1 {
            settle_notice(&mut tx, id, state, cause, now).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A notice's text as people read it: of a test call, what came of it.
pub(crate) fn text_of(kind: &str, body: String) -> String {
    if kind != NoticeKind::TestCall.as_str() {
        return body;
    }
    serde_json::from_str::<TestCall>(&body).map_or(String::new(), |call| call.told())
}
