//! A tenant's key pair for files that arrive encrypted (age): whoever has the public half can encrypt to the tenant, and the
//! secret half, sealed, opens.

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use clarion_domain::audit::event::Act;
use clarion_domain::time::Instant;

use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

const LABEL: &str = "file_key.identity";

impl Tenant {
    /// The public half, `age1…`; `None` before one was made.
    pub async fn file_recipient(&self) -> Result<Option<String>, StoreError> {
        let select = sql!("SELECT recipient FROM file_key WHERE tenant_id = $1");
        self.db().query_first(select, &params![self.id]).await?.map(|mut row| Ok(row.take(0)?)).transpose()
    }

    /// Makes the pair when there is none yet; gives its public half.
    pub async fn make_file_key(&self, now: Instant) -> Result<String, StoreError> {
        let identity = Identity::generate();
        let sealed = self.keys.data.seal(LABEL, identity.to_string().expose_secret().as_bytes())?;
        let mut tx = self.db().begin().await?;
        let insert = sql!("INSERT INTO file_key (tenant_id, recipient, sealed_identity, created_by, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id) DO NOTHING");
        if tx.execute(insert, &params![self.id, identity.to_public().to_string(), sealed, self.actor.to_string(), now]).await? > 0 {
            self.audit(&mut tx, now, Act::Created, "file_key", self.id.0, "").await?;
        }
        tx.commit().await?;
        // Of two that came together, one was kept.
        self.file_recipient().await?.ok_or(StoreError::NotFound("file key"))
    }

    /// The secret half; `None` when nobody has asked for the public one yet.
    pub async fn file_identity(&self) -> Result<Option<Identity>, StoreError> {
        let select = sql!("SELECT sealed_identity FROM file_key WHERE tenant_id = $1");
        let Some(mut row) = self.db().query_first(select, &params![self.id]).await? else { return Ok(None) };
        let text = self.keys.data.open(LABEL, &row.take::<Vec<u8>>(0)?)?;
        let identity = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        identity.map(Some).ok_or_else(|| crate::seal::SealError::DoesNotOpen.into())
    }
}
