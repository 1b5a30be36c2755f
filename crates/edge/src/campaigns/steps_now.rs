//! Who stands at which step of a campaign that started, why it ended for the others, and stopping people by name.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::sequence::{StopResult, ToldReason};
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::{CampaignRecord, StopWhom};
use maud::{Markup, html};

use super::{find, problems_of, steps};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::{count, counted};
use crate::page::form::{Fill, Input, area, tick};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::tenancy::guard::Session;

/// The card of the monitor; nothing for a campaign where nobody's way is kept and nobody was stopped.
pub async fn card(session: &Session, campaign: &CampaignRecord) -> Result<Markup, Fault> {
    if campaign.step > 1 {
        return Ok(html! { section.card { header { h2 { "A step of a campaign" } } p { "This is step " (campaign.step) " of " a href={ "/campaigns/" (campaign.first) } { "the campaign" } ". It is paused, resumed and cancelled there." } } });
    }
    let counts = session.tenant.step_counts(campaign).await?;
    let reasons = counts.reasons();
    let may_stop = session.may(Right::RunCampaigns) && !campaign.state.is_over();
    if !campaign.sequence.is_tracked() && reasons.is_empty() {
        return Ok(html! { @if may_stop { p.small { a href={ "/campaigns/" (campaign.id) "/recipients/stop" } { "Stop it for some people" } } } });
    }
    let ids = session.tenant.step_ids(campaign.id).await?;
    let taken = match campaign.sequence.evergreen {
        Some(_) => Some(session.tenant.taken_in_today(campaign.id, session.now).await?.1),
        None => None,
    };
    let channel = |place: usize| campaign.sequence.step(place + 1).map_or(campaign.channel, |step| step.channel);
    let ended = |place: usize| counts.ended.iter().filter(|(at, ..)| *at == place + 1).map(|(.., n)| n).sum::<i64>();
    Ok(html! {
        section.card.flush {
            header { h2 { "Steps" } @if may_stop { a.small href={ "/campaigns/" (campaign.id) "/recipients/stop" } { "Stop it for some people" } } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Step" } th.num scope="col" { "Stand there" } th.num scope="col" { "Ended there" } } }
                tbody { @for (place, standing) in counts.standing.iter().enumerate() { tr {
                    th scope="row" {
                        @if place > 0 && ids.len() > place { a href={ "/campaigns/" (ids[place]) } { "Step " (place + 1) } } @else { "Step " (place + 1) }
                        ": " (steps::word(channel(place)))
                        @if let Some(step) = campaign.sequence.step(place + 1) { div.small.soft { (step.wait) } }
                    }
                    td.num data-label="Stand there" { (count(*standing)) }
                    td.num data-label="Ended there" { (count(ended(place))) }
                } } }
            } }
            @if !reasons.is_empty() { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Why it ended" } th.num scope="col" { "People" } } }
                tbody { @for (why, people) in &reasons { tr { td { (capitalised(&why.words())) } td.num data-label="People" { (count(*people)) } } } }
            } } }
            @if let Some(taken) = taken { p.small.soft { (counted(taken, "new person", "new people")) " today" @if let Some(most) = campaign.sequence.evergreen.and_then(|evergreen| evergreen.new_a_day_max) { " of " (most) " at most" } "." } }
        }
    })
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let told = asked.0.number("stopped").map(|stopped| {
        let (over, unknown) = (asked.0.number("over").unwrap_or(0), asked.0.number("unknown").unwrap_or(0));
        format!("Stopped for {}. For {} it was over already, and {} are not in this campaign.", counted(stopped, "person", "people"), count(over), count(unknown))
    });
    show(&session, &campaign, &Fields::new(), &Problems::new(), told.as_deref())
}

fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems, told: Option<&str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let path = format!("/campaigns/{}", campaign.id);
    let body = html! {
        @if let Some(told) = told { div.notice { p { (told) } } }
        form.card.form method="post" action={ (path) "/recipients/stop" } {
            p.soft { "Nothing more goes to these people from this campaign, at whichever step they stand. What is with a carrier already is not called back. Your own system can say the same through the API." }
            (Input::new("reason", "Why, in one word").hint("Small letters and underscores, such as paid. It is shown and counted.").class("medium").show(fill))
            (area("references", "Your references, one a line", "Or the identifiers of contacts, which begin with con_.", None, fill))
            (tick("sure", "Yes, stop it for these people", "It cannot be taken back.", fill))
            div.actions { button.button.danger type="submit" { "Stop it for them" } a href=(path) { "Back" } }
        }
    };
    Ok(Page::new(CAMPAIGNS, "Stop it for some people").under(path.clone(), &campaign.name).problems(problems).show(session, &body))
}

pub async fn stop(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let whom: Vec<StopWhom> = fields.raw("references").lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| line.parse().map_or_else(|_| StopWhom::Reference(line.to_owned()), StopWhom::Contact)).collect();
    let mut problems = Problems::new();
    let reason = fields.get("reason").parse::<ToldReason>();
    if let Err(error) = &reason {
        problems.add("reason", capitalised(&error.to_string()));
    }
    if whom.is_empty() {
        problems.add("references", "Name at least one person");
    }
    if !fields.has("sure", "yes") {
        problems.add("sure", "Tick this when it is to be stopped for them");
    }
    if let (Ok(reason), true) = (reason, problems.is_empty()) {
        match session.tenant.stop_recipients(campaign.id, &whom, &reason, session.now).await {
            Ok(results) => {
                let n = |which| results.iter().filter(|result| **result == which).count();
                let told = format!("/campaigns/{id}/recipients/stop?stopped={}&over={}&unknown={}", n(StopResult::Stopped), n(StopResult::Over), n(StopResult::Unknown));
                return Ok(Redirect::to(&told).into_response());
            }
            Err(error) => problems = problems_of(error, "references")?,
        }
    }
    show(&session, &campaign, &fields, &problems, None)
}
