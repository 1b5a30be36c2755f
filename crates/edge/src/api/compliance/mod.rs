//! What may not be done to whom: suppressions, holds, consents, wishes, a tenant's own limits, and the rules themselves.

pub mod consent;
pub mod hold;
pub mod limits;
pub mod preference;
pub mod rule;
pub mod suppression;
pub mod suppression_file;
