//! The data inventory, as the build checks it against the schema.

use axum::response::Response;
use clarion_store::privacy::INVENTORY;
use maud::html;

use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::tenancy::guard::Session;

pub async fn page(session: Session) -> Response {
    let body = html! {
        section.card.flush { div.scroll { table.stacks {
            thead { tr { th scope="col" { "Column" } th scope="col" { "Holds" } th scope="col" { "Kind" } th scope="col" { "Purpose" } th scope="col" { "Retention" } th scope="col" { "Erased by" } } }
            tbody { @for entry in INVENTORY { tr {
                th.mono scope="row" { (entry.table) "." (entry.column) }
                td { (entry.what) } td data-label="Kind" { (entry.kind.as_str().replace('_', " ")) } td data-label="Purpose" { (entry.purpose) }
                td data-label="Retention" { (entry.retention.map_or("–".to_owned(), |class| class.as_str().replace('_', " "))) }
                td data-label="Erased by" { (entry.erasure.as_str().replace('_', " ")) }
            } } }
        } } }
    };
    Page::new(PRIVACY, "Data inventory").under("/privacy", "Privacy").show(&session, &body)
}
