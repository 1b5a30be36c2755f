//! The ledger of erasures: a file beside the keyring that says who was erased, by keyed hash. A restored backup of the
//! database brings erased people back; the ledger does not go back with it, and by it they are erased again.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clarion_domain::id::{ContactId, TenantId};
use clarion_domain::privacy::subject_request::SubjectRequestKind;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;

use super::erase::as_json;
use super::subject::Subject;
use crate::db::sql;
use crate::params;
use crate::seal::{hex, unhex};
use crate::store::{Store, StoreError, Tenant};

/// One person erased: `tenant number_index erased_at`, a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub tenant: TenantId,
    pub number_index: [u8; 16],
    pub erased_at: Instant,
}

impl Entry {
    fn line(&self) -> String {
        format!("{} {} {}\n", self.tenant.0, hex(&self.number_index), self.erased_at.ms())
    }

    /// `None` for a line that a crash cut short: the database still holds its erasure and it is written again.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let tenant = TenantId(words.next()?.parse().ok()?);
        let number_index = unhex(words.next()?)?;
        let erased_at = Instant(words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { tenant, number_index, erased_at })
    }
}

/// Where the ledger of this keyring lies.
#[must_use]
pub fn ledger_path(keyring: &Path) -> PathBuf {
    let mut name = keyring.file_name().unwrap_or_default().to_owned();
    name.push(".erasures");
    keyring.with_file_name(name)
}

fn fault(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Conflict(format!("the ledger of erasures {} cannot be used: {error}", path.display()))
}

fn read_ledger(path: &Path) -> Result<Vec<Entry>, StoreError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(Entry::read).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(fault(path, &error)),
    }
}

/// One write for all lines: processes that append at the same moment do not mix theirs.
fn append(path: &Path, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        // The line that a crash cut short must not take the next one with it.
        let lines: String = std::iter::once("\n".to_owned()).chain(entries.iter().map(Entry::line)).collect();
        file.write_all(lines.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| fault(path, &error))
}

impl Store {
    pub(crate) fn note_erasures(&self, entries: &[Entry]) -> Result<(), StoreError> {
        append(&ledger_path(self.keyring().path()), entries)
    }

    /// Brings database and ledger together, before anything is sent: whoever the ledger alone knows is erased again, and
    /// what the database alone knows is written to the ledger. Returns how many were erased again.
    pub async fn reconcile_erasures(&self, now: Instant) -> Result<usize, StoreError> {
        let path = ledger_path(self.keyring().path());
        let noted: HashSet<Entry> = read_ledger(&path)?.into_iter().collect();
        let mut held = HashSet::new();
        for mut row in self.db().query(sql!("SELECT tenant_id, number_index, erased_at FROM erasure"), &[]).await? {
            held.insert(Entry { tenant: row.take(0)?, number_index: row.take(1)?, erased_at: row.take(2)? });
        }
        let missing: Vec<Entry> = held.difference(&noted).copied().collect();
        append(&path, &missing)?;
        let mut again: Vec<Entry> = noted.difference(&held).copied().collect();
        again.sort_unstable_by_key(|entry| entry.erased_at);
        let mut count = 0;
        for entry in again {
            match self.tenant(entry.tenant, Actor::System).await {
                Ok(tenant) => {
                    tenant.erase_again(&entry, now).await?;
                    count += 1;
                }
                // The backup is older than the tenant: nothing of its people is in it.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if count > 0 {
            self.db().truncate_log().await?;
            tracing::warn!(count, "a restored backup held people who had been erased: they were erased again");
        }
        Ok(count)
    }
}

impl Tenant {
    /// A legal hold does not stop it: it was lifted before the erasure that the ledger tells of.
    async fn erase_again(&self, entry: &Entry, now: Instant) -> Result<(), StoreError> {
        // Nobody is kept waiting for long at a start, and whoever loads the person while they are looked for would keep them.
        let mut tx = self.db().begin().await?;
        self.lock_contacts(&mut tx).await?;
        let select = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2");
        let contacts: Vec<ContactId> =
            tx.query(select, &params![self.id, entry.number_index]).await?.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
        let mut subject = Subject { contacts, typed: None, number_indexes: vec![entry.number_index] };
        self.add_numbers(&mut subject).await?;
        let files = self.files_with(&subject).await?;
        let counts = self.erase_rows(&mut tx, &subject, &files, now).await?;
        self.keep_tombstones(&mut tx, &subject, &counts, entry.erased_at).await?;
        self.keep_request(&mut tx, SubjectRequestKind::Erasure, &subject, &as_json(&counts)?, now).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_short_is_passed_over_and_takes_no_other_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring.erasures");
        let entry = |number| Entry { tenant: TenantId(7), number_index: [number; 16], erased_at: Instant(1_795_435_200_000) };
        append(&path, &[entry(1)]).expect("written");
        let mut text = std::fs::read_to_string(&path).expect("a file");
        text.push_str(&entry(2).line()[..30]);
        std::fs::write(&path, text).expect("written");
        append(&path, &[entry(3)]).expect("written");
        assert_eq!(read_ledger(&path).expect("reads"), [entry(1), entry(3)]);
        assert_eq!(ledger_path(Path::new("keys/keyring")), Path::new("keys/keyring.erasures"));
    }
}
