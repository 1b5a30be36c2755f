//! A new list with many people on it. Until it is whole it is called by its identifier alone, so that nobody takes half of it for all; when it
//! cannot be filled it is taken away again.

use std::future::Future;

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ContactId, ListId};
use clarion_domain::time::{HOUR_MS, Instant};

use super::list::checked_name;
use crate::db::{DbError, Params, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// No list takes so long to be filled: an older one was left by a process that ended.
const FILLING_MS_MAX: i64 = HOUR_MS;

/// How the names of lists begin that are not whole yet; nobody can give such a name.
pub(super) const BEING_FILLED: &str = "being filled: ";

pub(super) fn name_while_filled(id: ListId) -> String {
    format!("{BEING_FILLED}{id}")
}

impl Tenant {
    /// Makes a list called `name` by `fill`, which puts people on it and says for the audit whom. It goes on when whoever asked hangs up.
    pub(crate) async fn fill_new_list<F>(&self, name: &str, now: Instant, fill: impl FnOnce(Self, ListId) -> F) -> Result<(ListId, i64), StoreError>
    where
        F: Future<Output = Result<String, StoreError>> + Send + 'static,
    {
        let name = checked_name(name)?;
        if self.list_called(name.as_str()).await?.is_some() {
            return Err(StoreError::Conflict(format!("a list called “{name}” exists already: choose another name")));
        }
        let list = ListId(self.store.next_id(now));
        let insert = sql!("INSERT INTO contact_list (id, tenant_id, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5)");
        self.db().execute(insert, &params![list, self.id, name_while_filled(list), self.actor.to_string(), now]).await?;
        let (tenant, filling) = (self.clone(), fill(self.clone(), list));
        let work = tokio::spawn(async move {
            let filled = match filling.await {
                Ok(whom) => tenant.name_filled(list, name.as_str(), &whom, now).await,
                Err(error) => Err(error),
            };
            if filled.is_err() {
                tenant.drop_half_filled(list, now).await?;
            }
            filled
        });
        work.await.map_err(|_| DbError::Failed("a list could not be filled".into()))?
    }

    /// Puts some more people on a list that is being filled. Whoever was erased or removed since they were looked up stays off it.
    pub(crate) async fn put_on_filling(&self, list: ListId, mut people: Vec<ContactId>) -> Result<(), StoreError> {
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        // Before anybody is put on it: whoever removes people holds the list's row, in which they are counted, and then waits for those people.
        self.lock_contacts(&mut tx).await?;
        let still = sql!("SELECT c.id FROM contact_list l JOIN contact c ON c.tenant_id = l.tenant_id WHERE l.tenant_id = $1 AND l.id = $2 AND c.id = $3 AND c.erased_at IS NULL");
        let batch: Vec<Params> = people.iter().map(|contact| params![self.id, list, *contact]).collect();
        let there: Vec<ContactId> = tx.query_many(still, &batch).await?.into_iter().flatten().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
        let insert = sql!("INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        tx.write_batch(insert, there.into_iter().map(|contact| params![list, contact])).await?;
        Ok(tx.commit().await?)
    }

    /// Its name and the audit in one: a list that has its name is whole. Returns how many are on it.
    async fn name_filled(&self, list: ListId, name: &str, whom: &str, now: Instant) -> Result<(ListId, i64), StoreError> {
        let mut tx = self.db().begin().await?;
        match tx.execute(sql!("UPDATE contact_list SET name = $1 WHERE tenant_id = $2 AND id = $3"), &params![name, self.id, list]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a list called “{name}” exists already: choose another name"))),
            Ok(0) => return Err(StoreError::Conflict("the list was deleted while it was filled: ask for it again".into())),
            other => other?,
        };
        let count = tx.query_first(sql!("SELECT members FROM contact_list WHERE id = $1"), &params![list]).await?;
        let members: i64 = count.map_or(Ok(0), |mut row| row.take(0))?;
        self.audit(&mut tx, now, Act::Created, "list", list.0, &format!("{name}: {members} people {whom}")).await?;
        tx.commit().await?;
        Ok((list, members))
    }

    async fn drop_half_filled(&self, list: ListId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        match self.delete_list_in(&mut tx, list, "it could not be filled", now).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes away what a process that ended has left half filled. One that somebody uses stays: nothing else has to wait for it.
    pub(crate) async fn drop_abandoned_fillings(&self, now: Instant) -> Result<(), StoreError> {
        let select = sql!("SELECT id, name FROM contact_list WHERE tenant_id = $1 AND created_at < $2 AND name LIKE 'being filled: %'");
        for mut row in self.db().query(select, &params![self.id, now.plus_ms(-FILLING_MS_MAX)]).await? {
            let (list, name): (ListId, String) = (row.take(0)?, row.take(1)?);
            if name != name_while_filled(list) {
                continue;
            }
            match self.drop_half_filled(list, now).await {
                Err(StoreError::Conflict(_)) => tracing::warn!(tenant = %self.id, %list, "a list that was never filled whole is in use: it stays until it is taken out of its campaign or import"),
                done => done?,
            }
        }
        Ok(())
    }
}
