//! One step after the first: when, by text or by call, and what it says.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::sequence::{STEPS_MAX, SequenceStep, Wait, WaitFrom};
use clarion_domain::campaigns::segments::count;
use clarion_domain::carriers::sender::SenderKind;
use clarion_store::FieldFault;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::message::{fields_hint, measured};
use super::say::{HINT, text_of};
use super::{fast, find, problems_of, schedule, script_check, tasks};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, area, radios, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::tenancy::guard::Session;

/// What this form asks for, as the check names it.
const ASKED: &[&str] = &["body", "sender", "script", "detector", "call_pacing", "retry", "rate_per_second", "recording"];
const FROM: [(&str, &str, &str); 2] = [
    ("last_try", "Their last try in the step before", "Tries in between put this step off."),
    ("first_try", "Their first try in the step before", "This step comes at its time, and replaces tries that are still to come."),
];

/// What keeps a step from starting.
pub async fn faults(session: &Session, campaign: &CampaignRecord, number: usize) -> Result<Vec<FieldFault>, Fault> {
    let Some(draft) = CampaignDraft::from(campaign).at_step(number) else { return Ok(Vec::new()) };
    Ok(session.tenant.campaign_faults(&draft, session.now).await?.into_iter().filter(|fault| ASKED.contains(&fault.field)).collect())
}

/// A new step, as its form begins.
fn begun(campaign: &CampaignRecord, channel: Channel) -> SequenceStep {
    let base = CampaignDraft::of(channel, "");
    // The sender of an earlier step of the same kind is likely meant.
    let sender = (1..=campaign.sequence.steps()).rev().filter_map(|number| campaign.at_step(number)).find(|step| step.channel == channel).map_or_else(String::new, |step| step.sender);
    SequenceStep {
        wait: Wait { days: 2, hours: 0, from: WaitFrom::LastTry },
        channel,
        body: base.body,
        script: base.script,
        sender,
        call_pacing: base.call_pacing,
        recording: base.recording,
        retry: base.retry,
        rate_per_second: base.rate_per_second,
    }
}

fn fields_of(step: &SequenceStep) -> Fields {
    let fields = if step.channel == Channel::Voice { fast::fields_of(&step.call_pacing) } else { Fields::new() };
    let fields = fields
        .with("channel", step.channel.as_str())
        .with("days", step.wait.days.to_string())
        .with("hours", step.wait.hours.to_string())
        .with("from_try", step.wait.from.as_str())
        .with("sender", &step.sender)
        .with("body", &step.body)
        .with("script", &step.script)
        .with("rate_per_second", step.rate_per_second.to_string());
    schedule::with_retry(fields, &step.retry)
}

/// A step of the campaign, or the one that is about to be added.
fn find_step(campaign: &CampaignRecord, number: &str, channel: Option<Channel>) -> Result<(usize, SequenceStep), Fault> {
    if number == "new" {
        if campaign.sequence.steps() >= STEPS_MAX {
            return Err(Fault::NotFound("step"));
        }
        return Ok((campaign.sequence.steps() + 1, begun(campaign, channel.unwrap_or(Channel::Sms))));
    }
    let number: usize = number.parse().map_err(|_| Fault::NotFound("step"))?;
    campaign.sequence.step(number).cloned().map(|step| (number, step)).ok_or(Fault::NotFound("step"))
}

pub async fn page(session: Session, Path((id, number)): Path<(String, String)>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let (_, mut step) = find_step(&campaign, &number, asked.0.word("channel"))?;
    if let Some(text) = script_check::begun(&session, asked.0.get("begin")).await? {
        step.script = text;
    }
    let fields = fields_of(&step).with("begin", asked.0.get("begin"));
    show(&session, &campaign, &number, &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, campaign: &CampaignRecord, number: &str, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let channel = fields.word("channel").unwrap_or(Channel::Sms);
    let (place, _) = find_step(campaign, number, Some(channel))?;
    let path = format!("/campaigns/{}/steps", campaign.id);
    let here = format!("{path}/{number}");
    let what = if channel == Channel::Voice { call(session, fill).await? } else { text(session, fill).await? };
    let body = html! {
        div.columns.wide-first {
            div.stack {
                @if channel == Channel::Voice {
                    form.card method="get" action=(here) { input type="hidden" name="channel" value="voice"; div.row {
                        (select("begin", "Begin with", "It replaces the script below; nothing is saved yet.", &script_check::beginnings(session).await?, fill))
                        button.button.quiet type="submit" { "Use it" }
                    } }
                }
                form.card.form.script[channel == Channel::Voice] method="post" action=(here) {
                    input type="hidden" name="channel" value=(channel);
                    fieldset.field #wait {
                        legend { "How long after the step before?" }
                        div.row {
                            (Input::new("days", "Days").kind("number").class("short").show(fill))
                            (Input::new("hours", "Hours").kind("number").class("short").show(fill))
                        }
                    }
                    (radios("from_try", "Counted from", "", &FROM, fill))
                    (what)
                    (schedule::retry_inputs(channel, fill))
                    div.actions { button.button type="submit" { "Save" } a href=(path) { "Back to the steps" } }
                }
            }
            div.stack {
                @if channel == Channel::Voice { (script_check::panel(session, fields.raw("script")).await?) }
                (tasks::aside(session, campaign, "steps").await?)
            }
        }
    };
    let title = format!("Step {place}: {}", super::steps::word(channel));
    Ok(Page::new(CAMPAIGNS, &title).under(path.clone(), format!("{}, steps", campaign.name)).said(said).problems(problems).show(session, &body))
}

async fn text(session: &Session, fill: Fill<'_>) -> Result<Markup, Fault> {
    let mut senders = vec![(String::new(), "Choose a sender".to_owned())];
    senders.extend(session.tenant.senders().await?.into_iter().map(|sender| (sender.value.clone(), format!("{}{}", sender.value, if sender.takes_replies { ", takes replies" } else { "" }))));
    let hint = fields_hint(session).await?;
    Ok(html! {
        (select("sender", "From", "A reply can stop the next step only where the sender takes replies.", &senders, fill))
        (area("body", "Text", &hint, Some("segments"), fill))
        p.counter #segments role="status" { (measured(&count(fill.fields.raw("body")))) }
        (Input::new("rate_per_second", "Messages a second, at most").kind("number").class("short").show(fill))
    })
}

async fn call(session: &Session, fill: Fill<'_>) -> Result<Markup, Fault> {
    let mut numbers = vec![(String::new(), "Choose a number".to_owned())];
    numbers.extend(session.tenant.senders().await?.into_iter().filter(|sender| sender.kind == SenderKind::Number).map(|sender| (sender.value.clone(), sender.value)));
    Ok(html! {
        (select("sender", "Caller ID", "A number of yours at which you can be called back.", &numbers, fill))
        (area("script", "Script", HINT, None, fill))
        (fast::inputs(fill))
        input type="hidden" name="rate_per_second" value=(fill.fields.get("rate_per_second"));
    })
}

fn read(fields: &Fields, number: usize, mut step: SequenceStep) -> Result<SequenceStep, Problems> {
    let mut problems = Problems::new();
    let mut whole = |name: &str| match fields.get(name) {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| {
            problems.add(name, "Enter a whole number");
            0
        }),
    };
    step.wait = Wait { days: whole("days"), hours: whole("hours"), from: fields.word("from_try").unwrap_or(WaitFrom::LastTry) };
    if let Some(fault) = step.wait.fault(number).filter(|_| problems.is_empty()) {
        problems.add("days", capitalised(&fault.to_string()));
    }
    step.sender = fields.get("sender").to_owned();
    match step.channel {
        Channel::Sms => step.body = text_of(fields, "body"),
        Channel::Voice => {
            step.script = text_of(fields, "script");
            match fast::read(fields) {
                Ok(pacing) => step.call_pacing = pacing,
                Err(found) => found.all().iter().for_each(|(field, text)| problems.add(field, text)),
            }
        }
    }
    match fields.get("rate_per_second").parse() {
        Ok(rate) => step.rate_per_second = rate,
        Err(_) => problems.add("rate_per_second", "Enter a whole number of messages a second"),
    }
    schedule::read_retry(fields, step.channel, &mut step.retry, &mut problems);
    if problems.is_empty() { Ok(step) } else { Err(problems) }
}

pub async fn save(session: Session, Path((id, number)): Path<(String, String)>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let (place, step) = find_step(&campaign, &number, fields.word("channel"))?;
    let problems = match read(&fields, place, step) {
        Err(problems) => problems,
        Ok(step) => {
            let mut draft = CampaignDraft::from(&campaign);
            match draft.sequence.then.get_mut(place - 2) {
                Some(held) => *held = step,
                None => draft.sequence.then.push(step),
            }
            let mut problems = Problems::new();
            let alone = draft.at_step(place).ok_or(Fault::NotFound("step"))?;
            for fault in session.tenant.campaign_faults(&alone, session.now).await?.into_iter().filter(|fault| ASKED.contains(&fault.field)) {
                problems.add(if fault.field == "detector" { "script" } else { fault.field }, capitalised(&fault.message));
            }
            if problems.is_empty() {
                match session.tenant.edit_campaign(campaign.id, &draft, session.now).await {
                    Ok(()) => return Ok(Redirect::to(&format!("/campaigns/{id}/steps?said=saved")).into_response()),
                    Err(error) => problems = problems_of(error, "days")?,
                }
            }
            problems
        }
    };
    show(&session, &campaign, &number, &fields, &problems, None).await
}

/// Steps after the first change places, or one goes.
async fn rearrange(session: &Session, id: &str, number: &str, change: impl FnOnce(&mut Vec<SequenceStep>, usize)) -> Result<Response, Fault> {
    let campaign = find(session, id).await?;
    let (place, _) = find_step(&campaign, number, None)?;
    let mut draft = CampaignDraft::from(&campaign);
    change(&mut draft.sequence.then, place - 2);
    session.tenant.edit_campaign(campaign.id, &draft, session.now).await?;
    Ok(Redirect::to(&format!("/campaigns/{id}/steps?said=saved")).into_response())
}

pub async fn up(session: Session, Path((id, number)): Path<(String, String)>) -> Result<Response, Fault> {
    rearrange(&session, &id, &number, |then, place| if place > 0 { then.swap(place, place - 1) }).await
}

pub async fn down(session: Session, Path((id, number)): Path<(String, String)>) -> Result<Response, Fault> {
    rearrange(&session, &id, &number, |then, place| if place + 1 < then.len() { then.swap(place, place + 1) }).await
}

pub async fn remove(session: Session, Path((id, number)): Path<(String, String)>) -> Result<Response, Fault> {
    rearrange(&session, &id, &number, |then, place| if place < then.len() { drop(then.remove(place)) }).await
}
