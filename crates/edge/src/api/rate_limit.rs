//! How often a program may ask: by its key, and by its network while it shows no valid one. What is left stands in each answer's
//! headers (draft-ietf-httpapi-ratelimit-headers-10).

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clarion_domain::id::ApiKeyId;
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};
use serde_json::{Value, json};

use super::Api;
use super::problem::Problem;
use crate::rate::{Rate, Standing};
use crate::tenancy::came_from::CameFrom;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// How many requests a minute are taken, on this node. 0 is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimits {
    /// Of one key.
    pub requests_per_minute: u32,
    /// Of one network, that showed the same wrong key, or a wrong signature to the same address.
    pub refusals_per_minute: u32,
}

/// So many times as many refusals end what a whole network may ask. Programs of many tenants may share its address: one that does not know
/// that its key was revoked must not keep out the others.
const OF_A_NETWORK: u32 = 20;
/// What was right within a day is asked about whatever else its network shows.
const RIGHT_FOR_MS: i64 = DAY_MS;
const RIGHT_MAX: usize = 50_000;

/// What has been asked of late.
#[derive(Debug)]
pub struct Rates {
    keys: Rate<ApiKeyId>,
    refusals: Rate<(String, blake3::Hash)>,
    networks: Rate<String>,
    /// When a key, or a signature to an address, was last right.
    right: Mutex<HashMap<blake3::Hash, Instant>>,
    told_at: AtomicI64,
}

impl Rates {
    pub fn new(limits: RateLimits) -> Self {
        Self {
            keys: Rate::new(limits.requests_per_minute),
            refusals: Rate::new(limits.refusals_per_minute),
            networks: Rate::new(limits.refusals_per_minute.saturating_mul(OF_A_NETWORK)),
            right: Mutex::default(),
            told_at: AtomicI64::new(0),
        }
    }

    pub fn take(&self, key: ApiKeyId, now: Instant) -> Option<Standing> {
        self.keys.take(key, now)
    }

    /// Before anything is looked up: whoever was refused too often for what they show waits.
    pub fn before(&self, network: String, shown: &str, now: Instant) -> Result<Stranger<'_>, Problem> {
        let stranger = Stranger { rates: self, whose: (network, blake3::hash(shown.as_bytes())), now };
        let mut wait = self.refusals.wait_seconds(&stranger.whose, now);
        if !self.was_right(&stranger.whose.1, now) {
            let networks = self.networks.wait_seconds(&stranger.whose.0, now);
            if networks.is_some() && self.told_at.fetch_max(now.0, Ordering::Relaxed) + MINUTE_MS <= now.0 {
                tracing::warn!("a network is refused by the API for now: it has shown too many wrong keys or signatures");
            }
            wait = wait.max(networks);
        }
        match wait {
            Some(seconds) => Err(Problem::too_many_requests("too many requests of this network showed a wrong key or a wrong signature", seconds)),
            None => Ok(stranger),
        }
    }

    fn was_right(&self, shown: &blake3::Hash, now: Instant) -> bool {
        self.right.lock().unwrap_or_else(PoisonError::into_inner).get(shown).is_some_and(|at| at.plus_ms(RIGHT_FOR_MS) > now)
    }
}

/// Somebody whose key or signature is not yet known to be right.
pub struct Stranger<'a> {
    rates: &'a Rates,
    whose: (String, blake3::Hash),
    now: Instant,
}

impl Stranger<'_> {
    pub fn was_right(self) {
        let mut right = self.rates.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.get(&self.whose.1).is_some_and(|at| at.plus_ms(HOUR_MS) > self.now) {
            return;
        }
        if right.len() >= RIGHT_MAX {
            right.retain(|_, at| at.plus_ms(RIGHT_FOR_MS) > self.now);
        }
        if right.len() < RIGHT_MAX {
            right.insert(self.whose.1, self.now);
        }
    }

    pub fn was_refused(self) {
        self.rates.networks.take(self.whose.0.clone(), self.now);
        self.rates.refusals.take(self.whose, self.now);
    }
}

/// Before an endpoint that takes no key but a signature.
pub async fn by_network(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let network = CameFrom::of(request.extensions(), request.headers()).network();
    let stranger = api.rates.before(network, request.uri().path(), api.now())?;
    let response = next.run(request).await;
    match response.status() {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => stranger.was_refused(),
        // What was signed as it should be counts against nobody, though it may say something that we do not understand.
        StatusCode::NO_CONTENT | StatusCode::UNPROCESSABLE_ENTITY => stranger.was_right(),
        _ => {}
    }
    Ok(response)
}

/// The answer to a key that has none left.
pub fn spent(standing: Standing) -> Response {
    let detail = format!("this key has made its {} requests of a minute", standing.quota);
    let mut response = Problem::too_many_requests(&detail, standing.wait_seconds.unwrap_or(1)).into_response();
    tell(response.headers_mut(), standing);
    response
}

pub fn tell(headers: &mut HeaderMap, standing: Standing) {
    let Standing { quota, left, full_in_seconds, .. } = standing;
    for (name, text) in [(POLICY, format!("\"key\";q={quota};w=60")), (LEFT, format!("\"key\";r={left};t={full_in_seconds}"))] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// The headers as the document describes them.
pub fn described() -> Value {
    json!({
        "RateLimit-Policy": {
            "description": "How many requests (`q`) this key may make in how many seconds (`w`), as a structured field: `\"key\";q=1200;w=60`. Left out where the operator sets no limit.",
            "schema": { "type": "string" },
        },
        "RateLimit": {
            "description": "How many requests are left (`r`), and in how many seconds all of them are (`t`): `\"key\";r=1199;t=1`. They come back evenly, not all at once.",
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "In how many seconds to ask again.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9]+$" },
        },
    })
}

/// The headers by reference, for a response of the document.
pub fn references(names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))).collect::<serde_json::Map<_, _>>().into()
}
