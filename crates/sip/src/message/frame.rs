//! Cutting messages out of a stream by Content-Length (RFC 3261, section 18.3).

use super::parse::{MESSAGE_BYTES_MAX, content_length, end_of_head, parse};
use super::{Message, ParseError};

/// After these a stream cannot be followed any more: it is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a message on the stream is larger than may be")]
    TooLarge,
    #[error("a message on the stream cannot be read: {0}")]
    Message(#[from] ParseError),
}

/// Bytes that came in and are no whole message yet.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// No end of headers stands before here.
    searched: usize,
    /// Keep-alives that want an answer (RFC 5626, section 4.4.1).
    pings: usize,
}

impl Framer {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// How many double line ends came in since the last call; each is answered with one line end.
    pub fn take_pings(&mut self) -> usize {
        std::mem::take(&mut self.pings)
    }

    /// The next whole message. A message without Content-Length has no body.
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        let blank = self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            self.pings += usize::from(blank >= 4 && blank == self.bytes.len());
            self.bytes.drain(..blank);
            self.searched = 0;
        }
        let Some((_, body)) = end_of_head(&self.bytes, self.searched) else {
            // The end may begin in the last three bytes.
            self.searched = self.bytes.len().saturating_sub(3);
            return if self.bytes.len() > MESSAGE_BYTES_MAX { Err(FrameError::TooLarge) } else { Ok(None) };
        };
        let head = match parse(&self.bytes[..body]) {
            Ok(head) => head,
            // The body is not here yet, that is all.
            Err(ParseError::Body { message, .. }) => *message,
            Err(error) => return Err(error.into()),
        };
        let length = content_length(&head).map_err(|why| ParseError::Body { message: Box::new(head.clone()), why })?.unwrap_or(0);
        let whole = body.saturating_add(length);
        if whole > MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let mut message = head;
        message.body = self.bytes[body..whole].to_vec();
        self.bytes.drain(..whole);
        self.searched = 0;
        Ok(Some(message))
    }
}
