//! What the sweep does to attempts, messages, files, consents, requests and events.

use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::audit::chain::Chain;
use clarion_domain::id::{ImportId, floor_at};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::Instant;

use super::sweep::{Find, SWEEP_BATCH, SweepCount, Target};
use crate::db::{Params, Statement, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// Texts of messages, replies and notices; what was counted about them stays.
    pub(super) async fn sweep_bodies(&self, before: Instant, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        let target = |source| Target { class: RecordClass::MessageBody, source };
        let by_id = |after: i64| -> Params { params![self.id, after, before, floor_at(before.ms()), SWEEP_BATCH] };
        let attempts = sql!(
            "SELECT t.id FROM attempt t WHERE t.tenant_id = $1 AND t.id > $2 AND t.claimed_at < $3 AND t.id < $4 AND t.sealed_body IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = t.contact_id) ORDER BY t.id LIMIT $5"
        );
        let first = sql!(
            "SELECT MIN((SELECT t.id FROM attempt t WHERE t.campaign_id = c.id AND t.id > $2 AND t.sealed_body IS NOT NULL ORDER BY t.id LIMIT 1)) FROM campaign c WHERE c.tenant_id = $1"
        );
        let start = self.attempts_from(target("attempt"), first).await?;
        let find = Find { statement: attempts, values: &by_id };
        let attempts = self.sweep_batches(target("attempt"), start, find, &[sql!("UPDATE attempt SET sealed_body = NULL WHERE id = $1")], now).await?;
        let by_time = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let replies = sql!(
            "SELECT r.id FROM reply r WHERE r.tenant_id = $1 AND r.id > $2 AND r.received_at < $3 AND r.sealed_body IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = r.contact_id) ORDER BY r.id LIMIT $4"
        );
        let find = Find { statement: replies, values: &by_time };
        let replies = self.sweep_batches(target("reply"), 0, find, &[sql!("UPDATE reply SET sealed_body = NULL WHERE id = $1")], now).await?;
        let notices = sql!(
            "SELECT n.id FROM notice n WHERE n.tenant_id = $1 AND n.id > $2 AND n.created_at < $3 AND n.sealed_body IS NOT NULL AND n.state NOT IN ('waiting', 'claimed')
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = n.contact_id) ORDER BY n.id LIMIT $4"
        );
        let find = Find { statement: notices, values: &by_time };
        let notices = self.sweep_batches(target("notice"), 0, find, &[sql!("UPDATE notice SET sealed_body = NULL WHERE id = $1")], now).await?;
        Ok(vec![attempts, replies, notices])
    }

    /// Attempts lose their person and keep what was counted; replies, notices and places in old campaigns go.
    pub(super) async fn sweep_attempts(&self, before: Instant, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        let target = |source| Target { class: RecordClass::AttemptMetadata, source };
        let by_id = |after: i64| -> Params { params![self.id, after, before, floor_at(before.ms()), SWEEP_BATCH] };
        let attempts = sql!(
            "SELECT t.id FROM attempt t WHERE t.tenant_id = $1 AND t.id > $2 AND t.claimed_at < $3 AND t.id < $4 AND t.contact_id <> 0
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = t.contact_id) ORDER BY t.id LIMIT $5"
        );
        let redact = sql!("UPDATE attempt SET contact_id = 0, address_id = 0, sealed_body = NULL, carrier_message_id = '', decision = '' WHERE id = $1");
        let first = sql!(
            "SELECT MIN((SELECT t.id FROM attempt t WHERE t.campaign_id = c.id AND t.id > $2 AND t.contact_id <> 0 ORDER BY t.id LIMIT 1)) FROM campaign c WHERE c.tenant_id = $1"
        );
        let start = self.attempts_from(target("attempt"), first).await?;
        let acts = [redact, sql!("DELETE FROM short_link WHERE attempt_id = $1")];
        let attempts = self.sweep_batches(target("attempt"), start, Find { statement: attempts, values: &by_id }, &acts, now).await?;
        let calls = self.sweep_calls(before, now).await?;
        let by_time = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let replies = sql!(
            "SELECT r.id FROM reply r WHERE r.tenant_id = $1 AND r.id > $2 AND r.received_at < $3
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = r.contact_id) ORDER BY r.id LIMIT $4"
        );
        let find = Find { statement: replies, values: &by_time };
        let replies = self.sweep_batches(target("reply"), 0, find, &[sql!("DELETE FROM reply WHERE id = $1")], now).await?;
        let notices = sql!(
            "SELECT n.id FROM notice n WHERE n.tenant_id = $1 AND n.id > $2 AND n.created_at < $3
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = n.contact_id) ORDER BY n.id LIMIT $4"
        );
        let find = Find { statement: notices, values: &by_time };
        let notices = self.sweep_batches(target("notice"), 0, find, &[sql!("DELETE FROM notice WHERE id = $1")], now).await?;
        Ok(vec![attempts, calls, replies, notices, self.sweep_recipients(before, now).await?])
    }

    /// After which identifier attempts may be due: the tenant's first by its campaigns. What lies between the last sweep and that is others' attempts,
    /// which `find` would walk.
    async fn attempts_from(&self, target: Target<'_>, first: &'static Statement) -> Result<i64, StoreError> {
        let swept = self.swept_through(target).await?;
        let first: Option<i64> = match self.db().query_first(first, &params![self.id, swept]).await? {
            Some(mut row) => row.take(0)?,
            None => None,
        };
        Ok(first.map_or(i64::MAX, |first| first - 1))
    }

    /// Recordings with their sound, unless the law or a legal hold wants them longer.
    pub(super) async fn sweep_recordings(&self, class: RecordClass, kinds: &[RecordingKind], before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let target = Target { class, source: "recording" };
        let mut count = 0;
        for kind in kinds {
            let values = |after: i64| -> Params { params![self.id, after, before, kind.as_str(), now, SWEEP_BATCH] };
            let find = sql!(
                "SELECT r.id FROM recording r WHERE r.tenant_id = $1 AND r.id > $2 AND r.began_at < $3 AND r.kind = $4 AND r.keep_until < $5 AND r.ended_at IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = r.contact_id) ORDER BY r.id LIMIT $6"
            );
            let acts = [sql!("DELETE FROM recording_chunk WHERE recording_id = $1"), sql!("DELETE FROM recording WHERE id = $1")];
            count += self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await?.count;
        }
        Ok(target.count(count))
    }

    /// Records of calls lose their person and keep their timings; marks on numbers go.
    async fn sweep_calls(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let target = Target { class: RecordClass::AttemptMetadata, source: "call" };
        let values = |after: i64| -> Params { params![self.id, after, before, floor_at(before.ms()), SWEEP_BATCH] };
        let calls = sql!(
            "SELECT c.attempt_id FROM call c WHERE c.tenant_id = $1 AND c.attempt_id > $2 AND c.dialled_at < $3 AND c.attempt_id < $4 AND c.contact_id <> 0
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.contact_id) ORDER BY c.attempt_id LIMIT $5"
        );
        let marks = sql!("DELETE FROM call_mark WHERE tenant_id = $1 AND COALESCE(abandoned_at, 0) < $2 AND COALESCE(machine_at, 0) < $2");
        self.db().execute(marks, &params![self.id, before]).await?;
        let redact = sql!("UPDATE call SET contact_id = 0 WHERE attempt_id = $1");
        self.sweep_batches(target, 0, Find { statement: calls, values: &values }, &[redact], now).await
    }

    /// The frozen audiences of campaigns that ended long ago, with what was decided about each place.
    async fn sweep_recipients(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let target = Target { class: RecordClass::AttemptMetadata, source: "recipient" };
        let ended = sql!(
            "SELECT c.id FROM campaign c WHERE c.tenant_id = $1 AND c.finished_at < $2 AND EXISTS (SELECT 1 FROM recipient r WHERE r.campaign_id = c.id) ORDER BY c.id"
        );
        let mut count = 0;
        for mut campaign in self.db().query(ended, &params![self.id, before]).await? {
            let campaign: i64 = campaign.take(0)?;
            let find = sql!(
                "SELECT r.position FROM recipient r WHERE r.campaign_id = $1 AND r.position > $2
                 AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = r.contact_id) ORDER BY r.position LIMIT $3"
            );
            let mut after = -1i64;
            loop {
                let mut tx = self.db().begin().await?;
                let rows = tx.query(find, &params![campaign, after, SWEEP_BATCH]).await?;
                let places: Vec<i64> = rows.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?;
                let Some(last) = places.last().copied() else { break };
                let batch: Vec<Params> = places.iter().map(|place| params![campaign, *place]).collect();
                tx.execute_many(sql!("DELETE FROM recipient WHERE campaign_id = $1 AND position = $2"), &batch).await?;
                tx.execute_many(sql!("DELETE FROM decision WHERE campaign_id = $1 AND position = $2"), &batch).await?;
                self.keep_evidence(&mut tx, target, &places, 0, now).await?;
                tx.commit().await?;
                after = last;
                count += places.len() as i64;
            }
        }
        Ok(target.count(count))
    }

    /// Stored files with their samples, rejects and indexes of numbers. One that still waits for somebody is cancelled.
    pub(super) async fn sweep_files(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let target = Target { class: RecordClass::SourceFile, source: "import" };
        let due = sql!("SELECT id FROM import WHERE tenant_id = $1 AND created_at < $2 AND wrapped_key IS NOT NULL AND state NOT IN ('receiving', 'loading') ORDER BY id");
        let mut count = 0;
        for mut row in self.db().query(due, &params![self.id, before]).await? {
            let id: ImportId = row.take(0)?;
            let mut tx = self.db().begin().await?;
            let cancel = sql!("UPDATE import SET state = 'cancelled', finished_at = $1, error = 'nobody confirmed the file while it was kept' WHERE tenant_id = $2 AND id = $3 AND finished_at IS NULL");
            tx.execute(cancel, &params![now, self.id, id]).await?;
            self.drop_import_file(&mut tx, id).await?;
            tx.execute(sql!("DELETE FROM import_reject WHERE import_id = $1"), &params![id]).await?;
            self.keep_evidence(&mut tx, target, &[id.0], 0, now).await?;
            tx.commit().await?;
            count += 1;
        }
        // Their place in an SFTP folder, with the result beside it, also where the file itself went long before.
        let results = sql!(
            "DELETE FROM sftp_result WHERE file_id IN (SELECT id FROM sftp_file WHERE tenant_id = $1 AND created_at < $2 AND import_id IN (SELECT id FROM import WHERE tenant_id = $1 AND finished_at IS NOT NULL))"
        );
        self.db().execute(results, &params![self.id, before]).await?;
        let shown = sql!("DELETE FROM sftp_file WHERE tenant_id = $1 AND created_at < $2 AND import_id IN (SELECT id FROM import WHERE tenant_id = $1 AND finished_at IS NOT NULL)");
        self.db().execute(shown, &params![self.id, before]).await?;
        Ok(target.count(count))
    }

    /// Consents that ended, by withdrawal or by their own date.
    pub(super) async fn sweep_consents(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!(
            "SELECT c.id FROM consent c WHERE c.tenant_id = $1 AND c.id > $2 AND COALESCE(c.withdrawn_at, c.expires_at) < $3
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = c.contact_id) ORDER BY c.id LIMIT $4"
        );
        let target = Target { class: RecordClass::ConsentProof, source: "consent" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM consent WHERE id = $1")], now).await
    }

    /// Sign-ins, sign-outs, the activity log and web sessions.
    pub(super) async fn sweep_activity(&self, before: Instant, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        let events = self.sweep_chain(Target { class: RecordClass::PortalActivity, source: "audit_event" }, Chain::SignIns, before, now).await?;
        let sessions_target = Target { class: RecordClass::PortalActivity, source: "web_session" };
        // Whom an invitation was for is nobody's business once it is over; that it was made and used stays, as its audit does.
        let invitations = sql!(
            "UPDATE invitation SET email = '', display_name = '', revoked_at = CASE WHEN accepted_at IS NULL THEN COALESCE(revoked_at, $3) ELSE revoked_at END
             WHERE tenant_id = $1 AND created_at < $2 AND (accepted_at IS NOT NULL OR revoked_at IS NOT NULL OR expires_at < $3) AND (email <> '' OR display_name <> '')"
        );
        self.db().execute(invitations, &params![self.id, before, now]).await?;
        let mut tx = self.db().begin().await?;
        let sessions = tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND created_at < $2"), &params![self.id, before]).await?;
        if sessions > 0 {
            // A session has no number to hash: its evidence is the count.
            let none = vec![0; usize::try_from(sessions).unwrap_or(0)];
            self.keep_evidence(&mut tx, sessions_target, &none, 0, now).await?;
        }
        tx.commit().await?;
        Ok(vec![events, self.sweep_activity_log(before, now).await?, sessions_target.count(sessions as i64)])
    }

    pub(super) async fn sweep_requests(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM subject_request WHERE tenant_id = $1 AND id > $2 AND done_at < $3 ORDER BY id LIMIT $4");
        let target = Target { class: RecordClass::RightsRequest, source: "subject_request" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM subject_request WHERE id = $1")], now).await
    }

    /// Events told to webhooks, with every try.
    pub(super) async fn sweep_webhook_events(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM webhook_event WHERE tenant_id = $1 AND id > $2 AND created_at < $3 ORDER BY id LIMIT $4");
        let acts = [sql!("DELETE FROM webhook_try WHERE event_id = $1"), sql!("DELETE FROM webhook_delivery WHERE event_id = $1"), sql!("DELETE FROM webhook_event WHERE id = $1")];
        let target = Target { class: RecordClass::WebhookEvent, source: "webhook_event" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await
    }

    /// The logs of connectors. What a preview showed goes after a day, whatever the period of the log.
    pub(super) async fn sweep_connector_runs(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let previews = sql!("UPDATE connector_run SET sealed_preview = NULL WHERE tenant_id = $1 AND created_at < $2 AND sealed_preview IS NOT NULL");
        self.db().execute(previews, &params![self.id, now.plus_ms(-clarion_domain::time::DAY_MS)]).await?;
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM connector_run WHERE tenant_id = $1 AND id > $2 AND created_at < $3 AND state NOT IN ('waiting', 'running') ORDER BY id LIMIT $4");
        let target = Target { class: RecordClass::ConnectorRun, source: "connector_run" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM connector_run WHERE id = $1")], now).await
    }

    /// Files of results, with their tries. One that is still to be sent is not old yet.
    pub(super) async fn sweep_export_files(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM export_file WHERE tenant_id = $1 AND id > $2 AND created_at < $3 AND state <> 'waiting' ORDER BY id LIMIT $4");
        let acts = [sql!("DELETE FROM export_chunk WHERE file_id = $1"), sql!("DELETE FROM export_try WHERE file_id = $1"), sql!("DELETE FROM export_file WHERE id = $1")];
        let target = Target { class: RecordClass::ExportFile, source: "export_file" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await
    }

    /// Links that expired lead nowhere: code and target go, and a link that nobody clicked goes whole. This clock is the tenant's own.
    pub(super) async fn sweep_links(&self, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, now, SWEEP_BATCH] };
        let find = sql!(
            "SELECT DISTINCT l.attempt_id FROM short_link l WHERE l.tenant_id = $1 AND l.attempt_id > $2 AND l.expires_at <= $3 AND l.code_hash IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.contact_id = l.contact_id) ORDER BY l.attempt_id LIMIT $4"
        );
        let acts = [
            sql!("DELETE FROM short_link WHERE attempt_id = $1 AND clicks = 0"),
            sql!("UPDATE short_link SET code_hash = NULL, sealed_target = NULL WHERE attempt_id = $1"),
        ];
        let target = Target { class: RecordClass::AttemptMetadata, source: "short_link" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &acts, now).await
    }

    /// Audit events, and the evidence of old sweeps.
    pub(super) async fn sweep_audit(&self, before: Instant, now: Instant) -> Result<Vec<SweepCount>, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let target = |source| Target { class: RecordClass::AuditEvent, source };
        let events = self.sweep_chain(target("audit_event"), Chain::Acts, before, now).await?;
        let find = sql!("SELECT id FROM sweep WHERE tenant_id = $1 AND id > $2 AND swept_at < $3 ORDER BY id LIMIT $4");
        let sweeps = self.sweep_batches(target("sweep"), 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM sweep WHERE id = $1")], now).await?;
        Ok(vec![events, sweeps, self.sweep_approvals(before, now).await?])
    }
}
