//! The frame of every page: skip link, rail or top bar, one h1, problems and notices, content, foot.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_domain::tenancy::role::Right;
use maud::{DOCTYPE, Markup, html};

use super::asset::{SCRIPT, STYLE};
use super::fields::Problems;
use super::form::summary;
use super::icon::{Icon, mark};
use super::figure::count;
use super::menu::{INBOX, STOPS, Stop};
use crate::tenancy::guard::Session;

/// A page of a signed-in user.
pub struct Page<'a> {
    title: String,
    stop: Option<Stop>,
    crumb: Option<(String, String)>,
    lead: Option<Markup>,
    actions: Option<Markup>,
    said: Option<&'static str>,
    problems: Option<&'a Problems>,
}

impl<'a> Page<'a> {
    pub fn new(stop: Stop, title: impl Into<String>) -> Self {
        Self { title: title.into(), stop: Some(stop), crumb: None, lead: None, actions: None, said: None, problems: None }
    }

    /// A page outside the menu.
    pub fn apart(title: impl Into<String>) -> Self {
        Self { title: title.into(), stop: None, crumb: None, lead: None, actions: None, said: None, problems: None }
    }

    /// The page above this one.
    #[must_use]
    pub fn under(self, path: impl Into<String>, name: impl Into<String>) -> Self {
        Self { crumb: Some((path.into(), name.into())), ..self }
    }

    #[must_use]
    pub fn lead(self, lead: Markup) -> Self {
        Self { lead: Some(lead), ..self }
    }

    #[must_use]
    pub fn actions(self, actions: Markup) -> Self {
        Self { actions: Some(actions), ..self }
    }

    #[must_use]
    pub fn said(self, said: Option<&'static str>) -> Self {
        Self { said, ..self }
    }

    #[must_use]
    pub fn problems(self, problems: &'a Problems) -> Self {
        Self { problems: Some(problems), ..self }
    }

    pub fn show(&self, session: &Session, body: &Markup) -> Response {
        self.show_as(if self.is_wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, session, body)
    }

    fn is_wrong(&self) -> bool {
        self.problems.is_some_and(|problems| !problems.is_empty())
    }

    pub fn show_as(&self, status: StatusCode, session: &Session, body: &Markup) -> Response {
        let wrong = self.is_wrong();
        let title = format!("{}{} – {}", if wrong { "Error: " } else { "" }, self.title, session.record.name);
        let content = html! {
            a.skip href="#main" { "Skip to the content" }
            div.frame {
                header.bar { details {
                    summary { (mark()) span { (self.stop.map_or("Clarion", |stop| stop.name)) } (Icon::Menu.draw()) span.unseen { "Menu" } }
                    div.rail { (self.rail(session)) }
                } }
                header.rail { (self.rail(session)) }
                main #main tabindex="-1" { (self.head()) (body) }
                footer.foot { "Times are in " (session.record.zone) ". " a href="/account" { "Your account" } " · Press " kbd { "?" } " for shortcuts" }
            }
            (shortcuts())
        };
        (status, document(&title, "", &content)).into_response()
    }

    fn head(&self) -> Markup {
        html! {
            @if let Some(problems) = self.problems { (summary(problems)) }
            @if let Some(said) = self.said { div.notice.good role="status" { p { (said) } } }
            div.head {
                div {
                    @if let Some((path, name)) = &self.crumb { nav.crumb aria-label="Above" { a href=(path) { "← " (name) } } }
                    h1 { (self.title) }
                    @if let Some(lead) = &self.lead { div.lead { (lead) } }
                }
                @if let Some(actions) = &self.actions { div.actions { (actions) } }
            }
        }
    }

    fn rail(&self, session: &Session) -> Markup {
        html! {
            a.brand href="/" { (mark()) "Clarion" }
            @if session.may(Right::View) {
                form method="post" action="/search" role="search" aria-label="Whole portal" {
                    input type="search" name="typed" aria-label="Find a person or a campaign" placeholder="Find…" autocomplete="off";
                }
            }
            nav aria-label="Main" { ul {
                @for stop in STOPS.iter().filter(|stop| session.user.role.may(stop.right)) {
                    li { a href=(stop.path) aria-current=[(self.stop == Some(*stop)).then_some("page")] {
                        (stop.icon.draw()) (stop.name)
                        @if *stop == INBOX && session.open_replies > 0 { span.count { (count(session.open_replies)) span.unseen { " to look at" } } }
                    } }
                }
            } }
            div.who {
                strong { (session.user.display_name) }
                span { (session.record.name) " · " (crate::tenancy::team::role_name(session.user.role)) }
                form method="post" action="/sign-out" { button type="submit" { "Sign out" } }
            }
        }
    }
}

fn shortcuts() -> Markup {
    html! {
        dialog #shortcuts aria-labelledby="shortcuts-title" {
            form.stack method="dialog" {
                h2 #shortcuts-title { "Shortcuts" }
                dl.facts { dt { kbd { "/" } } dd { "Find a person or a campaign" } dt { kbd { "?" } } dd { "Show this list" } dt { kbd { "Esc" } } dd { "Close it" } }
                div { button.button.quiet type="submit" { "Close" } }
            }
        }
    }
}

/// The document itself; `class` is the body's.
pub fn document(title: &str, class: &str, content: &Markup) -> Markup {
    whole(title, class, content, true)
}

/// For whatever `plain_document` makes.
pub const PLAIN_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same without any script.
pub fn plain_document(title: &str, class: &str, content: &Markup) -> Markup {
    whole(title, class, content, false)
}

fn whole(title: &str, class: &str, content: &Markup, script: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=r#"{"includeIndicatorCSS":false}"#;
                title { (title) }
                link rel="stylesheet" href=(STYLE.path);
                link rel="icon" type="image/svg+xml" href="/assets/mark.svg";
                @if script { script type="module" src=(SCRIPT.path) {} }
            }
            body class=[(!class.is_empty()).then_some(class)] { (content) }
        }
    }
}
