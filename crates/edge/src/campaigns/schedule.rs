//! Step four: days and hours on the contact's clock, attempts, and the rate.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::{RETRIABLE, RETRIABLE_CALLS, RetryRule, RetryRules};
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::{find, save_step, tasks};
use crate::outcomes::words::disposition_name;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::when;
use crate::tenancy::guard::Session;

fn retriable(channel: Channel) -> &'static [Disposition] {
    match channel {
        Channel::Sms => RETRIABLE,
        Channel::Voice => RETRIABLE_CALLS,
    }
}

fn short(day: Day) -> String {
    capitalised(&day.as_str()[..3]).trim_end_matches('.').to_owned()
}

/// The hours in one sentence for the task list.
pub fn told(campaign: &CampaignRecord) -> String {
    let schedule = &campaign.schedule;
    let days: Vec<String> = schedule.days.iter().map(|day| short(*day)).collect();
    let rate = if campaign.channel == Channel::Voice { String::new() } else { format!("at most {} a second; ", campaign.rate_per_second) };
    format!("{}, {} to {} on the contact's clock; {rate}{} at most", days.join(" "), schedule.from, schedule.until, counted(i64::from(campaign.retry.attempts_max), "attempt", "attempts"))
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "Hours and limits") {
        return Ok(closed);
    }
    let local = |at: Option<i64>| at.map_or(String::new(), |ms| when::to_local(Instant(ms), &session.zone));
    let mut fields = Fields::new()
        .with("from", campaign.schedule.from.to_string())
        .with("until", campaign.schedule.until.to_string())
        .with("starts_at", local(campaign.schedule.starts_at_ms))
        .with("ends_at", local(campaign.schedule.ends_at_ms))
        .with("rate_per_second", campaign.rate_per_second.to_string());
    for day in &campaign.schedule.days {
        fields = fields.with("day", day.as_str());
    }
    let fields = with_retry(fields, &campaign.retry);
    show(&session, &campaign, &fields, &Problems::new()).await
}

/// What a form asks about further attempts.
pub(super) fn retry_inputs(channel: Channel, fill: Fill) -> Markup {
    html! {
        div.field #retry {
            (Input::new("attempts_max", "Attempts for each person, the first included").kind("number").class("short").show(fill))
            @if let Some(text) = fill.problems.of("retry") { span.wrong { span.unseen { "Error: " } (text) } }
        }
        fieldset.field {
            legend { "Try again after" }
            span.hint { "Minutes to wait; leave it empty not to try again." }
            div.pairs { @for disposition in retriable(channel) { (Input::new(&format!("after-{disposition}"), disposition_name(*disposition)).kind("number").class("short").show(fill)) } }
        }
    }
}

/// Its answers, as a form holds them.
pub(super) fn with_retry(mut fields: Fields, retry: &RetryRules) -> Fields {
    fields = fields.with("attempts_max", retry.attempts_max.to_string());
    for rule in &retry.rules {
        fields = fields.with(&format!("after-{}", rule.after), rule.delay_minutes.to_string());
    }
    fields
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let ours = format!("In {}. Leave it empty for none.", session.record.zone);
    let body = html! {
        div.columns.wide-first { form.card.form method="post" action={ "/campaigns/" (campaign.id) "/schedule" } {
            fieldset.field #schedule {
                legend { "Days" }
                @if let Some(text) = problems.of("schedule") { span.wrong { span.unseen { "Error: " } (text) } }
                div.choices.inline { @for day in Day::ALL { label.choice { input type="checkbox" name="day" value=(day) checked[fields.has("day", day.as_str())]; span { (short(*day)) } } } }
            }
            div.row {
                (Input::new("from", "From").kind("time").hint("On the clock of each contact's zone.").show(fill))
                (Input::new("until", "Until").kind("time").hint("The law's own hours apply as well.").show(fill))
            }
            div.row {
                (Input::new("starts_at", "Not before").kind("datetime-local").hint(&ours).show(fill))
                (Input::new("ends_at", "Not after").kind("datetime-local").hint(&ours).show(fill))
            }
            @if campaign.channel == Channel::Voice { input type="hidden" name="rate_per_second" value=(campaign.rate_per_second); } @else { (Input::new("rate_per_second", "Messages a second, at most").kind("number").class("short").show(fill)) }
            (retry_inputs(campaign.channel, fill))
            div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
        } (tasks::aside(session, campaign, "schedule").await?) }
    };
    Ok(Page::new(CAMPAIGNS, "Hours and limits").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    let mut problems = Problems::new();
    read_hours(&session, &fields, &mut draft, &mut problems);
    read_limits(&fields, &mut draft, &mut problems);
    if problems.is_empty() {
        match save_step(&session, campaign.id, &draft, &["schedule", "retry", "rate_per_second"]).await? {
            Ok(done) => return Ok(done),
            Err(found) => problems = found,
        }
    }
    show(&session, &campaign, &fields, &problems).await
}

fn read_hours(session: &Session, fields: &Fields, draft: &mut CampaignDraft, problems: &mut Problems) {
    draft.schedule.days = Day::ALL.iter().copied().filter(|day| fields.has("day", day.as_str())).collect();
    for name in ["from", "until"] {
        match fields.get(name).parse::<TimeOfDay>() {
            Ok(time) if name == "from" => draft.schedule.from = time,
            Ok(time) => draft.schedule.until = time,
            Err(error) => problems.add(name, capitalised(&error.to_string())),
        }
    }
    for name in ["starts_at", "ends_at"] {
        let at = when::from_local(fields.get(name), &session.zone).map(Instant::ms);
        if at.is_none() && fields.is_set(name) {
            problems.add(name, "Write a day and a time, for instance 2026-11-23T14:00");
        }
        if name == "starts_at" { draft.schedule.starts_at_ms = at } else { draft.schedule.ends_at_ms = at }
    }
}

fn read_limits(fields: &Fields, draft: &mut CampaignDraft, problems: &mut Problems) {
    match fields.get("rate_per_second").parse() {
        Ok(rate) => draft.rate_per_second = rate,
        Err(_) => problems.add("rate_per_second", "Enter a whole number of messages a second"),
    }
    read_retry(fields, draft.channel, &mut draft.retry, problems);
}

pub(super) fn read_retry(fields: &Fields, channel: Channel, retry: &mut RetryRules, problems: &mut Problems) {
    match fields.get("attempts_max").parse() {
        Ok(attempts) => retry.attempts_max = attempts,
        Err(_) => problems.add("attempts_max", "Enter a whole number of attempts"),
    }
    retry.rules.clear();
    for after in retriable(channel) {
        let name = format!("after-{after}");
        match fields.get(&name).parse() {
            Ok(delay_minutes) => retry.rules.push(RetryRule { after: *after, delay_minutes }),
            Err(_) if fields.is_set(&name) => problems.add(&name, "Enter a whole number of minutes"),
            Err(_) => {}
        }
    }
}
