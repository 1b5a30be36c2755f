//! Erasing a person: one transaction that empties or deletes every row about them, destroys their key, and leaves a
//! keyed tombstone by which they are never contacted or loaded again.

use clarion_domain::privacy::subject_request::SubjectRequestKind;
use clarion_domain::time::Instant;
use serde::Serialize;

use super::erase_files::FileWith;
use super::ledger::Entry;
use super::subject::Subject;
use crate::db::{Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// How much of one kind goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErasureCount {
    /// In plain words: `messages emptied`.
    pub what: &'static str,
    pub count: i64,
}

/// What an erasure does, or, as a dry run, would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    pub dry_run: bool,
    pub counts: Vec<ErasureCount>,
}

impl Erasure {
    /// Nothing at all is held on this person.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|line| line.count == 0)
    }

    #[must_use]
    pub fn count(&self, what: &str) -> i64 {
        self.counts.iter().find(|line| line.what == what).map_or(0, |line| line.count)
    }
}

pub(super) fn counted(what: &'static str, count: u64) -> ErasureCount {
    ErasureCount { what, count: i64::try_from(count).unwrap_or(i64::MAX) }
}

impl Tenant {
    /// Erases the person with this whole number or reference. A dry run does the same and takes it back.
    /// A number of which nothing is held still gets its tombstone.
    pub async fn subject_erase(&self, typed: &str, dry_run: bool, now: Instant) -> Result<Erasure, StoreError> {
        // Files are opened before anybody is kept waiting; whoever was loaded meanwhile is looked for again.
        let (subject, files, mut tx) = loop {
            let subject = self.find_subject(typed).await?;
            let files = self.files_with(&subject).await?;
            let mut tx = self.db().begin().await?;
            self.lock_contacts(&mut tx).await?;
            if !self.has_grown(&mut tx, &subject).await? {
                break (subject, files, tx);
            }
        };
        self.refuse_held(&mut tx, &subject.contacts).await?;
        let counts = self.erase_rows(&mut tx, &subject, &files, now).await?;
        if dry_run {
            drop(tx);
            return Ok(Erasure { dry_run, counts });
        }
        self.keep_tombstones(&mut tx, &subject, &counts, now).await?;
        let result = as_json(&counts)?;
        self.keep_request(&mut tx, SubjectRequestKind::Erasure, &subject, &result, now).await?;
        tx.commit().await?;
        let entries: Vec<Entry> = subject.number_indexes.iter().map(|index| Entry { tenant: self.id, number_index: *index, erased_at: now }).collect();
        if let Err(error) = self.store.note_erasures(&entries) {
            // The database holds it, and the next start writes it.
            tracing::warn!(%error, "an erasure could not be written to the ledger");
        }
        self.db().truncate_log().await?;
        tracing::info!(tenant = %self.id, contacts = subject.contacts.len(), "a person was erased");
        Ok(Erasure { dry_run, counts })
    }

    /// Every row about the person, a kind at a time.
    pub(super) async fn erase_rows(&self, tx: &mut Tx, subject: &Subject, files: &[FileWith], now: Instant) -> Result<Vec<ErasureCount>, StoreError> {
        let mut counts = self.erase_contacts(tx, subject, now).await?;
        counts.extend(self.erase_by_number(tx, subject).await?);
        counts.extend(self.erase_files(tx, files, now).await?);
        Ok(counts)
    }

    /// The tombstone, and the row by which the ledger is kept whole.
    pub(super) async fn keep_tombstones(&self, tx: &mut Tx, subject: &Subject, counts: &[ErasureCount], now: Instant) -> Result<(), StoreError> {
        let counts = as_json(counts)?;
        for index in &subject.number_indexes {
            let tombstone = sql!(
                "INSERT INTO suppression (id, tenant_id, number_index, scope, reason, sealed_number, source, created_by, created_at)
                 VALUES ($1, $2, $3, 'every', 'erased', NULL, 'erasure', $4, $5) ON CONFLICT DO NOTHING"
            );
            tx.execute(tombstone, &params![self.store.next_id(now), self.id, *index, self.actor.to_string(), now]).await?;
            let ledger = sql!("INSERT INTO erasure (id, tenant_id, number_index, counts, erased_by, erased_at) VALUES ($1, $2, $3, $4, $5, $6)");
            tx.execute(ledger, &params![self.store.next_id(now), self.id, *index, counts.as_str(), self.actor.to_string(), now]).await?;
        }
        Ok(())
    }
}

pub(super) fn as_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}
