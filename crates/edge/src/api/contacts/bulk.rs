//! Many people at once, handed over by a program: each is added, brought up to date or refused by itself.

use std::collections::BTreeMap;

use axum::Json;
use clarion_domain::contacts::region::Region;
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::intake::row::{Row, RowReader};
use clarion_store::Tenant;
use clarion_store::intake::{PUT_CONTACTS_MAX, PutResult, SealedRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{ContactId, ContactRefusal, ListId};

/// People to add or bring up to date.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contacts": [{"number": "07700 900123", "reference": "ACC-0001", "first_name": "Ada"}]}))]
pub struct ContactsPut {
    /// A list on which all of them are afterwards.
    list: Option<ListId>,
    #[schema(min_items = 1, max_items = 10000)]
    contacts: Vec<ContactPut>,
}

/// One of them, known by their number. What is left out or empty stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactPut {
    /// As people write it.
    #[schema(max_length = 100)]
    number: String,
    /// Your own reference. Nobody else may have it.
    #[serde(default)]
    reference: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    user_id: String,
    /// Values of declared fields, by their names.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub struct ContactsPutResult {
    added: usize,
    updated: usize,
    refused: usize,
    /// In the order of the request.
    items: Vec<ContactPutResult>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactPutOutcome {
    Added,
    Updated,
    Refused,
}

/// What became of one of them.
#[derive(Serialize, ToSchema)]
pub struct ContactPutResult {
    outcome: ContactPutOutcome,
    /// Null when they were refused.
    contact: Option<ContactId>,
    /// Why they were refused; null otherwise.
    reason: Option<ContactRefusal>,
    /// Which field was at fault; empty when none was, or all of them together.
    field: String,
    /// What to do about it; empty when they were not refused.
    message: &'static str,
}

impl ContactPutResult {
    fn of(result: PutResult) -> Self {
        let good = |outcome, contact: clarion_domain::id::ContactId| Self { outcome, contact: Some(contact.into()), reason: None, field: String::new(), message: "" };
        match result {
            PutResult::Added(contact) => good(ContactPutOutcome::Added, contact),
            PutResult::Updated(contact) => good(ContactPutOutcome::Updated, contact),
            PutResult::Refused(reason) => Self::refused(reason, if reason == RejectReason::ReferenceConflict { "reference" } else { "number" }),
        }
    }

    fn refused(reason: RejectReason, field: &str) -> Self {
        let message = match reason {
            RejectReason::RepeatedInFile => "The same number stands earlier in this request; the earlier one counts. Leave one of the two out.",
            RejectReason::PhoneMissing => "There is no phone number. Give one, or leave the person out.",
            other => other.sentence(),
        };
        Self { outcome: ContactPutOutcome::Refused, contact: None, reason: Some(reason.into()), field: field.to_owned(), message }
    }
}

/// The standard fields in the order of the cells, by the names that they have here.
const STANDARD: [(&str, StandardField); 5] =
    [("number", StandardField::Phone), ("reference", StandardField::Reference), ("first_name", StandardField::FirstName), ("last_name", StandardField::LastName), ("user_id", StandardField::UserId)];

/// Reads people as the lines of a file are read: the same blanks, lengths and refusals.
async fn reader(tenant: &Tenant, declared: &[String]) -> Result<RowReader, Problem> {
    let record = tenant.record().await?;
    let region: Region = record.default_region.parse().map_err(|_| Problem::internal())?;
    let columns = STANDARD.iter().map(|(_, field)| ColumnUse::Standard(*field)).chain(declared.iter().map(|name| ColumnUse::Declared(name.clone())));
    let headers = STANDARD.iter().map(|(name, _)| (*name).to_owned()).chain(declared.iter().map(|name| format!("fields.{name}")));
    Ok(RowReader::new(Mapping { columns: columns.collect() }, headers.collect(), region, record.number_mode))
}

fn cells(person: ContactPut, declared: &[String]) -> Vec<Cell> {
    let ContactPut { number, reference, first_name, last_name, user_id, mut fields } = person;
    let rest = declared.iter().map(|name| fields.remove(name).unwrap_or_default());
    [number, reference, first_name, last_name, user_id].into_iter().chain(rest).map(Cell::Text).collect()
}

/// Add or update many people
///
/// Up to 10,000 in one request, of 16 MiB at most. Each is known by their number: who is new is added, who is known is brought up to date, and
/// what was left out stays as it is. One who is refused keeps nobody else from being put, and `items` says why. Sending the same again changes
/// nothing more.
///
/// Those who are new come from an import that the request makes: named `contacts/bulk`, from the source `api`, `loaded` as soon as the answer is given
/// (`GET /imports`). A request that adds nobody makes none. It stands on the page of each of them as where they came from. Taking it back
/// (`POST /imports/{import}/undo`) removes whom it added, by the same rules as for a file. It keeps no refused lines: `items` has them all. How long these people are kept counts, as for
/// those of a file, from when they were last put or loaded.
#[utoipa::path(post, path = "/contacts/bulk", tag = "contacts", request_body = ContactsPut, responses((status = 200, body = ContactsPutResult), (status = 404)))]
pub async fn put(caller: Caller, Body(new): Body<ContactsPut>) -> Result<Json<ContactsPutResult>, Problem> {
    if !(1..=PUT_CONTACTS_MAX).contains(&new.contacts.len()) {
        return Err(Problem::invalid_field("contacts", format!("give 1 to {PUT_CONTACTS_MAX} people: there are {}", new.contacts.len())));
    }
    let declared: Vec<String> = caller.tenant.declared_fields().await?.into_iter().map(|field| field.name).collect();
    for (place, person) in new.contacts.iter().enumerate() {
        if person.fields.keys().any(|name| !declared.contains(name)) {
            return Err(Problem::invalid_field(&format!("contacts[{place}].fields"), "one of these is not declared: declare it with a purpose first (POST /fields), or leave it out"));
        }
    }
    let reader = reader(&caller.tenant, &declared).await?;
    let (list, tenant) = (new.list.map(|list| list.0), caller.tenant.clone());
    if let Some(list) = list {
        tenant.list(list).await?;
    }
    // Sealing ten thousand rows takes its time: others are answered meanwhile.
    let sealed = tokio::task::spawn_blocking(move || {
        let numbered = (1u64..).zip(new.contacts);
        numbered.map(|(line, person)| seal(&tenant, &reader, line, cells(person, &declared))).collect::<Result<Vec<_>, Problem>>()
    });
    let read = sealed.await.map_err(|_| Problem::internal())??;
    let mut items = Vec::with_capacity(read.len());
    let mut rows = Vec::with_capacity(read.len());
    for one in read {
        match one {
            Ok(row) => {
                rows.push(row);
                items.push(None);
            }
            Err(refused) => items.push(Some(refused)),
        }
    }
    let mut put = caller.tenant.put_contacts(list, &rows, caller.now).await?.into_iter();
    let items: Vec<ContactPutResult> = items.into_iter().filter_map(|refused| refused.or_else(|| put.next().map(ContactPutResult::of))).collect();
    let of = |outcome| items.iter().filter(|item| item.outcome == outcome).count();
    let (added, updated, refused) = (of(ContactPutOutcome::Added), of(ContactPutOutcome::Updated), of(ContactPutOutcome::Refused));
    Ok(Json(ContactsPutResult { added, updated, refused, items }))
}

fn seal(tenant: &Tenant, reader: &RowReader, line: u64, cells: Vec<Cell>) -> Result<Result<SealedRow, ContactPutResult>, Problem> {
    let row: Row = match reader.read(line, &cells) {
        Ok(row) => row,
        Err(rejects) => {
            let (reason, field) = rejects.into_iter().next().map_or((RejectReason::PhoneMissing, "number".to_owned()), |reject| (reject.reason, reject.column));
            return Ok(Err(ContactPutResult::refused(reason, &field)));
        }
    };
    Ok(Ok(tenant.seal_row(row)?))
}
