//! The retention sweep: what has been kept long enough goes, in small transactions, each with its evidence.

use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::audit::event::Act;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::Instant;

use crate::db::{Params, Statement, Tx, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// Records of one transaction.
pub(crate) const SWEEP_BATCH: i64 = 500;

/// What one sweep took of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepCount {
    pub class: RecordClass,
    /// The table.
    pub source: String,
    pub count: i64,
}

/// Evidence of one deletion: how many, and a hash over their identifiers.
#[derive(Debug, Clone)]
pub struct SweepRecord {
    pub id: i64,
    pub class: RecordClass,
    pub source: String,
    pub deleted: i64,
    pub evidence: Vec<u8>,
    pub swept_at: Instant,
}

/// One kind of record in one table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub class: RecordClass,
    pub source: &'a str,
}

impl Target<'_> {
    pub fn count(self, count: i64) -> SweepCount {
        SweepCount { class: self.class, source: self.source.to_owned(), count }
    }
}

impl Tenant {
    /// Deletes what is due at `now` by the tenant's retention. People under a legal hold keep everything.
    pub async fn sweep(&self, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        self.drop_abandoned_fillings(now).await?;
        self.forget_audience_changes(now).await?;
        let mut counts = vec![self.sweep_links(now).await?];
        for row in self.retention().await? {
            let Some(before) = row.due_before(now) else { continue };
            match row.default.class {
                RecordClass::SourceFile => counts.push(self.sweep_files(before, now).await?),
                RecordClass::MessageBody => counts.extend(self.sweep_bodies(before, now).await?),
                RecordClass::Recording => counts.push(self.sweep_recordings(RecordClass::Recording, &[RecordingKind::Talk, RecordingKind::Message], before, now).await?),
                RecordClass::OpeningRecording => counts.push(self.sweep_recordings(RecordClass::OpeningRecording, &[RecordingKind::Opening], before, now).await?),
                RecordClass::ContactRow => counts.extend(self.sweep_contacts(before, now).await?),
                RecordClass::AttemptMetadata => counts.extend(self.sweep_attempts(before, now).await?),
                RecordClass::ConsentProof => counts.push(self.sweep_consents(before, now).await?),
                RecordClass::PortalActivity => counts.extend(self.sweep_activity(before, now).await?),
                RecordClass::RightsRequest => counts.push(self.sweep_requests(before, now).await?),
                RecordClass::AuditEvent => counts.extend(self.sweep_audit(before, now).await?),
                RecordClass::WebhookEvent => counts.push(self.sweep_webhook_events(before, now).await?),
                RecordClass::ConnectorRun => counts.push(self.sweep_connector_runs(before, now).await?),
                RecordClass::ExportFile => counts.push(self.sweep_export_files(before, now).await?),
                RecordClass::Suppression | RecordClass::Account => {}
            }
        }
        counts.retain(|count| count.count > 0);
        if !counts.is_empty() {
            self.db().truncate_log().await?;
        }
        Ok(counts)
    }

    /// The evidence of past sweeps, the newest first.
    pub async fn sweeps(&self, before: Option<i64>, limit: i64) -> Result<Page<SweepRecord>, StoreError> {
        let select = sql!("SELECT id, class, source, deleted, evidence, swept_at FROM sweep WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        let mut records = Vec::new();
        for mut row in self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), limit + 1]).await? {
            records.push(SweepRecord { id: row.take(0)?, class: row.word(1)?, source: row.take(2)?, deleted: row.take(3)?, evidence: row.take(4)?, swept_at: row.take(5)? });
        }
        Ok(Page::cut(records, limit, |record| record.id))
    }

    /// Writes the evidence of what this transaction deletes; `through` is where the next sweep goes on.
    pub(crate) async fn keep_evidence(&self, tx: &mut Tx, target: Target<'_>, ids: &[i64], through: i64, now: Instant) -> Result<(), StoreError> {
        let mut hasher = blake3::Hasher::new();
        ids.iter().for_each(|id| {
            hasher.update(&id.to_le_bytes());
        });
        let insert = sql!("INSERT INTO sweep (id, tenant_id, class, source, through_id, deleted, evidence, swept_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let values = params![self.store.next_id(now), self.id, target.class.as_str(), target.source, through, ids.len() as i64, *hasher.finalize().as_bytes(), now];
        tx.execute(insert, &values).await?;
        self.audit(tx, now, Act::Swept, target.source, 0, &format!("{} of {}", ids.len(), target.class)).await
    }

    /// Where the last sweep of this kind ended: what lies before was done. Lifting a legal hold begins anew.
    pub(super) async fn swept_through(&self, target: Target<'_>) -> Result<i64, StoreError> {
        let select = sql!("SELECT CAST(COALESCE(MAX(through_id), 0) AS BIGINT) FROM sweep WHERE tenant_id = $1 AND class = $2 AND source = $3");
        match self.db().query_first(select, &params![self.id, target.class.as_str(), target.source]).await? {
            Some(mut row) => Ok(row.take(0)?),
            None => Ok(0),
        }
    }

    /// Finds the due identifiers after the last one, `SWEEP_BATCH` at a time, and does every statement to each of them,
    /// with the evidence, in a transaction a batch. `find` and `acts` take (tenant, …) and (identifier) in this order.
    pub(crate) async fn sweep_batches(&self, target: Target<'_>, start: i64, find: Find<'_>, acts: &[&Statement], now: Instant) -> Result<SweepCount, StoreError> {
        let (mut after, mut count) = (start, 0);
        loop {
            // Looked for outside of the transaction: whoever writes does not wait while nothing is found.
            let Some(mut row) = self.db().query_first(find.statement, &(find.values)(after)).await? else { break };
            after = row.take::<i64>(0)? - 1;
            let mut tx = self.db().begin().await?;
            if target.class == RecordClass::ContactRow {
                // Who is loaded again in this moment is not old any more.
                self.lock_contacts(&mut tx).await?;
            }
            let rows = tx.query(find.statement, &(find.values)(after)).await?;
            let ids: Vec<i64> = rows.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
            // Who was found has been loaded again meanwhile: look on.
            let Some(last) = ids.last().copied() else {
                after += 1;
                continue;
            };
            let batch: Vec<Params> = ids.iter().map(|id| params![*id]).collect();
            for act in acts {
                tx.execute_many(act, &batch).await?;
            }
            self.keep_evidence(&mut tx, target, &ids, last, now).await?;
            tx.commit().await?;
            after = last;
            count += ids.len() as i64;
        }
        Ok(target.count(count))
    }
}

/// A statement that finds due identifiers, and its parameters given where the last batch ended.
pub(crate) struct Find<'a> {
    pub statement: &'static Statement,
    pub values: &'a (dyn Fn(i64) -> Params + Sync),
}
