//! What the engine works on: a run is begun under an instruction that holds, asked about while it runs, and ended in one transaction
//! with the import that it made. Only there does the watermark move.

use clarion_domain::audit::event::Act;
use clarion_domain::connectors::instruction::{InstructionStanding, Validity};
use clarion_domain::connectors::pull::{FieldFrom, PullSettings, mapping_of};
use clarion_domain::connectors::pull_fault::{ConnectorState, PullFault, RunKind, RunState};
use clarion_domain::connectors::times::Times;
use clarion_domain::connectors::watermark::Watermark;
use clarion_domain::id::{ConnectorId, ConnectorRunId, ImportId, InstructionId, ListId, TenantId};
use clarion_domain::intake::import::ImportSource;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_domain::webhooks::backoff::{is_hopeless, pause_ms};
use clarion_domain::webhooks::event::WebhookEventKind;
use serde_json::json;

use super::connector::as_json;
use super::connector_run::{PREVIEW_LABEL, Preview};
use crate::db::{Tx, sql};
use crate::intake::{NewImport, Upload, remove_upload};
use crate::lease::Lease;
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// So long before a run began its watermark ends, where it is a time.
const ASKED_AGAIN_MS: i64 = 5 * MINUTE_MS;

/// A connector with something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DueConnector {
    pub id: ConnectorId,
    pub tenant: TenantId,
}

/// A run in hand.
#[derive(Debug, Clone)]
pub struct PullJob {
    pub connector: ConnectorId,
    pub run: ConnectorRunId,
    pub kind: RunKind,
    pub name: String,
    pub settings: PullSettings,
    pub secret: Option<Personal>,
    /// The fields that are agreed, in the order of their columns.
    pub taken: Vec<FieldFrom>,
    pub watermark: String,
    pub etag: String,
    pub modified: String,
    instruction: InstructionId,
    list: Option<ListId>,
    accept_repeat: bool,
    begun: Instant,
}

/// How a run ended.
pub enum RunOutcome {
    /// All rows are in the upload.
    Rows(Box<Upload>),
    Unchanged,
    Shown(Preview),
    Failed { fault: PullFault, retry_after_ms: Option<i64> },
}

/// The same in the transaction that ends it.
enum Ending {
    Rows(ImportId),
    Unchanged,
    Shown(Preview),
    Failed { fault: PullFault, retry_after_ms: Option<i64> },
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct RunTold {
    /// HTTP status of the last answer.
    pub status: u16,
    pub pages: i64,
    pub rows: i64,
    pub bytes: i64,
    pub watermark: Option<Watermark>,
    pub etag: String,
    pub modified: String,
}

/// Why everything under an instruction stops; `None` while it holds, and before its first day.
pub(super) fn why_over(standing: InstructionStanding) -> Option<&'static str> {
    match standing {
        InstructionStanding::Future | InstructionStanding::InForce => None,
        InstructionStanding::Ended => Some("its instruction has ended"),
        InstructionStanding::Revoked => Some("its instruction was revoked"),
        InstructionStanding::Replaced => Some("its instruction was replaced: choose the version that holds"),
    }
}

impl Store {
    /// Connectors of every tenant that are due, were asked, or whose instruction has ended meanwhile.
    pub async fn due_connectors(&self, now: Instant, limit: i64) -> Result<Vec<DueConnector>, StoreError> {
        let select = sql!(
            "SELECT c.id, c.tenant_id FROM connector c JOIN instruction i ON i.id = c.instruction_id
             WHERE (c.state = 'on' AND ((c.next_at <= $1 AND i.valid_from <= $1) OR i.valid_until <= $1 OR i.revoked_at IS NOT NULL OR i.replaced_at IS NOT NULL))
                OR EXISTS (SELECT 1 FROM connector_run r WHERE r.connector_id = c.id AND r.state = 'waiting')
             ORDER BY c.next_at, c.id LIMIT $2"
        );
        let rows = self.db().query(select, &params![now, limit]).await?;
        rows.into_iter().map(|mut row| Ok(DueConnector { id: row.take(0)?, tenant: row.take(1)? })).collect()
    }
}

impl Tenant {
    /// Takes up what is next for a connector, if it may. What an earlier node left in the middle is ended first.
    pub async fn begin_run(&self, id: ConnectorId, lease: &Lease, now: Instant) -> Result<Option<PullJob>, StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let under = sql!("SELECT instruction_id FROM connector WHERE tenant_id = $1 AND id = $2");
        let Some(mut row) = tx.query_first(under, &params![self.id, id]).await? else { return Ok(tx.commit().await.map(|()| None)?) };
        let instruction: InstructionId = row.take(0)?;
        let agreed = self.hold_instruction(&mut tx, instruction).await?;
        self.hold_connector(&mut tx, id).await?;
        let select = sql!(
            "SELECT c.name, c.settings, c.sealed_secret, c.list_id, c.state, c.next_at, c.watermark, c.etag, c.modified, c.accept_repeat, i.fields, i.valid_from, i.valid_until, i.revoked_at, i.replaced_at
             FROM connector c JOIN instruction i ON i.id = c.instruction_id WHERE c.tenant_id = $1 AND c.id = $2 AND i.id = $3"
        );
        // It was deleted, or works under another instruction by now: the next look finds what there is.
        let Some(mut row) = tx.query_first(select, &params![self.id, id, instruction]).await? else { return Ok(tx.commit().await.map(|()| None)?) };
        let state: ConnectorState = row.word(4)?;
        let standing = Validity { from: row.take(11)?, until: row.take(12)?, revoked_at: row.take(13)?, replaced_at: row.take(14)? }.standing(now);
        let over = why_over(standing);
        if over.is_none() && !agreed {
            // It was replaced or revoked just now: the next look finds what holds instead.
            return Ok(tx.commit().await.map(|()| None)?);
        }
        self.end_interrupted(&mut tx, id, now).await?;
        let holds = standing == InstructionStanding::InForce;
        if let Some(why) = over {
            self.stop_under(&mut tx, instruction, why, now).await?;
        }
        let waiting = sql!("SELECT id, kind FROM connector_run WHERE connector_id = $1 AND tenant_id = $2 AND state = 'waiting' ORDER BY id LIMIT 1");
        let asked = tx.query_first(waiting, &params![id, self.id]).await?;
        let due = state == ConnectorState::On && row.take::<Option<Instant>>(5)?.is_some_and(|at| at <= now);
        let (run, kind) = match asked {
            Some(mut asked) => (asked.take(0)?, asked.word::<RunKind>(1)?),
            None if due && holds => (self.insert_run(&mut tx, id, instruction, now).await?, RunKind::Pull),
            None => return Ok(tx.commit().await.map(|()| None)?),
        };
        if !holds || (kind == RunKind::Pull && state != ConnectorState::On) {
            let stop = sql!("UPDATE connector_run SET state = 'stopped', fault = 'stopped', finished_at = $2 WHERE id = $1");
            tx.execute(stop, &params![run, now]).await?;
            return Ok(tx.commit().await.map(|()| None)?);
        }
        let settings: PullSettings = row.json(1)?;
        let fields: Vec<String> = row.take::<String>(10)?.split_whitespace().map(str::to_owned).collect();
        let (taken, dropped) = settings.agreed(&fields);
        let update = sql!("UPDATE connector_run SET state = 'running', instruction_id = $2, dropped = $3, started_at = $4 WHERE id = $1");
        tx.execute(update, &params![run, instruction, dropped.join(" "), now]).await?;
        let sealed: Option<Vec<u8>> = row.take(2)?;
        let secret = sealed.map(|sealed| self.open_connector_secret(&sealed)).transpose()?;
        let job = PullJob {
            connector: id,
            run,
            kind,
            name: row.take(0)?,
            settings,
            secret,
            taken,
            watermark: row.take(6)?,
            etag: row.take(7)?,
            modified: row.take(8)?,
            instruction,
            list: row.take(3)?,
            accept_repeat: row.take(9)?,
            begun: now,
        };
        tx.commit().await?;
        Ok(Some(job))
    }

    async fn insert_run(&self, tx: &mut Tx, id: ConnectorId, instruction: InstructionId, now: Instant) -> Result<ConnectorRunId, StoreError> {
        let run = ConnectorRunId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO connector_run (id, connector_id, tenant_id, instruction_id, kind, state, fault, last_status, pages, rows_read, bytes_read, dropped, asked_by, created_at)
             VALUES ($1, $2, $3, $4, 'pull', 'waiting', '', 0, 0, 0, 0, '', $5, $6)"
        );
        tx.execute(insert, &params![run, id, self.id, instruction, Actor::System.to_string(), now]).await?;
        Ok(run)
    }

    /// Whoever holds the lease is the only one who runs it: what still is said to run was cut off.
    async fn end_interrupted(&self, tx: &mut Tx, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        let cut = sql!("UPDATE connector_run SET state = 'failed', fault = 'interrupted', finished_at = $3 WHERE connector_id = $1 AND tenant_id = $2 AND state = 'running' RETURNING id");
        let mut left: Vec<ConnectorRunId> = Vec::new();
        for mut row in tx.query(cut, &params![id, self.id, now]).await? {
            left.push(row.take(0)?);
        }
        // One that was stopped, and whose worker never came to its end.
        let stopped = sql!("SELECT id FROM connector_run WHERE connector_id = $1 AND tenant_id = $2 AND state = 'stopped' AND import_id IS NOT NULL");
        for mut row in tx.query(stopped, &params![id, self.id]).await? {
            left.push(row.take(0)?);
        }
        for run in left {
            self.drop_rows(tx, run).await?;
        }
        Ok(())
    }

    /// Nothing is left of what a run has written.
    async fn drop_rows(&self, tx: &mut Tx, run: ConnectorRunId) -> Result<(), StoreError> {
        let select = sql!("SELECT import_id FROM connector_run WHERE id = $1 AND import_id IS NOT NULL");
        if let Some(mut row) = tx.query_first(select, &params![run]).await? {
            remove_upload(tx, row.take(0)?).await?;
            tx.execute(sql!("UPDATE connector_run SET import_id = NULL WHERE id = $1"), &params![run]).await?;
        }
        Ok(())
    }

    /// The log of a connector that goes. What a run was still writing goes with it: no worker finds it by its run any more.
    pub(super) async fn delete_runs(&self, tx: &mut Tx, id: ConnectorId) -> Result<(), StoreError> {
        self.hold_connector(tx, id).await?;
        let delete = sql!("DELETE FROM connector_run WHERE connector_id = $1 AND tenant_id = $2 RETURNING state, import_id");
        for mut row in tx.query(delete, &params![id, self.id]).await? {
            let import: Option<ImportId> = row.take(1)?;
            if let (true, Some(import)) = (row.word::<RunState>(0)? != RunState::Stored, import) {
                remove_upload(tx, import).await?;
            }
        }
        Ok(())
    }

    /// Begins the import that the run's rows become. The run names it, so that a crash leaves nothing behind; one that was stopped or
    /// deleted begins none.
    pub async fn begin_pulled_import(&self, job: &PullJob, file_name: &str, lease: &Lease, now: Instant) -> Result<Upload, StoreError> {
        let mapping = mapping_of(&job.taken);
        self.check_mapping(&mapping, mapping.columns.len()).await?;
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let new = NewImport { list: job.list, mapping: Some(&mapping), accept_repeat: job.accept_repeat, ..NewImport::new(ImportSource::Connector, file_name) };
        let upload = self.begin_in(&mut tx, &new, now).await?;
        let name = sql!("UPDATE connector_run SET import_id = $2 WHERE id = $1 AND state = 'running'");
        if tx.execute(name, &params![job.run, upload.id()]).await? == 0 {
            return Err(StoreError::Conflict("this run was stopped in the meantime".into()));
        }
        tx.commit().await?;
        Ok(upload)
    }

    /// Whether a run may go on; keeps the lease.
    pub async fn run_may_go_on(&self, job: &PullJob, lease: &Lease, now: Instant) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let may = self.may_go_on_in(&mut tx, job, now).await?;
        tx.commit().await?;
        Ok(may)
    }

    async fn may_go_on_in(&self, tx: &mut Tx, job: &PullJob, now: Instant) -> Result<bool, StoreError> {
        // An instruction that was replaced meanwhile may name fewer fields: what was pulled under the earlier one is not kept.
        let select = sql!(
            "SELECT c.id FROM connector c JOIN instruction i ON i.id = c.instruction_id JOIN connector_run r ON r.connector_id = c.id
             WHERE c.tenant_id = $1 AND c.id = $2 AND i.id = $3 AND i.revoked_at IS NULL AND i.replaced_at IS NULL AND i.valid_from <= $4 AND i.valid_until > $4
               AND (c.state = 'on' OR $5 = 'preview') AND r.id = $6 AND r.state = 'running'"
        );
        Ok(tx.query_first(select, &params![self.id, job.connector, job.instruction, now, job.kind.as_str(), job.run]).await?.is_some())
    }

    /// Ends a run: its import is whole and the watermark moves, or nothing of it is left. `chance` spreads what is tried again.
    pub async fn end_run(&self, job: &PullJob, outcome: RunOutcome, told: &RunTold, lease: &Lease, now: Instant, chance: u64) -> Result<(), StoreError> {
        let ending = match outcome {
            RunOutcome::Rows(upload) => match upload.pause().await {
                Ok(import) => Ending::Rows(import),
                // The connector was deleted, and the upload with it.
                Err(StoreError::Conflict(_)) => Ending::Failed { fault: PullFault::Stopped, retry_after_ms: None },
                Err(error) => return Err(error),
            },
            RunOutcome::Unchanged => Ending::Unchanged,
            RunOutcome::Shown(preview) => Ending::Shown(preview),
            RunOutcome::Failed { fault, retry_after_ms } => Ending::Failed { fault, retry_after_ms },
        };
        let mut tx = self.db().begin().await?;
        lease.renew(&mut tx, now).await?;
        let agreed = self.hold_instruction(&mut tx, job.instruction).await?;
        self.hold_connector(&mut tx, job.connector).await?;
        if !self.hold_run(&mut tx, job).await? {
            // Somebody stopped, changed or deleted it meanwhile: what they wrote stands.
            self.drop_rows(&mut tx, job.run).await?;
            return Ok(tx.commit().await?);
        }
        match ending {
            Ending::Rows(import) if agreed && self.may_go_on_in(&mut tx, job, now).await? => self.keep_rows(&mut tx, job, import, told, now).await?,
            Ending::Rows(_) => self.fail(&mut tx, job, PullFault::Stopped, told, now).await?,
            Ending::Unchanged => {
                self.write_end(&mut tx, job, RunState::Unchanged, "", None, told, now).await?;
                self.move_on(&mut tx, job, told, now).await?;
            }
            Ending::Shown(preview) => {
                let sealed = self.keys.data.seal(PREVIEW_LABEL, as_json(&preview)?.as_bytes())?;
                self.write_end(&mut tx, job, RunState::Shown, "", None, told, now).await?;
                tx.execute(sql!("UPDATE connector_run SET sealed_preview = $2 WHERE id = $1"), &params![job.run, sealed]).await?;
            }
            Ending::Failed { fault, retry_after_ms } => {
                self.fail(&mut tx, job, fault, told, now).await?;
                if job.kind == RunKind::Pull && fault != PullFault::Stopped {
                    self.back_off(&mut tx, job, fault, retry_after_ms, now, chance).await?;
                }
            }
        }
        tx.commit().await?;
        self.store.signals().raise(Signal::Intake);
        self.store.signals().raise(Signal::Webhooks);
        Ok(())
    }

    /// Whether the run still runs; until the transaction ends nobody can stop it.
    async fn hold_run(&self, tx: &mut Tx, job: &PullJob) -> Result<bool, StoreError> {
        let hold = sql!("UPDATE connector_run SET state = 'running' WHERE id = $1 AND state = 'running'");
        Ok(tx.execute(hold, &params![job.run]).await? > 0)
    }

    /// Nothing of it is left but its line in the log.
    async fn fail(&self, tx: &mut Tx, job: &PullJob, fault: PullFault, told: &RunTold, now: Instant) -> Result<(), StoreError> {
        self.drop_rows(tx, job.run).await?;
        let state = if fault == PullFault::Stopped { RunState::Stopped } else { RunState::Failed };
        self.write_end(tx, job, state, fault.as_str(), None, told, now).await
    }

    /// The rows become an import like any other; the same bytes as this connector's last import are nothing new.
    async fn keep_rows(&self, tx: &mut Tx, job: &PullJob, import: ImportId, told: &RunTold, now: Instant) -> Result<(), StoreError> {
        if !job.accept_repeat && self.is_as_before(tx, job, import).await? {
            self.drop_rows(tx, job.run).await?;
            self.write_end(tx, job, RunState::Unchanged, "", None, told, now).await?;
        } else {
            self.finish_in(tx, import, true).await?;
            self.write_end(tx, job, RunState::Stored, "", Some(import), told, now).await?;
            tx.execute(sql!("UPDATE connector SET accept_repeat = 0 WHERE tenant_id = $1 AND id = $2"), &params![self.id, job.connector]).await?;
            self.audit(tx, now, Act::Finished, "connector", job.connector.0, &format!("pulled {import} under {}", job.instruction)).await?;
            self.tell(tx, WebhookEventKind::PullStored, json!({"connector": job.connector, "run": job.run, "import": import, "rows": told.rows}), now).await?;
        }
        self.move_on(tx, job, told, now).await
    }

    /// Whether the rows are those of this connector's last import, and that one was not given up. An earlier one does not count: what
    /// came after it would stay.
    async fn is_as_before(&self, tx: &mut Tx, job: &PullJob, import: ImportId) -> Result<bool, StoreError> {
        let select = sql!(
            "SELECT l.id FROM import n JOIN import l ON l.file_hash = n.file_hash
             WHERE n.tenant_id = $1 AND n.id = $2 AND l.state IN ('received', 'awaiting_mapping', 'ready', 'loading', 'loaded')
               AND l.id = (SELECT r.import_id FROM connector_run r WHERE r.connector_id = $3 AND r.tenant_id = $1 AND r.state = 'stored' ORDER BY r.id DESC LIMIT 1)"
        );
        Ok(tx.query_first(select, &params![self.id, import, job.connector]).await?.is_some())
    }

    #[expect(clippy::too_many_arguments, reason = "one row, written in one place")]
    async fn write_end(&self, tx: &mut Tx, job: &PullJob, state: RunState, fault: &'static str, import: Option<ImportId>, told: &RunTold, now: Instant) -> Result<(), StoreError> {
        let update = sql!(
            "UPDATE connector_run SET state = $2, fault = $3, import_id = $4, last_status = $5, pages = $6, rows_read = $7, bytes_read = $8, finished_at = $9 WHERE id = $1 AND state = 'running'"
        );
        tx.execute(update, &params![job.run, state.as_str(), fault, import, i64::from(told.status), told.pages, told.rows, told.bytes, now]).await?;
        Ok(())
    }

    /// After a run that ended well: how far it came, and when the next is.
    async fn move_on(&self, tx: &mut Tx, job: &PullJob, told: &RunTold, now: Instant) -> Result<(), StoreError> {
        let held = Watermark::read(&job.watermark);
        let latest = match told.watermark.clone() {
            Some(new) => Some(Watermark::latest(held, new)),
            None => held,
        };
        // What changed behind the pull's back is asked for again, and so is what their clock wrote ahead of ours.
        let watermark = latest.map_or(String::new(), |mark| mark.at_most(job.begun.plus_ms(-ASKED_AGAIN_MS)).as_str().to_owned());
        let update = sql!("UPDATE connector SET failures = 0, failing_since = NULL, watermark = $3, etag = $4, modified = $5 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, job.connector, watermark, told.etag.as_str(), told.modified.as_str()]).await? > 0 {
            self.plan(tx, job.connector, &job.settings, now).await?;
        }
        Ok(())
    }

    /// After a failure: later and later, by its own word at the earliest, and not at all when only a person can help.
    async fn back_off(&self, tx: &mut Tx, job: &PullJob, fault: PullFault, retry_after_ms: Option<i64>, now: Instant, chance: u64) -> Result<(), StoreError> {
        let select = sql!("SELECT failures, failing_since FROM connector WHERE tenant_id = $1 AND id = $2 AND state = 'on'");
        let Some(mut row) = tx.query_first(select, &params![self.id, job.connector]).await? else { return Ok(()) };
        let (failures, since): (i64, Option<Instant>) = (row.take::<i64>(0)? + 1, row.take(1)?);
        let since = since.unwrap_or(now);
        let hopeless = fault.needs_a_person() || is_hopeless(since, now);
        let next = (!hopeless && job.settings.times != Times::ByHand).then(|| now.plus_ms(pause_ms(failures, since, now, retry_after_ms, chance)));
        let update = sql!("UPDATE connector SET failures = $3, failing_since = $4, next_at = $5 WHERE tenant_id = $1 AND id = $2");
        tx.execute(update, &params![self.id, job.connector, failures, since, next]).await?;
        if failures == 1 {
            self.audit(tx, now, Act::Finished, "connector", job.connector.0, &format!("failed: {fault}")).await?;
            self.tell(tx, WebhookEventKind::PullFailed, json!({"connector": job.connector, "run": job.run, "fault": fault.as_str()}), now).await?;
        }
        if hopeless {
            let why = if fault.needs_a_person() { fault.sentence() } else { "it failed for three days" };
            tx.execute(sql!("UPDATE connector SET state = 'stopped', stopped_why = $3 WHERE tenant_id = $1 AND id = $2"), &params![self.id, job.connector, why]).await?;
            self.audit(tx, now, Act::Paused, "connector", job.connector.0, why).await?;
            self.tell(tx, WebhookEventKind::ConnectorStopped, json!({"connector": job.connector, "why": why}), now).await?;
        }
        Ok(())
    }
}
