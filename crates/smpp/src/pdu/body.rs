//! One PDU as a value.

use super::bind::{Bind, BindKind, BindResponse, Outbind};
use super::command::CommandId;
use super::message::{AlertNotification, MessageId, ShortMessage};
use super::query::{QuerySm, QuerySmResponse};
use super::status::CommandStatus;

/// A PDU: header without its length, and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// `ESME_ROK` in every request.
    pub status: CommandStatus,
    /// Chosen by the one who asks, repeated by the one who answers.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
}

/// What a PDU says, by `command_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Any of the three binds.
    Bind(BindKind, Bind),
    /// Its response.
    BindResponse(BindKind, BindResponse),
    /// The SMSC's call to bind.
    Outbind(Outbind),
    /// The wish to end the session.
    Unbind,
    /// Its response.
    UnbindResponse,
    /// A sign of life, asked for.
    EnquireLink,
    /// The sign of life.
    EnquireLinkResponse,
    /// "I could not read that", or "I do not know that command".
    GenericNack,
    /// ESME to SMSC.
    SubmitSm(Box<ShortMessage>),
    /// Its response.
    SubmitSmResponse(MessageId),
    /// SMSC to ESME: a receipt or a reply.
    DeliverSm(Box<ShortMessage>),
    /// Its response.
    DeliverSmResponse(MessageId),
    /// Either way; the text is in `message_payload`.
    DataSm(Box<ShortMessage>),
    /// Its response.
    DataSmResponse(MessageId),
    /// A question about a message.
    QuerySm(QuerySm),
    /// Its response.
    QuerySmResponse(QuerySmResponse),
    /// A subscriber is back.
    AlertNotification(AlertNotification),
}

impl Body {
    /// The `command_id` that goes with this body.
    pub fn command(&self) -> CommandId {
        match self {
            Body::Bind(kind, _) => kind.command(),
            Body::BindResponse(kind, _) => kind.command().response(),
            Body::Outbind(_) => CommandId::OUTBIND,
            Body::Unbind => CommandId::UNBIND,
            Body::UnbindResponse => CommandId::UNBIND_RESP,
            Body::EnquireLink => CommandId::ENQUIRE_LINK,
            Body::EnquireLinkResponse => CommandId::ENQUIRE_LINK_RESP,
            Body::GenericNack => CommandId::GENERIC_NACK,
            Body::SubmitSm(_) => CommandId::SUBMIT_SM,
            Body::SubmitSmResponse(_) => CommandId::SUBMIT_SM_RESP,
            Body::DeliverSm(_) => CommandId::DELIVER_SM,
            Body::DeliverSmResponse(_) => CommandId::DELIVER_SM_RESP,
            Body::DataSm(_) => CommandId::DATA_SM,
            Body::DataSmResponse(_) => CommandId::DATA_SM_RESP,
            Body::QuerySm(_) => CommandId::QUERY_SM,
            Body::QuerySmResponse(_) => CommandId::QUERY_SM_RESP,
            Body::AlertNotification(_) => CommandId::ALERT_NOTIFICATION,
        }
    }
}
