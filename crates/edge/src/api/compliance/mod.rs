//! What may not be done to whom: suppressions, holds, consents, wishes.

pub mod consent;
pub mod hold;
pub mod preference;
pub mod suppression;
pub mod suppression_file;
