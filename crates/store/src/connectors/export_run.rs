//! What the engine does for exports: files that are due, written under an instruction that holds, lying ready or sent, and given up.

use clarion_domain::audit::event::Act;
use clarion_domain::connectors::export::{ExportFormat, ExportTarget, ResultField};
use clarion_domain::connectors::instruction::Validity;
use clarion_domain::id::{CampaignId, ExportFileId, ExportId, InstructionId, TenantId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::backoff::{TryOutcome, is_hopeless, pause_ms};
use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::json;

use super::export::SECRET_LABEL;
use super::export_file::ExportVersion;
use super::run::why_over;
use crate::db::{Tx, sql};
use crate::lease::Lease;
use crate::params;
use crate::store::{Store, StoreError, Tenant};
use crate::webhooks::TryRecord;

/// An export whose time has come, or one with a file that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DueExport {
    pub id: ExportId,
    pub tenant: TenantId,
}

/// A file in hand.
#[derive(Debug, Clone)]
pub struct ExportJob {
    pub export: ExportId,
    pub file: ExportFileId,
    pub name: String,
    pub campaign: CampaignId,
    /// The columns that the instruction names, in their order.
    pub fields: Vec<ResultField>,
    pub format: ExportFormat,
    pub target: ExportTarget,
    pub url: String,
    pub secret: Option<Personal>,
    /// Zero before it was written.
    pub bytes: i64,
    instruction: InstructionId,
}

impl ExportJob {
    /// The file as it was written for this job.
    #[must_use]
    pub fn version(&self) -> ExportVersion {
        ExportVersion { file: self.file, instruction: self.instruction, bytes: self.bytes }
    }
}

impl Store {
    pub async fn due_exports(&self, now: Instant, limit: i64) -> Result<Vec<DueExport>, StoreError> {
        let select = sql!(
            "SELECT e.id, e.tenant_id FROM result_export e JOIN instruction i ON i.id = e.instruction_id
             WHERE (e.state = 'on' AND ((e.next_at <= $1 AND i.valid_from <= $1) OR i.valid_until <= $1 OR i.revoked_at IS NOT NULL OR i.replaced_at IS NOT NULL))
                OR (i.valid_from <= $1 AND EXISTS (SELECT 1 FROM export_file f WHERE f.export_id = e.id AND f.state = 'waiting' AND f.next_at <= $1))
             ORDER BY e.id LIMIT $2"
        );
        let rows = self.db().query(select, &params![now, limit]).await?;
        rows.into_iter().map(|mut row| Ok(DueExport { id: row.take(0)?, tenant: row.take(1)? })).collect()
    }
}

impl Tenant {
    /// Makes the files that the schedule asks for: of campaigns that ran since the last time.
    pub async fn plan_export(&self, id: ExportId, lease: &Lease, now: Instant) -> Result<(), StoreError> {
        let export = self.export(id).await?;
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let select = sql!("SELECT i.id, i.valid_from, i.valid_until, i.replaced_at, i.revoked_at FROM result_export e JOIN instruction i ON i.id = e.instruction_id WHERE e.tenant_id = $1 AND e.id = $2");
        let Some(mut row) = tx.query_first(select, &params![self.id, id]).await? else { return Ok(tx.commit().await?) };
        let standing = Validity { from: row.take(1)?, until: row.take(2)?, replaced_at: row.take(3)?, revoked_at: row.take(4)? }.standing(now);
        if let Some(why) = why_over(standing) {
            self.stop_under(&mut tx, row.take(0)?, why, now).await?;
            return Ok(tx.commit().await?);
        }
        if export.next_at.is_some_and(|at| at <= now) {
            let select = sql!(
                "SELECT c.id FROM campaign c JOIN result_export e ON e.id = $2
                 WHERE c.tenant_id = $1 AND c.id > $3 AND c.step = 1 AND c.started_at IS NOT NULL AND (e.campaign_id IS NULL OR e.campaign_id = c.id)
                   AND (c.finished_at IS NULL OR c.finished_at > e.exported_at) ORDER BY c.id LIMIT 500"
            );
            let mut after = 0i64;
            loop {
                let rows = tx.query(select, &params![self.id, id, after]).await?;
                if rows.is_empty() {
                    break;
                }
                for mut row in rows {
                    let campaign: CampaignId = row.take(0)?;
                    self.queue_file(&mut tx, &export, campaign, now, now).await?;
                    after = campaign.0;
                }
            }
            let next = export.new.times.next(now, &self.zone().await?);
            tx.execute(sql!("UPDATE result_export SET next_at = $3, exported_at = $4 WHERE tenant_id = $1 AND id = $2"), &params![self.id, id, next, now]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The next file that is due, if it may go. One that may not is given up; one that was written under an earlier version of the
    /// instruction is written anew.
    pub async fn begin_export(&self, id: ExportId, lease: &Lease, now: Instant) -> Result<Option<ExportJob>, StoreError> {
        loop {
            let mut tx = self.db().begin().await?;
            lease.renew(&mut tx, now).await?;
            let select = sql!(
                "SELECT f.id, f.name, f.campaign_id, f.bytes_written, e.format, e.target, e.url, e.sealed_secret, e.state, i.fields, i.valid_from, i.valid_until, i.replaced_at, i.revoked_at, i.id, f.instruction_id
                 FROM export_file f JOIN result_export e ON e.id = f.export_id JOIN instruction i ON i.id = e.instruction_id
                 WHERE f.tenant_id = $1 AND f.export_id = $2 AND f.state = 'waiting' AND f.next_at <= $3 AND i.valid_from <= $3 ORDER BY f.next_at, f.id LIMIT 1"
            );
            let Some(mut row) = tx.query_first(select, &params![self.id, id, now]).await? else { return Ok(None) };
            let file: ExportFileId = row.take(0)?;
            let standing = Validity { from: row.take(10)?, until: row.take(11)?, replaced_at: row.take(12)?, revoked_at: row.take(13)? }.standing(now);
            let (current, held): (InstructionId, InstructionId) = (row.take(14)?, row.take(15)?);
            let over = why_over(standing).is_some();
            if !over && !self.hold_instruction(&mut tx, current).await? {
                // Replaced or revoked just now: what holds instead is looked for again.
                tx.commit().await?;
                continue;
            }
            let on = row.take::<String>(8)? == "on";
            if !on || over {
                let why = if on { "instruction_over" } else { "switched_off" };
                self.give_up(&mut tx, id, file, why, now).await?;
                tx.commit().await?;
                continue;
            }
            if held != current {
                let anew = sql!("UPDATE export_file SET instruction_id = $2, rows_written = 0, bytes_written = 0 WHERE id = $1");
                tx.execute(anew, &params![file, current]).await?;
            }
            tx.commit().await?;
            let agreed: Vec<ResultField> = row.take::<String>(9)?.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let sealed: Option<Vec<u8>> = row.take(7)?;
            let secret = sealed.map(|sealed| self.keys.data.open_text(SECRET_LABEL, &sealed)).transpose()?.map(Personal::from);
            return Ok(Some(ExportJob {
                export: id,
                file,
                name: row.take(1)?,
                campaign: row.take(2)?,
                fields: ResultField::ALL.iter().copied().filter(|field| agreed.contains(field)).collect(),
                format: row.word(4)?,
                target: row.word(5)?,
                url: row.take(6)?,
                secret,
                bytes: if held == current { row.take(3)? } else { 0 },
                instruction: current,
            }));
        }
    }

    async fn give_up(&self, tx: &mut Tx, export: ExportId, file: ExportFileId, why: &str, now: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE export_file SET state = 'failed', last_error = $2, finished_at = $3 WHERE id = $1");
        tx.execute(update, &params![file, why, now]).await?;
        self.tell_given_up(tx, export, file, why, now).await
    }

    pub(super) async fn tell_given_up(&self, tx: &mut Tx, export: ExportId, file: ExportFileId, why: &str, now: Instant) -> Result<(), StoreError> {
        self.audit(tx, now, Act::Finished, "export", export.0, &format!("{file} failed: {why}")).await?;
        self.tell(tx, WebhookEventKind::ExportFailed, json!({"export": export, "file": file, "why": why}), now).await
    }

    /// Whether a file that is being sent may go on, as it was written; keeps the lease.
    pub async fn export_may_go_on(&self, job: &ExportJob, lease: &Lease, now: Instant) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let select = sql!(
            "SELECT f.id FROM export_file f JOIN result_export e ON e.id = f.export_id JOIN instruction i ON i.id = e.instruction_id
             WHERE f.tenant_id = $1 AND f.id = $2 AND f.state = 'waiting' AND f.wrapped_key IS NOT NULL AND f.bytes_written = $4 AND e.state = 'on'
               AND i.id = $5 AND i.valid_until > $3 AND i.replaced_at IS NULL AND i.revoked_at IS NULL"
        );
        let may = tx.query_first(select, &params![self.id, job.file, now, job.bytes, job.instruction]).await?.is_some();
        tx.commit().await?;
        Ok(may)
    }

    /// All of it is written. One that is fetched lies ready now; one that is sent is sent next.
    pub async fn export_written(&self, job: &ExportJob, rows: i64, bytes: i64, lease: &Lease, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        if !self.hold_instruction(&mut tx, job.instruction).await? {
            return Err(StoreError::Conflict("its instruction was replaced or revoked while it was written: it is looked at again".into()));
        }
        let ready = job.target == ExportTarget::Sftp;
        let update = sql!(
            "UPDATE export_file SET rows_written = $3, bytes_written = $4, state = $5, finished_at = CASE WHEN $5 = 'ready' THEN CAST($6 AS BIGINT) ELSE NULL END
             WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND wrapped_key IS NOT NULL"
        );
        let state = if ready { "ready" } else { "waiting" };
        if tx.execute(update, &params![self.id, job.file, rows, bytes, state, now]).await? == 0 {
            return Err(StoreError::Conflict("this file is no longer wanted".into()));
        }
        self.audit(&mut tx, now, Act::Exported, "export", job.export.0, &format!("{} of {}, {rows} people", job.file, job.campaign)).await?;
        if ready {
            self.tell(&mut tx, WebhookEventKind::ExportDelivered, json!({"export": job.export, "file": job.file, "campaign": job.campaign, "name": job.name}), now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// One try to send it: taken, tried again later, or given up after three days.
    pub async fn record_export_try(&self, job: &ExportJob, tried: &TryRecord, lease: &Lease, now: Instant, chance: u64) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let insert = sql!("INSERT INTO export_try (id, file_id, tried_at, duration_ms, status, error) VALUES ($1, $2, $3, $4, $5, $6)");
        tx.execute(insert, &params![self.store.next_id(now), job.file, tried.tried_at, tried.duration_ms, i64::from(tried.status), tried.error]).await?;
        let select = sql!("SELECT tries, due_since FROM export_file WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'");
        let Some(mut row) = tx.query_first(select, &params![self.id, job.file]).await? else { return Ok(tx.commit().await?) };
        let (tries, due): (i64, Instant) = (row.take::<i64>(0)? + 1, row.take(1)?);
        // What had to wait for its instruction's first day, or for this server, has its three days from the first try on.
        let since = if tries == 1 { due.max(tried.tried_at) } else { due };
        tx.execute(sql!("UPDATE export_file SET due_since = $2 WHERE id = $1"), &params![job.file, since]).await?;
        let update = sql!("UPDATE export_file SET tries = $2, last_status = $3, last_error = $4, next_at = $5 WHERE id = $1");
        let wait = |after| now.plus_ms(pause_ms(tries, since, now, after, chance));
        match tried.outcome {
            TryOutcome::Taken => {
                tx.execute(update, &params![job.file, tries, i64::from(tried.status), "", now]).await?;
                tx.execute(sql!("UPDATE export_file SET state = 'delivered', finished_at = $2 WHERE id = $1"), &params![job.file, now]).await?;
                self.audit(&mut tx, now, Act::Exported, "export", job.export.0, &format!("{} delivered", job.file)).await?;
                self.tell(&mut tx, WebhookEventKind::ExportDelivered, json!({"export": job.export, "file": job.file, "campaign": job.campaign, "name": job.name}), now).await?;
            }
            TryOutcome::Refused { retry_after_ms } if !is_hopeless(since, now) => {
                tx.execute(update, &params![job.file, tries, i64::from(tried.status), tried.error, wait(retry_after_ms)]).await?;
            }
            TryOutcome::Refused { .. } | TryOutcome::Gone => {
                tx.execute(update, &params![job.file, tries, i64::from(tried.status), tried.error, now]).await?;
                self.give_up(&mut tx, job.export, job.file, tried.error, now).await?;
            }
        }
        tx.commit().await?;
        self.store.signals().raise(crate::signal::Signal::Webhooks);
        Ok(())
    }
}
