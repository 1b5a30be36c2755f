//! What is decided about an import that waits: its columns, a repeat, its end.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_store::tenancy::Carried;
use serde::Deserialize;
use utoipa::ToSchema;

use super::import::{ImportDetail, detail};
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::tenancy::approval::{Approval, waits};
use crate::api::wire::{ImportId, ListId};

/// What each column of the file is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"columns": ["phone", "first_name", null]}))]
pub struct NewMapping {
    /// In the order of the file: the field that the column fills, or null to drop the column.
    #[schema(min_items = 1, max_items = 1000)]
    columns: Vec<Option<String>>,
    /// The list on which to put the contacts; the one chosen before when left out.
    list: Option<ListId>,
}

fn column(field: Option<String>) -> ColumnUse {
    let Some(name) = field else { return ColumnUse::Dropped };
    name.parse::<StandardField>().map_or(ColumnUse::Declared(name), ColumnUse::Standard)
}

/// Confirm the columns
///
/// The import then loads. It must wait for its columns (`awaiting_mapping`).
#[utoipa::path(post, path = "/imports/{import}/mapping", tag = "intake", params(("import" = ImportId, Path)), request_body = NewMapping, responses((status = 200, body = ImportDetail)))]
pub async fn mapping(caller: Caller, Id(id): Id<ImportId>, Body(new): Body<NewMapping>) -> Result<Json<ImportDetail>, Problem> {
    let mapping = Mapping { columns: new.columns.into_iter().map(column).collect() };
    caller.tenant.confirm_mapping(id.0, &mapping, new.list.map(|list| list.0), caller.now).await?;
    Ok(Json(detail(&caller, id.0).await?))
}

/// Load the same file again all the same
///
/// For an import that waits because the same bytes were loaded before (`awaiting_repeat`).
#[utoipa::path(post, path = "/imports/{import}/repeat", tag = "intake", params(("import" = ImportId, Path)), responses((status = 200, body = ImportDetail)))]
pub async fn repeat(caller: Caller, Id(id): Id<ImportId>) -> Result<Json<ImportDetail>, Problem> {
    caller.tenant.confirm_repeat(id.0, caller.now).await?;
    Ok(Json(detail(&caller, id.0).await?))
}

/// Cancel an import before it loads
///
/// The stored file goes at once.
#[utoipa::path(post, path = "/imports/{import}/cancel", tag = "intake", params(("import" = ImportId, Path)), responses((status = 200, body = ImportDetail)))]
pub async fn cancel(caller: Caller, Id(id): Id<ImportId>) -> Result<Json<ImportDetail>, Problem> {
    caller.tenant.cancel_import(id.0, caller.now).await?;
    Ok(Json(detail(&caller, id.0).await?))
}

/// How many people are to be removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"people": 1200}))]
pub struct UndoImport {
    /// How many you expect to be removed, `rows_loaded` when nobody was removed or changed since: another number is a conflict, which names it.
    #[schema(minimum = 0)]
    people: i64,
}

/// Take a loaded import back
///
/// The people whom it brought are removed, as long as none of them is in a campaign that has started. Who was loaded again or changed since
/// stays, and so does who has a consent, a hold or a reply on record. What it changed about people known before stays. It is done a moment later: the import is `undoing`, then `undone`. Where your organisation asks for a
/// second person to erase a list with so many people, the answer is 202 with the request that waits for one.
#[utoipa::path(post, path = "/imports/{import}/undo", tag = "intake", params(("import" = ImportId, Path)), request_body = UndoImport, responses((status = 200, body = ImportDetail), (status = 202, body = Approval)))]
pub async fn undo(caller: Caller, Id(id): Id<ImportId>, Body(asked): Body<UndoImport>) -> Result<Response, Problem> {
    match caller.tenant.undo_import(id.0, asked.people, caller.now).await? {
        Carried::Done => Ok(Json(detail(&caller, id.0).await?).into_response()),
        Carried::Waits(approval) => waits(&caller, approval).await,
    }
}
