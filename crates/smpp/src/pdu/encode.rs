//! From a [`Pdu`] to octets, appended to a buffer that collects many PDUs for one write.

use super::body::{Body, Pdu};
use super::command::CommandId;
use super::message::ShortMessage;
use super::status::CommandStatus;
use super::wire::put_text;

fn framed(
    out: &mut Vec<u8>,
    command: CommandId,
    status: CommandStatus,
    sequence: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&command.0.to_be_bytes());
    out.extend_from_slice(&status.0.to_be_bytes());
    out.extend_from_slice(&sequence.to_be_bytes());
    body(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// A PDU without a body.
pub(crate) fn encode_bare(
    out: &mut Vec<u8>,
    command: CommandId,
    status: CommandStatus,
    sequence: u32,
) {
    framed(out, command, status, sequence, |_| {});
}

/// A `submit_sm` or `deliver_sm` that stays with its owner until it is answered.
pub(crate) fn encode_message(
    out: &mut Vec<u8>,
    command: CommandId,
    sequence: u32,
    message: &ShortMessage,
) {
    framed(out, command, CommandStatus::ROK, sequence, |out| {
        message.encode(out)
    });
}

/// The answer to a message.
pub(crate) fn encode_message_response(
    out: &mut Vec<u8>,
    command: CommandId,
    status: CommandStatus,
    sequence: u32,
    message_id: &str,
) {
    framed(out, command, status, sequence, |out| {
        put_text(out, message_id)
    });
}

impl Pdu {
    /// Appends the PDU. A refusal's response is written without a body, as 4.1.2 and 4.4.2 ask.
    pub fn encode(&self, out: &mut Vec<u8>) {
        framed(
            out,
            self.body.command(),
            self.status,
            self.sequence,
            |out| match &self.body {
                Body::Bind(_, bind) => bind.encode(out),
                Body::BindResponse(_, response) if self.status.is_ok() => response.encode(out),
                Body::Outbind(outbind) => outbind.encode(out),
                Body::SubmitSm(message) | Body::DeliverSm(message) => message.encode(out),
                Body::DataSm(message) => message.encode_data(out),
                Body::SubmitSmResponse(id) if self.status.is_ok() => id.encode(out),
                Body::DeliverSmResponse(id) | Body::DataSmResponse(id) => id.encode(out),
                Body::QuerySm(query) => query.encode(out),
                Body::QuerySmResponse(response) if self.status.is_ok() => response.encode(out),
                Body::AlertNotification(alert) => alert.encode(out),
                Body::BindResponse(..) | Body::SubmitSmResponse(_) | Body::QuerySmResponse(_) => {}
                Body::Unbind | Body::UnbindResponse | Body::GenericNack => {}
                Body::EnquireLink | Body::EnquireLinkResponse => {}
            },
        );
    }

    /// The PDU alone, as octets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode(&mut out);
        out
    }
}
