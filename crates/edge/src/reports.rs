//! The counts of a period: by day, by ending, by campaign; on the page and as CSV.

pub mod compare;
pub mod files;
pub mod measure;
pub mod totals;
