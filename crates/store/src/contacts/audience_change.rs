//! Who may have come to match a list or a filter, written down in the order of the commits: a campaign that takes people in looks at these, and not
//! at all who match. A position is given under `lock_contacts`, which lasts until the commit: whoever sees one sees all before it, so that
//! nobody who is slow to commit is passed over.

use clarion_domain::id::ContactId;
use clarion_domain::time::{DAY_MS, Instant};

use crate::db::{Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Rows read at once; of a load each holds some thousand people.
const ROWS_AT_ONCE: i64 = 64;
/// People looked at in one step are at most so many and those of one row.
const PEOPLE_AT_ONCE: usize = 4_096;
/// Every night campaigns look at all who match: what is older is of use to nobody.
const KEPT_MS: i64 = 2 * DAY_MS;

/// What has changed since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Changes {
    /// It may be about anybody, or is not kept any more.
    OfAnybody,
    Of {
        /// In the order of their identifiers.
        people: Vec<ContactId>,
        /// Everything up to here is among it.
        to: i64,
        more: bool,
    },
}

impl Tenant {
    /// These were added, changed, put on a list or taken off one. Only in a transaction that began with `lock_contacts`.
    pub(crate) async fn note_changed(&self, tx: &mut Tx, people: &[ContactId], now: Instant) -> Result<(), StoreError> {
        if people.is_empty() {
            return Ok(());
        }
        self.write_change(tx, Some(people.iter().flat_map(|contact| contact.0.to_le_bytes()).collect()), now).await
    }

    /// A filter has another meaning from here on. The same holds for the transaction.
    pub(crate) async fn note_anybody_changed(&self, tx: &mut Tx, now: Instant) -> Result<(), StoreError> {
        self.write_change(tx, None, now).await
    }

    async fn write_change(&self, tx: &mut Tx, people: Option<Vec<u8>>, now: Instant) -> Result<(), StoreError> {
        let next = sql!("UPDATE tenant SET audience_changes = audience_changes + 1 WHERE id = $1 RETURNING audience_changes");
        let position: i64 = tx.query_first(next, &params![self.id]).await?.ok_or(StoreError::NotFound("tenant"))?.take(0)?;
        let insert = sql!("INSERT INTO audience_change (tenant_id, position, contacts, made_at) VALUES ($1, $2, $3, $4)");
        tx.execute(insert, &params![self.id, position, people, now]).await?;
        Ok(())
    }

    /// The position of the last change.
    pub(crate) async fn last_change(&self) -> Result<i64, StoreError> {
        let select = sql!("SELECT audience_changes FROM tenant WHERE id = $1");
        Ok(self.db().query_first(select, &params![self.id]).await?.ok_or(StoreError::NotFound("tenant"))?.take(0)?)
    }

    /// The next of what has changed behind a position.
    pub(crate) async fn changes_after(&self, after: i64) -> Result<Changes, StoreError> {
        if after < 0 {
            return Ok(Changes::OfAnybody);
        }
        let last = self.last_change().await?;
        let (mut people, mut to) = (Vec::new(), after);
        if last > after {
            let select = sql!("SELECT position, contacts FROM audience_change WHERE tenant_id = $1 AND position > $2 ORDER BY position LIMIT $3");
            for mut row in self.db().query(select, &params![self.id, after, ROWS_AT_ONCE]).await? {
                let (position, contacts): (i64, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?);
                let (Some(contacts), true) = (contacts, position == to + 1) else { return Ok(Changes::OfAnybody) };
                people.extend(contacts.as_chunks::<8>().0.iter().map(|id| ContactId(i64::from_le_bytes(*id))));
                to = position;
                if people.len() >= PEOPLE_AT_ONCE {
                    break;
                }
            }
            if to == after {
                return Ok(Changes::OfAnybody);
            }
        }
        people.sort_unstable();
        people.dedup();
        Ok(Changes::Of { people, to, more: to < last })
    }

    /// Once a night: what is old goes, and every campaign that takes people in looks at all who match, so that nobody waits longer who came while
    /// another node still ran a version of before these changes were written down.
    pub(crate) async fn forget_audience_changes(&self, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let all = sql!("UPDATE campaign SET looked_to = -1 WHERE tenant_id = $1 AND looked_to >= 0 AND state IN ('running', 'paused')");
        tx.execute(all, &params![self.id]).await?;
        tx.execute(sql!("DELETE FROM audience_change WHERE tenant_id = $1 AND made_at < $2"), &params![self.id, now.plus_ms(-KEPT_MS)]).await?;
        Ok(tx.commit().await?)
    }
}
