//! A connector: where it asks, under which instruction, and how it stands. Its secret is sealed and never shown.

use clarion_domain::audit::event::Act;
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::connectors::pull::{Authentication, Incremental, PullSettings};
use clarion_domain::connectors::pull_fault::{ConnectorState, RunKind};
use clarion_domain::id::{ConnectorId, ConnectorRunId, InstructionId, ListId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::target::TargetFault;

use super::instruction::InstructionRecord;
use crate::db::{Params, Row, Statement, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

const CONNECTORS_MAX: i64 = 50;
const SECRET_LABEL: &str = "connector.secret";
const SECRET_BYTES_MAX: usize = 4_096;
const NAME_CHARS_MAX: usize = 100;

/// What a connector is to be.
#[derive(Debug, Clone)]
pub struct NewConnector {
    pub name: String,
    pub instruction: InstructionId,
    /// The list on which the loaded contacts are put.
    pub list: Option<ListId>,
    pub settings: PullSettings,
    /// `None` keeps the one that is there.
    pub secret: Option<Personal>,
}

#[derive(Debug, Clone)]
pub struct ConnectorRecord {
    pub id: ConnectorId,
    pub name: String,
    pub instruction: InstructionId,
    pub list: Option<(ListId, String)>,
    pub settings: PullSettings,
    pub has_secret: bool,
    pub state: ConnectorState,
    /// Why the software stopped it; empty otherwise.
    pub stopped_why: String,
    pub failures: i64,
    pub failing_since: Option<Instant>,
    /// When it works next by itself.
    pub next_at: Option<Instant>,
    pub watermark: String,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<ConnectorRecord, StoreError> {
    let (list, name): (Option<ListId>, Option<String>) = (row.take(3)?, row.take(4)?);
    let state: ConnectorState = row.word(7)?;
    Ok(ConnectorRecord {
        id: row.take(0)?,
        name: row.take(1)?,
        instruction: row.take(2)?,
        list: list.map(|list| (list, name.unwrap_or_default())),
        settings: row.json(5)?,
        has_secret: row.take::<Option<Vec<u8>>>(6)?.is_some(),
        state,
        stopped_why: row.take(8)?,
        failures: row.take(9)?,
        failing_since: row.take(10)?,
        next_at: if state == ConnectorState::On { row.take(11)? } else { None },
        watermark: row.take(12)?,
        created_by: row.take(13)?,
        created_at: row.take(14)?,
    })
}

pub(super) fn as_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

impl Tenant {
    pub async fn connectors(&self) -> Result<Vec<ConnectorRecord>, StoreError> {
        let select = sql!(
            "SELECT c.id, c.name, c.instruction_id, c.list_id, l.name, c.settings, c.sealed_secret, c.state, c.stopped_why, c.failures, c.failing_since, c.next_at, c.watermark, c.created_by, c.created_at
             FROM connector c LEFT JOIN contact_list l ON l.id = c.list_id WHERE c.tenant_id = $1 ORDER BY c.id DESC"
        );
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn connector(&self, id: ConnectorId) -> Result<ConnectorRecord, StoreError> {
        let select = sql!(
            "SELECT c.id, c.name, c.instruction_id, c.list_id, l.name, c.settings, c.sealed_secret, c.state, c.stopped_why, c.failures, c.failing_since, c.next_at, c.watermark, c.created_by, c.created_at
             FROM connector c LEFT JOIN contact_list l ON l.id = c.list_id WHERE c.tenant_id = $1 AND c.id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("connector"))?)
    }

    fn address_fault(&self, address: &str) -> Option<String> {
        match self.store.webhook_networks().check(address) {
            Ok(_) => None,
            Err(TargetFault::HasPassword) => Some("leave out the user name and password: enter them as the secret".into()),
            Err(TargetFault::NotHttps) => Some("use https: over http the people's data and the secret could be read on their way".into()),
            Err(fault) => Some(fault.to_string()),
        }
    }

    /// The instruction under which it may be; every fault at once.
    async fn checked_connector(&self, new: &NewConnector, has_secret: bool, now: Instant) -> Result<InstructionRecord, StoreError> {
        let settings = &new.settings;
        let mut faults: Vec<FieldFault> = settings.faults().into_iter().map(|(field, message)| FieldFault { field, message: message.into() }).collect();
        let mut fault = |field, message: String| faults.push(FieldFault { field, message });
        if !(1..=NAME_CHARS_MAX).contains(&new.name.trim().chars().count()) {
            fault("name", format!("give it a name of at most {NAME_CHARS_MAX} characters"));
        }
        if let Some(message) = self.address_fault(&settings.url) {
            fault("url", message);
        }
        if settings.authentication == Authentication::OAuth2
            && let Some(message) = self.address_fault(&settings.token_url)
        {
            fault("token_url", message);
        }
        let secret = new.secret.as_ref().map(Personal::reveal);
        if settings.authentication != Authentication::None && !has_secret && secret.is_none_or(str::is_empty) {
            fault("secret", "enter the secret that the client's system gave".into());
        }
        if secret.is_some_and(|secret| secret.len() > SECRET_BYTES_MAX || secret.bytes().any(|byte| byte.is_ascii_control())) {
            fault("secret", format!("a secret has one line of at most {SECRET_BYTES_MAX} bytes"));
        }
        let instruction = match self.instruction(new.instruction).await {
            Ok(instruction) => Some(instruction),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        match &instruction {
            Some(record) if record.new.kind != InstructionKind::Pull => fault("instruction", "this instruction is for exports: choose one for pulls".into()),
            Some(record) if !matches!(record.standing(now), InstructionStanding::InForce | InstructionStanding::Future) => fault("instruction", "this instruction is over: record a new one first".into()),
            Some(record) => {
                let (taken, _) = settings.agreed(&record.new.fields);
                let mapping = clarion_domain::connectors::pull::mapping_of(&taken);
                if let Err(StoreError::Invalid(message)) = self.check_mapping(&mapping, mapping.columns.len()).await {
                    fault("fields", message);
                }
            }
            None => fault("instruction", "choose the instruction under which it may pull: without one nothing is pulled".into()),
        }
        match instruction {
            Some(instruction) if faults.is_empty() => Ok(instruction),
            _ => Err(StoreError::Faults(faults)),
        }
    }

    /// Made paused: it is tried first, then switched on.
    pub async fn create_connector(&self, new: &NewConnector, now: Instant) -> Result<ConnectorId, StoreError> {
        self.checked_connector(new, false, now).await?;
        let id = ConnectorId(self.store.next_id(now));
        let sealed = self.seal_connector_secret(new)?;
        let mut tx = self.db().begin().await?;
        self.need_instruction(&mut tx, new.instruction).await?;
        let held: i64 = tx.query_first(sql!("SELECT COUNT(*) FROM connector WHERE tenant_id = $1"), &params![self.id]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        if held >= CONNECTORS_MAX {
            return Err(StoreError::Conflict(format!("there are {CONNECTORS_MAX} connectors already: delete one that is not needed")));
        }
        if let Some(list) = new.list {
            self.check_list(&mut tx, list).await?;
        }
        let insert = sql!(
            "INSERT INTO connector (id, tenant_id, instruction_id, name, settings, sealed_secret, list_id, state, stopped_why, failures, watermark, etag, modified, accept_repeat, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'paused', '', 0, '', '', '', 0, $8, $9)"
        );
        let values = params![id, self.id, new.instruction, new.name.trim(), as_json(&new.settings)?, sealed, new.list, self.actor.to_string(), now];
        tx.execute(insert, &values).await?;
        self.audit(&mut tx, now, Act::Created, "connector", id.0, &format!("under {}", new.instruction)).await?;
        tx.commit().await?;
        Ok(id)
    }

    fn seal_connector_secret(&self, new: &NewConnector) -> Result<Option<Vec<u8>>, StoreError> {
        match &new.secret {
            Some(secret) if !secret.is_empty() && new.settings.authentication != Authentication::None => Ok(Some(self.keys.data.seal(SECRET_LABEL, secret.reveal().as_bytes())?)),
            _ => Ok(None),
        }
    }

    pub(super) fn open_connector_secret(&self, sealed: &[u8]) -> Result<Personal, StoreError> {
        Ok(self.keys.data.open_text(SECRET_LABEL, sealed)?.into())
    }

    /// What was learned from another address or by other fields is forgotten, and what runs keeps nothing. A secret never follows to
    /// another host: it is entered anew.
    pub async fn change_connector(&self, id: ConnectorId, new: &NewConnector, now: Instant) -> Result<(), StoreError> {
        let held = self.connector(id).await?;
        let host = |settings: &PullSettings| [&settings.url, &settings.token_url].map(|text| self.store.webhook_networks().check(text).ok().map(|url| url.origin()));
        let same_way = held.settings.authentication == new.settings.authentication && host(&held.settings) == host(&new.settings);
        let instruction = self.checked_connector(new, held.has_secret && same_way, now).await?;
        let sealed = self.seal_connector_secret(new)?;
        let drop_secret = new.settings.authentication == Authentication::None || !same_way;
        let mut tx = self.db().begin().await?;
        self.need_instruction(&mut tx, instruction.id).await?;
        self.stop_runs(&mut tx, id, now).await?;
        if let Some(list) = new.list {
            self.check_list(&mut tx, list).await?;
        }
        let watermark_stays = new.settings.incremental == Incremental::Since
            && (&held.settings.url, &held.settings.since_parameter, &held.settings.since_field) == (&new.settings.url, &new.settings.since_parameter, &new.settings.since_field);
        let update = sql!(
            "UPDATE connector SET name = $3, instruction_id = $4, settings = $5, list_id = $6, etag = '', modified = '', accept_repeat = 1,
                sealed_secret = CASE WHEN CAST($8 AS BIGINT) = 1 THEN NULL ELSE sealed_secret END, watermark = CASE WHEN CAST($7 AS BIGINT) = 1 THEN watermark ELSE '' END
             WHERE tenant_id = $1 AND id = $2"
        );
        let values = params![self.id, id, new.name.trim(), instruction.id, as_json(&new.settings)?, new.list, watermark_stays, drop_secret];
        self.touch_connector(&mut tx, update, values).await?;
        if let Some(sealed) = sealed {
            let update = sql!("UPDATE connector SET sealed_secret = $3 WHERE tenant_id = $1 AND id = $2");
            self.touch_connector(&mut tx, update, params![self.id, id, sealed]).await?;
        }
        if held.state == ConnectorState::On {
            self.plan(&mut tx, id, &new.settings, now).await?;
        }
        self.audit(&mut tx, now, Act::Changed, "connector", id.0, "").await?;
        self.commit_connector(tx).await
    }

    /// When it works next, by its schedule.
    pub(super) async fn plan(&self, tx: &mut Tx, id: ConnectorId, settings: &PullSettings, now: Instant) -> Result<(), StoreError> {
        let next = settings.times.next(now, &self.zone().await?);
        let update = sql!("UPDATE connector SET next_at = $3 WHERE tenant_id = $1 AND id = $2");
        self.touch_connector(tx, update, params![self.id, id, next]).await
    }

    pub(super) async fn zone(&self) -> Result<jiff::tz::TimeZone, StoreError> {
        Ok(jiff::tz::TimeZone::get(&self.record().await?.zone).unwrap_or(jiff::tz::TimeZone::UTC))
    }

    /// Nothing is pulled until it is switched on again; what runs keeps nothing.
    pub async fn pause_connector(&self, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.stop_runs(&mut tx, id, now).await?;
        let update = sql!("UPDATE connector SET state = 'paused', stopped_why = '', next_at = NULL WHERE tenant_id = $1 AND id = $2");
        self.touch_connector(&mut tx, update, params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Paused, "connector", id.0, "").await?;
        self.commit_connector(tx).await
    }

    /// Switches it on: it pulls at once, then by its schedule. One that works by hand waits for a hand.
    pub async fn resume_connector(&self, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        let held = self.connector(id).await?;
        self.refuse_over(held.instruction, now).await?;
        if held.settings.authentication != Authentication::None && !held.has_secret {
            return Err(StoreError::Conflict("it has no secret: enter it first".into()));
        }
        let next = held.settings.times.next(now, &self.zone().await?).map(|_| now);
        let mut tx = self.db().begin().await?;
        self.need_instruction(&mut tx, held.instruction).await?;
        let update = sql!("UPDATE connector SET state = 'on', stopped_why = '', failures = 0, failing_since = NULL, next_at = $3 WHERE tenant_id = $1 AND id = $2");
        self.touch_connector(&mut tx, update, params![self.id, id, next]).await?;
        self.audit(&mut tx, now, Act::Resumed, "connector", id.0, &format!("under {}", held.instruction)).await?;
        self.commit_connector(tx).await
    }

    pub(super) async fn refuse_over(&self, id: InstructionId, now: Instant) -> Result<(), StoreError> {
        match self.instruction(id).await?.standing(now) {
            InstructionStanding::InForce => Ok(()),
            InstructionStanding::Future => Err(StoreError::Conflict("its instruction does not hold yet: wait for its first day".into())),
            _ => Err(StoreError::Conflict("its instruction is over: record a new one, and choose it".into())),
        }
    }

    /// Everything is asked for again, and loaded even when it is what was loaded before. What runs keeps nothing.
    pub async fn start_connector_over(&self, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.stop_runs(&mut tx, id, now).await?;
        let update = sql!("UPDATE connector SET watermark = '', etag = '', modified = '', accept_repeat = 1 WHERE tenant_id = $1 AND id = $2");
        self.touch_connector(&mut tx, update, params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Changed, "connector", id.0, "starts over").await?;
        self.commit_connector(tx).await
    }

    /// Whether it is there; until the transaction ends nobody begins or ends a run of it, asks for one, or changes it. After its instruction and before
    /// its runs: in this order all of them are held.
    pub(super) async fn hold_connector(&self, tx: &mut Tx, id: ConnectorId) -> Result<bool, StoreError> {
        Ok(tx.execute(sql!("UPDATE connector SET state = state WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await? > 0)
    }

    /// What runs was begun under what no longer holds. Its upload goes when its worker ends, or when the next begins.
    async fn stop_runs(&self, tx: &mut Tx, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        self.hold_connector(tx, id).await?;
        let stop = sql!("UPDATE connector_run SET state = 'stopped', fault = 'stopped', finished_at = $3 WHERE connector_id = $1 AND tenant_id = $2 AND state = 'running'");
        tx.execute(stop, &params![id, self.id, now]).await?;
        Ok(())
    }

    /// A pull, or a look at one, as soon as a worker is free.
    pub async fn ask_run(&self, id: ConnectorId, kind: RunKind, now: Instant) -> Result<ConnectorRunId, StoreError> {
        let held = self.connector(id).await?;
        self.refuse_over(held.instruction, now).await?;
        if kind == RunKind::Pull && held.state != ConnectorState::On {
            return Err(StoreError::Conflict("it is not switched on: switch it on first, or look at a preview".into()));
        }
        let mut tx = self.db().begin().await?;
        if !self.hold_connector(&mut tx, id).await? {
            return Err(StoreError::NotFound("connector"));
        }
        let open = sql!("SELECT id FROM connector_run WHERE tenant_id = $1 AND connector_id = $2 AND kind = $3 AND state = 'waiting' LIMIT 1");
        if tx.query_first(open, &params![self.id, id, kind.as_str()]).await?.is_some() {
            return Err(StoreError::Conflict("this was asked for a moment ago and has not begun yet: wait for it".into()));
        }
        let run = ConnectorRunId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO connector_run (id, connector_id, tenant_id, instruction_id, kind, state, fault, last_status, pages, rows_read, bytes_read, dropped, asked_by, created_at)
             VALUES ($1, $2, $3, $4, $5, 'waiting', '', 0, 0, 0, 0, '', $6, $7)"
        );
        tx.execute(insert, &params![run, id, self.id, held.instruction, kind.as_str(), self.actor.to_string(), now]).await?;
        let act = if kind == RunKind::Pull { Act::Started } else { Act::TestSent };
        self.audit(&mut tx, now, act, "connector", id.0, kind.as_str()).await?;
        self.commit_connector(tx).await?;
        Ok(run)
    }

    /// With its log, and with what a run has written so far. What it loaded stays.
    pub async fn delete_connector(&self, id: ConnectorId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.delete_runs(&mut tx, id).await?;
        self.touch_connector(&mut tx, sql!("DELETE FROM connector WHERE tenant_id = $1 AND id = $2"), params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Deleted, "connector", id.0, "").await?;
        self.commit_connector(tx).await
    }

    pub(super) async fn touch_connector(&self, tx: &mut Tx, update: &'static Statement, values: Params) -> Result<(), StoreError> {
        if tx.execute(update, &values).await? == 0 { Err(StoreError::NotFound("connector")) } else { Ok(()) }
    }

    async fn commit_connector(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        self.store.signals().raise(Signal::Connectors);
        Ok(())
    }
}
