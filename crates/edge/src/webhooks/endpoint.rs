//! One endpoint: how it does, its log, and what can be done with it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::WebhookId;
use clarion_domain::webhooks::event::WebhookDeliveryState;
use clarion_store::webhooks::{DeliveryRecord, WebhookRecord};
use maud::{Markup, html};

use super::list::{ROOT, asked_for, inputs, problems_of, secret_page, state};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, button, confirmed, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;

pub fn parse(id: &str) -> Result<WebhookId, Fault> {
    id.parse().map_err(|_| Fault::NotFound("webhook"))
}

pub fn delivery_state(state: WebhookDeliveryState) -> Markup {
    match state {
        WebhookDeliveryState::Waiting => chip(Tone::Info, Icon::Clock, "Waiting"),
        WebhookDeliveryState::Delivered => chip(Tone::Good, Icon::Check, "Delivered"),
        WebhookDeliveryState::Failed => chip(Tone::Bad, Icon::Cross, "Failed"),
    }
}

/// `503, asked to wait`.
pub fn answer(status: i64, error: &str) -> String {
    let words = error.replace('_', " ");
    match (status, words.as_str()) {
        (0, "") => "–".to_owned(),
        (0, words) => words.to_owned(),
        (status, "") => status.to_string(),
        (status, words) => format!("{status}, {words}"),
    }
}

fn replay_form(id: WebhookId, session: &Session) -> Markup {
    let day_before = when::to_local(session.now.plus_ms(-clarion_domain::time::DAY_MS), &session.zone);
    let fields = Fields::new().with("what", "failed");
    let problems = Problems::new();
    let what = [("failed", "What failed"), ("all", "Everything")].map(|(value, label)| (value.to_owned(), label.to_owned()));
    html! {
        form.card.form method="post" action={ (ROOT) "/" (id) "/replay" } {
            header { h2 { "Tell it again" } }
            (select("what", "What", "Each event keeps its identifier: a receiver that knows it already can pass over it.", &what, Fill { fields: &fields, problems: &problems }))
            div.field { label for="since" { "Since" } input #since.medium type="datetime-local" name="since" value=(day_before) required; }
            div { button.button type="submit" { "Tell it again" } }
        }
    }
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let webhook = session.tenant.webhook(parse(&id)?).await?;
    let fields = webhook.events.iter().fold(Fields::new().with("url", &webhook.url), |fields, kind| fields.with("events", kind.as_str()));
    show(&session, &webhook, &asked, &fields, &Problems::new()).await
}

async fn show(session: &Session, webhook: &WebhookRecord, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let (only, before) = (asked.0.word::<WebhookDeliveryState>("only"), asked.0.number("before"));
    let log = session.tenant.webhook_deliveries(webhook.id, only, before, ROWS).await?;
    let here = format!("{ROOT}/{}", webhook.id);
    let states: Vec<(String, String)> =
        [(String::new(), "All".to_owned())].into_iter().chain(WebhookDeliveryState::ALL.iter().map(|state| (state.to_string(), capitalised(state.as_str()).trim_end_matches('.').to_owned()))).collect();
    let none = Problems::new();
    let body = html! {
        (standing(webhook, session))
        div.columns.wide-first {
            section.card.flush {
                form.filter method="get" action=(here) {
                    (select("only", "State", "", &states, Fill { fields: &asked.0, problems: &none }))
                    button.button.quiet type="submit" { "Show" }
                }
                @if log.rows.is_empty() {
                    (empty(Icon::Signal, "Nothing here", "Send a test event to see whether it arrives.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Event" } th scope="col" { "State" } th.num scope="col" { "Tries" } th scope="col" { "Last answer" } th scope="col" { "Next try" } } }
                        tbody { @for delivery in &log.rows { (row(&here, delivery, session)) } }
                    } }
                }
                (pager(&here, &only.map_or(String::new(), |state| format!("only={state}")), before, log.next))
            }
            div.stack {
                section.card {
                    header { h2 { "Try it" } }
                    @if webhook.enabled {
                        (button(&format!("{here}/test"), "", "Send a test event"))
                        (confirmed("Switch off…", "Nothing is told any more; what waits is given up, and what happens meanwhile is not kept for it.", &format!("{here}/disable"), "Yes, switch it off"))
                    } @else {
                        (button(&format!("{here}/enable"), "", "Switch it on"))
                    }
                    (confirmed("New secret…", "For a day everything is signed with the old secret as well.", &format!("{here}/secret"), "Yes, make a new secret"))
                    (confirmed("Delete…", "Its log goes with it, and what waits is not told.", &format!("{here}/delete"), "Yes, delete it"))
                }
                @if webhook.enabled { (replay_form(webhook.id, session)) }
                section.card { details open[!problems.is_empty()] { summary { "Change what it is told, or where" }
                    form.form method="post" action=(here) {
                        (inputs(Fill { fields, problems }))
                        div { button.button type="submit" { "Save" } }
                    }
                } }
            }
        }
    };
    Ok(Page::new(TEAM, "Webhook").under(ROOT, "Webhooks").lead(html! { p.mono.breaks { (webhook.url) } }).said(said(asked)).problems(problems).show(session, &body))
}

fn standing(webhook: &WebhookRecord, session: &Session) -> Markup {
    html! {
        dl.facts {
            dt { "State" } dd { (state(webhook)) @if !webhook.disabled_why.is_empty() { " " (capitalised(&webhook.disabled_why)) } }
            @if let Some(since) = webhook.failing_since { dt { "Fails since" } dd { (when::time(since, &session.zone)) } }
            dt { "Waiting" } dd { (count(webhook.waiting)) }
            @if let Some(until) = webhook.old_secret_until.filter(|until| *until > session.now) { dt { "Old secret" } dd { "Signs as well until " (when::time(until, &session.zone)) } }
        }
    }
}

fn row(here: &str, delivery: &DeliveryRecord, session: &Session) -> Markup {
    html! { tr {
        th scope="row" { a href={ (here) "/" (delivery.event) } { (delivery.kind) } div.small.soft { (when::exact(delivery.created_at, &session.zone)) } }
        td { (delivery_state(delivery.state)) }
        td.num data-label="Tries" { (count(delivery.tries)) }
        td data-label="Last answer" { (answer(delivery.last_status, &delivery.last_error)) }
        td data-label="Next try" { (when::optional(delivery.next_at, &session.zone)) }
    } }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let webhook = session.tenant.webhook(parse(&id)?).await?;
    match session.tenant.change_webhook(webhook.id, &asked_for(&fields), session.now).await {
        Ok(()) => Ok(to(webhook.id, "saved")),
        Err(error) => show(&session, &webhook, &Asked(Fields::new()), &fields, &problems_of(error)?).await,
    }
}

fn to(id: WebhookId, said: &str) -> Response {
    Redirect::to(&format!("{ROOT}/{id}?said={said}")).into_response()
}

pub async fn test(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = parse(&id)?;
    let event = session.tenant.test_webhook(id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}/{event}")).into_response())
}

pub async fn enable(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = parse(&id)?;
    session.tenant.enable_webhook(id, true, session.now).await?;
    Ok(to(id, "webhook-on"))
}

pub async fn disable(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = parse(&id)?;
    session.tenant.enable_webhook(id, false, session.now).await?;
    Ok(to(id, "webhook-off"))
}

pub async fn secret(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = parse(&id)?;
    let secret = session.tenant.rotate_webhook_secret(id, session.now).await?;
    Ok(secret_page(&session, "New secret", &secret, &format!("{ROOT}/{id}"), true))
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_webhook(parse(&id)?, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=removed")).into_response())
}

pub async fn replay(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let id = parse(&id)?;
    let since = when::from_local(fields.get("since"), &session.zone).ok_or(Fault::Malformed)?;
    session.tenant.replay_webhook(id, since, fields.get("what") != "all", session.now).await?;
    Ok(to(id, "replayed"))
}
