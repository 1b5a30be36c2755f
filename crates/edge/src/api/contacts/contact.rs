//! One contact.

use std::collections::BTreeMap;

use axum::Json;
use clarion_store::contacts::{Address, Contact as Stored};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, Query};
use crate::api::caller::{Caller, Shown};
use crate::api::problem::Problem;
use crate::api::wire::{ContactId, ImportId, LineType, ListId, Time};

/// A person as the tenant knows them.
#[derive(Serialize, ToSchema)]
pub struct Contact {
    id: ContactId,
    reference: String,
    first_name: String,
    last_name: String,
    user_id: String,
    /// The fields that the tenant declared.
    fields: BTreeMap<String, String>,
    numbers: Vec<Number>,
    lists: Vec<NamedList>,
    /// The import that brought them first.
    import: Option<ImportId>,
    import_line: Option<i64>,
    created_at: Time,
    updated_at: Time,
    /// Set when the person was erased: nothing but the identifier is left.
    erased_at: Option<Time>,
    /// The reference of the legal hold that stops every deletion.
    legal_hold: Option<String>,
}

/// A number and what its range tells.
#[derive(Serialize, ToSchema)]
pub struct Number {
    /// E.164, masked unless revealed.
    number: String,
    line_type: LineType,
    region: String,
    /// IANA names of every zone in which the person may be.
    zones: Vec<String>,
}

/// A list that a contact is on.
#[derive(Serialize, ToSchema)]
pub struct NamedList {
    pub id: ListId,
    pub name: String,
}

impl Contact {
    pub fn show(contact: Stored, shown: Shown) -> Self {
        let number = |address: Address| Number { number: shown.of(&address.number), line_type: address.line_type.into(), region: address.region, zones: address.zones };
        Self {
            id: contact.id.into(),
            reference: contact.profile.reference,
            first_name: contact.profile.first_name,
            last_name: contact.profile.last_name,
            user_id: contact.profile.user_id,
            fields: contact.profile.fields,
            numbers: contact.addresses.into_iter().map(number).collect(),
            lists: contact.lists.into_iter().map(|(id, name)| NamedList { id: id.into(), name }).collect(),
            import: contact.import_id.map(ImportId),
            import_line: contact.import_line,
            created_at: contact.created_at.into(),
            updated_at: contact.updated_at.into(),
            erased_at: contact.erased_at.map(Time),
            legal_hold: contact.legal_hold,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevealQuery {
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    pub reveal: Option<bool>,
}

/// One contact
#[utoipa::path(get, path = "/contacts/{contact}", tag = "contacts", params(("contact" = ContactId, Path), RevealQuery), responses((status = 200, body = Contact)))]
pub async fn get(caller: Caller, Id(id): Id<ContactId>, Query(query): Query<RevealQuery>) -> Result<Json<Contact>, Problem> {
    let contact = caller.tenant.contact(id.0).await?;
    let shown = caller.shown(query.reveal, "contact", id.0.0).await?;
    Ok(Json(Contact::show(contact, shown)))
}
