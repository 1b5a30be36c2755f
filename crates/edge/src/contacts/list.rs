//! Who is on a list, or in the whole tenant, and the lists themselves.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ListId;
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::contacts::{ContactList, ListEntry};
use maud::{Markup, html};

use super::search;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::approval::led;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &asked, &Fields::new(), &Problems::new()).await
}

pub async fn show(session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let lists = session.tenant.lists().await?;
    let chosen = asked.0.word::<ListId>("list");
    let contacts = session.tenant.contacts(chosen, asked.0.number("after"), ROWS).await?;
    let list = lists.iter().find(|list| Some(list.id) == chosen);
    let may = session.may(Right::LoadContacts);
    let fill = Fill { fields, problems };
    let body = html! {
        (search::form(session, fill))
        div.columns.wide-first {
            section.card.flush {
                header { h2 { (list.map_or("Everybody", |list| list.name.as_str())) } @if chosen.is_some() { a.small href="/contacts" { "Show everybody" } } }
                @if contacts.rows.is_empty() {
                    (empty(Icon::People, "Nobody here yet", "People come from files that you load.", may.then_some(("/imports/new", "Load a file"))))
                } @else { (table(session, &contacts.rows)) }
                @if let Some(next) = contacts.next { nav.pages aria-label="Pages" { a rel="next" href={ "/contacts?after=" (next) @if let Some(list) = chosen { "&list=" (list) } } { "Next page" } } }
            }
            div.stack {
                (shelf(&lists, chosen, may))
                @if let Some(list) = list.filter(|_| may) { (rename_form(list, problems)) }
                @if may {
                    form.card.form method="post" action="/contacts/lists" {
                        header { h2 { "New list" } }
                        (Input::new("name", "Name").show(fill))
                        div { button.button.quiet type="submit" { "Make the list" } }
                    }
                }
            }
        }
    };
    Ok(Page::new(CONTACTS, "Contacts").lead(html! { p { "Numbers and references are masked. Open a person to see what happened and, if your role allows it, to reveal them." } }).actions(html! { a.button.quiet href="/contacts/filters" { "Saved filters" } @if may { a.button href="/imports/new" { "Load a file" } } }).said(said(asked)).problems(problems).show(session, &body))
}

pub fn table(session: &Session, entries: &[ListEntry]) -> Markup {
    html! {
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "Number" } th scope="col" { "Kind" } th scope="col" { "Region" } th scope="col" { "Loaded" } } }
            tbody { @for entry in entries { tr {
                th scope="row" { a.mono href={ "/contacts/" (entry.contact_id) } { @match &entry.number { Some(number) => (number.masked()), None => "erased" } } }
                td data-label="Kind" { @if let Some(line) = entry.line_type { (line.as_str().replace('_', " ")) } }
                td data-label="Region" { (entry.region) }
                td.tight-cell data-label="Loaded" { (when::time(entry.created_at, &session.zone)) }
            } } }
        } }
    }
}

fn shelf(lists: &[ContactList], chosen: Option<ListId>, may: bool) -> Markup {
    html! {
        section.card.flush {
            header { h2 { "Lists" } }
            @if lists.is_empty() { p.soft.more { "No list yet. Loading a file can make one." } }
            ul.steps { @for list in lists {
                li {
                    div { a href={ "/contacts?list=" (list.id) } aria-current=[(chosen == Some(list.id)).then_some("true")] { (list.name) } div.small.soft { (counted(list.members, "person", "people")) } }
                    @if may && chosen == Some(list.id) { (confirmed("Remove the list…", "The people stay; only the list goes.", &format!("/contacts/lists/{}/delete", list.id), "Yes, remove it")) }
                }
            } }
        }
    }
}

fn rename_form(list: &ContactList, problems: &Problems) -> Markup {
    let fields = Fields::new().with("new_name", list.name.as_str());
    html! {
        form.card.form method="post" action={ "/contacts/lists/" (list.id) "/rename" } {
            header { h2 { "Rename this list" } }
            (Input::new("new_name", "New name").show(Fill { fields: &fields, problems }))
            div { button.button.quiet type="submit" { "Rename" } }
        }
    }
}

pub async fn rename(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let list: ListId = id.parse().map_err(|_| Fault::NotFound("list"))?;
    match session.tenant.rename_list(list, fields.get("new_name"), session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/contacts?list={id}&said=saved")).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(&session, &Asked(Fields::new().with("list", id)), &fields, &Problems::one("new_name", capitalised(&text))).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.create_list(fields.get("name"), session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("/contacts?list={id}&said=created")).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(&session, &Asked(Fields::new()), &fields, &Problems::one("name", capitalised(&text))).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: ListId = id.parse().map_err(|_| Fault::NotFound("list"))?;
    Ok(led(session.tenant.delete_list(id, session.now).await?, "/contacts?said=removed"))
}
