//! One's own sessions: where one is signed in, and how to end it there.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::SessionId;
use clarion_store::tenancy::SessionRecord;
use maud::{Markup, html};

use super::guard::Session;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::form::button;
use crate::page::icon::Icon;
use crate::page::when;

/// The card on the page of one's account.
pub fn card(session: &Session, all: &[SessionRecord]) -> Markup {
    html! {
        section.card.flush {
            header { h2 { "Where you are signed in" } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Browser" } th scope="col" { "From" } th scope="col" { "Signed in" } th scope="col" { "Last seen" } th scope="col" { span.unseen { "End it" } } } }
                tbody { @for one in all { tr {
                    th scope="row" { @if one.browser.is_empty() { "Unknown browser" } @else { (one.browser) } }
                    td data-label="From" { @if one.place.is_empty() { span.soft { "Not known" } } @else { (one.place) } }
                    td data-label="Signed in" { (when::time(one.created_at, &session.zone)) }
                    td data-label="Last seen" { (when::time(one.seen_at, &session.zone)) }
                    td { @if one.id == session.user.session { (chip(Tone::Good, Icon::Check, "This one")) } @else { (button(&format!("/account/sessions/{}/end", one.id), "quiet", "Sign out there")) } }
                } } }
            } }
            @if all.len() > 1 { div.more { (button("/account/sessions/end-others", "danger", "Sign out everywhere else")) } }
        }
    }
}

pub async fn end(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: SessionId = id.parse().map_err(|_| Fault::NotFound("session"))?;
    session.tenant.end_session(session.user.user_id, id, session.now).await?;
    Ok(Redirect::to("/account?said=session-ended").into_response())
}

pub async fn end_others(session: Session) -> Result<Response, Fault> {
    session.tenant.end_sessions(session.user.user_id, Some(session.user.session), session.now).await?;
    Ok(Redirect::to("/account?said=sessions-ended").into_response())
}
