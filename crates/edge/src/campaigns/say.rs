//! A call's step three: what it says and asks, with the check's word beside it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::html;

use super::{call_me, find, save_step, script_check, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, area, select};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::tenancy::guard::Session;

pub const HINT: &str = "Named steps, each doing one thing and naming the next, as TOML or JSON. Steps say, play, gather, branch, transfer, voicemail_drop, record, opt_out and hang_up.";

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let text = script_check::begun(&session, asked.0.get("from")).await?.unwrap_or_else(|| campaign.script.clone());
    let fields = Fields::new().with("script", text).with("from", asked.0.get("from"));
    show(&session, &campaign, &fields, &Problems::new(), said(&asked)).await
}

pub(super) async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let path = format!("/campaigns/{}/say", campaign.id);
    let body = html! {
        div.columns.wide-first {
            div.stack {
                form.card method="get" action=(path) { div.row {
                    (select("from", "Begin with", "It replaces the script below; nothing is saved yet.", &script_check::beginnings(session).await?, fill))
                    button.button.quiet type="submit" { "Use it" }
                } }
                form.card.form.script method="post" action=(path) {
                    (area("script", "Script", HINT, None, fill))
                    div.actions {
                        button.button type="submit" { "Save" }
                        button.button.quiet type="submit" name="do" value="check" { "Check without saving" }
                        a href={ "/campaigns/" (campaign.id) } { "Back" }
                    }
                }
                p.small.soft { "Recordings that it may play are among the " a href="/campaigns/prompts" { "prompts" } "; whom it may put people through to, among the " a href="/carriers/targets" { "transfer targets" } "." }
            }
            div.stack { (script_check::panel(session, fields.raw("script")).await?) (call_me::card(session, campaign, fill).await?) (tasks::aside(session, campaign, "say").await?) }
        }
    };
    Ok(Page::new(CAMPAIGNS, "What it says").under(format!("/campaigns/{}", campaign.id), &campaign.name).said(said).problems(problems).show(session, &body))
}

pub fn text_of(fields: &Fields, name: &str) -> String {
    fields.raw(name).replace("\r\n", "\n").trim_end().to_owned()
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if fields.has("do", "check") {
        return show(&session, &campaign, &fields, &Problems::new(), None).await;
    }
    let mut draft = CampaignDraft::from(&campaign);
    draft.script = text_of(&fields, "script");
    match save_step(&session, campaign.id, &draft, &["script"]).await? {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{id}/say?said=saved")).into_response()),
        Err(problems) => show(&session, &campaign, &fields, &problems, None).await,
    }
}
