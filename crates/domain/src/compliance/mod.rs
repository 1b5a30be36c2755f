//! Nobody is contacted without a permit.

pub mod purpose;
pub mod suppression;
