//! An address with its display name and parameters: From, To, Contact, Route and their like
//! (RFC 3261, section 20.10).

use std::fmt;

use crate::params::{Params, quote, split_outside_quotes, unquote};
use crate::uri::{Uri, UriError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    pub display: Option<String>,
    pub uri: Uri,
    pub params: Params,
}

impl NameAddr {
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    pub fn parse(text: &str) -> Result<Self, UriError> {
        let text = text.trim();
        let open = split_outside_quotes(text, b'<').next().map(str::len).filter(|&at| at < text.len());
        let Some(open) = open else {
            // Without brackets, parameters belong to the header and not to the URI.
            let (uri, params) = text.split_once(';').unwrap_or((text, ""));
            return Ok(Self { display: None, uri: Uri::parse(uri)?, params: Params::parse(params) });
        };
        let (uri, rest) = text[open + 1..].split_once('>').ok_or(UriError::Form)?;
        let display = Some(unquote(&text[..open])).filter(|name| !name.is_empty());
        Ok(Self { display, uri: Uri::parse(uri)?, params: Params::parse(rest) })
    }

    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag.to_owned()));
        self
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_brackets() {
        let named = NameAddr::parse(r#""A <b>, \"c\"" <sip:01632960001@h;lr>;tag=x"#).expect("an address");
        assert_eq!(named.display.as_deref(), Some(r#"A <b>, "c""#));
        assert!(named.uri.is_loose());
        assert_eq!(named.tag(), Some("x"));
        let bare = NameAddr::parse("sip:a@h;tag=y").expect("an address");
        assert_eq!((bare.tag(), bare.uri.params.has("tag")), (Some("y"), false));
        assert_eq!(NameAddr::parse("Bob Token <sip:b@h>").expect("an address").to_string(), r#""Bob Token" <sip:b@h>"#);
        for text in ["", "<sip:a@h", "\"open <sip:a@h>", "*"] {
            assert!(NameAddr::parse(text).is_err(), "{text}");
        }
    }
}
