//! The endpoints, and a new one.

use axum::response::Response;
use clarion_domain::webhooks::event::WebhookEventKind;
use clarion_store::StoreError;
use clarion_store::webhooks::{NewWebhook, WebhookRecord};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::tenancy::team::tabs;

pub const ROOT: &str = "/team/webhooks";

/// What an event is, for whoever chooses it.
fn event_text(kind: WebhookEventKind) -> &'static str {
    match kind {
        WebhookEventKind::ImportAwaitingMapping => "A file waits for somebody to match its columns",
        WebhookEventKind::ImportLoaded => "A file is loaded",
        WebhookEventKind::ImportRejected => "A file cannot be loaded",
        WebhookEventKind::CampaignStarted => "A campaign starts",
        WebhookEventKind::CampaignPaused => "A campaign is paused, by a user or by the software",
        WebhookEventKind::CampaignResumed => "A campaign goes on",
        WebhookEventKind::CampaignFinished => "A campaign is done",
        WebhookEventKind::CampaignCancelled => "A campaign is cancelled",
        WebhookEventKind::CampaignUnscheduled => "A scheduled start is called off, or could not be",
        WebhookEventKind::AttemptSettled => "Messages and calls have their outcome, many in one event",
        WebhookEventKind::SequenceCompleted => "People are through with a campaign's last step, many in one event",
        WebhookEventKind::SequenceStopped => "A campaign stopped for people before its last step, many in one event",
        WebhookEventKind::ReplyReceived => "Somebody wrote back",
        WebhookEventKind::LinkClicked => "A short link is opened for the first time",
        WebhookEventKind::SuppressionAdded => "Somebody is not to be contacted any more",
        WebhookEventKind::SuppressionLifted => "A stop on contacting somebody is lifted",
        WebhookEventKind::SubjectRequestAnswered => "Somebody's data was exported for them, or erased",
        WebhookEventKind::WebhookDisabled => "A webhook was switched off by the software",
        WebhookEventKind::PullStored => "Rows came from a client's system",
        WebhookEventKind::PullFailed => "A pull from a client's system failed",
        WebhookEventKind::ConnectorStopped => "A connector stopped, and somebody must look at it",
        WebhookEventKind::ExportDelivered => "Results of a campaign can be fetched, or were taken",
        WebhookEventKind::ExportFailed => "Results of a campaign could not be delivered",
        WebhookEventKind::WebhookTest => "A test",
    }
}

pub fn state(webhook: &WebhookRecord) -> Markup {
    match (webhook.enabled, webhook.failures) {
        (false, _) => chip(Tone::Bad, Icon::Cross, "Off"),
        (true, 0) => chip(Tone::Good, Icon::Check, "Works"),
        (true, _) => chip(Tone::Warn, Icon::Clock, "Fails"),
    }
}

pub fn inputs(fill: Fill) -> Markup {
    let problem = fill.problems.of("events");
    html! {
        (Input::new("url", "Address").hint("Begins with https:// and is reachable from the internet.").kind("url").show(fill))
        fieldset class=(if problem.is_some() { "field has-problem" } else { "field" }) {
            legend { "What it is told" }
            @if let Some(text) = problem { span.wrong #events-wrong { span.unseen { "Error: " } (text) } }
            div.choices {
                @for (place, kind) in WebhookEventKind::ALL.iter().filter(|kind| kind.can_be_wanted()).enumerate() {
                    label.choice {
                        input #(if place == 0 { "events".to_owned() } else { format!("events-{place}") }) type="checkbox" name="events" value=(kind) checked[fill.fields.has("events", kind.as_str())];
                        span { (event_text(*kind)) small.mono { (kind) } }
                    }
                }
            }
        }
    }
}

pub fn asked_for(fields: &Fields) -> NewWebhook {
    NewWebhook { url: fields.get("url").to_owned(), events: WebhookEventKind::ALL.iter().copied().filter(|kind| fields.has("events", kind.as_str())).collect() }
}

/// What the store says of the fields; anything else is a fault of the page.
pub fn problems_of(error: StoreError) -> Result<Problems, Fault> {
    match error {
        StoreError::Faults(faults) => Ok(faults.into_iter().fold(Problems::new(), |mut problems, fault| {
            problems.add(fault.field, capitalised(&fault.message));
            problems
        })),
        StoreError::Conflict(text) | StoreError::Invalid(text) => Ok(Problems::one("url", capitalised(&text))),
        other => Err(other.into()),
    }
}

/// Shown this once; only sealed is it kept.
pub fn secret_page(session: &Session, title: &str, secret: &str, to: &str, rotated: bool) -> Response {
    let body = html! {
        section.card {
            header { h2 { "Keep this secret now" } }
            p.secret { code { (secret) } }
            p { "It is shown this once. Check the signature of what arrives with it (Standard Webhooks), or anybody could pretend to be us." }
            @if rotated { p { "For a day everything is signed with the old secret as well." } }
            div { a.button href=(to) { "I have kept it" } }
        }
    };
    Page::new(TEAM, title).under(ROOT, "Webhooks").show(session, &body)
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let webhooks = session.tenant.webhooks().await?;
    let body = html! {
        (tabs("webhooks"))
        section.card.flush {
            @if webhooks.is_empty() {
                (empty(Icon::Signal, "No webhook yet", "A system of yours can be told what happens here as it happens, instead of asking again and again.", Some(("/team/webhooks/new", "Add a webhook"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Address" } th scope="col" { "Is told" } th.num scope="col" { "Waiting" } th scope="col" { "State" } } }
                    tbody { @for webhook in &webhooks { tr {
                        th scope="row" { a.breaks href={ (ROOT) "/" (webhook.id) } { (webhook.url) } div.small.soft { "since " (when::time(webhook.created_at, &session.zone)) } }
                        td data-label="Is told" { (webhook.events.len()) @if webhook.events.len() == 1 { " event" } @else { " events" } }
                        td.num data-label="Waiting" { (count(webhook.waiting)) }
                        td { (state(webhook)) @if !webhook.disabled_why.is_empty() { div.small { (capitalised(&webhook.disabled_why)) } } }
                    } } }
                } }
            }
        }
    };
    let lead = html! { p { "What a client's system is told, signed, as it happens. " a href="https://www.standardwebhooks.com" rel="noopener noreferrer" { "Standard Webhooks" } } };
    let page = Page::new(TEAM, "Webhooks").lead(lead).actions(html! { a.button href="/team/webhooks/new" { "Add a webhook" } });
    Ok(page.said(said(&asked)).show(&session, &body))
}

pub async fn new(session: Session) -> Response {
    show_new(&session, &Fields::new(), &Problems::new())
}

fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Response {
    let body = html! {
        form.card.form method="post" action="/team/webhooks/new" {
            (inputs(Fill { fields, problems }))
            div { button.button type="submit" { "Add the webhook" } }
        }
    };
    Page::new(TEAM, "New webhook").under(ROOT, "Webhooks").problems(problems).show(session, &body)
}

/// Answers the POST itself: the secret has no address to come back to.
pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.create_webhook(&asked_for(&fields), session.now).await {
        Ok(made) => Ok(secret_page(&session, "Webhook added", &made.secret, &format!("{ROOT}/{}", made.id), false)),
        Err(error) => Ok(show_new(&session, &fields, &problems_of(error)?)),
    }
}
