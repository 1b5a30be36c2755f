//! The REST API through its router, over a database in a temporary folder.

#[path = "api/support.rs"]
mod support;
#[path = "api/people.rs"]
mod people;

#[path = "api/campaigns.rs"]
mod campaigns;
#[path = "api/contacts.rs"]
mod contacts;
#[path = "api/document.rs"]
mod document;
#[path = "api/idempotency.rs"]
mod idempotency;
#[path = "api/imports.rs"]
mod imports;
#[path = "api/isolation.rs"]
mod isolation;
#[path = "api/keys.rs"]
mod keys;
#[path = "api/links.rs"]
mod links;
#[path = "api/privacy.rs"]
mod privacy;
#[path = "api/suppressions.rs"]
mod suppressions;
#[path = "api/rate_limit.rs"]
mod rate_limit;
#[path = "api/reading.rs"]
mod reading;
#[path = "api/reports.rs"]
mod reports;
#[path = "api/rules.rs"]
mod rules;
#[path = "api/connectors.rs"]
mod connectors;
#[path = "api/sequence.rs"]
mod sequence;
#[path = "api/sftp.rs"]
mod sftp;
#[path = "api/voice.rs"]
mod voice;
#[path = "api/webhooks.rs"]
mod webhooks;
