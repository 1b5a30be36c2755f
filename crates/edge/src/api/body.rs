//! Reading a request: JSON bodies, queries and identifiers in the path, with the field at fault named.
//!
//! A value that was sent is never repeated in an error: it may be about a person.

use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{Extensions, header};
use axum::http::request::Parts;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest JSON body.
pub const BODY_LENGTH_BYTES_MAX: usize = 1024 * 1024;
/// The same of an endpoint that takes ten thousand people at once.
pub const BULK_LENGTH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Stands in the extensions of a request to an endpoint that takes more than others.
#[derive(Clone, Copy)]
pub struct BodyLimit(pub usize);

/// The largest body of this request.
pub fn limit_of(extensions: &Extensions) -> usize {
    extensions.get::<BodyLimit>().map_or(BODY_LENGTH_BYTES_MAX, |limit| limit.0)
}

/// A JSON body. Unknown keys are refused by the types themselves (`deny_unknown_fields`).
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        let limit = limit_of(request.extensions());
        parse(&read_whole(request, limit).await?).map(Self)
    }
}

/// The whole body, when it is not longer than `limit_bytes`.
pub async fn read_whole(request: Request, limit_bytes: usize) -> Result<Bytes, Problem> {
    let mut stream = request.into_body().into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Problem::malformed("the body broke off: send it again"))?;
        if whole.len() + piece.len() > limit_bytes {
            return Err(Problem::too_large(limit_bytes as u64));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// Reads JSON, or says which field is at fault.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let place = format!("line {}, column {}", error.inner().line(), error.inner().column());
        match error.inner().classify() {
            serde_json::error::Category::Data => field_problem(Problem::invalid, if path == "." { "" } else { &path }, &error.inner().to_string()),
            _ => Problem::malformed(format!("the body is not JSON ({place}): send one JSON object")),
        }
    })?;
    deserializer.end().map_err(|_| Problem::malformed("something follows the JSON object in the body: send one object only"))?;
    Ok(value)
}

/// A problem about the field at `path`, from serde's message.
fn field_problem(problem: impl Fn(String) -> Problem, path: &str, message: &str) -> Problem {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let name = message.split('`').nth(1).unwrap_or_default();
    let join = |name: &str| match path {
        "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    let (field, message) = if message.starts_with("unknown field") {
        let known = message.split_once(", expected ").map_or("", |(_, known)| known);
        (join(name), format!("unknown field: {}", if known.is_empty() { "leave it out".into() } else { format!("expected {known}") }))
    } else if message.starts_with("missing field") {
        (join(name), "required".to_owned())
    } else if message.starts_with("duplicate field") {
        (join(name), "stands twice: leave one out".to_owned())
    } else if let Some((_, expected)) = message.split_once(", expected ") {
        (path.to_owned(), format!("expected {expected}"))
    } else {
        (path.to_owned(), message.to_owned())
    };
    let field = if field.is_empty() { "body".to_owned() } else { field };
    problem(format!("{field}: {message}")).with(field, message)
}

/// Whether a text has the length that the document says; `problem` is the one to answer otherwise.
pub fn within(problem: impl Fn(String) -> Problem, field: &str, text: &str, (min, max): (usize, usize)) -> Result<(), Problem> {
    if (min..=max).contains(&text.chars().count()) {
        return Ok(());
    }
    let message = format!("{min} to {max} characters");
    Err(problem(format!("{field}: {message}")).with(field, message))
}

/// The query of the address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| query_problem(&rejection))
    }
}

fn query_problem(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match text.split_once(": ") {
        Some((name, message)) if is_name(name) => field_problem(Problem::malformed, name, message),
        _ => field_problem(Problem::malformed, "", text),
    }
}

/// The identifier in the path.
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T>
where
    T::Err: Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found("the address holds bytes that are no text"))?;
        let (_, text) = params.iter().next().ok_or_else(Problem::internal)?;
        text.parse().map(Self).map_err(|error: T::Err| Problem::not_found(error.to_string()))
    }
}

/// The two identifiers in the path, in their order.
pub struct Ids<A, B>(pub A, pub B);

impl<A: FromStr, B: FromStr, S: Send + Sync> FromRequestParts<S> for Ids<A, B>
where
    A::Err: Display,
    B::Err: Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found("the address holds bytes that are no text"))?;
        let mut texts = params.iter().map(|(_, text)| text);
        let (first, second) = texts.next().zip(texts.next()).ok_or_else(Problem::internal)?;
        let first = first.parse().map_err(|error: A::Err| Problem::not_found(error.to_string()))?;
        Ok(Self(first, second.parse().map_err(|error: B::Err| Problem::not_found(error.to_string()))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        name: String,
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        count: u8,
    }

    fn answer(text: &str) -> serde_json::Value {
        serde_json::to_value(parse::<Outer>(text.as_bytes()).expect_err("a problem")).expect("JSON")
    }

    #[test]
    fn names_the_field_and_repeats_no_value() {
        for (text, status, field, message) in [
            (r#"{"nmae":"x"}"#, 422, "nmae", "unknown field: expected `name` or `inner`"),
            (r#"{}"#, 422, "name", "required"),
            (r#"{"name":1}"#, 422, "name", "expected a string"),
            (r#"{"name":"a","inner":{"count":300}}"#, 422, "inner.count", "expected u8"),
            (r#"{"name":"a","inner":{"cuont":3}}"#, 422, "inner.cuont", "unknown field: expected `count`"),
            (r#"{"name":"a","inner":{}}"#, 422, "inner.count", "required"),
            (r#"[]"#, 422, "name", "expected struct Outer with 2 elements"),
        ] {
            let problem = answer(text);
            assert_eq!(problem["status"], status, "{text}");
            if text != "[]" {
                assert_eq!(problem["errors"][0]["field"], field, "{text}");
                assert_eq!(problem["errors"][0]["message"], message, "{text}");
            }
        }
        assert!(!answer(r#"{"name":{"phone":"+447700900123"}}"#).to_string().contains("900123"));
        assert!(!answer(r#"{"name":"a","inner":{"count":"+447700900123"}}"#).to_string().contains("900123"));
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", "{", "name=x", r#"{"name":"a"} {}"#, "\u{feff}"] {
            assert_eq!(answer(text)["status"], 400, "{text}");
        }
    }
}
