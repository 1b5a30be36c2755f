//! The tenant's own hours and caps. They are added to the rules and can only narrow them.

use axum::response::Response;
use clarion_domain::compliance::purpose::Purpose;
use clarion_store::StoreError;
use clarion_store::compliance::{LimitCap, Limits, Week};
use maud::{Markup, html};

use crate::campaigns::words::PURPOSES;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, select};
use crate::page::layout::Page;
use crate::page::menu::SETTINGS;
use crate::page::said::said;
use crate::tenancy::approval::led;
use crate::tenancy::guard::Session;
use crate::tenancy::settings::tabs;

const ROOT: &str = "/settings/limits";
/// Of the caps that a form shows; a tenant with more sets them over the API.
const CAPS_MAX: usize = 10;
const EMPTY_CAPS: usize = 2;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let held = session.tenant.written_limits().await?;
    let mut fields = held.hours.iter().flat_map(Week::days).fold(Fields::new(), |fields, (day, spans)| fields.with(day, spans));
    for (place, cap) in held.caps.iter().enumerate() {
        fields = fields
            .with(&format!("count-{place}"), cap.count_max.to_string())
            .with(&format!("period-{place}"), cap.period_hours.to_string())
            .with(&format!("purpose-{place}"), cap.purpose.map_or("", Purpose::as_str));
    }
    Ok(show(&session, &asked, (held.caps.len() + EMPTY_CAPS).min(CAPS_MAX), &fields, &Problems::new()))
}

fn cap_row(place: usize, purposes: &[(String, String)], fill: Fill) -> Markup {
    html! {
        div.row {
            (Input::new(&format!("count-{place}"), "At most").kind("number").class("short").show(fill))
            (Input::new(&format!("period-{place}"), "In hours").kind("number").class("short").show(fill))
            (select(&format!("purpose-{place}"), "Counting", "", purposes, fill))
        }
    }
}

fn show(session: &Session, asked: &Asked, caps: usize, fields: &Fields, problems: &Problems) -> Response {
    let fill = Fill { fields, problems };
    let mut purposes = vec![(String::new(), "Every purpose".to_owned())];
    purposes.extend(PURPOSES.iter().map(|(purpose, name, _)| (purpose.as_str().to_owned(), (*name).to_owned())));
    let body = html! {
        (tabs("limits"))
        form.card.form method="post" action=(ROOT) {
            fieldset.field {
                legend { "Hours" }
                span.hint { "On each person's own clock, for instance 09:00-12:00, 13:00-17:00. A day left empty is closed; all empty: the hours of the rules." }
                div.pairs { @for (day, _) in Week::default().days() { (Input::new(day, capitalised(day).trim_end_matches('.')).show(fill)) } }
            }
            fieldset.field #caps {
                legend { "Attempts to one person" }
                span.hint { "All campaigns together. Leave a line empty to have no such cap." }
                @if let Some(text) = problems.of("caps") { span.wrong { span.unseen { "Error: " } (text) } }
                input type="hidden" name="caps" value=(caps);
                div.stack { @for place in 0..caps { (cap_row(place, &purposes, fill)) } }
            }
            div { button.button type="submit" { "Save" } }
        }
    };
    let lead = html! { p { "Narrower than the rules of each country, never wider. Running campaigns keep to them from their next decision on." } };
    Page::new(SETTINGS, "Hours and caps").lead(lead).said(said(asked)).problems(problems).show(session, &body)
}

fn read(fields: &Fields, caps: usize, problems: &mut Problems) -> Limits {
    let day = |name: &str| fields.get(name).to_owned();
    let week = Week { monday: day("monday"), tuesday: day("tuesday"), wednesday: day("wednesday"), thursday: day("thursday"), friday: day("friday"), saturday: day("saturday"), sunday: day("sunday") };
    let mut limits = Limits { hours: Some(week).filter(|week| !week.is_blank()), caps: Vec::new() };
    for place in 0..caps {
        let (count, period) = (format!("count-{place}"), format!("period-{place}"));
        if !fields.is_set(&count) && !fields.is_set(&period) {
            continue;
        }
        let read = (fields.get(&count).parse::<u16>().ok().filter(|most| *most > 0), fields.get(&period).parse::<u32>().ok().filter(|hours| (1..=8_760).contains(hours)));
        match read {
            (Some(count_max), Some(period_hours)) => limits.caps.push(LimitCap { count_max, period_hours, purpose: fields.word(&format!("purpose-{place}")) }),
            (None, _) => problems.add(&count, "Enter how many attempts, at least 1"),
            (_, None) => problems.add(&period, "Enter a number of hours, 1 to 8760"),
        }
    }
    limits
}

pub async fn save(session: Session, fields: Fields) -> Result<Response, Fault> {
    let caps = fields.get("caps").parse().unwrap_or(0).min(CAPS_MAX);
    let mut problems = Problems::new();
    let limits = read(&fields, caps, &mut problems);
    if problems.is_empty() {
        match session.tenant.replace_limits(&limits, session.now).await {
            Ok(carried) => return Ok(led(carried, &format!("{ROOT}?said=saved"))),
            Err(StoreError::Invalid(text)) => problems.add(if text.contains("cap") { "caps" } else { "monday" }, capitalised(&text)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(show(&session, &Asked(Fields::new()), caps, &fields, &problems))
}
