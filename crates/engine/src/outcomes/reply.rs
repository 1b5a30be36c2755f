//! What people write back. STOP suppresses in the transaction that stores it.

use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{CampaignId, ContactId, TrunkId};
use clarion_domain::outcomes::reply::{self as meaning, ReplyMeaning};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_smpp::pdu::{Body, CommandStatus, Pdu};
use clarion_smpp::receipt::Receipt;
use clarion_smpp::text::{Added, Complete, Concatenation, Content, Reassembler, ReassemblyLimits};
use clarion_store::attempts::{NewNotice, NoticeKind, add_notice, recent_notice};
use clarion_store::compliance::{NewHold, NewSuppression};
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
    /// A receipt, a reply, or a part of one.
    pub(crate) fn take_inbound(&mut self, trunk: TrunkId, inbound: Inbound, now: Instant) {
        self.rows.acknowledge.entry(trunk).or_default().push(inbound.acknowledge);
        let Some(coding) = self.carriers.get(trunk).map(crate::carriers::Trunk::coding) else { return };
        let message = inbound.message;
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
        let (from, to) = (first.message.source.value.clone(), first.message.destination.value.clone());
        let text = match &complete.content {
            Content::Text(text) => text.clone(),
            _ => String::new(),
        };
        let text = if complete.missing > 0 { format!("{text} […]") } else { text };
        let from = if from.starts_with('+') { from } else { format!("+{from}") };
        self.rows.texts.push(InboundText {
            trunk,
            from: from.into(),
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

/// Whose message this is: the tenant that owns the trunk, or those that send as the number it came to. A number that
/// several tenants share: the one that last wrote to this person, or all of them when none did.
async fn recipients(store: &Store, carriers: &Carriers, tx: &mut Tx, trunk: TrunkId, to: &str, from: Option<&str>) -> Result<Vec<Tenant>, StoreError> {
    if let Some(owner) = carriers.get(trunk).and_then(|trunk| trunk.record.tenant) {
        return Ok(vec![store.tenant(owner, Actor::Subject).await?]);
    }
    let digits = to.trim_start_matches('+');
    let mut ids = store.tenants_of_sender(to).await?;
    for form in [digits.to_owned(), format!("+{digits}")] {
        for id in store.tenants_of_sender(&form).await? {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let mut all = Vec::new();
    for id in ids {
        all.push(store.tenant(id, Actor::Subject).await?);
    }
    let Some(from) = from.filter(|_| all.len() > 1) else { return Ok(all) };
    let mut last: Option<(Instant, Tenant)> = None;
    for tenant in &all {
        if let Some((_, Some((_, at)))) = known_contact(tx, tenant, from).await?
            && last.as_ref().is_none_or(|(latest, _)| at > *latest)
        {
            last = Some((at, tenant.clone()));
        }
    }
    Ok(last.map_or(all, |(_, tenant)| vec![tenant]))
}

/// Keeps a part of a long message until the rest has come; a part for nobody is let go.
pub(crate) async fn keep_part(store: &Store, carriers: &Carriers, tx: &mut Tx, part: &InboundPart) -> Result<(), StoreError> {
    if let Some(tenant) = recipients(store, carriers, tx, part.trunk, &part.to, None).await?.first() {
        add_reply_part(tx, tenant, &ReplyPart { id: part.id, trunk: part.trunk, pdu: part.pdu.clone(), received_at: part.received_at }).await?;
    }
    Ok(())
}

/// Stores a reply and does what it asks, all in this transaction.
pub(crate) async fn take_reply(store: &Store, carriers: &Carriers, tx: &mut Tx, text: &InboundText, now: Instant) -> Result<(), StoreError> {
    let tenants = recipients(store, carriers, tx, text.trunk, &text.to, Some(text.from.reveal())).await?;
    if tenants.is_empty() {
        tracing::warn!(trunk = %text.trunk, "a reply came to a sender that no tenant has: add the sender, or give the trunk to a tenant");
    }
    for tenant in tenants {
        let meaning = meaning::read(text.text.reveal(), false);
        let new = NewReply {
            number: text.from.clone(),
            body: text.text.clone(),
            trunk: text.trunk,
            meaning,
            dedupe: dedupe(&tenant, text),
            received_at: text.received_at,
        };
        let Some((_, contact)) = add_reply(tx, &tenant, &new).await? else { continue };
        act(tx, &tenant, text, meaning, contact, now).await?;
    }
    Ok(())
}

async fn act(tx: &mut Tx, tenant: &Tenant, text: &InboundText, meaning: ReplyMeaning, contact: Option<ContactId>, now: Instant) -> Result<(), StoreError> {
    match meaning {
        ReplyMeaning::Stop | ReplyMeaning::StopReview => {
            let new = NewSuppression { number: &text.from, scope: SuppressionScope::Sms, reason: SuppressionReason::OptOut, source: "reply" };
            if tenant.suppress_in_tx(tx, &new, now).await? {
                let name = tenant.record().await?.name;
                let body = format!("{name}: you will get no more texts from us. Reply START if this was a mistake.");
                answer(tx, tenant, text, NoticeKind::StopConfirmation, body, contact, now).await?;
            }
        }
        ReplyMeaning::Start => {
            tenant.lift_opt_outs_in_tx(tx, tenant.number_index(text.from.reveal()), now).await?;
        }
        ReplyMeaning::Help => {
            if !recent_notice(tx, tenant, text.from.reveal(), NoticeKind::Help, now.plus_ms(-HELP_ONCE_MS)).await? {
                let body = tenant.record().await?.help_text;
                answer(tx, tenant, text, NoticeKind::Help, body, contact, now).await?;
            }
        }
        ReplyMeaning::Unsure => {
            if let Some(contact) = contact {
                let hold = NewHold { reason: HoldReason::ReplyReview, note_reference: "reply", until: None };
                tenant.hold_in_tx(tx, contact, &hold, now).await?;
            }
        }
        ReplyMeaning::Other => {}
    }
    Ok(())
}

/// The answer goes back the way the message came: from the number that was written to, over the same trunk.
async fn answer(tx: &mut Tx, tenant: &Tenant, text: &InboundText, kind: NoticeKind, body: String, contact: Option<ContactId>, now: Instant) -> Result<(), StoreError> {
    let campaign: Option<CampaignId> = None;
    let notice = NewNotice { kind, contact, campaign, number: text.from.clone(), body: Personal::new(body), sender: text.to.clone(), trunk: Some(text.trunk) };
    add_notice(tx, tenant, &notice, now).await.map(|_| ())
}

fn dedupe(tenant: &Tenant, text: &InboundText) -> [u8; 16] {
    let within = text.received_at.ms() / SAME_MESSAGE_MS;
    tenant.message_index(&format!("{}\0{}\0{}\0{}\0{within}", text.trunk, text.from.reveal(), text.to, text.text.reveal()))
}
