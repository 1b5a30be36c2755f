//! Finding a person by the whole number or the whole reference: both are kept only as keyed hashes.

use clarion_domain::contacts::address::normalise;
use clarion_domain::contacts::region::Region;
use clarion_domain::id::ContactId;
use clarion_domain::tenancy::tenant::NumberMode;

use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

/// What a search says when it found nobody: why a part of a number cannot be searched for.
pub const NOT_FOUND_HINT: &str =
    "Nobody has this number or reference. Type the whole number or the whole reference: they are stored sealed, so a part of one cannot be searched for.";

impl Tenant {
    /// A number as typed, read like the tenant's files are; `None` when it is no number of the tenant's kind.
    pub async fn read_number(&self, typed: &str) -> Result<Option<String>, StoreError> {
        let record = self.record().await?;
        let Ok(region) = record.default_region.parse::<Region>() else { return Ok(None) };
        // Either mode: a search must find what an earlier setting let in.
        let read = |mode| normalise(typed, region, mode).ok().map(|address| address.e164.reveal().to_owned());
        Ok(read(NumberMode::Production).or_else(|| read(NumberMode::Demo)))
    }

    pub async fn contact_by_number(&self, e164: &str) -> Result<Option<ContactId>, StoreError> {
        let select = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2");
        let row = self.db().query_first(select, &params![self.id, self.number_index(e164)]).await?;
        Ok(row.map(|mut row| row.take(0)).transpose()?)
    }

    pub async fn contacts_by_reference(&self, reference: &str) -> Result<Vec<ContactId>, StoreError> {
        let select = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND reference_index = $2 ORDER BY id LIMIT 100");
        let rows = self.db().query(select, &params![self.id, self.reference_index(reference)]).await?;
        rows.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    /// The contacts whose whole reference or whole number was typed; empty when nobody has it (say `NOT_FOUND_HINT`).
    pub async fn search_contacts(&self, typed: &str) -> Result<Vec<ContactId>, StoreError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.contacts_by_reference(typed).await?;
        if let Some(e164) = self.read_number(typed).await? {
            found.extend(self.contact_by_number(&e164).await?.filter(|id| !found.contains(id)));
        }
        Ok(found)
    }
}
