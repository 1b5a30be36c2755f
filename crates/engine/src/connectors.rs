//! Connectors: what is pulled from clients' systems. Rows stream from the wire into a sealed import; what is not agreed is never written.
//! And exports: results that go back.

mod csv_rows;
mod export;
mod fetch;
mod json_rows;
mod page;
mod pull;
mod worker;

pub use pull::PullLimits;
pub use worker::{ConnectorConfig, run, work};
