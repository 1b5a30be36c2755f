//! Finding a person by the whole number or the whole reference, in a body: no personal data stands in an address.

use axum::Json;
use clarion_store::contacts::NOT_FOUND_HINT;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contact::Contact;
use crate::api::body::{Body, within};
use crate::api::caller::Caller;
use crate::api::problem::Problem;

/// Whom to look for: a number or a reference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "07700 900123"}))]
pub struct ContactSearch {
    /// A whole number, as people write it.
    #[schema(max_length = 100)]
    number: Option<String>,
    /// A whole reference.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    #[serde(default)]
    reveal: bool,
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub struct ContactsFound {
    items: Vec<Contact>,
    /// What to try when nobody was found; null otherwise.
    hint: Option<&'static str>,
}

/// Look a contact up by number or reference
#[utoipa::path(post, path = "/contacts/search", tag = "contacts", request_body = ContactSearch, responses((status = 200, body = ContactsFound)))]
pub async fn search(caller: Caller, Body(search): Body<ContactSearch>) -> Result<Json<ContactsFound>, Problem> {
    for (field, text, max) in [("number", &search.number, 100), ("reference", &search.reference, 200)] {
        within(Problem::invalid, field, text.as_deref().unwrap_or_default(), (0, max))?;
    }
    let found = match (&search.number, &search.reference) {
        (Some(typed), None) => match caller.tenant.read_number(typed).await? {
            Some(e164) => caller.tenant.contact_by_number(&e164).await?.into_iter().collect(),
            None => return Err(Problem::invalid_field("number", "this is no phone number: write the whole of it, with its country code when it is not of your country")),
        },
        (None, Some(reference)) => caller.tenant.contacts_by_reference(reference).await?,
        _ => return Err(Problem::invalid("give a `number` or a `reference`, and not both").with("number", "either this").with("reference", "or this")),
    };
    let mut items = Vec::with_capacity(found.len());
    for id in found {
        let shown = caller.shown(Some(search.reveal), "contact", id.0).await?;
        items.push(Contact::show(caller.tenant.contact(id).await?, shown));
    }
    let hint = items.is_empty().then_some(NOT_FOUND_HINT);
    Ok(Json(ContactsFound { items, hint }))
}
