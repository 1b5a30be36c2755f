//! Static sets of contacts, by name.

use clarion_domain::audit::event::Act;
use clarion_domain::contacts::address::LineType;
use clarion_domain::contacts::list::ListName;
use clarion_domain::id::{ContactId, ListId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::four_eyes::AskedAct;
use clarion_domain::time::Instant;

use super::contact::NUMBER_LABEL;
use super::filling::{BEING_FILLED, name_while_filled};
use super::profile::ContactProfile;
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::tenancy::Carried;
use crate::store::{Page, StoreError, Tenant};

/// A list with how many are on it.
#[derive(Debug, Clone)]
pub struct ContactList {
    pub id: ListId,
    pub name: String,
    pub members: i64,
    pub created_by: String,
    pub created_at: Instant,
}

/// One line of a page of contacts.
#[derive(Debug, Clone)]
pub struct ListEntry {
    pub contact_id: ContactId,
    pub profile: ContactProfile,
    /// The first number; `None` when the person was erased.
    pub number: Option<Personal>,
    pub line_type: Option<LineType>,
    pub region: String,
    pub created_at: Instant,
}

/// Whoever takes half of it for all leaves people out, or asks people whom it should keep out.
const HALF_FILLED: &str = "this list is still being filled: wait until it has its name";

pub(crate) fn checked_name(name: &str) -> Result<ListName, StoreError> {
    let name = ListName::new(name).map_err(|error| StoreError::Invalid(error.to_string()))?;
    if name.as_str().starts_with(BEING_FILLED) {
        return Err(StoreError::Invalid(format!("a name that begins with “{}” is a list’s that is not whole yet: choose another name", BEING_FILLED.trim_end())));
    }
    Ok(name)
}

fn read_list(mut row: Row) -> Result<ContactList, StoreError> {
    Ok(ContactList { id: row.take(0)?, name: row.take(1)?, members: row.take(2)?, created_by: row.take(3)?, created_at: row.take(4)? })
}

impl Tenant {
    pub async fn create_list(&self, name: &str, now: Instant) -> Result<ListId, StoreError> {
        let name = checked_name(name)?;
        let id = ListId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        let insert = sql!("INSERT INTO contact_list (id, tenant_id, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5)");
        match tx.execute(insert, &params![id, self.id, name.as_str(), self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a list called “{name}” exists already: choose another name, or load into that list"))),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "list", id.0, name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn rename_list(&self, id: ListId, name: &str, now: Instant) -> Result<(), StoreError> {
        let name = checked_name(name)?;
        let mut tx = self.db().begin().await?;
        self.check_list(&mut tx, id).await?;
        let update = sql!("UPDATE contact_list SET name = $1 WHERE tenant_id = $2 AND id = $3");
        match tx.execute(update, &params![name.as_str(), self.id, id]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a list called “{name}” exists already: choose another name"))),
            Ok(0) => return Err(StoreError::NotFound("list")),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Changed, "list", id.0, &format!("renamed to {name}")).await?;
        Ok(tx.commit().await?)
    }

    /// Removes the list and who is on it; the contacts stay. Refused while a campaign that is not over uses it.
    pub async fn delete_list(&self, id: ListId, now: Instant) -> Result<Carried, StoreError> {
        self.carry(AskedAct::EraseList { list: id }, now).await
    }

    /// How many are on it, and a sum over who they are.
    pub(crate) async fn list_version(&self, id: ListId) -> Result<(i64, i64), StoreError> {
        let select = sql!("SELECT COUNT(*), CAST(COALESCE(SUM(m.contact_id % 1000003), 0) AS BIGINT) FROM list_member m JOIN contact_list l ON l.id = m.list_id WHERE l.tenant_id = $1 AND l.id = $2");
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("list"))?;
        Ok((row.take(0)?, row.take(1)?))
    }

    pub(crate) async fn delete_list_in(&self, tx: &mut Tx, id: ListId, why: &str, now: Instant) -> Result<(), StoreError> {
        self.lock_contacts(tx).await?;
        let used = sql!("SELECT name FROM campaign WHERE tenant_id = $1 AND list_id = $2 AND state NOT IN ('finished', 'cancelled') LIMIT 1");
        if let Some(mut row) = tx.query_first(used, &params![self.id, id]).await? {
            let campaign: String = row.take(0)?;
            return Err(StoreError::Conflict(format!("the campaign “{campaign}” uses this list: finish, cancel or change it first")));
        }
        let loading = sql!("SELECT id FROM import WHERE tenant_id = $1 AND list_id = $2 AND state NOT IN ('loaded', 'failed', 'cancelled', 'undone') LIMIT 1");
        if tx.query_first(loading, &params![self.id, id]).await?.is_some() {
            return Err(StoreError::Conflict("a file is being loaded into this list: wait for it, or cancel it first".into()));
        }
        // Whoever was on it may meet a filter that leaves its people out.
        self.note_anybody_changed(tx, now).await?;
        tx.execute(sql!("DELETE FROM list_member WHERE list_id IN (SELECT id FROM contact_list WHERE tenant_id = $1 AND id = $2)"), &params![self.id, id]).await?;
        if tx.execute(sql!("DELETE FROM contact_list WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await? == 0 {
            return Err(StoreError::NotFound("list"));
        }
        self.audit(tx, now, Act::Deleted, "list", id.0, why).await
    }

    /// Every list by name, with its count. One that is still being filled is not among them.
    pub async fn lists(&self) -> Result<Vec<ContactList>, StoreError> {
        let select = sql!(
            "SELECT l.id, l.name, l.members, l.created_by, l.created_at
             FROM contact_list l WHERE l.tenant_id = $1 ORDER BY l.name"
        );
        let mut lists: Vec<ContactList> = self.db().query(select, &params![self.id]).await?.into_iter().map(read_list).collect::<Result<_, _>>()?;
        lists.retain(|list| list.name != name_while_filled(list.id));
        Ok(lists)
    }

    pub async fn list(&self, id: ListId) -> Result<ContactList, StoreError> {
        let select = sql!(
            "SELECT l.id, l.name, l.members, l.created_by, l.created_at
             FROM contact_list l WHERE l.tenant_id = $1 AND l.id = $2"
        );
        read_list(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("list"))?)
    }

    /// The list of this name, made when there is none.
    pub async fn list_named(&self, name: &str, now: Instant) -> Result<ListId, StoreError> {
        match self.list_called(checked_name(name)?.as_str()).await? {
            Some(list) => Ok(list),
            None => self.create_list(name, now).await,
        }
    }

    pub(super) async fn list_called(&self, name: &str) -> Result<Option<ListId>, StoreError> {
        let select = sql!("SELECT id FROM contact_list WHERE tenant_id = $1 AND name = $2");
        Ok(self.db().query_first(select, &params![self.id, name]).await?.map(|mut row| row.take(0)).transpose()?)
    }

    /// Fails unless the list is this tenant's, and whole; in the transaction that will use it.
    pub(crate) async fn check_list(&self, tx: &mut Tx, id: ListId) -> Result<(), StoreError> {
        let select = sql!("SELECT name FROM contact_list WHERE tenant_id = $1 AND id = $2");
        let name: String = tx.query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("list"))?.take(0)?;
        if name == name_while_filled(id) {
            return Err(StoreError::Conflict(HALF_FILLED.into()));
        }
        Ok(())
    }

    pub async fn add_to_list(&self, list: ListId, contact: ContactId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        self.check_list(&mut tx, list).await?;
        let known = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND id = $2 AND erased_at IS NULL");
        tx.query_first(known, &params![self.id, contact]).await?.ok_or(StoreError::NotFound("contact"))?;
        let insert = sql!("INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        if tx.execute(insert, &params![list, contact]).await? > 0 {
            self.note_changed(&mut tx, &[contact], now).await?;
            self.audit(&mut tx, now, Act::Changed, "contact", contact.0, &format!("put on {list}")).await?;
        }
        Ok(tx.commit().await?)
    }

    pub async fn remove_from_list(&self, list: ListId, contact: ContactId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        self.check_list(&mut tx, list).await?;
        if tx.execute(sql!("DELETE FROM list_member WHERE list_id = $1 AND contact_id = $2"), &params![list, contact]).await? > 0 {
            self.note_changed(&mut tx, &[contact], now).await?;
            self.audit(&mut tx, now, Act::Changed, "contact", contact.0, &format!("taken off {list}")).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The contacts of a list, or of the whole tenant when `list` is `None`, in the order in which they were made.
    pub async fn contacts(&self, list: Option<ListId>, after: Option<i64>, limit: i64) -> Result<Page<ListEntry>, StoreError> {
        let rows = match list {
            Some(list) => {
                let select = sql!(
                    "SELECT c.id, c.wrapped_key, c.sealed_profile, c.created_at, a.sealed_number, a.line_type, a.region
                     FROM list_member m JOIN contact_list l ON l.id = m.list_id JOIN contact c ON c.id = m.contact_id
                     LEFT JOIN address a ON a.contact_id = c.id AND a.id = (SELECT MIN(b.id) FROM address b WHERE b.contact_id = c.id)
                     WHERE l.tenant_id = $1 AND m.list_id = $2 AND m.contact_id > $3 ORDER BY m.contact_id LIMIT $4"
                );
                self.db().query(select, &params![self.id, list, after.unwrap_or(0), limit + 1]).await?
            }
            None => {
                let select = sql!(
                    "SELECT c.id, c.wrapped_key, c.sealed_profile, c.created_at, a.sealed_number, a.line_type, a.region FROM contact c
                     LEFT JOIN address a ON a.contact_id = c.id AND a.id = (SELECT MIN(b.id) FROM address b WHERE b.contact_id = c.id)
                     WHERE c.tenant_id = $1 AND c.id > $2 AND c.erased_at IS NULL ORDER BY c.id LIMIT $3"
                );
                self.db().query(select, &params![self.id, after.unwrap_or(0), limit + 1]).await?
            }
        };
        let entries = rows.into_iter().map(|row| self.read_entry(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(entries, limit, |entry| entry.contact_id.0))
    }

    fn read_entry(&self, mut row: Row) -> Result<ListEntry, StoreError> {
        let (wrapped, sealed): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(1)?, row.take(2)?);
        let key = self.person_key(wrapped.as_deref())?;
        let sealed_number: Option<Vec<u8>> = row.take(4)?;
        let number = match (&key, sealed_number) {
            (Some(key), Some(sealed)) => Some(key.open_text(NUMBER_LABEL, &sealed)?.into()),
            _ => None,
        };
        Ok(ListEntry {
            contact_id: row.take(0)?,
            profile: key.as_ref().map(|key| Self::open_profile(key, sealed.as_deref())).transpose()?.unwrap_or_default(),
            line_type: if number.is_some() { Some(row.word(5)?) } else { None },
            region: row.take::<Option<String>>(6)?.unwrap_or_default(),
            number,
            created_at: row.take(3)?,
        })
    }
}
