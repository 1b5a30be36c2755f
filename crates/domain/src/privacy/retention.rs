//! How long each class of record is kept, and why: the defaults, and what a tenant may change.

use crate::time::{DAY_MS, Instant};
use crate::word::words;

words! {
    /// A class of record with a clock of its own.
    pub enum RecordClass {
        ContactRow = "contact_row",
        AttemptMetadata = "attempt_metadata",
        MessageBody = "message_body",
        Recording = "recording",
        /// The first seconds of a call, recorded to be labelled.
        OpeningRecording = "opening_recording",
        SourceFile = "source_file",
        Suppression = "suppression",
        ConsentProof = "consent_proof",
        PortalActivity = "portal_activity",
        RightsRequest = "rights_request",
        AuditEvent = "audit_event",
        /// What was told to a webhook, and the tries.
        WebhookEvent = "webhook_event",
        /// What a connector did, and what a preview showed.
        ConnectorRun = "connector_run",
        /// Results of campaigns as a file for the client.
        ExportFile = "export_file",
        /// Who may sign in, and what was agreed with a client: kept as it is for as long as the organisation is here.
        Account = "account",
    }
}

words! {
    /// What starts the clock of a record.
    pub enum Trigger {
        CampaignEnd = "campaign_end",
        Created = "created",
        TenantEnd = "tenant_end",
        ConsentEnd = "consent_end",
        RequestClosed = "request_closed",
    }
}

words! {
    pub enum RetentionAction {
        Delete = "delete",
        /// The personal parts go; what was counted stays.
        Redact = "redact",
    }
}

/// The clock of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub class: RecordClass,
    pub purpose: &'static str,
    pub trigger: Trigger,
    pub period_days: u32,
    /// A tenant may not keep it shorter than this: the law wants the proof.
    pub floor_days: u32,
    /// A tenant may not keep it longer than this.
    pub ceiling_days: u32,
    pub action: RetentionAction,
    pub reference: &'static str,
}

/// A tenant's period that the law or the product does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("{class} must be kept for at least {floor_days} days ({reference})")]
    TooShort { class: RecordClass, floor_days: u32, reference: &'static str },
    #[error("{class} may be kept for at most {ceiling_days} days ({reference})")]
    TooLong { class: RecordClass, ceiling_days: u32, reference: &'static str },
}

const YEAR: u32 = 365;
/// Two years, with the leap day that may be among them.
const MONTHS_24: u32 = 731;

/// The defaults of contact-rules section 6.4, a row a class, in the order of `RecordClass`.
pub const RETENTION: [Retention; 15] = [
    row(RecordClass::ContactRow, "To contact people for the campaigns they were loaded for", Trigger::CampaignEnd, (90, 1, 2 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(1)(e)"),
    row(RecordClass::AttemptMetadata, "To show when and why somebody was contacted", Trigger::Created, (MONTHS_24, 180, 6 * YEAR), RetentionAction::Redact, "UK GDPR art. 5(2); Ofcom persistent misuse policy"),
    row(RecordClass::MessageBody, "To show what was said", Trigger::Created, (90, 1, 2 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(1)(c)"),
    row(RecordClass::Recording, "To show what was said", Trigger::Created, (180, 1, 6 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(1)(e); 12 CFR 1006.100 keeps those of US collections for three years"),
    row(RecordClass::OpeningRecording, "To measure how often a person is taken for a machine", Trigger::Created, (30, 1, 90), RetentionAction::Delete, "UK GDPR art. 5(1)(c); Ofcom persistent misuse policy"),
    row(RecordClass::SourceFile, "To trace a row to the file it came from", Trigger::Created, (30, 1, 90), RetentionAction::Delete, "UK GDPR art. 5(1)(c)"),
    row(RecordClass::Suppression, "Never to contact again somebody who said stop", Trigger::TenantEnd, (0, 0, 0), RetentionAction::Delete, "UK GDPR art. 21(3); PECR reg. 22"),
    row(RecordClass::ConsentProof, "To prove that consent was given", Trigger::ConsentEnd, (6 * YEAR + 1, 5 * YEAR, 10 * YEAR), RetentionAction::Delete, "UK GDPR art. 7(1); Limitation Act 1980 s.5"),
    row(RecordClass::PortalActivity, "To find out who did what with the portal", Trigger::Created, (YEAR, 90, 2 * YEAR), RetentionAction::Delete, "UK GDPR art. 32"),
    row(RecordClass::RightsRequest, "To show how a person's request was answered", Trigger::RequestClosed, (6 * YEAR + 1, YEAR, 10 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(2); Limitation Act 1980 s.5"),
    row(RecordClass::AuditEvent, "To show that the rules were kept; holds no personal data of those contacted", Trigger::Created, (6 * YEAR + 1, 2 * YEAR, 10 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(2), 24"),
    row(RecordClass::WebhookEvent, "To tell a client's system what happened, and again when it has missed it", Trigger::Created, (30, 3, 90), RetentionAction::Delete, "UK GDPR art. 5(1)(c)"),
    row(RecordClass::ConnectorRun, "To show what was pulled under which instruction", Trigger::Created, (YEAR, 30, 2 * YEAR), RetentionAction::Delete, "UK GDPR art. 5(2), 28(3)(a)"),
    row(RecordClass::ExportFile, "To give a client the results of a campaign", Trigger::Created, (14, 1, 90), RetentionAction::Delete, "UK GDPR art. 5(1)(c)"),
    row(RecordClass::Account, "To let people sign in, and to know whose name stands in the audit and under what was agreed", Trigger::TenantEnd, (0, 0, 0), RetentionAction::Delete, "UK GDPR art. 5(2), 28(3)(a), 32"),
];

const fn row(
    class: RecordClass,
    purpose: &'static str,
    trigger: Trigger,
    (period_days, floor_days, ceiling_days): (u32, u32, u32),
    action: RetentionAction,
    reference: &'static str,
) -> Retention {
    Retention { class, purpose, trigger, period_days, floor_days, ceiling_days, action, reference }
}

impl RecordClass {
    /// The class's row of the table.
    #[must_use]
    pub fn retention(self) -> &'static Retention {
        &RETENTION[self as usize]
    }
}

impl Retention {
    /// Checks a period that a tenant wishes for.
    pub fn check_period(&self, period_days: u32) -> Result<(), PeriodError> {
        let Self { class, floor_days, ceiling_days, reference, .. } = *self;
        match period_days {
            days if days < floor_days => Err(PeriodError::TooShort { class, floor_days, reference }),
            days if days > ceiling_days => Err(PeriodError::TooLong { class, ceiling_days, reference }),
            _ => Ok(()),
        }
    }

    /// Records whose clock started before this are due, at the tenant's period or the default. A stored period that is
    /// no longer allowed counts as the nearest one that is. `None` for what is kept as long as its tenant.
    #[must_use]
    pub fn due_before(&self, tenant_period_days: Option<u32>, now: Instant) -> Option<Instant> {
        if self.trigger == Trigger::TenantEnd {
            return None;
        }
        let days = tenant_period_days.unwrap_or(self.period_days).clamp(self.floor_days, self.ceiling_days);
        Some(now.plus_ms(-i64::from(days) * DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_consistent_row_for_every_class() {
        for (class, row) in RecordClass::ALL.iter().zip(&RETENTION) {
            assert_eq!(row.class, *class);
            assert_eq!(class.retention(), row);
            assert!(row.floor_days <= row.period_days && row.period_days <= row.ceiling_days, "{class}");
            assert!(!row.purpose.is_empty() && !row.reference.is_empty(), "{class}");
        }
    }

    #[test]
    fn holds_a_tenant_to_floor_and_ceiling() {
        let proof = RecordClass::ConsentProof.retention();
        assert_eq!(proof.check_period(30).map_err(|error| error.to_string()), Err("consent_proof must be kept for at least 1825 days (UK GDPR art. 7(1); Limitation Act 1980 s.5)".into()));
        let file = RecordClass::SourceFile.retention();
        assert_eq!(file.check_period(400).map_err(|error| error.to_string()), Err("source_file may be kept for at most 90 days (UK GDPR art. 5(1)(c))".into()));
        assert_eq!((file.check_period(7), file.check_period(90)), (Ok(()), Ok(())));
    }

    #[test]
    fn says_what_is_due() {
        let now = Instant(1_000 * DAY_MS);
        let due = |class: RecordClass, period| class.retention().due_before(period, now).map(|at| at.ms() / DAY_MS);
        assert_eq!(due(RecordClass::MessageBody, None), Some(910));
        assert_eq!(due(RecordClass::MessageBody, Some(10)), Some(990));
        assert_eq!(due(RecordClass::SourceFile, Some(9_999)), Some(910), "never longer than the ceiling");
        assert_eq!(due(RecordClass::Suppression, Some(1)), None, "a stop is kept as long as its tenant");
    }
}
