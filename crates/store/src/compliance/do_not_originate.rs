//! The operator's list of numbers that no call may show (UK-12). It is one for all tenants, and is replaced whole: a list that was only
//! added to would keep what its publisher took off.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::do_not_originate::NumberRange;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError};

/// What is loaded now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoNotOriginateList {
    /// Whose list it is, and of when.
    pub source: String,
    pub loaded_at: Instant,
    pub ranges: i64,
}

/// A sender of a tenant that stands on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSender {
    /// The tenant's short name.
    pub tenant: String,
    pub value: String,
}

impl Store {
    /// Puts this list in the place of the one before, and marks every tenant's senders by it.
    pub async fn replace_do_not_originate(&self, ranges: &[NumberRange], source: &str, now: Instant) -> Result<Vec<ListedSender>, StoreError> {
        let mut tx = self.db().begin().await?;
        tx.execute(sql!("DELETE FROM do_not_originate"), &params![]).await?;
        let insert = sql!("INSERT INTO do_not_originate (first_number, last_number, source, loaded_at) VALUES ($1, $2, $3, $4) ON CONFLICT (first_number, last_number) DO NOTHING");
        let batch: Vec<_> = ranges.iter().map(|range| params![range.first.as_str(), range.last.as_str(), source, now]).collect();
        tx.execute_many(insert, &batch).await?;
        tx.execute(sql!("UPDATE sender SET is_do_not_originate = 0 WHERE is_do_not_originate <> 0"), &params![]).await?;
        let select = sql!("SELECT s.value, t.slug FROM sender s JOIN tenant t ON t.id = s.tenant_id WHERE s.kind = 'number' ORDER BY t.slug, s.value");
        let mut listed = Vec::new();
        for mut row in tx.query(select, &params![]).await? {
            let sender = ListedSender { value: row.take(0)?, tenant: row.take(1)? };
            if ranges.iter().any(|range| range.holds(&sender.value)) {
                listed.push(sender);
            }
        }
        let mark = sql!("UPDATE sender SET is_do_not_originate = 1 WHERE value = $1");
        let batch: Vec<_> = listed.iter().map(|sender| params![sender.value.as_str()]).collect();
        tx.execute_many(mark, &batch).await?;
        let what = format!("{} numbers and ranges, {} senders on them: {source}", ranges.len(), listed.len());
        self.record_operator(&mut tx, now, Act::Loaded, "do_not_originate", &what);
        tx.commit().await?;
        self.signals().raise(Signal::Calls);
        Ok(listed)
    }

    /// What is loaded; `None` before the first list.
    pub async fn do_not_originate_list(&self) -> Result<Option<DoNotOriginateList>, StoreError> {
        let select = sql!("SELECT COUNT(*), MAX(source), MAX(loaded_at) FROM do_not_originate");
        let Some(mut row) = self.db().query_first(select, &params![]).await? else { return Ok(None) };
        let ranges: i64 = row.take(0)?;
        if ranges == 0 {
            return Ok(None);
        }
        Ok(Some(DoNotOriginateList { ranges, source: row.take(1)?, loaded_at: row.take(2)? }))
    }

    /// The senders that stand on it.
    pub async fn listed_senders(&self) -> Result<Vec<ListedSender>, StoreError> {
        let select = sql!("SELECT t.slug, s.value FROM sender s JOIN tenant t ON t.id = s.tenant_id WHERE s.is_do_not_originate <> 0 ORDER BY t.slug, s.value");
        let read = |mut row: Row| Ok(ListedSender { tenant: row.take(0)?, value: row.take(1)? });
        Ok(self.db().query(select, &params![]).await?.into_iter().map(read).collect::<Result<_, DbError>>()?)
    }
}

/// Whether a number stands on the list.
pub(crate) async fn is_do_not_originate(tx: &mut Tx, e164: &str) -> Result<bool, DbError> {
    let select = sql!("SELECT first_number FROM do_not_originate WHERE LENGTH(first_number) = LENGTH($1) AND first_number <= $1 AND last_number >= $1 LIMIT 1");
    Ok(tx.query_first(select, &params![e164]).await?.is_some())
}
