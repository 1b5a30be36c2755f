//! A call's step five: the number that the person sees.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::carriers::sender::SenderKind;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::html;

use super::{find, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "Caller ID") {
        return Ok(closed);
    }
    show(&session, &campaign, &Fields::new().with("sender", &campaign.sender), &Problems::new()).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let mut numbers = vec![(String::new(), "Choose a number".to_owned())];
    numbers.extend(session.tenant.senders().await?.into_iter().filter(|sender| sender.kind == SenderKind::Number).map(|sender| (sender.value.clone(), sender.value)));
    let body = html! {
        div.columns.wide-first {
            form.card.form method="post" action={ "/campaigns/" (campaign.id) "/caller" } {
                (select("sender", "Caller ID", "A number of yours at which you can be called back. Numbers are added under Carriers, with the evidence that they are yours.", &numbers, Fill { fields, problems }))
                div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
            }
            (tasks::aside(session, campaign, "caller").await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, "Caller ID").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.sender = fields.get("sender").to_owned();
    match save_step(&session, campaign.id, &draft, &["sender"]).await? {
        Ok(done) => Ok(done),
        Err(problems) => show(&session, &campaign, &fields, &problems).await,
    }
}
