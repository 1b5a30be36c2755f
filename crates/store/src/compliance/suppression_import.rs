//! The suppression list as a file: numbers read into it, and the list written out.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::compliance::suppression_file::{self, SuppressionLine};
use clarion_domain::contacts::address::normalise;
use clarion_domain::contacts::region::Region;
use clarion_domain::intake::csv_text;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_domain::time::Instant;

use super::suppression::{SUPPRESSION_LABEL, checked_source};
use crate::db::{Params, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// First line of the list as a file.
pub const SUPPRESSION_CSV_HEADER: &str = "number,scope,reason,source,since\r\n";
const CHUNK_LINES: usize = 1_024;
/// Rejects that are told one by one; all are counted.
const REJECTS_TOLD_MAX: usize = 1_000;

/// What became of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuppressionImport {
    pub added: u64,
    /// Stood on the list already for this reason.
    pub known: u64,
    pub rejected: u64,
    /// Lines, from 1, that hold no number; the first thousand.
    pub rejects: Vec<u64>,
}

impl Tenant {
    /// Reads the file whole, then adds every number it holds. A line without one is told, and the others are added.
    pub async fn import_suppressions(
        &self,
        file: &[u8],
        scope: SuppressionScope,
        reason: SuppressionReason,
        source: &str,
        now: Instant,
    ) -> Result<SuppressionImport, StoreError> {
        if reason == SuppressionReason::Erased {
            return Err(StoreError::Invalid("a tombstone comes only from an erasure: choose another reason".into()));
        }
        let (source, scope) = (checked_source(source)?, reason.stops(scope));
        let mut result = SuppressionImport::default();
        let lines = suppression_file::read(file).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let region: Region = self.record().await?.default_region.parse().map_err(|_| StoreError::Invalid("the tenant's default region does not read: correct it in the settings".into()))?;
        let numbers = Self::numbers_in(region, lines, &mut result);
        let insert = sql!(
            "INSERT INTO suppression (id, tenant_id, number_index, scope, reason, sealed_number, source, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
        );
        let mut tx = self.db().begin().await?;
        for chunk in numbers.chunks(CHUNK_LINES) {
            let mut batch: Vec<Params> = Vec::with_capacity(chunk.len());
            for number in chunk {
                let sealed = self.keys.data.seal(SUPPRESSION_LABEL, number.as_bytes())?;
                let id = self.store.next_id(now);
                batch.push(params![id, self.id, self.number_index(number), scope.as_str(), reason.as_str(), sealed, source, self.actor.to_string(), now]);
            }
            if reason.withdraws_consent() {
                let indices: Vec<[u8; 16]> = chunk.iter().map(|number| self.number_index(number)).collect();
                self.withdraw_consents_in_tx(&mut tx, &indices, scope, now).await?;
            }
            let added: u64 = tx.execute_many(insert, &batch).await?.iter().sum();
            result.added += added;
            result.known += chunk.len() as u64 - added;
        }
        let what = format!("{} added, {} known, {} rejected: {scope} {reason}", result.added, result.known, result.rejected);
        self.audit(&mut tx, now, Act::Suppressed, "suppression", 0, &what).await?;
        tx.commit().await?;
        Ok(result)
    }

    fn numbers_in(region: Region, lines: Vec<SuppressionLine>, result: &mut SuppressionImport) -> Vec<String> {
        let mut numbers = Vec::with_capacity(lines.len());
        for SuppressionLine { line, cell } in lines {
            // Either mode: whoever stands on such a list must not be contacted.
            let read = |mode| normalise(&cell, region, mode).ok().map(|address| address.e164.reveal().to_owned());
            match read(NumberMode::Production).or_else(|| read(NumberMode::Demo)) {
                Some(number) => numbers.push(number),
                None => {
                    result.rejected += 1;
                    if result.rejects.len() < REJECTS_TOLD_MAX {
                        result.rejects.push(line);
                    }
                }
            }
        }
        numbers
    }

    /// The next part of the list as a file, and the cursor of the part after it: call until there is no cursor. Whole
    /// numbers stand in it: the caller has asked for the right, and audits. A tombstone has no number and is left out.
    pub async fn suppression_csv(&self, after: Option<&i64>) -> Result<(String, Option<i64>), StoreError> {
        const LINES: i64 = 2_000;
        let page = self.suppressions(None, after.copied(), LINES).await?;
        let mut text = if after.is_none() { SUPPRESSION_CSV_HEADER.to_owned() } else { String::new() };
        for entry in page.rows.iter().filter(|entry| !entry.number.is_empty()) {
            let (number, source) = (csv_text::field(entry.number.reveal()).into_owned(), csv_text::field(&entry.source));
            text.push_str(&format!("{number},{},{},{source},{}\r\n", entry.scope, entry.reason, entry.created_at.rfc3339()));
        }
        Ok((text, page.next))
    }
}
