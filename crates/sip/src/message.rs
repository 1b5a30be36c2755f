//! SIP messages (RFC 3261, section 7): read leniently within limits, written strictly.

mod frame;
mod header;
mod method;
mod parse;
mod via;

pub use frame::{FrameError, Framer};
pub use header::{Header, Name};
pub(crate) use method::ALLOW;
pub use method::Method;
pub use parse::{MESSAGE_BYTES_MAX, ParseError, parse};
pub use via::Via;

use std::fmt::Write;

use crate::name_addr::NameAddr;
use crate::params::split_outside_quotes;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Request {
        method: Method,
        /// As written: an odd one is answered and not dropped.
        uri: String,
    },
    Response {
        status: u16,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub start: Start,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

impl Message {
    #[must_use]
    pub fn request(method: Method, uri: String) -> Self {
        Self { start: Start::Request { method, uri }, headers: Vec::with_capacity(16), body: Vec::new() }
    }

    /// A response to a request, with what must be copied from it (RFC 3261, section 8.2.6).
    #[must_use]
    pub fn response(request: &Self, status: u16, reason: &str, to_tag: &str) -> Self {
        let mut response = Self { start: Start::Response { status, reason: reason.to_owned() }, headers: Vec::with_capacity(12), body: Vec::new() };
        for header in &request.headers {
            match header.name {
                Name::Via | Name::From | Name::CallId | Name::CSeq => response.headers.push(header.clone()),
                Name::RecordRoute if (101..300).contains(&status) => response.headers.push(header.clone()),
                Name::To if status > 100 && !to_tag.is_empty() && request.to().is_none_or(|to| to.tag().is_none()) => {
                    response.push(Name::To, format!("{};tag={to_tag}", header.value));
                }
                Name::To => response.headers.push(header.clone()),
                _ => {}
            }
        }
        response
    }

    pub fn push(&mut self, name: Name, value: impl Into<String>) {
        self.headers.push(Header { name, value: value.into() });
    }

    /// Replaces the headers of this name by one.
    pub fn set(&mut self, name: Name, value: impl Into<String>) {
        self.headers.retain(|header| header.name != name);
        self.push(name, value);
    }

    /// Replaces our own Via.
    pub fn set_via(&mut self, value: String) {
        if let Some(top) = self.headers.iter_mut().find(|header| header.name == Name::Via) {
            top.value = value;
        }
    }

    #[must_use]
    pub fn get(&self, name: &Name) -> Option<&str> {
        self.headers.iter().find(|header| header.name == *name).map(|header| header.value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |header| header.name == *name).map(|header| header.value.as_str())
    }

    /// The members of a comma-separated header, over all its lines.
    pub fn list<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| split_outside_quotes(value, b',')).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether a list of option tags or methods names this one.
    #[must_use]
    pub fn lists(&self, name: &Name, tag: &str) -> bool {
        self.list(name).any(|value| value.eq_ignore_ascii_case(tag))
    }

    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            Start::Response { status, .. } => Some(*status),
            Start::Request { .. } => None,
        }
    }

    #[must_use]
    pub fn via(&self) -> Option<Via> {
        self.get(&Name::Via).and_then(Via::parse)
    }

    #[must_use]
    pub fn from(&self) -> Option<NameAddr> {
        self.get(&Name::From).and_then(|value| NameAddr::parse(value).ok())
    }

    #[must_use]
    pub fn to(&self) -> Option<NameAddr> {
        self.get(&Name::To).and_then(|value| NameAddr::parse(value).ok())
    }

    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.get(&Name::CallId)
    }

    #[must_use]
    pub fn cseq(&self) -> Option<(u32, Method)> {
        let (number, method) = self.get(&Name::CSeq)?.trim().split_once([' ', '\t'])?;
        Some((number.parse().ok().filter(|&number| number < 1 << 31)?, Method::parse(method.trim())))
    }

    /// The first Contact that is an address.
    #[must_use]
    pub fn contact(&self) -> Option<NameAddr> {
        self.list(&Name::Contact).find_map(|value| NameAddr::parse(value).ok())
    }

    /// A header that is a number, perhaps with parameters or a comment behind it.
    #[must_use]
    pub fn number(&self, name: &Name) -> Option<u32> {
        let value = self.get(name)?.trim();
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        value[..digits].parse().ok()
    }

    /// Whether the body is of this type, by its Content-Type without parameters.
    #[must_use]
    pub fn body_is(&self, kind: &str) -> bool {
        !self.body.is_empty() && self.get(&Name::ContentType).is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind))
    }

    pub fn set_body(&mut self, kind: &str, body: Vec<u8>) {
        self.set(Name::ContentType, kind);
        self.body = body;
    }

    /// What goes on the wire. Content-Length is always ours.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let headers: usize = self.headers.iter().map(|header| header.name.as_str().len() + header.value.len() + 4).sum();
        let mut text = String::with_capacity(headers + self.body.len() + 256);
        // Writing to a text cannot fail.
        let _ = match &self.start {
            Start::Request { method, uri } => write!(text, "{method} {uri} SIP/2.0\r\n"),
            Start::Response { status, reason } => write!(text, "SIP/2.0 {status} {reason}\r\n"),
        };
        for header in self.headers.iter().filter(|header| header.name != Name::ContentLength) {
            text.push_str(header.name.as_str());
            text.push_str(": ");
            text.push_str(&header.value);
            text.push_str("\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n", self.body.len());
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Why this message cannot be worked with, if so (RFC 3261, section 8.1.1, and RFC 4475, section 3.1.2).
    pub fn fault(&self) -> Option<&'static str> {
        for (name, fault) in [(Name::From, "one From is needed"), (Name::To, "one To is needed"), (Name::CallId, "one Call-ID is needed"), (Name::CSeq, "one CSeq is needed")] {
            if self.all(&name).count() != 1 {
                return Some(fault);
            }
        }
        if self.call_id().is_none_or(str::is_empty) {
            return Some("the Call-ID is empty");
        }
        if self.via().is_none() {
            return Some("the Via cannot be read");
        }
        if self.from().is_none() || self.to().is_none() {
            return Some("From or To cannot be read");
        }
        let Some((_, method)) = self.cseq() else { return Some("the CSeq cannot be read") };
        if self.method().is_some_and(|own| *own != method) {
            return Some("the CSeq names another method");
        }
        if self.all(&Name::ContentLength).count() > 1 {
            return Some("one Content-Length is allowed");
        }
        None
    }
}
