//! The steps of a campaign as a list that one can read, and what stops a person before the last of them.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::sequence::{AfterRefusal, ReplyStop, STEPS_MAX, StopRules};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::{find, save_step, step, tasks};
use crate::outcomes::words::disposition_name;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, button, confirmed, radios, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::tenancy::guard::Session;

const REPLIES: [(&str, &str, &str); 3] = [
    ("any", "Any reply", "But for HELP and START, which are answered by themselves."),
    ("words", "A reply with one of these words", ""),
    ("never", "No reply", "They wait in the inbox all the same."),
];
const REFUSALS: [(&str, &str, &str); 2] = [
    ("stop", "Stop", "They stand among those who were refused, with the rule."),
    ("next_step", "Go on to the next step", "For instance a call to who cannot be texted. The rules are asked again there."),
];

/// The steps in one sentence for the task list.
pub fn told(campaign: &CampaignRecord) -> String {
    match campaign.sequence.then.len() {
        0 => "This one step. Add others that follow it".to_owned(),
        more => {
            let ways: Vec<&str> = std::iter::once(campaign.channel).chain(campaign.sequence.then.iter().map(|step| step.channel)).map(word).collect();
            format!("{}: {}", counted(more as i64 + 1, "step", "steps"), ways.join(", then "))
        }
    }
}

pub fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "a text",
        Channel::Voice => "a call",
    }
}

/// What ends it, in one sentence.
pub fn stops_told(stops: &StopRules) -> String {
    let mut all = match stops.replies {
        ReplyStop::Any => vec!["any reply".to_owned()],
        ReplyStop::Words => vec![format!("a reply with {}", stops.words.join(" or "))],
        ReplyStop::Never => Vec::new(),
    };
    if stops.put_through {
        all.push("being put through".into());
    }
    all.extend(stops.outcomes.iter().map(|outcome| format!("“{}”", disposition_name(*outcome))));
    all.push("an opt-out, a suppression, and your own system's word".into());
    all.join("; ")
}

pub(super) fn outcomes(campaign: &CampaignRecord) -> Vec<Disposition> {
    let has = |channel| campaign.channel == channel || campaign.sequence.then.iter().any(|step| step.channel == channel);
    let of = |channel, words: &[Disposition]| if has(channel) { words.to_vec() } else { Vec::new() };
    let mut all = of(Channel::Sms, Disposition::of_messages());
    all.extend(of(Channel::Voice, Disposition::of_calls()));
    // These have a choice of their own, always end it, or would end it at once.
    all.retain(|word| !matches!(word, Disposition::PutThrough | Disposition::OptedOut | Disposition::Accepted));
    all.sort_unstable();
    all.dedup();
    all
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let stops = &campaign.sequence.stops;
    let mut fields = Fields::new().with("stops", stops.replies.as_str()).with("words", stops.words.join(" ")).with("after_refusal", stops.after_refusal.as_str());
    if stops.put_through {
        fields = fields.with("put_through", "yes");
    }
    for outcome in &stops.outcomes {
        fields = fields.with("outcome", outcome.as_str());
    }
    show(&session, &campaign, &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let path = format!("/campaigns/{}", campaign.id);
    let room = campaign.sequence.steps() < STEPS_MAX;
    let body = html! {
        div.columns.wide-first {
            div.stack {
                section.card {
                    header { h2 { "Who gets what, and when" } }
                    ol.walk { @for number in 1..=campaign.sequence.steps() { (line(session, campaign, number).await?) } }
                    @if room { div.actions {
                        a.button.quiet href={ (path) "/steps/new?channel=sms" } { "Add a text" }
                        a.button.quiet href={ (path) "/steps/new?channel=voice" } { "Add a call" }
                    } }
                    p.small.soft { "Purpose, audience and hours are the campaign's own and hold for every step. The rules are asked before each attempt, and caps count every step." }
                }
                (stops_form(campaign, Fill { fields, problems }))
            }
            (tasks::aside(session, campaign, "steps").await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, "Steps").under(path.clone(), &campaign.name).said(said).problems(problems).show(session, &body))
}

async fn line(session: &Session, campaign: &CampaignRecord, number: usize) -> Result<Markup, Fault> {
    let Some(record) = campaign.at_step(number) else { return Ok(html! {}) };
    let path = format!("/campaigns/{}", campaign.id);
    let (edit, faults) = match number {
        1 => (format!("{path}/{}", if campaign.channel == Channel::Voice { "say" } else { "message" }), Vec::new()),
        _ => (format!("{path}/steps/{number}"), step::faults(session, campaign, number).await?),
    };
    let said = match record.channel {
        Channel::Sms => record.body.clone(),
        Channel::Voice => tasks::say_told(session, &record).await?,
    };
    let last = campaign.sequence.steps();
    Ok(html! { li {
        @if let Some(step) = campaign.sequence.step(number) { p.wait { (step.wait) ", unless something stopped them:" } }
        div.what {
            div {
                strong { "Step " (number) ": " (word(record.channel)) } @if !record.sender.is_empty() { " from " span.mono { (record.sender) } }
                @if !said.is_empty() { p.small.soft { (said.chars().take(160).collect::<String>()) } }
                @for fault in &faults { p.small { (crate::page::fault::capitalised(&fault.message)) } }
            }
            @if !faults.is_empty() { (chip(Tone::Warn, Icon::Pencil, "To do")) }
        }
        div.actions.slim {
            a href=(edit) { "Change" span.unseen { " step " (number) } }
            @if number > 2 { (button(&format!("{path}/steps/{number}/up"), "quiet slim", &format!("Move step {number} up"))) }
            @if number > 1 && number < last { (button(&format!("{path}/steps/{number}/down"), "quiet slim", &format!("Move step {number} down"))) }
            @if number > 1 { (confirmed(&format!("Remove step {number}…"), "Its text or script goes with it.", &format!("{path}/steps/{number}/remove"), "Yes, remove it")) }
        }
    } })
}

fn stops_form(campaign: &CampaignRecord, fill: Fill) -> Markup {
    html! {
        form.card.form method="post" action={ "/campaigns/" (campaign.id) "/steps" } {
            header { h2 { "What stops a person before the last step" } }
            p.small.soft { "An opt-out and a suppression always do, and so does your own system's word through the API, such as “paid”." }
            (radios("stops", "Which replies?", "", &REPLIES, fill))
            (Input::new("words", "Words, with spaces between").hint("Such as PAID DONE. In capitals or not.").show(fill))
            (tick("put_through", "Being put through to an agent", "", fill))
            fieldset.field {
                legend { "Attempts that end like this" }
                div.choices.inline { @for outcome in outcomes(campaign) { label.choice { input type="checkbox" name="outcome" value=(outcome) checked[fill.fields.has("outcome", outcome.as_str())]; span { (disposition_name(outcome)) } } } }
            }
            (radios("after_refusal", "When the rules refuse somebody at a step", "", &REFUSALS, fill))
            div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
        }
    }
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.sequence.stops = StopRules {
        replies: fields.word("stops").unwrap_or(ReplyStop::Any),
        words: fields.get("words").split_whitespace().map(str::to_owned).collect(),
        put_through: fields.has("put_through", "yes"),
        outcomes: outcomes(&campaign).into_iter().filter(|outcome| fields.has("outcome", outcome.as_str())).collect(),
        after_refusal: fields.word("after_refusal").unwrap_or(AfterRefusal::Stop),
    };
    match save_step(&session, campaign.id, &draft, &["stops"]).await? {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}/steps?said=saved")).into_response()),
        Err(problems) => show(&session, &campaign, &fields, &problems, None).await,
    }
}
