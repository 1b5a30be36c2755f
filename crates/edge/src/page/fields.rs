//! What a form holds, and what is wrong with it. Reading never fails: a missing field is an empty one.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;

use super::fault::Fault;

/// The fields of a submitted form, or of a query.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The field's text without outer white space.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The field as sent: a message's text, a password.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(found, held)| found == name && held == value)
    }

    pub fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name).parse().ok()
    }

    pub fn word<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).parse().ok()
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(FormRejection::BytesRejection(error)) if error.status() == 413 => Err(Fault::TooLarge),
            Err(_) => Err(Fault::Malformed),
        }
    }
}

/// The fields of the query string.
pub struct Asked(pub Fields);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Query(fields) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| Fault::Malformed)?;
        Ok(Self(Fields(fields)))
    }
}

/// What a person must put right: the field's name, and what to do.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn one(field: &str, text: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, text);
        problems
    }

    pub fn add(&mut self, field: &str, text: impl Into<String>) {
        self.0.push((field.into(), text.into()));
    }

    /// Adds `text` when the field is empty.
    pub fn need(&mut self, fields: &Fields, field: &str, text: &str) {
        if !fields.is_set(field) {
            self.add(field, text);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == field).map(|(_, text)| text.as_str())
    }

    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }
}
