//! Everything by which one person is known to a tenant: their contacts and their numbers.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ContactId, SubjectRequestId};
use clarion_domain::personal::Personal;
use clarion_domain::privacy::subject_request::{SubjectRequestKind, SubjectRequestState};
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::WebhookEventKind;

use crate::db::{Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// A person as a request names them: by number or by reference. They need not be a contact: a stranger may have replied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    pub contacts: Vec<ContactId>,
    /// The number as it was typed, in E.164, when it was one.
    pub(crate) typed: Option<Personal>,
    /// Blind indexes of their numbers.
    pub(crate) number_indexes: Vec<[u8; 16]>,
}

impl Tenant {
    /// Who is meant by a whole number or a whole reference, as typed.
    pub async fn find_subject(&self, typed: &str) -> Result<Subject, StoreError> {
        let mut subject = Subject { contacts: self.contacts_by_reference(typed.trim()).await?, typed: None, number_indexes: Vec::new() };
        if let Some(e164) = self.read_number(typed).await? {
            subject.number_indexes.push(self.number_index(&e164));
            subject.contacts.extend(self.contact_by_number(&e164).await?);
            subject.typed = Some(Personal::new(e164));
        } else if subject.contacts.is_empty() {
            return Err(StoreError::Invalid("nobody has this reference, and it is no phone number: type the whole number or the whole reference".into()));
        }
        subject.contacts.sort_unstable();
        subject.contacts.dedup();
        self.add_numbers(&mut subject).await?;
        Ok(subject)
    }

    /// Adds every number of the person's contacts.
    pub(super) async fn add_numbers(&self, subject: &mut Subject) -> Result<(), StoreError> {
        let select = sql!("SELECT number_index FROM address WHERE +tenant_id = $1 AND contact_id = $2 AND number_index IS NOT NULL");
        for contact in &subject.contacts {
            for mut row in self.db().query(select, &params![self.id, *contact]).await? {
                subject.number_indexes.push(row.take(0)?);
            }
        }
        subject.number_indexes.sort_unstable();
        subject.number_indexes.dedup();
        Ok(())
    }

    /// Whether a contact with one of the person's numbers, or a number of one of their contacts, has come since they were looked for.
    pub(super) async fn has_grown(&self, tx: &mut Tx, subject: &Subject) -> Result<bool, StoreError> {
        let holders = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2");
        for index in &subject.number_indexes {
            if let Some(mut row) = tx.query_first(holders, &params![self.id, *index]).await?
                && !subject.contacts.contains(&row.take::<ContactId>(0)?)
            {
                return Ok(true);
            }
        }
        let numbers = sql!("SELECT number_index FROM address WHERE +tenant_id = $1 AND contact_id = $2 AND number_index IS NOT NULL");
        for contact in &subject.contacts {
            for mut row in tx.query(numbers, &params![self.id, *contact]).await? {
                if !subject.number_indexes.contains(&row.take(0)?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Keeps that a request was answered, with its audit event, in the transaction that answers it.
    pub(crate) async fn keep_request(&self, tx: &mut Tx, kind: SubjectRequestKind, subject: &Subject, result: &str, now: Instant) -> Result<SubjectRequestId, StoreError> {
        let id = SubjectRequestId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO subject_request (id, tenant_id, kind, state, contact_id, result, created_by, created_at, done_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
        );
        let values = params![id, self.id, kind.as_str(), SubjectRequestState::Fulfilled.as_str(), subject.contacts.first().copied(), result, self.actor.to_string(), now];
        tx.execute(insert, &values).await?;
        let act = if kind == SubjectRequestKind::Erasure { Act::Erased } else { Act::Exported };
        self.audit(tx, now, act, "contact", subject.contacts.first().map_or(0, |contact| contact.0), &format!("request {id}")).await?;
        self.tell(tx, WebhookEventKind::SubjectRequestAnswered, serde_json::json!({"subject_request": id, "kind": kind.as_str()}), now).await?;
        Ok(id)
    }
}
