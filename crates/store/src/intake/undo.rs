//! An import is taken back: the people whom it brought are removed again, as long as nothing was sent to them. Whom another file, a program or
//! somebody by hand has changed since is theirs by now, and stays. What it changed about people who were known before stays, too: what they were
//! before is not kept.

use clarion_domain::audit::event::Act;
use clarion_domain::id::ImportId;
use clarion_domain::intake::import::ImportState;
use clarion_domain::tenancy::four_eyes::AskedAct;
use clarion_domain::time::Instant;

use super::ImportRecord;
use crate::db::{Params, Tx, sql};
use crate::lease::Lease;
use crate::params;
use crate::store::{StoreError, Tenant};
use crate::tenancy::Carried;

/// People removed in one transaction.
const PEOPLE_AT_ONCE: i64 = 2_000;

/// What taking an import back does to its people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoCount {
    pub removed: i64,
    pub staying: i64,
    /// Somebody of it is in a campaign that has started, or was contacted: then it cannot be taken back.
    pub used: bool,
}

/// Nobody has used them: they are in no campaign that has started, and were not contacted.
macro_rules! is_unused {
    () => {
        "NOT EXISTS (SELECT 1 FROM recipient r WHERE r.contact_id = c.id) AND NOT EXISTS (SELECT 1 FROM attempt t WHERE t.contact_id = c.id)"
    };
}

/// They are as the file brought them, have not consented or replied, and are under no hold.
macro_rules! is_untouched {
    () => {
        "(i.finished_at IS NULL OR c.updated_at <= i.finished_at)
         AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.id) AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.contact_id = c.id)
         AND NOT EXISTS (SELECT 1 FROM consent s WHERE s.contact_id = c.id) AND NOT EXISTS (SELECT 1 FROM reply y WHERE y.contact_id = c.id)"
    };
}

impl Tenant {
    /// People whom this file brought, counted in one pass.
    pub async fn undo_count(&self, id: ImportId) -> Result<UndoCount, StoreError> {
        let select = sql!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(u.unused * u.untouched), 0) AS BIGINT), CAST(COALESCE(MIN(u.unused), 1) AS BIGINT)
             FROM (SELECT CASE WHEN " + is_unused + " THEN 1 ELSE 0 END AS unused, CASE WHEN " + is_untouched + " THEN 1 ELSE 0 END AS untouched
                   FROM contact c JOIN import i ON i.id = c.import_id WHERE c.tenant_id = $1 AND c.import_id = $2 AND c.erased_at IS NULL) u"
        );
        let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("import"))?;
        let (all, removed): (i64, i64) = (row.take(0)?, row.take(1)?);
        Ok(UndoCount { removed, staying: all - removed, used: !row.take::<bool>(2)? })
    }

    /// The import when it can be taken back, with how many that removes; otherwise what stands in the way.
    pub(crate) async fn undoable(&self, id: ImportId) -> Result<(ImportRecord, i64), StoreError> {
        let import = self.import(id).await?;
        if import.state != ImportState::Loaded {
            return Err(StoreError::Conflict(format!("only an import that is loaded can be taken back: this one is {}", import.state.as_str().replace('_', " "))));
        }
        let count = self.undo_count(id).await?;
        if count.used {
            return Err(StoreError::Conflict("people of this file are in a campaign that has started: it can no longer be taken back".into()));
        }
        Ok((import, count.removed))
    }

    /// Asks for it; a worker does it. `expected` is the number of people that the asker was shown: another number is another question. It waits for
    /// a second person where the erasure of a list with so many people would.
    pub async fn undo_import(&self, id: ImportId, expected: i64, now: Instant) -> Result<Carried, StoreError> {
        let (_, people) = self.undoable(id).await?;
        if people != expected {
            return Err(StoreError::Conflict(format!("{people} people would be removed now, and not {expected}: look again before you take it back")));
        }
        self.carry_counted(AskedAct::UndoImport { import: id }, Some(people), now).await
    }

    pub(crate) async fn undo_import_in(&self, tx: &mut Tx, id: ImportId, people: i64, why: &str, now: Instant) -> Result<(), StoreError> {
        if tx.execute(sql!("UPDATE import SET state = 'undoing' WHERE tenant_id = $1 AND id = $2 AND state = 'loaded'"), &params![self.id, id]).await? == 0 {
            return Err(StoreError::Conflict("somebody else has moved this import on: look again".into()));
        }
        let what = format!("taken back: {people} people");
        self.audit(tx, now, Act::Cancelled, "import", id.0, &if why.is_empty() { what } else { format!("{what}; {why}") }).await
    }

    /// Removes the next of its people; how many, 0 when none is left. Who was changed since, came into a campaign meanwhile, said stop, has
    /// consented, or is under a hold stays.
    pub async fn undo_step(&self, id: ImportId, lease: &Lease, now: Instant) -> Result<usize, StoreError> {
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        lease.renew(&mut tx, now).await?;
        let find = sql!(
            "SELECT c.id FROM contact c JOIN import i ON i.id = c.import_id
             WHERE c.tenant_id = $1 AND c.import_id = $2 AND c.erased_at IS NULL AND " + is_unused + " AND " + is_untouched + " ORDER BY c.id LIMIT $3"
        );
        let found = tx.query(find, &params![self.id, id, PEOPLE_AT_ONCE]).await?;
        let people: Vec<Params> = found.into_iter().map(|mut row| Ok(params![row.take::<i64>(0)?])).collect::<Result<_, StoreError>>()?;
        for act in [
            sql!("DELETE FROM list_member WHERE contact_id = $1"),
            sql!("DELETE FROM preference WHERE contact_id = $1"),
            sql!("DELETE FROM address WHERE contact_id = $1"),
            sql!("DELETE FROM contact WHERE id = $1"),
        ] {
            tx.execute_many(act, &people).await?;
        }
        if people.is_empty() {
            let end = sql!("UPDATE import SET state = 'undone', finished_at = $3 WHERE tenant_id = $1 AND id = $2 AND state = 'undoing'");
            tx.execute(end, &params![self.id, id, now]).await?;
            self.drop_import_file(&mut tx, id).await?;
            self.audit(&mut tx, now, Act::Finished, "import", id.0, "taken back").await?;
        }
        tx.commit().await?;
        Ok(people.len())
    }
}
