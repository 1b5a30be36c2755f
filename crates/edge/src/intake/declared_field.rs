//! Further fields: a column is stored only when its field was declared with a purpose.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ImportId;
use clarion_store::StoreError;
use clarion_store::intake::{DeclaredField, NewDeclaredField};
use maud::html;

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let fields = Fields::new().with("retention_days", "365").with("import", asked.0.get("import"));
    show(&session, &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let declared = session.tenant.declared_fields().await?;
    let fill = Fill { fields, problems };
    let body = html! {
        div.columns.wide-first {
            section.card.flush {
                header { h2 { "Declared" } }
                @if declared.is_empty() {
                    (empty(Icon::Pencil, "No further field", "Phone, reference, names and user id are always there. Declare another when a message needs it.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Why it is held" } th.num scope="col" { "Kept for" } } }
                        tbody { @for field in &declared { tr { th.mono scope="row" { a href={ "/imports/fields/" (field.name) } { (field.name) } } td { (field.purpose) } td.num data-label="Kept for" { (field.retention_days) " days" } } } }
                    } }
                }
            }
            form.card.form method="post" action="/imports/fields" {
                header { h2 { "Declare a field" } }
                input type="hidden" name="import" value=(fields.get("import"));
                (Input::new("name", "Name").hint("As messages name it, for instance balance_due.").show(fill))
                (Input::new("purpose", "Why is it held?").hint("People read this when they ask what is held on them.").show(fill))
                (Input::new("retention_days", "Kept for (days)").kind("number").class("short").show(fill))
                div { button.button type="submit" { "Declare" } }
            }
        }
    };
    Ok(Page::new(IMPORTS, "Declared fields").under("/imports", "Imports").lead(html! { p { "What is held beyond the standard fields, and why. An undeclared column is dropped from every file." } }).said(said).problems(problems).show(session, &body))
}

pub async fn declare(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "name", "Enter a name");
    problems.need(&fields, "purpose", "Say why it is held");
    let Some(retention_days) = fields.number("retention_days") else {
        problems.add("retention_days", "Enter a number of days");
        return show(&session, &fields, &problems, None).await;
    };
    if !problems.is_empty() {
        return show(&session, &fields, &problems, None).await;
    }
    let new = NewDeclaredField { name: fields.get("name"), purpose: fields.get("purpose"), retention_days };
    match session.tenant.declare_field(&new, session.now).await {
        Ok(()) => {
            let back = fields.word::<ImportId>("import").map_or("/imports/fields".to_owned(), |import| format!("/imports/{import}"));
            Ok(Redirect::to(&format!("{back}?said=created")).into_response())
        }
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => {
            let field = if text.contains("why") { "purpose" } else if text.contains("retention") { "retention_days" } else { "name" };
            show(&session, &fields, &Problems::one(field, capitalised(&text)), None).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn find(session: &Session, name: &str) -> Result<DeclaredField, Fault> {
    session.tenant.declared_fields().await?.into_iter().find(|field| field.name == name).ok_or(Fault::NotFound("field"))
}

pub async fn edit(session: Session, Path(name): Path<String>) -> Result<Response, Fault> {
    let field = find(&session, &name).await?;
    let fields = Fields::new().with("purpose", &field.purpose).with("retention_days", field.retention_days.to_string());
    Ok(show_one(&session, &field, &fields, &Problems::new()))
}

fn show_one(session: &Session, field: &DeclaredField, fields: &Fields, problems: &Problems) -> Response {
    let fill = Fill { fields, problems };
    let path = format!("/imports/fields/{}", field.name);
    let body = html! {
        form.card.form method="post" action=(path) {
            (Input::new("purpose", "Why is it held?").hint("People read this when they ask what is held on them.").show(fill))
            (Input::new("retention_days", "Kept for (days)").kind("number").class("short").show(fill))
            div.actions { button.button type="submit" { "Save" } a href="/imports/fields" { "Back" } }
        }
        (confirmed("Withdraw the field…", "No file fills it any more. What was stored of it goes when its retention ends.", &format!("{path}/withdraw"), "Yes, withdraw it"))
    };
    Page::new(IMPORTS, field.name.as_str()).under("/imports/fields", "Declared fields").problems(problems).show(session, &body)
}

pub async fn change(session: Session, Path(name): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let field = find(&session, &name).await?;
    let Some(retention_days) = fields.number("retention_days") else {
        return Ok(show_one(&session, &field, &fields, &Problems::one("retention_days", "Enter a number of days")));
    };
    match session.tenant.change_declared_field(&NewDeclaredField { name: &name, purpose: fields.get("purpose"), retention_days }, session.now).await {
        Ok(()) => Ok(Redirect::to("/imports/fields?said=saved").into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => {
            let at = if text.contains("retention") { "retention_days" } else { "purpose" };
            Ok(show_one(&session, &field, &fields, &Problems::one(at, capitalised(&text))))
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn withdraw(session: Session, Path(name): Path<String>) -> Result<Response, Fault> {
    session.tenant.withdraw_declared_field(&find(&session, &name).await?.name, session.now).await?;
    Ok(Redirect::to("/imports/fields?said=removed").into_response())
}
