//! Nobody is contacted without a permit.

pub mod consent;
pub mod decision;
pub mod facts;
pub mod hold;
pub mod purpose;
pub mod suppression;
pub mod window;
