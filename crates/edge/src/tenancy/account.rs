//! One's own account: who one is here, and a new password.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::tenancy::role::Right;
use maud::html;

use super::guard::Session;
use super::{password, second_factor, session, team};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::said::said;
use crate::portal::Portal;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let sessions = session.tenant.sessions(session.user.user_id, session.now).await?;
    let fill = Fill { fields, problems };
    let body = html! {
        div.columns {
            section.card {
                header { h2 { "You" } }
                dl.facts {
                    dt { "Name" } dd { (session.user.display_name) }
                    dt { "Username" } dd { (session.user.username) }
                    dt { "Role" } dd { (team::role_name(session.user.role)) p.small.soft { (team::role_text(session.user.role)) } }
                    dt { "Organisation" } dd { (session.record.name) }
                    dt { "Time zone" } dd { (session.record.zone) }
                    dt { "Activity" } dd { a href="/account/activity" { "What is kept of your use of this portal" } }
                    @if session.may(Right::View) { dt { "Approvals" } dd { a href="/approvals" { "What waits for you, and what you asked for" } } }
                    dt { "Second factor" } dd { (if session.user.has_second_factor { "On. " } else { "Off. " }) a href="/account/second-factor" { (if session.user.has_second_factor { "Recovery codes, turn it off" } else { "Set it up" }) } }
                }
            }
            section.card {
                header { h2 { "Change your password" } }
                form.form method="post" action="/account/password" {
                    (Input::new("current", "Current password").kind("password").autocomplete("current-password").show(fill))
                    (Input::new("new", "New password").hint("At least 12 characters; three or four words are good.").kind("password").autocomplete("new-password").show(fill))
                    div { button.button type="submit" { "Change password" } }
                    p.small.soft { "You will be signed out everywhere and sign in again with it." }
                }
            }
        }
        (session::card(session, &sessions))
    };
    Ok(Page::apart("Your account").said(said).problems(problems).show(session, &body))
}

pub async fn change_password(State(portal): State<Portal>, session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    if !second_factor::knows_password(&portal, &session, fields.raw("current")).await? {
        problems.add("current", "This is not your current password");
    }
    if let Err(error) = password::check_password(fields.raw("new"), &session.names(&session.user.username, &session.user.display_name)) {
        problems.add("new", capitalised(&error.to_string()));
    }
    if !problems.is_empty() {
        return show(&session, &fields, &problems, None).await;
    }
    let hash = password::hash_password(fields.raw("new")).await.map_err(|_| Fault::Malformed)?;
    session.tenant.set_password(session.user.user_id, &hash, session.now).await?;
    Ok(Redirect::to("/sign-in?said=saved").into_response())
}
