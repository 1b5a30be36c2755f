//! The team: who may sign in, and as what.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::UserId;
use clarion_domain::tenancy::role::Role;
use clarion_store::StoreError;
use clarion_store::tenancy::{NewUser, User};
use maud::{Markup, html};

use super::guard::Session;
use super::password;
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, button, confirmed, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::when;

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Manager => "Manager",
        Role::Supervisor => "Supervisor",
        Role::Agent => "Agent",
        Role::PrivacyOfficer => "Privacy officer",
        Role::Viewer => "Viewer",
        Role::Auditor => "Auditor",
    }
}

pub fn role_text(role: Role) -> &'static str {
    match role {
        Role::Owner => "May do everything, and manages the team.",
        Role::Manager => "Loads contacts, runs campaigns, answers replies, reads the audit.",
        Role::Supervisor => "Runs campaigns and answers replies.",
        Role::Agent => "Answers replies and suppresses numbers.",
        Role::PrivacyOfficer => "Answers rights requests, reads the audit.",
        Role::Viewer => "Looks at everything that holds no personal data.",
        Role::Auditor => "Looks as a viewer does, and reads the audit.",
    }
}

pub fn roles() -> Vec<(String, String)> {
    Role::ALL.iter().map(|role| (role.as_str().to_owned(), format!("{} – {}", role_name(*role), role_text(*role)))).collect()
}

/// The parts of who may come in.
pub fn tabs(here: &str) -> Markup {
    html! { nav.tabs aria-label="Team" { @for (word, path, name) in [("people", "/team", "People"), ("invitations", "/team/invitations", "Invitations"), ("keys", "/team/keys", "API keys"), ("webhooks", "/team/webhooks", "Webhooks"), ("four-eyes", "/team/four-eyes", "Four eyes"), ("single-sign-on", "/team/single-sign-on", "Single sign-on")] { a href=(path) aria-current=[(word == here).then_some("page")] { (name) } } } }
}

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let users = session.tenant.users().await?;
    let body = html! {
        (tabs("people"))
        section.card.flush {
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Username" } th scope="col" { "Role" } th scope="col" { "State" } th scope="col" { "Second factor" } th scope="col" { "Since" } } }
                tbody { @for user in &users { tr {
                    th scope="row" { a href={ "/team/" (user.id) } { (user.display_name) } @if user.id == session.user.user_id { " " span.soft { "(you)" } } }
                    td data-label="Username" { (user.username) }
                    td data-label="Role" { (role_name(user.role)) }
                    td { (state(user, &session)) }
                    td data-label="Second factor" { (if user.second_factor_since.is_some() { "On" } else { "Off" }) }
                    td data-label="Since" { (when::time(user.created_at, &session.zone)) }
                } } }
            } }
        }
        section.card {
            header { h2 { "Second factor" } }
            @if session.record.needs_second_factor {
                p { "Everybody here needs one: whoever has none is asked to set it up before anything else." }
                (button("/team/second-factor/optional", "quiet", "Make it everybody's own choice"))
            } @else {
                p { "A code beside the password is everybody's own choice. Ask it of all, and whoever has none sets it up before anything else." }
                (button("/team/second-factor/needed", "quiet", "Ask it of everybody"))
            }
        }
    };
    let page = Page::new(TEAM, "Team").lead(html! { p { "Who may sign in for " (session.record.name) ", and what each may do." } });
    Ok(page.actions(html! { a.button href="/team/invitations" { "Invite somebody" } a.button.quiet href="/team/new" { "Add with a password" } }).said(said(&asked)).show(&session, &body))
}

fn state(user: &User, session: &Session) -> Markup {
    if user.deactivated_at.is_some() {
        chip(Tone::Calm, Icon::Cross, "Deactivated")
    } else if user.locked_until > session.now {
        chip(Tone::Warn, Icon::Lock, &format!("Locked until {}", when::text(user.locked_until, &session.zone)))
    } else {
        chip(Tone::Good, Icon::Check, "Active")
    }
}

pub async fn new(session: Session) -> Response {
    show_new(&session, &Fields::new().with("role", Role::Viewer.as_str()), &Problems::new())
}

fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Response {
    let fill = Fill { fields, problems };
    let body = html! {
        form.card.form method="post" action="/team/new" {
            (Input::new("display_name", "Name").show(fill))
            (Input::new("username", "Username").hint("What they sign in with, for instance their work e-mail address.").show(fill))
            (select("role", "Role", "", &roles(), fill))
            (Input::new("password", "First password").hint("At least 12 characters. Ask them to change it under “Your account”.").kind("password").autocomplete("new-password").show(fill))
            div.actions { button.button type="submit" { "Add" } a href="/team" { "Cancel" } }
        }
    };
    Page::new(TEAM, "Add a person").under("/team", "Team").problems(problems).show(session, &body)
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "display_name", "Enter a name");
    problems.need(&fields, "username", "Enter a username");
    let role: Option<Role> = fields.word("role");
    if role.is_none() {
        problems.add("role", "Choose a role");
    }
    if let Err(error) = password::check_password(fields.raw("password"), &session.names(fields.get("username"), fields.get("display_name"))) {
        problems.add("password", capitalised(&error.to_string()));
    }
    let Some(role) = role.filter(|_| problems.is_empty()) else { return Ok(show_new(&session, &fields, &problems)) };
    let password_hash = password::hash_password(fields.raw("password")).await.map_err(|_| Fault::Malformed)?;
    let new = NewUser { username: fields.get("username"), display_name: fields.get("display_name"), role, password_hash: &password_hash };
    match session.tenant.create_user(&new, session.now).await {
        Ok(_) => Ok(Redirect::to("/team?said=created").into_response()),
        Err(StoreError::Conflict(text) | StoreError::Invalid(text)) => Ok(show_new(&session, &fields, &Problems::one("username", capitalised(&text)))),
        Err(error) => Err(error.into()),
    }
}

async fn find(session: &Session, id: &str) -> Result<User, Fault> {
    let id: UserId = id.parse().map_err(|_| Fault::NotFound("user"))?;
    Ok(session.tenant.user(id).await?)
}

pub async fn edit(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let user = find(&session, &id).await?;
    let fields = Fields::new().with("display_name", &user.display_name).with("role", user.role.as_str());
    show_user(&session, &user, &fields, &Problems::new(), said(&asked)).await
}

async fn show_user(session: &Session, user: &User, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let sessions = session.tenant.sessions(user.id, session.now).await?;
    let fill = Fill { fields, problems };
    let active = user.deactivated_at.is_none();
    let body = html! {
        div.columns {
            form.card.form method="post" action={ "/team/" (user.id) } {
                header { h2 { "Name and role" } (state(user, session)) }
                (Input::new("display_name", "Name").show(fill))
                (select("role", "Role", "", &roles(), fill))
                div { button.button type="submit" { "Save" } }
            }
            div.stack {
                form.card.form method="post" action={ "/team/" (user.id) "/password" } {
                    header { h2 { "Set a new password" } }
                    (Input::new("password", "New password").hint("At least 12 characters. Lifts a lock and signs the person out everywhere.").kind("password").autocomplete("new-password").show(fill))
                    div { button.button.quiet type="submit" { "Set password" } }
                }
                section.card {
                    header { h2 { "Signed in" } }
                    @match sessions.first() {
                        None => p.soft { "Nowhere at the moment." },
                        Some(last) => { p { (counted(sessions.len() as i64, "session", "sessions")) ", last seen " (when::time(last.seen_at, &session.zone)) "." } (button(&format!("/team/{}/end-sessions", user.id), "quiet", "Sign out everywhere")) }
                    }
                }
                @if let Some(since) = user.second_factor_since {
                    section.card {
                        header { h2 { "Second factor" } }
                        p { "On since " (when::time(since, &session.zone)) "." }
                        (confirmed("Reset…", "For somebody who has lost phone and recovery codes: make sure that it is them. They are signed out everywhere, and their password alone lets them in until they set it up anew.", &format!("/team/{}/reset-second-factor", user.id), "Yes, reset it"))
                    }
                }
                section.card {
                    header { h2 { (if active { "Deactivate" } else { "Let in again" }) } }
                    p.soft { (if active { "The person is signed out at once and cannot sign in. What they did stays in the audit." } else { "The person can sign in again with the password they had." }) }
                    (button(&format!("/team/{}/{}", user.id, if active { "deactivate" } else { "activate" }), if active { "danger" } else { "quiet" }, if active { "Deactivate" } else { "Activate" }))
                }
            }
        }
    };
    Ok(Page::new(TEAM, &user.display_name).under("/team", "Team").said(said).problems(problems).show(session, &body))
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let user = find(&session, &id).await?;
    let mut problems = Problems::new();
    problems.need(&fields, "display_name", "Enter a name");
    let role: Option<Role> = fields.word("role");
    if role.is_none() {
        problems.add("role", "Choose a role");
    }
    let Some(role) = role.filter(|_| problems.is_empty()) else { return show_user(&session, &user, &fields, &problems, None).await };
    match session.tenant.change_user(user.id, fields.get("display_name"), role, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/team/{id}?said=saved")).into_response()),
        Err(StoreError::Conflict(text)) => show_user(&session, &user, &fields, &Problems::one("role", capitalised(&text)), None).await,
        Err(StoreError::Invalid(text)) => show_user(&session, &user, &fields, &Problems::one("display_name", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn set_password(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let user = find(&session, &id).await?;
    if let Err(error) = password::check_password(fields.raw("password"), &session.names(&user.username, &user.display_name)) {
        let held = Fields::new().with("display_name", &user.display_name).with("role", user.role.as_str());
        return show_user(&session, &user, &held, &Problems::one("password", capitalised(&error.to_string())), None).await;
    }
    let hash = password::hash_password(fields.raw("password")).await.map_err(|_| Fault::Malformed)?;
    session.tenant.set_password(user.id, &hash, session.now).await?;
    Ok(Redirect::to(&format!("/team/{id}?said=password")).into_response())
}

pub async fn activate(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.set_user_active(find(&session, &id).await?.id, true, session.now).await?;
    Ok(Redirect::to(&format!("/team/{id}?said=activated")).into_response())
}

pub async fn deactivate(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.set_user_active(find(&session, &id).await?.id, false, session.now).await?;
    Ok(Redirect::to(&format!("/team/{id}?said=deactivated")).into_response())
}

pub async fn end_sessions(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.end_sessions(find(&session, &id).await?.id, None, session.now).await?;
    Ok(Redirect::to(&format!("/team/{id}?said=user-sessions-ended")).into_response())
}

pub async fn reset_second_factor(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.remove_second_factor(find(&session, &id).await?.id, "second factor reset", true, session.now).await?;
    Ok(Redirect::to(&format!("/team/{id}?said=factor-reset")).into_response())
}

/// Whoever asks it of all has one: otherwise their next page would be shut to themselves.
pub async fn need_second_factor(session: Session) -> Result<Response, Fault> {
    if !session.user.has_second_factor {
        return Ok(Redirect::to("/account/second-factor?said=own-first").into_response());
    }
    session.tenant.require_second_factor(true, session.now).await?;
    Ok(Redirect::to("/team?said=factor-needed").into_response())
}

pub async fn leave_second_factor(session: Session) -> Result<Response, Fault> {
    session.tenant.require_second_factor(false, session.now).await?;
    Ok(Redirect::to("/team?said=factor-not-needed").into_response())
}
