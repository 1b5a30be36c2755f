//! Review: each person of a campaign, how it ended for them, and why not.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::sequence::EndReason;
use clarion_domain::id::CampaignId;
use clarion_domain::intake::csv_text;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::campaigns::{RecipientFilter, RecipientRow, RecipientState};
use clarion_store::compliance::rule_book;
use maud::{Markup, html};

use super::calls::{Calls, call_columns};
use super::find;
use crate::contacts::timeline::clicked;
use crate::outcomes::words::{cause_words, disposition_name, disposition_tone};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;
const CSV_ROWS: i64 = 1_000;

fn filter(word: &str) -> RecipientFilter {
    match word {
        "waiting" => RecipientFilter::Waiting,
        "due" => RecipientFilter::Due,
        "refused" => RecipientFilter::Refused,
        "stopped" => RecipientFilter::Stopped,
        other => other.parse::<Disposition>().map_or(RecipientFilter::Every, RecipientFilter::Disposition),
    }
}

pub async fn list(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let word = asked.0.get("ended");
    let rows = session.tenant.recipients(campaign.id, filter(word), asked.0.number("after"), ROWS).await?;
    let path = format!("/campaigns/{id}/recipients");
    let mut choices: Vec<(String, String)> = [("", "Everybody"), ("refused", "Refused"), ("due", "Put off or due"), ("waiting", "Not asked yet"), ("stopped", "Stopped")].map(|(word, name)| (word.to_owned(), name.to_owned())).to_vec();
    // Endings that occurred: a tab for each that may would not fit any screen.
    let measures = session.tenant.measures(Some(campaign.id), Instant(0), Instant(i64::MAX)).await?;
    let occurred = |word: &Disposition| measures.iter().any(|row| row.disposition == *word) || asked.0.word::<Disposition>("ended") == Some(*word);
    choices.extend(Disposition::ALL.iter().filter(|word| occurred(word)).map(|word| (word.as_str().to_owned(), disposition_name(*word).to_owned())));
    let calls = Calls::around(&session, rows.rows.iter().filter_map(|row| row.call.clone()).map(|call| (call.attempt, call)).collect()).await?;
    let body = html! {
        nav.tabs aria-label="How it ended" { @for (value, name) in &choices { a href={ (path) @if !value.is_empty() { "?ended=" (value) } } aria-current=[(value == word).then_some("page")] { (name) } } }
        section.card.flush {
            @if rows.rows.is_empty() {
                (empty(Icon::People, "Nobody here", "No recipient of this campaign is in this state.", None))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Person" } th scope="col" { "Outcome" } th scope="col" { "Why" } th scope="col" { "When" } } }
                    tbody { @for row in &rows.rows { (line(&session, row, of_call(row, &calls))) } }
                } }
            }
            @if let Some(next) = rows.next { nav.pages aria-label="Pages" { a rel="next" href={ (path) "?ended=" (word) "&after=" (next) } { "Next page" } } }
        }
    };
    let page = Page::new(CAMPAIGNS, "Each person").under(format!("/campaigns/{id}"), &campaign.name);
    let relist = session.may(Right::LoadContacts) && campaign.started_at.is_some();
    Ok(page.actions(html! { @if relist { a.button.quiet href={ (path) "/list" } { "List of those not reached" } } a.button.quiet href={ (path) ".csv?ended=" (word) } { "Download (CSV)" }
        @if session.may(Right::RevealPersonal) { form method="post" action={ (path) "/whole.csv" } { input type="hidden" name="ended" value=(word); button.button.quiet type="submit" title="The reveal is recorded in the audit with your name" { "Download with numbers" } } }
    }).show(&session, &body))
}

/// The rules in words, each with its id: what a colleague or a regulator asks for.
pub fn sentences<T: AsRef<str>>(rules: &[T]) -> Markup {
    html! { @for id in rules.iter().map(AsRef::as_ref) { div { (rule_book().packs().iter().find_map(|pack| pack.rule(id)).map_or("A rule of an older pack.", |rule| rule.manager.as_str())) " " span.soft.mono.small { (id) } } } }
}

fn of_call(row: &RecipientRow, calls: &Calls) -> Option<Markup> {
    calls.told(row.attempt()?)
}

fn line(session: &Session, row: &RecipientRow, call: Option<Markup>) -> Markup {
    let (state, why, at) = match &row.state {
        RecipientState::Waiting => (chip(Tone::Calm, Icon::Clock, "Not asked about yet"), html! {}, None),
        RecipientState::Deferred { until, rules } => (chip(Tone::Warn, Icon::Clock, "Put off"), sentences(rules), Some(*until)),
        RecipientState::Due { at, why } => (chip(Tone::Info, Icon::Clock, "Due again"), cause_words(why), Some(*at)),
        RecipientState::Refused { rules, .. } => (chip(Tone::Bad, Icon::Stop, "Refused"), sentences(rules), None),
        RecipientState::InFlight => (chip(Tone::Info, Icon::Message, "On its way"), html! {}, None),
        RecipientState::Stopped => (chip(Tone::Calm, Icon::Stop, "Stopped"), html! {}, None),
        RecipientState::Attempted { disposition, cause, try_number, at, .. } => {
            let (tone, icon) = disposition_tone(*disposition);
            let why = html! { @if *disposition != Disposition::Delivered { (cause_words(cause)) } @if *try_number > 1 { " Attempt " (try_number) "." } };
            (chip(tone, icon, disposition_name(*disposition)), why, Some(*at))
        }
    };
    html! { tr {
        th.mono scope="row" { a href={ "/contacts/" (row.contact_id) } { @if row.number.is_empty() { "erased" } @else { (row.number.masked()) } } }
        td { (state) @if let Some(call) = &row.call { div.small { a href={ "/calls/" (call.attempt) } { "The call" span.unseen { " of person " (row.position + 1) } } } } } td { (why) @if let Some(clicks) = &row.clicks { div.small { (clicked(clicks, &session.zone)) } } @if let Some(call) = &call { (call) } (way(row)) } td.tight-cell { (when::optional(at, &session.zone)) }
    } }
}

/// Where they stand in the steps, where that says more.
fn way(row: &RecipientRow) -> Markup {
    html! {
        @if let Some(ended) = &row.ended { div.small { @if *ended == EndReason::Completed { "Through with the last step" } @else { "Stopped at step " (row.step) ": " (ended.words()) } } }
        @else if row.step > 1 { div.small { "Stands at step " (row.step) } }
    }
}

/// Person by identifier, and by number and reference, which are masked unless `whole`: the file says how it ended, not who people are.
fn csv_line(row: &RecipientRow, whole: bool) -> String {
    // A number is a sign and digits: as a formula it is itself, and with an apostrophe before it no program would take it back.
    let (number, reference) = (row.number.shown(whole), csv_text::field(&row.reference.shown(whole)).into_owned());
    let (state, why, at) = match &row.state {
        RecipientState::Waiting => ("waiting", String::new(), None),
        RecipientState::Deferred { until, rules } => ("deferred", rules.join(" "), Some(*until)),
        RecipientState::Due { at, why } => ("due", why.clone(), Some(*at)),
        RecipientState::Refused { rules, .. } => ("refused", rules.join(" "), None),
        RecipientState::InFlight => ("in_flight", String::new(), None),
        RecipientState::Stopped => ("stopped", String::new(), None),
        RecipientState::Attempted { disposition, cause, at, .. } => (disposition.as_str(), cause.clone(), Some(*at)),
    };
    let clicks = row.clicks.as_ref().map_or(String::new(), |clicks| clicks.clicks.to_string());
    let ended = row.ended.as_ref().map_or_else(String::new, ToString::to_string);
    format!("{},{},{state},{},{},{},{ended},{clicks},{},{}\r\n", row.contact_id, number, csv_text::field(&why), at.map_or(String::new(), |at| at.rfc3339()), row.step, reference, call_columns(row.call.as_ref()))
}

pub async fn download(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?.id;
    file(session, campaign, filter(asked.0.get("ended")), false).await
}

/// The same with whole numbers and references, for whoever brings the results back into their own books.
pub async fn download_whole(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?.id;
    session.tenant.audit_alone(session.now, Act::Revealed, "campaign", campaign.0, "recipients").await?;
    file(session, campaign, filter(fields.get("ended")), true).await
}

async fn file(session: Session, campaign: CampaignId, filter: RecipientFilter, whole: bool) -> Result<Response, Fault> {
    session.tenant.audit_alone(session.now, Act::Exported, "campaign", campaign.0, "recipients").await?;
    let parts = futures_util::stream::try_unfold(Some(None), move |state: Option<Option<i64>>| {
        let tenant = session.tenant.clone();
        async move {
            let Some(after) = state else { return Ok::<_, StoreError>(None) };
            let page = tenant.recipients(campaign, filter, after, CSV_ROWS).await?;
            let mut text = if after.is_none() { "contact,number,outcome,why,at,step,ended,clicks,reference,answered_by,ring_seconds,call_seconds,talk_seconds\r\n".to_owned() } else { String::new() };
            page.rows.iter().for_each(|row| text.push_str(&csv_line(row, whole)));
            Ok(Some((text, page.next.map(Some))))
        }
    });
    let name = format!("attachment; filename=\"recipients-{campaign}.csv\"");
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], Body::from_stream(parts)).into_response())
}
