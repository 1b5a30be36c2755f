//! Connectors: what clients instructed, and what is pulled from their systems, and results that go back.

pub mod connector;
pub mod export;
pub mod form;
pub mod instruction;
pub mod list;
pub mod run;
