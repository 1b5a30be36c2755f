//! Texts kept for use again. A campaign begins from one and keeps what it was given.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::segments::count;
use clarion_domain::id::TemplateId;
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::TemplateRecord;
use maud::html;

use super::link_ticks::{LinkTicks, ticked};
use super::message::{fields_hint, measured};
use super::problems_of;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, area, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::tenancy::guard::Session;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let templates = session.tenant.templates().await?;
    let may = session.may(Right::RunCampaigns);
    let body = html! {
        section.card.flush {
            @if templates.is_empty() {
                (empty(Icon::Message, "No template yet", "Keep a text that was agreed on, and begin campaigns from it.", may.then_some(("/campaigns/templates/new", "New template"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Template" } th scope="col" { "Text" } th scope="col" { "Size" } } }
                    tbody { @for template in &templates { tr {
                        th scope="row" { @if may { a href={ "/campaigns/templates/" (template.id) } { (template.name) } } @else { (template.name) } }
                        td { (template.body) }
                        td.small.soft { (measured(&count(&template.body))) }
                    } } }
                } }
            }
        }
    };
    let mut page = Page::new(CAMPAIGNS, "Templates").under("/campaigns", "Campaigns").said(said(&asked));
    if may {
        page = page.actions(html! { a.button href="/campaigns/templates/new" { "New template" } });
    }
    Ok(page.show(&session, &body))
}

pub async fn new(session: Session) -> Result<Response, Fault> {
    show(&session, None, &Fields::new(), &Problems::new(), None).await
}

async fn find(session: &Session, id: &str) -> Result<TemplateRecord, Fault> {
    let id: TemplateId = id.parse().map_err(|_| Fault::NotFound("template"))?;
    Ok(session.tenant.template(id).await?)
}

pub async fn edit(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let template = find(&session, &id).await?;
    let fields = Fields::new().with("name", &template.name).with("body", &template.body);
    show(&session, Some(&template), &fields, &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, template: Option<&TemplateRecord>, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let hint = fields_hint(session).await?;
    let links = LinkTicks::of(session, fields.raw("body")).await?;
    let path = template.map_or("/campaigns/templates/new".to_owned(), |template| format!("/campaigns/templates/{}", template.id));
    let body = html! {
        form.card.form method="post" action=(path) {
            (Input::new("name", "Name").show(fill))
            (area("body", "Text", &hint, Some("segments"), fill))
            p.counter #segments role="status" data-link=[links.sample()] { (measured(&count(&links.measured_text(fields.raw("body"))))) }
            (links.ticks())
            div.actions { button.button type="submit" { "Save" } a href="/campaigns/templates" { "Back" } }
        }
        @if template.is_some() { (confirmed("Remove the template…", "Campaigns keep the text that they were given. It cannot be brought back.", &format!("{path}/delete"), "Yes, remove it")) }
    };
    Ok(Page::new(CAMPAIGNS, template.map_or("New template", |template| template.name.as_str())).under("/campaigns/templates", "Templates").said(said).problems(problems).show(session, &body))
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.create_template(fields.get("name"), &ticked(&session, &fields).await?, session.now).await {
        Ok(_) => Ok(Redirect::to("/campaigns/templates?said=created").into_response()),
        Err(error) => show(&session, None, &fields, &problems_of(error, "name")?, None).await,
    }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let template = find(&session, &id).await?;
    match session.tenant.change_template(template.id, fields.get("name"), &ticked(&session, &fields).await?, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("/campaigns/templates/{id}?said=saved")).into_response()),
        Err(error) => show(&session, Some(&template), &fields, &problems_of(error, "name")?, None).await,
    }
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_template(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/campaigns/templates?said=removed").into_response())
}
