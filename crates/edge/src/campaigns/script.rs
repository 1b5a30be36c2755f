//! Scripts kept for use again. A campaign begins from one and keeps what it was given.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ScriptId;
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::ScriptRecord;
use maud::html;

use super::say::{HINT, text_of};
use super::{problems_of, script_check};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, area, confirmed, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let mut rows = Vec::new();
    for script in session.tenant.scripts().await? {
        let state = match session.tenant.check_script(&script.body).await? {
            Ok(_) => chip(Tone::Good, Icon::Check, "No fault"),
            Err(faults) => chip(Tone::Warn, Icon::Pencil, &counted(faults.len() as i64, "fault", "faults")),
        };
        rows.push((script, state));
    }
    let may = session.may(Right::RunCampaigns);
    let body = html! {
        section.card.flush {
            @if rows.is_empty() {
                (empty(Icon::Phone, "No script yet", "Keep what calls say and ask, and begin campaigns from it.", may.then_some(("/campaigns/scripts/new", "New script"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Script" } th scope="col" { "The check" } th scope="col" { "Kept" } } }
                    tbody { @for (script, state) in &rows { tr {
                        th scope="row" { @if may { a href={ "/campaigns/scripts/" (script.id) } { (script.name) } } @else { (script.name) } }
                        td { (state) }
                        td.tight-cell { (when::time(script.created_at, &session.zone)) }
                    } } }
                } }
            }
        }
    };
    let mut page = Page::new(CAMPAIGNS, "Scripts").under("/campaigns", "Campaigns").lead(html! { p { "What calls say and ask. Recordings are among the " a href="/campaigns/prompts" { "prompts" } "." } }).said(said(&asked));
    if may {
        page = page.actions(html! { a.button href="/campaigns/scripts/new" { "New script" } });
    }
    Ok(page.show(&session, &body))
}

pub async fn new(session: Session, asked: Asked) -> Result<Response, Fault> {
    let from = asked.0.get("from");
    let fields = Fields::new().with("from", from).with("script", script_check::begun(&session, from).await?.unwrap_or_default());
    show(&session, None, &fields, &Problems::new(), None).await
}

async fn find(session: &Session, id: &str) -> Result<ScriptRecord, Fault> {
    let id: ScriptId = id.parse().map_err(|_| Fault::NotFound("script"))?;
    Ok(session.tenant.script(id).await?)
}

pub async fn edit(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let script = find(&session, &id).await?;
    let fields = Fields::new().with("name", &script.name).with("script", &script.body);
    show(&session, Some(&script), &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, script: Option<&ScriptRecord>, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let path = script.map_or("/campaigns/scripts/new".to_owned(), |script| format!("/campaigns/scripts/{}", script.id));
    let body = html! {
        div.columns.wide-first {
            div.stack {
                @if script.is_none() {
                    form.card method="get" action=(path) { div.row { (select("from", "Begin with", "", &script_check::beginnings(session).await?, fill)) button.button.quiet type="submit" { "Use it" } } }
                }
                form.card.form.script method="post" action=(path) {
                    (Input::new("name", "Name").show(fill))
                    (area("script", "Script", HINT, None, fill))
                    div.actions { button.button type="submit" { "Save" } button.button.quiet type="submit" name="do" value="check" { "Check without saving" } a href="/campaigns/scripts" { "Back" } }
                }
                @if script.is_some() { (confirmed("Remove the script…", "Campaigns keep the script that they were given. It cannot be brought back.", &format!("{path}/delete"), "Yes, remove it")) }
            }
            (script_check::panel(session, fields.raw("script")).await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, script.map_or("New script", |script| script.name.as_str())).under("/campaigns/scripts", "Scripts").said(said).problems(problems).show(session, &body))
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    if fields.has("do", "check") {
        return show(&session, None, &fields, &Problems::new(), None).await;
    }
    match session.tenant.create_script(fields.get("name"), &text_of(&fields, "script"), session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("/campaigns/scripts/{id}?said=created")).into_response()),
        Err(error) => show(&session, None, &fields, &problems_of(error, "name")?, None).await,
    }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let script = find(&session, &id).await?;
    if fields.has("do", "check") {
        return show(&session, Some(&script), &fields, &Problems::new(), None).await;
    }
    match session.tenant.change_script(script.id, fields.get("name"), &text_of(&fields, "script"), session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/campaigns/scripts/{id}?said=saved")).into_response()),
        Err(error) => show(&session, Some(&script), &fields, &problems_of(error, "name")?, None).await,
    }
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_script(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/campaigns/scripts?said=removed").into_response())
}
