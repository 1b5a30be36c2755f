//! Short links: the tenant's own name, and what became of a campaign's links.

pub mod domain;
pub mod report;
