//! The imports, newest first.

use axum::response::Response;
use clarion_domain::tenancy::role::Right;
use maud::html;

use super::state_chip;
use crate::page::fault::Fault;
use crate::page::fields::Asked;
use crate::page::figure::{bytes, count};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 30;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let before = asked.0.number("before");
    let imports = session.tenant.imports(before, ROWS).await?;
    let team = session.team().await?;
    let may = session.may(Right::LoadContacts);
    let body = html! {
        section.card.flush {
            @if imports.rows.is_empty() {
                (empty(Icon::Upload, "No file loaded yet", "Load a CSV or Excel file of the people whom you may contact. You see which column is taken for what before anything is kept.", may.then_some(("/imports/new", "Load a file"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "File" } th scope="col" { "State" } th scope="col" { "List" } th.num scope="col" { "New" } th.num scope="col" { "Updated" } th.num scope="col" { "Refused" } th scope="col" { "Sent by" } th scope="col" { "When" } } }
                    tbody { @for import in &imports.rows { tr {
                        th scope="row" { a href={ "/imports/" (import.id) } { (import.file_name) } div.small.soft { @if import.file_bytes > 0 { (bytes(import.file_bytes)) " · " } "by " (super::source_name(import.source)) } }
                        td { (state_chip(import.state)) }
                        td { @match &import.list { Some((_, name)) => (name), None => span.soft { "None" } } }
                        td.num data-label="New" { (count(import.rows_loaded)) }
                        td.num data-label="Updated" { (count(import.rows_updated)) }
                        td.num data-label="Refused" { (count(import.rows_rejected)) }
                        td { (team.name(&import.created_by)) }
                        td.tight-cell { (when::time(import.created_at, &session.zone)) }
                    } } }
                } }
            }
            (pager("/imports", "", before, imports.next))
        }
    };
    let owns = session.may(Right::ManageTeam);
    let actions = html! {
        @if session.may(Right::ReadAudit) { a.button.quiet href="/imports/instructions" { "Instructions" } }
        @if owns { a.button.quiet href="/imports/connectors" { "Connectors" } a.button.quiet href="/imports/exports" { "Exports" } a.button.quiet href="/imports/sftp" { "SFTP" } }
        @if may { a.button.quiet href="/imports/fields" { "Declared fields" } a.button href="/imports/new" { "Load a file" } }
    };
    let page = Page::new(IMPORTS, "Imports").lead(html! { p { "Files from the portal, the API, SFTP, connectors and the command line, each with what became of its lines." } });
    Ok(page.actions(actions).said(said(&asked)).show(&session, &body))
}
