//! The mapping: each column of the file, three of its values, and what it is taken for.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_store::StoreError;
use clarion_store::intake::ImportRecord;
use maud::{Markup, html};

use super::find;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::button;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::tenancy::guard::Session;

const SAMPLES: usize = 3;

pub fn field_name(field: StandardField) -> &'static str {
    match field {
        StandardField::Phone => "Phone number",
        StandardField::Reference => "Reference",
        StandardField::FirstName => "First name",
        StandardField::LastName => "Last name",
        StandardField::UserId => "User id",
    }
}

/// `given` is what a refused form held; otherwise the proposal is shown.
pub async fn show(session: &Session, import: &ImportRecord, given: Option<&Mapping>, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let Some(proposal) = &import.proposal else { return Err(Fault::NotFound("mapping")) };
    let mapping = given.unwrap_or(&proposal.mapping);
    let declared = session.tenant.declared_names().await?;
    let sample = session.tenant.import_sample(import.id).await?;
    let body = html! {
        form.card.flush method="post" action={ "/imports/" (import.id) "/mapping" } {
            header { h2 { "What is each column?" } p.soft.small { (proposal.format.sentence) } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Column in the file" } th scope="col" { "First values" } th scope="col" { "Is taken for" } } }
                tbody { @for (place, header) in proposal.headers.iter().enumerate() { tr {
                    th scope="row" { @if header.is_empty() { span.soft { "Column " (place + 1) } } @else { (header) } }
                    td { @for row in sample.iter().take(SAMPLES) { div.mono.small { (row.get(place).map_or("", String::as_str)) } } }
                    td { (choice(place, header, mapping.columns.get(place), &declared)) }
                } } }
            } }
            div.more.actions {
                button.button type="submit" { "These columns are right: load" }
                a href={ "/imports/fields?import=" (import.id) } { "Declare a further field" }
            }
        }
        section.card { header { h2 { "Not this file?" } } div { (button(&format!("/imports/{}/cancel", import.id), "quiet", "Cancel this import")) } }
    };
    let lead = html! { p { "We suggest what each column is. Check it against the first values; a dropped column is never stored." } };
    Ok(Page::new(IMPORTS, format!("Columns of {}", import.file_name)).under("/imports", "Imports").lead(lead).said(said).problems(problems).show(session, &body))
}

fn choice(place: usize, header: &str, held: Option<&ColumnUse>, declared: &[String]) -> Markup {
    let held = held.and_then(ColumnUse::field).unwrap_or("");
    html! {
        select #{ "column-" (place) } name={ "column-" (place) } aria-label={ "What " (if header.is_empty() { "this column" } else { header }) " is taken for" } {
            option value="" selected[held.is_empty()] { "Drop this column" }
            @for field in StandardField::ALL { option value=(field.as_str()) selected[held == field.as_str()] { (field_name(*field)) } }
            @for name in declared { option value=(name) selected[held == name] { (name) } }
        }
    }
}

pub async fn confirm(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let import = find(&session, &id).await?;
    let columns = import.proposal.as_ref().map_or(0, |proposal| proposal.headers.len());
    let mapping = Mapping { columns: (0..columns).map(|place| column_use(fields.get(&format!("column-{place}")))).collect() };
    match session.tenant.confirm_mapping(import.id, &mapping, None, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/imports/{id}")).into_response()),
        Err(StoreError::Invalid(text)) => show(&session, &import, Some(&mapping), &Problems::one("column-0", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

fn column_use(name: &str) -> ColumnUse {
    match name.parse::<StandardField>() {
        Ok(field) => ColumnUse::Standard(field),
        Err(_) if name.is_empty() => ColumnUse::Dropped,
        Err(_) => ColumnUse::Declared(name.to_owned()),
    }
}
