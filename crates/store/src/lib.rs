//! The only SQL. A tenant's rows are reached through `Store::tenant(id, actor)` and in no other way.

pub mod db;
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

pub use signal::{Signal, Signals};
pub use store::{Page, Store, StoreError, Tenant};
