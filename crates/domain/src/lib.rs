//! The words and rules of Clarion: no I/O, no clock, no randomness, no async.
//! Time, identifiers and chance come in as arguments.

mod word;

pub mod id;
pub mod personal;
pub mod time;

// The walk, in order.
pub mod tenancy;
pub mod intake;
pub mod contacts;
pub mod campaigns;
pub mod compliance;
pub mod attempts;
pub mod carriers;
pub mod outcomes;
pub mod reports;
pub mod privacy;
pub mod audit;
pub mod webhooks;
pub mod connectors;
pub mod links;
