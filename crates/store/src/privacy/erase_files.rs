//! The stored files that an erasure removes: those that hold the person, and those that cannot be told not to.

use clarion_domain::audit::event::Act;
use clarion_domain::id::ImportId;
use clarion_domain::intake::import::ImportState;
use clarion_domain::time::Instant;
use zeroize::Zeroizing;

use super::erase::{ErasureCount, counted};
use super::subject::Subject;
use crate::db::{Row, Tx, sql};
use crate::intake::CHUNK_LABEL;
use crate::params;
use crate::store::{StoreError, Tenant};

/// Lines refused for these reasons may hold anybody: their numbers could not be read.
const UNREADABLE: &str = "column_count_differs,line_too_long,bad_encoding,phone_unreadable,formula_cell,";
/// A spreadsheet or another archive, and what is encrypted: its text cannot be searched before it is opened.
const CLOSED_STARTS: [&[u8]; 3] = [b"PK", b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE"];
/// The end of a number that is the same however its beginning was written: `07…`, `+44 7…`, `0044…`.
const NUMBER_END_DIGITS: usize = 9;
const CANCELLED_WHY: &str = "somebody who stands in this file was erased while it waited: send it again, and they are left out";

/// A stored file that holds the person, or cannot be told not to.
pub(super) struct FileWith {
    id: ImportId,
    state: ImportState,
}

impl Tenant {
    /// Stored files with one of the person's numbers: loaded ones by the index of numbers that loading left, waiting ones
    /// by their text; and those in which anybody may stand.
    pub(super) async fn files_with(&self, subject: &Subject) -> Result<Vec<FileWith>, StoreError> {
        let wanted: Vec<[u8; 8]> = subject.number_indexes.iter().filter_map(|index| index[..8].try_into().ok()).collect();
        let ends = self.number_ends(subject).await?;
        let select = sql!(
            "SELECT id, state FROM import WHERE tenant_id = $1 AND wrapped_key IS NOT NULL
             AND state IN ('loading', 'loaded', 'received', 'awaiting_mapping', 'awaiting_repeat', 'ready')"
        );
        let mut files = Vec::new();
        for mut row in self.db().query(select, &params![self.id]).await? {
            let (id, state): (ImportId, ImportState) = (row.take(0)?, row.word(1)?);
            let holds = match state {
                ImportState::Loading => true,
                ImportState::Loaded => self.unreadable_lines(id).await? || self.file_holds(id, &wanted).await?,
                _ => self.text_holds(id, &ends).await?,
            };
            if holds {
                files.push(FileWith { id, state });
            }
        }
        Ok(files)
    }

    /// The last digits of each of the person's numbers, opened with their key while it is there.
    async fn number_ends(&self, subject: &Subject) -> Result<Vec<Zeroizing<String>>, StoreError> {
        let end = |number: &str| {
            let digits = number.trim_start_matches('+');
            Zeroizing::new(digits[digits.len().saturating_sub(NUMBER_END_DIGITS)..].to_owned())
        };
        let mut ends: Vec<_> = subject.typed.iter().map(|number| end(number.reveal())).collect();
        for contact in &subject.contacts {
            ends.extend(self.contact(*contact).await?.addresses.iter().map(|address| end(address.number.reveal())));
        }
        Ok(ends)
    }

    async fn unreadable_lines(&self, id: ImportId) -> Result<bool, StoreError> {
        let select = sql!("SELECT reason FROM import_count WHERE import_id = $1");
        let reasons: Vec<String> = self.db().query(select, &params![id]).await?.into_iter().map(|mut row: Row| row.take(0)).collect::<Result<_, _>>()?;
        Ok(reasons.iter().any(|reason| UNREADABLE.contains(&format!("{reason},"))))
    }

    pub(super) async fn file_holds(&self, id: ImportId, wanted: &[[u8; 8]]) -> Result<bool, StoreError> {
        let select = sql!("SELECT indexes FROM import_number WHERE import_id = $1 AND position = $2");
        for position in 0.. {
            let Some(mut row) = self.db().query_first(select, &params![id, position]).await? else { break };
            let indexes: Vec<u8> = row.take(0)?;
            if indexes.chunks_exact(8).any(|index| wanted.iter().any(|wanted| wanted == index)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file that was not loaded yet holds one of these ends of numbers, or cannot be looked into.
    async fn text_holds(&self, id: ImportId, ends: &[Zeroizing<String>]) -> Result<bool, StoreError> {
        let select = sql!("SELECT wrapped_key FROM import WHERE tenant_id = $1 AND id = $2");
        let wrapped: Option<Vec<u8>> = match self.db().query_first(select, &params![self.id, id]).await? {
            Some(mut row) => row.take(0)?,
            None => None,
        };
        let Some(wrapped) = wrapped else { return Ok(false) };
        let key = self.store.keyring().unwrap(&wrapped)?;
        let select = sql!("SELECT sealed FROM import_chunk WHERE import_id = $1 AND position = $2");
        let mut search = DigitSearch::default();
        for position in 0.. {
            let Some(mut row) = self.db().query_first(select, &params![id, position]).await? else { break };
            let plain = key.open(CHUNK_LABEL, &row.take::<Vec<u8>>(0)?)?;
            if position == 0 && CLOSED_STARTS.iter().any(|start| plain.trim_ascii_start().starts_with(start)) || search.finds(&plain, ends) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn erase_files(&self, tx: &mut Tx, files: &[FileWith], now: Instant) -> Result<Vec<ErasureCount>, StoreError> {
        let (mut removed, mut later, mut cancelled) = (0, 0, 0);
        for file in files {
            match file.state {
                ImportState::Loading => later += tx.execute(sql!("UPDATE import SET drop_file = 1 WHERE tenant_id = $1 AND id = $2"), &params![self.id, file.id]).await?,
                ImportState::Loaded => {
                    self.drop_import_file(tx, file.id).await?;
                    removed += 1;
                }
                // One that a worker began to load since goes at the end of it.
                _ => match self.cancel_waiting(tx, file.id, now).await? {
                    0 => later += tx.execute(sql!("UPDATE import SET drop_file = 1 WHERE tenant_id = $1 AND id = $2 AND state = 'loading'"), &params![self.id, file.id]).await?,
                    cut => cancelled += cut,
                },
            }
        }
        Ok(vec![
            counted("stored files removed whole", removed),
            counted("files being loaded that go at the end of it", later),
            counted("files that waited to be loaded, removed: send them again", cancelled),
        ])
    }

    async fn cancel_waiting(&self, tx: &mut Tx, id: ImportId, now: Instant) -> Result<u64, StoreError> {
        let update = sql!(
            "UPDATE import SET state = 'cancelled', error = $1, finished_at = $2 WHERE tenant_id = $3 AND id = $4
             AND state IN ('received', 'awaiting_mapping', 'awaiting_repeat', 'ready')"
        );
        let cut = tx.execute(update, &params![CANCELLED_WHY, now, self.id, id]).await?;
        if cut > 0 {
            self.drop_import_file(tx, id).await?;
            self.audit(tx, now, Act::Cancelled, "import", id.0, "an erasure").await?;
        }
        Ok(cut)
    }
}

/// Looks for digits in text that comes in pieces, whatever people put between them.
#[derive(Default)]
struct DigitSearch {
    /// The end of what came before: a number may lie across two pieces.
    kept: Zeroizing<String>,
}

impl DigitSearch {
    fn finds(&mut self, piece: &[u8], ends: &[Zeroizing<String>]) -> bool {
        for byte in piece {
            match byte {
                b'0'..=b'9' => self.kept.push(char::from(*byte)),
                // A zero byte is half of a UTF-16 digit; the last two begin and end a hard space.
                0 | b' ' | b'(' | b')' | b'-' | b'.' | b'/' | 0xa0 | 0xc2 => {}
                _ if self.kept.ends_with(',') => {}
                _ => self.kept.push(','),
            }
        }
        let found = ends.iter().any(|end| self.kept.contains(end.as_str()));
        let keep_from = self.kept.len().saturating_sub(2 * NUMBER_END_DIGITS);
        self.kept.drain(..keep_from);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> bool {
        let mut search = DigitSearch::default();
        let ends = [Zeroizing::new("700900123".to_owned())];
        pieces.iter().any(|piece| search.finds(piece, &ends))
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_wherever_the_file_was_cut() {
        assert!(found(&[b"phone\n07700 900123\n"]));
        assert!(found(&[b"+44 (0)7700-900.123"]));
        assert!(found(&[b"name;0770", b"0 900", b"123;Ada"]));
        assert!(found(&["7\u{a0}7\u{a0}00900123".as_bytes()]));
        let wide: Vec<u8> = "07700900123".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(found(&[&wide[..7], &wide[7..]]));
        assert!(!found(&[b"07700 900124,07700,900123"]));
        assert!(!found(&[b"", b"nothing"]));
    }
}
