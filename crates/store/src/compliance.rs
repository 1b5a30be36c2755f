//! What may not be done to whom: suppressions, holds, consents, wishes, a tenant's own limits.

mod facts;
mod week;

pub use facts::{ConsentRecord, RECIPIENTS_MAX, RecipientFacts};
pub use week::Week;
