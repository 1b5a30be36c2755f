//! What is held on whom, how long, and how it is taken out: for those who answer people's rights.

pub mod erasure;
pub mod inventory;
pub mod legal_hold;
pub mod retention;
pub mod subject;
