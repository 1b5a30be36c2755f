//! The keys by which programs use the API: made, listed, revoked. A secret is shown once, on the answer that made it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ApiKeyId;
use clarion_domain::tenancy::role::Role;
use clarion_store::StoreError;
use clarion_store::tenancy::ApiKeyRecord;
use maud::{Markup, html};

use super::guard::Session;
use super::team::{role_name, roles};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;

/// More than a tenant may have at once, with those that it revoked.
const SHOWN_MAX: i64 = 1_000;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new().with("role", Role::Viewer.as_str()), &Problems::new(), said(&asked), None).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>, made: Option<&str>) -> Result<Response, Fault> {
    let keys = session.tenant.api_keys(None, SHOWN_MAX).await?.rows;
    let fill = Fill { fields, problems };
    let body = html! {
        @if let Some(secret) = made {
            section.card role="status" {
                header { h2 { "The new key’s secret" } }
                p { "Copy it now: nobody can be shown it again." }
                p { code { (secret) } }
            }
        }
        section.card.flush {
            header { h2 { "Keys" } }
            @if keys.is_empty() { (empty(Icon::Lock, "No program has a key yet", "Make one below for each program that uses the API.", None)) }
            @else { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Name" } th scope="col" { "May do" } th scope="col" { "Last used" } th scope="col" { "Since" } th scope="col" { "State" } } }
                tbody { @for key in &keys { (row(session, key)) } }
            } } }
        }
        form.card.form method="post" action="/team/keys" {
            header { h2 { "Make a key" } }
            (Input::new("name", "Name").hint("Which program uses it.").show(fill))
            (select("role", "May do", "Choose the least that it needs.", &roles(), fill))
            div { button.button type="submit" { "Make" } }
        }
    };
    let lead = html! { p { "How programs of " (session.record.name) " use the API. What it can do stands in " a href="/api/v1/openapi.json" { "its document" } "." } };
    Ok(Page::new(TEAM, "API keys").under("/team", "Team").lead(lead).said(said).problems(problems).show(session, &body))
}

fn row(session: &Session, key: &ApiKeyRecord) -> Markup {
    html! { tr {
        th scope="row" { (key.name) }
        td { (role_name(key.role)) }
        td data-label="Last used" { @match key.used_at { Some(at) => (when::time(at, &session.zone)), None => "Never" } }
        td data-label="Since" { (when::time(key.created_at, &session.zone)) }
        td { @if key.revoked_at.is_some() { (chip(Tone::Calm, Icon::Cross, "Revoked")) } @else { (button(&format!("/team/keys/{}/revoke", key.id), "danger", "Revoke")) } }
    } }
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "name", "Enter which program uses it");
    let role: Option<Role> = fields.word("role");
    if role.is_none() {
        problems.add("role", "Choose what it may do");
    }
    let Some(role) = role.filter(|_| problems.is_empty()) else { return show(&session, &fields, &problems, None, None).await };
    match session.tenant.create_api_key(fields.get("name"), role, session.now).await {
        Ok((_, secret)) => show(&session, &Fields::new().with("role", Role::Viewer.as_str()), &Problems::new(), Some("Created."), Some(&secret)).await,
        Err(StoreError::Conflict(text) | StoreError::Invalid(text)) => show(&session, &fields, &Problems::one("name", capitalised(&text)), None, None).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn revoke(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: ApiKeyId = id.parse().map_err(|_| Fault::NotFound("API key"))?;
    session.tenant.revoke_api_key(id, session.now).await?;
    Ok(Redirect::to("/team/keys?said=revoked").into_response())
}
