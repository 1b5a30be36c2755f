//! The retention schedule: what is kept how long, the tenant's own periods, and what past sweeps took.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::privacy::retention::RecordClass;
use clarion_store::StoreError;
use maud::html;

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input, select};
use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::guard::Session;

const SWEEPS: i64 = 20;

fn class_name(class: RecordClass) -> String {
    capitalised(&class.as_str().replace('_', " ")).trim_end_matches('.').to_owned()
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let rows = session.tenant.retention().await?;
    let sweeps = session.tenant.sweeps(None, SWEEPS).await?;
    let classes: Vec<(String, String)> = rows.iter().map(|row| (row.default.class.as_str().to_owned(), class_name(row.default.class))).collect();
    let fill = Fill { fields, problems };
    let body = html! {
        section.card.flush { header { h2 { "Schedule" } } div.scroll { table.stacks {
            thead { tr { th scope="col" { "Record" } th scope="col" { "Why it is kept" } th scope="col" { "Kept for" } th scope="col" { "Ground" } } }
            tbody { @for row in &rows { tr {
                th scope="row" { (class_name(row.default.class)) }
                td { (row.default.purpose) }
                td data-label="Kept for" { (row.period()) @if row.own_period_days.is_some() { div.small.soft { "Your own; the default is " (row.default.period_days) " days" } } }
                td data-label="Ground" { (row.default.reference) }
            } } }
        } } }
        div.columns {
            form.card.form method="post" action="/privacy/retention" {
                header { h2 { "Set your own period" } }
                (select("class", "Record", "", &classes, fill))
                (Input::new("period_days", "Days").hint("Empty goes back to the default. The next sweep keeps to it.").kind("number").class("short").show(fill))
                div { button.button.quiet type="submit" { "Save" } }
            }
            section.card.flush { header { h2 { "Past sweeps" } }
                @if sweeps.rows.is_empty() { p.soft.more { "Nothing has been due yet." } } @else { div.scroll { table.stacks {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Record" } th.num scope="col" { "Deleted" } } }
                    tbody { @for sweep in &sweeps.rows { tr { td { (when::time(sweep.swept_at, &session.zone)) } td { (class_name(sweep.class)) } td.num data-label="Deleted" { (count(sweep.deleted)) } } } }
                } } }
            }
        }
    };
    Ok(Page::new(PRIVACY, "Retention").under("/privacy", "Privacy").said(said).problems(problems).show(session, &body))
}

pub async fn set(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let class: Option<RecordClass> = fields.word("class");
    if class.is_none() {
        problems.add("class", "Choose a kind of record");
    }
    let period = fields.get("period_days").parse::<u32>().ok();
    if period.is_none() && fields.is_set("period_days") {
        problems.add("period_days", "Enter a whole number of days");
    }
    let Some(class) = class.filter(|_| problems.is_empty()) else { return show(&session, &fields, &problems, None).await };
    match session.tenant.set_retention(class, period, session.now).await {
        Ok(()) => Ok(Redirect::to("/privacy/retention?said=saved").into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(&session, &fields, &Problems::one("period_days", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}
