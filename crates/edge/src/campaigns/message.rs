//! Step three: the text with its fields, what it costs, how it reads to real people, and a test to oneself.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::segments::{Alphabet, SegmentCount, count};
use clarion_domain::id::TemplateId;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord, PreviewRow};
use maud::{Markup, html};

use super::link_ticks::{self, LinkTicks};
use super::{find, problems_of, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, area, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::tenancy::guard::Session;

const PREVIEW_ROWS: usize = 5;

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let body = match asked.0.word::<TemplateId>("template") {
        Some(template) => session.tenant.template(template).await?.body,
        None => campaign.body.clone(),
    };
    let fields = Fields::new().with("body", body).with("sender", &campaign.sender).with("template", asked.0.get("template"));
    show(&session, &campaign, &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let mut senders = vec![(String::new(), "Choose a sender".to_owned())];
    senders.extend(session.tenant.senders().await?.into_iter().map(|sender| (sender.value.clone(), format!("{}{}", sender.value, if sender.takes_replies { ", takes replies" } else { "" }))));
    let preview = if campaign.body.is_empty() { Vec::new() } else { session.tenant.preview(campaign.id, PREVIEW_ROWS, session.now).await? };
    let hint = fields_hint(session).await?;
    let links = LinkTicks::of(session, fields.raw("body")).await?;
    let mut templates = vec![(String::new(), "Choose a template".to_owned())];
    templates.extend(session.tenant.templates().await?.into_iter().map(|template| (template.id.to_string(), template.name)));
    let path = format!("/campaigns/{}/message", campaign.id);
    let body = html! {
        div.columns.wide-first {
            div.stack {
            @if templates.len() > 1 {
                form.card method="get" action=(path) { div.row { (select("template", "Begin with a template", "Its text replaces the one below; nothing is saved yet.", &templates, fill)) button.button.quiet type="submit" { "Use it" } } }
            }
            form.card.form method="post" action=(path) {
                (select("sender", "From", "", &senders, fill))
                (area("body", "Text", &hint, Some("segments"), fill))
                p.counter #segments role="status" data-link=[links.sample()] { (measured(&count(&links.measured_text(fields.raw("body"))))) }
                (links.ticks())
                div.actions { button.button type="submit" { "Save and preview" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
            }
                section.card {
                    header { h2 { "Preview with real people" } }
                    @if preview.is_empty() { p.soft { "Save a text and choose an audience to see it with real people." } }
                    @for row in &preview { (sample(session, row)) }
                }
                @if !campaign.body.is_empty() && !campaign.sender.is_empty() {
                    form.card.form method="post" action={ "/campaigns/" (campaign.id) "/test-send" } {
                        header { h2 { "Send a test to yourself" } }
                        (Input::new("number", "Your own number").hint("Gets the text as the first person above would. Nobody on the list is contacted.").kind("tel").class("medium").show(fill))
                        div { button.button.quiet type="submit" { "Send the test" } }
                    }
                }
            }
            (tasks::aside(session, campaign, "message").await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, "Message").under(format!("/campaigns/{}", campaign.id), &campaign.name).said(said).problems(problems).show(session, &body))
}

/// Which fields a text may name.
pub async fn fields_hint(session: &Session) -> Result<String, Fault> {
    let known = session.tenant.template_fields().await?;
    Ok(format!("Fields stand in braces, with an optional fallback: {{first_name|there}}. You have: {}.", known.join(", ")))
}

/// The same words as the island writes.
pub fn measured(count: &SegmentCount) -> String {
    let alphabet = if count.alphabet == Alphabet::Gsm { "GSM 7-bit" } else { "Unicode" };
    format!("{} characters, {}, {alphabet}", count.units, counted(count.segments as i64, "segment", "segments"))
}

fn sample(session: &Session, row: &PreviewRow) -> Markup {
    html! {
        div.stack.tight {
            div.small { a.mono href={ "/contacts/" (row.contact_id) } { (row.number.masked()) } span.soft { " · " (row.local_times.join(" or ")) } }
            @match &row.text {
                Ok(text) if session.may(Right::RevealPersonal) => div.bubble { (text.reveal()) },
                Ok(_) => p.small.soft { "Your role does not show personal texts." },
                Err(why) => p.small { strong { "Not sent: " } (why) }
            }
            @if let Some(count) = &row.count { div.counter { (measured(count)) } }
            @if row.decision.kind != "permitted" { @for reason in &row.reasons { div.small { (reason.sentence) " " span.soft.mono { (reason.rule) } } } }
        }
    }
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.body = link_ticks::ticked(&session, &fields).await?;
    draft.sender = fields.get("sender").to_owned();
    match save_step(&session, campaign.id, &draft, &["body", "sender"]).await? {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}/message?said=saved")).into_response()),
        Err(problems) => show(&session, &campaign, &fields, &problems, None).await,
    }
}

pub async fn test_send(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let held = Fields::new().with("body", &campaign.body).with("sender", &campaign.sender).with("number", fields.get("number"));
    if campaign.body.is_empty() || campaign.sender.is_empty() {
        return show(&session, &campaign, &held, &Problems::one("body", "Save a text and a sender before you test them"), None).await;
    }
    let Some(number) = session.tenant.read_number(fields.get("number")).await? else {
        return show(&session, &campaign, &held, &Problems::one("number", "Enter your own number, as you would write it in a file"), None).await;
    };
    let text = session.tenant.preview(campaign.id, 1, session.now).await?.into_iter().next().map(|row| row.text);
    let text = match text {
        Some(Ok(text)) => text,
        Some(Err(why)) => return show(&session, &campaign, &held, &Problems::one("body", why), None).await,
        None => Personal::new(campaign.body.clone()),
    };
    match session.tenant.queue_test_send(campaign.id, Personal::new(number), text, &campaign.sender, session.now).await {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}/message?said=test-sent")).into_response()),
        Err(error) => show(&session, &campaign, &held, &problems_of(error, "number")?, None).await,
    }
}
