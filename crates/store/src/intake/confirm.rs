//! What a user decides about an import: its mapping, a repeat, its end.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ImportId, ListId};
use clarion_domain::intake::import::ImportState;
use clarion_domain::intake::mapping::Mapping;
use clarion_domain::time::Instant;

use crate::db::{Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// Checks a mapping against a file of this many columns and the tenant's declared fields.
    pub async fn check_mapping(&self, mapping: &Mapping, columns_in_file: usize) -> Result<(), StoreError> {
        let declared = self.declared_names().await?;
        mapping.check(columns_in_file, &declared).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    async fn import_state(&self, tx: &mut Tx, id: ImportId) -> Result<ImportState, StoreError> {
        let select = sql!("SELECT state FROM import WHERE tenant_id = $1 AND id = $2");
        Ok(tx.query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?.word(0)?)
    }

    /// The columns are right: load. `list` replaces the list chosen before when it is given.
    pub async fn confirm_mapping(&self, id: ImportId, mapping: &Mapping, list: Option<ListId>, now: Instant) -> Result<(), StoreError> {
        let record = self.import(id).await?;
        let proposal = record.proposal.ok_or_else(|| StoreError::Conflict("the file has not been read yet: wait a moment and try again".into()))?;
        self.check_mapping(mapping, proposal.headers.len()).await?;
        let text = serde_json::to_string(mapping).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let mut tx = self.db().begin().await?;
        if let Some(list) = list {
            self.check_list(&mut tx, list).await?;
        }
        let update = sql!("UPDATE import SET mapping = $1, list_id = COALESCE($2, list_id), state = 'ready', confirmed_header = $3 WHERE tenant_id = $4 AND id = $5 AND state = 'awaiting_mapping'");
        if tx.execute(update, &params![text, list, self.header_index(&proposal.headers), self.id, id]).await? == 0 {
            let state = self.import_state(&mut tx, id).await?;
            return Err(StoreError::Conflict(format!("this import is {}: its columns can be confirmed only while it waits for that", state.as_str().replace('_', " "))));
        }
        self.audit(&mut tx, now, Act::Changed, "import", id.0, "columns confirmed").await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Intake);
        Ok(())
    }

    /// By which the same header is known again.
    fn header_index(&self, headers: &[String]) -> [u8; 32] {
        let mut hasher = self.keys.index.hasher("header");
        for header in headers {
            hasher.update(&(header.len() as u64).to_le_bytes()).update(header.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// What somebody last confirmed for a file with these columns, when it still can be used.
    pub(super) async fn confirmed_before(&self, headers: &[String]) -> Result<Option<Mapping>, StoreError> {
        let select = sql!("SELECT mapping FROM import WHERE tenant_id = $1 AND confirmed_header = $2 ORDER BY id DESC LIMIT 1");
        let Some(mut row) = self.db().query_first(select, &params![self.id, self.header_index(headers)]).await? else { return Ok(None) };
        let mapping: Mapping = row.json(0)?;
        Ok(self.check_mapping(&mapping, headers.len()).await.is_ok().then_some(mapping))
    }

    /// The same bytes were loaded before: load them again all the same.
    pub async fn confirm_repeat(&self, id: ImportId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE import SET state = 'received' WHERE tenant_id = $1 AND id = $2 AND state = 'awaiting_repeat'");
        if tx.execute(update, &params![self.id, id]).await? == 0 {
            self.import_state(&mut tx, id).await?;
            return Err(StoreError::Conflict("this import does not wait for a yes to loading the same file again".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "import", id.0, "repeat confirmed").await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Intake);
        Ok(())
    }

    /// Ends an import before it loads; the stored file goes at once.
    pub async fn cancel_import(&self, id: ImportId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!(
            "UPDATE import SET state = 'cancelled', finished_at = $1 WHERE tenant_id = $2 AND id = $3
             AND state IN ('received', 'awaiting_mapping', 'awaiting_repeat', 'ready')"
        );
        if tx.execute(update, &params![now, self.id, id]).await? == 0 {
            let state = self.import_state(&mut tx, id).await?;
            return Err(StoreError::Conflict(match state {
                ImportState::Loading => "the file is being loaded and can no longer be cancelled".into(),
                ImportState::Receiving => "the file is still being received: end the upload instead".into(),
                state => format!("this import is over: it is {state}"),
            }));
        }
        self.drop_import_file(&mut tx, id).await?;
        self.audit(&mut tx, now, Act::Cancelled, "import", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// Removes the stored file of an import with its key, its sample and its index of numbers.
    pub(crate) async fn drop_import_file(&self, tx: &mut Tx, id: ImportId) -> Result<u64, StoreError> {
        let chunks = tx.execute(sql!("DELETE FROM import_chunk WHERE import_id IN (SELECT id FROM import WHERE tenant_id = $1 AND id = $2)"), &params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM import_number WHERE import_id IN (SELECT id FROM import WHERE tenant_id = $1 AND id = $2)"), &params![self.id, id]).await?;
        tx.execute(sql!("UPDATE import SET wrapped_key = NULL, sealed_sample = NULL WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await?;
        Ok(chunks)
    }
}
