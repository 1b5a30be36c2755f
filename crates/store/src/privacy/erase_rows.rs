//! The statements of an erasure, a kind of record each.

use clarion_domain::id::ContactId;
use clarion_domain::time::Instant;

use super::erase::{ErasureCount, counted};
use super::subject::Subject;
use crate::db::{Tx, sql};
use crate::params;
use crate::seal::random_bytes;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// What hangs on the person's contacts. The emptied rows stay, so that what was counted still adds up.
    pub(super) async fn erase_contacts(&self, tx: &mut Tx, subject: &Subject, now: Instant) -> Result<Vec<ErasureCount>, StoreError> {
        let (mut contacts, mut numbers, mut messages, mut links, mut recordings, mut lists, mut consents, mut holds, mut wishes, mut results) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        for contact in &subject.contacts {
            let both = params![self.id, *contact];
            lists += tx.execute(sql!("DELETE FROM list_member WHERE contact_id IN (SELECT id FROM contact WHERE tenant_id = $1 AND id = $2)"), &both).await?;
            consents += tx.execute(sql!("DELETE FROM consent WHERE +tenant_id = $1 AND contact_id = $2"), &both).await?;
            holds += tx.execute(sql!("DELETE FROM hold WHERE +tenant_id = $1 AND contact_id = $2"), &both).await?;
            wishes += tx.execute(sql!("DELETE FROM preference WHERE +tenant_id = $1 AND contact_id = $2"), &both).await?;
            messages += tx.execute(sql!("UPDATE attempt SET sealed_body = NULL, carrier_message_id = '' WHERE tenant_id = $1 AND contact_id = $2"), &both).await?;
            links += tx.execute(sql!("DELETE FROM short_link WHERE +tenant_id = $1 AND contact_id = $2"), &both).await?;
            recordings += self.erase_recordings(tx, *contact, now).await?;
            results += self.erase_exports_with(tx, *contact).await?;
            self.empty_replies_of(tx, *contact).await?;
            // Only one that an old backup brought back: a standing one has refused the erasure.
            tx.execute(sql!("DELETE FROM legal_hold WHERE +tenant_id = $1 AND contact_id = $2"), &both).await?;
            let empty = sql!(
                "UPDATE address SET number_index = NULL, tail_index = NULL, sealed_number = NULL, line_type = 'unknown', region = '', zones = ''
                 WHERE +tenant_id = $1 AND contact_id = $2 AND number_index IS NOT NULL"
            );
            numbers += tx.execute(empty, &both).await?;
            let empty = sql!(
                "UPDATE contact SET wrapped_key = NULL, sealed_profile = NULL, reference_index = NULL, head_index = NULL, import_id = NULL, import_line = NULL, updated_at = $3, erased_at = $3
                 WHERE tenant_id = $1 AND id = $2 AND erased_at IS NULL"
            );
            contacts += tx.execute(empty, &params![self.id, *contact, now]).await?;
        }
        Ok(vec![
            counted("contacts emptied", contacts),
            counted("numbers removed", numbers),
            counted("messages emptied", messages),
            counted("short links removed", links),
            counted("recordings of calls removed", recordings),
            counted("list entries removed", lists),
            counted("consents removed", consents),
            counted("holds removed", holds),
            counted("wishes removed", wishes),
            counted("files of results removed", results),
        ])
    }

    /// Files of results in which the person may stand: their key and their bytes go. One that is still to be sent is written anew
    /// without them: it is the others' too.
    async fn erase_exports_with(&self, tx: &mut Tx, contact: ContactId) -> Result<u64, StoreError> {
        let both = params![self.id, contact];
        let chunks = sql!(
            "DELETE FROM export_chunk WHERE file_id IN (SELECT id FROM export_file WHERE tenant_id = $1 AND wrapped_key IS NOT NULL
                AND campaign_id IN (SELECT campaign_id FROM recipient WHERE contact_id = $2))"
        );
        tx.execute(chunks, &both).await?;
        let files = sql!(
            "UPDATE export_file SET wrapped_key = NULL, rows_written = 0, bytes_written = 0, state = CASE WHEN state = 'waiting' THEN 'waiting' ELSE 'removed' END, last_error = 'a person was erased' WHERE tenant_id = $1 AND wrapped_key IS NOT NULL
                AND campaign_id IN (SELECT campaign_id FROM recipient WHERE contact_id = $2)"
        );
        Ok(tx.execute(files, &both).await?)
    }

    /// Recordings of the person, also one that runs: it is ended first, so that whoever writes it finds it over and stops.
    async fn erase_recordings(&self, tx: &mut Tx, contact: ContactId, now: Instant) -> Result<u64, StoreError> {
        let end = sql!("UPDATE recording SET ended_at = COALESCE(ended_at, $3), ended_by = 'erased' WHERE tenant_id = $1 AND contact_id = $2");
        tx.execute(end, &params![self.id, contact, now]).await?;
        let both = params![self.id, contact];
        tx.execute(sql!("DELETE FROM recording_chunk WHERE recording_id IN (SELECT id FROM recording WHERE tenant_id = $1 AND contact_id = $2)"), &both).await?;
        Ok(tx.execute(sql!("DELETE FROM recording WHERE tenant_id = $1 AND contact_id = $2"), &both).await?)
    }

    /// Replies that name the contact lose what was sealed with the person's key.
    pub(super) async fn empty_replies_of(&self, tx: &mut Tx, contact: ContactId) -> Result<u64, StoreError> {
        let empty = sql!("UPDATE reply SET sealed_number = NULL, sealed_body = NULL WHERE tenant_id = $1 AND contact_id = $2");
        Ok(tx.execute(empty, &params![self.id, contact]).await?)
    }

    /// What is found by the person's numbers, contact or not.
    pub(super) async fn erase_by_number(&self, tx: &mut Tx, subject: &Subject) -> Result<Vec<ErasureCount>, StoreError> {
        let (mut replies, mut notices, mut stops, mut marks) = (0, 0, 0, 0);
        for index in &subject.number_indexes {
            let both = params![self.id, *index];
            for mut row in tx.query(sql!("SELECT id FROM reply WHERE tenant_id = $1 AND number_index = $2"), &both).await? {
                let empty = sql!("UPDATE reply SET contact_id = NULL, number_index = $1, sealed_number = NULL, sealed_body = NULL, dedupe = $2 WHERE id = $3");
                replies += tx.execute(empty, &params![Vec::new(), random_bytes::<16>()?, row.take::<i64>(0)?]).await?;
            }
            notices += tx.execute(sql!("DELETE FROM notice WHERE tenant_id = $1 AND number_index = $2"), &both).await?;
            marks += tx.execute(sql!("DELETE FROM call_mark WHERE tenant_id = $1 AND number_index = $2"), &both).await?;
            stops += tx.execute(sql!("DELETE FROM suppression WHERE tenant_id = $1 AND number_index = $2 AND reason <> 'erased'"), &both).await?;
        }
        let parts = self.erase_parts(tx, subject).await?;
        // An answer kept for a repeated request may hold anybody. That the request was done stays known: it must not be done again.
        let answers = tx.execute(sql!("UPDATE idempotency_key SET sealed_answer = NULL WHERE tenant_id = $1 AND sealed_answer IS NOT NULL"), &params![self.id]).await?;
        Ok(vec![
            counted("replies emptied", replies),
            counted("parts of replies removed", parts),
            counted("other messages removed", notices),
            counted("suppressions replaced by the tombstone", stops),
            counted("marks of calls removed", marks),
            counted("kept answers of the API emptied", answers),
        ])
    }

    /// Parts of a long reply that wait for the others hold the number inside.
    async fn erase_parts(&self, tx: &mut Tx, subject: &Subject) -> Result<u64, StoreError> {
        let mut removed = 0;
        for mut row in tx.query(sql!("SELECT id, sealed_pdu FROM reply_part WHERE tenant_id = $1"), &params![self.id]).await? {
            let (id, sealed): (i64, Vec<u8>) = (row.take(0)?, row.take(1)?);
            let pdu = self.keys.data.open("reply_part.pdu", &sealed)?;
            let text = String::from_utf8_lossy(&pdu);
            let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| digits.len() >= 5);
            let theirs = numbers.map(|digits| self.number_index(&format!("+{digits}"))).any(|index| subject.number_indexes.contains(&index));
            if theirs {
                removed += tx.execute(sql!("DELETE FROM reply_part WHERE id = $1"), &params![id]).await?;
            }
        }
        Ok(removed)
    }
}
