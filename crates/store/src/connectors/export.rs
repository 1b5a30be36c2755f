//! An export: which results go back to the client, under which instruction, how and when.

use clarion_domain::audit::event::Act;
use clarion_domain::connectors::export::{ExportFormat, ExportState, ExportTarget};
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::connectors::times::Times;
use clarion_domain::id::{CampaignId, ExportFileId, ExportId, InstructionId, SftpAccountId};
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{Params, Row, Statement, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};
use crate::webhooks::new_secret;

const EXPORTS_MAX: i64 = 50;
const NAME_CHARS_MAX: usize = 100;
const AFTER_MINUTES_MAX: i64 = 7 * 24 * 60;
pub(super) const SECRET_LABEL: &str = "export.secret";
/// In an address, it stands for the file's name.
pub const FILE_MARK: &str = "{file}";

/// What an export is to be.
#[derive(Debug, Clone)]
pub struct NewExport {
    pub name: String,
    pub instruction: InstructionId,
    /// One campaign, or each.
    pub campaign: Option<CampaignId>,
    /// When a campaign has ended, so many minutes later: receipts still come in.
    pub at_end: bool,
    pub after_minutes: i64,
    /// On a schedule, of campaigns that ran since.
    pub times: Times,
    pub format: ExportFormat,
    pub target: ExportTarget,
    /// The account in whose `out/` the file lies.
    pub account: Option<SftpAccountId>,
    /// Where it is sent.
    pub url: String,
}

#[derive(Debug, Clone)]
pub struct ExportRecord {
    pub id: ExportId,
    pub new: NewExport,
    pub state: ExportState,
    pub stopped_why: String,
    pub next_at: Option<Instant>,
    pub created_by: String,
    pub created_at: Instant,
}

/// An export that was just made, with the secret that signs what it sends; empty when it sends nothing.
#[derive(Debug, Clone)]
pub struct MadeExport {
    pub id: ExportId,
    pub secret: String,
}

fn read(mut row: Row) -> Result<ExportRecord, StoreError> {
    let times: String = row.take(6)?;
    let new = NewExport {
        name: row.take(1)?,
        instruction: row.take(2)?,
        campaign: row.take(3)?,
        at_end: row.take(4)?,
        after_minutes: row.take(5)?,
        times: times.parse().unwrap_or(Times::ByHand),
        format: row.word(7)?,
        target: row.word(8)?,
        account: row.take(9)?,
        url: row.take(10)?,
    };
    let state: ExportState = row.word(11)?;
    let next_at: Option<Instant> = row.take(13)?;
    Ok(ExportRecord { id: row.take(0)?, new, state, stopped_why: row.take(12)?, next_at: next_at.filter(|_| state == ExportState::On), created_by: row.take(14)?, created_at: row.take(15)? })
}

impl Tenant {
    pub async fn exports(&self) -> Result<Vec<ExportRecord>, StoreError> {
        let select = sql!(
            "SELECT id, name, instruction_id, campaign_id, at_end, after_minutes, times, format, target, account_id, url, state, stopped_why, next_at, created_by, created_at
             FROM result_export WHERE tenant_id = $1 ORDER BY id DESC"
        );
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn export(&self, id: ExportId) -> Result<ExportRecord, StoreError> {
        let select = sql!(
            "SELECT id, name, instruction_id, campaign_id, at_end, after_minutes, times, format, target, account_id, url, state, stopped_why, next_at, created_by, created_at
             FROM result_export WHERE tenant_id = $1 AND id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("export"))?)
    }

    async fn checked_export(&self, new: &NewExport, now: Instant) -> Result<(), StoreError> {
        let mut faults = Vec::new();
        let mut fault = |field, message: &str| faults.push(FieldFault { field, message: message.to_owned() });
        if !(1..=NAME_CHARS_MAX).contains(&new.name.trim().chars().count()) {
            fault("name", "give it a name of at most 100 characters");
        }
        if !(0..=AFTER_MINUTES_MAX).contains(&new.after_minutes) {
            fault("after_minutes", "wait for at most seven days after the end");
        }
        match self.instruction(new.instruction).await {
            Ok(record) if record.new.kind != InstructionKind::Export => fault("instruction", "this instruction is for pulls: choose one for exports"),
            Ok(record) if !matches!(record.standing(now), InstructionStanding::InForce | InstructionStanding::Future) => fault("instruction", "this instruction is over: record a new one first"),
            Ok(_) => {}
            Err(StoreError::NotFound(_)) => fault("instruction", "choose the instruction under which it may go: without one nothing goes"),
            Err(error) => return Err(error),
        }
        if let Some(campaign) = new.campaign
            && matches!(self.campaign(campaign).await, Err(StoreError::NotFound(_)))
        {
            fault("campaign", "there is no such campaign");
        }
        match (new.target, new.account) {
            (ExportTarget::Sftp, None) => fault("account", "choose the SFTP account that fetches it"),
            (ExportTarget::Sftp, Some(account)) if matches!(self.sftp_account(account).await, Err(StoreError::NotFound(_))) => fault("account", "there is no such SFTP account"),
            (ExportTarget::Sftp, Some(_)) => {}
            (ExportTarget::Put | ExportTarget::Post, _) => {
                if let Err(wrong) = self.store.webhook_networks().check(&new.url.replace(FILE_MARK, "file")) {
                    fault("url", &wrong.to_string());
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(StoreError::Faults(faults)) }
    }

    /// Works from now on; campaigns that ended before are exported when somebody asks.
    pub async fn create_export(&self, new: &NewExport, now: Instant) -> Result<MadeExport, StoreError> {
        self.checked_export(new, now).await?;
        let id = ExportId(self.store.next_id(now));
        let secret = if new.target == ExportTarget::Sftp { String::new() } else { new_secret()? };
        let sealed = if secret.is_empty() { None } else { Some(self.keys.data.seal(SECRET_LABEL, secret.as_bytes())?) };
        let next = new.times.next(now, &self.zone().await?);
        let mut tx = self.db().begin().await?;
        self.need_instruction(&mut tx, new.instruction).await?;
        if let Some(account) = new.account.filter(|_| new.target == ExportTarget::Sftp) {
            self.hold_sftp_account(&mut tx, account).await?;
        }
        let held: i64 = tx.query_first(sql!("SELECT COUNT(*) FROM result_export WHERE tenant_id = $1"), &params![self.id]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        if held >= EXPORTS_MAX {
            return Err(StoreError::Conflict(format!("there are {EXPORTS_MAX} exports already: delete one that is not needed")));
        }
        let insert = sql!(
            "INSERT INTO result_export (id, tenant_id, instruction_id, name, campaign_id, at_end, after_minutes, times, format, target, account_id, url, sealed_secret, state, stopped_why, next_at, exported_at, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'on', '', $14, $15, $16, $15)"
        );
        let (account, url) = if new.target == ExportTarget::Sftp { (new.account, "") } else { (None, new.url.as_str()) };
        let values = params![
            id, self.id, new.instruction, new.name.trim(), new.campaign, new.at_end, new.after_minutes, new.times.to_string(), new.format.as_str(), new.target.as_str(), account, url, sealed, next, now,
            self.actor.to_string()
        ];
        tx.execute(insert, &values).await?;
        self.audit(&mut tx, now, Act::Created, "export", id.0, &format!("under {}", new.instruction)).await?;
        self.commit_export(tx).await?;
        Ok(MadeExport { id, secret })
    }

    pub async fn pause_export(&self, id: ExportId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE result_export SET state = 'paused', stopped_why = '', next_at = NULL WHERE tenant_id = $1 AND id = $2");
        self.touch_export(&mut tx, update, params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Paused, "export", id.0, "").await?;
        self.commit_export(tx).await
    }

    pub async fn resume_export(&self, id: ExportId, now: Instant) -> Result<(), StoreError> {
        let held = self.export(id).await?;
        self.refuse_over(held.new.instruction, now).await?;
        let next = held.new.times.next(now, &self.zone().await?);
        let mut tx = self.db().begin().await?;
        self.need_instruction(&mut tx, held.new.instruction).await?;
        let update = sql!("UPDATE result_export SET state = 'on', stopped_why = '', next_at = $3 WHERE tenant_id = $1 AND id = $2");
        self.touch_export(&mut tx, update, params![self.id, id, next]).await?;
        self.audit(&mut tx, now, Act::Resumed, "export", id.0, &format!("under {}", held.new.instruction)).await?;
        self.commit_export(tx).await
    }

    /// A new secret for what is sent. The old one ends at once.
    pub async fn rotate_export_secret(&self, id: ExportId, now: Instant) -> Result<String, StoreError> {
        if self.export(id).await?.new.target == ExportTarget::Sftp {
            return Err(StoreError::Conflict("this export is fetched by SFTP: nothing is signed".into()));
        }
        let secret = new_secret()?;
        let sealed = self.keys.data.seal(SECRET_LABEL, secret.as_bytes())?;
        let mut tx = self.db().begin().await?;
        self.touch_export(&mut tx, sql!("UPDATE result_export SET sealed_secret = $3 WHERE tenant_id = $1 AND id = $2"), params![self.id, id, sealed]).await?;
        self.audit(&mut tx, now, Act::Changed, "export", id.0, "new secret").await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// With its files: nobody can fetch them any more.
    pub async fn delete_export(&self, id: ExportId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.touch_export(&mut tx, sql!("DELETE FROM result_export WHERE tenant_id = $1 AND id = $2"), params![self.id, id]).await?;
        for delete in [
            sql!("DELETE FROM export_chunk WHERE file_id IN (SELECT id FROM export_file WHERE export_id = $1 AND tenant_id = $2)"),
            sql!("DELETE FROM export_try WHERE file_id IN (SELECT id FROM export_file WHERE export_id = $1 AND tenant_id = $2)"),
            sql!("DELETE FROM export_file WHERE export_id = $1 AND tenant_id = $2"),
        ] {
            tx.execute(delete, &params![id, self.id]).await?;
        }
        self.audit(&mut tx, now, Act::Deleted, "export", id.0, "").await?;
        self.commit_export(tx).await
    }

    /// A file of one campaign's results, as soon as a worker is free.
    pub async fn export_now(&self, id: ExportId, campaign: CampaignId, now: Instant) -> Result<ExportFileId, StoreError> {
        let held = self.export(id).await?;
        self.refuse_over(held.new.instruction, now).await?;
        if held.state != ExportState::On {
            return Err(StoreError::Conflict("it is not switched on: switch it on first".into()));
        }
        if held.new.campaign.is_some_and(|only| only != campaign) {
            return Err(StoreError::Conflict("this export is of another campaign".into()));
        }
        let record = self.campaign(campaign).await?;
        if record.first != campaign {
            return Err(StoreError::Conflict(format!("this is a step of {0}: ask for {0}", record.first)));
        }
        if record.started_at.is_none() {
            return Err(StoreError::Conflict("this campaign has not started: there are no results yet".into()));
        }
        let mut tx = self.db().begin().await?;
        let file = self.queue_file(&mut tx, &held, campaign, now, now).await?;
        self.audit(&mut tx, now, Act::Exported, "export", id.0, &format!("{campaign}, asked for")).await?;
        self.commit_export(tx).await?;
        Ok(file)
    }

    /// A campaign has ended: its results are exported where that is asked for.
    pub(crate) async fn queue_exports(&self, tx: &mut Tx, campaign: CampaignId, now: Instant) -> Result<(), StoreError> {
        let select = sql!(
            "SELECT id, name, instruction_id, campaign_id, at_end, after_minutes, times, format, target, account_id, url, state, stopped_why, next_at, created_by, created_at
             FROM result_export WHERE tenant_id = $1 AND state = 'on' AND at_end = 1 AND (campaign_id IS NULL OR campaign_id = $2) ORDER BY id"
        );
        for row in tx.query(select, &params![self.id, campaign]).await? {
            let export = read(row)?;
            self.queue_file(tx, &export, campaign, now.plus_ms(export.new.after_minutes * MINUTE_MS), now).await?;
        }
        self.store.signals().raise(Signal::Connectors);
        Ok(())
    }

    pub(super) async fn queue_file(&self, tx: &mut Tx, export: &ExportRecord, campaign: CampaignId, at: Instant, now: Instant) -> Result<ExportFileId, StoreError> {
        let id = ExportFileId(self.store.next_id(now));
        let stamp: String = at.rfc3339().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
        let mark = id.to_string();
        let name = format!("{campaign}-{stamp}-{}.{}", &mark[mark.len() - 4..], export.new.format);
        let insert = sql!(
            "INSERT INTO export_file (id, export_id, tenant_id, campaign_id, instruction_id, account_id, name, state, rows_written, bytes_written, tries, due_since, next_at, last_status, last_error, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, 0, 0, $8, $8, 0, '', $9)"
        );
        tx.execute(insert, &params![id, export.id, self.id, campaign, export.new.instruction, export.new.account, name, at, now]).await?;
        Ok(id)
    }

    async fn touch_export(&self, tx: &mut Tx, update: &'static Statement, values: Params) -> Result<(), StoreError> {
        if tx.execute(update, &values).await? == 0 { Err(StoreError::NotFound("export")) } else { Ok(()) }
    }

    async fn commit_export(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        self.store.signals().raise(Signal::Connectors);
        Ok(())
    }
}
