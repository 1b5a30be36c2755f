//! The sections of a person's export, a kind of record each.

use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::privacy::subject_request::{ExportRecord, ExportSection};
use clarion_domain::time::Instant;

use super::export::{by, ending, hours, kept, moment, moment_of, plain, record, without_ids};
use super::export_sound::{EMBEDDED_MS_MAX, data_uri, what_was_recorded, wav_of};
use super::retention::RetentionRow;
use super::subject::Subject;
use crate::contacts::{TimelineEvent, TimelineKind};
use crate::db::{Row, Statement, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Gathers sections about one person.
pub(super) struct Sections<'a> {
    tenant: &'a Tenant,
    subject: &'a Subject,
    retention: Vec<RetentionRow>,
    events: Vec<TimelineEvent>,
}

/// What a section is, before its records.
struct Heading {
    title: &'static str,
    legal_basis: &'static str,
    source: &'static str,
    class: RecordClass,
}

/// The carrier's code in words, with the code itself for whoever asks the carrier.
fn reason_of(cause: &str) -> String {
    cause.parse::<Cause>().map_or_else(|_| plain(cause), |known| format!("{} (code {cause})", known.verdict().text))
}

impl<'a> Sections<'a> {
    pub async fn new(tenant: &'a Tenant, subject: &'a Subject, rules: &RuleBook) -> Result<Self, StoreError> {
        let mut events = Vec::new();
        for contact in &subject.contacts {
            events.extend(tenant.timeline(*contact, rules, None, i64::MAX).await?);
        }
        Ok(Self { tenant, subject, retention: tenant.retention().await?, events })
    }

    fn section(&self, heading: Heading, records: Vec<ExportRecord>) -> ExportSection {
        let row = &self.retention[heading.class as usize];
        ExportSection {
            title: heading.title.into(),
            purpose: row.default.purpose.into(),
            legal_basis: heading.legal_basis.into(),
            source: heading.source.into(),
            kept: kept(row),
            records,
        }
    }

    /// The records of a statement over (tenant, contact).
    async fn of_contacts(&self, statement: &Statement, read: impl Fn(Row) -> Result<ExportRecord, StoreError>) -> Result<Vec<ExportRecord>, StoreError> {
        let mut records = Vec::new();
        for contact in &self.subject.contacts {
            for row in self.tenant.db().query(statement, &params![self.tenant.id, *contact]).await? {
                records.push(read(row)?);
            }
        }
        Ok(records)
    }

    /// The records of a statement over (tenant, number index).
    async fn of_numbers(&self, statement: &Statement, read: impl Fn(Row) -> Result<ExportRecord, StoreError>) -> Result<Vec<ExportRecord>, StoreError> {
        let mut records = Vec::new();
        for index in &self.subject.number_indexes {
            for row in self.tenant.db().query(statement, &params![self.tenant.id, *index]).await? {
                records.push(read(row)?);
            }
        }
        Ok(records)
    }

    fn of_events(&self, read: impl Fn(&TimelineEvent) -> Option<ExportRecord>) -> Vec<ExportRecord> {
        self.events.iter().filter_map(read).collect()
    }

    pub async fn contact(&self) -> Result<ExportSection, StoreError> {
        let declared = self.tenant.declared_fields().await?;
        let mut records = Vec::new();
        for id in &self.subject.contacts {
            let contact = self.tenant.contact(*id).await?;
            if contact.erased_at.is_some() {
                continue;
            }
            let mut held = record([
                ("reference", contact.profile.reference.clone()),
                ("first name", contact.profile.first_name.clone()),
                ("last name", contact.profile.last_name.clone()),
                ("user identifier", contact.profile.user_id.clone()),
                ("number as the file had it", contact.profile.number_as_written.clone()),
                ("first loaded", moment(contact.created_at)),
                ("last changed", moment(contact.updated_at)),
                ("record number", id.to_string()),
            ]);
            for (name, value) in &contact.profile.fields {
                let purpose = declared.iter().find(|field| field.name == *name).map_or("no longer declared", |field| &field.purpose);
                held.0.push((format!("{} (held {purpose})", plain(name).to_lowercase()), value.clone()));
            }
            for address in &contact.addresses {
                held.0.extend([
                    ("phone number".to_owned(), address.number.reveal().to_owned()),
                    ("kind of line".to_owned(), plain(address.line_type.as_str())),
                    ("country code".to_owned(), address.region.clone()),
                    ("time zone".to_owned(), address.zones.join(", ")),
                ]);
            }
            held.0.extend(contact.legal_hold.map(|reference| ("kept for a legal matter".to_owned(), reference)));
            records.push(held);
        }
        let heading = Heading { title: "Who you are to this organisation", legal_basis: "That of the campaigns below", source: "The files named below", class: RecordClass::ContactRow };
        Ok(self.section(heading, records))
    }

    pub async fn lists(&self) -> Result<ExportSection, StoreError> {
        let select = sql!("SELECT l.name, l.created_at FROM list_member m JOIN contact_list l ON l.id = m.list_id WHERE l.tenant_id = $1 AND m.contact_id = $2 ORDER BY l.name");
        let records = self.of_contacts(select, |mut row| Ok(record([("list", row.take(0)?), ("list made", moment(row.take(1)?))]))).await?;
        Ok(self.section(Heading { title: "Lists you are on", legal_basis: "That of the campaigns below", source: "The files named below", class: RecordClass::ContactRow }, records))
    }

    /// The file that made the contact, and stored files in which one of their numbers stands.
    pub async fn files(&self) -> Result<ExportSection, StoreError> {
        let mut records = self.of_events(|event| match &event.what {
            TimelineKind::Imported { file_name, line, .. } => {
                Some(record([("file", file_name.clone()), ("line", line.map_or_else(String::new, |line| line.to_string())), ("loaded", moment(event.at))]))
            }
            _ => None,
        });
        for file in self.tenant.files_of(self.subject).await? {
            records.push(record([("file still stored", file.0), ("received", moment(file.1))]));
        }
        Ok(self.section(Heading { title: "Files you came from", legal_basis: "That of the campaigns below", source: "The organisation's own records", class: RecordClass::SourceFile }, records))
    }

    pub async fn purposes(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT DISTINCT c.id, c.name, c.purpose, c.legal_basis, c.assessment_reference FROM recipient r JOIN campaign c ON c.id = r.campaign_id
             WHERE +c.tenant_id = $1 AND r.contact_id = $2 ORDER BY c.id"
        );
        let read = |mut row: Row| {
            let (purpose, basis): (String, String) = (row.take(2)?, row.take(3)?);
            Ok(record([("campaign", row.take(1)?), ("purpose", plain(&purpose)), ("legal basis", plain(&basis)), ("assessment of interests", row.take(4)?)]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Campaigns you were in, and why", legal_basis: "Stated for each campaign", source: "Chosen from the lists above", class: RecordClass::AttemptMetadata }, records))
    }

    pub async fn messages(&self) -> Result<ExportSection, StoreError> {
        let records = self.of_events(|event| match &event.what {
            TimelineKind::Attempted { campaign_name, channel, disposition, cause, segments, body, settled_at, .. } => Some(record([
                ("sent", moment(event.at)),
                ("campaign", campaign_name.clone()),
                ("by", if channel.as_str() == "sms" { "Text message".into() } else { "Call".into() }),
                ("text", body.as_ref().map_or_else(|| "no longer kept".to_owned(), |body| body.reveal().to_owned())),
                ("what became of it", disposition.map_or("Nothing known yet", ending).to_owned()),
                ("the carrier's reason", reason_of(cause)),
                ("settled", moment_of(*settled_at)),
                ("length in parts", segments.to_string()),
            ])),
            _ => None,
        });
        Ok(self.section(Heading { title: "Messages and calls to you", legal_basis: "That of each campaign", source: "Made by the campaigns above", class: RecordClass::AttemptMetadata }, records))
    }

    /// The short links that they were sent.
    pub async fn links(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT s.clicks, s.first_click_at, s.last_click_at, s.expires_at, s.sealed_target, c.wrapped_key, m.name FROM short_link s
             JOIN contact c ON c.id = s.contact_id JOIN campaign m ON m.id = s.campaign_id WHERE s.tenant_id = $1 AND s.contact_id = $2 ORDER BY s.attempt_id, s.place"
        );
        let read = |mut row: Row| {
            let target = self.tenant.link_target(row.take(4)?, row.take(5)?)?;
            Ok(record([
                ("campaign", row.take(6)?),
                ("led to", target.unwrap_or_else(|| "no longer kept".into())),
                ("led there until", moment(row.take(3)?)),
                ("times opened", row.take::<i64>(0)?.to_string()),
                ("opened first", moment_of(row.take(1)?)),
                ("opened last", moment_of(row.take(2)?)),
            ]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Links in messages to you", legal_basis: "That of each campaign", source: "Made for the messages above", class: RecordClass::AttemptMetadata }, records))
    }

    /// The timings of calls, which the law wants kept (UK-11).
    pub async fn calls(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT dialled_at, ringing_at, answered_at, message_at, information_at, bridged_at, ended_at, verdict, abandoned FROM call
             WHERE tenant_id = $1 AND contact_id = $2 ORDER BY attempt_id"
        );
        let read = |mut row: Row| {
            let (verdict, abandoned): (String, bool) = (row.take(7)?, row.take(8)?);
            Ok(record([
                ("dialled", moment(row.take(0)?)),
                ("rang", moment_of(row.take(1)?)),
                ("answered", moment_of(row.take(2)?)),
                ("you first heard us", moment_of(row.take(3)?)),
                ("you heard who had called", moment_of(row.take(4)?)),
                ("you were put through", moment_of(row.take(5)?)),
                ("ended", moment_of(row.take(6)?)),
                ("who answered, as the software heard it", plain(&verdict)),
                ("was somebody there for you", if abandoned { "No".into() } else { String::new() }),
            ]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Timings of calls to you", legal_basis: "Ofcom's rules on calling", source: "Measured during the calls", class: RecordClass::AttemptMetadata }, records))
    }

    /// What was recorded of them, to be heard.
    pub async fn recordings(&self, class: RecordClass) -> Result<ExportSection, StoreError> {
        let mut records = Vec::new();
        let mut embedded_ms = 0;
        for contact in &self.subject.contacts {
            for recording in self.tenant.recordings_of_contact(*contact).await?.into_iter().filter(|recording| recording.kind.class() == class) {
                let sound = if recording.duration_ms == 0 {
                    "Nothing was recorded".into()
                } else if embedded_ms + recording.duration_ms > EMBEDDED_MS_MAX {
                    format!("Handed out apart, as the file {}.wav", recording.id)
                } else {
                    embedded_ms += recording.duration_ms;
                    data_uri(&wav_of(self.tenant, recording.id).await?)
                };
                records.push(record([
                    ("recorded", moment(recording.began_at)),
                    ("what", what_was_recorded(recording.kind).into()),
                    ("length in seconds", (recording.duration_ms / 1_000).to_string()),
                    ("kept by law until", moment_of(recording.keep_until)),
                    ("sound", sound),
                ]));
            }
        }
        let title = if class == RecordClass::Recording { "Recordings of calls with you" } else { "Recordings of the first seconds of calls to you" };
        Ok(self.section(Heading { title, legal_basis: "That of each campaign", source: "Recorded during the calls", class }, records))
    }

    pub async fn refusals(&self) -> Result<ExportSection, StoreError> {
        let records = self.of_events(|event| {
            if let TimelineKind::SequenceEnded { campaign_name, why, .. } = &event.what {
                return Some(record([("when", moment(event.at)), ("campaign", campaign_name.clone()), ("what", "It ended for you: nothing more is sent to you by it".into()), ("why", why.words())]));
            }
            let (campaign, reasons, outcome) = match &event.what {
                TimelineKind::Refused { campaign_name, reasons, .. } => (campaign_name, reasons, "You were not contacted".to_owned()),
                TimelineKind::Deferred { campaign_name, reasons, until, .. } => (campaign_name, reasons, format!("Contact was put off until {}", moment_of(*until))),
                _ => return None,
            };
            let why: Vec<&str> = reasons.iter().map(|reason| reason.person.as_str()).collect();
            Some(record([("when", moment(event.at)), ("campaign", campaign.clone()), ("what", outcome), ("why", why.join(" "))]))
        });
        let heading = Heading { title: "Times you were not contacted, and why", legal_basis: "To keep the rules", source: "Decided by the software", class: RecordClass::AttemptMetadata };
        Ok(self.section(heading, records))
    }

    pub async fn replies(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT r.received_at, r.meaning, r.sealed_body, c.wrapped_key FROM reply r LEFT JOIN contact c ON c.id = r.contact_id
             WHERE r.tenant_id = $1 AND r.number_index = $2 ORDER BY r.received_at"
        );
        let read = |mut row: Row| {
            let meaning: String = row.take(1)?;
            let body = self.opened("reply.body", row.take(2)?, row.take(3)?)?;
            Ok(record([("received", moment(row.take(0)?)), ("text", body), ("taken to mean", plain(&meaning))]))
        };
        let records = self.of_numbers(select, read).await?;
        Ok(self.section(Heading { title: "What you wrote to us", legal_basis: "Your own message", source: "You", class: RecordClass::MessageBody }, records))
    }

    pub async fn notices(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT n.created_at, n.kind, n.sealed_body, n.state, c.wrapped_key FROM notice n LEFT JOIN contact c ON c.id = n.contact_id
             WHERE n.tenant_id = $1 AND n.number_index = $2 ORDER BY n.created_at"
        );
        let read = |mut row: Row| {
            let (kind, state): (String, String) = (row.take(1)?, row.take(3)?);
            let body = crate::attempts::text_of(&kind, self.opened("notice.body", row.take(2)?, row.take(4)?)?);
            Ok(record([("made", moment(row.take(0)?)), ("kind", plain(&kind)), ("text", body), ("what became of it", plain(&state))]))
        };
        let records = self.of_numbers(select, read).await?;
        Ok(self.section(Heading { title: "Answers and confirmations to you", legal_basis: "To answer your message", source: "Made by this organisation", class: RecordClass::MessageBody }, records))
    }

    /// A body of before the contact was known is sealed with the tenant's key.
    fn opened(&self, label: &str, sealed: Option<Vec<u8>>, wrapped: Option<Vec<u8>>) -> Result<String, StoreError> {
        let Some(sealed) = sealed else { return Ok("no longer kept".into()) };
        let own = self.tenant.person_key(wrapped.as_deref())?;
        match own.and_then(|key| key.open_text(label, &sealed).ok()) {
            Some(text) => Ok(text),
            None => Ok(self.tenant.keys.data.open_text(label, &sealed)?),
        }
    }

    pub async fn suppressions(&self) -> Result<ExportSection, StoreError> {
        let select = sql!("SELECT scope, reason, source, created_at FROM suppression WHERE tenant_id = $1 AND number_index = $2 ORDER BY created_at");
        let read = |mut row: Row| {
            let (scope, reason): (String, String) = (row.take(0)?, row.take(1)?);
            let stops = if scope == "every" { "Every contact".to_owned() } else { format!("Contact by {}", by(&scope)) };
            Ok(record([("since", moment(row.take(3)?)), ("what is stopped", stops), ("why", plain(&reason)), ("from", row.take(2)?)]))
        };
        let records = self.of_numbers(select, read).await?;
        let heading = Heading { title: "Stops on contacting you", legal_basis: "Legal obligation (UK GDPR art. 21)", source: "You, the organisation or a carrier", class: RecordClass::Suppression };
        Ok(self.section(heading, records))
    }

    pub async fn consents(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT given_at, channel, purpose, kind, expires_at, withdrawn_at, evidence, wording_version, obtained_in, refusal_offered FROM consent WHERE +tenant_id = $1 AND contact_id = $2 ORDER BY given_at"
        );
        let read = |mut row: Row| {
            let channel = plain(by(&row.take::<String>(1)?));
            let words: [String; 2] = [row.take(2)?, row.take(3)?];
            let [purpose, kind] = words.map(|word| plain(&word));
            Ok(record([
                ("given", moment(row.take(0)?)),
                ("for", purpose),
                ("by", channel),
                ("kind", kind),
                ("ends", moment_of(row.take(4)?)),
                ("withdrawn", moment_of(row.take(5)?)),
                ("evidence", row.take(6)?),
                ("wording", row.take(7)?),
                ("number obtained in", plain(&row.take::<String>(8)?)),
                ("refusing was offered", if row.take(9)? { "Yes" } else { "No" }.into()),
            ]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Consents", legal_basis: "Legal obligation to prove consent", source: "You, through the organisation", class: RecordClass::ConsentProof }, records))
    }

    pub async fn holds(&self) -> Result<ExportSection, StoreError> {
        let select = sql!("SELECT created_at, reason, note_reference, until_at, lifted_at FROM hold WHERE +tenant_id = $1 AND contact_id = $2 ORDER BY created_at");
        let read = |mut row: Row| {
            let reason: String = row.take(1)?;
            Ok(record([("since", moment(row.take(0)?)), ("why", plain(&reason)), ("note", row.take(2)?), ("until", moment_of(row.take(3)?)), ("ended", moment_of(row.take(4)?))]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Pauses in contacting you", legal_basis: "Legal obligation", source: "You or the organisation", class: RecordClass::ContactRow }, records))
    }

    pub async fn wishes(&self) -> Result<ExportSection, StoreError> {
        let select = sql!("SELECT windows, no_sms, no_voice, updated_at FROM preference WHERE tenant_id = $1 AND contact_id = $2");
        let read = |mut row: Row| {
            let yes = |set: bool| if set { "Yes".to_owned() } else { String::new() };
            Ok(record([("hours in which you may be contacted", hours(&row.take::<String>(0)?)), ("no text messages", yes(row.take(1)?)), ("no calls", yes(row.take(2)?)), ("since", moment(row.take(3)?))]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "What you asked for", legal_basis: "Your wish", source: "You", class: RecordClass::ContactRow }, records))
    }

    /// To whom number and text were given: the carriers, with the days.
    pub async fn recipients(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT t.name, CAST(COUNT(*) AS BIGINT), MIN(a.claimed_at), MAX(a.claimed_at) FROM attempt a JOIN trunk t ON t.id = a.trunk_id
             WHERE a.tenant_id = $1 AND a.contact_id = $2 GROUP BY t.name ORDER BY t.name"
        );
        let read = |mut row: Row| {
            let count: i64 = row.take(1)?;
            Ok(record([
                ("carrier connection", row.take(0)?),
                ("what was given", "Your phone number and the text".into()),
                ("how often", count.to_string()),
                ("first", moment(row.take::<Instant>(2)?)),
                ("last", moment(row.take::<Instant>(3)?)),
            ]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Who was given your data", legal_basis: "To deliver the messages", source: "Made by the campaigns above", class: RecordClass::AttemptMetadata }, records))
    }

    pub async fn requests(&self) -> Result<ExportSection, StoreError> {
        let select = sql!("SELECT kind, state, created_at, done_at FROM subject_request WHERE tenant_id = $1 AND contact_id = $2 ORDER BY id");
        let read = |mut row: Row| {
            let (kind, state): (String, String) = (row.take(0)?, row.take(1)?);
            Ok(record([("request", plain(&kind)), ("state", plain(&state)), ("made", moment(row.take(2)?)), ("answered", moment_of(row.take(3)?))]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "Your requests", legal_basis: "Legal obligation", source: "You", class: RecordClass::RightsRequest }, records))
    }

    pub async fn acts(&self) -> Result<ExportSection, StoreError> {
        let select = sql!(
            "SELECT e.at, e.actor, e.act, e.detail, e.object_kind FROM audit_event e WHERE e.tenant_id = $1 AND (
             (e.object_kind IN ('contact', 'preference', 'legal_hold') AND e.object_id = $2)
             OR (e.object_kind = 'recording' AND e.object_id IN (SELECT g.id FROM recording g WHERE g.contact_id = $2))
             OR (e.object_kind = 'hold' AND e.object_id IN (SELECT h.id FROM hold h WHERE h.contact_id = $2))
             OR (e.object_kind = 'consent' AND e.object_id IN (SELECT c.id FROM consent c WHERE c.contact_id = $2))
             OR (e.object_kind = 'reply' AND e.object_id IN (SELECT r.id FROM reply r WHERE r.contact_id = $2))) ORDER BY e.id"
        );
        let read = |mut row: Row| {
            let (actor, act, kind): (String, String, String) = (row.take(1)?, row.take(2)?, row.take(4)?);
            let what = match kind.as_str() {
                "preference" => "Your wishes",
                "legal_hold" => "A legal hold on your record",
                "hold" => "A pause in contacting you",
                "consent" => "A consent of yours",
                "recording" => "A recording of you",
                "reply" => "A message of yours",
                _ => "Your record",
            };
            let who = match actor.split(':').next().unwrap_or_default() {
                "user" => "A user of the organisation",
                "key" => "A program of the organisation",
                "operator" => "The operator of the service",
                "subject" => "You",
                _ => "The software itself",
            };
            Ok(record([("when", moment(row.take(0)?)), ("who", who.into()), ("of what", what.into()), ("what was done", plain(&act)), ("detail", without_ids(&row.take::<String>(3)?))]))
        };
        let records = self.of_contacts(select, read).await?;
        Ok(self.section(Heading { title: "What was done with your record", legal_basis: "Legal obligation to account for it", source: "Recorded by the software", class: RecordClass::AuditEvent }, records))
    }
}

impl Tenant {
    /// Stored files whose index of numbers has one of the person's: name and arrival.
    async fn files_of(&self, subject: &Subject) -> Result<Vec<(String, Instant)>, StoreError> {
        let wanted: Vec<[u8; 8]> = subject.number_indexes.iter().filter_map(|index| index[..8].try_into().ok()).collect();
        let select = sql!("SELECT id, file_name, created_at FROM import WHERE tenant_id = $1 AND wrapped_key IS NOT NULL AND state = 'loaded' ORDER BY id");
        let mut files = Vec::new();
        for mut row in self.db().query(select, &params![self.id]).await? {
            if self.file_holds(row.take(0)?, &wanted).await? {
                files.push((row.take(1)?, row.take(2)?));
            }
        }
        Ok(files)
    }
}
