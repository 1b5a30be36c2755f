//! What users did with the portal and programs with this API.

use axum::Json;
use axum::extract::State;
use clarion_domain::tenancy::role::Right;
use clarion_domain::tenancy::tenant::Actor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{ActivityKind, ApiKeyId, Time, UserId};
use crate::tenancy::came_from::masked;

/// One thing done.
#[derive(Serialize, ToSchema)]
pub struct Activity {
    at: Time,
    kind: ActivityKind,
    /// Empty for an entry, and for an exit by a link.
    method: String,
    /// Without its query.
    path: String,
    /// The site that somebody came in from or left for; empty when there was none.
    site: String,
    /// The status of the answer; null where there is none, or it was never known.
    #[schema(minimum = 100, maximum = 599)]
    status: Option<i64>,
    /// The network address without its end; empty but for entries.
    address: String,
    browser: String,
    system: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    /// Of this user. Needs the right answer_subjects.
    user: Option<UserId>,
    /// Of this key; another than the caller's needs the right answer_subjects. The caller's own when both are left out.
    api_key: Option<ApiKeyId>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// What a user did with the portal or a program with this API, the newest first
///
/// What was done through another node in the last seconds may not stand in it yet.
#[utoipa::path(get, path = "/activity", tag = "tenancy", params(ActivityQuery), responses((status = 200, body = Listing<Activity>), (status = 404), (status = 422)))]
pub async fn list(State(api): State<Api>, caller: Caller, Query(query): Query<ActivityQuery>) -> Result<Json<Listing<Activity>>, Problem> {
    let of = match (query.user, query.api_key) {
        (Some(_), Some(_)) => return Err(Problem::invalid("name a `user` or an `api_key`, not both")),
        (Some(user), None) => {
            caller.require(Right::AnswerSubjects)?;
            Actor::User(caller.tenant.user(user.0).await?.id)
        }
        (None, key) => Actor::ApiKey(key.map_or(caller.key, |key| key.0)),
    };
    if matches!(of, Actor::ApiKey(key) if key != caller.key) {
        caller.require(Right::AnswerSubjects)?;
    }
    api.recorder.write().await?;
    let page = caller.tenant.activity(of, query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, |record| Activity {
        at: record.at.into(),
        kind: record.kind.into(),
        address: record.address.and_then(|address| address.reveal().parse().ok()).map(masked).unwrap_or_default(),
        method: record.method,
        path: record.path,
        site: record.site,
        status: Some(record.status).filter(|status| *status != 0),
        browser: record.browser,
        system: record.system,
    }))
}
