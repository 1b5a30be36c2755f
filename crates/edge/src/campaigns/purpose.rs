//! Step one: why these people are contacted, and on which ground in law.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::compliance::purpose::Purpose;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::html;

use super::words::{BASES, PURPOSES};
use super::{find, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, radios, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::tenancy::guard::Session;

const ASKED: &[&str] = &["purpose", "underlying_purpose", "legal_basis", "assessment_reference", "name"];

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "Purpose and legal basis") {
        return Ok(closed);
    }
    let draft = CampaignDraft::from(&campaign);
    let fields = Fields::new()
        .with("name", &draft.name)
        .with("purpose", draft.purpose.map_or("", Purpose::as_str))
        .with("underlying_purpose", draft.underlying_purpose.map_or("", Purpose::as_str))
        .with("not_marketing_reason", &draft.not_marketing_reason)
        .with("legal_basis", draft.basis.map_or("", |basis| basis.as_str()))
        .with("assessment_reference", &draft.assessment_reference);
    show(&session, &campaign, &fields, &Problems::new()).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let purposes: Vec<(&str, &str, &str)> = PURPOSES.iter().map(|(purpose, name, text)| (purpose.as_str(), *name, *text)).collect();
    let bases: Vec<(&str, &str, &str)> = BASES.iter().map(|(basis, name, text)| (basis.as_str(), *name, *text)).collect();
    let mut underlying = vec![(String::new(), "Not a put-through".to_owned())];
    underlying.extend(PURPOSES.iter().filter(|(purpose, _, _)| *purpose != Purpose::PutThrough).map(|(purpose, name, _)| (purpose.as_str().to_owned(), (*name).to_owned())));
    let body = html! {
        div.columns.wide-first { form.card.form method="post" action={ "/campaigns/" (campaign.id) "/purpose" } {
            (Input::new("name", "Name of the campaign").show(fill))
            (radios("purpose", "Why are these people contacted?", "The rules follow from this.", &purposes, fill))
            div.only-put-through { (select("underlying_purpose", "Put through: what is the conversation about?", "", &underlying, fill)) }
            div.only-unfinished { (Input::new("not_marketing_reason", "Unfinished application: why is it not marketing?").hint("Leave it empty and the rules of marketing apply.").show(fill)) }
            (radios("legal_basis", "On which ground in law?", "", &bases, fill))
            div.only-interest { (Input::new("assessment_reference", "Reference of the assessment").hint("Of the legitimate interest.").class("medium").show(fill)) }
            div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
        } (tasks::aside(session, campaign, "purpose").await?) }
    };
    Ok(Page::new(CAMPAIGNS, "Purpose and legal basis").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.name = fields.get("name").to_owned();
    draft.purpose = fields.word("purpose");
    draft.underlying_purpose = fields.word("underlying_purpose");
    draft.not_marketing_reason = fields.get("not_marketing_reason").to_owned();
    draft.basis = fields.word("legal_basis");
    draft.assessment_reference = fields.get("assessment_reference").to_owned();
    match save_step(&session, campaign.id, &draft, ASKED).await? {
        Ok(done) => Ok(done),
        Err(problems) => show(&session, &campaign, &fields, &problems).await,
    }
}
