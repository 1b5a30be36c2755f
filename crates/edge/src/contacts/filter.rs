//! Saved filters: each in words, with how many people meet it now, and a form for a new one.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::contacts::address::LineType;
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::contacts::region::Region;
use clarion_domain::id::{FilterId, ListId};
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::contacts::ContactList;
use maud::{Markup, html};

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, confirmed, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &asked, &Fields::new(), &Problems::new()).await
}

async fn show(session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let lists = session.tenant.lists().await?;
    let may = session.may(Right::LoadContacts);
    let chosen = asked.0.word::<FilterId>("count");
    let mut rows = Vec::new();
    for saved in session.tenant.filters().await? {
        // Counting reads every contact: only when it is asked for.
        let size = if chosen == Some(saved.id) { Some(session.tenant.audience_size(None, &saved.filter).await?) } else { None };
        rows.push((saved, size));
    }
    let name_of = |id: ListId| lists.iter().find(|list| list.id == id).map(|list| list.name.clone());
    let body = html! {
        div.columns.wide-first {
            section.card.flush {
                @if rows.is_empty() {
                    (empty(Icon::People, "No saved filter yet", "A filter narrows a campaign to those who meet its conditions when it starts.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Who" } th.num scope="col" { "Now" } th scope="col" { span.unseen { "Remove" } } } }
                        tbody { @for (saved, size) in &rows { tr {
                            th scope="row" { (saved.name) }
                            td { (saved.filter.sentence(name_of)) }
                            td.num data-label="Now" { @match size { Some(size) => (counted(*size, "person", "people")), None => a href={ "/contacts/filters?count=" (saved.id) } { "Count" } } }
                            td { @if may { (confirmed("Remove…", "The people stay; only the filter goes.", &format!("/contacts/filters/{}/delete", saved.id), "Yes, remove it")) } }
                        } } }
                    } }
                }
            }
            div.stack {
                @for (saved, size) in &rows { @if let Some(size) = size.filter(|size| may && *size > 0) { (list_form(saved.id, &saved.name, &saved.filter.sentence(name_of), size, Fill { fields, problems })) } }
                @if may { (form(session, &lists, Fill { fields, problems }).await?) }
            }
        }
    };
    Ok(Page::new(CONTACTS, "Saved filters").under("/contacts", "Contacts").said(said(asked)).problems(problems).show(session, &body))
}

/// Repeats how many that are, and who.
fn list_form(id: FilterId, name: &str, sentence: &str, size: i64, fill: Fill) -> Markup {
    html! {
        form.card.form method="post" action={ "/contacts/filters/" (id) "/list" } {
            header { h2 { "Put them all on a list" } }
            p { strong { (counted(size, "person", "people")) } " by “" (name) "”: " (sentence) }
            input type="hidden" name="people" value=(size);
            (Input::new("list_name", "Name of the new list").show(fill))
            div { button.button type="submit" { "Put " (counted(size, "person", "people")) " on it" } }
        }
    }
}

pub async fn enlist(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let id: FilterId = id.parse().map_err(|_| Fault::NotFound("filter"))?;
    match session.tenant.list_filtered(id, fields.get("list_name"), fields.number("people").unwrap_or(-1), session.now).await {
        Ok(list) => Ok(Redirect::to(&format!("/contacts?list={list}&said=created")).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => {
            let asked = Asked(Fields::new().with("count", id.to_string()));
            show(&session, &asked, &fields, &Problems::one("list_name", capitalised(&text))).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn form(session: &Session, lists: &[ContactList], fill: Fill<'_>) -> Result<Markup, Fault> {
    let any = |label: &str| (String::new(), label.to_owned());
    let named = |first: &str| -> Vec<_> { [any(first)].into_iter().chain(lists.iter().map(|list| (list.id.to_string(), list.name.clone()))).collect() };
    let kinds: Vec<_> = [any("Any kind")].into_iter().chain(LineType::ALL.iter().map(|kind| (kind.as_str().to_owned(), capitalised(&kind.as_str().replace('_', " ")).trim_end_matches('.').to_owned()))).collect();
    let references = [any("With or without"), ("yes".into(), "With a reference".into()), ("no".into(), "Without a reference".into())];
    let declared: Vec<_> = [any("No such condition")].into_iter().chain(session.tenant.declared_names().await?.into_iter().map(|name| (name.clone(), name))).collect();
    Ok(html! {
        form.card.form method="post" action="/contacts/filters" {
            header { h2 { "New filter" } p.small.soft { "People must meet every condition that you set." } }
            (Input::new("name", "Name").show(fill))
            (select("on_list", "On the list", "", &named("Any list or none"), fill))
            (select("not_on_list", "Not on the list", "", &named("No such condition"), fill))
            (select("line_type", "Kind of number", "", &kinds, fill))
            (Input::new("region", "Countries").hint("Two capital letters each, such as GB, IE. Empty for all.").show(fill))
            (select("reference", "Reference", "", &references, fill))
            (select("field", "Declared field", "", &declared, fill))
            (Input::new("value", "Its value").hint("Empty: it only must be filled.").show(fill))
            div { button.button.quiet type="submit" { "Save the filter" } }
        }
    })
}

/// The conditions that a form sets, or the field that cannot be read.
fn filter(fields: &Fields) -> Result<Filter, (&'static str, &'static str)> {
    let mut all_of = Vec::new();
    let list = |field: &'static str| if fields.is_set(field) { fields.word::<ListId>(field).map(Some).ok_or((field, "Choose a list")) } else { Ok(None) };
    all_of.extend(list("on_list")?.map(|list| Condition::OnList { list }));
    all_of.extend(list("not_on_list")?.map(|list| Condition::NotOnList { list }));
    if fields.is_set("line_type") {
        all_of.push(Condition::LineType { any_of: vec![fields.word("line_type").ok_or(("line_type", "Choose a kind of number"))?] });
    }
    if fields.is_set("region") {
        let letters = fields.get("region").split([',', ' ']).filter(|text| !text.is_empty());
        let regions = letters.map(|text| text.parse::<Region>()).collect::<Result<Vec<_>, _>>();
        all_of.push(Condition::Region { any_of: regions.map_err(|_| ("region", "Write two capital letters for each country, such as GB, IE"))? });
    }
    if fields.is_set("reference") {
        all_of.push(Condition::HasReference { yes: fields.has("reference", "yes") });
    }
    if fields.is_set("field") {
        let value = Some(fields.get("value").to_owned()).filter(|value| !value.is_empty());
        all_of.push(Condition::Declared { field: fields.get("field").to_owned(), value });
    }
    if all_of.is_empty() {
        return Err(("on_list", "Set at least one condition"));
    }
    Ok(Filter { all_of })
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let nothing = Asked(Fields::new());
    let filter = match filter(&fields) {
        Ok(filter) => filter,
        Err((field, text)) => return show(&session, &nothing, &fields, &Problems::one(field, text)).await,
    };
    match session.tenant.save_filter(fields.get("name"), &filter, session.now).await {
        Ok(_) => Ok(Redirect::to("/contacts/filters?said=created").into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => {
            let field = if text.starts_with("condition") { "on_list" } else { "name" };
            show(&session, &nothing, &fields, &Problems::one(field, capitalised(&text))).await
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: FilterId = id.parse().map_err(|_| Fault::NotFound("filter"))?;
    session.tenant.delete_filter(id, session.now).await?;
    Ok(Redirect::to("/contacts/filters?said=removed").into_response())
}
