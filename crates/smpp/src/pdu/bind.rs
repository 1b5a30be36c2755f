//! Opening a session (4.1): the three binds, their responses, and outbind.

use super::command::CommandId;
use super::decode::Undecodable;
use super::tlv::{Tlvs, tag};
use super::wire::{Reader, put_text};
use std::fmt;

/// What a session may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindKind {
    /// Submits only.
    Transmitter,
    /// Receipts and replies only.
    Receiver,
    /// Both ways.
    Transceiver,
}

impl BindKind {
    /// The request that asks for this kind.
    pub fn command(self) -> CommandId {
        match self {
            BindKind::Transmitter => CommandId::BIND_TRANSMITTER,
            BindKind::Receiver => CommandId::BIND_RECEIVER,
            BindKind::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// The kind that a bind request or response belongs to.
    pub fn of(command: CommandId) -> Option<BindKind> {
        match CommandId(command.0 & 0x7FFF_FFFF) {
            CommandId::BIND_TRANSMITTER => Some(BindKind::Transmitter),
            CommandId::BIND_RECEIVER => Some(BindKind::Receiver),
            CommandId::BIND_TRANSCEIVER => Some(BindKind::Transceiver),
            _ => None,
        }
    }

    /// Whether submits may go out on it.
    pub fn transmits(self) -> bool {
        self != BindKind::Receiver
    }

    /// Whether receipts and replies come in on it.
    pub fn receives(self) -> bool {
        self != BindKind::Transmitter
    }
}

/// The protocol version that a session speaks: `interface_version` (5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// SMPP 3.4.
    #[default]
    V34,
    /// SMPP 5.0.
    V50,
}

impl Version {
    /// The octet on the wire.
    pub fn octet(self) -> u8 {
        match self {
            Version::V34 => 0x34,
            Version::V50 => 0x50,
        }
    }
}

/// A bind request (4.1.1, 4.1.3, 4.1.5).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bind {
    /// The account, at most 15 characters.
    pub system_id: String,
    /// Its password, at most 8 characters.
    pub password: String,
    /// A label that some carriers ask for, at most 12 characters.
    pub system_type: String,
    /// `0x34` or `0x50`; whatever a peer sent is kept.
    pub interface_version: u8,
    /// Type of number of the addresses served.
    pub addr_ton: u8,
    /// Numbering plan of the addresses served.
    pub addr_npi: u8,
    /// Which addresses to serve, usually empty; at most 40 characters.
    pub address_range: String,
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("system_id", &self.system_id)
            .field("password", &"…")
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

impl Bind {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Bind, Undecodable> {
        Ok(Bind {
            system_id: reader.text("system_id")?,
            password: reader.text("password")?,
            system_type: reader.text("system_type")?,
            interface_version: reader.u8("interface_version")?,
            addr_ton: reader.u8("addr_ton")?,
            addr_npi: reader.u8("addr_npi")?,
            address_range: reader.last_text(),
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.system_id);
        put_text(out, &self.password);
        put_text(out, &self.system_type);
        out.extend_from_slice(&[self.interface_version, self.addr_ton, self.addr_npi]);
        put_text(out, &self.address_range);
    }
}

/// A bind response (4.1.2, 4.1.4, 4.1.6). A refusal often has no body at all: `system_id` is empty then.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BindResponse {
    /// The SMSC's name for itself.
    pub system_id: String,
    /// Usually `sc_interface_version`.
    pub tlvs: Tlvs,
}

impl BindResponse {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> BindResponse {
        let system_id = reader.last_text();
        BindResponse {
            system_id,
            tlvs: Tlvs::decode(reader.remainder()),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.system_id);
        self.tlvs.encode(out);
    }

    /// The version that the SMSC says it speaks.
    pub fn interface_version(&self) -> Option<u8> {
        self.tlvs
            .number(tag::SC_INTERFACE_VERSION)
            .and_then(|version| u8::try_from(version).ok())
    }
}

/// The SMSC's call to bind as a receiver (4.1.7).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Outbind {
    /// The SMSC's name.
    pub system_id: String,
    /// Its password towards us.
    pub password: String,
}

impl fmt::Debug for Outbind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbind")
            .field("system_id", &self.system_id)
            .finish_non_exhaustive()
    }
}

impl Outbind {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Outbind, Undecodable> {
        Ok(Outbind {
            system_id: reader.text("system_id")?,
            password: reader.last_text(),
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.system_id);
        put_text(out, &self.password);
    }
}
