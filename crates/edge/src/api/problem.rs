//! What a refused request reads: `application/problem+json` (RFC 9457), with what to do and the fields at fault.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_store::StoreError;
use clarion_store::db::DbError;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:clarion:problem:` and a word that says which problem this is.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:clarion:problem:[a-z-]+$")]
    kind: &'static str,
    /// The problem in a few words, the same each time.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// The fields at fault; empty when it is the request as a whole.
    errors: Vec<FieldError>,
    /// Said in the header alone.
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's path in the body (`schedule.windows[0].from`), or the name of a parameter or header.
    pub field: String,
    /// What to write there.
    pub message: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, title, status: status.as_u16(), detail: detail.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// The request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:clarion:problem:malformed", "The request cannot be read", detail)
    }

    pub fn unauthenticated() -> Self {
        let detail = "send an API key of yours as `Authorization: Bearer clr_…`; a key that was revoked no longer works";
        Self::new(StatusCode::UNAUTHORIZED, "urn:clarion:problem:unauthenticated", "The request carries no valid API key", detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "urn:clarion:problem:forbidden", "This key may not do that", detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:clarion:problem:not-found", "There is no such thing", detail)
    }

    pub fn method_not_allowed() -> Self {
        let detail = "this address does not take that method: the Allow header lists those that it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "urn:clarion:problem:method-not-allowed", "Wrong method", detail)
    }

    /// Something else stands in the way.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "urn:clarion:problem:conflict", "Something stands in the way", detail)
    }

    pub fn too_large(limit_bytes: u64) -> Self {
        let detail = format!("the body is larger than {limit_bytes} bytes: send less at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:clarion:problem:too-large", "The body is too large", detail)
    }

    pub fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("send the body with `Content-Type: {expected}`");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:clarion:problem:unsupported-media-type", "Wrong content type", detail)
    }

    /// The request reads well and asks for something that cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:clarion:problem:invalid", "The request cannot be carried out", detail)
    }

    /// `invalid` for one field.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::invalid(format!("{field}: {message}")).with(field, message)
    }

    pub fn internal() -> Self {
        let detail = "the fault is ours and is in the server's log; try again, and tell the operator when it stays";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:clarion:problem:internal", "The server failed", detail)
    }

    /// `why` is what there was too much of.
    pub fn too_many_requests(why: &str, wait_seconds: u32) -> Self {
        let detail = format!("{why}: ask again in {wait_seconds} s, as the Retry-After header says");
        Self { retry_after_seconds: Some(wait_seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:clarion:problem:too-many-requests", "Too many requests", detail) }
    }

    pub fn unavailable() -> Self {
        let detail = "the database cannot be reached at the moment: try again in a few seconds, with the same Idempotency-Key";
        Self { retry_after_seconds: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:clarion:problem:unavailable", "Not at the moment", detail) }
    }

    /// The same problem in other words.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Adds a field at fault.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }
}

/// `invalid` for several fields at once.
pub fn faults(wrong: Vec<(&str, String)>) -> Problem {
    let detail = wrong.iter().map(|(field, message)| format!("{field}: {message}")).collect::<Vec<_>>().join("; ");
    wrong.into_iter().fold(Problem::invalid(detail), |problem, (field, message)| problem.with(field, message))
}

/// The store's name of a field as this API spells it.
pub fn wire_name(field: &str) -> &str {
    match field {
        "list_id" => "list",
        "filter_id" => "filter",
        "basis" => "legal_basis",
        field => field,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_seconds = self.retry_after_seconds;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"clarion\""));
        }
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::not_found(format!("there is no such {what}: check the identifier; what another tenant has is not shown")),
            StoreError::Conflict(detail) => Self::conflict(detail),
            StoreError::Forbidden(detail) => Self::forbidden(detail),
            StoreError::Invalid(detail) => Self::invalid(detail),
            StoreError::Faults(faults) => {
                let detail = StoreError::Faults(faults.clone()).to_string();
                faults.into_iter().fold(Self::invalid(detail), |problem, fault| problem.with(wire_name(fault.field), fault.message))
            }
            StoreError::Db(DbError::Unique) => Self::conflict("another request has just made the same thing: read it, then decide whether yours is still needed"),
            StoreError::Db(error @ DbError::Unreachable(_)) => {
                tracing::warn!(%error, "an API request found no database");
                Self::unavailable()
            }
            error => {
                tracing::error!(%error, "an API request failed");
                Self::internal()
            }
        }
    }
}
