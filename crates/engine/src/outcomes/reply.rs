//! What people write back. STOP suppresses in the transaction that stores it.

use clarion_domain::compliance::suppression::Suppression;
use clarion_domain::id::{ContactId, TenantId, TrunkId};
use clarion_domain::outcomes::reply::{self as meaning, ReplyMeaning};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_smpp::pdu::{Address, Body, CommandStatus, Pdu, ShortMessage};
use clarion_smpp::receipt::Receipt;
use clarion_smpp::text::{Added, Complete, Concatenation, Content, Reassembler, ReassemblyLimits};
use clarion_store::attempts::{NewNotice, NoticeKind, add_notice, recent_notice};
use clarion_store::compliance::NewSuppression;
use clarion_store::db::Tx;
use clarion_store::outcomes::{NewReply, ReplyPart, add_reply, add_reply_part, known_contact};
use clarion_store::{Store, StoreError, Tenant};

use crate::attempts::{InboundPart, InboundText, Sender};
use crate::carriers::{Carriers, Inbound};
use crate::outcomes::receipt;

/// The same text from the same person within this is one message that the carrier delivered twice.
const SAME_MESSAGE_MS: i64 = 10 * 60 * 1_000;
/// HELP is answered once in so long: two machines that answer each other must not go on for ever.
const HELP_ONCE_MS: i64 = HOUR_MS;

impl Sender {
    pub(crate) fn take_inbound(&mut self, trunk: TrunkId, inbound: Inbound, now: Instant) {
        self.rows.acknowledge.entry(trunk).or_default().push(inbound.acknowledge);
        self.hear(trunk, inbound.message, now);
    }

    /// A receipt, a reply, or a part of one.
    pub(crate) fn hear(&mut self, trunk: TrunkId, message: Box<ShortMessage>, now: Instant) {
        let Some(coding) = self.carriers.get(trunk).map(crate::carriers::Trunk::coding) else { return };
        if let Some(receipt) = Receipt::of(&message, &coding) {
            if let (Some(id), Some(read)) = (&receipt.message_id, receipt::read(&receipt, now)) {
                self.hear_receipt(trunk, id, read, now);
            } else {
                tracing::info!(%trunk, "a receipt without an id or a known state was let go");
            }
            return;
        }
        let id = self.store.next_id(now);
        let is_part = Concatenation::of(&message).is_some_and(|place| place.total > 1);
        if is_part {
            let pdu = Pdu { status: CommandStatus::ROK, sequence: 1, body: Body::DeliverSm(message.clone()) }.to_bytes();
            self.rows.parts.push(InboundPart { id, trunk, to: message.destination.value.clone(), pdu, received_at: now });
        }
        let added = self.reassembly.entry(trunk).or_insert_with(|| Reassembler::new(ReassemblyLimits::default())).add(micros(now), message, (id, now), &coding);
        match added {
            Added::Complete(complete) => self.take_whole(trunk, complete),
            Added::Displaced(complete) => self.take_whole(trunk, complete),
            Added::Waiting => {}
        }
    }

    /// Parts whose rest never came are given to the tenant as they are.
    pub(crate) fn expire_parts(&mut self, now: Instant) {
        let trunks: Vec<TrunkId> = self.reassembly.keys().copied().collect();
        for trunk in trunks {
            let Some(coding) = self.carriers.get(trunk).map(crate::carriers::Trunk::coding) else { continue };
            let expired = self.reassembly.get_mut(&trunk).map(|open| open.expire(micros(now), &coding)).unwrap_or_default();
            for complete in expired {
                self.take_whole(trunk, complete);
            }
        }
    }

    /// Reads back the parts that waited when the process ended.
    pub(crate) async fn load_parts(&mut self) -> Result<(), StoreError> {
        for part in self.store.reply_parts().await? {
            let Some(coding) = self.carriers.get(part.trunk).map(crate::carriers::Trunk::coding) else { continue };
            let Ok(Pdu { body: Body::DeliverSm(message), .. }) = Pdu::decode(&part.pdu) else { continue };
            let added = self.reassembly.entry(part.trunk).or_insert_with(|| Reassembler::new(ReassemblyLimits::default())).add(micros(part.received_at), message, (part.id, part.received_at), &coding);
            if let Added::Complete(complete) | Added::Displaced(complete) = added {
                self.take_whole(part.trunk, complete);
            }
        }
        Ok(())
    }

    fn take_whole(&mut self, trunk: TrunkId, complete: Complete<(i64, Instant)>) {
        let Some(first) = complete.pieces.first() else { return };
        let to = first.message.destination.value.clone();
        let text = match &complete.content {
            Content::Text(text) => text.clone(),
            _ => String::new(),
        };
        let text = if complete.missing > 0 { format!("{text} […]") } else { text };
        self.rows.texts.push(InboundText {
            trunk,
            from: readings(&first.message.source),
            to,
            text: text.into(),
            parts: complete.pieces.iter().map(|piece| piece.with.0).collect(),
            received_at: first.with.1,
        });
    }
}

fn micros(at: Instant) -> u64 {
    u64::try_from(at.ms()).unwrap_or(0) * 1_000
}

/// International by the carrier's own word.
const TON_INTERNATIONAL: u8 = 1;

/// How the number of whoever wrote may be meant, the likeliest first: carriers write it as `447…`, `+447…`, `00447…` or, at
/// home, `07…` and `7…`, and do not always say which.
fn readings(source: &Address) -> Vec<Personal> {
    let value = source.value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
    let whole = format!("+{}", value.trim_start_matches('+'));
    if !is_number {
        return vec![value.to_owned().into()];
    }
    let forms = if value.starts_with('+') || value.starts_with("00") || source.ton == TON_INTERNATIONAL && !value.starts_with('0') {
        if value.starts_with("00") { vec![value.to_owned()] } else { vec![whole, value.to_owned()] }
    } else {
        vec![value.to_owned(), whole]
    };
    forms.into_iter().map(Personal::new).collect()
}

/// The number as the tenant's rows know it. One that does not read as a number at all is kept as it came.
async fn number_of(tenant: &Tenant, text: &InboundText) -> Result<Personal, StoreError> {
    for form in &text.from {
        if let Some(number) = tenant.read_number(form.reveal()).await? {
            return Ok(number.into());
        }
    }
    let plain = text.from.iter().find(|form| form.reveal().starts_with('+') && !form.reveal().starts_with("+0"));
    Ok(plain.or(text.from.first()).cloned().unwrap_or_default())
}

/// A tenant to which a message belongs, and the sender that was written to as the tenant has it.
struct Addressee {
    tenant: Tenant,
    sender: String,
}

/// Whose message this is: the tenant that owns the trunk, or those that send as the number it came to. A number that
/// several tenants share, or that none has: the one that last wrote to this person. A STOP must not fall between them, so
/// when nobody did, all who share the number hear it.
async fn recipients(store: &Store, carriers: &Carriers, tx: &mut Tx, trunk: TrunkId, to: &str, text: Option<&InboundText>) -> Result<Vec<Addressee>, StoreError> {
    let mut senders = store.tenants_of_sender(to).await?;
    if let Some(owner) = carriers.get(trunk).and_then(|trunk| trunk.record.tenant) {
        let sender = senders.into_iter().find(|(tenant, _)| *tenant == owner).map_or_else(|| to.to_owned(), |(_, sender)| sender);
        return Ok(vec![Addressee { tenant: store.tenant(owner, Actor::Subject).await?, sender }]);
    }
    let Some(text) = text else { return with_handles(store, senders).await };
    if senders.len() == 1 {
        return with_handles(store, senders).await;
    }
    let nobody = senders.is_empty();
    if nobody {
        senders = store.tenants().await?.into_iter().map(|tenant| (tenant.id, to.to_owned())).collect();
    }
    let mut all = with_handles(store, senders).await?;
    let mut last: Option<(Instant, usize)> = None;
    for (place, addressee) in all.iter().enumerate() {
        let number = number_of(&addressee.tenant, text).await?;
        if let Some((_, Some((_, at)))) = known_contact(tx, &addressee.tenant, number.reveal()).await?
            && last.is_none_or(|(latest, _)| at > latest)
        {
            last = Some((at, place));
        }
    }
    match last {
        Some((_, place)) => Ok(vec![all.swap_remove(place)]),
        None if nobody => Ok(Vec::new()),
        None => Ok(all),
    }
}

async fn with_handles(store: &Store, senders: Vec<(TenantId, String)>) -> Result<Vec<Addressee>, StoreError> {
    let mut all = Vec::with_capacity(senders.len());
    for (tenant, sender) in senders {
        all.push(Addressee { tenant: store.tenant(tenant, Actor::Subject).await?, sender });
    }
    Ok(all)
}

/// Keeps a part of a long message until the rest has come; a part for nobody is let go.
pub(crate) async fn keep_part(store: &Store, carriers: &Carriers, tx: &mut Tx, part: &InboundPart) -> Result<(), StoreError> {
    if let Some(Addressee { tenant, .. }) = recipients(store, carriers, tx, part.trunk, &part.to, None).await?.first() {
        add_reply_part(tx, tenant, &ReplyPart { id: part.id, trunk: part.trunk, pdu: part.pdu.clone(), received_at: part.received_at }).await?;
    }
    Ok(())
}

/// Stores a reply and does what it asks, all in this transaction.
pub(crate) async fn take_reply(store: &Store, carriers: &Carriers, tx: &mut Tx, text: &InboundText, now: Instant) -> Result<(), StoreError> {
    let addressees = recipients(store, carriers, tx, text.trunk, &text.to, Some(text)).await?;
    if addressees.is_empty() {
        tracing::warn!(trunk = %text.trunk, "a reply came to a sender that no tenant has, from nobody that any wrote to: add the sender, or give the trunk to a tenant");
    }
    for Addressee { tenant, sender } in addressees {
        let reply = Reply { number: number_of(&tenant, text).await?, meaning: meaning::read(text.text.reveal(), false), sender, text };
        reply.take(tx, &tenant, now).await?;
    }
    Ok(())
}

/// One tenant's side of an inbound message.
struct Reply<'a> {
    /// E.164.
    number: Personal,
    meaning: ReplyMeaning,
    /// The sender that was written to.
    sender: String,
    text: &'a InboundText,
}

impl Reply<'_> {
    async fn take(&self, tx: &mut Tx, tenant: &Tenant, now: Instant) -> Result<(), StoreError> {
        // An opt-out acts whether or not the same words came a minute before: a START may lie between the two.
        let entries = self.meaning.suppresses(self.text.text.reveal());
        // Whoever got no texts before knows: one more text would be one that they asked not to get.
        let knows = !entries.is_empty() && tenant.stands_for_texts_in_tx(tx, self.number.reveal()).await?;
        let mut stopped = false;
        for entry in entries {
            stopped |= self.suppress(tx, tenant, *entry, now).await?;
        }
        let stored = match add_reply(tx, tenant, &self.row(tenant, false)).await? {
            None if stopped => add_reply(tx, tenant, &self.row(tenant, true)).await?,
            stored => stored,
        };
        let Some((_, contact)) = stored else { return Ok(()) };
        tenant.stop_on_reply_in_tx(tx, self.number.reveal(), self.meaning, self.text.text.reveal(), now).await?;
        if stopped && !knows {
            let name = tenant.record().await?.name;
            let body = match self.meaning {
                ReplyMeaning::WrongNumber => format!("{name}: thank you. We will not text or call this number any more."),
                _ => format!("{name}: you will get no more texts from us. Reply START if this was a mistake."),
            };
            self.answer(tx, tenant, NoticeKind::StopConfirmation, body, contact, now).await?;
        }
        self.act(tx, tenant, contact, now).await
    }

    /// True when the number did not stand on the list for this yet.
    async fn suppress(&self, tx: &mut Tx, tenant: &Tenant, Suppression { scope, reason }: Suppression, now: Instant) -> Result<bool, StoreError> {
        let new = NewSuppression { number: &self.number, scope, reason, source: "reply" };
        tenant.suppress_in_tx(tx, &new, now).await
    }

    fn row(&self, tenant: &Tenant, is_new: bool) -> NewReply {
        let at = self.text.received_at;
        let within = at.ms() / SAME_MESSAGE_MS;
        let key = |when: String| {
            let parts = [&self.text.trunk.to_string(), self.number.reveal(), &self.text.to, self.text.text.reveal(), &when];
            tenant.message_index(&parts.join("\0"))
        };
        let (dedupe, earlier) = match is_new {
            true => (key(format!("at {}", at.ms())), None),
            false => (key(within.to_string()), Some((key((within - 1).to_string()), at.plus_ms(-SAME_MESSAGE_MS)))),
        };
        NewReply { number: self.number.clone(), body: self.text.text.clone(), trunk: self.text.trunk, meaning: self.meaning, dedupe, earlier, received_at: at }
    }

    async fn act(&self, tx: &mut Tx, tenant: &Tenant, contact: Option<ContactId>, now: Instant) -> Result<(), StoreError> {
        match self.meaning {
            ReplyMeaning::Start => {
                tenant.lift_opt_outs_in_tx(tx, tenant.number_index(self.number.reveal()), now).await?;
            }
            ReplyMeaning::Help => {
                if !recent_notice(tx, tenant, self.number.reveal(), NoticeKind::Help, now.plus_ms(-HELP_ONCE_MS)).await? {
                    let body = tenant.record().await?.help_text;
                    self.answer(tx, tenant, NoticeKind::Help, body, contact, now).await?;
                }
            }
            ReplyMeaning::Unsure => {
                if let Some(contact) = contact {
                    tenant.hold_for_review_in_tx(tx, contact, now).await?;
                }
            }
            ReplyMeaning::Stop | ReplyMeaning::StopReview | ReplyMeaning::WrongNumber | ReplyMeaning::Other => {}
        }
        Ok(())
    }

    /// The answer goes back the way the message came: from the number that was written to, over the same trunk.
    async fn answer(&self, tx: &mut Tx, tenant: &Tenant, kind: NoticeKind, body: String, contact: Option<ContactId>, now: Instant) -> Result<(), StoreError> {
        let notice = NewNotice { kind, contact, campaign: None, number: self.number.clone(), body: Personal::new(body), sender: self.sender.clone(), trunk: Some(self.text.trunk) };
        add_notice(tx, tenant, &notice, now).await.map(|_| ())
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
