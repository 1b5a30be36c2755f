//! What a person may ask of what is held on them, and the answer that is handed out.

use serde::Serialize;

use crate::time::Instant;
use crate::word::words;

words! {
    pub enum SubjectRequestKind {
        Access = "access",
        Rectification = "rectification",
        Erasure = "erasure",
        Restriction = "restriction",
        Portability = "portability",
        Objection = "objection",
    }
}

words! {
    /// The words of the Data Rights Protocol.
    pub enum SubjectRequestState {
        Open = "open",
        InProgress = "in_progress",
        Fulfilled = "fulfilled",
        Denied = "denied",
        Revoked = "revoked",
    }
}

/// Everything held on one person, for them: the only place where it is written out in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectExport {
    pub format: &'static str,
    pub made_at: String,
    /// The organisation that decides about the data.
    pub controller: String,
    pub sections: Vec<ExportSection>,
}

/// One kind of record: why it is held, from where, how long, and the records themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportSection {
    pub title: String,
    pub purpose: String,
    pub legal_basis: String,
    pub source: String,
    pub kept: String,
    pub records: Vec<ExportRecord>,
}

/// Names and values in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportRecord(pub Vec<(String, String)>);

pub const EXPORT_FORMAT: &str = "clarion-subject-export/1";

impl SubjectExport {
    #[must_use]
    pub fn new(controller: impl Into<String>, made_at: Instant) -> Self {
        Self { format: EXPORT_FORMAT, made_at: made_at.rfc3339(), controller: controller.into(), sections: Vec::new() }
    }

    /// Nothing at all is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.records.is_empty())
    }
}

impl Serialize for ExportRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl SubjectRequestState {
    /// Whether a request may go from this state to that one.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use SubjectRequestState as S;
        match self {
            S::Open => matches!(next, S::InProgress | S::Denied | S::Revoked),
            S::InProgress => matches!(next, S::Fulfilled | S::Denied | S::Revoked),
            S::Fulfilled | S::Denied | S::Revoked => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_records_in_their_order() {
        let mut export = SubjectExport::new("North Bank", Instant(1_795_435_200_000));
        assert!(export.is_empty());
        let record = ExportRecord(vec![("number".into(), "+447700900123".into()), ("first name".into(), "Ada".into())]);
        export.sections.push(ExportSection {
            title: "Contact".into(),
            purpose: "Account reminders".into(),
            legal_basis: "contract".into(),
            source: "A file of 23 November 2026".into(),
            kept: "90 days after the campaign".into(),
            records: vec![record],
        });
        let json = serde_json::to_string(&export).expect("plain data");
        assert!(json.starts_with(r#"{"format":"clarion-subject-export/1","made_at":"2026-11-23T12:00:00.000Z","controller":"North Bank""#), "{json}");
        assert!(json.ends_with(r#""records":[{"number":"+447700900123","first name":"Ada"}]}]}"#), "{json}");
        assert!(!export.is_empty());
    }

    #[test]
    fn a_closed_request_stays_closed() {
        use SubjectRequestState as S;
        for from in S::ALL {
            for to in S::ALL {
                let closed = matches!(from, S::Fulfilled | S::Denied | S::Revoked);
                assert!(!(from.may_become(*to) && (closed || from == to || *to == S::Open)), "{from} to {to}");
            }
        }
        assert!(!S::Open.may_become(S::Fulfilled), "work comes first");
    }
}
