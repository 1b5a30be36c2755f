//! Everything held on one person, for them to read: gathered from every table, in plain words.

use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::privacy::subject_request::{ExportRecord, ExportSection, SubjectExport, SubjectRequestKind};
use clarion_domain::time::Instant;

use super::export_sections::Sections;
use crate::store::{StoreError, Tenant};

/// A record from names and values; empty values are left out.
pub(super) fn record<const N: usize>(pairs: [(&str, String); N]) -> ExportRecord {
    ExportRecord(pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A stored word as people write it: `wrong_person` becomes `Wrong person`.
pub(super) fn plain(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A moment as people write it.
pub(super) fn moment(at: Instant) -> String {
    at.timestamp().strftime("%-d %B %Y, %H:%M UTC").to_string()
}

pub(super) fn moment_of(at: Option<Instant>) -> String {
    at.map_or_else(String::new, moment)
}

impl Tenant {
    /// Everything held on the person with this whole number or reference, kept as an answered request of access.
    pub async fn subject_export(&self, typed: &str, rules: &RuleBook, now: Instant) -> Result<SubjectExport, StoreError> {
        let subject = self.find_subject(typed).await?;
        let mut export = SubjectExport::new(self.record().await?.name, now);
        let sections = Sections::new(self, &subject, rules).await?;
        export.sections = vec![
            sections.contact().await?,
            sections.lists().await?,
            sections.files().await?,
            sections.purposes().await?,
            sections.messages().await?,
            sections.refusals().await?,
            sections.replies().await?,
            sections.notices().await?,
            sections.suppressions().await?,
            sections.consents().await?,
            sections.holds().await?,
            sections.wishes().await?,
            sections.recipients().await?,
            sections.requests().await?,
            sections.acts().await?,
        ];
        export.sections.retain(|section| !section.records.is_empty());
        let held = export.sections.iter().map(|section| section.records.len()).sum::<usize>();
        if held > 0 {
            export.sections.push(self.retention_section().await?);
        }
        let mut tx = self.db().begin().await?;
        self.keep_request(&mut tx, SubjectRequestKind::Access, &subject, &format!("{held} records"), now).await?;
        tx.commit().await?;
        Ok(export)
    }

    /// How long each class is kept, from the same rows that the sweep uses.
    async fn retention_section(&self) -> Result<ExportSection, StoreError> {
        let rows = self.retention().await?;
        let line = |row: &super::retention::RetentionRow| {
            record([
                ("what", plain(row.default.class.as_str())),
                ("why", row.default.purpose.to_owned()),
                ("kept", row.period()),
                ("counted from", plain(row.default.trigger.as_str())),
                ("law", row.default.reference.to_owned()),
            ])
        };
        Ok(ExportSection {
            title: "How long each kind of record is kept".into(),
            purpose: "So that you know when it goes by itself".into(),
            legal_basis: "UK GDPR art. 15(1)(d)".into(),
            source: "The settings by which records are deleted".into(),
            kept: "As long as the settings stand".into(),
            records: rows.iter().map(line).collect(),
        })
    }
}
