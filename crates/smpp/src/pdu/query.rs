//! Asking for a message's state (4.8), and the states themselves (5.2.28).

use super::decode::Undecodable;
use super::message::Address;
use super::wire::{Reader, put_text};
use std::fmt;

/// The state of a message at the SMSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// 0 (5.0): waiting for its scheduled time.
    Scheduled,
    /// 1: on its way.
    EnRoute,
    /// 2: delivered.
    Delivered,
    /// 3: validity ran out.
    Expired,
    /// 4: removed at the SMSC.
    Deleted,
    /// 5: cannot be delivered.
    Undeliverable,
    /// 6: accepted on the subscriber's behalf (read by a person at customer service).
    Accepted,
    /// 7: the SMSC does not know what became of it.
    Unknown,
    /// 8: refused.
    Rejected,
    /// 9 (5.0): left out by the SMSC.
    Skipped,
}

impl MessageState {
    /// From the octet on the wire.
    pub fn of(octet: u64) -> Option<MessageState> {
        use MessageState::*;
        let states = [
            Scheduled,
            EnRoute,
            Delivered,
            Expired,
            Deleted,
            Undeliverable,
            Accepted,
            Unknown,
            Rejected,
            Skipped,
        ];
        usize::try_from(octet)
            .ok()
            .and_then(|index| states.get(index).copied())
    }

    /// The octet on the wire.
    pub fn octet(self) -> u8 {
        self as u8
    }

    /// Whether no other state can follow.
    pub fn is_final(self) -> bool {
        !matches!(self, MessageState::Scheduled | MessageState::EnRoute)
    }
}

/// What became of this message? (4.8.1)
#[derive(Clone, PartialEq, Eq, Default)]
pub struct QuerySm {
    /// The id from the submit response.
    pub message_id: String,
    /// The sender that the message was submitted with.
    pub source: Address,
}

impl fmt::Debug for QuerySm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuerySm")
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl QuerySm {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<QuerySm, Undecodable> {
        let message_id = reader.text("message_id")?;
        let (ton, npi) = (reader.u8("source_addr_ton")?, reader.u8("source_addr_npi")?);
        Ok(QuerySm {
            message_id,
            source: Address {
                ton,
                npi,
                value: reader.last_text(),
            },
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.message_id);
        out.extend_from_slice(&[self.source.ton, self.source.npi]);
        put_text(out, &self.source.value);
    }
}

/// The answer (4.8.2). What a peer left out is empty or zero.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QuerySmResponse {
    /// The id that was asked for.
    pub message_id: String,
    /// When it reached its final state (7.1.1), or empty.
    pub final_date: String,
    /// The state's octet; see [`MessageState::of`].
    pub message_state: u8,
    /// The network's error code.
    pub error_code: u8,
}

impl QuerySmResponse {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> QuerySmResponse {
        QuerySmResponse {
            message_id: reader.last_text(),
            final_date: reader.last_text(),
            message_state: reader.u8("message_state").unwrap_or_default(),
            error_code: reader.u8("error_code").unwrap_or_default(),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.message_id);
        put_text(out, &self.final_date);
        out.extend_from_slice(&[self.message_state, self.error_code]);
    }
}
