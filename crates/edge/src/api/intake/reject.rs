//! The file of refused lines: line, column, reason, what to do. No value of a refused line stands in it.

use axum::response::Response;

use crate::api::answer::csv;
use crate::api::body::Id;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::ImportId;

/// The refused lines as CSV
///
/// Columns: line, column, reason, what to do. No value of a refused line stands in it.
#[utoipa::path(get, path = "/imports/{import}/rejects.csv", tag = "intake", params(("import" = ImportId, Path)), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn download(caller: Caller, Id(id): Id<ImportId>) -> Result<Response, Problem> {
    caller.tenant.import(id.0).await?;
    let tenant = caller.tenant;
    Ok(csv(&format!("rejects-{}.csv", id.0), move |after| {
        let tenant = tenant.clone();
        async move { tenant.reject_csv(id.0, after.as_ref()).await }
    }))
}
