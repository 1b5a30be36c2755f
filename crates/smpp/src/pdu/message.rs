//! The message itself: `submit_sm`, `deliver_sm` and `data_sm` share one shape (4.4, 4.6, 4.7).

use super::decode::Undecodable;
use super::tlv::{Tlvs, put_tlv, tag};
use super::wire::{Reader, put_text};
use std::fmt;

/// A number or name with its type of number and numbering plan (5.2.5 to 5.2.9).
///
/// Its `Debug` form is masked, so that no log line can hold a person's number.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// Type of number: 1 international, 5 alphanumeric, …
    pub ton: u8,
    /// Numbering plan: 1 E.164, 0 unknown, …
    pub npi: u8,
    /// Digits or name, at most 20 characters when sent by us; whatever came when received.
    pub value: String,
}

impl Address {
    /// An international number, digits only (a leading `+` is dropped).
    pub fn international(number: &str) -> Address {
        Address {
            ton: 1,
            npi: 1,
            value: number.trim_start_matches('+').to_owned(),
        }
    }

    /// A sender name.
    pub fn alphanumeric(name: &str) -> Address {
        Address {
            ton: 5,
            npi: 0,
            value: name.to_owned(),
        }
    }

    fn decode(reader: &mut Reader<'_>, field: &'static str) -> Result<Address, Undecodable> {
        Ok(Address {
            ton: reader.u8(field)?,
            npi: reader.u8(field)?,
            value: reader.text(field)?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.ton, self.npi]);
        put_text(out, &self.value);
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters = self.value.chars().count();
        let tail: String = self
            .value
            .chars()
            .skip(characters.saturating_sub(4))
            .collect();
        let shown = if characters > 6 { tail.as_str() } else { "" };
        write!(f, "…{shown}/{}/{}", self.ton, self.npi)
    }
}

/// `esm_class` (5.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct EsmClass(pub u8);

impl EsmClass {
    /// The bit that says that the text begins with a user data header.
    pub const UDHI: u8 = 0x40;
    /// Message type: delivery receipt from the SMSC.
    pub const DELIVERY_RECEIPT: u8 = 0x04;

    /// Whether the text begins with a user data header.
    pub fn has_udh(self) -> bool {
        self.0 & EsmClass::UDHI != 0
    }

    /// Whether the SMSC marks this as a delivery receipt, or as an intermediate one.
    pub fn is_receipt(self) -> bool {
        matches!(self.0 & 0x3C, 0x04 | 0x20)
    }
}

/// A message as `submit_sm` or `deliver_sm` carries it; `data_sm` is read into the same shape.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ShortMessage {
    /// Usually empty; at most 5 characters.
    pub service_type: String,
    /// Who it is from.
    pub source: Address,
    /// Who it is for.
    pub destination: Address,
    /// Message mode, type and features.
    pub esm_class: EsmClass,
    /// GSM protocol identifier, usually 0.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority: u8,
    /// Empty for now, or 16 characters (7.1.1).
    pub schedule_delivery_time: String,
    /// Empty for the SMSC's default, or 16 characters (7.1.1).
    pub validity_period: String,
    /// 1 asks for a receipt whatever the end (5.2.17).
    pub registered_delivery: u8,
    /// 1 replaces an earlier message of the same kind.
    pub replace_if_present: u8,
    /// How the text is encoded (5.2.19).
    pub data_coding: u8,
    /// A message stored at the SMSC, 0 for none.
    pub sm_default_msg_id: u8,
    /// The text's octets, at most 254; more goes into `message_payload`.
    pub short_message: Vec<u8>,
    /// Optional parameters.
    pub tlvs: Tlvs,
}

/// What `submit_sm` carries.
pub type SubmitSm = ShortMessage;
/// What `deliver_sm` carries.
pub type DeliverSm = ShortMessage;

/// The most octets that `sm_length` may announce (5.2.21).
const SHORT_MESSAGE_MAX_BYTES: usize = 254;
/// Leaves room for the mandatory fields in a frame of `FRAME_MAX_BYTES`.
const TLVS_MAX_BYTES: usize = 64_000;

/// A field that the specification does not allow on the wire; the message was not and will not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The specification's name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl ShortMessage {
    /// The text's octets, wherever they are: `short_message`, or `message_payload` when that is empty.
    pub fn content(&self) -> &[u8] {
        match self.short_message.is_empty() {
            true => self.tlvs.get(tag::MESSAGE_PAYLOAD).unwrap_or_default(),
            false => &self.short_message,
        }
    }

    /// Checks what we are about to send against the specification's limits (5.2). Decoding never does.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_text("service_type", &self.service_type, 5)?;
        check_text("source_addr", &self.source.value, 20)?;
        check_text("destination_addr", &self.destination.value, 20)?;
        check_text("schedule_delivery_time", &self.schedule_delivery_time, 16)?;
        check_text("validity_period", &self.validity_period, 16)?;
        let octets = self.short_message.len()
            + self
                .tlvs
                .0
                .iter()
                .map(|tlv| tlv.value.len() + 4)
                .sum::<usize>();
        if octets > TLVS_MAX_BYTES {
            return Err(InvalidField {
                field: "short_message",
                problem: "and parameters do not fit into one PDU",
            });
        }
        if self.short_message.len() > SHORT_MESSAGE_MAX_BYTES
            && self.tlvs.get(tag::MESSAGE_PAYLOAD).is_some()
        {
            return Err(InvalidField {
                field: "message_payload",
                problem: "is given beside a long short_message",
            });
        }
        Ok(())
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<ShortMessage, Undecodable> {
        let mut message = ShortMessage {
            service_type: reader.text("service_type")?,
            source: Address::decode(reader, "source_addr")?,
            destination: Address::decode(reader, "destination_addr")?,
            esm_class: EsmClass(reader.u8("esm_class")?),
            protocol_id: reader.u8("protocol_id")?,
            priority: reader.u8("priority_flag")?,
            schedule_delivery_time: reader.text("schedule_delivery_time")?,
            validity_period: reader.text("validity_period")?,
            registered_delivery: reader.u8("registered_delivery")?,
            replace_if_present: reader.u8("replace_if_present_flag")?,
            data_coding: reader.u8("data_coding")?,
            sm_default_msg_id: reader.u8("sm_default_msg_id")?,
            ..ShortMessage::default()
        };
        let length = usize::from(reader.u8("sm_length")?);
        message.short_message = reader.octets(length, "short_message")?.to_vec();
        message.tlvs = Tlvs::decode(reader.remainder());
        Ok(message)
    }

    pub(crate) fn decode_data(reader: &mut Reader<'_>) -> Result<ShortMessage, Undecodable> {
        Ok(ShortMessage {
            service_type: reader.text("service_type")?,
            source: Address::decode(reader, "source_addr")?,
            destination: Address::decode(reader, "destination_addr")?,
            esm_class: EsmClass(reader.u8("esm_class")?),
            registered_delivery: reader.u8("registered_delivery")?,
            data_coding: reader.u8("data_coding")?,
            tlvs: Tlvs::decode(reader.remainder()),
            ..ShortMessage::default()
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.service_type);
        self.source.encode(out);
        self.destination.encode(out);
        out.extend_from_slice(&[self.esm_class.0, self.protocol_id, self.priority]);
        put_text(out, &self.schedule_delivery_time);
        put_text(out, &self.validity_period);
        let flags = [
            self.registered_delivery,
            self.replace_if_present,
            self.data_coding,
            self.sm_default_msg_id,
        ];
        out.extend_from_slice(&flags);
        match u8::try_from(self.short_message.len()) {
            Ok(length) if usize::from(length) <= SHORT_MESSAGE_MAX_BYTES => {
                out.push(length);
                out.extend_from_slice(&self.short_message);
            }
            _ => {
                out.push(0);
                put_tlv(out, tag::MESSAGE_PAYLOAD, &self.short_message);
            }
        }
        self.tlvs.encode(out);
    }

    pub(crate) fn encode_data(&self, out: &mut Vec<u8>) {
        put_text(out, &self.service_type);
        self.source.encode(out);
        self.destination.encode(out);
        out.extend_from_slice(&[self.esm_class.0, self.registered_delivery, self.data_coding]);
        if !self.short_message.is_empty() {
            put_tlv(out, tag::MESSAGE_PAYLOAD, &self.short_message);
        }
        self.tlvs.encode(out);
    }
}

fn check_text(field: &'static str, text: &str, length_max: usize) -> Result<(), InvalidField> {
    if text.is_ascii() && text.len() <= length_max && !text.as_bytes().contains(&0) {
        return Ok(());
    }
    match text.chars().count() > length_max {
        true => Err(InvalidField {
            field,
            problem: "is longer than SMPP allows",
        }),
        false if text.contains('\0') => Err(InvalidField {
            field,
            problem: "contains a NUL",
        }),
        false if text.chars().any(|c| u32::from(c) > 0xFF) => Err(InvalidField {
            field,
            problem: "contains a character that SMPP cannot carry",
        }),
        false => Ok(()),
    }
}

impl fmt::Debug for ShortMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortMessage")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("esm_class", &self.esm_class.0)
            .field("data_coding", &self.data_coding)
            .field("content_bytes", &self.content().len())
            .field(
                "tlvs",
                &self.tlvs.0.iter().map(|tlv| tlv.tag).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}

/// The body of `submit_sm_resp`, `deliver_sm_resp` and `data_sm_resp` (4.4.2, 4.6.2, 4.7.2).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MessageId {
    /// The SMSC's id, of any length; empty when the response had no body.
    pub message_id: String,
    /// Optional parameters.
    pub tlvs: Tlvs,
}

impl MessageId {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> MessageId {
        let message_id = reader.last_text();
        MessageId {
            message_id,
            tlvs: Tlvs::decode(reader.remainder()),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.message_id);
        self.tlvs.encode(out);
    }
}

/// The SMSC's word that a subscriber is back (4.12); it has no response.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AlertNotification {
    /// The subscriber.
    pub source: Address,
    /// The ESME that asked.
    pub esme: Address,
    /// Optional parameters.
    pub tlvs: Tlvs,
}

impl AlertNotification {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<AlertNotification, Undecodable> {
        Ok(AlertNotification {
            source: Address::decode(reader, "source_addr")?,
            esme: Address::decode(reader, "esme_addr")?,
            tlvs: Tlvs::decode(reader.remainder()),
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.source.encode(out);
        self.esme.encode(out);
        self.tlvs.encode(out);
    }
}
