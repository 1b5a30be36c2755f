//! Two tenants with a key each, and a way to ask the API.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_edge::{ApiConfig, RateLimits, api_router};
use clarion_store::db::Db;
use clarion_store::tenancy::NewTenant;
use clarion_store::{Store, Tenant};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Monday 2026-11-23, 12:00 UTC.
pub const NOW: Instant = Instant(1_795_435_200_000);

/// What the server gives: the real reader of sound files.
pub fn read_prompt(file: Vec<u8>) -> Result<Vec<i16>, clarion_edge::PromptFileError> {
    use clarion_edge::PromptFileError as E;
    use clarion_sip::media::prompt::{PromptError, PromptLimits, load};
    match load(file, PromptLimits::default()) {
        Ok(prompt) => Ok(prompt.audio.to_vec()),
        Err(error @ PromptError::UnknownFormat) => Err(E::OtherFormat(error.to_string())),
        Err(error) => Err(E::Unreadable(error.to_string())),
    }
}

pub struct World {
    /// The tenant whose key is `key`.
    pub tenant: Tenant,
    /// An owner's key.
    pub key: String,
    /// An owner's key of another tenant.
    pub other: String,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.text))
    }

    /// The answer's JSON, after making sure of its status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Makes sure that this is a problem of this status, and gives its fields at fault.
    pub fn problem(&self, status: u16) -> Vec<String> {
        let problem = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("urn:clarion:problem:")));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
        problem["errors"].as_array().expect("errors").iter().map(|error| error["field"].as_str().expect("a field").to_owned()).collect()
    }
}

pub async fn world() -> World {
    limited(RateLimits::default()).await
}

/// The same where programs may ask only so often.
pub async fn limited(rate_limits: RateLimits) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
    db.migrate().await.expect("migrates");
    let store = Store::new(db, &folder.path().join("keyring"), 1).expect("a store");
    let mut made = Vec::new();
    for slug in ["northwind", "southwind"] {
        let new = NewTenant { slug, name: slug, number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call 020 7946 0000." };
        let id = store.create_tenant(&new, NOW).await.expect("a tenant");
        let tenant = store.tenant(id, Actor::Operator).await.expect("the tenant");
        let (_, secret) = tenant.create_api_key("tests", Role::Owner, NOW).await.expect("a key");
        made.push((tenant, secret));
    }
    let (_, other) = made.pop().expect("two");
    let (tenant, key) = made.pop().expect("two");
    let router = api_router(store, ApiConfig { clock: || NOW, upload_bytes_max: 1 << 20, read_prompt, rate_limits, recorder: None });
    World { tenant, key, other, router, _folder: folder }
}

impl World {
    pub async fn key_of(&self, role: Role) -> String {
        self.tenant.create_api_key("another", role, NOW).await.expect("a key").1
    }

    /// Any request.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method.parse::<Method>().expect("a method")).uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).expect("a request")).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A request of the owner, with a JSON body when `body` is not null.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask_as(&self.key, method, path, body).await
    }

    pub async fn ask_as(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {key}");
        let body_text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &[("authorization", &authorization), ("content-type", "application/json")], body_text).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Value::Null).await
    }

    /// A POST of the owner under an `Idempotency-Key`.
    pub async fn post_once(&self, once: &str, path: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        self.send("POST", path, &[("authorization", &authorization), ("content-type", "application/json"), ("idempotency-key", once)], body.to_string()).await
    }
}
