//! Rotating the root key: what erased people's keys were wrapped with is destroyed, so that no free page, log or backup
//! of the database can be opened with what is left in the keyring.

use clarion_domain::audit::event::Act;
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{Db, Params, Statement, sql};
use crate::params;
use crate::seal::{KEY_WRAPPED_BYTES, Keyring};
use crate::store::{Store, StoreError};

const BATCH: i64 = 1_000;
/// A node that was seen within this holds the old keys in memory.
const NODE_SEEN_MS: i64 = 2 * MINUTE_MS;

/// What is known of the other servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherNodes {
    /// Each is asked for by its heartbeat.
    MayRun,
    /// The caller holds the lock of the embedded database: none runs.
    NoneRuns,
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    pub root_key: u32,
    pub keys_wrapped_anew: i64,
}

/// Where wrapped keys are kept: the rows after an id, and how to put a key back.
struct Place {
    read: &'static Statement,
    write: &'static Statement,
}

fn places() -> [Place; 7] {
    [
        Place {
            read: sql!("SELECT id, wrapped_index_key FROM tenant WHERE id > $1 ORDER BY id LIMIT $2"),
            write: sql!("UPDATE tenant SET wrapped_index_key = $1 WHERE id = $2 AND wrapped_index_key = $3"),
        },
        Place {
            read: sql!("SELECT id, wrapped_data_key FROM tenant WHERE id > $1 ORDER BY id LIMIT $2"),
            write: sql!("UPDATE tenant SET wrapped_data_key = $1 WHERE id = $2 AND wrapped_data_key = $3"),
        },
        Place {
            read: sql!("SELECT id, wrapped_key FROM contact WHERE id > $1 AND wrapped_key IS NOT NULL ORDER BY id LIMIT $2"),
            write: sql!("UPDATE contact SET wrapped_key = $1 WHERE id = $2 AND wrapped_key = $3"),
        },
        Place {
            read: sql!("SELECT id, wrapped_key FROM import WHERE id > $1 AND wrapped_key IS NOT NULL ORDER BY id LIMIT $2"),
            write: sql!("UPDATE import SET wrapped_key = $1 WHERE id = $2 AND wrapped_key = $3"),
        },
        Place {
            read: sql!("SELECT id, wrapped_key FROM export_file WHERE id > $1 AND wrapped_key IS NOT NULL ORDER BY id LIMIT $2"),
            write: sql!("UPDATE export_file SET wrapped_key = $1 WHERE id = $2 AND wrapped_key = $3"),
        },
        Place {
            read: sql!("SELECT id, sealed_secret FROM trunk WHERE id > $1 AND sealed_secret IS NOT NULL ORDER BY id LIMIT $2"),
            write: sql!("UPDATE trunk SET sealed_secret = $1 WHERE id = $2 AND sealed_secret = $3"),
        },
        Place {
            read: sql!("SELECT id, wrapped_key FROM acme_certificate WHERE id > $1 ORDER BY id LIMIT $2"),
            write: sql!("UPDATE acme_certificate SET wrapped_key = $1 WHERE id = $2 AND wrapped_key = $3"),
        },
    ]
}

impl Store {
    /// Makes a new root key, wraps every key with it, and destroys the old ones. Refused while another node runs: it
    /// would go on wrapping with a key that is about to be destroyed. Safe to run again after a crash.
    pub async fn rotate_root_keys(&self, others: OtherNodes, now: Instant) -> Result<Rotation, StoreError> {
        self.refuse_other_nodes(others, now).await?;
        let root_key = self.keyring().rotate()?;
        let mut keys_wrapped_anew = 0;
        for place in places() {
            keys_wrapped_anew += wrap_anew(self.db(), self.keyring(), &place).await?;
        }
        self.certify_anchor_keys().await?;
        self.audit_operator(now, Act::Changed, "keyring", &format!("root key {root_key}")).await?;
        self.refuse_other_nodes(others, now).await?;
        self.keyring().retire()?;
        self.forget_tenant_keys();
        self.db().truncate_log().await?;
        tracing::info!(root_key, keys_wrapped_anew, "the root key was rotated and the old one destroyed");
        Ok(Rotation { root_key, keys_wrapped_anew })
    }

    async fn refuse_other_nodes(&self, others: OtherNodes, now: Instant) -> Result<(), StoreError> {
        if others == OtherNodes::NoneRuns {
            return Ok(());
        }
        let select = sql!("SELECT name FROM node WHERE id <> $1 AND seen_at > $2 LIMIT 1");
        match self.db().query_first(select, &params![self.node(), now.plus_ms(-NODE_SEEN_MS)]).await? {
            Some(mut row) => {
                let name: String = row.take(0)?;
                Err(StoreError::Conflict(format!("the node {name} is running and holds the old root key: stop every other node, rotate, and give them the new keyring")))
            }
            None => Ok(()),
        }
    }
}

async fn wrap_anew(db: &Db, keyring: &Keyring, place: &Place) -> Result<i64, StoreError> {
    let (mut after, mut count) = (0i64, 0);
    loop {
        let mut tx = db.begin().await?;
        let rows = tx.query(place.read, &params![after, BATCH]).await?;
        let full = rows.len() as i64 == BATCH;
        let mut changes: Vec<Params> = Vec::with_capacity(rows.len());
        for mut row in rows {
            let held: Vec<u8> = row.take(1)?;
            after = row.take(0)?;
            if Keyring::root_of(&held) == Some(keyring.current()) {
                continue;
            }
            let (wrapped, tail) = held.split_at_checked(KEY_WRAPPED_BYTES).ok_or(crate::seal::SealError::DoesNotOpen)?;
            let mut fresh = keyring.wrap(&keyring.unwrap(wrapped)?)?;
            fresh.extend_from_slice(tail);
            changes.push(params![fresh, after, held]);
        }
        count += changes.len() as i64;
        tx.execute_many(place.write, &changes).await?;
        tx.commit().await?;
        if !full {
            return Ok(count);
        }
    }
}
