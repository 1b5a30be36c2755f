//! One trunk: its state, its settings, enabled or not. The secret is written, never shown.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::TrunkId;
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::carriers::{TrunkRecord, TrunkStatus};
use maud::html;

use super::{list, trunk_form};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::Fill;
use crate::page::layout::Page;
use crate::page::menu::CARRIERS;
use crate::page::said::said;
use crate::tenancy::guard::Session;

pub async fn new(session: Session, asked: Asked) -> Response {
    let fields = match asked.0.get("kind") {
        "http" => trunk_form::http_default(),
        "sip" => trunk_form::sip_default(),
        _ => trunk_form::smpp_default(),
    };
    show_new(&session, &fields, &Problems::new())
}

fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Response {
    let kind = fields.get("kind");
    let body = html! {
        nav.tabs aria-label="Kind of trunk" {
            a href="/carriers/trunks/new" aria-current=[(!matches!(kind, "http" | "sip")).then_some("page")] { "SMPP" }
            a href="/carriers/trunks/new?kind=http" aria-current=[(kind == "http").then_some("page")] { "HTTP" }
            a href="/carriers/trunks/new?kind=sip" aria-current=[(kind == "sip").then_some("page")] { "SIP (calls)" }
        }
        form.card.form method="post" action="/carriers/trunks/new" {
            (trunk_form::inputs(Fill { fields, problems }, false))
            div.actions { button.button type="submit" { "Add the trunk" } a href="/carriers" { "Cancel" } }
        }
    };
    Page::new(CARRIERS, "Add a trunk").under("/carriers", "Carriers").problems(problems).show(session, &body)
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let new = match trunk_form::read(&fields) {
        Ok(new) => new,
        Err(problems) => return Ok(show_new(&session, &fields, &problems)),
    };
    match session.tenant.add_trunk(&new, false, session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("/carriers/trunks/{id}?said=created")).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => Ok(show_new(&session, &fields, &Problems::one("name", capitalised(&text)))),
        Err(error) => Err(error.into()),
    }
}

async fn find(session: &Session, id: &str) -> Result<TrunkRecord, Fault> {
    let id: TrunkId = id.parse().map_err(|_| Fault::NotFound("trunk"))?;
    Ok(session.tenant.trunk(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let trunk = find(&session, &id).await?;
    show(&session, &trunk, &trunk_form::fields_of(&trunk), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, trunk: &TrunkRecord, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let statuses: Vec<TrunkStatus> = session.tenant.store().trunk_status().await?.into_iter().filter(|status| status.trunk == trunk.id).collect();
    let own = trunk.tenant.is_some() && session.may(Right::ManageTrunks);
    let body = html! {
        section.card.flush { header { h2 { "State" } } (list::trunk_table(session, std::slice::from_ref(trunk), &statuses)) }
        @if own {
            form.card.form method="post" action={ "/carriers/trunks/" (trunk.id) } {
                header { h2 { "Settings" } }
                (trunk_form::inputs(Fill { fields, problems }, true))
                div { button.button type="submit" { "Save: the trunk connects anew" } }
            }
        } @else { div.notice { p { (if trunk.tenant.is_none() { "This trunk belongs to the operator: only they can change it." } else { "Your role does not change trunks." }) } @if let TrunkSettings::Smpp(smpp) = &trunk.settings { p.small.soft { (smpp.host) ":" (smpp.port) ", SMPP " (smpp.version) } } } }
    };
    Ok(Page::new(CARRIERS, &trunk.name).under("/carriers", "Carriers").said(said).problems(problems).show(session, &body))
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let trunk = find(&session, &id).await?;
    let new = match trunk_form::read(&fields) {
        Ok(new) => new,
        Err(problems) => return show(&session, &trunk, &fields, &problems, None).await,
    };
    match session.tenant.change_trunk(trunk.id, &new, fields.has("enabled", "yes"), session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/carriers/trunks/{id}?said=saved")).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(&session, &trunk, &fields, &Problems::one("name", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}
