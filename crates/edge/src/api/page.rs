//! Listings: a page of things and the cursor of the page after it.

use clarion_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::RefOr;
use utoipa::{IntoParams, PartialSchema, ToSchema};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// Where a page ended; to be handed back as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub i64);

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let cursor = u64::from_str_radix(&text, 16).ok().and_then(|number| i64::try_from(number).ok()).filter(|_| plain);
        cursor.map(Self).ok_or_else(|| serde::de::Error::custom("not a cursor: hand back the `next` of the page before, or leave it out for the first page"))
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-7][0-9a-f]{15}$")).description(Some("Where a page ended.")).into()
    }
}

impl ToSchema for Cursor {}

/// How many at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct Limit(i64);

impl TryFrom<i64> for Limit {
    type Error = String;

    fn try_from(limit: i64) -> Result<Self, String> {
        if (1..=LIMIT_MAX).contains(&limit) { Ok(Self(limit)) } else { Err(format!("1 to {LIMIT_MAX}")) }
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let limits = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(LIMIT_MAX as f64));
        limits.default(Some(LIMIT_DEFAULT.into())).into()
    }
}

impl ToSchema for Limit {}

/// The rows that a listing asks for, in the store's terms.
#[must_use]
pub fn limit_of(limit: Option<Limit>) -> i64 {
    limit.map_or(LIMIT_DEFAULT, |limit| limit.0)
}

/// The query of a listing that cannot be narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The `next` of the page before; left out for the first page.
    pub after: Option<Cursor>,
    /// How many at most; 50 when left out.
    pub limit: Option<Limit>,
}

impl PageQuery {
    #[must_use]
    pub fn after(&self) -> Option<i64> {
        self.after.map(|cursor| cursor.0)
    }

    #[must_use]
    pub fn limit(&self) -> i64 {
        limit_of(self.limit)
    }
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<T: ToSchema> {
    pub items: Vec<T>,
    /// Hand it back as `after` for the next page; null on the last.
    pub next: Option<Cursor>,
}

impl<T: ToSchema> Listing<T> {
    /// A page of the store in the API's words.
    pub fn of<R>(page: Page<R>, show: impl FnMut(R) -> T) -> axum::Json<Self> {
        axum::Json(Self { items: page.rows.into_iter().map(show).collect(), next: page.next.map(Cursor) })
    }

    /// Everything there is, on one page.
    pub fn whole<R>(rows: Vec<R>, show: impl FnMut(R) -> T) -> axum::Json<Self> {
        Self::of(Page { rows, next: None }, show)
    }
}
