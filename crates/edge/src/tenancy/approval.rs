//! Acts that wait for a second person: what waits for me, what I asked, and the yes or no.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::{ApprovalId, CampaignId, ImportId, ListId};
use clarion_domain::tenancy::four_eyes::{ApprovalState, GuardedAct};
use clarion_store::StoreError;
use clarion_store::tenancy::{Approval, ApprovalQuery, Carried};
use maud::{Markup, html};

use super::guard::Session;
use super::who::Team;
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;

pub const ROOT: &str = "/approvals";
const ROWS: i64 = 50;

/// Where an act that may wait leads: on, or to its request.
pub fn led(carried: Carried, done: &str) -> Response {
    match carried {
        Carried::Done => Redirect::to(done).into_response(),
        Carried::Waits(id) => Redirect::to(&format!("{ROOT}/{id}?said=asked")).into_response(),
    }
}

fn act_name(act: GuardedAct) -> &'static str {
    match act {
        GuardedAct::EraseList => "Erase a list",
        GuardedAct::UndoImport => "Take an import back",
        GuardedAct::StartCampaign => "Start a campaign",
        GuardedAct::RaiseLimits => "Widen the limits",
        GuardedAct::LoosenFourEyes => "Ask less often",
    }
}

fn state_chip(state: ApprovalState) -> Markup {
    match state {
        ApprovalState::Waiting => chip(Tone::Warn, Icon::Clock, "Waiting"),
        ApprovalState::Approved => chip(Tone::Good, Icon::Check, "Approved"),
        ApprovalState::Refused => chip(Tone::Bad, Icon::Cross, "Refused"),
        ApprovalState::Withdrawn => chip(Tone::Calm, Icon::Cross, "Withdrawn"),
        ApprovalState::Expired => chip(Tone::Calm, Icon::Clock, "Expired"),
    }
}

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let me = session.user.user_id;
    let before = asked.0.number("before");
    let mine = session.tenant.approvals_for(me, session.now).await?;
    let page = session.tenant.approvals(ApprovalQuery { state: None, before, limit: ROWS }, session.now).await?;
    let team = session.team().await?;
    let (own, others): (Vec<_>, Vec<_>) = page.rows.into_iter().partition(|row| row.asked_user == Some(me));
    let rest: Vec<_> = others.into_iter().filter(|row| !mine.iter().any(|waiting| waiting.id == row.id)).collect();
    let body = html! {
        section.card.flush {
            header { h2 { "Waits for you" } }
            @if mine.is_empty() { (empty(Icon::Check, "Nothing waits for you", "When somebody asks for an act that needs a second person, it stands here.", None)) } @else { (table(&session, &team, &mine)) }
        }
        section.card.flush {
            header { h2 { "What you asked for" } }
            @if own.is_empty() { p.soft.more { "Nothing." } } @else { (table(&session, &team, &own)) }
        }
        @if !rest.is_empty() { section.card.flush { header { h2 { "Others" } } (table(&session, &team, &rest)) } }
        (pager(ROOT, "", before, page.next))
    };
    let lead = html! { p { "Acts that cannot be undone, and that your organisation does only when a second person has agreed." } };
    Ok(Page::apart("Approvals").lead(lead).said(said(&asked)).show(&session, &body))
}

fn table(session: &Session, team: &Team, rows: &[Approval]) -> Markup {
    html! {
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "What" } th scope="col" { "Asked by" } th scope="col" { "Asked" } th scope="col" { "State" } } }
            tbody { @for row in rows { tr {
                th scope="row" { a href={ (ROOT) "/" (row.id) } { (row.shown) } }
                td data-label="Asked by" { (team.name(&row.asked_by)) }
                td data-label="Asked" { (when::time(row.asked_at, &session.zone)) }
                td { (state_chip(row.state)) }
            } } }
        } }
    }
}

async fn find(session: &Session, id: &str) -> Result<Approval, Fault> {
    let id: ApprovalId = id.parse().map_err(|_| Fault::NotFound("request"))?;
    Ok(session.tenant.approval(id, session.now).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let approval = find(&session, &id).await?;
    show(&session, &approval, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, approval: &Approval, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let team = session.team().await?;
    let waits = approval.state == ApprovalState::Waiting;
    let changed = if waits { session.tenant.approval_has_changed(approval, session.now).await? } else { None };
    let own = approval.asked_user == Some(session.user.user_id);
    let may = session.may(approval.act().right());
    let path = format!("{ROOT}/{}", approval.id);
    let object = match approval.act() {
        GuardedAct::EraseList => Some((format!("/contacts?list={}", ListId(approval.asked.object_id())), "The list as it is now")),
        GuardedAct::UndoImport => Some((format!("/imports/{}", ImportId(approval.asked.object_id())), "The import as it is now")),
        GuardedAct::StartCampaign => Some((format!("/campaigns/{}", CampaignId(approval.asked.object_id())), "The campaign as it is now")),
        GuardedAct::RaiseLimits | GuardedAct::LoosenFourEyes => None,
    };
    let body = html! {
        @if let Some(why) = &changed { div.notice.warn role="status" { p { (capitalised(why)) ". It can no longer be approved: ask for it anew." } } }
        section.card {
            header { h2 { "What was asked" } (state_chip(approval.state)) }
            dl.facts {
                dt { "Act" } dd { (act_name(approval.act())) }
                dt { "Exactly" } dd { (approval.shown) @if let Some((href, label)) = &object { " · " a href=(href) { (label) } } }
                dt { "Asked by" } dd { (team.name(&approval.asked_by)) ", " (when::time(approval.asked_at, &session.zone)) }
                @if waits { dt { "Ends" } dd { (when::time(approval.expires_at, &session.zone)) } }
                @if let Some(at) = approval.decided_at { dt { "Decided by" } dd { (team.name(&approval.decided_by)) ", " (when::time(at, &session.zone)) } }
                @if !approval.why.is_empty() { dt { "Why" } dd { (capitalised(&approval.why)) } }
            }
        }
        @if waits && own {
            section.card { header { h2 { "Yours" } } p { "Somebody else with the right for it decides. You can take it back." } (button(&format!("{path}/withdraw"), "quiet", "Withdraw it")) }
        } @else if waits && may {
            div.columns {
                @if changed.is_none() { section.card { header { h2 { "Approve" } } p { "It is done at once, in the name of whoever asked, with yours beside it." } (confirmed("Approve…", &format!("{}. This cannot be undone.", approval.shown), &format!("{path}/approve"), "Yes, do it")) } }
                form.card.form method="post" action={ (path) "/refuse" } {
                    header { h2 { "Refuse" } }
                    (Input::new("why", "Why not").hint("Whoever asked reads it. It can stay empty.").show(Fill { fields, problems }))
                    div { button.button.quiet type="submit" { "Refuse it" } }
                }
            }
        } @else if waits {
            p.soft { "Somebody with the right for it decides." }
        }
    };
    Ok(Page::apart("Approval").under(ROOT, "Approvals").said(said).problems(problems).show(session, &body))
}

pub async fn approve(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let approval = find(&session, &id).await?;
    session.tenant.approve(approval.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}?said=approved")).into_response())
}

pub async fn refuse(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let approval = find(&session, &id).await?;
    match session.tenant.refuse_approval(approval.id, fields.get("why"), session.now).await {
        Ok(_) => Ok(Redirect::to(&format!("{ROOT}/{id}?said=refused")).into_response()),
        Err(StoreError::Faults(faults)) => {
            let problems = faults.iter().fold(Problems::new(), |mut problems, fault| {
                problems.add(fault.field, capitalised(&fault.message));
                problems
            });
            show(&session, &approval, &fields, &problems, None).await
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn withdraw(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let approval = find(&session, &id).await?;
    session.tenant.withdraw_approval(approval.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}?said=withdrawn")).into_response())
}
