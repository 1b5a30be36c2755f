//! One cell of a row as its file holds it.

/// A cell: its text, or the fact that it holds a formula or a spreadsheet's error, whose value is never taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Blank when empty. A number is written out whole, without an exponent where it has at most 15 digits.
    Text(String),
    Formula,
}

impl Cell {
    #[must_use]
    pub fn blank() -> Self {
        Self::Text(String::new())
    }

    /// The text, empty for a formula.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Formula => "",
        }
    }

    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
