//! The REST API through its router, over a database in a temporary folder.

#[path = "api/support.rs"]
mod support;
#[path = "api/people.rs"]
mod people;

#[path = "api/document.rs"]
mod document;
#[path = "api/idempotency.rs"]
mod idempotency;
#[path = "api/isolation.rs"]
mod isolation;
#[path = "api/keys.rs"]
mod keys;
#[path = "api/reading.rs"]
mod reading;
