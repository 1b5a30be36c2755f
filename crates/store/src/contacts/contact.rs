//! One person with their profile and numbers, opened with the person's own key.

use clarion_domain::contacts::address::LineType;
use clarion_domain::id::{AddressId, ContactId, ImportId, ListId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::profile::{ContactProfile, PROFILE_LABEL};
use crate::db::{Params, Row, Tx, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{StoreError, Tenant};

/// The label under which a number is sealed.
pub const NUMBER_LABEL: &str = "address.number";

/// A number with what its range tells.
#[derive(Debug, Clone)]
pub struct Address {
    pub id: AddressId,
    /// E.164.
    pub number: Personal,
    pub line_type: LineType,
    /// Two letters of ISO 3166, or GG, JE, IM.
    pub region: String,
    /// IANA names of every zone the person may be in.
    pub zones: Vec<String>,
}

/// A contact as the portal and the API show it.
#[derive(Debug, Clone)]
pub struct Contact {
    pub id: ContactId,
    pub profile: ContactProfile,
    pub addresses: Vec<Address>,
    pub lists: Vec<(ListId, String)>,
    pub import_id: Option<ImportId>,
    pub import_line: Option<i64>,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// Set when the person was erased: nothing but the identifier is left.
    pub erased_at: Option<Instant>,
    /// The legal hold's reference when one stops every deletion.
    pub legal_hold: Option<String>,
}

/// A contact opened in a batch, for a worker that fills templates. `key` seals and opens the person's other fields.
pub struct OpenedContact {
    pub id: ContactId,
    pub profile: ContactProfile,
    pub key: DataKey,
}

/// Zones are kept as one text, separated by commas.
pub(crate) fn split_zones(text: &str) -> Vec<String> {
    text.split(',').filter(|zone| !zone.is_empty()).map(ToOwned::to_owned).collect()
}

impl Tenant {
    /// The person's key; `None` once the person is erased.
    pub(crate) fn person_key(&self, wrapped: Option<&[u8]>) -> Result<Option<DataKey>, StoreError> {
        Ok(wrapped.map(|wrapped| self.store.keyring().unwrap(wrapped)).transpose()?)
    }

    pub(crate) fn open_profile(key: &DataKey, sealed: Option<&[u8]>) -> Result<ContactProfile, StoreError> {
        let Some(sealed) = sealed else { return Ok(ContactProfile::default()) };
        let plain = key.open(PROFILE_LABEL, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| crate::seal::SealError::DoesNotOpen.into())
    }

    /// One contact, opened.
    pub async fn contact(&self, id: ContactId) -> Result<Contact, StoreError> {
        let select = sql!(
            "SELECT c.wrapped_key, c.sealed_profile, c.import_id, c.import_line, c.created_at, c.updated_at, c.erased_at, h.reference
             FROM contact c LEFT JOIN legal_hold h ON h.contact_id = c.id WHERE c.tenant_id = $1 AND c.id = $2"
        );
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("contact"))?;
        let (wrapped, sealed): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?);
        let key = self.person_key(wrapped.as_deref())?;
        let profile = key.as_ref().map(|key| Self::open_profile(key, sealed.as_deref())).transpose()?.unwrap_or_default();
        Ok(Contact {
            id,
            profile,
            addresses: self.addresses(id, key.as_ref()).await?,
            lists: self.lists_of(id).await?,
            import_id: row.take(2)?,
            import_line: row.take(3)?,
            created_at: row.take(4)?,
            updated_at: row.take(5)?,
            erased_at: row.take(6)?,
            legal_hold: row.take(7)?,
        })
    }

    async fn addresses(&self, id: ContactId, key: Option<&DataKey>) -> Result<Vec<Address>, StoreError> {
        let select = sql!("SELECT id, sealed_number, line_type, region, zones FROM address WHERE tenant_id = $1 AND contact_id = $2 ORDER BY id");
        let rows = self.db().query(select, &params![self.id, id]).await?;
        let opened = rows.into_iter().filter_map(|row| open_address(row, key).transpose());
        opened.collect()
    }

    async fn lists_of(&self, id: ContactId) -> Result<Vec<(ListId, String)>, StoreError> {
        let select = sql!(
            "SELECT l.id, l.name FROM list_member m JOIN contact_list l ON l.id = m.list_id
             WHERE l.tenant_id = $1 AND m.contact_id = $2 ORDER BY l.name"
        );
        let rows = self.db().query(select, &params![self.id, id]).await?;
        rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
    }

    /// Until the commit nobody else loads, puts, lists or erases people of this tenant: of two who read the same person, one would write back what the
    /// other had changed, and changes of the audience are numbered in the order of the commits. The first statement of a transaction.
    pub(crate) async fn lock_contacts(&self, tx: &mut Tx) -> Result<(), StoreError> {
        self.hold_tenant(tx).await
    }

    /// Opens the profiles of many contacts in the caller's transaction, in the order asked. Those that are erased,
    /// gone or another tenant's are left out.
    pub async fn open_contacts(&self, tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<OpenedContact>, StoreError> {
        let select = sql!("SELECT wrapped_key, sealed_profile FROM contact WHERE tenant_id = $1 AND id = $2 AND wrapped_key IS NOT NULL");
        let batch: Vec<Params> = ids.iter().map(|id| params![self.id, *id]).collect();
        let found = tx.query_many(select, &batch).await?;
        let mut opened = Vec::with_capacity(ids.len());
        for (id, rows) in ids.iter().zip(found) {
            let Some(mut row) = rows.into_iter().next() else { continue };
            let (wrapped, sealed): (Vec<u8>, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?);
            let key = self.store.keyring().unwrap(&wrapped)?;
            opened.push(OpenedContact { id: *id, profile: Self::open_profile(&key, sealed.as_deref())?, key });
        }
        Ok(opened)
    }
}

/// `None` for the emptied row of somebody erased.
fn open_address(mut row: Row, key: Option<&DataKey>) -> Result<Option<Address>, StoreError> {
    let (id, sealed): (AddressId, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?);
    let (Some(key), Some(sealed)) = (key, sealed) else { return Ok(None) };
    let zones: String = row.take(4)?;
    Ok(Some(Address {
        id,
        number: key.open_text(NUMBER_LABEL, &sealed)?.into(),
        line_type: row.word(2)?,
        region: row.take(3)?,
        zones: split_zones(&zones),
    }))
}
