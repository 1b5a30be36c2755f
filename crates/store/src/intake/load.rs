//! One chunk of rows becomes contacts, in one transaction with the count of lines read: what a crash leaves is a whole
//! number of chunks, and loading goes on after the last of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use clarion_domain::contacts::address::LineType;
use clarion_domain::id::{ContactId, ImportId, ListId};
use clarion_domain::intake::mapping::{Mapping, StandardField};
use clarion_domain::intake::reject::{Reject, RejectReason};
use clarion_domain::intake::row::Row;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::import::ImportProposal;
use super::place_row::{Holder, Known, Placed, place};
use crate::contacts::{ContactProfile, NUMBER_LABEL, PROFILE_LABEL};
use crate::db::{Params, Tx, sql};
use crate::lease::Lease;
use crate::params;
use crate::seal::DataKey;
use crate::store::{StoreError, Tenant};

/// Rows of one transaction. More of them would touch each page of the random indexes less often, but on SQLite every other writer waits
/// for the end of it, whoever stops a campaign among them: this is a few hundred milliseconds on a slow disk.
pub const CHUNK_ROWS: usize = 2_000;

/// A row ready to be stored: normalised, indexed and sealed with a fresh key, on any thread.
#[derive(Clone)]
pub struct SealedRow {
    pub(super) line: u64,
    pub(super) number_index: [u8; 16],
    tail_index: i64,
    reference_index: Option<[u8; 16]>,
    wrapped_key: Vec<u8>,
    sealed_profile: Vec<u8>,
    sealed_number: Vec<u8>,
    line_type: LineType,
    region: [u8; 2],
    zones: String,
    /// Kept in the open for the case that the person is known: then their own key seals the merged profile.
    profile: ContactProfile,
}

/// The next lines of a file.
#[derive(Default)]
pub struct LoadChunk {
    pub rows: Vec<SealedRow>,
    /// Lines refused while reading.
    pub rejects: Vec<Reject>,
    /// Lines of the file read up to and with this chunk.
    pub rows_read: i64,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkResult {
    pub loaded: i64,
    pub updated: i64,
    /// Lines, not faults: a line with two faults counts once.
    pub rejected: i64,
}

impl SealedRow {
    /// The first 64 bits of the number's blind index: enough to notice a number that stands twice in a file.
    #[must_use]
    pub fn number_hash(&self) -> u64 {
        u64::from_le_bytes(self.number_index[..8].try_into().expect("an index has 16 bytes"))
    }

    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl Tenant {
    /// The hash of a number as `SealedRow::number_hash` gives it.
    #[must_use]
    pub fn number_hash(&self, e164: &str) -> u64 {
        u64::from_le_bytes(self.number_index(e164)[..8].try_into().expect("an index has 16 bytes"))
    }

    /// Seals a row with a key of its own. Computes only: call it from as many threads as there are.
    pub fn seal_row(&self, row: Row) -> Result<SealedRow, StoreError> {
        let key = DataKey::random()?;
        let number = row.address.e164;
        let plain = |value: Option<Personal>| value.map_or_else(String::new, |value| value.reveal().to_owned());
        let profile = ContactProfile {
            reference: plain(row.reference),
            first_name: plain(row.first_name),
            last_name: plain(row.last_name),
            user_id: plain(row.user_id),
            number_as_written: row.phone_as_written.reveal().to_owned(),
            fields: row.declared.into_iter().map(|(name, value)| (name, value.reveal().to_owned())).collect(),
        };
        let mut region = [0; 2];
        region.copy_from_slice(row.address.region.as_str().as_bytes());
        Ok(SealedRow {
            line: row.line,
            number_index: self.number_index(number.reveal()),
            tail_index: self.keys.index.tail(number.reveal()),
            reference_index: Some(&profile.reference).filter(|reference| !reference.is_empty()).map(|reference| self.reference_index(reference)),
            wrapped_key: self.store.keyring().wrap(&key)?,
            sealed_profile: seal_profile(&key, &profile)?,
            sealed_number: key.seal(NUMBER_LABEL, number.reveal().as_bytes())?,
            line_type: row.address.line_type,
            region,
            zones: row.address.zones.join(","),
            profile,
        })
    }

    /// Loads one chunk. `rows_before` is what was read before it: a chunk committed already is refused.
    pub async fn load_chunk(&self, id: ImportId, lease: &Lease, rows_before: i64, chunk: LoadChunk, now: Instant) -> Result<ChunkResult, StoreError> {
        let LoadChunk { rows, mut rejects, rows_read } = chunk;
        let mut lines_rejected = lines(&rejects);
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        lease.renew(&mut tx, now).await?;
        let select = sql!("SELECT list_id, mapping, proposal FROM import WHERE tenant_id = $1 AND id = $2 AND state = 'loading' AND rows_read = $3");
        let mut import = tx.query_first(select, &params![self.id, id, rows_before]).await?.ok_or_else(|| StoreError::Conflict("these lines were loaded already".into()))?;
        let list: Option<ListId> = import.take(0)?;
        let (mapping, proposal): (Mapping, ImportProposal) = (import.json(1)?, import.json(2)?);
        let header_of = |field| mapping.header_of(field, &proposal.headers);
        let (phone, reference) = (header_of(StandardField::Phone), header_of(StandardField::Reference));

        let known = self.known(&mut tx, &rows, list).await?;
        let held: Vec<Option<ContactId>> = known.iter().map(|(_, known)| known.by_number).collect();
        let mut fresh = Vec::with_capacity(rows.len());
        let (mut updates, mut named_again) = (Vec::new(), Vec::new());
        for ((row, placed), held) in rows.into_iter().zip(place_all(known)).zip(held) {
            if placed == Placed::Rejected(RejectReason::AlreadyOnList) {
                named_again.push(params![now, self.id, held]);
            }
            match placed {
                Placed::New => fresh.push(row),
                Placed::Update(contact) => updates.push((contact, row)),
                Placed::Rejected(reason) => {
                    let column = if reason == RejectReason::ReferenceConflict { &reference } else { &phone };
                    rejects.push(Reject { line: row.line, column: column.clone(), reason });
                    lines_rejected += 1;
                }
            }
        }
        let result = ChunkResult { loaded: fresh.len() as i64, updated: updates.len() as i64, rejected: lines_rejected };
        let mut changed: Vec<ContactId> = updates.iter().map(|(contact, _)| *contact).collect();
        changed.extend(self.insert_fresh(&mut tx, Some(id), list, fresh, now).await?.into_iter().map(|(_, contact)| contact));
        self.update_known(&mut tx, list, updates, now).await?;
        self.note_changed(&mut tx, &changed, now).await?;
        // This file wants them too: taking an earlier one back leaves them.
        tx.execute_many(sql!("UPDATE contact SET updated_at = $1 WHERE tenant_id = $2 AND id = $3"), &named_again).await?;
        keep_rejects(&mut tx, id, &rejects).await?;
        let update = sql!("UPDATE import SET rows_read = $1, rows_loaded = rows_loaded + $2, rows_updated = rows_updated + $3, rows_rejected = rows_rejected + $4 WHERE tenant_id = $5 AND id = $6");
        tx.execute(update, &params![rows_read, result.loaded, result.updated, result.rejected, self.id, id]).await?;
        tx.commit().await?;
        Ok(result)
    }

    pub(super) async fn known(&self, tx: &mut Tx, rows: &[SealedRow], list: Option<ListId>) -> Result<Vec<(Option<[u8; 16]>, Known)>, StoreError> {
        let by_number: Vec<Params> = rows.iter().map(|row| params![self.id, row.number_index]).collect();
        let numbers = tx.query_many(sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2"), &by_number).await?;
        let erased = self.erased(tx, &by_number).await?;
        let by_reference: Vec<Params> = rows.iter().filter_map(|row| Some(params![self.id, row.reference_index?])).collect();
        let references = tx.query_many(sql!("SELECT id FROM contact WHERE tenant_id = $1 AND reference_index = $2 LIMIT 1"), &by_reference).await?;
        let mut references = references.into_iter();
        let mut known = Vec::with_capacity(rows.len());
        for (place, (row, number)) in rows.iter().zip(numbers).enumerate() {
            let by_number: Option<ContactId> = number.into_iter().next().map(|mut row| row.take(0)).transpose()?;
            let held = if row.reference_index.is_some() { references.next().and_then(|rows| rows.into_iter().next()) } else { None };
            let by_reference = held.map(|mut row| row.take(0)).transpose()?.map(Holder::Contact);
            known.push((row.reference_index, Known { erased: erased.contains(&place), by_number, on_list: false, by_reference }));
        }
        if let Some(list) = list {
            mark_listed(tx, list, &mut known).await?;
        }
        Ok(known)
    }

    /// The places of the numbers whose people were erased. Most tenants have erased nobody: they are asked once.
    async fn erased(&self, tx: &mut Tx, by_number: &[Params]) -> Result<HashSet<usize>, StoreError> {
        let anybody = sql!("SELECT id FROM suppression WHERE tenant_id = $1 AND reason = 'erased' LIMIT 1");
        if tx.query_first(anybody, &params![self.id]).await?.is_none() {
            return Ok(HashSet::new());
        }
        let found = tx.query_many(sql!("SELECT id FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND reason = 'erased' LIMIT 1"), by_number).await?;
        Ok(found.iter().enumerate().filter(|(_, rows)| !rows.is_empty()).map(|(place, _)| place).collect())
    }

    /// New people, in the order of the number's index: the unique index then grows in runs instead of at random. Returns who each line became.
    pub(super) async fn insert_fresh(&self, tx: &mut Tx, import: Option<ImportId>, list: Option<ListId>, mut rows: Vec<SealedRow>, now: Instant) -> Result<Vec<(u64, ContactId)>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        rows.sort_unstable_by_key(|row| row.number_index);
        let count = u16::try_from(rows.len()).map_err(|_| StoreError::Invalid("a chunk has at most 8,192 rows".into()))?;
        let (first_contact, first_address) = (self.store.id_block(now, count), self.store.id_block(now, count));
        let (mut contacts, mut addresses, mut members) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()), Vec::new());
        let mut made = Vec::with_capacity(rows.len());
        for (place, row) in rows.into_iter().enumerate() {
            let (contact, address) = (first_contact + place as i64, first_address + place as i64);
            made.push((row.line, ContactId(contact)));
            let region = std::str::from_utf8(&row.region).unwrap_or_default();
            let head = row.reference_index.map(|_| self.keys.index.head(&row.profile.reference));
            contacts.push(params![contact, self.id, row.wrapped_key, row.sealed_profile, row.reference_index, import, import.map(|_| row.line as i64), now, head]);
            addresses.push(params![address, self.id, contact, row.number_index, row.sealed_number, row.line_type.as_str(), region, row.zones, now, row.tail_index]);
            members.extend(list.map(|list| params![list, contact]));
        }
        let insert = sql!(
            "INSERT INTO contact (id, tenant_id, wrapped_key, sealed_profile, reference_index, import_id, import_line, created_at, updated_at, head_index)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)"
        );
        tx.execute_many(insert, &contacts).await?;
        let insert = sql!(
            "INSERT INTO address (id, tenant_id, contact_id, number_index, sealed_number, line_type, region, zones, created_at, tail_index)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        );
        tx.execute_many(insert, &addresses).await?;
        // In one statement: the trigger that counts who is on the list comes once, and not once a person.
        tx.write_batch(sql!("INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2)"), members.into_iter()).await?;
        Ok(made)
    }

    /// People known already: what the file says replaces what was held, what it leaves blank stays.
    pub(super) async fn update_known(&self, tx: &mut Tx, list: Option<ListId>, updates: Vec<(ContactId, SealedRow)>, now: Instant) -> Result<(), StoreError> {
        if updates.is_empty() {
            return Ok(());
        }
        let ids: Vec<ContactId> = updates.iter().map(|(contact, _)| *contact).collect();
        let mut rows: HashMap<ContactId, SealedRow> = updates.into_iter().collect();
        let (mut changes, mut members) = (Vec::with_capacity(ids.len()), Vec::new());
        for opened in self.open_contacts(tx, &ids).await? {
            let Some(row) = rows.remove(&opened.id) else { continue };
            let merged = merged(opened.profile, row.profile);
            let reference = Some(&merged.reference).filter(|reference| !reference.is_empty()).map(|reference| self.reference_index(reference));
            let head = reference.map(|_| self.keys.index.head(&merged.reference));
            changes.push(params![seal_profile(&opened.key, &merged)?, reference, now, self.id, opened.id, head]);
            members.extend(list.map(|list| params![list, opened.id]));
        }
        tx.execute_many(sql!("UPDATE contact SET sealed_profile = $1, reference_index = $2, updated_at = $3, head_index = $6 WHERE tenant_id = $4 AND id = $5 AND erased_at IS NULL"), &changes).await?;
        tx.write_batch(sql!("INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"), members.into_iter()).await?;
        Ok(())
    }
}

async fn mark_listed(tx: &mut Tx, list: ListId, known: &mut [(Option<[u8; 16]>, Known)]) -> Result<(), StoreError> {
    let held: Vec<&mut Known> = known.iter_mut().map(|(_, known)| known).filter(|known| known.by_number.is_some()).collect();
    let batch: Vec<Params> = held.iter().map(|known| params![list, known.by_number]).collect();
    let found = tx.query_many(sql!("SELECT contact_id FROM list_member WHERE list_id = $1 AND contact_id = $2"), &batch).await?;
    for (known, rows) in held.into_iter().zip(found) {
        known.on_list = !rows.is_empty();
    }
    Ok(())
}

/// In the order of the lines, so that of two new people with one reference the earlier line counts.
pub(super) fn place_all(known: Vec<(Option<[u8; 16]>, Known)>) -> Vec<Placed> {
    let mut taken: HashMap<[u8; 16], ()> = HashMap::new();
    let mut place_one = |(reference, mut known): (Option<[u8; 16]>, Known)| {
        if known.by_reference.is_none() && reference.is_some_and(|reference| taken.contains_key(&reference)) {
            known.by_reference = Some(Holder::EarlierLine);
        }
        let placed = place(known);
        if !matches!(placed, Placed::Rejected(_)) {
            taken.extend(reference.map(|reference| (reference, ())));
        }
        placed
    };
    known.into_iter().map(&mut place_one).collect()
}

fn seal_profile(key: &DataKey, profile: &ContactProfile) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(profile).map_err(|error| StoreError::Invalid(error.to_string()))?;
    Ok(key.seal(PROFILE_LABEL, &plain)?)
}

fn merged(mut held: ContactProfile, new: ContactProfile) -> ContactProfile {
    let replace = |held: &mut String, new: String| {
        if !new.is_empty() {
            *held = new;
        }
    };
    replace(&mut held.reference, new.reference);
    replace(&mut held.first_name, new.first_name);
    replace(&mut held.last_name, new.last_name);
    replace(&mut held.user_id, new.user_id);
    replace(&mut held.number_as_written, new.number_as_written);
    held.fields.extend(new.fields);
    held
}

fn lines(rejects: &[Reject]) -> i64 {
    rejects.iter().map(|reject| reject.line).collect::<HashSet<_>>().len() as i64
}

async fn keep_rejects(tx: &mut Tx, id: ImportId, rejects: &[Reject]) -> Result<(), StoreError> {
    let mut counts: BTreeMap<RejectReason, i64> = BTreeMap::new();
    rejects.iter().for_each(|reject| *counts.entry(reject.reason).or_default() += 1);
    let batch: Vec<Params> = rejects.iter().map(|reject| params![id, reject.line as i64, reject.column.as_str(), reject.reason.as_str()]).collect();
    tx.execute_many(sql!("INSERT INTO import_reject (import_id, line, column_name, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"), &batch).await?;
    let counted: Vec<Params> = counts.into_iter().map(|(reason, n)| params![id, reason.as_str(), n]).collect();
    let upsert = sql!("INSERT INTO import_count (import_id, reason, n) VALUES ($1, $2, $3) ON CONFLICT (import_id, reason) DO UPDATE SET n = import_count.n + excluded.n");
    tx.execute_many(upsert, &counted).await?;
    Ok(())
}
