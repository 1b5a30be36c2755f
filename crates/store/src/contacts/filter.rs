//! Saved filters: conditions that contacts must meet, by name.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::sequence::Sequence;
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::FilterId;
use clarion_domain::time::Instant;

use super::list::checked_name;
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

#[derive(Debug, Clone)]
pub struct SavedFilter {
    pub id: FilterId,
    pub name: String,
    pub filter: Filter,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<SavedFilter, StoreError> {
    Ok(SavedFilter { id: row.take(0)?, name: row.take(1)?, filter: row.json(2)?, created_by: row.take(3)?, created_at: row.take(4)? })
}

fn as_json(filter: &Filter) -> Result<String, StoreError> {
    serde_json::to_string(filter).map_err(|error| StoreError::Invalid(error.to_string()))
}

impl Tenant {
    /// Checks the filter against the tenant's declared fields.
    pub async fn check_filter(&self, filter: &Filter) -> Result<(), StoreError> {
        let declared = self.declared_names().await?;
        filter.check(&declared).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    pub async fn save_filter(&self, name: &str, filter: &Filter, now: Instant) -> Result<FilterId, StoreError> {
        let name = checked_name(name)?;
        self.check_filter(filter).await?;
        let id = FilterId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        self.check_lists_of(&mut tx, filter).await?;
        let insert = sql!("INSERT INTO saved_filter (id, tenant_id, name, conditions, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
        match tx.execute(insert, &params![id, self.id, name.as_str(), as_json(filter)?, self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a filter called “{name}” exists already: choose another name, or change that one"))),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "filter", id.0, name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn change_filter(&self, id: FilterId, name: &str, filter: &Filter, now: Instant) -> Result<(), StoreError> {
        let name = checked_name(name)?;
        self.check_filter(filter).await?;
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        self.check_lists_of(&mut tx, filter).await?;
        let update = sql!("UPDATE saved_filter SET name = $1, conditions = $2 WHERE tenant_id = $3 AND id = $4");
        match tx.execute(update, &params![name.as_str(), as_json(filter)?, self.id, id]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a filter called “{name}” exists already: choose another name"))),
            Ok(0) => return Err(StoreError::NotFound("filter")),
            other => other?,
        };
        self.note_anybody_changed(&mut tx, now).await?;
        self.audit(&mut tx, now, Act::Changed, "filter", id.0, name.as_str()).await?;
        Ok(tx.commit().await?)
    }

    /// None of its lists is half filled. One that was deleted has nobody on it.
    async fn check_lists_of(&self, tx: &mut Tx, filter: &Filter) -> Result<(), StoreError> {
        for condition in &filter.all_of {
            if let Condition::OnList { list } | Condition::NotOnList { list } = condition {
                match self.check_list(tx, *list).await {
                    Err(StoreError::NotFound(_)) => {}
                    whole => whole?,
                }
            }
        }
        Ok(())
    }

    pub async fn delete_filter(&self, id: FilterId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if let Some(campaign) = self.user_of_filter(&mut tx, id).await? {
            return Err(StoreError::Conflict(format!("the campaign “{campaign}” uses this filter: finish, cancel or change it first")));
        }
        if tx.execute(sql!("DELETE FROM saved_filter WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await? == 0 {
            return Err(StoreError::NotFound("filter"));
        }
        self.audit(&mut tx, now, Act::Deleted, "filter", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// The name of a campaign that will still look at it: before its start, or for as long as it takes people in.
    async fn user_of_filter(&self, tx: &mut Tx, id: FilterId) -> Result<Option<String>, StoreError> {
        let users = sql!(
            "SELECT name, state, sequence FROM campaign
             WHERE tenant_id = $1 AND filter_id = $2 AND step = 1 AND state IN ('draft', 'scheduled', 'starting', 'running', 'paused') ORDER BY id"
        );
        for mut row in tx.query(users, &params![self.id, id]).await? {
            let (state, sequence): (CampaignState, String) = (row.word(1)?, row.take(2)?);
            let has_its_people = matches!(state, CampaignState::Running | CampaignState::Paused);
            let takes_in = || serde_json::from_str::<Sequence>(&sequence).is_ok_and(|sequence| sequence.evergreen.is_some());
            if !has_its_people || takes_in() {
                return Ok(Some(row.take(0)?));
            }
        }
        Ok(None)
    }

    pub async fn filters(&self) -> Result<Vec<SavedFilter>, StoreError> {
        let select = sql!("SELECT id, name, conditions, created_by, created_at FROM saved_filter WHERE tenant_id = $1 ORDER BY name");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn filter(&self, id: FilterId) -> Result<SavedFilter, StoreError> {
        let select = sql!("SELECT id, name, conditions, created_by, created_at FROM saved_filter WHERE tenant_id = $1 AND id = $2");
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("filter"))?)
    }
}
