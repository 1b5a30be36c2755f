//! Keys of the REST API: who made them, what they may, when they were last used. A secret is shown once.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ApiKeyId;
use clarion_domain::tenancy::role::Role;
use clarion_store::StoreError;
use clarion_store::tenancy::ApiKeyRecord;
use maud::{Markup, html};

use super::guard::Session;
use super::team::{role_name, roles, tabs};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, confirmed, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;

const ROWS: i64 = 50;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &asked, &Fields::new().with("role", Role::Viewer.as_str()), &Problems::new()).await
}

async fn show(session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let before = asked.0.number("before");
    let keys = session.tenant.api_keys(before, ROWS).await?;
    let team = session.team().await?;
    let fill = Fill { fields, problems };
    let body = html! {
        (tabs("keys"))
        div.columns.wide-first {
            section.card.flush {
                @if keys.rows.is_empty() {
                    (empty(Icon::Key, "No key yet", "A program signs in with a key of its own. Make one for each, so that each can be revoked alone.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Key" } th scope="col" { "May" } th scope="col" { "Last used" } th scope="col" { "State" } } }
                        tbody { @for key in &keys.rows { (row(session, key, &team.name(&key.created_by))) } }
                    } }
                }
                (pager("/team/keys", "", before, keys.next))
            }
            form.card.form method="post" action="/team/keys" {
                header { h2 { "New key" } }
                (Input::new("name", "Which program uses it?").show(fill))
                (select("role", "May do what this role may", "Choose the least that it needs.", &roles(), fill))
                p.small.soft { "It acts for you: it may never do more than you may, and ends when you are deactivated." }
                div { button.button type="submit" { "Make the key" } }
            }
        }
    };
    let lead = html! { p { "The REST API answers at " code { "/api/v1" } ". " a href="/api/v1/docs" { "Its documentation" } " · " a href="/api/v1/openapi.json" { "The same for programs (OpenAPI)" } } };
    Ok(Page::new(TEAM, "API keys").lead(lead).said(said(asked)).problems(problems).show(session, &body))
}

fn row(session: &Session, key: &ApiKeyRecord, by: &str) -> Markup {
    html! { tr {
        th scope="row" { (key.name) div.small.soft { "made " (when::time(key.created_at, &session.zone)) " by " (by) } }
        td data-label="May" { (role_name(key.role)) @if let Some(lesser) = key.user_role.filter(|role| *role != key.role && *role != Role::Owner) { div.small.soft { "and no more than a " (role_name(lesser).to_lowercase()) ", which its user is now" } } }
        td data-label="Last used" { @match key.used_at { Some(at) => (when::time(at, &session.zone)), None => span.soft { "Never" } } }
        td { @match key.revoked_at {
            Some(_) => (chip(Tone::Calm, Icon::Cross, "Revoked")),
            None => div.stack.tight { div { (chip(Tone::Good, Icon::Check, "Works")) } (confirmed("Revoke…", "Its next request is refused. It cannot be brought back.", &format!("/team/keys/{}/revoke", key.id), "Yes, revoke it")) }
        } }
    } }
}

/// Answers the POST itself: the secret has no address to come back to.
pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let nothing = Asked(Fields::new());
    let mut problems = Problems::new();
    problems.need(&fields, "name", "Enter which program uses it");
    let role = fields.word::<Role>("role");
    if role.is_none() {
        problems.add("role", "Choose what it may do");
    }
    let Some(role) = role.filter(|_| problems.is_empty()) else { return show(&session, &nothing, &fields, &problems).await };
    let (key, secret) = match session.tenant.create_api_key(fields.get("name"), role, session.now).await {
        Ok(made) => made,
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => return show(&session, &nothing, &fields, &Problems::one("name", capitalised(&text))).await,
        Err(error) => return Err(error.into()),
    };
    let body = html! {
        section.card {
            header { h2 { "Keep this secret now" } }
            p.secret { code { (secret) } }
            p { "It is shown this once; only a hash of it is kept. Send it as " code { "Authorization: Bearer …" } "." }
            div { a.button href="/team/keys" { "I have kept it" } }
        }
    };
    Ok(Page::new(TEAM, key.name.as_str()).under("/team/keys", "API keys").show(&session, &body))
}

pub async fn revoke(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: ApiKeyId = id.parse().map_err(|_| Fault::NotFound("API key"))?;
    session.tenant.revoke_api_key(id, session.now).await?;
    Ok(Redirect::to("/team/keys?said=revoked").into_response())
}
