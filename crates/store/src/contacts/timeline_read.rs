//! The queries behind a timeline, one a kind of event.

use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::id::{AttemptId, ContactId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use super::timeline::{TimelineEvent, TimelineKind, reasons};
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{StoreError, Tenant};

/// Reads the events of one contact.
pub(crate) struct TimelineReader<'a> {
    tenant: &'a Tenant,
    contact: ContactId,
    key: Option<DataKey>,
    before: i64,
    limit: i64,
}

impl Tenant {
    pub(crate) async fn timeline_reader(&self, contact: ContactId, before: Option<Instant>, limit: i64) -> Result<TimelineReader<'_>, StoreError> {
        let select = sql!("SELECT wrapped_key FROM contact WHERE tenant_id = $1 AND id = $2");
        let mut row = self.db().query_first(select, &params![self.id, contact]).await?.ok_or(StoreError::NotFound("contact"))?;
        let key = self.person_key(row.take::<Option<Vec<u8>>>(0)?.as_deref())?;
        Ok(TimelineReader { tenant: self, contact, key, before: before.map_or(i64::MAX, Instant::ms), limit })
    }
}

/// A word kept as text, `None` when the text is empty.
fn optional_word<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() { None } else { text.parse().ok() }
}

impl TimelineReader<'_> {
    /// Bodies are sealed with the person's key; those of times before the contact was known, with the tenant's.
    fn body(&self, label: &str, sealed: Option<Vec<u8>>) -> Option<Personal> {
        let sealed = sealed?;
        let opened = self.key.as_ref().and_then(|key| key.open_text(label, &sealed).ok());
        opened.or_else(|| self.tenant.keys.data.open_text(label, &sealed).ok()).map(Personal::from)
    }

    async fn rows(&self, statement: &crate::db::Statement) -> Result<Vec<Row>, StoreError> {
        Ok(self.tenant.db().query(statement, &params![self.tenant.id, self.contact, self.before, self.limit]).await?)
    }

    pub async fn imports(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT c.created_at, i.id, i.file_name, c.import_line FROM contact c JOIN import i ON i.id = c.import_id
             WHERE c.tenant_id = $1 AND c.id = $2 AND c.created_at < $3 LIMIT $4"
        );
        let read = |mut row: Row| Ok(TimelineEvent { at: row.take(0)?, what: TimelineKind::Imported { import: row.take(1)?, file_name: row.take(2)?, line: row.take(3)? } });
        self.rows(select).await?.into_iter().map(read).collect()
    }

    pub async fn attempts(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT t.claimed_at, t.id, t.campaign_id, c.name, t.channel, t.state, t.disposition, t.cause, t.decision, t.segments, t.sealed_body, t.settled_at
             FROM attempt t JOIN campaign c ON c.id = t.campaign_id
             WHERE t.tenant_id = $1 AND t.contact_id = $2 AND t.claimed_at < $3 ORDER BY t.id DESC LIMIT $4"
        );
        let read = |mut row: Row| -> Result<TimelineEvent, StoreError> {
            let disposition: String = row.take(6)?;
            let what = TimelineKind::Attempted {
                attempt: row.take(1)?,
                campaign: row.take(2)?,
                campaign_name: row.take(3)?,
                channel: row.word(4)?,
                state: row.word(5)?,
                disposition: optional_word(&disposition),
                cause: row.take(7)?,
                decision: row.take(8)?,
                segments: row.take(9)?,
                body: self.body("attempt.body", row.take(10)?),
                settled_at: row.take(11)?,
                clicks: None,
            };
            Ok(TimelineEvent { at: row.take(0)?, what })
        };
        let mut events: Vec<TimelineEvent> = self.rows(select).await?.into_iter().map(read).collect::<Result<_, StoreError>>()?;
        let attempts: Vec<AttemptId> = events.iter().filter_map(|event| if let TimelineKind::Attempted { attempt, .. } = event.what { Some(attempt) } else { None }).collect();
        let mut found = self.tenant.clicks_of(&attempts).await?;
        for event in &mut events {
            if let TimelineKind::Attempted { attempt, clicks, .. } = &mut event.what {
                *clicks = found.remove(attempt);
            }
        }
        Ok(events)
    }

    /// What was decided without an attempt: refusals and deferrals.
    pub async fn decisions(&self, rules: &RuleBook) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT d.decided_at, d.kind, d.rules, d.until_at, c.id, c.name FROM recipient r
             JOIN decision d ON d.campaign_id = r.campaign_id AND d.position = r.position JOIN campaign c ON c.id = r.campaign_id
             WHERE c.tenant_id = $1 AND r.contact_id = $2 AND d.decided_at < $3 ORDER BY d.decided_at DESC LIMIT $4"
        );
        let mut events = Vec::new();
        for mut row in self.rows(select).await? {
            let (kind, named): (String, String) = (row.take(1)?, row.take(2)?);
            let (until, campaign, campaign_name, reasons) = (row.take(3)?, row.take(4)?, row.take(5)?, reasons(rules, &named));
            // A permit is told by its attempt.
            let what = match kind.as_str() {
                "refused" => TimelineKind::Refused { campaign, campaign_name, reasons },
                "deferred" => TimelineKind::Deferred { campaign, campaign_name, reasons, until },
                _ => continue,
            };
            events.push(TimelineEvent { at: row.take(0)?, what });
        }
        Ok(events)
    }

    /// Campaigns that are over for the person, with those that say so of each.
    pub async fn sequence_ends(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT r.moved_at, c.id, c.name, r.step, r.ended FROM recipient r JOIN campaign c ON c.id = r.campaign_id
             WHERE c.tenant_id = $1 AND r.contact_id = $2 AND r.ended <> '' AND r.moved_at < $3 ORDER BY r.moved_at DESC LIMIT $4"
        );
        let read = |mut row: Row| -> Result<TimelineEvent, StoreError> {
            let ended: String = row.take(4)?;
            let why = ended.parse().map_err(|error| DbError::Failed(format!("ended: {error}")))?;
            let what = TimelineKind::SequenceEnded { campaign: row.take(1)?, campaign_name: row.take(2)?, step: row.take(3)?, why };
            Ok(TimelineEvent { at: row.take(0)?, what })
        };
        self.rows(select).await?.into_iter().map(read).collect()
    }

    pub async fn replies(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT received_at, id, meaning, state, sealed_body FROM reply
             WHERE tenant_id = $1 AND contact_id = $2 AND received_at < $3 ORDER BY received_at DESC LIMIT $4"
        );
        let read = |mut row: Row| -> Result<TimelineEvent, StoreError> {
            let what = TimelineKind::Replied { reply: row.take(1)?, meaning: row.word(2)?, state: row.take(3)?, body: self.body("reply.body", row.take(4)?) };
            Ok(TimelineEvent { at: row.take(0)?, what })
        };
        self.rows(select).await?.into_iter().map(read).collect()
    }

    pub async fn notices(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT n.created_at, n.kind, n.state, n.cause, n.sealed_body FROM notice n
             JOIN address a ON a.tenant_id = n.tenant_id AND a.number_index = n.number_index
             WHERE +n.tenant_id = $1 AND a.contact_id = $2 AND n.created_at < $3 ORDER BY n.created_at DESC LIMIT $4"
        );
        let read = |mut row: Row| -> Result<TimelineEvent, StoreError> {
            let kind: String = row.take(1)?;
            let body = self.body("notice.body", row.take(4)?).map(|body| Personal::new(crate::attempts::text_of(&kind, body.reveal().to_owned())));
            let what = TimelineKind::Noticed { kind, state: row.take(2)?, cause: row.take(3)?, body };
            Ok(TimelineEvent { at: row.take(0)?, what })
        };
        self.rows(select).await?.into_iter().map(read).collect()
    }

    pub async fn suppressions(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT s.created_at, s.id, s.scope, s.reason, s.source FROM suppression s
             JOIN address a ON a.tenant_id = s.tenant_id AND a.number_index = s.number_index
             WHERE +s.tenant_id = $1 AND a.contact_id = $2 AND s.created_at < $3 ORDER BY s.created_at DESC LIMIT $4"
        );
        let read = |mut row: Row| -> Result<TimelineEvent, StoreError> {
            let what = TimelineKind::Suppressed { suppression: row.take(1)?, scope: row.word(2)?, reason: row.word(3)?, source: row.take(4)? };
            Ok(TimelineEvent { at: row.take(0)?, what })
        };
        self.rows(select).await?.into_iter().map(read).collect()
    }

    pub async fn consents(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT given_at, channel, purpose, expires_at, withdrawn_at FROM consent
             WHERE +tenant_id = $1 AND contact_id = $2 AND given_at < $3 ORDER BY given_at DESC LIMIT $4"
        );
        let mut events = Vec::new();
        for mut row in self.rows(select).await? {
            let (channel, purpose): (clarion_domain::campaigns::campaign::Channel, String) = (row.word(1)?, row.take(2)?);
            if let Some(at) = row.take::<Option<Instant>>(4)?.filter(|at| at.ms() < self.before) {
                events.push(TimelineEvent { at, what: TimelineKind::ConsentWithdrawn { channel, purpose: purpose.clone() } });
            }
            events.push(TimelineEvent { at: row.take(0)?, what: TimelineKind::ConsentGiven { channel, purpose, expires_at: row.take(3)? } });
        }
        Ok(events)
    }

    pub async fn holds(&self) -> Result<Vec<TimelineEvent>, StoreError> {
        let select = sql!(
            "SELECT created_at, reason, until_at, lifted_at FROM hold
             WHERE +tenant_id = $1 AND contact_id = $2 AND created_at < $3 ORDER BY created_at DESC LIMIT $4"
        );
        let mut events = Vec::new();
        for mut row in self.rows(select).await? {
            let reason = row.word(1)?;
            if let Some(at) = row.take::<Option<Instant>>(3)?.filter(|at| at.ms() < self.before) {
                events.push(TimelineEvent { at, what: TimelineKind::HoldLifted { reason } });
            }
            events.push(TimelineEvent { at: row.take(0)?, what: TimelineKind::Held { reason, until: row.take(2)? } });
        }
        Ok(events)
    }
}
