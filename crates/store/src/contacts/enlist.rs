//! Everybody who meets a saved filter goes on a new list.

use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{FilterId, ListId};
use clarion_domain::time::Instant;

use crate::store::{StoreError, Tenant};

const LOOKED_AT: i64 = 4_096;

impl Tenant {
    /// `expected` is the number that the asker was shown: when another meets the filter now, nothing is done.
    pub async fn list_filtered(&self, filter: FilterId, name: &str, expected: i64, now: Instant) -> Result<ListId, StoreError> {
        let saved = self.filter(filter).await?.filter;
        let size = self.audience_size(None, &saved).await?;
        if size != expected {
            return Err(StoreError::Conflict(format!("{size} people meet the filter now, and not {expected}: look again before you put them on a list")));
        }
        let filled = self.fill_new_list(name, now, |tenant, list| async move {
            tenant.put_filtered(list, &saved).await?;
            Ok(format!("by {filter}"))
        });
        Ok(filled.await?.0)
    }

    async fn put_filtered(&self, list: ListId, filter: &Filter) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.audience(None, filter, after, LOOKED_AT).await?;
            self.put_on_filling(list, page.rows.iter().map(|member| member.contact_id).collect()).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
