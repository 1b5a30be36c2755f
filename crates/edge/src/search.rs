//! The search of the whole portal: a person by number or reference or a part of it, a campaign by part of its name.
//! By POST, so that neither number nor reference stands in an address or a log.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::CampaignQuery;
use clarion_store::contacts::not_found_hint;
use maud::html;

use crate::campaigns::words::state_chip;
use crate::contacts;
use crate::page::fault::Fault;
use crate::page::fields::Fields;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::table::empty;
use crate::tenancy::guard::Session;

const CAMPAIGNS_SHOWN: i64 = 20;

pub async fn find(session: Session, fields: Fields) -> Result<Response, Fault> {
    let typed = fields.get("typed");
    let may_reveal = session.may(Right::RevealPersonal);
    let people = session.tenant.find_contacts(typed, may_reveal, session.now).await?;
    let campaigns = if typed.is_empty() { Vec::new() } else { session.tenant.campaigns(&CampaignQuery { state: None, text: typed, before: None, limit: CAMPAIGNS_SHOWN }).await?.rows };
    match (people.ids.as_slice(), campaigns.as_slice()) {
        ([person], []) => return Ok(Redirect::to(&format!("/contacts/{person}")).into_response()),
        ([], [campaign]) => return Ok(Redirect::to(&format!("/campaigns/{}", campaign.id)).into_response()),
        _ => {}
    }
    let body = html! {
        @if people.ids.is_empty() && campaigns.is_empty() {
            section.card { (empty(Icon::People, "Nothing found", &format!("{} A campaign is found by any part of its name.", not_found_hint(may_reveal)), Some(("/contacts", "See all contacts")))) }
        }
        @if !people.ids.is_empty() { h2 { "People" } (contacts::search::people(&session, &people).await?) }
        @if !campaigns.is_empty() {
            section.card.flush { header { h2 { "Campaigns" } } ul.steps { @for campaign in &campaigns { li { div { a href={ "/campaigns/" (campaign.id) } { (campaign.name) } } (state_chip(campaign.state)) } } } }
        }
    };
    Ok(Page::apart("Search").show(&session, &body))
}
