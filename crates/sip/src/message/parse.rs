//! Reading a message. Lenient in form, strict in size; hostile input is an error and never a panic.

use super::{Header, Message, Method, Name, Start};
use crate::params::split_outside_quotes;

/// A datagram cannot be longer; a stream's message may not.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
const HEADERS_MAX: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing but line ends, or STUN and other keep-alives: no message at all.
    #[error("it holds no message")]
    Empty,
    #[error("it is larger than a message may be")]
    TooLarge,
    #[error("the first line is neither a request's nor a response's")]
    Start,
    /// The headers can be answered, the rest cannot be trusted.
    #[error("{why}")]
    Body { message: Box<Message>, why: &'static str },
}

/// Reads one message that fills the datagram or frame.
pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(ParseError::TooLarge);
    }
    let begin = bytes.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0).ok_or(ParseError::Empty)?;
    let bytes = &bytes[begin..];
    let (head, body) = split_head(bytes);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let start = start_line(lines.next().unwrap_or_default()).ok_or(ParseError::Start)?;
    let headers = headers(lines)?;
    let mut message = Message { start, headers, body: Vec::new() };
    match content_length(&message) {
        Ok(None) => message.body = body.to_vec(),
        Ok(Some(length)) if length <= body.len() => message.body = body[..length].to_vec(),
        Ok(Some(_)) => return Err(ParseError::Body { message: Box::new(message), why: "the body is shorter than its Content-Length" }),
        Err(why) => return Err(ParseError::Body { message: Box::new(message), why }),
    }
    Ok(message)
}

/// What stands before and behind the empty line.
fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    match end_of_head(bytes, 0) {
        Some((end, body)) => (&bytes[..end], &bytes[body..]),
        None => (bytes, &[]),
    }
}

/// The end of the headers and the start of the body, looked for from `from` on.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        let end = at + found;
        match bytes[end + 1..] {
            [b'\n', ..] => return Some((end, end + 2)),
            [b'\r', b'\n', ..] => return Some((end, end + 3)),
            _ => at = end + 1,
        }
    }
    None
}

pub(super) fn content_length(message: &Message) -> Result<Option<usize>, &'static str> {
    let Some(value) = message.get(&Name::ContentLength) else { return Ok(None) };
    value.trim().parse::<u32>().map(|length| Some(length as usize)).map_err(|_| "the Content-Length is no number")
}

fn start_line(line: &str) -> Option<Start> {
    let line = line.trim_end();
    if line.get(..8).is_some_and(|version| version.eq_ignore_ascii_case("SIP/2.0 ")) {
        let rest = line[8..].trim_start();
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = status.parse().ok().filter(|status| (100..700).contains(status))?;
        return Some(Start::Response { status, reason: reason.trim().to_owned() });
    }
    let (method, rest) = line.split_once(' ')?;
    let (uri, version) = rest.trim().rsplit_once(' ')?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    if method.is_empty() || method.len() > 32 || !method.bytes().all(token) || !version.eq_ignore_ascii_case("SIP/2.0") {
        return None;
    }
    Some(Start::Request { method: Method::parse(method), uri: uri.trim().to_owned() })
}

/// Unfolds lines and splits those headers whose order of values matters. Lines that are no header are left out.
fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Header>, ParseError> {
    let mut headers: Vec<Header> = Vec::with_capacity(16);
    let mut unfolded = String::new();
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let mut line = line;
        if lines.peek().is_some_and(|next| next.starts_with([' ', '\t'])) {
            unfolded.clear();
            unfolded.push_str(line);
            while let Some(next) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
                unfolded.push(' ');
                unfolded.push_str(next.trim());
            }
            line = &unfolded;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim();
        if name.is_empty() || name.bytes().any(|byte| byte <= b' ' || byte >= 0x7F) {
            continue;
        }
        let name = Name::parse(name);
        // A carriage return or NUL within a value must not travel on.
        let clean = |value: &str| {
            let value = value.trim();
            if value.bytes().any(|byte| matches!(byte, b'\r' | b'\0')) { value.replace(['\r', '\0'], " ") } else { value.to_owned() }
        };
        if matches!(name, Name::Via | Name::Route | Name::RecordRoute) {
            headers.extend(split_outside_quotes(value, b',').map(|value| Header { name: name.clone(), value: clean(value) }).filter(|header| !header.value.is_empty()));
        } else {
            headers.push(Header { name, value: clean(value) });
        }
        if headers.len() > HEADERS_MAX {
            return Err(ParseError::TooLarge);
        }
    }
    Ok(headers)
}
