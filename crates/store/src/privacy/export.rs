//! Everything held on one person, for them to read: gathered from every table, in plain words.

use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::privacy::retention::{RecordClass, Trigger};
use clarion_domain::privacy::subject_request::{ExportRecord, ExportSection, SubjectExport, SubjectRequestKind};
use clarion_domain::time::Instant;

use super::export_sections::Sections;
use super::retention::RetentionRow;
use crate::compliance::Week;
use crate::store::{StoreError, Tenant};

/// Letters and digits of an identifier after its prefix.
const ID_DIGITS: usize = 13;

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

/// What is said of an act, without our own identifiers: they tell nobody anything.
pub(super) fn without_ids(detail: &str) -> String {
    let is_id = |word: &&str| word.split_once('_').is_some_and(|(prefix, rest)| prefix.len() == 3 && rest.len() == ID_DIGITS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let said = detail.split(' ').filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ");
    match said.as_str() {
        "put on" => "Put on a list".into(),
        "taken off" => "Taken off a list".into(),
        "request" => String::new(),
        said => plain(said),
    }
}

/// A class of record, for the person of whom it tells.
fn class_words(class: RecordClass) -> &'static str {
    match class {
        RecordClass::ContactRow => "Your name, number and details",
        RecordClass::AttemptMetadata => "When and how you were contacted, and why",
        RecordClass::MessageBody => "What was written to you, and by you",
        RecordClass::Recording => "Recordings of calls with you",
        RecordClass::OpeningRecording => "Recordings of the first seconds of calls to you",
        RecordClass::SourceFile => "The files you came from",
        RecordClass::Suppression => "Stops on contacting you",
        RecordClass::ConsentProof => "Consents",
        RecordClass::PortalActivity => "What users of the portal did",
        RecordClass::RightsRequest => "Your requests, and how they were answered",
        RecordClass::AuditEvent => "What was done with records",
        RecordClass::WebhookEvent => "What a client's own system was told",
        RecordClass::ConnectorRun => "What was pulled from a client's system",
        RecordClass::ExportFile => "Results that a client was given",
        RecordClass::Account => "Users of the service, and what was agreed with clients",
    }
}

/// How long a class is kept, and from when on that is counted.
pub(super) fn kept(row: &RetentionRow) -> String {
    let from = match row.default.trigger {
        Trigger::TenantEnd => return row.period(),
        Trigger::CampaignEnd => "the end of the last campaign you were in, or the last time you were loaded",
        Trigger::Created => "the day it was made",
        Trigger::ConsentEnd => "the end of the consent",
        Trigger::RequestClosed => "the day the request was answered",
    };
    format!("{}, counted from {from}", row.period())
}

/// A channel or a scope, as people say it.
pub(super) fn by(word: &str) -> &'static str {
    match word {
        "sms" => "text message",
        "voice" => "phone call",
        _ => "any way",
    }
}

/// How a message ended, for the person to whom it was.
pub(super) fn ending(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Accepted => "Handed to the phone network; nothing more is known",
        Disposition::Delivered => "Delivered to your phone",
        Disposition::Expired => "Not delivered in time: your phone could not be reached",
        Disposition::Undeliverable => "Could not be delivered",
        Disposition::InvalidNumber => "Not delivered: the number was not in service",
        Disposition::Blocked => "Blocked by the phone network",
        Disposition::Rejected => "Not taken by the phone network",
        Disposition::NoRoute => "Not sent: no connection to a phone network could take it",
        Disposition::Unknown => "Not known: it may or may not have reached you, and was not tried again by itself",
        Disposition::AnsweredPerson => "You, or somebody at your number, took the call",
        Disposition::PutThrough => "You spoke with somebody of the organisation",
        Disposition::Abandoned => "The call was taken and nobody was free to speak",
        Disposition::OptedOut => "The key for no more calls was pressed",
        Disposition::AnsweredMachine => "An answering machine took the call",
        Disposition::VoicemailLeft => "A message was left on an answering machine",
        Disposition::AnsweredFax => "A fax machine took the call",
        Disposition::Busy => "The line was busy",
        Disposition::NoAnswer => "Nobody took the call",
        Disposition::Congestion => "The phone network was busy",
        Disposition::Cancelled => "The call was stopped before anybody took it",
        Disposition::Failed => "The call failed on the way",
    }
}

/// Hours as they are kept, in words; what does not read is shown as it stands.
pub(super) fn hours(kept: &str) -> String {
    let Ok(week) = serde_json::from_str::<Week>(kept) else { return kept.to_owned() };
    let open: Vec<String> = week.days().into_iter().filter(|(_, spans)| !spans.trim().is_empty()).map(|(day, spans)| format!("{} {spans}", plain(day))).collect();
    open.join("; ")
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
            sections.links().await?,
            sections.calls().await?,
            sections.recordings(RecordClass::Recording).await?,
            sections.recordings(RecordClass::OpeningRecording).await?,
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
        let line = |row: &RetentionRow| {
            record([
                ("what", class_words(row.default.class).to_owned()),
                ("why", row.default.purpose.to_owned()),
                ("kept", kept(row)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read_has_no_identifier_and_no_brace() {
        assert_eq!(without_ids("put on lst_06apytcq9y800"), "Put on a list");
        assert_eq!(without_ids("request req_06apytcq9y800"), "");
        assert_eq!(without_ids("opt_out by reply"), "Opt out by reply");
        assert_eq!(hours(r#"{"monday":"09:00-12:00","sunday":""}"#), "Monday 09:00-12:00");
        assert_eq!(hours(""), "");
    }
}
