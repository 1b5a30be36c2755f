//! A static set of contacts, by name.

/// Longest name of a list, a saved filter, a template or a campaign.
pub const NAME_LENGTH_CHARS_MAX: usize = 100;

/// The name of a list or of a saved filter: one line of visible text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListName(String);

/// Text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListNameError {
    #[error("a name is missing: write a few words by which others will know it")]
    Empty,
    #[error("the name is longer than {NAME_LENGTH_CHARS_MAX} characters: shorten it")]
    TooLong,
    #[error("the name holds a line break or an invisible character: write it on one line")]
    Invisible,
}

impl ListName {
    pub fn new(text: &str) -> Result<Self, ListNameError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(ListNameError::Empty);
        }
        if name.chars().nth(NAME_LENGTH_CHARS_MAX).is_some() {
            return Err(ListNameError::TooLong);
        }
        if name.chars().any(|letter| letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')) {
            return Err(ListNameError::Invisible);
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ListName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_visible_text() {
        assert_eq!(ListName::new("  Arrears, November ").map(|name| name.to_string()), Ok("Arrears, November".into()));
        assert_eq!(ListName::new(" "), Err(ListNameError::Empty));
        assert_eq!(ListName::new(&"x".repeat(101)), Err(ListNameError::TooLong));
        assert!(ListName::new(&"é".repeat(100)).is_ok());
        for text in ["a\nb", "a\u{202e}b", "a\u{0}b"] {
            assert_eq!(ListName::new(text), Err(ListNameError::Invisible));
        }
    }
}
