//! From one frame to a [`Pdu`]: lenient with what peers get wrong, definite about what to answer.

use super::HEADER_BYTES;
use super::bind::{Bind, BindKind, BindResponse, Outbind};
use super::body::{Body, Pdu};
use super::command::CommandId;
use super::encode::encode_bare;
use super::message::{AlertNotification, MessageId, ShortMessage};
use super::query::{QuerySm, QuerySmResponse};
use super::status::CommandStatus;
use super::wire::Reader;

/// Why a frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The command is none of those that we handle.
    #[error("the command is not supported")]
    UnknownCommand,
    /// A mandatory field runs past the end of the PDU.
    #[error("the PDU ends inside {field}")]
    Truncated {
        /// The specification's name of the field.
        field: &'static str,
    },
    /// The frame is shorter than a header.
    #[error("the PDU is shorter than its header")]
    Headerless,
    /// `command_length` is above what we take; the frame was skipped.
    #[error("the PDU is longer than we take")]
    Oversized,
}

/// A frame that could not be read, with enough of its header to answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} with sequence {sequence}: {why}")]
pub struct DecodeError {
    /// What it claimed to be.
    pub command: CommandId,
    /// Its sequence number.
    pub sequence: u32,
    /// What is wrong with it.
    pub why: Undecodable,
}

impl DecodeError {
    /// The status that tells the peer what was wrong.
    pub fn status(&self) -> CommandStatus {
        match self.why {
            Undecodable::UnknownCommand => CommandStatus::RINVCMDID,
            Undecodable::Truncated {
                field: "short_message",
            } => CommandStatus::RINVMSGLEN,
            Undecodable::Truncated { .. } => CommandStatus::RSYSERR,
            Undecodable::Headerless | Undecodable::Oversized => CommandStatus::RINVCMDLEN,
        }
    }

    /// Writes the answer that the peer is owed (4.3): `generic_nack` for a command or a length that is wrong,
    /// the command's own response for a bad body, nothing for a response or an alert, which are never answered.
    pub fn answer(&self, out: &mut Vec<u8>) {
        let silent = [CommandId::ALERT_NOTIFICATION, CommandId::OUTBIND];
        if self.command.is_response() || silent.contains(&self.command) {
            return;
        }
        let command = match self.why {
            Undecodable::Truncated { .. } => self.command.response(),
            _ => CommandId::GENERIC_NACK,
        };
        encode_bare(out, command, self.status(), self.sequence);
    }
}

fn word(frame: &[u8], at: usize) -> Option<u32> {
    let octets = frame.get(at..at + 4)?;
    Some(
        octets
            .iter()
            .fold(0, |sum, &octet| sum << 8 | u32::from(octet)),
    )
}

impl Pdu {
    /// Reads one frame, header included. `frame` is exactly what `command_length` announced.
    pub fn decode(frame: &[u8]) -> Result<Pdu, DecodeError> {
        let command = CommandId(word(frame, 4).unwrap_or_default());
        let sequence = word(frame, 12).unwrap_or_default();
        let decoded = match frame.get(HEADER_BYTES..) {
            Some(body) => decode_body(command, &mut Reader::new(body)),
            None => Err(Undecodable::Headerless),
        };
        let status = CommandStatus(word(frame, 8).unwrap_or_default());
        decoded
            .map(|body| Pdu {
                status,
                sequence,
                body,
            })
            .map_err(|why| DecodeError {
                command,
                sequence,
                why,
            })
    }
}

fn decode_body(command: CommandId, reader: &mut Reader<'_>) -> Result<Body, Undecodable> {
    if let Some(kind) = BindKind::of(command) {
        return Ok(match command.is_response() {
            true => Body::BindResponse(kind, BindResponse::decode(reader)),
            false => Body::Bind(kind, Bind::decode(reader)?),
        });
    }
    Ok(match command {
        CommandId::SUBMIT_SM => Body::SubmitSm(Box::new(ShortMessage::decode(reader)?)),
        CommandId::SUBMIT_SM_RESP => Body::SubmitSmResponse(MessageId::decode(reader)),
        CommandId::DELIVER_SM => Body::DeliverSm(Box::new(ShortMessage::decode(reader)?)),
        CommandId::DELIVER_SM_RESP => Body::DeliverSmResponse(MessageId::decode(reader)),
        CommandId::DATA_SM => Body::DataSm(Box::new(ShortMessage::decode_data(reader)?)),
        CommandId::DATA_SM_RESP => Body::DataSmResponse(MessageId::decode(reader)),
        CommandId::QUERY_SM => Body::QuerySm(QuerySm::decode(reader)?),
        CommandId::QUERY_SM_RESP => Body::QuerySmResponse(QuerySmResponse::decode(reader)),
        CommandId::ENQUIRE_LINK => Body::EnquireLink,
        CommandId::ENQUIRE_LINK_RESP => Body::EnquireLinkResponse,
        CommandId::UNBIND => Body::Unbind,
        CommandId::UNBIND_RESP => Body::UnbindResponse,
        CommandId::GENERIC_NACK => Body::GenericNack,
        CommandId::OUTBIND => Body::Outbind(Outbind::decode(reader)?),
        CommandId::ALERT_NOTIFICATION => {
            Body::AlertNotification(AlertNotification::decode(reader)?)
        }
        _ => return Err(Undecodable::UnknownCommand),
    })
}
