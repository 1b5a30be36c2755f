//! The holds that stand: who is not contacted until somebody, or a date, ends it.

use axum::response::Response;
use maud::{Markup, html};

use super::tabs;
use crate::contacts::standing::word;
use crate::page::fault::Fault;
use crate::page::fields::Asked;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::COMPLIANCE;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let before = asked.0.number("before");
    let holds = session.tenant.holds(before, ROWS).await?;
    let team = session.team().await?;
    let rows = html! { @for hold in &holds.rows { tr {
        th scope="row" { a href={ "/contacts/" (hold.contact_id) "/standing" } { (word(hold.reason.as_str())) } }
        td data-label="Reference" { (hold.note_reference) }
        td data-label="Since" { (when::time(hold.created_at, &session.zone)) div.small.soft { "by " (team.name(&hold.created_by)) } }
        td data-label="Expected to end" { (when::optional(hold.until, &session.zone)) }
    } } };
    let body: Markup = html! {
        (tabs("holds"))
        section.card.flush {
            @if holds.rows.is_empty() {
                (empty(Icon::Pause, "Nobody is on hold", "A hold is set on the page of a person: breathing space, a dispute, a complaint. A reply that may mean stop sets one by itself.", Some(("/contacts", "Find a person"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Why" } th scope="col" { "Reference" } th scope="col" { "Since" } th scope="col" { "Expected to end" } } }
                    tbody { (rows) }
                } }
            }
            (pager("/compliance/holds", "", before, holds.next))
        }
    };
    Ok(Page::new(COMPLIANCE, "Holds").lead(html! { p { "People who are not contacted for now, each with the reason." } }).show(&session, &body))
}
