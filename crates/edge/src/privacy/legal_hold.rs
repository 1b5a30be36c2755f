//! The people under a legal hold, whose data nothing deletes.

use axum::response::Response;
use maud::html;

use crate::page::fault::Fault;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

pub async fn list(session: Session) -> Result<Response, Fault> {
    let holds = session.tenant.legal_holds().await?;
    let team = session.team().await?;
    let body = html! {
        section.card.flush {
            @if holds.is_empty() {
                (empty(Icon::Lock, "No legal hold", "Set one on the page of a person, under “Consent, holds and wishes”. Nothing held on them is then deleted until it is lifted.", Some(("/contacts", "Find a person"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Matter" } th scope="col" { "Set by" } th scope="col" { "Since" } th scope="col" { "Person" } } }
                    tbody { @for hold in &holds { tr {
                        th scope="row" { (hold.reference) }
                        td data-label="Set by" { (team.name(&hold.set_by)) }
                        td data-label="Since" { (when::time(hold.set_at, &session.zone)) }
                        td { a href={ "/contacts/" (hold.contact_id) "/standing" } { "Open" span.unseen { " the person of " (hold.reference) } } }
                    } } }
                } }
            }
        }
    };
    Ok(Page::new(PRIVACY, "Legal holds").under("/privacy", "Privacy").lead(html! { p { "People whose data must stay as it is, for a matter at law." } }).show(&session, &body))
}
