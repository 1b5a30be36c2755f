//! Which column of a file is which field of a contact.

use crate::word::words;

words! {
    /// The fields every tenant has. Others exist only when the tenant declared them with a purpose.
    pub enum StandardField {
        Phone = "phone",
        Reference = "reference",
        FirstName = "first_name",
        LastName = "last_name",
        UserId = "user_id",
    }
}
