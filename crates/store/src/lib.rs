//! The only SQL. A tenant's rows are reached through `Store::tenant(id, actor)` and in no other way.

mod acme;
pub mod db;
mod lease;
pub mod seal;
mod signal;
mod store;

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

pub use acme::AcmeCertificate;
pub use lease::Lease;
pub use signal::{Signal, Signals};
pub use store::{FieldFault, Page, Store, StoreError, Tenant};
