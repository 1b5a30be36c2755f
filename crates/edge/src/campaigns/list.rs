//! The campaigns by state, and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::links::target::escaped;
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::{CampaignDraft, CampaignQuery, CampaignRecord};
use maud::{Markup, html};

use super::problems_of;
use super::words::{purpose_name, state_chip, state_name};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input, radios};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 30;
const CHANNELS: [(&str, &str, &str); 2] = [("sms", "Text", "An SMS to each person."), ("voice", "Call", "A call that says and asks what your script does, and may put people through.")];

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let state = asked.0.word::<CampaignState>("state");
    let (text, before) = (asked.0.get("text"), asked.0.number("before"));
    let campaigns = session.tenant.campaigns(&CampaignQuery { state, text, before, limit: ROWS }).await?;
    let counts = session.tenant.campaign_counts().await?;
    let total: i64 = counts.iter().map(|(_, n)| n).sum();
    let may = session.may(Right::RunCampaigns);
    let none = Problems::new();
    let mut query = state.map_or(String::new(), |state| format!("state={state}"));
    if !text.is_empty() {
        query.push_str(&format!("{}text={}", if query.is_empty() { "" } else { "&" }, escaped(text)));
    }
    let body = html! {
        nav.tabs aria-label="State" {
            a href={ "/campaigns" @if !text.is_empty() { "?text=" (escaped(text)) } } aria-current=[state.is_none().then_some("page")] { "All" span.n { (count(total)) } }
            @for (known, n) in &counts { a href={ "/campaigns?state=" (known) @if !text.is_empty() { "&text=" (escaped(text)) } } aria-current=[(state == Some(*known)).then_some("page")] { (state_name(*known)) span.n { (count(*n)) } } }
        }
        section.card.flush {
            form.filter method="get" action="/campaigns" {
                @if let Some(state) = state { input type="hidden" name="state" value=(state); }
                (Input::new("text", "Name contains").kind("search").show(Fill { fields: &asked.0, problems: &none }))
                button.button.quiet type="submit" { "Show" }
            }
            @if campaigns.rows.is_empty() {
                (empty(Icon::Megaphone, "No campaign here", "A campaign is a purpose, an audience, a message and its hours. You see what it would do before anything is sent.", may.then_some(("/campaigns/new", "New campaign"))))
            } @else { (table(&session, &campaigns.rows)) }
            (pager("/campaigns", &query, before, campaigns.next))
        }
    };
    let actions = html! {
        a.button.quiet href="/campaigns/calendar" { "Calendar" }
        a.button.quiet href="/campaigns/templates" { "Templates" }
        a.button.quiet href="/campaigns/scripts" { "Scripts" }
        @if session.may(Right::RevealPersonal) { a.button.quiet href="/campaigns/labels" { "Labels" } }
        @if may { a.button href="/campaigns/new" { "New campaign" } }
    };
    Ok(Page::new(CAMPAIGNS, "Campaigns").said(said(&asked)).actions(actions).show(&session, &body))
}

fn table(session: &Session, campaigns: &[CampaignRecord]) -> Markup {
    html! {
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "Campaign" } th scope="col" { "State" } th scope="col" { "Purpose" } th.num scope="col" { "People" } th scope="col" { "Starts or started" } } }
            tbody { @for campaign in campaigns { tr {
                th scope="row" { a href={ "/campaigns/" (campaign.id) } { (campaign.name) } @if campaign.channel == Channel::Voice { " " span.soft.small { "calls" } } @if !campaign.state_reason.is_empty() { div.small.soft { (campaign.state_reason) } } }
                td { (state_chip(campaign.state)) }
                td data-label="Purpose" { @match campaign.purpose { Some(stated) => (purpose_name(stated.purpose)), None => span.soft { "Not said yet" } } }
                td.num data-label="People" { @if campaign.started_at.is_some() { (count(campaign.audience_size)) } @else { span.soft { "–" } } }
                td.tight-cell data-label="Starts or started" { (when::optional(campaign.started_at.or(campaign.starts_at), &session.zone)) }
            } } }
        } }
    }
}

pub async fn new(session: Session) -> Response {
    show_new(&session, &Fields::new().with("channel", Channel::Sms.as_str()), &Problems::new())
}

fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Response {
    let body = html! {
        form.card.form method="post" action="/campaigns/new" {
            (Input::new("name", "Name").hint("For you and your colleagues; the people contacted do not see it.").show(Fill { fields, problems }))
            (radios("channel", "How are people contacted?", "", &CHANNELS, Fill { fields, problems }))
            div.actions { button.button type="submit" { "Go on" } a href="/campaigns" { "Cancel" } }
        }
    };
    Page::new(CAMPAIGNS, "New campaign").under("/campaigns", "Campaigns").problems(problems).show(session, &body)
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let Some(channel) = fields.word("channel") else {
        return Ok(show_new(&session, &fields, &Problems::one("channel", "Choose text or call")));
    };
    let sender = match channel {
        Channel::Sms => session.record.default_sender.clone(),
        Channel::Voice => session.record.default_caller.clone(),
    };
    let draft = CampaignDraft { sender, ..CampaignDraft::of(channel, fields.get("name")) };
    match session.tenant.create_campaign(&draft, session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("/campaigns/{id}")).into_response()),
        Err(error) => Ok(show_new(&session, &fields, &problems_of(error, "name")?)),
    }
}
