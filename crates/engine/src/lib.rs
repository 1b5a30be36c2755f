//! The walk, as workers: the only crate that sends or dials. It meets `edge` in the store alone.

// The walk, in order.
pub mod intake;
pub mod campaigns;
pub mod compliance;
pub mod attempts;
pub mod calls;
mod carriers;
mod outcomes;
mod outward;
pub mod provider;
mod thread;
pub mod privacy;
pub mod webhooks;
pub mod connectors;
pub mod links;
