//! Saved filters: conditions that a contact must all meet.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_domain::contacts::filter as domain;
use clarion_store::contacts::SavedFilter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::contacts::list::List;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{FilterId, LineType, ListId, Region, Time};

/// One condition.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    LineType {
        #[schema(min_items = 1, max_items = 50)]
        any_of: Vec<LineType>,
    },
    Region {
        #[schema(min_items = 1, max_items = 50)]
        any_of: Vec<Region>,
    },
    OnList {
        list: ListId,
    },
    NotOnList {
        list: ListId,
    },
    HasReference {
        yes: bool,
    },
    /// First loaded at or after this moment.
    AddedSince {
        at: Time,
    },
    AddedBefore {
        at: Time,
    },
    /// A declared field has exactly this value, without regard to case; without a value: the field is filled.
    Declared {
        field: String,
        value: Option<String>,
    },
}

impl From<Condition> for domain::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::LineType { any_of } => Self::LineType { any_of: any_of.into_iter().map(|kind| kind.0).collect() },
            Condition::Region { any_of } => Self::Region { any_of: any_of.into_iter().map(|region| region.0).collect() },
            Condition::OnList { list } => Self::OnList { list: list.0 },
            Condition::NotOnList { list } => Self::NotOnList { list: list.0 },
            Condition::HasReference { yes } => Self::HasReference { yes },
            Condition::AddedSince { at } => Self::AddedSince { at_ms: at.0.ms() },
            Condition::AddedBefore { at } => Self::AddedBefore { at_ms: at.0.ms() },
            Condition::Declared { field, value } => Self::Declared { field, value },
        }
    }
}

impl From<domain::Condition> for Condition {
    fn from(condition: domain::Condition) -> Self {
        use clarion_domain::time::Instant;
        match condition {
            domain::Condition::LineType { any_of } => Self::LineType { any_of: any_of.into_iter().map(LineType).collect() },
            domain::Condition::Region { any_of } => Self::Region { any_of: any_of.into_iter().map(Region).collect() },
            domain::Condition::OnList { list } => Self::OnList { list: list.into() },
            domain::Condition::NotOnList { list } => Self::NotOnList { list: list.into() },
            domain::Condition::HasReference { yes } => Self::HasReference { yes },
            domain::Condition::AddedSince { at_ms } => Self::AddedSince { at: Instant(at_ms).into() },
            domain::Condition::AddedBefore { at_ms } => Self::AddedBefore { at: Instant(at_ms).into() },
            domain::Condition::Declared { field, value } => Self::Declared { field, value },
        }
    }
}

/// A filter by name.
#[derive(Serialize, ToSchema)]
pub struct Filter {
    id: FilterId,
    name: String,
    all_of: Vec<Condition>,
    /// The filter in words.
    sentence: String,
    created_by: String,
    created_at: Time,
}

/// What a filter is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Mobiles", "all_of": [{"is": "line_type", "any_of": ["mobile"]}]}))]
pub struct NewFilter {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// A contact meets the filter when it meets every condition.
    #[schema(max_items = 20)]
    all_of: Vec<Condition>,
}

async fn show(caller: &Caller, filter: SavedFilter) -> Result<Filter, Problem> {
    let lists = caller.tenant.lists().await?;
    let sentence = filter.filter.sentence(|id| lists.iter().find(|list| list.id == id).map(|list| list.name.clone()));
    let all_of = filter.filter.all_of.into_iter().map(Condition::from).collect();
    Ok(Filter { id: filter.id.into(), name: filter.name, all_of, sentence, created_by: filter.created_by, created_at: filter.created_at.into() })
}

fn conditions(new: NewFilter) -> (String, domain::Filter) {
    (new.name, domain::Filter { all_of: new.all_of.into_iter().map(Into::into).collect() })
}

/// Every saved filter, by name
#[utoipa::path(get, path = "/filters", tag = "contacts", responses((status = 200, body = Listing<Filter>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Filter>>, Problem> {
    let mut items = Vec::new();
    for filter in caller.tenant.filters().await? {
        items.push(show(&caller, filter).await?);
    }
    Ok(Listing::whole(items, |filter| filter))
}

/// Save a filter
#[utoipa::path(post, path = "/filters", tag = "contacts", request_body = NewFilter, responses((status = 201, body = Filter)))]
pub async fn create(caller: Caller, Body(new): Body<NewFilter>) -> Result<Response, Problem> {
    let (name, filter) = conditions(new);
    let id = caller.tenant.save_filter(&name, &filter, caller.now).await?;
    Ok(made(format!("/filters/{id}"), show(&caller, caller.tenant.filter(id).await?).await?))
}

/// One filter
#[utoipa::path(get, path = "/filters/{filter}", tag = "contacts", params(("filter" = FilterId, Path)), responses((status = 200, body = Filter)))]
pub async fn get(caller: Caller, Id(id): Id<FilterId>) -> Result<Json<Filter>, Problem> {
    Ok(Json(show(&caller, caller.tenant.filter(id.0).await?).await?))
}

/// Change a filter
#[utoipa::path(put, path = "/filters/{filter}", tag = "contacts", params(("filter" = FilterId, Path)), request_body = NewFilter, responses((status = 200, body = Filter)))]
pub async fn change(caller: Caller, Id(id): Id<FilterId>, Body(new): Body<NewFilter>) -> Result<Json<Filter>, Problem> {
    let (name, filter) = conditions(new);
    caller.tenant.change_filter(id.0, &name, &filter, caller.now).await?;
    Ok(Json(show(&caller, caller.tenant.filter(id.0).await?).await?))
}

/// Delete a filter
#[utoipa::path(delete, path = "/filters/{filter}", tag = "contacts", params(("filter" = FilterId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<FilterId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_filter(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everybody who meets a filter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Mobiles, November", "people": 1240}))]
pub struct NewListOfFilter {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// How many you expect: when another number meets the filter now, nothing is done.
    #[schema(minimum = 0)]
    people: i64,
}

/// Put everybody who meets a filter on a new list
#[utoipa::path(post, path = "/filters/{filter}/list", tag = "contacts", params(("filter" = FilterId, Path)), request_body = NewListOfFilter, responses((status = 201, body = List)))]
pub async fn enlist(caller: Caller, Id(id): Id<FilterId>, Body(new): Body<NewListOfFilter>) -> Result<Response, Problem> {
    let list = caller.tenant.list_filtered(id.0, &new.name, new.people, caller.now).await?;
    Ok(made(format!("/lists/{list}"), List::from(caller.tenant.list(list).await?)))
}
