//! What the sweep does to people: after their last campaign or, if they were in none, after their last load, they go;
//! declared fields go earlier when their own retention says so.

use clarion_domain::id::ContactId;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, Instant};

use super::sweep::{Find, SWEEP_BATCH, SweepCount, Target};
use crate::contacts::PROFILE_LABEL;
use crate::db::{Params, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

impl Tenant {
    pub(super) async fn sweep_contacts(&self, before: Instant, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        let mut counts = vec![self.sweep_unused(before, now).await?, self.sweep_profiles(before, now).await?];
        for field in self.declared_fields().await? {
            counts.push(self.sweep_field(&field.name, now.plus_ms(-field.retention_days * DAY_MS), now).await?);
        }
        Ok(counts)
    }

    /// People whom nothing needs any more. A legal hold, a pause in force, a consent on record, a recording that is kept, a campaign
    /// not over or about to begin keeps them: who was recorded must be found as long as the recording, to hear it or have it erased. What was sealed with their key goes with it.
    async fn sweep_unused(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let find = sql!(
            "SELECT c.id FROM contact c WHERE c.tenant_id = $1 AND c.id > $2 AND c.updated_at < $3
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.id)
             AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.contact_id = c.id AND h.lifted_at IS NULL AND (h.until_at IS NULL OR h.until_at > $4))
             AND NOT EXISTS (SELECT 1 FROM consent s WHERE s.contact_id = c.id)
             AND NOT EXISTS (SELECT 1 FROM recording g WHERE g.contact_id = c.id)
             AND NOT EXISTS (SELECT 1 FROM recipient r JOIN campaign p ON p.id = r.campaign_id WHERE r.contact_id = c.id AND (p.finished_at IS NULL OR p.finished_at >= $3))
             AND NOT EXISTS (SELECT 1 FROM list_member m JOIN campaign p ON p.list_id = m.list_id
                WHERE m.contact_id = c.id AND p.state IN ('scheduled', 'starting', 'running', 'paused'))
             ORDER BY c.id LIMIT $5"
        );
        let values = |after: i64| -> Params { params![self.id, after, before, now, SWEEP_BATCH] };
        let acts = [
            sql!("DELETE FROM list_member WHERE contact_id = $1"),
            sql!("DELETE FROM preference WHERE contact_id = $1"),
            sql!("DELETE FROM hold WHERE contact_id = $1"),
            sql!("UPDATE attempt SET sealed_body = NULL WHERE contact_id = $1 AND sealed_body IS NOT NULL"),
            sql!("UPDATE reply SET sealed_number = NULL, sealed_body = NULL WHERE contact_id = $1"),
            sql!("DELETE FROM address WHERE contact_id = $1"),
            sql!("DELETE FROM contact WHERE id = $1"),
        ];
        let target = Target { class: RecordClass::ContactRow, source: "contact" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await
    }

    /// Of people kept only because a consent is on record or a recording is kept, nothing but the number and that record stays.
    async fn sweep_profiles(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let find = sql!(
            "SELECT c.id FROM contact c WHERE c.tenant_id = $1 AND c.id > $2 AND c.updated_at < $3 AND c.sealed_profile IS NOT NULL
             AND (EXISTS (SELECT 1 FROM consent s WHERE s.contact_id = c.id) OR EXISTS (SELECT 1 FROM recording g WHERE g.contact_id = c.id))
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.id)
             AND NOT EXISTS (SELECT 1 FROM recipient r JOIN campaign p ON p.id = r.campaign_id WHERE r.contact_id = c.id AND (p.finished_at IS NULL OR p.finished_at >= $3))
             AND NOT EXISTS (SELECT 1 FROM list_member m JOIN campaign p ON p.list_id = m.list_id
                WHERE m.contact_id = c.id AND p.state IN ('scheduled', 'starting', 'running', 'paused'))
             ORDER BY c.id LIMIT $4"
        );
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let acts = [sql!("DELETE FROM list_member WHERE contact_id = $1"), sql!("UPDATE contact SET sealed_profile = NULL WHERE id = $1")];
        let target = Target { class: RecordClass::ContactRow, source: "contact profile" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await
    }

    /// One declared field of people last loaded before its own clock ran out; each is looked at once, by the moment up
    /// to which the last sweep looked.
    async fn sweep_field(&self, name: &str, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let source = format!("declared field {name}");
        let through = sql!("SELECT CAST(COALESCE(MAX(through_id), 0) AS BIGINT) FROM sweep WHERE tenant_id = $1 AND source = $2");
        let since: i64 = match self.db().query_first(through, &params![self.id, source.as_str()]).await? {
            Some(mut row) => row.take(0)?,
            None => 0,
        };
        let find = sql!(
            "SELECT c.id FROM contact c WHERE c.tenant_id = $1 AND c.id > $2 AND c.updated_at >= $3 AND c.updated_at < $4 AND c.sealed_profile IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.id) ORDER BY c.id LIMIT $5"
        );
        let target = Target { class: RecordClass::ContactRow, source: &source };
        let (mut after, mut count) = (0i64, 0);
        loop {
            let mut tx = self.db().begin().await?;
            self.lock_contacts(&mut tx).await?;
            let rows = tx.query(find, &params![self.id, after, since, before, SWEEP_BATCH]).await?;
            let ids: Vec<ContactId> = rows.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
            let Some(last) = ids.last() else {
                if after > 0 {
                    self.keep_evidence(&mut tx, target, &[], before.ms(), now).await?;
                    tx.commit().await?;
                }
                return Ok(target.count(count));
            };
            after = last.0;
            let cleared = self.clear_field(&mut tx, name, &ids).await?;
            if !cleared.is_empty() {
                self.keep_evidence(&mut tx, target, &cleared, since, now).await?;
            }
            tx.commit().await?;
            count += cleared.len() as i64;
        }
    }

    async fn clear_field(&self, tx: &mut Tx, name: &str, ids: &[ContactId]) -> Result<Vec<i64>, StoreError> {
        let (mut changes, mut cleared): (Vec<Params>, Vec<i64>) = (Vec::new(), Vec::new());
        for mut opened in self.open_contacts(tx, ids).await? {
            if opened.profile.fields.remove(name).is_some() {
                let plain = serde_json::to_vec(&opened.profile).map_err(|error| StoreError::Invalid(error.to_string()))?;
                changes.push(params![opened.key.seal(PROFILE_LABEL, &plain)?, opened.id]);
                cleared.push(opened.id.0);
            }
        }
        tx.execute_many(sql!("UPDATE contact SET sealed_profile = $1 WHERE id = $2"), &changes).await?;
        Ok(cleared)
    }
}
