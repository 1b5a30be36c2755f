//! People whom a program hands over, without a file: each is added, brought up to date or refused by itself, as the lines of a file are.

use std::collections::{HashMap, HashSet};

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ContactId, ImportId, ListId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::time::Instant;

use super::load::{CHUNK_ROWS, SealedRow, place_all};
use super::place_row::Placed;
use crate::db::{Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// People of one call.
pub const PUT_CONTACTS_MAX: usize = 10_000;
/// Stands where an import has the name of its file.
const ORIGIN: &str = "contacts/bulk";

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
        let (mut results, mut origin) = (Vec::with_capacity(rows.len()), None);
        let mut seen = HashSet::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK_ROWS) {
            let firsts: Vec<SealedRow> = chunk.iter().filter(|row| seen.insert(row.number_index)).cloned().collect();
            let mut put = self.put_chunk(list, firsts, &mut origin, now).await?;
            results.extend(chunk.iter().map(|row| put.remove(&row.line).unwrap_or(PutResult::Refused(RejectReason::RepeatedInFile))));
        }
        Ok(results)
    }

    /// By line. `origin` is the import of the chunks before; who is new has one.
    async fn put_chunk(&self, list: Option<ListId>, rows: Vec<SealedRow>, origin: &mut Option<ImportId>, now: Instant) -> Result<HashMap<u64, PutResult>, StoreError> {
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
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
        if added > 0 && origin.is_none() {
            *origin = Some(self.begin_origin(&mut tx, list, now).await?);
        }
        if let Some(origin) = *origin {
            let count = sql!("UPDATE import SET rows_total = rows_total + $1, rows_read = rows_read + $1, rows_loaded = rows_loaded + $2, rows_updated = rows_updated + $3 WHERE tenant_id = $4 AND id = $5");
            tx.execute(count, &params![(added + updated) as i64, added as i64, updated as i64, self.id, origin]).await?;
        }
        let made = self.insert_fresh(&mut tx, *origin, list, fresh, now).await?;
        let changed: Vec<ContactId> = updates.iter().map(|(contact, _)| *contact).chain(made.iter().map(|(_, contact)| *contact)).collect();
        results.extend(made.into_iter().map(|(line, contact)| (line, PutResult::Added(contact))));
        self.update_known(&mut tx, list, updates, now).await?;
        self.note_changed(&mut tx, &changed, now).await?;
        if added + updated > 0 {
            let (kind, id) = list.map_or(("contact", 0), |list| ("list", list.0));
            self.audit(&mut tx, now, Act::Loaded, kind, id, &format!("{added} people added, {updated} brought up to date")).await?;
        }
        tx.commit().await?;
        Ok(results)
    }

    /// Where people come from who came without a file: an import of their call, loaded as soon as it is there, so that they can be told where
    /// they came from and taken back.
    async fn begin_origin(&self, tx: &mut Tx, list: Option<ListId>, now: Instant) -> Result<ImportId, StoreError> {
        let id = ImportId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO import (id, tenant_id, source, state, file_name, file_hash, file_bytes, list_id, proposal, mapping, auto_start,
                error, drop_file, rows_total, rows_read, rows_loaded, rows_updated, rows_rejected, created_by, created_at, finished_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', '', 0, '', 0, 0, 0, 0, 0, 0, $8, $9, $9)"
        );
        let values = params![id, self.id, ImportSource::Api.as_str(), ImportState::Loaded.as_str(), ORIGIN, Vec::new(), list, self.actor.to_string(), now];
        tx.execute(insert, &values).await?;
        Ok(id)
    }
}
