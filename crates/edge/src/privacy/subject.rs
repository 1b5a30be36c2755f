//! Finding a person for a rights request, and giving out everything held. By POST: the name stands in no address.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::privacy::subject_request::SubjectExport;
use clarion_store::StoreError;
use clarion_store::compliance::rule_book;
use clarion_store::privacy::subject_html;
use maud::html;

use super::erasure;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::page::said::said;
use crate::page::table::empty;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), said(&asked)).await
}

pub async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let found = if fields.is_set("typed") && problems.of("typed").is_none() { Some(session.tenant.subject_erase(fields.get("typed"), true, session.now).await) } else { None };
    let body = html! {
        form.card method="post" action="/privacy" role="search" { div.row {
            (Input::new("typed", "Find a person").hint("The whole number or the whole reference.").kind("search").show(fill))
            button.button type="submit" { "Find" }
        } }
        @match &found {
            Some(Ok(held)) if held.is_empty() => div.columns { section.card { (empty(Icon::Lock, "Nothing is held", "No record of this installation names this number or reference. An erasure still keeps a tombstone, so that no file brings the person back.", None)) } (erasure::form(fill, held)) },
            Some(Ok(held)) => div.columns { (downloads(fields.get("typed"))) (erasure::form(fill, held)) },
            Some(Err(error)) => div.notice.bad role="alert" { p { (capitalised(&error.to_string())) } },
            None => div.columns {
                section.card { header { h2 { "Retention" } } p.soft { "How long each kind of record is kept, and what the next sweep takes." } div { a.button.quiet href="/privacy/retention" { "See the schedule" } } }
                section.card { header { h2 { "Legal holds" } } p.soft { "People whose data nothing deletes, for a matter at law." } div { a.button.quiet href="/privacy/legal-holds" { "See the legal holds" } } }
                section.card { header { h2 { "Activity of users" } } p.soft { "Where somebody of your own came in from, which pages they saw and what they did, for as long as it is kept." } div { a.button.quiet href="/privacy/activity" { "Choose a user" } } }
                section.card { header { h2 { "Data inventory" } } p.soft { "Every column that the software keeps: what it holds, why, and how it is erased." } div { a.button.quiet href="/privacy/inventory" { "Open the inventory" } } }
            }
        }
    };
    Ok(Page::new(PRIVACY, "Privacy").lead(html! { p { "Give out what is held on a person, or erase it. Both are recorded in the audit." } }).said(said).problems(problems).show(session, &body))
}

fn downloads(typed: &str) -> maud::Markup {
    html! {
        section.card {
            header { h2 { "Give out what is held" } }
            p.soft { "Everything on this person, with why it is held, from where, and how long." }
            div.actions { @for (form, label) in [("html", "Readable page (HTML)"), ("json", "For machines (JSON)")] {
                form method="post" action="/privacy/export" { input type="hidden" name="typed" value=(typed); input type="hidden" name="form" value=(form); button.button.quiet type="submit" { (label) } }
            } }
        }
    }
}

pub async fn find(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "typed", "Type a number or a reference");
    show(&session, &fields, &problems, None).await
}

pub async fn export(session: Session, fields: Fields) -> Result<Response, Fault> {
    let export = match session.tenant.subject_export(fields.get("typed"), rule_book(), session.now).await {
        Ok(export) => export,
        Err(StoreError::Invalid(text)) => return show(&session, &fields, &Problems::one("typed", capitalised(&text)), None).await,
        Err(error) => return Err(error.into()),
    };
    Ok(if fields.get("form") == "json" { as_json(&export)? } else { attached("text/html; charset=utf-8", "personal-data.html", subject_html(&export)) })
}

fn as_json(export: &SubjectExport) -> Result<Response, Fault> {
    let text = serde_json::to_string_pretty(export).map_err(|error| StoreError::Invalid(error.to_string()))?;
    Ok(attached("application/json", "personal-data.json", text))
}

/// Always a download: the page must not stand in the portal's own origin.
fn attached(kind: &'static str, name: &str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], text).into_response()
}
