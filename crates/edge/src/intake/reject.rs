//! The refused lines of an import: counted by reason, listed, and as a file.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::intake::reject::RejectReason;
use clarion_store::intake::ImportRecord;
use maud::{Markup, html};

use super::find;
use crate::page::fault::Fault;
use crate::page::figure::count;
use crate::tenancy::guard::Session;

const SHOWN: i64 = 100;

pub fn reason_name(reason: RejectReason) -> String {
    let text = reason.as_str().replace('_', " ");
    text[..1].to_uppercase() + &text[1..]
}

pub async fn region(session: &Session, import: &ImportRecord, counts: &BTreeMap<RejectReason, i64>) -> Result<Markup, Fault> {
    if counts.is_empty() {
        return Ok(html! { div.notice.good { p { "Every line was usable." } } });
    }
    let page = session.tenant.import_rejects(import.id, "", None, SHOWN).await?;
    Ok(html! {
        section.card.flush {
            header { h2 { "Refused, by reason" } a.button.quiet.slim href={ "/imports/" (import.id) "/rejects.csv" } { "Download all refused lines (CSV)" } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Reason" } th.num scope="col" { "Lines" } th scope="col" { "What to do" } } }
                tbody { @for (reason, n) in counts { tr { th scope="row" { (reason_name(*reason)) } td.num data-label="Lines" { (count(*n)) } td { (reason.sentence()) } } } }
            } }
        }
        section.card.flush {
            header { h2 { "Refused lines" } p.small.soft { (if page.next.is_some() { "The first 100, in the order of the file" } else { "In the order of the file" }) } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Line" } th scope="col" { "Column" } th scope="col" { "Reason" } } }
                tbody { @for reject in &page.rows { tr { td data-label="Line" { (reject.line) } td data-label="Column" { (reject.column) } td { (reason_name(reject.reason)) } } } }
            } }
        }
    })
}

/// Streamed page by page: a file of a million refused lines is never held whole.
pub async fn download(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let import = find(&session, &id).await?;
    let parts = futures_util::stream::try_unfold(Some(None), move |state| {
        let tenant = session.tenant.clone();
        async move {
            let Some(cursor) = state else { return Ok::<_, clarion_store::StoreError>(None) };
            let (text, next) = tenant.reject_csv(import.id, Option::as_ref(&cursor)).await?;
            Ok(Some((text, next.map(Some))))
        }
    });
    let name = format!("attachment; filename=\"refused-{id}.csv\"");
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], Body::from_stream(parts)).into_response())
}
