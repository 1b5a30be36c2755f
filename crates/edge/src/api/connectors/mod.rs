//! Instructions of clients, and the connectors that pull under them, and results that go back.

pub mod connector;
pub mod export;
pub mod instruction;
pub mod run;
