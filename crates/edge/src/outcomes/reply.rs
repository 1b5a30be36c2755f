//! The inbox: what people wrote back, what it means, and what a person decides about it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::{ReplyId, UserId};
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::tenancy::role::Right;
use clarion_store::outcomes::{ReplyRecord, ReplyState};
use maud::{Markup, html};

use super::words::meaning_name;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, button, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::INBOX;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::tenancy::who::Team;

const ROWS: i64 = 50;
const TABS: &[(&str, &str, Option<ReplyState>)] = &[("", "All", None), ("new", "New", Some(ReplyState::New)), ("assigned", "Assigned", Some(ReplyState::Assigned)), ("closed", "Closed", Some(ReplyState::Closed))];

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let word = asked.0.get("state");
    let (tab, _, state) = TABS.iter().find(|(tab, _, _)| *tab == word).copied().unwrap_or(TABS[0]);
    let before = asked.0.number("before");
    let replies = session.tenant.replies(state, before, ROWS).await?;
    let team = session.team().await?;
    let query = if tab.is_empty() { String::new() } else { format!("state={tab}") };
    let body = html! {
        nav.tabs aria-label="State" { @for (word, name, _) in TABS { a href={ "/inbox" @if !word.is_empty() { "?state=" (word) } } aria-current=[(*word == tab).then_some("page")] { (name) } } }
        section.card.flush {
            @if replies.rows.is_empty() {
                (empty(Icon::Inbox, "No replies here", "What people write back comes here. A stop takes effect at once, before anybody reads it.", None))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "From" } th scope="col" { "Text" } th scope="col" { "Meaning" } th scope="col" { "State" } th scope="col" { "Received" } } }
                    tbody { @for reply in &replies.rows { tr {
                        th.mono scope="row" { a href={ "/inbox/" (reply.id) } { (reply.number.masked()) } }
                        td { (beginning(reply)) }
                        td { (meaning_chip(reply.meaning)) }
                        td { (state_words(reply, &team)) }
                        td.tight-cell { (when::time(reply.received_at, &session.zone)) }
                    } } }
                } }
            }
            (pager("/inbox", &query, before, replies.next))
        }
    };
    Ok(Page::new(INBOX, "Inbox").said(said(&asked)).show(&session, &body))
}

fn beginning(reply: &ReplyRecord) -> String {
    let text: String = reply.body.reveal().chars().take(60).collect();
    if text.chars().count() < reply.body.reveal().chars().count() { format!("{text}…") } else { text }
}

fn meaning_chip(meaning: ReplyMeaning) -> Markup {
    let (tone, icon) = match meaning {
        ReplyMeaning::Stop => (Tone::Bad, Icon::Stop),
        ReplyMeaning::StopReview | ReplyMeaning::WrongNumber | ReplyMeaning::Unsure => (Tone::Warn, Icon::Question),
        ReplyMeaning::Start => (Tone::Good, Icon::Play),
        ReplyMeaning::Help => (Tone::Info, Icon::Question),
        ReplyMeaning::Other => (Tone::Calm, Icon::Message),
    };
    chip(tone, icon, meaning_name(meaning))
}

fn state_words(reply: &ReplyRecord, team: &Team) -> Markup {
    let who = reply.assigned_to.map(|user| team.name(&format!("user:{user}")));
    html! { @match (reply.state, who) {
        (ReplyState::New, _) => (chip(Tone::Info, Icon::Dot, "New")),
        (ReplyState::Assigned, Some(who)) => { "With " (who) }
        (ReplyState::Assigned, None) => "Assigned",
        (ReplyState::Closed, _) => (chip(Tone::Calm, Icon::Check, "Closed")),
    } }
}

async fn find(session: &Session, id: &str) -> Result<ReplyRecord, Fault> {
    let id: ReplyId = id.parse().map_err(|_| Fault::NotFound("reply"))?;
    Ok(session.tenant.reply(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let reply = find(&session, &id).await?;
    let team = session.team().await?;
    let open = reply.state != ReplyState::Closed;
    let may = session.may(Right::AnswerReplies);
    let body = html! {
        div.columns.wide-first {
            section.card {
                header { h2 { "Message" } (meaning_chip(reply.meaning)) }
                div.phone { div.bubble { (reply.body.reveal()) } }
                dl.facts {
                    dt { "From" } dd.mono { (reply.number.masked()) }
                    dt { "Received" } dd { (when::exact(reply.received_at, &session.zone)) }
                    @if let Some(contact) = reply.contact { dt { "Person" } dd { a href={ "/contacts/" (contact) } { "Open the timeline" } } }
                    @if let Some(campaign) = reply.campaign { dt { "Answers" } dd { a href={ "/campaigns/" (campaign) } { "the campaign" } } }
                    dt { "State" } dd { (state_words(&reply, &team)) }
                }
            }
            @if open && may { div.stack { (acts(&session, &reply, &team)) } }
        }
    };
    Ok(Page::new(INBOX, "Reply").under("/inbox", "Inbox").said(said(&asked)).show(&session, &body))
}

fn acts(session: &Session, reply: &ReplyRecord, team: &Team) -> Markup {
    let people: Vec<(String, String)> = team.people().iter().filter(|user| user.deactivated_at.is_none() && user.role.may(Right::AnswerReplies)).map(|user| (user.id.to_string(), user.display_name.clone())).collect();
    let fields = Fields::new().with("user", reply.assigned_to.unwrap_or(session.user.user_id).to_string());
    let path = format!("/inbox/{}", reply.id);
    html! {
        @if reply.meaning == ReplyMeaning::WrongNumber {
            // What they asked for besides stands: nobody must think that a press of a button takes it back.
            @let asked_to_stop = reply.meaning.suppresses(reply.body.reveal()).iter().any(|entry| Some(*entry) != reply.meaning.inferred());
            section.card {
                header { h2 { "Is the number somebody else's?" } }
                p.soft { "It is neither texted nor called until you decide." @if asked_to_stop { " They also asked for no more texts: that stands either way." } }
                div.actions { (button(&format!("{path}/stop"), "danger", "Yes: never again")) (button(&format!("{path}/carry-on"), "quiet", if asked_to_stop { "No: only no texts" } else { "No: carry on" })) }
            }
        }
        @if matches!(reply.meaning, ReplyMeaning::Unsure | ReplyMeaning::StopReview) {
            section.card {
                header { h2 { "Does the person want it to stop?" } }
                p.soft { "Nothing is sent to this person until you decide." }
                div.actions { (button(&format!("{path}/stop"), "danger", "Yes: stop")) (button(&format!("{path}/carry-on"), "quiet", "No: carry on")) }
            }
        }
        form.card.form method="post" action={ (path) "/assign" } {
            header { h2 { "Give it to" } }
            (select("user", "Person", "", &people, Fill { fields: &fields, problems: &Problems::new() }))
            div { button.button.quiet type="submit" { "Assign" } }
        }
        section.card { header { h2 { "Done with it?" } } div { (button(&format!("{path}/close"), "", "Close")) } }
    }
}

pub async fn assign(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let user: UserId = fields.word("user").ok_or(Fault::NotFound("user"))?;
    session.tenant.assign_reply(find(&session, &id).await?.id, user, session.now).await?;
    Ok(Redirect::to(&format!("/inbox/{id}?said=saved")).into_response())
}

pub async fn close(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.close_reply(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/inbox?said=closed").into_response())
}

/// A person read it and it means stop.
pub async fn stop(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.decide_reply(find(&session, &id).await?.id, true, session.now).await?;
    Ok(Redirect::to("/inbox?said=suppressed").into_response())
}

pub async fn carry_on(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.decide_reply(find(&session, &id).await?.id, false, session.now).await?;
    Ok(Redirect::to("/inbox?said=closed").into_response())
}
