//! The suppression list as a file: numbers read into it, and the list written out.

use axum::Json;
use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression_file::FILE_BYTES_MAX;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::csv;
use crate::api::body::{Query, read_whole};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{File, SuppressionReason, SuppressionScope};

const KINDS: &[&str] = &["application/octet-stream", "text/csv", "text/plain"];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionFileQuery {
    scope: SuppressionScope,
    /// Every reason but `erased`, which comes only from an erasure. `wrong_person` stops everything, whatever scope is asked for.
    reason: SuppressionReason,
    /// How the numbers came. Never personal data.
    #[param(max_length = 200)]
    source: Option<String>,
}

/// What became of the lines.
#[derive(Serialize, ToSchema)]
pub struct SuppressionImport {
    added: u64,
    /// Numbers that stood on the list already for this reason and scope, or twice in the file.
    known: u64,
    rejected: u64,
    /// Lines, from 1, that hold no number; the first thousand.
    rejected_lines: Vec<u64>,
}

/// Put every number of a file on the list
///
/// The body is the file itself: text or CSV in any usual encoding, with or without a header, at most 64 MiB and a million
/// lines. Sending it again changes nothing, so it takes no `Idempotency-Key`.
#[utoipa::path(
    post, path = "/suppressions/import", tag = "compliance", params(SuppressionFileQuery),
    request_body(content = File, content_type = "application/octet-stream"), responses((status = 200, body = SuppressionImport))
)]
pub async fn import(caller: Caller, Query(query): Query<SuppressionFileQuery>, request: Request) -> Result<Json<SuppressionImport>, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !KINDS.contains(&kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str()) {
        return Err(Problem::unsupported_media_type("application/octet-stream` or `text/csv"));
    }
    let file = read_whole(request, FILE_BYTES_MAX).await?;
    let source = query.source.unwrap_or_default();
    let result = caller.tenant.import_suppressions(&file, query.scope.0, query.reason.0, &source, caller.now).await?;
    Ok(Json(SuppressionImport { added: result.added, known: result.known, rejected: result.rejected, rejected_lines: result.rejects }))
}

/// The list as CSV
///
/// Columns: number, scope, reason, source, since. Whole numbers stand in it: taking them out is
/// audited. Tombstones of erased people have no number and are left out.
#[utoipa::path(get, path = "/suppressions.csv", tag = "compliance", responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn export(caller: Caller) -> Result<Response, Problem> {
    caller.tenant.audit_alone(caller.now, Act::Exported, "suppression", 0, "the list").await?;
    let tenant = caller.tenant;
    Ok(csv("suppressions.csv", move |after| {
        let tenant = tenant.clone();
        async move { tenant.suppression_csv(after.as_ref()).await }
    }))
}
