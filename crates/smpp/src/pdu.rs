//! SMPP protocol data units: framed by `command_length` first, decoded leniently, encoded strictly.
//!
//! Section numbers in this module are those of "SMPP Protocol Specification v3.4", issue 1.2.

mod bind;
mod body;
mod command;
mod decode;
mod encode;
mod frame;
mod message;
mod query;
mod status;
mod time;
mod tlv;
mod wire;

pub use bind::{Bind, BindKind, BindResponse, Outbind, Version};
pub use body::{Body, Pdu};
pub use command::CommandId;
pub use decode::{DecodeError, Undecodable};
pub use frame::{FRAME_MAX_BYTES, Frame, Framer};
pub use message::{
    Address, AlertNotification, DeliverSm, EsmClass, InvalidField, MessageId, ShortMessage,
    SubmitSm,
};
pub use query::{MessageState, QuerySm, QuerySmResponse};
pub use status::{CommandStatus, RetryClass};
pub use time::relative_time;
pub use tlv::{Tlv, Tlvs, tag};

pub(crate) use encode::{encode_bare, encode_message, encode_message_response};

/// Octets of the header that begins every PDU (3.2).
pub const HEADER_BYTES: usize = 16;
/// The highest sequence number; the next one is 1 (3.2, "sequence_number").
pub const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;
