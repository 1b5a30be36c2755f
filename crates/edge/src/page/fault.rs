//! Why a page cannot be shown, in words for the person who asked.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_store::StoreError;
use maud::{Markup, html};

use super::layout::{Page, document};
use crate::tenancy::guard::Session;
use crate::tenancy::password::Busy;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("not signed in")]
    SignedOut,
    #[error("the role does not carry this right")]
    NotAllowed,
    #[error("the organisation asks for a second factor")]
    NeedsSecondFactor,
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("the form is too large")]
    TooLarge,
    #[error("the form cannot be read")]
    Malformed,
    #[error("too many sign in at once")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Busy> for Fault {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::NotAllowed | Self::NeedsSecondFactor => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::Store(StoreError::NotFound(_)) => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(StoreError::Forbidden(_)) => StatusCode::FORBIDDEN,
            Self::Store(StoreError::Conflict(_)) => StatusCode::CONFLICT,
            Self::Store(StoreError::Invalid(_) | StoreError::Faults(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::SignedOut => ("You are signed out", "Sign in again to go on. Nothing that you sent was done.".into()),
            Self::NotAllowed => ("Your role does not allow this", "Ask an owner of your organisation to do it, or to change your role.".into()),
            Self::NeedsSecondFactor => ("Your organisation asks for a second factor", "Set it up under “Your account”, then do this again.".into()),
            Self::NotFound(what) | Self::Store(StoreError::NotFound(what)) => ("Not found", format!("There is no such {what}. It may have been removed, or the address may be mistyped.")),
            Self::TooLarge => ("That is too large", "Send less at once.".into()),
            Self::Malformed => ("That cannot be read", "The form arrived damaged. Go back, reload the page, and try again.".into()),
            Self::Busy => ("Too many people are signing in at once", "Your password was not looked at. Wait a few seconds, and try again.".into()),
            Self::Store(StoreError::Conflict(text) | StoreError::Invalid(text) | StoreError::Forbidden(text)) => ("That did not work", capitalised(text)),
            Self::Store(error @ StoreError::Faults(_)) => ("That did not work", capitalised(&error.to_string())),
            Self::Store(_) => ("Something went wrong on our side", "Nothing was changed. Try again in a minute; if it stays, tell your operator the time.".into()),
        }
    }
}

/// A sentence from a store's message: they begin in lower case and have no full stop.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{}", letters.as_str(), if text.ends_with('.') { "" } else { "." })
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Store(error) = &self && status.is_server_error() {
            tracing::error!(%error, "a page failed");
        }
        let (title, text) = self.words();
        let sign_in = matches!(self, Self::SignedOut);
        let page = apart(title, &html! { p { (text) } p.actions { @if sign_in { a.button href="/sign-in" { "Sign in" } } @else { a.button href="/" { "Go to the overview" } } } });
        let mut response = (status, page).into_response();
        if !sign_in {
            response.extensions_mut().insert(Told { title, text });
        }
        response
    }
}

/// What a fault says, for whoever knows who asked and can show it within the portal's frame.
#[derive(Clone)]
struct Told {
    title: &'static str,
    text: String,
}

/// A fault within the frame, so that a signed-in user keeps the menu; any other answer as it is.
pub fn framed(session: &Session, response: Response) -> Response {
    let Some(told) = response.extensions().get::<Told>() else { return response };
    let body = html! { section.card { p { (told.text) } div.actions { a.button href="/" { "Go to the overview" } } } };
    Page::apart(told.title).show_as(response.status(), session, &body)
}

/// A page without the frame: nobody may be signed in.
pub fn apart(title: &str, body: &Markup) -> Markup {
    let content = html! { main #main { a.brand href="/" { (super::icon::mark()) "Clarion" } h1 { (title) } (body) } };
    document(&format!("{title} – Clarion"), "door", &content)
}
