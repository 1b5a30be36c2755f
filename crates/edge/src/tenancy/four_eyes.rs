//! Which acts wait for a second person, as the owners of an organisation say.

use axum::response::Response;
use clarion_domain::tenancy::four_eyes::{FourEyes, PEOPLE_ABOVE_MAX};
use clarion_domain::tenancy::role::Right;
use maud::{Markup, html};

use super::approval::led;
use super::guard::Session;
use super::team::tabs;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, tick};
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;

const PATH: &str = "/team/four-eyes";

fn filled(policy: &FourEyes) -> Fields {
    let above = |fields: Fields, name: &str, limit: Option<u32>| match limit {
        Some(limit) => fields.with(name, "yes").with(&format!("{name}_above"), limit.to_string()),
        None => fields.with(&format!("{name}_above"), "0"),
    };
    let fields = above(above(Fields::new(), "erase_list", policy.erase_list_above), "start_campaign", policy.start_campaign_above);
    if policy.raise_limits { fields.with("raise_limits", "yes") } else { fields }
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &filled(&session.record.four_eyes), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let deciders = session.tenant.users().await?.iter().filter(|user| user.deactivated_at.is_none() && user.role.may(Right::ManageTeam)).count();
    let fill = Fill { fields, problems };
    let act = |name: &str, label: &str, text: &str| -> Markup {
        let above = format!("{name}_above");
        html! { fieldset.field { legend { (label) } (tick(name, "Ask a second person", text, fill)) (Input::new(&above, "For more people than").hint("0 asks for every one that holds anybody.").kind("number").class("short").show(fill)) } }
    };
    let body = html! {
        (tabs("four-eyes"))
        @if deciders < 2 { div.notice.warn role="status" { p { "You are the only owner. What owners decide together waits for a second one: make somebody else an owner first, or the operator has to approve for you." } } }
        form.card.form method="post" action=(PATH) {
            (act("erase_list", "Erase a list, or take an import back", "Who was on a list is lost; whom an import brought is removed."))
            (act("start_campaign", "Start or schedule a campaign", "What has been sent cannot be taken back."))
            fieldset.field { legend { "Widen your organisation's own limits" } (tick("raise_limits", "Ask a second person", "For more hours, or a cap that is raised or removed.", fill)) }
            div { button.button type="submit" { "Save" } }
            p.small.soft { "Asking more often takes effect at once. Asking less often needs a second person itself." }
        }
    };
    let lead = html! { p { "Acts that cannot be undone wait until somebody else with the right for it has approved them. " a href="/approvals" { "What waits" } } };
    Ok(Page::new(TEAM, "Four eyes").lead(lead).said(said).problems(problems).show(session, &body))
}

pub async fn save(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let mut above = |name: &str| {
        let field = format!("{name}_above");
        if !fields.has(name, "yes") {
            return None;
        }
        let limit = fields.get(&field).parse::<u32>().ok().filter(|limit| *limit <= PEOPLE_ABOVE_MAX);
        if limit.is_none() {
            problems.add(&field, format!("Enter a whole number from 0 to {PEOPLE_ABOVE_MAX}"));
        }
        limit
    };
    let policy = FourEyes { erase_list_above: above("erase_list"), start_campaign_above: above("start_campaign"), raise_limits: fields.has("raise_limits", "yes") };
    if !problems.is_empty() {
        return show(&session, &fields, &problems, None).await;
    }
    Ok(led(session.tenant.set_four_eyes(policy, session.now).await?, "/team/four-eyes?said=saved"))
}
