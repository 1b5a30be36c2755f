//! The files of an SFTP account. Their folders are views of where the import stands: what is not yet loaded is in `incoming`,
//! what was loaded in `done`, what failed or was cancelled in `rejected`.

use std::collections::HashMap;

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ImportId, ListId, SftpAccountId, SftpFileId, TenantId};
use clarion_domain::intake::drop_path::{DropFolder, is_temporary, told_apart};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::time::{DAY_MS, Instant};

use super::upload::{IMPORT_BYTES_MAX, NewImport, Upload, remove_upload};
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// The newest files that a folder shows.
const LISTED_MAX: i64 = 2_000;
/// Files of one account that are not loaded yet.
const WAITING_FILES_MAX: i64 = 50;

/// A file of an account.
#[derive(Debug, Clone)]
pub struct SftpFile {
    pub id: SftpFileId,
    pub import: ImportId,
    /// As its folder shows it.
    pub name: String,
    pub state: ImportState,
    pub bytes: i64,
    /// Nobody wrote to it since it was closed in order.
    pub whole: bool,
    pub file_removed: bool,
    pub result_removed: bool,
    /// When it last moved: began, or ended.
    pub at: Instant,
}

impl SftpFile {
    #[must_use]
    pub fn folder(&self) -> DropFolder {
        match self.state {
            ImportState::Loaded | ImportState::Undoing | ImportState::Undone => DropFolder::Done,
            ImportState::Failed | ImportState::Cancelled => DropFolder::Rejected,
            _ => DropFolder::Incoming,
        }
    }

    #[must_use]
    pub fn under_way(&self) -> bool {
        self.state == ImportState::Receiving
    }
}

/// A file that was closed, and not touched since.
#[derive(Debug, Clone, Copy)]
pub struct SettledFile {
    pub tenant: TenantId,
    pub account: SftpAccountId,
    pub id: SftpFileId,
}

/// What opening a file for writing leaves of an earlier one under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    Anew,
    GoOn,
}

fn read(mut row: Row) -> Result<SftpFile, StoreError> {
    let (name, filed_as): (String, Option<String>) = (row.take(2)?, row.take(3)?);
    let (created_at, finished_at): (Instant, Option<Instant>) = (row.take(9)?, row.take(10)?);
    Ok(SftpFile {
        id: row.take(0)?,
        import: row.take(1)?,
        name: filed_as.unwrap_or(name),
        state: row.word(4)?,
        bytes: row.take(5)?,
        whole: row.take::<Option<Instant>>(6)?.is_some(),
        file_removed: row.take(7)?,
        result_removed: row.take(8)?,
        at: finished_at.unwrap_or(created_at),
    })
}

impl Store {
    /// Every tenant's files that were closed before this and wait for nothing else.
    pub async fn settled_sftp_files(&self, before: Instant) -> Result<Vec<SettledFile>, StoreError> {
        let select = sql!("SELECT tenant_id, account_id, id FROM sftp_file WHERE filed_as IS NULL AND held = 0 AND closed_at <= $1 ORDER BY +id LIMIT 100");
        let rows = self.db().query(select, &params![before]).await?;
        rows.into_iter().map(|mut row| Ok(SettledFile { tenant: row.take(0)?, account: row.take(1)?, id: row.take(2)? })).collect()
    }
}

const FULL: &str = "as much waits to be loaded as this account may send: have the columns confirmed in the portal, or delete a file";

/// What waits of an account: bytes and files; what stands in `except` does not count.
async fn waiting(tx: &mut Tx, account: SftpAccountId, except: Option<ImportId>) -> Result<(i64, i64), StoreError> {
    let select = sql!(
        "SELECT CAST(COALESCE(SUM(i.file_bytes), 0) AS BIGINT), COUNT(*) FROM sftp_file f JOIN import i ON i.id = f.import_id
         WHERE f.account_id = $1 AND i.state IN ('receiving', 'received', 'awaiting_mapping', 'awaiting_repeat', 'ready', 'loading') AND i.id <> $2"
    );
    let mut row = tx.query_first(select, &params![account, except.map_or(0, |import| import.0)]).await?.ok_or(StoreError::NotFound("SFTP account"))?;
    Ok((row.take(0)?, row.take(1)?))
}

/// Bytes that the account may still send.
async fn room(tx: &mut Tx, account: SftpAccountId, except: Option<ImportId>, waiting_bytes_max: i64) -> Result<i64, StoreError> {
    let (bytes, files) = waiting(tx, account, except).await?;
    if files >= WAITING_FILES_MAX {
        return Err(StoreError::Conflict(format!("{files} files wait already: have their columns confirmed in the portal, or delete some")));
    }
    match waiting_bytes_max - bytes {
        room if room > 0 => Ok(room.min(IMPORT_BYTES_MAX)),
        _ => Err(StoreError::Conflict(FULL.into())),
    }
}

/// Writes down how long a file under way has become, unless all that waits of the account would then be more than it may send. The
/// account's row is held for it: of several uploads at once, each sees what the others have written.
pub(super) async fn grow(tx: &mut Tx, account: SftpAccountId, import: ImportId, bytes: i64) -> Result<(), StoreError> {
    let hold = sql!("UPDATE sftp_account SET enabled = enabled WHERE id = $1 RETURNING waiting_bytes_max");
    let most: i64 = tx.query_first(hold, &params![account]).await?.ok_or(StoreError::NotFound("SFTP account"))?.take(0)?;
    let (others, _) = waiting(tx, account, Some(import)).await?;
    if others + bytes > most {
        return Err(StoreError::Conflict(FULL.into()));
    }
    tx.execute(sql!("UPDATE import SET file_bytes = $2 WHERE id = $1 AND state = 'receiving'"), &params![import, bytes]).await?;
    Ok(())
}

impl Tenant {
    /// The account's files, the newest first.
    pub async fn sftp_files(&self, account: SftpAccountId) -> Result<Vec<SftpFile>, StoreError> {
        self.sftp_files_like(account, "").await
    }

    /// Its files that are called so, one in each state at most.
    pub async fn sftp_files_named(&self, account: SftpAccountId, name: &str) -> Result<Vec<SftpFile>, StoreError> {
        self.sftp_files_like(account, name).await
    }

    async fn sftp_files_like(&self, account: SftpAccountId, name: &str) -> Result<Vec<SftpFile>, StoreError> {
        let select = sql!(
            "SELECT f.id, f.import_id, f.name, f.filed_as, i.state, i.file_bytes, f.closed_at, f.file_removed, f.result_removed, f.created_at, i.finished_at
             FROM sftp_file f JOIN import i ON i.id = f.import_id
             WHERE f.tenant_id = $1 AND f.account_id = $2 AND ($3 = '' OR f.filed_as = $3 OR (f.filed_as IS NULL AND f.name = $3)) ORDER BY f.id DESC LIMIT $4"
        );
        self.db().query(select, &params![self.id, account, name, LISTED_MAX]).await?.into_iter().map(read).collect()
    }

    async fn under_way(&self, account: SftpAccountId, name: &str) -> Result<Option<SftpFile>, StoreError> {
        Ok(self.sftp_files_like(account, name).await?.into_iter().find(SftpFile::under_way))
    }

    /// Opens a file for writing, within what the account may still send.
    pub async fn open_sftp_file(&self, account: SftpAccountId, name: &str, begin: Begin, now: Instant) -> Result<(SftpFileId, Upload), StoreError> {
        let earlier = self.under_way(account, name).await?;
        let mut tx = self.db().begin().await?;
        // The account's row is held: of several files that begin at once, each counts those before it.
        let hold = sql!("UPDATE sftp_account SET enabled = enabled WHERE tenant_id = $1 AND id = $2 AND enabled = 1 RETURNING list_id, reuse_mapping, waiting_bytes_max, day_files_max");
        let mut row = tx.query_first(hold, &params![self.id, account]).await?.ok_or(StoreError::NotFound("SFTP account"))?;
        let (list, reuse_mapping): (Option<ListId>, bool) = (row.take(0)?, row.take(1)?);
        let room = room(&mut tx, account, earlier.as_ref().map(|file| file.import), row.take(2)?).await?;
        if let (Some(earlier), Begin::GoOn) = (&earlier, begin) {
            let update = sql!("UPDATE sftp_file SET closed_at = NULL WHERE tenant_id = $1 AND id = $2 AND filed_as IS NULL");
            if tx.execute(update, &params![self.id, earlier.id]).await? == 0 {
                return Err(StoreError::Conflict("this file was just taken as whole: send what is to come as a file of its own".into()));
            }
            tx.commit().await?;
            return Ok((earlier.id, self.resume_upload(earlier.import, room).await?.within(account)));
        }
        self.check_day(&mut tx, now, row.take(3)?).await?;
        if let Some(earlier) = earlier {
            remove_upload(&mut tx, earlier.import).await?;
        }
        let new = NewImport { list, reuse_mapping, bytes_max: room, ..NewImport::new(ImportSource::Sftp, name) };
        let upload = self.begin_in(&mut tx, &new, now).await?;
        let id = SftpFileId(self.store.next_id(now));
        let insert = sql!("INSERT INTO sftp_file (id, tenant_id, account_id, import_id, name, held, file_removed, result_removed, created_at) VALUES ($1, $2, $3, $4, $5, 1, 0, 0, $6)");
        match tx.execute(insert, &params![id, self.id, account, upload.id(), name, now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("a file of this name is being sent: end that first".into())),
            other => other?,
        };
        tx.commit().await?;
        Ok((id, upload.within(account)))
    }

    async fn check_day(&self, tx: &mut Tx, now: Instant, day_files_max: i64) -> Result<(), StoreError> {
        let select = sql!("SELECT COUNT(*) FROM import WHERE tenant_id = $1 AND created_by = $2 AND created_at > $3");
        let mut row = tx.query_first(select, &params![self.id, self.actor.to_string(), now.plus_ms(-DAY_MS)]).await?.ok_or(StoreError::NotFound("SFTP account"))?;
        if row.take::<i64>(0)? >= day_files_max {
            return Err(StoreError::Conflict(format!("this account may send {day_files_max} files within 24 hours: try again later, or send fewer, larger ones")));
        }
        Ok(())
    }

    /// Keeps what came of a file: closed in order it is whole, cut off it is not.
    pub async fn close_sftp_file(&self, id: SftpFileId, upload: Upload, whole: bool, now: Instant) -> Result<(), StoreError> {
        upload.pause().await?;
        if whole {
            let select = sql!("SELECT f.name, a.rename_only FROM sftp_file f JOIN sftp_account a ON a.id = f.account_id WHERE f.tenant_id = $1 AND f.id = $2");
            let mut row = self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("file"))?;
            let held = is_temporary(&row.take::<String>(0)?) || row.take(1)?;
            let update = sql!("UPDATE sftp_file SET closed_at = $3, held = $4 WHERE tenant_id = $1 AND id = $2 AND filed_as IS NULL");
            self.db().execute(update, &params![self.id, id, now, held]).await?;
        }
        Ok(())
    }

    /// Gives another name to a file under way. Under a name that is not temporary it is taken at once.
    pub async fn rename_sftp_file(&self, account: SftpAccountId, from: &str, to: &str, now: Instant) -> Result<(), StoreError> {
        let file = self.under_way(account, from).await?.ok_or(StoreError::NotFound("file"))?;
        let takes = !is_temporary(to);
        if takes && !file.whole {
            return Err(StoreError::Conflict("this file was not sent to its end: go on with it, or send it again".into()));
        }
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE sftp_file SET name = $3, held = 1 WHERE tenant_id = $1 AND id = $2 AND filed_as IS NULL");
        match tx.execute(update, &params![self.id, file.id, to]).await {
            Ok(0) => return Err(StoreError::NotFound("file")),
            Err(DbError::Unique) => return Err(StoreError::Conflict("a file of this name is being sent: delete it first, or choose another name".into())),
            other => other?,
        };
        tx.execute(sql!("UPDATE import SET file_name = $3 WHERE tenant_id = $1 AND id = $2"), &params![self.id, file.import, to]).await?;
        if takes {
            self.take_in(&mut tx, account, file.id, file.import, to, now).await?;
        }
        tx.commit().await?;
        if takes {
            self.store.signals().raise(Signal::Intake);
        }
        Ok(())
    }

    /// Takes a file that was left alone long enough. One without a byte is removed.
    pub async fn take_settled(&self, settled: &SettledFile, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let select = sql!(
            "SELECT f.name, f.import_id, i.file_bytes FROM sftp_file f JOIN import i ON i.id = f.import_id
             WHERE f.tenant_id = $1 AND f.id = $2 AND f.filed_as IS NULL AND f.held = 0 AND f.closed_at IS NOT NULL AND i.state = 'receiving'"
        );
        let Some(mut row) = tx.query_first(select, &params![self.id, settled.id]).await? else { return Ok(()) };
        let (name, import): (String, ImportId) = (row.take(0)?, row.take(1)?);
        if row.take::<i64>(2)? == 0 {
            remove_upload(&mut tx, import).await?;
        } else {
            self.take_in(&mut tx, settled.account, settled.id, import, &name, now).await?;
        }
        tx.commit().await?;
        self.store.signals().raise(Signal::Intake);
        Ok(())
    }

    /// From here on a worker has it. Refused when somebody goes on writing to it meanwhile: the row decides, and going on asks it too. Its name is from now on its own among those of the account.
    async fn take_in(&self, tx: &mut Tx, account: SftpAccountId, id: SftpFileId, import: ImportId, name: &str, now: Instant) -> Result<(), StoreError> {
        self.finish_in(tx, import, false).await?;
        let taken = sql!("SELECT id FROM sftp_file WHERE account_id = $1 AND filed_as = $2");
        let stamp: String = now.rfc3339().chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
        let mut filed_as = name.to_owned();
        for mark in [stamp, id.to_string()] {
            if tx.query_first(taken, &params![account, filed_as.as_str()]).await?.is_none() {
                break;
            }
            filed_as = told_apart(name, &mark);
        }
        let update = sql!("UPDATE sftp_file SET filed_as = $3 WHERE tenant_id = $1 AND id = $2 AND filed_as IS NULL AND closed_at IS NOT NULL");
        if tx.execute(update, &params![self.id, id, filed_as]).await? == 0 {
            return Err(StoreError::Conflict("this file is being gone on with: wait until it was sent to its end".into()));
        }
        Ok(())
    }

    /// Deletes a file from where it is shown: one under way for good, one that waits by cancelling it, the stored file of one
    /// that was loaded. What was loaded of it stays.
    pub async fn remove_sftp_file(&self, file: &SftpFile, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        match file.state {
            ImportState::Receiving => remove_upload(&mut tx, file.import).await?,
            ImportState::Received | ImportState::AwaitingMapping | ImportState::AwaitingRepeat | ImportState::Ready => {
                drop(tx);
                self.cancel_import(file.import, now).await?;
                return Ok(self.db().execute(sql!("DELETE FROM sftp_file WHERE tenant_id = $1 AND id = $2"), &params![self.id, file.id]).await.map(|_| ())?);
            }
            ImportState::Loading => return Err(StoreError::Conflict("this file is being loaded: wait until it is in done/".into())),
            ImportState::Loaded | ImportState::Undoing | ImportState::Undone | ImportState::Failed | ImportState::Cancelled => {
                self.drop_import_file(&mut tx, file.import).await?;
                self.show_no_more(&mut tx, file.id, sql!("UPDATE sftp_file SET file_removed = 1 WHERE tenant_id = $1 AND id = $2")).await?;
            }
        }
        self.audit(&mut tx, now, Act::Deleted, "import", file.import.0, "the file, by SFTP").await?;
        Ok(tx.commit().await?)
    }

    /// What stands beside a file, as it was first shown.
    pub async fn sftp_result(&self, file: &SftpFile) -> Result<Option<String>, StoreError> {
        let select = sql!("SELECT r.body FROM sftp_result r JOIN sftp_file f ON f.id = r.file_id WHERE f.tenant_id = $1 AND f.id = $2");
        Ok(self.db().query_first(select, &params![self.id, file.id]).await?.map(|mut row| row.take(0)).transpose()?)
    }

    /// Keeps what stands beside a file that is over, so that every listing knows its length. The first word counts.
    pub async fn keep_sftp_result(&self, file: &SftpFile, body: &str) -> Result<(), StoreError> {
        let insert = sql!("INSERT INTO sftp_result (file_id, body, bytes) SELECT f.id, $3, $4 FROM sftp_file f WHERE f.tenant_id = $1 AND f.id = $2 ON CONFLICT (file_id) DO NOTHING");
        self.db().execute(insert, &params![self.id, file.id, body, body.len() as i64]).await?;
        Ok(())
    }

    /// The lengths of the results of an account's files, of those that were shown before.
    pub async fn sftp_result_lengths(&self, account: SftpAccountId) -> Result<HashMap<SftpFileId, i64>, StoreError> {
        let select = sql!("SELECT r.file_id, r.bytes FROM sftp_result r JOIN sftp_file f ON f.id = r.file_id WHERE f.tenant_id = $1 AND f.account_id = $2");
        self.db().query(select, &params![self.id, account]).await?.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
    }

    /// Deletes the result from its folder; the import keeps it.
    pub async fn remove_sftp_result(&self, file: &SftpFile) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.show_no_more(&mut tx, file.id, sql!("UPDATE sftp_file SET result_removed = 1 WHERE tenant_id = $1 AND id = $2")).await?;
        Ok(tx.commit().await?)
    }

    async fn show_no_more(&self, tx: &mut Tx, id: SftpFileId, update: &'static crate::db::Statement) -> Result<(), StoreError> {
        tx.execute(update, &params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM sftp_result WHERE file_id IN (SELECT id FROM sftp_file WHERE tenant_id = $1 AND id = $2 AND result_removed = 1)"), &params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM sftp_file WHERE tenant_id = $1 AND id = $2 AND file_removed = 1 AND result_removed = 1"), &params![self.id, id]).await?;
        Ok(())
    }
}
