//! Parameters behind `;` in URIs and headers: names without case, values perhaps in quotes.

use std::fmt;

/// More parameters than this are left out: nothing honest has them.
const PARAMS_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads `a=b;c;d="e;f"`, with or without a leading `;`. What has no name is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut params = Vec::with_capacity(if text.is_empty() { 0 } else { 4 });
        for piece in split_outside_quotes(text, b';').take(PARAMS_MAX) {
            let (name, value) = piece.split_once('=').map_or((piece, None), |(name, value)| (name, Some(value.trim())));
            let name = name.trim();
            if !name.is_empty() {
                params.push((name.to_owned(), value.map(unquote)));
            }
        }
        Self(params)
    }

    /// The value of a parameter; an empty text for one that has none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn set(&mut self, name: &str, value: Option<String>) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(found) => found.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, ";{name}")?;
            match value {
                Some(value) if value.bytes().all(is_bare) && !value.is_empty() => write!(f, "={value}")?,
                Some(value) => write!(f, "={}", quote(value))?,
                None => {}
            }
        }
        Ok(())
    }
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~[]:/?@&$()".contains(&byte)
}

/// A quoted string (RFC 3261, section 25.1), free of line ends.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Takes quotes and escapes off, if there are any.
#[must_use]
pub fn unquote(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => plain.extend(chars.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// Pieces between separators that stand outside of quotes and of angle brackets.
pub fn split_outside_quotes(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped, mut angled) = (false, false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if byte == separator && !quoted && !angled => {
                    rest = Some(&text[at + 1..]);
                    return Some(&text[..at]);
                }
                b'<' if !quoted => angled = true,
                b'>' if !quoted => angled = false,
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_separators() {
        let params = Params::parse(r#";A=1; b ; c="x;\"y" ;=z"#);
        assert_eq!((params.get("a"), params.get("B"), params.get("c")), (Some("1"), Some(""), Some("x;\"y")));
        assert_eq!(params.to_string(), r#";A=1;b;c="x;\"y""#);
        assert_eq!(split_outside_quotes(r#""a,b" <sip:c,d>, e"#, b',').collect::<Vec<_>>(), [r#""a,b" <sip:c,d>"#, " e"]);
    }

    #[test]
    fn a_quoted_text_holds_no_line_end() {
        assert_eq!(quote("a\"b\\\r\nc"), r#""a\"b\\c""#);
        assert_eq!(unquote(r#""a\"b\\c" tail"#), r#"a"b\c"#);
    }
}
