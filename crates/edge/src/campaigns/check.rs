//! The last step: all answers, a dry run over the real audience, and the start.

use axum::extract::Path;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::pacing::Bottleneck;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CallForecast, CampaignDraft, CampaignRecord, DryRunCost, DryRunRecord, DryRunResult};
use maud::{Markup, html};

use super::words::{basis_name, purpose_name};
use super::{audience, fast, find, recording, schedule, script_check, steps, tasks};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::Problems;
use crate::page::figure::{count, figure};
use crate::page::form::button;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::when;
use crate::tenancy::guard::Session;

fn whole(n: u64) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    show(&session, &campaign, &Problems::new()).await
}

pub async fn show(session: &Session, campaign: &CampaignRecord, problems: &Problems) -> Result<Response, Fault> {
    let faults = session.tenant.campaign_faults(&CampaignDraft::from(campaign), session.now).await?;
    let run = session.tenant.latest_dry_run(campaign.id).await?;
    let path = format!("/campaigns/{}", campaign.id);
    let body = html! {
        (answers(session, campaign).await?)
        @if faults.is_empty() {
            (dry_run(session, campaign, run.as_ref()))
            section.card #start {
                header { h2 { "Start" } }
                p.soft { "The audience is frozen, and people are contacted in the hours that you set. You can pause at any time." }
                @if let Some(above) = session.record.four_eyes.start_campaign_above { p { "For more than " (count(i64::from(above))) " people a second person approves it first." } }
                div.actions {
                    @if campaign.state == CampaignState::Draft && campaign.starts_at.is_some() { (button(&format!("{path}/schedule-start"), "", "Schedule it for the time set")) }
                    (button(&format!("{path}/start"), if campaign.starts_at.is_some() { "quiet" } else { "" }, "Start now"))
                    a href=(path) { "Back to the tasks" }
                }
            }
        } @else {
            div.notice.warn #start { h2 { "Not ready yet" } ul { @for fault in &faults { li { (capitalised(&fault.message)) } } } div.actions { a.button.quiet href=(path) { "Back to the tasks" } } }
        }
    };
    Ok(Page::new(CAMPAIGNS, "Check answers").under(path.clone(), &campaign.name).problems(problems).show(session, &body))
}

async fn answers(session: &Session, campaign: &CampaignRecord) -> Result<Markup, Fault> {
    let path = format!("/campaigns/{}", campaign.id);
    let call = campaign.channel == Channel::Voice;
    let tree = match call {
        true => Some(session.tenant.check_script(&campaign.script).await?.map_or_else(|_| html! { p { "Not fit to be used yet" } }, |script| script_check::tree(&script.tree()))),
        false => None,
    };
    Ok(html! {
        section.card {
            header { h2 { "Your answers" } }
            dl.facts {
                dt { "Purpose" } dd { (campaign.purpose.map_or("Not said yet", |stated| purpose_name(stated.purpose))) @if let Some(basis) = campaign.basis { ", " (basis_name(basis).to_lowercase()) } " · " a href={ (path) "/purpose" } { "Change" } }
                dt { "Audience" } dd { @match audience::told(session, campaign).await? { told if told.is_empty() => "Nobody chosen yet", told => (told) } " · " a href={ (path) "/audience" } { "Change" } }
                dt { (if call { "Caller ID" } else { "From" }) } dd { @if campaign.sender.is_empty() { "No sender yet" } @else { (campaign.sender) } @if call { " · " a href={ (path) "/caller" } { "Change" } } }
                @if let Some(tree) = &tree { dt { "What it says" } dd { (tree) a href={ (path) "/say" } { "Change" } } }
                @if call { dt { "How fast" } dd { (fast::told(&campaign.call_pacing)) " · " a href={ (path) "/fast" } { "Change" } } dt { "What is recorded" } dd { (recording::told(&campaign.recording)) " · " a href={ (path) "/recording" } { "Change" } } } @else {
                dt { "Text" } dd { @if campaign.body.is_empty() { "Not written yet · " } @else { div.bubble { (campaign.body) } } a href={ (path) "/message" } { "Change" } }
                }
                @for number in 2..=campaign.sequence.steps() { @if let Some(step) = campaign.at_step(number) {
                    dt { "Step " (number) } dd {
                        @if let Some(after) = campaign.sequence.step(number) { (after.wait) ", " } (steps::word(step.channel)) " from " span.mono { (step.sender) }
                        @if step.channel == Channel::Voice { p.small.soft { (tasks::say_told(session, &step).await?) } } @else { div.bubble { (step.body) } }
                        a href={ (path) "/steps/" (number) } { "Change" }
                    }
                } }
                @if campaign.sequence.is_tracked() { dt { "What stops a person" } dd { (steps::stops_told(&campaign.sequence.stops)) " · " a href={ (path) "/steps" } { "Change" } } }
                dt { "Hours and limits" } dd { (schedule::told(campaign)) " · " a href={ (path) "/schedule" } { "Change" } }
                @if let Some(at) = campaign.starts_at { dt { "Not before" } dd { (when::time(at, &session.zone)) " (" (session.record.zone) ")" } }
            }
        }
    })
}

fn dry_run(session: &Session, campaign: &CampaignRecord, run: Option<&DryRunRecord>) -> Markup {
    let action = format!("/campaigns/{}/dry-run", campaign.id);
    html! {
        @match run.map(|run| (run, &run.result)) {
            None => section.card #dry-run { header { h2 { "Dry run" } } p.soft { @if campaign.channel == Channel::Voice { "Asks the rules about everybody in the audience, reckons how long the calls take, and calls nobody." } @else { "Asks the rules about everybody in the audience, fills every message, and sends nothing." } } div { (button(&action, "", "Run it")) } },
            Some((_, None)) => section.card #dry-run hx-get=(action) hx-trigger="every 1s" hx-swap="outerHTML" {
                header { h2 { "Dry run" } } progress aria-label="Working" {} p.small.soft { "Under way. " a href={ "/campaigns/" (campaign.id) "/check" } { "Look again" } }
            },
            Some((_, Some(Err(why)))) => section.card #dry-run { header { h2 { "Dry run" } } p { (capitalised(why)) } div { (button(&action, "quiet", "Run it again")) } },
            Some((run, Some(Ok(result)))) => (told(session, run, result, &action))
        }
    }
}

fn told(session: &Session, run: &DryRunRecord, result: &DryRunResult, action: &str) -> Markup {
    let at = |ms: i64| when::time(Instant(ms), &session.zone);
    let one = if result.calls.is_some() { "call" } else { "message" };
    // With nobody to contact there is no last one, and nothing that holds them back.
    let any = result.eligible > 0;
    html! {
        section.card #dry-run {
            header { h2 { "Dry run of " (when::time(run.asked_at, &session.zone)) } (button(action, "quiet slim", "Run it again")) }
            dl.figures {
                (figure("People", &whole(result.audience), "", ""))
                (figure("Eligible now", &whole(result.eligible), "", "good"))
                (figure("Put off", &whole(result.deferred), "", ""))
                (figure("Refused", &whole(result.refused), "", if result.refused > 0 { "bad" } else { "" }))
                @match &result.calls {
                    Some(found) => (figure("Calls", &whole(found.calls), &format!("{} an hour", whole(found.calls_an_hour)), "")),
                    None => (figure("Segments", &whole(result.segments), &format!("{} messages", whole(result.messages)), "")),
                }
                (figure(if result.calls.is_some() { "Calling time" } else { "Sending time" }, &when::length(i64::try_from(result.sending_ms).unwrap_or(i64::MAX)), "", ""))
            }
            dl.facts {
                @if let Some(first) = result.starts_at_ms { dt { "First " (one) } dd { (at(first)) } }
                @if let Some(last) = result.finishes_at_ms.filter(|_| any) { dt { "Last " (one) } dd { (at(last)) } }
                @for cost in &result.costs { dt { "Cost" } dd { (money(cost)) } }
                @if let Some(found) = result.calls.as_ref().filter(|_| any) { dt { "Reckoned with" } dd { (times(found)) @if let Some(by) = result.bottleneck { ". What holds them back: " (held_by(by)) } "." } }
                @if result.left_unsent > 0 { dt { (if result.calls.is_some() { "Left undone" } else { "Left unsent" }) } dd { (whole(result.left_unsent)) ": the campaign's end, closed hours or missing trunks" } }
                @if result.unrouted > 0 { dt { "Without a route" } dd { (whole(result.unrouted)) " " (one) "s: no trunk takes them" } }
                @if result.messages_ucs2 > 0 { dt { "In Unicode" } dd { (whole(result.messages_ucs2)) " messages" } }
                @for missing in &result.missing_fields { dt { "Without " span.mono { (missing.field) } } dd { (whole(missing.people)) " people would not get the message: give the field a fallback" } }
                dt { "Rules" } dd.mono.small { (result.rule_packs.join(", ")) }
            }
            @if !result.steps.is_empty() { (later_steps(result)) }
            @if !result.refused_by.is_empty() { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Refused by" } th.num scope="col" { "People" } } }
                tbody { @for group in &result.refused_by { tr { td { (group.reason.sentence) " " span.soft.mono.small { (group.reason.rule) } } td.num data-label="People" { (whole(group.people)) } } } }
            } } }
            @if !result.deferred_by.is_empty() { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Put off by" } th.num scope="col" { "People" } } }
                tbody { @for group in &result.deferred_by { tr { td { (group.reason.sentence) " " span.soft.mono.small { (group.reason.rule) } } td.num data-label="People" { (whole(group.people)) } } } }
            } } }
            @if !result.deferred_until.is_empty() { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Put off until" } th.num scope="col" { "People" } } }
                tbody { @for group in result.deferred_until.iter().take(12) { tr { td { (at(group.until_ms)) } td.num data-label="People" { (whole(group.people)) } } } }
            } } }
        }
    }
}

/// What the steps after the first would come to, if nothing stopped anybody before.
fn later_steps(result: &DryRunResult) -> Markup {
    let all = std::iter::once(result).chain(&result.steps);
    html! {
        p.small.soft { "The figures above are of the first step. Below, each step is reckoned for the whole audience, as if it began at the same moment: people whom something stops before do not come so far." }
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "Step" } th.num scope="col" { "Eligible" } th.num scope="col" { "Put off" } th.num scope="col" { "Refused" } th.num scope="col" { "Without a route" } th.num scope="col" { "Cost at most" } th scope="col" { "Refused by" } } }
            tbody { @for (place, step) in all.enumerate() { tr {
                th scope="row" { "Step " (place + 1) ": " (if step.calls.is_some() { "a call" } else { "a text" }) }
                td.num data-label="Eligible" { (whole(step.eligible)) }
                td.num data-label="Put off" { (whole(step.deferred)) }
                td.num data-label="Refused" { (whole(step.refused)) }
                td.num data-label="Without a route" { (whole(step.unrouted)) }
                td.num data-label="Cost at most" { @for cost in &step.costs { div { (money(cost)) } } }
                td data-label="Refused by" { @for group in &step.refused_by { div.small { (group.reason.sentence) " " span.soft.mono { (group.reason.rule) } " " (whole(group.people)) } } }
            } } }
        } }
    }
}

fn money(cost: &DryRunCost) -> String {
    format!("{} {}.{:02}", cost.currency, cost.amount / 10_000, cost.amount % 10_000 / 100)
}

/// By which times the calls were reckoned.
fn times(found: &CallForecast) -> String {
    let seconds = |ms: u32| format!("{} s", ms.div_ceil(1_000));
    let from = match found.learned_from {
        0 => "as is assumed before enough calls were made".to_owned(),
        calls => format!("as your last {} calls went", whole(calls)),
    };
    format!("{} of 100 answer after {} and stay for {}, the others ring for {}, {from}", found.answered_percent, seconds(found.ring_answered_ms), seconds(found.talk_ms), seconds(found.ring_unanswered_ms))
}

fn held_by(bottleneck: Bottleneck) -> &'static str {
    match bottleneck {
        Bottleneck::Campaign => "the campaign's own rate",
        Bottleneck::Trunks => "what the trunks take",
        Bottleneck::CallsAtOnce => "the campaign's calls at once",
        Bottleneck::Agents => "the agents' lines",
    }
}

pub async fn ask(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.ask_dry_run(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("/campaigns/{id}/check#dry-run")).into_response())
}

/// Polled while the dry run works.
pub async fn progress(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let run = session.tenant.latest_dry_run(campaign.id).await?;
    if run.as_ref().is_some_and(|run| run.result.is_none()) {
        return Ok(dry_run(&session, &campaign, run.as_ref()).into_response());
    }
    Ok(([(HeaderName::from_static("hx-refresh"), "true")], "").into_response())
}
