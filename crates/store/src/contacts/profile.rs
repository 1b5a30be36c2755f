//! What is known of a person beside the number: sealed with the person's own key, label `contact.profile`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The label under which a profile is sealed.
pub const PROFILE_LABEL: &str = "contact.profile";

/// The sealed JSON. What is not known is empty; `fields` are the tenant's declared ones.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContactProfile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// The number as the latest file had it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number_as_written: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Masked like all personal data.
impl fmt::Debug for ContactProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactProfile(…)")
    }
}

impl ContactProfile {
    /// The value that a template's field of this name takes; `None` when it is not known.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let value = match name {
            "reference" => Some(&self.reference),
            "first_name" => Some(&self.first_name),
            "last_name" => Some(&self.last_name),
            "user_id" => Some(&self.user_id),
            name => self.fields.get(name),
        };
        value.map(String::as_str).filter(|value| !value.is_empty())
    }
}
