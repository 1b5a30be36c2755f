//! Counts that are kept in the transaction that changes them, and the recount that they must equal.

mod measure;

pub use measure::{MeasureDelta, MeasureKey, MeasureRow, add_measures};
