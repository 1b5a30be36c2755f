//! Whom not to contact: the suppression list, and the question "why not?".

pub mod suppression;
pub mod suppression_file;
pub mod why_not;
