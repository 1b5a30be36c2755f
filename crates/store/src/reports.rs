//! Counts that are kept in the transaction that changes them, and the recount that they must equal.

mod measure;
mod sums;

pub use measure::{MeasureCursor, MeasureDelta, MeasureKey, MeasureRow, Span, add_measures};
pub use sums::{CampaignSum, EndingSum};
