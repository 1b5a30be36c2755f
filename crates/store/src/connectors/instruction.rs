//! The register of instructions: recorded, replaced by a later version, revoked; never edited and never deleted.

use std::collections::BTreeSet;

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::export::ResultField;
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding, Validity};
use clarion_domain::id::InstructionId;
use clarion_domain::intake::mapping::StandardField;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;

use crate::db::{Row, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

const TEXT_CHARS_MAX: usize = 1_000;
const REFERENCE_CHARS_MAX: usize = 100;
/// Of one tenant, with their versions.
const INSTRUCTIONS_MAX: i64 = 1_000;

/// An instruction as it is recorded.
#[derive(Debug, Clone)]
pub struct NewInstruction {
    pub kind: InstructionKind,
    /// The client's own, such as the number of their letter.
    pub reference: String,
    /// The fields that were agreed; no others are taken or given.
    pub fields: Vec<String>,
    pub purpose: String,
    pub legal_basis: LegalBasis,
    /// Who agreed on the client's side.
    pub agreed_by: String,
    pub valid_from: Instant,
    pub valid_until: Instant,
}

#[derive(Debug, Clone)]
pub struct InstructionRecord {
    pub id: InstructionId,
    pub new: NewInstruction,
    pub version: i64,
    pub recorded_by: String,
    pub recorded_at: Instant,
    pub replaced_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    pub revoked_by: String,
    pub revoked_why: String,
}

impl InstructionRecord {
    #[must_use]
    pub fn standing(&self, now: Instant) -> InstructionStanding {
        Validity { from: self.new.valid_from, until: self.new.valid_until, replaced_at: self.replaced_at, revoked_at: self.revoked_at }.standing(now)
    }
}

fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn read(mut row: Row) -> Result<InstructionRecord, StoreError> {
    let new = NewInstruction {
        kind: row.word(1)?,
        reference: row.take(2)?,
        fields: words_of(&row.take::<String>(4)?),
        purpose: row.take(5)?,
        legal_basis: row.word(6)?,
        agreed_by: row.take(7)?,
        valid_from: row.take(8)?,
        valid_until: row.take(9)?,
    };
    Ok(InstructionRecord {
        id: row.take(0)?,
        new,
        version: row.take(3)?,
        recorded_by: row.take(10)?,
        recorded_at: row.take(11)?,
        replaced_at: row.take(12)?,
        revoked_at: row.take(13)?,
        revoked_by: row.take(14)?,
        revoked_why: row.take(15)?,
    })
}

impl Tenant {
    /// Every version of every instruction, the newest first.
    pub async fn instructions(&self) -> Result<Vec<InstructionRecord>, StoreError> {
        let select = sql!(
            "SELECT id, kind, reference, version, fields, purpose, legal_basis, agreed_by, valid_from, valid_until, recorded_by, recorded_at, replaced_at, revoked_at, revoked_by, revoked_why
             FROM instruction WHERE tenant_id = $1 ORDER BY id DESC"
        );
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn instruction(&self, id: InstructionId) -> Result<InstructionRecord, StoreError> {
        let select = sql!(
            "SELECT id, kind, reference, version, fields, purpose, legal_basis, agreed_by, valid_from, valid_until, recorded_by, recorded_at, replaced_at, revoked_at, revoked_by, revoked_why
             FROM instruction WHERE tenant_id = $1 AND id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("instruction"))?)
    }

    async fn checked_instruction(&self, new: &NewInstruction, now: Instant) -> Result<NewInstruction, StoreError> {
        let mut faults = Vec::new();
        let mut need = |holds: bool, field, message: String| if !holds { faults.push(FieldFault { field, message }) };
        let within = |text: &str, least: usize, most: usize| (least..=most).contains(&text.trim().chars().count());
        need(within(&new.reference, 1, REFERENCE_CHARS_MAX), "reference", format!("enter the client's reference, at most {REFERENCE_CHARS_MAX} characters"));
        need(within(&new.purpose, 10, TEXT_CHARS_MAX), "purpose", "say in a few words what the data is for, as it was agreed".into());
        need(within(&new.agreed_by, 3, 200), "agreed_by", "say who agreed on the client's side: a name and what they are there".into());
        need(new.valid_until > new.valid_from && new.valid_until > now, "valid_until", "the last day lies after the first, and in the future".into());
        let declared = self.declared_names().await?;
        let known = |field: &String| match new.kind {
            InstructionKind::Pull => field.parse::<StandardField>().is_ok() || declared.contains(field),
            InstructionKind::Export => field.parse::<ResultField>().is_ok(),
        };
        if let Some(unknown) = new.fields.iter().find(|field| !known(field)) {
            let more = if new.kind == InstructionKind::Pull { "declare it with a purpose first" } else { "an export has no such column" };
            need(false, "fields", format!("the field {unknown:?} is not known: {more}"));
        }
        let least = match new.kind {
            InstructionKind::Pull => StandardField::Phone.as_str(),
            InstructionKind::Export => ResultField::Outcome.as_str(),
        };
        need(new.fields.iter().any(|field| field == least), "fields", format!("the field {least} must be among those agreed"));
        if !faults.is_empty() {
            return Err(StoreError::Faults(faults));
        }
        let fields: BTreeSet<String> = new.fields.iter().cloned().collect();
        let trimmed = |text: &str| text.trim().to_owned();
        Ok(NewInstruction { reference: trimmed(&new.reference), purpose: trimmed(&new.purpose), agreed_by: trimmed(&new.agreed_by), fields: fields.into_iter().collect(), ..new.clone() })
    }

    /// Records an instruction under a reference that no other of its kind has.
    pub async fn record_instruction(&self, new: &NewInstruction, now: Instant) -> Result<InstructionId, StoreError> {
        let new = self.checked_instruction(new, now).await?;
        let mut tx = self.db().begin().await?;
        let held = sql!("SELECT id FROM instruction WHERE tenant_id = $1 AND kind = $2 AND reference = $3 LIMIT 1");
        if tx.query_first(held, &params![self.id, new.kind.as_str(), new.reference.as_str()]).await?.is_some() {
            let message = "this reference is recorded already: replace it by a new version".to_owned();
            return Err(StoreError::Faults(vec![FieldFault { field: "reference", message }]));
        }
        let count: i64 = tx.query_first(sql!("SELECT COUNT(*) FROM instruction WHERE tenant_id = $1"), &params![self.id]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        if count >= INSTRUCTIONS_MAX {
            return Err(StoreError::Conflict(format!("{INSTRUCTIONS_MAX} instructions are recorded already: ask the operator")));
        }
        let id = self.insert_instruction(&mut tx, &new, 1, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn insert_instruction(&self, tx: &mut Tx, new: &NewInstruction, version: i64, now: Instant) -> Result<InstructionId, StoreError> {
        let id = InstructionId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO instruction (id, tenant_id, kind, reference, version, fields, purpose, legal_basis, agreed_by, valid_from, valid_until, recorded_by, recorded_at, revoked_by, revoked_why)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '')"
        );
        let values = params![
            id, self.id, new.kind.as_str(), new.reference.as_str(), version, new.fields.join(" "), new.purpose.as_str(), new.legal_basis.as_str(), new.agreed_by.as_str(),
            new.valid_from, new.valid_until, self.actor.to_string(), now
        ];
        tx.execute(insert, &values).await?;
        self.audit(tx, now, Act::Created, "instruction", id.0, &format!("version {version}: {}", new.fields.join(" "))).await?;
        Ok(id)
    }

    /// A later version takes the place of one that was not revoked, for everything that works under it. Reference and kind stay.
    pub async fn replace_instruction(&self, id: InstructionId, new: &NewInstruction, now: Instant) -> Result<InstructionId, StoreError> {
        let held = self.instruction(id).await?;
        if matches!(held.standing(now), InstructionStanding::Revoked | InstructionStanding::Replaced) {
            return Err(StoreError::Conflict("this version is over: only the one that holds can be replaced".into()));
        }
        let new = self.checked_instruction(&NewInstruction { kind: held.new.kind, reference: held.new.reference.clone(), ..new.clone() }, now).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE instruction SET replaced_at = $3 WHERE tenant_id = $1 AND id = $2 AND replaced_at IS NULL AND revoked_at IS NULL");
        if tx.execute(update, &params![self.id, id, now]).await? == 0 {
            return Err(StoreError::Conflict("somebody else replaced or revoked it at the same moment: look at it again".into()));
        }
        let next = self.insert_instruction(&mut tx, &new, held.version + 1, now).await?;
        tx.execute(sql!("UPDATE connector SET instruction_id = $3 WHERE tenant_id = $1 AND instruction_id = $2"), &params![self.id, id, next]).await?;
        tx.execute(sql!("UPDATE result_export SET instruction_id = $3 WHERE tenant_id = $1 AND instruction_id = $2"), &params![self.id, id, next]).await?;
        self.audit(&mut tx, now, Act::Changed, "instruction", id.0, &format!("replaced by {next}")).await?;
        if held.new.kind == InstructionKind::Export && held.new.fields.iter().any(|field| !new.fields.contains(field)) {
            self.write_ready_files_anew(&mut tx, next, now).await?;
        }
        tx.commit().await?;
        self.store.signals().raise(Signal::Connectors);
        Ok(next)
    }

    /// What lies in `out/` with a field that is no longer agreed is written again without it.
    async fn write_ready_files_anew(&self, tx: &mut Tx, id: InstructionId, now: Instant) -> Result<(), StoreError> {
        let chunks = sql!(
            "DELETE FROM export_chunk WHERE file_id IN (SELECT f.id FROM export_file f JOIN result_export e ON e.id = f.export_id
                WHERE f.tenant_id = $1 AND f.state = 'ready' AND e.instruction_id = $2)"
        );
        tx.execute(chunks, &params![self.id, id]).await?;
        let files = sql!(
            "UPDATE export_file SET state = 'waiting', wrapped_key = NULL, rows_written = 0, bytes_written = 0, due_since = $3, next_at = $3, fetched_at = NULL, finished_at = NULL
             WHERE tenant_id = $1 AND state = 'ready' AND export_id IN (SELECT id FROM result_export WHERE tenant_id = $1 AND instruction_id = $2)"
        );
        tx.execute(files, &params![self.id, id, now]).await?;
        Ok(())
    }

    /// Ends it at once, with all that works under it: what runs keeps nothing.
    pub async fn revoke_instruction(&self, id: InstructionId, why: &str, now: Instant) -> Result<(), StoreError> {
        if why.trim().is_empty() || why.chars().count() > TEXT_CHARS_MAX {
            return Err(StoreError::Faults(vec![FieldFault { field: "why", message: "say who revoked it and why, in at most 1,000 characters".into() }]));
        }
        self.instruction(id).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE instruction SET revoked_at = $3, revoked_by = $4, revoked_why = $5 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL AND replaced_at IS NULL");
        if tx.execute(update, &params![self.id, id, now, self.actor.to_string(), why.trim()]).await? == 0 {
            return Err(StoreError::Conflict("it is over already: revoke the version that holds".into()));
        }
        self.audit(&mut tx, now, Act::Cancelled, "instruction", id.0, why.trim()).await?;
        self.stop_under(&mut tx, id, "its instruction was revoked", now).await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Connectors);
        Ok(())
    }

    /// Whether the instruction has neither been replaced nor revoked; until the transaction ends nobody can do either.
    pub(super) async fn hold_instruction(&self, tx: &mut Tx, id: InstructionId) -> Result<bool, StoreError> {
        let hold = sql!("UPDATE instruction SET replaced_at = replaced_at WHERE tenant_id = $1 AND id = $2 AND replaced_at IS NULL AND revoked_at IS NULL");
        Ok(tx.execute(hold, &params![self.id, id]).await? > 0)
    }

    /// The same for what cannot be done under one that is over.
    pub(super) async fn need_instruction(&self, tx: &mut Tx, id: InstructionId) -> Result<(), StoreError> {
        if self.hold_instruction(tx, id).await? { Ok(()) } else { Err(StoreError::Conflict("its instruction was replaced or revoked at the same moment: look at it again".into())) }
    }

    /// Stops what works under an instruction that is over.
    pub(super) async fn stop_under(&self, tx: &mut Tx, id: InstructionId, why: &str, now: Instant) -> Result<(), StoreError> {
        let connectors = sql!("UPDATE connector SET state = 'stopped', stopped_why = $3 WHERE tenant_id = $1 AND instruction_id = $2 AND state <> 'stopped' RETURNING id");
        for mut row in tx.query(connectors, &params![self.id, id, why]).await? {
            let connector: i64 = row.take(0)?;
            self.audit(tx, now, Act::Paused, "connector", connector, why).await?;
            self.tell(tx, WebhookEventKind::ConnectorStopped, serde_json::json!({"connector": clarion_domain::id::ConnectorId(connector), "why": why}), now).await?;
        }
        let exports = sql!("UPDATE result_export SET state = 'stopped', stopped_why = $3 WHERE tenant_id = $1 AND instruction_id = $2 AND state <> 'stopped' RETURNING id");
        for mut row in tx.query(exports, &params![self.id, id, why]).await? {
            self.audit(tx, now, Act::Paused, "export", row.take(0)?, why).await?;
        }
        let waiting = sql!(
            "UPDATE export_file SET state = 'failed', last_error = 'instruction_over', finished_at = $3
             WHERE tenant_id = $1 AND state = 'waiting' AND export_id IN (SELECT id FROM result_export WHERE tenant_id = $1 AND instruction_id = $2) RETURNING export_id, id"
        );
        for mut row in tx.query(waiting, &params![self.id, id, now]).await? {
            self.tell_given_up(tx, row.take(0)?, row.take(1)?, "instruction_over", now).await?;
        }
        Ok(())
    }
}
