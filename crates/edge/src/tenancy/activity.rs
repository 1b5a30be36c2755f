//! What is kept of a user's doings: all of it for themselves; for whoever answers people's rights, with addresses masked until a reason is given.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::id::UserId;
use clarion_domain::intake::csv_text;
use clarion_domain::tenancy::activity::{ActivityKind, AddressReason, site_of};
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::Page as Rows;
use clarion_store::tenancy::ActivityRecord;
use maud::{Markup, html};

use super::came_from::masked;
use super::guard::Session;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::portal::Portal;

const ROWS: i64 = 50;
const CSV_ROWS: i64 = 500;

/// Whether network addresses are shown whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Whole,
    Masked,
}

impl Addresses {
    fn show(self, record: &ActivityRecord) -> String {
        let whole = record.address.as_ref().map(|address| address.reveal()).unwrap_or_default();
        match self {
            Self::Whole => whole.to_owned(),
            Self::Masked => whole.parse().map(masked).unwrap_or_default(),
        }
    }
}

pub async fn own(State(portal): State<Portal>, session: Session, asked: Asked) -> Result<Response, Fault> {
    portal.recorder.write().await?;
    let before = asked.0.number("before");
    let rows = session.tenant.activity(Actor::User(session.user.user_id), before, ROWS).await?;
    let body = html! {
        section.card.flush {
            (table(&session, &rows, Addresses::Whole))
            (pager("/account/activity", "", before, rows.next))
        }
    };
    let lead = html! { p { "What this portal keeps of your use of it: the address, browser and system that you came with, the site before, the pages in their order, what you did and how it ended, and where you left. What you typed is not in it. " (kept_for(&session).await?) } };
    let actions = html! { a.button.quiet href="/account/activity.csv" { "Download all of it (CSV)" } };
    Ok(Page::apart("Your activity").under("/account", "Your account").lead(lead).actions(actions).show(&session, &body))
}

async fn kept_for(session: &Session) -> Result<Markup, Fault> {
    let class = clarion_domain::privacy::retention::RecordClass::PortalActivity;
    let period = session.tenant.retention().await?.into_iter().find(|row| row.default.class == class).map(|row| row.period());
    Ok(html! { @if let Some(period) = period { "It is deleted after " (period) "." } })
}

fn table(session: &Session, rows: &Rows<ActivityRecord>, addresses: Addresses) -> Markup {
    html! {
        @if rows.rows.is_empty() {
            (empty(Icon::Scroll, "Nothing yet", "Nothing has been done here since activity is kept, or it was deleted by its clock.", None))
        } @else {
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Where" } th scope="col" { "Result" } } }
                tbody { @for record in &rows.rows { tr {
                    td.tight-cell { (when::exact(record.at, &session.zone)) }
                    th scope="row" { (what(record)) }
                    td data-label="Where" { (place(record, addresses)) }
                    td data-label="Result" { (result(record)) }
                } } }
            } }
        }
    }
}

fn what(record: &ActivityRecord) -> String {
    match record.kind {
        ActivityKind::Entry => "Came in".into(),
        ActivityKind::Page => "Looked at".into(),
        ActivityKind::Exit if record.site.is_empty() => "Signed out".into(),
        ActivityKind::Exit => "Left for another site".into(),
        ActivityKind::Act => verb(&record.path),
    }
}

/// The last word of the address that is no identifier: `/campaigns/cam_…/start` is “Start”, `/imports/new` is “New”.
fn verb(path: &str) -> String {
    let word = path.rsplit('/').find(|part| !part.is_empty() && !part.contains('_') && !part.bytes().any(|byte| byte.is_ascii_digit())).unwrap_or("do");
    let word = word.replace('-', " ");
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn place(record: &ActivityRecord, addresses: Addresses) -> Markup {
    let address = addresses.show(record);
    let with = [record.browser.as_str(), record.system.as_str()].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" on ");
    html! {
        @match record.kind {
            ActivityKind::Entry => {
                @if record.site.is_empty() { "Directly" } @else { "From " (record.site) }
                div.small.soft { (if with.is_empty() { "Unknown browser" } else { &with }) @if !address.is_empty() { ", " span.mono { (address) } } }
            }
            ActivityKind::Exit if !record.site.is_empty() => (record.site),
            ActivityKind::Page if record.status == 200 => { a href=(record.path) { (record.path) } }
            _ => span.mono.small { (record.path) },
        }
    }
}

fn result(record: &ActivityRecord) -> Markup {
    match record.status {
        _ if record.path.is_empty() => html! {},
        0 => chip(Tone::Calm, Icon::Clock, "Not known"),
        200..=399 => chip(Tone::Good, Icon::Check, if record.kind == ActivityKind::Page { "Shown" } else { "Done" }),
        400..=499 => chip(Tone::Warn, Icon::Cross, "Refused"),
        _ => chip(Tone::Bad, Icon::Cross, "Failed"),
    }
}

/// The whole of it, for its owner to keep.
pub async fn download(State(portal): State<Portal>, session: Session) -> Result<Response, Fault> {
    portal.recorder.write().await?;
    let user = session.user.user_id;
    session.tenant.audit_alone(session.now, Act::Exported, "user", user.0, "own activity").await?;
    let (mut text, mut before) = ("at,kind,method,path,site,status,address,browser,system\r\n".to_owned(), None);
    loop {
        let page = session.tenant.activity(Actor::User(user), before, CSV_ROWS).await?;
        page.rows.iter().for_each(|record| text.push_str(&csv_line(record)));
        match page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\"")], text).into_response())
}

fn csv_line(record: &ActivityRecord) -> String {
    let address = Addresses::Whole.show(record);
    let fields = [record.kind.as_str(), &record.method, &record.path, &record.site].map(|text| csv_text::field(text).into_owned());
    let with = [&address, &record.browser, &record.system].map(|text| csv_text::field(text).into_owned());
    format!("{},{},{},{}\r\n", record.at.rfc3339(), fields.join(","), record.status, with.join(","))
}

/// Told by the script when a link to another site was followed.
pub async fn exit(State(portal): State<Portal>, session: Session, fields: Fields) -> Response {
    match site_of(fields.get("site")) {
        Some(site) => {
            portal.recorder.left(session.doer(), site);
            StatusCode::NO_CONTENT.into_response()
        }
        None => Fault::Malformed.into_response(),
    }
}

pub async fn people(session: Session) -> Result<Response, Fault> {
    let team = session.team().await?;
    let body = html! {
        section.card.flush { div.scroll { table.stacks {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Activity" } } }
            tbody { @for user in team.people() { tr {
                th scope="row" { (user.display_name) }
                td data-label="Role" { (super::team::role_name(user.role)) }
                td { a href={ "/privacy/activity/" (user.id) } { "Open" span.unseen { " the activity of " (user.display_name) } } }
            } } }
        } } }
    };
    let lead = html! { p { "Each user sees their own under “Your account”. Look at somebody else's only for a reason: to find out about an incident, or to answer a request." } };
    Ok(Page::new(PRIVACY, "Activity of users").under("/privacy", "Privacy").lead(lead).show(&session, &body))
}

pub async fn of_user(State(portal): State<Portal>, session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    show(&portal, &session, &id, &asked.0, &Problems::new(), Addresses::Masked).await
}

/// Answers the POST itself: a revealed page has no address to come back to.
pub async fn reveal(State(portal): State<Portal>, session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let user: UserId = id.parse().map_err(|_| Fault::NotFound("user"))?;
    let Some(reason) = fields.word::<AddressReason>("reason") else {
        return show(&portal, &session, &id, &fields, &Problems::one("reason", "Choose why you need the whole addresses"), Addresses::Masked).await;
    };
    session.tenant.user(user).await?;
    session.tenant.audit_alone(session.now, Act::Revealed, "user", user.0, &format!("network addresses: {reason}")).await?;
    show(&portal, &session, &id, &fields, &Problems::new(), Addresses::Whole).await
}

async fn show(portal: &Portal, session: &Session, id: &str, fields: &Fields, problems: &Problems, addresses: Addresses) -> Result<Response, Fault> {
    portal.recorder.write().await?;
    let user = session.tenant.user(id.parse().map_err(|_| Fault::NotFound("user"))?).await?;
    let before = fields.number("before");
    let rows = session.tenant.activity(Actor::User(user.id), before, ROWS).await?;
    let path = format!("/privacy/activity/{}", user.id);
    let mut reasons = vec![(String::new(), "Choose…".to_owned())];
    reasons.extend(AddressReason::ALL.iter().map(|reason| (reason.as_str().to_owned(), reason_name(*reason).to_owned())));
    let body = html! {
        section.card.flush {
            (table(session, &rows, addresses))
            (pager(&path, "", before, rows.next))
        }
        @if addresses == Addresses::Masked {
            form.card.form method="post" action=(path) {
                header { h2 { "Whole network addresses" } }
                @if let Some(before) = before { input type="hidden" name="before" value=(before); }
                (select("reason", "Why do you need them?", "It is recorded in the audit with your name.", &reasons, Fill { fields, problems }))
                div { button.button.quiet type="submit" { "Show them on this page" } }
            }
        }
    };
    let lead = html! { p { (kept_for(session).await?) " The user sees the same under “Your account”." } };
    Ok(Page::new(PRIVACY, format!("Activity of {}", user.display_name)).under("/privacy/activity", "Activity of users").lead(lead).problems(problems).show(session, &body))
}

fn reason_name(reason: AddressReason) -> &'static str {
    match reason {
        AddressReason::SecurityIncident => "To find out about a security incident",
        AddressReason::SubjectRequest => "To answer the user's own request",
        AddressReason::LegalClaim => "For a claim at law",
        AddressReason::Authority => "An authority has asked for them",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_an_address_does() {
        assert_eq!(verb("/campaigns/cam_0abc/start"), "Start");
        assert_eq!(verb("/team/usr_0abc/end-sessions"), "End sessions");
        assert_eq!(verb("/carriers/trunks/trk_0abc"), "Trunks");
        assert_eq!(verb("/"), "Do");
    }
}
