//! Receipts and replies on their way to the platform: kept until they are acknowledged, as a carrier does.

use clarion_smpp::pdu::{Address, EsmClass, MessageState, ShortMessage, tag};
use clarion_smpp::server::{Outcome, Submission};
use clarion_smpp::text::encode_gsm;

use super::{Shared, locked};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Receipt,
    Reply,
}

/// One `deliver_sm` to be acknowledged.
pub(crate) struct Delivery {
    pub kind: Kind,
    pub message: Box<ShortMessage>,
}

impl Delivery {
    /// The receipt for a message, by text and by parameters, as most carriers write it.
    pub fn receipt(of: &ShortMessage, message_id: &str, state: MessageState, error: &str) -> Self {
        let (word, delivered) = match state {
            MessageState::Delivered => ("DELIVRD", "001"),
            MessageState::Expired => ("EXPIRED", "000"),
            MessageState::Rejected => ("REJECTD", "000"),
            _ => ("UNDELIV", "000"),
        };
        let text = format!("id:{message_id} sub:001 dlvrd:{delivered} submit date:2601010000 done date:2601010000 stat:{word} err:{error} text:");
        let mut message = ShortMessage {
            source: of.destination.clone(),
            destination: of.source.clone(),
            esm_class: EsmClass(EsmClass::DELIVERY_RECEIPT),
            short_message: text.into_bytes(),
            ..ShortMessage::default()
        };
        message.tlvs.push(tag::RECEIPTED_MESSAGE_ID, format!("{message_id}\0").into_bytes());
        message.tlvs.push(tag::MESSAGE_STATE, [state.octet()]);
        Self { kind: Kind::Receipt, message: Box::new(message) }
    }

    /// What a person writes back to whoever wrote to them.
    pub fn reply(of: &ShortMessage, text: &str) -> Self {
        let message = ShortMessage {
            source: Address::international(&of.destination.value),
            destination: of.source.clone(),
            short_message: encode_gsm(text).unwrap_or_default(),
            ..ShortMessage::default()
        };
        Self { kind: Kind::Reply, message: Box::new(message) }
    }
}

/// Deliveries handed over at once: far fewer than a session's queue holds, since a batch that is larger than that never fits.
const BATCH_MAX: usize = 500;

/// Hands over as many as the session takes; the others wait for the next time.
pub(crate) fn send(shared: &Shared, batch: Vec<Delivery>) {
    let mut rest = batch.into_iter();
    while let Some(session) = shared.receiver() {
        let submissions: Vec<Submission> = rest
            .by_ref()
            .take(BATCH_MAX)
            .map(|Delivery { kind, message }| {
                let token = session.depart(kind, &message);
                Submission { token, segments: 1, message }
            })
            .collect();
        if submissions.is_empty() {
            return;
        }
        if let Err(refused) = session.deliver(submissions) {
            let back = refused.into_batch().into_iter().filter_map(|submission| session.arrive(submission.token)).map(|(kind, message)| Delivery { kind, message });
            locked(&shared.waiting).extend(back.collect::<Vec<_>>());
            break;
        }
    }
    locked(&shared.waiting).extend(rest);
}

/// What became of one: acknowledged, or to be sent again.
pub(crate) fn settle(shared: &Shared, (kind, message): (Kind, Box<ShortMessage>), outcome: &Outcome) {
    match outcome {
        Outcome::Accepted { .. } => {
            let mut tally = locked(&shared.tally);
            match kind {
                Kind::Receipt => tally.receipts_acknowledged += 1,
                Kind::Reply => tally.replies_acknowledged += 1,
            }
        }
        // Lost ones too: a carrier sends a receipt again when it was not acknowledged.
        Outcome::Throttled { .. } | Outcome::Lost | Outcome::NotSent { .. } => locked(&shared.waiting).push(Delivery { kind, message }),
        Outcome::Rejected { status } => tracing::debug!(%status, "a delivery was refused for good"),
        Outcome::Invalid(field) => tracing::debug!(%field, "a delivery could not be written"),
    }
}
