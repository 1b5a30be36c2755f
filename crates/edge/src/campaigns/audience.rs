//! Step two: who. A list, a saved filter, or both.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::campaigns::sequence::Evergreen;
use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{FilterId, ListId};
use clarion_domain::time::Instant;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::html;

use super::{find, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, select, tick};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::when;
use crate::tenancy::guard::Session;

/// The audience in one sentence for the task list.
pub async fn told(session: &Session, campaign: &CampaignRecord) -> Result<String, Fault> {
    let list = match campaign.list_id {
        Some(id) => Some(session.tenant.list(id).await?),
        None => None,
    };
    let filter = match campaign.filter_id {
        Some(id) => Some(session.tenant.filter(id).await?),
        None => None,
    };
    if list.is_none() && filter.is_none() {
        return Ok(String::new());
    }
    let size = session.tenant.audience_size(campaign.list_id, &filter.as_ref().map_or_else(Filter::default, |filter| filter.filter.clone())).await?;
    let on = list.map_or("everybody".to_owned(), |list| format!("the list {}", list.name));
    let narrowed = filter.map_or(String::new(), |filter| format!(", narrowed by {}", filter.name));
    let grows = campaign.sequence.evergreen.map_or(String::new(), |evergreen| format!("; goes on taking people in until {}", when::text(Instant(evergreen.until_ms), &session.zone)));
    Ok(format!("{} now: {on}{narrowed}{grows}", counted(size, "person", "people")))
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "Audience") {
        return Ok(closed);
    }
    let mut fields = Fields::new().with("list_id", campaign.list_id.map_or(String::new(), |id| id.to_string())).with("filter_id", campaign.filter_id.map_or(String::new(), |id| id.to_string()));
    if let Some(evergreen) = campaign.sequence.evergreen {
        let number = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
        fields = fields
            .with("evergreen", "yes")
            .with("new_until", when::to_local(Instant(evergreen.until_ms), &session.zone))
            .with("new_a_day_max", number(evergreen.new_a_day_max.map(i64::from)))
            .with("again_after_days", number(evergreen.again_after_days.map(i64::from)));
    }
    show(&session, &campaign, &fields, &Problems::new()).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let mut lists = vec![(String::new(), "Everybody".to_owned())];
    lists.extend(session.tenant.lists().await?.into_iter().map(|list| (list.id.to_string(), format!("{} ({})", list.name, counted(list.members, "person", "people")))));
    let mut filters = vec![(String::new(), "Not narrowed".to_owned())];
    filters.extend(session.tenant.filters().await?.into_iter().map(|filter| (filter.id.to_string(), filter.name)));
    let body = html! {
        div.columns.wide-first { form.card.form method="post" action={ "/campaigns/" (campaign.id) "/audience" } {
            (select("list_id", "List", "", &lists, fill))
            (select("filter_id", "Saved filter", "Only those on the list who meet it.", &filters, fill))
            p.small.soft { "The audience is frozen when the campaign starts; until then it follows the list." }
            (tick("evergreen", "Evergreen: go on taking people in", "Whoever comes to match the list and the filter while the campaign runs comes in, each once.", fill))
            div.only-evergreen.stack {
                (Input::new("new_until", "Nobody new from").kind("datetime-local").hint(&format!("In {}. Those who are in it go on to their last step.", session.record.zone)).show(fill))
                div.row {
                    (Input::new("new_a_day_max", "New people a day, at most").kind("number").class("short").hint("Leave it empty for no ceiling.").show(fill))
                    (Input::new("again_after_days", "May come in again after so many days").kind("number").class("short").hint("Leave it empty for never.").show(fill))
                }
            }
            div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } a href="/contacts/filters" { "New filter" } a href="/imports/new" { "Load a file" } }
        } (tasks::aside(session, campaign, "audience").await?) }
    };
    Ok(Page::new(CAMPAIGNS, "Audience").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.list_id = fields.word::<ListId>("list_id");
    draft.filter_id = fields.word::<FilterId>("filter_id");
    let mut problems = Problems::new();
    draft.sequence.evergreen = fields.has("evergreen", "yes").then(|| read_evergreen(&session, &fields, &mut problems));
    if problems.is_empty() {
        match save_step(&session, campaign.id, &draft, &["list_id", "filter_id", "evergreen"]).await? {
            Ok(done) => return Ok(done),
            Err(found) => problems = found,
        }
    }
    show(&session, &campaign, &fields, &problems).await
}

fn read_evergreen(session: &Session, fields: &Fields, problems: &mut Problems) -> Evergreen {
    let until = when::from_local(fields.get("new_until"), &session.zone);
    if until.is_none() {
        problems.add("new_until", "Write a day and a time, for instance 2026-12-23T14:00");
    }
    let mut number = |name: &str| {
        let number = fields.get(name).parse::<u32>().ok();
        if number.is_none() && fields.is_set(name) {
            problems.add(name, "Enter a whole number, or leave it empty");
        }
        number
    };
    let new_a_day_max = number("new_a_day_max");
    let again_after_days = number("again_after_days").map(|days| u16::try_from(days).unwrap_or(u16::MAX));
    Evergreen { until_ms: until.map_or(0, Instant::ms), new_a_day_max, again_after_days }
}
