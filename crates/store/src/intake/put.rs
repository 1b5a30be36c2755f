//! People whom a program hands over, without a file: each is added, brought up to date or refused by itself, as the lines of a file are.

use std::collections::{HashMap, HashSet};

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ContactId, ListId};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::time::Instant;

use super::load::{CHUNK_ROWS, SealedRow, place_all};
use super::place_row::Placed;
use crate::db::DbError;
use crate::store::{StoreError, Tenant};

/// People of one call.
pub const PUT_CONTACTS_MAX: usize = 10_000;
/// Somebody else may put the same new number in the same moment: then it is known, and is looked up once more.
const TRIES: u32 = 4;

/// What became of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutResult {
    Added(ContactId),
    Updated(ContactId),
    Refused(RejectReason),
}

impl Tenant {
    /// Adds people, or brings those whose number is known up to date: what is said replaces what was held, what is left out stays. With a
    /// list they are on it afterwards. The lines of `rows` are their places, from 1 on; the results are in their order. Doing it twice does it
    /// once.
    pub async fn put_contacts(&self, list: Option<ListId>, rows: &[SealedRow], now: Instant) -> Result<Vec<PutResult>, StoreError> {
        let mut results = Vec::with_capacity(rows.len());
        let mut seen = HashSet::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK_ROWS) {
            let firsts: Vec<SealedRow> = chunk.iter().filter(|row| seen.insert(row.number_index)).cloned().collect();
            let mut put = self.put_again(list, &firsts, now).await?;
            results.extend(chunk.iter().map(|row| put.remove(&row.line).unwrap_or(PutResult::Refused(RejectReason::RepeatedInFile))));
        }
        Ok(results)
    }

    async fn put_again(&self, list: Option<ListId>, rows: &[SealedRow], now: Instant) -> Result<HashMap<u64, PutResult>, StoreError> {
        let mut tries = 1;
        loop {
            match self.put_chunk(list, rows.to_vec(), now).await {
                Err(StoreError::Db(DbError::Unique)) if tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }

    /// By line.
    async fn put_chunk(&self, list: Option<ListId>, rows: Vec<SealedRow>, now: Instant) -> Result<HashMap<u64, PutResult>, StoreError> {
        let mut tx = self.db().begin().await?;
        if let Some(list) = list {
            self.check_list(&mut tx, list).await?;
        }
        let known = self.known(&mut tx, &rows, None).await?;
        let mut results = HashMap::with_capacity(rows.len());
        let (mut fresh, mut updates) = (Vec::new(), Vec::new());
        for (row, placed) in rows.into_iter().zip(place_all(known)) {
            match placed {
                Placed::New => fresh.push(row),
                Placed::Update(contact) => {
                    results.insert(row.line, PutResult::Updated(contact));
                    updates.push((contact, row));
                }
                Placed::Rejected(reason) => {
                    results.insert(row.line, PutResult::Refused(reason));
                }
            }
        }
        let (added, updated) = (fresh.len(), updates.len());
        let made = self.insert_fresh(&mut tx, None, list, fresh, now).await?;
        results.extend(made.into_iter().map(|(line, contact)| (line, PutResult::Added(contact))));
        self.update_known(&mut tx, list, updates, now).await?;
        if added + updated > 0 {
            let (kind, id) = list.map_or(("contact", 0), |list| ("list", list.0));
            self.audit(&mut tx, now, Act::Loaded, kind, id, &format!("{added} people added, {updated} brought up to date")).await?;
        }
        tx.commit().await?;
        Ok(results)
    }
}
