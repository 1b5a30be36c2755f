//! Everybody who meets a saved filter goes on a new list.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{FilterId, ListId};
use clarion_domain::time::Instant;

use crate::db::{Params, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

const LOOKED_AT: i64 = 4_096;

impl Tenant {
    /// `expected` is the number that the asker was shown: when another meets the filter now, nothing is done.
    pub async fn list_filtered(&self, filter: FilterId, name: &str, expected: i64, now: Instant) -> Result<ListId, StoreError> {
        let saved = self.filter(filter).await?;
        let size = self.audience_size(None, &saved.filter).await?;
        if size != expected {
            return Err(StoreError::Conflict(format!("{size} people meet the filter now, and not {expected}: look again before you put them on a list")));
        }
        let list = self.create_list(name, now).await?;
        let (mut put, mut after) = (0, None);
        loop {
            let page = self.audience(None, &saved.filter, after, LOOKED_AT).await?;
            let members: Vec<Params> = page.rows.iter().map(|member| params![list, member.contact_id]).collect();
            let mut tx = self.db().begin().await?;
            tx.execute_many(sql!("INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"), &members).await?;
            put += members.len();
            after = page.next;
            if after.is_none() {
                self.audit(&mut tx, now, Act::Changed, "list", list.0, &format!("{put} people by {filter}")).await?;
            }
            tx.commit().await?;
            if after.is_none() {
                return Ok(list);
            }
        }
    }
}
