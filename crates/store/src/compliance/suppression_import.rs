//! A file of numbers for the suppression list: one a line, in the line's first column.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::contacts::address::normalise;
use clarion_domain::contacts::region::Region;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_domain::time::Instant;

use super::suppression::{SUPPRESSION_LABEL, checked_source};
use crate::db::{Params, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Lines of one file; split a longer one.
pub const LINES_MAX: usize = 1_000_000;
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
    /// Line numbers, from 1, that hold no number; the first thousand.
    pub rejects: Vec<u64>,
}

impl Tenant {
    /// Reads `text` whole, then adds every number it holds. A first line without a digit is a heading.
    pub async fn import_suppressions(
        &self,
        text: &str,
        scope: SuppressionScope,
        reason: SuppressionReason,
        source: &str,
        now: Instant,
    ) -> Result<SuppressionImport, StoreError> {
        if reason == SuppressionReason::Erased {
            return Err(StoreError::Invalid("a tombstone comes only from an erasure: choose another reason".into()));
        }
        let source = checked_source(source)?;
        let mut result = SuppressionImport::default();
        let numbers = self.numbers_in(text, &mut result).await?;
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
            let added: u64 = tx.execute_many(insert, &batch).await?.iter().sum();
            result.added += added;
            result.known += chunk.len() as u64 - added;
        }
        let what = format!("{} added, {} known, {} rejected: {scope} {reason}", result.added, result.known, result.rejected);
        self.audit(&mut tx, now, Act::Suppressed, "suppression", 0, &what).await?;
        tx.commit().await?;
        Ok(result)
    }

    async fn numbers_in(&self, text: &str, result: &mut SuppressionImport) -> Result<Vec<String>, StoreError> {
        let region: Region = self.record().await?.default_region.parse().map_err(|_| StoreError::Invalid("the tenant's default region does not read: correct it in the settings".into()))?;
        let mut numbers = Vec::new();
        for (place, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if place >= LINES_MAX {
                return Err(StoreError::Invalid(format!("the file has more than {LINES_MAX} lines: split it")));
            }
            let cell = line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"').trim();
            let is_heading = place == 0 && !cell.contains(|letter: char| letter.is_ascii_digit());
            if cell.is_empty() || is_heading {
                continue;
            }
            // Either mode: whoever stands on such a list must not be contacted.
            let read = |mode| normalise(cell, region, mode).ok().map(|address| address.e164.reveal().to_owned());
            match read(NumberMode::Production).or_else(|| read(NumberMode::Demo)) {
                Some(number) => numbers.push(number),
                None => {
                    result.rejected += 1;
                    if result.rejects.len() < REJECTS_TOLD_MAX {
                        result.rejects.push(place as u64 + 1);
                    }
                }
            }
        }
        if numbers.is_empty() && result.rejected == 0 {
            return Err(StoreError::Invalid("the file holds no number: write one a line, in the first column".into()));
        }
        Ok(numbers)
    }
}
