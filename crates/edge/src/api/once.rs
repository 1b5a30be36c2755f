//! `Idempotency-Key`: a POST that is sent twice under one key is done once.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clarion_store::tenancy::IdempotencyClaim;
use serde::{Deserialize, Serialize};

use super::body::{BODY_LENGTH_BYTES_MAX, limit_of, read_whole};
use super::caller::Caller;
use super::problem::Problem;

pub const HEADER: &str = "idempotency-key";
/// Longest key.
pub const KEY_LENGTH_CHARS_MAX: usize = 255;
/// An answer longer than this is not kept.
const ANSWER_LENGTH_BYTES_MAX: usize = 4 * BODY_LENGTH_BYTES_MAX;
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Stands in the extensions of an answer that may be given only once, because it holds a secret.
#[derive(Clone, Copy)]
pub struct OnlyOnce;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    content_type: Option<String>,
    location: Option<String>,
    body: String,
}

/// A request's key, when it carries one.
pub struct Once {
    caller: Caller,
    key_hash: [u8; 32],
}

impl Once {
    /// The key of this request. Keys of different API keys never meet.
    pub fn of(caller: &Caller, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > KEY_LENGTH_CHARS_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("1 to {KEY_LENGTH_CHARS_MAX} visible ASCII characters without spaces: a fresh UUID for each new request");
            return Err(Problem::malformed(format!("the Idempotency-Key cannot be used: {message}")).with("Idempotency-Key", message));
        }
        let key_hash = blake3::derive_key("clarion idempotency key", format!("{} {key}", caller.key).as_bytes());
        Ok(Some(Self { caller: caller.clone(), key_hash }))
    }

    /// `None`: do the request. Otherwise what it was answered before.
    pub async fn claim(&self, request_hash: &[u8]) -> Result<Option<Before>, Problem> {
        match self.caller.tenant.claim_idempotency_key(&self.key_hash, request_hash, self.caller.now).await? {
            IdempotencyClaim::Fresh => Ok(None),
            IdempotencyClaim::Answered { request_hash, status, answer } => Ok(Some(Before { request_hash, status, answer })),
            IdempotencyClaim::Unfinished { request_hash: other, .. } if !other.is_empty() && !request_hash.is_empty() && other != request_hash => Err(another_request()),
            IdempotencyClaim::Unfinished { .. } => Err(Problem::conflict(
                "a request with this Idempotency-Key is still being done, or broke off half-way: wait a moment and try again; when this stays, look whether it took effect before sending it under a new key",
            )),
        }
    }

    /// Keeps what was answered, or frees the key when the request was refused and changed nothing. After a fault of
    /// ours the claim stays: nobody knows whether the request took effect.
    pub async fn settle(&self, request_hash: &[u8], response: Response) -> Result<Response, Problem> {
        let status = response.status();
        if status.is_client_error() {
            self.caller.tenant.release_idempotency_key(&self.key_hash).await?;
            return Ok(response);
        }
        if !status.is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_LENGTH_BYTES_MAX).await.map_err(|_| Problem::internal())?;
        let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let kept = Kept { content_type: text(header::CONTENT_TYPE), location: text(header::LOCATION), body: String::from_utf8_lossy(&bytes).into_owned() };
        let plain = serde_json::to_vec(&kept).map_err(|_| Problem::internal())?;
        let answer = parts.extensions.get::<OnlyOnce>().is_none().then_some(plain.as_slice());
        self.caller.tenant.keep_answer(&self.key_hash, request_hash, status.as_u16(), answer).await?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

/// What a request with the same key was answered before.
pub struct Before {
    request_hash: Vec<u8>,
    status: u16,
    answer: Option<Vec<u8>>,
}

impl Before {
    /// The same answer again, when the request is the same.
    pub fn replay(self, request_hash: &[u8]) -> Result<Response, Problem> {
        if self.request_hash != request_hash {
            return Err(another_request());
        }
        let Some(plain) = self.answer else {
            return Err(Problem::conflict("this request was done before, and its answer is not kept: it held a secret that is shown only once, or somebody's data were erased since. Look at what it made; where it was a secret, revoke it and send a new request under a new Idempotency-Key"));
        };
        let kept: Kept = serde_json::from_slice(&plain).map_err(|_| Problem::internal())?;
        let mut response = (StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK), kept.body).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        for (name, text) in [(header::CONTENT_TYPE, kept.content_type), (header::LOCATION, kept.location)] {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

fn another_request() -> Problem {
    Problem::invalid("this Idempotency-Key was used for another request: use a new key for each new request")
        .with("Idempotency-Key", "used for another request: use a new one")
}

/// Does a POST with an `Idempotency-Key` once. Requests without one, and other methods, pass.
pub async fn once(caller: Caller, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(once) = Once::of(&caller, request.headers())?.filter(|_| request.method() == Method::POST) else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let bytes = read_whole(Request::new(body), limit_of(&parts.extensions)).await?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(parts.uri.to_string().as_bytes()).update(&[0]).update(&bytes);
    let request_hash = *hasher.finalize().as_bytes();
    if let Some(before) = once.claim(&request_hash).await? {
        return before.replay(&request_hash);
    }
    // A sender that hangs up must find the request done when it asks again.
    let work = tokio::spawn(async move {
        let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
        once.settle(&request_hash, response).await
    });
    work.await.map_err(|_| Problem::internal())?
}
