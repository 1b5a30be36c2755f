//! Finding a person by a number or a reference, or a part of it, in a body: no personal data stands in an address.

use axum::Json;
use clarion_domain::tenancy::role::Right;
use clarion_store::contacts::{Found, not_found_hint};
use clarion_store::seal::TAIL_DIGITS;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contact::Contact;
use crate::api::body::{Body, within};
use crate::api::caller::Caller;
use crate::api::problem::Problem;

/// Whom to look for: one of these.
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
    /// The end of a number: four digits. More needs the right `reveal_personal`, and is audited.
    #[schema(min_length = 4, max_length = 20)]
    number_ends: Option<String>,
    /// The beginning of a reference: at least six letters.
    #[schema(min_length = 6, max_length = 200)]
    reference_begins: Option<String>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    #[serde(default)]
    reveal: bool,
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub struct ContactsFound {
    /// At most 50.
    items: Vec<Contact>,
    /// There may be others: give more of it.
    more: bool,
    /// What to try when nobody was found; null otherwise.
    hint: Option<&'static str>,
}

/// Look a contact up by number or reference
#[utoipa::path(post, path = "/contacts/search", tag = "contacts", request_body = ContactSearch, responses((status = 200, body = ContactsFound)))]
pub async fn search(caller: Caller, Body(search): Body<ContactSearch>) -> Result<Json<ContactsFound>, Problem> {
    let given = [("number", &search.number, (0, 100)), ("reference", &search.reference, (0, 200)), ("number_ends", &search.number_ends, (4, 20)), ("reference_begins", &search.reference_begins, (6, 200))];
    for (field, text, range) in given {
        if let Some(text) = text {
            within(Problem::invalid, field, text, range)?;
        }
    }
    let may_reveal = caller.may(Right::RevealPersonal);
    if !may_reveal && search.number_ends.as_ref().is_some_and(|typed| typed.chars().filter(char::is_ascii_digit).count() > TAIL_DIGITS) {
        return Err(Problem::invalid_field("number_ends", "give just the last four digits: more needs the right reveal_personal"));
    }
    let whole = |ids| Found { ids, more: false };
    let found = match (&search.number, &search.reference, &search.number_ends, &search.reference_begins) {
        (Some(typed), None, None, None) => match caller.tenant.read_number(typed).await? {
            Some(e164) => whole(caller.tenant.contact_by_number(&e164).await?.into_iter().collect()),
            None => return Err(Problem::invalid_field("number", "this is no phone number: write the whole of it, with its country code when it is not of your country")),
        },
        (None, Some(reference), None, None) => whole(caller.tenant.contacts_by_reference(reference).await?),
        (None, None, Some(digits), None) => caller.tenant.contacts_by_number_end(digits, may_reveal, caller.now).await?,
        // References are shown whole here: nothing is hidden that a longer part could tell.
        (None, None, None, Some(letters)) => caller.tenant.contacts_by_reference_start(letters, true).await?,
        _ => return Err(Problem::invalid("give one of `number`, `reference`, `number_ends` and `reference_begins`").with("number", "either this").with("reference", "or this")),
    };
    let mut items = Vec::with_capacity(found.ids.len());
    for id in found.ids {
        let shown = caller.shown(Some(search.reveal), "contact", id.0).await?;
        items.push(Contact::show(caller.tenant.contact(id).await?, shown));
    }
    let hint = items.is_empty().then_some(not_found_hint(may_reveal));
    Ok(Json(ContactsFound { items, more: found.more, hint }))
}
