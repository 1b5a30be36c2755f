//! Whom not to contact: the suppression list, and the question "why not?".

pub mod suppression;
pub mod why_not;
