//! Invitations: an owner gives a name and a role and gets a link; whoever follows it chooses their own username and password.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::InvitationId;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::StoreError;
use clarion_store::tenancy::{Invitation, TenantRecord};
use maud::{Markup, html};

use super::guard::Session;
use super::password;
use super::team::{role_name, role_text, roles, tabs};
use crate::config::Cookies;
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, apart, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, confirmed, select, summary};
use crate::page::icon::{Icon, mark};
use crate::page::layout::{Page, document};
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::portal::Portal;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new().with("role", Role::Viewer.as_str()), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let (open, team) = (session.tenant.open_invitations().await?, session.team().await?);
    let fill = Fill { fields, problems };
    let body = html! {
        (tabs("invitations"))
        div.columns.wide-first {
            section.card.flush {
                @if open.is_empty() {
                    (empty(Icon::Team, "No open invitation", "Invite somebody by name and role. You get a link for them, with which they choose their own username and password.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Link" } th scope="col" { span.unseen { "Acts" } } } }
                        tbody { @for one in &open { (row(session, one, &team.name(&one.created_by))) } }
                    } }
                }
            }
            form.card.form method="post" action="/team/invitations" {
                header { h2 { "Invite somebody" } }
                (Input::new("display_name", "Name").show(fill))
                (select("role", "Role", "", &roles(), fill))
                (Input::new("email", "E-mail address").hint("Only for single sign-on: by it your identity provider knows them, and the link is not needed.").kind("email").show(fill))
                div { button.button type="submit" { "Make the link" } }
            }
        }
    };
    let lead = html! { p { "A link is good once, for three days. Nothing is sent: you pass it on." } };
    Ok(Page::new(TEAM, "Invitations").lead(lead).said(said).problems(problems).show(session, &body))
}

fn row(session: &Session, one: &Invitation, by: &str) -> Markup {
    let path = format!("/team/invitations/{}", one.id);
    html! { tr {
        th scope="row" { (one.display_name) div.small.soft { "invited " (when::time(one.created_at, &session.zone)) " by " (by) } }
        td data-label="Role" { (role_name(one.role)) }
        td data-label="Link" {
            @if one.expires_at > session.now { (chip(Tone::Info, Icon::Clock, "Open")) div.small.soft { "until " (when::time(one.expires_at, &session.zone)) } }
            @else { (chip(Tone::Warn, Icon::Clock, "Too old")) }
        }
        td { div.stack.tight { (button(&format!("{path}/renew"), "quiet", "New link")) (confirmed("Take back…", "The link is good no more.", &format!("{path}/revoke"), "Yes, take it back")) } }
    } }
}

/// Answers the POST itself: the link is shown this once.
fn show_link(portal: &Portal, session: &Session, headers: &HeaderMap, name: &str, token: &str) -> Response {
    let base = portal.config.public_url.clone().or_else(|| {
        let scheme = if portal.config.cookies == Cookies::Secure { "https" } else { "http" };
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(|host| format!("{scheme}://{host}"))
    });
    let link = format!("{}/invitation?t={token}", base.unwrap_or_default());
    let body = html! {
        section.card {
            header { h2 { "Pass this link on now" } }
            p.secret { code { (link) } }
            p { "It is shown this once; only a hash of it is kept. It is good for three days and lets one person in: give it to " (name) " alone, by a way that you trust." }
            div { a.button href="/team/invitations" { "I have passed it on" } }
        }
    };
    Page::new(TEAM, format!("Invitation for {name}")).under("/team/invitations", "Invitations").show(session, &body)
}

pub async fn create(State(portal): State<Portal>, session: Session, headers: HeaderMap, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "display_name", "Enter a name");
    let role: Option<Role> = fields.word("role");
    if role.is_none() {
        problems.add("role", "Choose a role");
    }
    let Some(role) = role.filter(|_| problems.is_empty()) else { return show(&session, &fields, &problems, None).await };
    match session.tenant.invite_by(fields.get("display_name"), role, fields.get("email"), session.now).await {
        Ok((_, token)) => Ok(show_link(&portal, &session, &headers, fields.get("display_name"), &token)),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(&session, &fields, &Problems::one("display_name", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

fn id(text: &str) -> Result<InvitationId, Fault> {
    text.parse().map_err(|_| Fault::NotFound("invitation"))
}

pub async fn renew(State(portal): State<Portal>, session: Session, Path(text): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let invitation = session.tenant.open_invitation(id(&text)?).await?;
    let token = session.tenant.renew_invitation(invitation.id, session.now).await?;
    Ok(show_link(&portal, &session, &headers, &invitation.display_name, &token))
}

pub async fn revoke(session: Session, Path(text): Path<String>) -> Result<Response, Fault> {
    session.tenant.revoke_invitation(id(&text)?, session.now).await?;
    Ok(Redirect::to("/team/invitations?said=taken-back").into_response())
}

async fn invited(portal: &Portal, token: &str) -> Result<Option<(Invitation, TenantRecord)>, Fault> {
    let Some(found) = portal.store.invitation_by_token(token, (portal.config.clock)()).await? else { return Ok(None) };
    let record = portal.store.tenant(found.tenant_id, Actor::System).await?.record().await?;
    Ok(Some((found, record)))
}

/// The link is followed: nothing is done yet, for mail programs follow links by themselves.
pub async fn page(State(portal): State<Portal>, asked: Asked) -> Result<Response, Fault> {
    match invited(&portal, asked.0.get("t")).await? {
        Some((invitation, record)) => Ok(form(&invitation, &record, &asked.0, &Problems::new())),
        None => Ok(gone()),
    }
}

fn gone() -> Response {
    let body = html! { p { "It was used, taken back, or is more than three days old. Ask whoever invited you for a new link." } p.actions { a.button href="/sign-in" { "Go to the sign-in" } } };
    (StatusCode::NOT_FOUND, apart("This invitation is no longer good", &body)).into_response()
}

fn form(invitation: &Invitation, record: &TenantRecord, fields: &Fields, problems: &Problems) -> Response {
    let fill = Fill { fields, problems };
    let wrong = !problems.is_empty();
    let body = html! {
        main #main {
            div.brand { (mark()) "Clarion" }
            h1 { "Welcome, " (invitation.display_name) }
            (summary(problems))
            p { (record.name) " invites you as " strong { (role_name(invitation.role)) } ". " (role_text(invitation.role)) }
            form.form method="post" action="/invitation" {
                input type="hidden" name="t" value=(fields.get("t"));
                (Input::new("username", "Choose a username").hint("What you sign in with, for instance your work e-mail address.").autocomplete("username").show(fill))
                (Input::new("password", "Choose a password").hint("At least 12 characters; three or four words are good.").kind("password").autocomplete("new-password").show(fill))
                button.button type="submit" { "Accept" }
            }
        }
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (status, document(if wrong { "Error: Welcome – Clarion" } else { "Welcome – Clarion" }, "door", &body)).into_response()
}

pub async fn accept(State(portal): State<Portal>, fields: Fields) -> Result<Response, Fault> {
    let Some((invitation, record)) = invited(&portal, fields.get("t")).await? else { return Ok(gone()) };
    let mut problems = Problems::new();
    problems.need(&fields, "username", "Enter a username");
    if let Err(error) = password::check_password(fields.raw("password"), &[fields.get("username"), &invitation.display_name, &record.name, &record.slug]) {
        problems.add("password", capitalised(&error.to_string()));
    }
    if !problems.is_empty() {
        return Ok(form(&invitation, &record, &fields, &problems));
    }
    let hash = password::hash_password(fields.raw("password")).await.map_err(|_| Fault::Malformed)?;
    // Nobody is signed in: the software acts on the word of the link.
    let tenant = portal.store.tenant(invitation.tenant_id, Actor::System).await?;
    match tenant.accept_invitation(fields.get("t"), fields.get("username"), &hash, (portal.config.clock)()).await {
        Ok(_) => Ok(Redirect::to("/sign-in?said=welcome").into_response()),
        Err(StoreError::Conflict(text) | StoreError::Invalid(text)) => Ok(form(&invitation, &record, &fields, &Problems::one("username", capitalised(&text)))),
        Err(StoreError::NotFound(_)) => Ok(gone()),
        Err(error) => Err(error.into()),
    }
}
