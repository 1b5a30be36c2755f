//! Personal data has a type that prints masked, so that it cannot reach a log line by accident.

use std::fmt;

/// A value about a person. `Debug` and `Display` show at most the last four characters; `reveal` gives the value.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Personal(String);

impl Personal {
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: for the wire, the person's own export, or a user who may see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `…1234`: enough to tell two numbers apart in a list, too little to call one. Short values show nothing.
    #[must_use]
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        if count < 8 { "…".into() } else { format!("…{}", self.0.chars().skip(count - 4).collect::<String>()) }
    }

    /// The value for whoever may see the `whole` of it, its mask for others. Of nothing there is nothing to mask.
    #[must_use]
    pub fn shown(&self, whole: bool) -> String {
        if whole || self.is_empty() { self.0.clone() } else { self.masked() }
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.masked())
    }
}

impl From<String> for Personal {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Personal {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_masked() {
        let number = Personal::new("+447700900123");
        assert_eq!(format!("{number} {number:?}"), "…0123 …0123");
        assert_eq!(format!("{}", Personal::new("Ada")), "…");
        assert_eq!(number.reveal(), "+447700900123");
        assert_eq!([number.shown(true), number.shown(false), Personal::default().shown(false)], ["+447700900123", "…0123", ""]);
    }
}
