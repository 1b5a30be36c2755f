//! The suppression list: see it, add to it, take off it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::SuppressionId;
use clarion_store::StoreError;
use clarion_store::compliance::SuppressionEntry;
use maud::{Markup, html};

use super::tabs;
use crate::contacts::timeline::{scope_name, suppression_name};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::COMPLIANCE;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let fields = Fields::new().with("scope", "every").with("reason", "tenant_list");
    show(&session, &asked, &fields, &Problems::new()).await
}

pub(super) fn reasons(first: Option<&str>, given: &[SuppressionReason]) -> Vec<(String, String)> {
    let any = first.map(|label| (String::new(), label.to_owned()));
    any.into_iter().chain(given.iter().map(|reason| (reason.as_str().to_owned(), capitalised(suppression_name(*reason)).trim_end_matches('.').to_owned()))).collect()
}

pub(super) fn scopes() -> Vec<(String, String)> {
    SuppressionScope::ALL.iter().map(|scope| (scope.as_str().to_owned(), capitalised(scope_name(*scope)).trim_end_matches('.').to_owned())).collect()
}

async fn show(session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let reason = asked.0.word::<SuppressionReason>("only");
    let before = asked.0.number("before");
    let entries = session.tenant.suppressions(reason, before, ROWS).await?;
    let team = session.team().await?;
    let fill = Fill { fields, problems };
    let query = reason.map_or(String::new(), |reason| format!("only={reason}"));
    let none = Problems::new();
    let body = html! {
        (tabs("suppressions"))
        div.columns.wide-first {
            section.card.flush {
                form.filter method="get" action="/compliance" {
                    (select("only", "Reason", "", &reasons(Some("All"), SuppressionReason::ALL), Fill { fields: &asked.0, problems: &none }))
                    button.button.quiet type="submit" { "Show" }
                }
                @if entries.rows.is_empty() {
                    (empty(Icon::Shield, "Nobody is suppressed", "People who say stop come here by themselves, at once.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Number" } th scope="col" { "Stops" } th scope="col" { "Why" } th scope="col" { "Since" } th scope="col" { span.unseen { "Remove" } } } }
                        tbody { @for entry in &entries.rows { (row(session, entry, &team.name(&entry.created_by))) } }
                    } }
                }
                (pager("/compliance", &query, before, entries.next))
            }
            div.stack {
                form.card.form method="post" action="/compliance" {
                    header { h2 { "Suppress a number" } }
                    (Input::new("number", "Number").hint("As you would write it in a file.").kind("tel").show(fill))
                    (select("scope", "What to stop", "", &scopes(), fill))
                    (select("reason", "Why", "", &reasons(None, &[SuppressionReason::TenantList, SuppressionReason::OptOut, SuppressionReason::Objection, SuppressionReason::WrongPerson]), fill))
                    (Input::new("source", "How it came").hint("For instance a ticket's reference. No names or numbers.").show(fill))
                    div { button.button type="submit" { "Suppress" } }
                }
            }
        }
    };
    let page = Page::new(COMPLIANCE, "Suppressions").lead(html! { p { "Numbers that are never contacted, whatever a campaign says." } });
    Ok(page.actions(html! { a.button.quiet href="/compliance/file" { "By file" } }).said(said(asked)).problems(problems).show(session, &body))
}

fn row(session: &Session, entry: &SuppressionEntry, by: &str) -> Markup {
    html! { tr {
        th.mono scope="row" { @if entry.number.is_empty() { "erased" } @else { (entry.number.masked()) } }
        td.tight-cell { (capitalised(scope_name(entry.scope)).trim_end_matches('.')) }
        td { (capitalised(suppression_name(entry.reason)).trim_end_matches('.')) @if !entry.source.is_empty() { div.small.soft { (entry.source) } } }
        td { (when::time(entry.created_at, &session.zone)) div.small.soft { "by " (by) } }
        td { @if entry.can_be_removed() { a href={ "/compliance/" (entry.id) "/remove" } { "Remove" span.unseen { " " (entry.number.masked()) } } } @else { span.soft.small { "Stays" } } }
    } }
}

pub async fn add(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "number", "Enter a number");
    let (scope, reason) = (fields.word::<SuppressionScope>("scope"), fields.word::<SuppressionReason>("reason"));
    if scope.is_none() {
        problems.add("scope", "Choose what to stop");
    }
    if reason.is_none_or(|reason| reason == SuppressionReason::Erased) {
        problems.add("reason", "Choose a reason");
    }
    let nothing = Asked(Fields::new());
    let (Some(scope), Some(reason), true) = (scope, reason, problems.is_empty()) else { return show(&session, &nothing, &fields, &problems).await };
    match session.tenant.suppress(fields.get("number"), scope, reason, fields.get("source"), session.now).await {
        Ok(_) => Ok(Redirect::to("/compliance?said=suppressed").into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => {
            let field = if text.contains("source") { "source" } else { "number" };
            show(&session, &nothing, &fields, &Problems::one(field, capitalised(&text))).await
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn ask_remove(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let entry = find(&session, &id).await?;
    Ok(show_remove(&session, &entry, &Fields::new(), &Problems::new()))
}

async fn find(session: &Session, id: &str) -> Result<SuppressionEntry, Fault> {
    let id: SuppressionId = id.parse().map_err(|_| Fault::NotFound("suppression"))?;
    Ok(session.tenant.suppression(id).await?)
}

fn show_remove(session: &Session, entry: &SuppressionEntry, fields: &Fields, problems: &Problems) -> Response {
    let body = html! {
        form.card.form method="post" action={ "/compliance/" (entry.id) "/remove" } {
            p { "The number " span.mono { (entry.number.masked()) } " stands on the list because " (suppression_name(entry.reason)) "." }
            (Input::new("why", "Why may it be contacted again?").hint("Kept in the audit. No names or numbers.").show(Fill { fields, problems }))
            div.actions { button.button.danger type="submit" { "Take it off the list" } a href="/compliance" { "Keep it" } }
        }
    };
    Page::new(COMPLIANCE, "Take a number off the list").under("/compliance", "Suppressions").problems(problems).show(session, &body)
}

pub async fn remove(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let entry = find(&session, &id).await?;
    match session.tenant.unsuppress(entry.id, fields.get("why"), session.now).await {
        Ok(()) => Ok(Redirect::to("/compliance?said=removed").into_response()),
        Err(StoreError::Invalid(text)) => Ok(show_remove(&session, &entry, &fields, &Problems::one("why", capitalised(&text)))),
        Err(error) => Err(error.into()),
    }
}
