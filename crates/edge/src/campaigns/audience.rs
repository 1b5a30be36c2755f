//! Step two: who. A list, a saved filter, or both.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{FilterId, ListId};
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::html;

use super::{find, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
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
    Ok(format!("{} now: {on}{narrowed}", counted(size, "person", "people")))
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let fields = Fields::new().with("list_id", campaign.list_id.map_or(String::new(), |id| id.to_string())).with("filter_id", campaign.filter_id.map_or(String::new(), |id| id.to_string()));
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
    match save_step(&session, campaign.id, &draft, &["list_id", "filter_id"]).await? {
        Ok(done) => Ok(done),
        Err(problems) => show(&session, &campaign, &fields, &problems).await,
    }
}
