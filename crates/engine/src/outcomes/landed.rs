//! A flight that has landed becomes an attempt's row, a put-back recipient, or a notice's end.

use clarion_domain::attempts::attempt::{Attempt, AttemptEvent};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, CampaignId, TrunkId};
use clarion_domain::outcomes::cause::{Cause, RetryAdvice};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::attempts::{AttemptRow, Candidate, NoticeState, Reference};

use crate::attempts::{Counted, DueRow, Flight, Landing, LateAnswer, Sender, Target};
use crate::outcomes::open::OpenAttempt;
use crate::outcomes::receipt::{Moved, ReceiptParts, row_of, tells_of_opt_out, write_move};

impl Sender {
    pub(crate) fn land(&mut self, flight: Flight, landing: Landing, now: Instant) {
        match flight.target {
            Target::Notice { id } => self.land_notice(id, &landing, flight.opt_out()),
            Target::Attempt { .. } => self.land_attempt(flight, landing, now),
        }
    }

    fn land_notice(&mut self, id: i64, landing: &Landing, opt_out: Option<Cause>) {
        let (state, cause) = match landing {
            Landing::Torn(_) | Landing::Lost(_) if opt_out.is_some() => (NoticeState::Failed, opt_out.map_or_else(String::new, |cause| cause.to_string())),
            Landing::Accepted(_) => (NoticeState::Sent, String::new()),
            Landing::Rejected(cause) => (NoticeState::Failed, cause.to_string()),
            Landing::Torn(_) => (NoticeState::Failed, Cause::Torn.to_string()),
            Landing::Lost(_) => (NoticeState::Unknown, Cause::AnswerLost.to_string()),
            // Nobody waits for an answer that comes minutes later.
            Landing::NotSent => (NoticeState::Failed, Cause::NoRoute.to_string()),
        };
        self.rows.notices.push((id, state, cause));
    }

    fn land_attempt(&mut self, flight: Flight, landing: Landing, now: Instant) {
        let (event, ids) = match landing {
            Landing::Accepted(ids) => (AttemptEvent::Accepted { at: now }, ids),
            Landing::Lost(ids) => (AttemptEvent::Lost { at: now }, ids),
            Landing::Torn(ids) => (AttemptEvent::Rejected { at: now, cause: Cause::Torn }, ids),
            Landing::Rejected(cause) => {
                if cause.verdict().retry == RetryAdvice::OtherTrunk && self.put_on_other_trunk(&flight, now) {
                    return;
                }
                (AttemptEvent::Rejected { at: now, cause }, Vec::new())
            }
            Landing::NotSent => return self.put_back(&flight, now, "put back"),
        };
        let Ok(applied) = Attempt::claimed().apply(event) else { return };
        self.write_attempt(flight, &applied.attempt, ids, now);
    }

    /// True when another trunk may carry it and the recipient is due again at once.
    fn put_on_other_trunk(&mut self, flight: &Flight, now: Instant) -> bool {
        let Target::Attempt { campaign, position, .. } = flight.target else { return false };
        let other = self.campaigns.get(&campaign).is_some_and(|known| {
            known.avoided(position).is_none() && self.carriers.has_other(flight.tenant, flight.trunk)
        });
        if !other {
            return false;
        }
        if let Some(known) = self.campaigns.get_mut(&campaign) {
            known.avoid(position, flight.trunk);
        }
        self.put_back(flight, now, "other trunk");
        true
    }

    /// Nothing of it went to the wire: the item leaves its claim and the recipient is due again at once.
    pub(crate) fn put_back(&mut self, flight: &Flight, now: Instant, why: &str) {
        let Target::Attempt { claim, index, campaign, position, try_number, contact, address, .. } = flight.target else { return };
        self.release(claim, index);
        let candidate = Candidate { position, contact, address, try_number, due_at: None, ended: false };
        self.rows.due.push(DueRow { campaign, candidate, at: now, why: why.to_owned(), claim: Some(claim) });
        self.close_item(claim);
    }

    /// The answer to something whose time had run out, and which is on record as `unknown`: it says more, and a receipt may follow.
    pub(crate) fn land_late(&mut self, trunk: TrunkId, id: AttemptId, answer: LateAnswer, now: Instant) {
        let event = match answer {
            LateAnswer::Accepted { part, message_id, whole } => {
                self.refer(trunk, id, &[(part, message_id)], now);
                if !whole {
                    return;
                }
                AttemptEvent::Accepted { at: now }
            }
            LateAnswer::Rejected(cause) => {
                // Also of one that is forgotten here: its row is enough to know whose number it is.
                if self.ledger.open.get(&id).map_or(cause.is_opt_out(), |open| tells_of_opt_out(&open.attempt, cause)) {
                    self.rows.opted_out.push(id);
                }
                AttemptEvent::Rejected { at: now, cause }
            }
        };
        let Some(open) = self.ledger.open.get_mut(&id) else { return };
        // A receipt that came in between may have settled it already: then the move changes nothing, or is none.
        let Ok(applied) = open.attempt.apply(event) else { return };
        open.attempt = applied.attempt;
        let moved = Moved { row: row_of(id, &open.attempt, open.heard.heard), applied };
        let (counted, position, try_number, after) = (open.counted, open.position, open.try_number, open.attempt);
        let settled = write_move(&mut self.rows, &counted, &moved);
        self.rows.settled.push(moved.row);
        if settled.revoked {
            self.rows.revoked.push((counted.campaign, position, try_number + 1));
        }
        if settled.first {
            self.retry(&counted, position, try_number, &after, now);
        }
        self.note_step(counted.campaign, position, after.disposition);
    }

    fn write_attempt(&mut self, flight: Flight, attempt: &Attempt, ids: Vec<(u8, String)>, now: Instant) {
        let parts = self.carriers.get(flight.trunk).map_or(1, |trunk| trunk.parts_of(flight.segments));
        // What the carrier did not take it does not charge.
        let cost = match attempt.cause {
            Some(Cause::Torn) => flight.cost * ids.len() as i64 / i64::from(parts.max(1)),
            Some(cause) if cause.is_of_the_submission() => 0,
            _ => flight.cost,
        };
        let counted = |campaign| Counted { tenant: flight.tenant, campaign, channel: Channel::Sms, answered_at: now, segments: flight.segments, cost };
        let has_opted_out = flight.opt_out().is_some();
        let Target::Attempt { attempt: id, claim, campaign, position, try_number, contact, address, decision, sealed_body, .. } = flight.target else { return };
        let counted = counted(campaign);
        let disposition = attempt.disposition.unwrap_or(Disposition::Accepted);
        let cause = attempt.cause.map_or_else(String::new, |cause| cause.to_string());
        self.rows.count(&counted, disposition, &cause, 1);
        if has_opted_out || attempt.cause.is_some_and(Cause::is_opt_out) {
            self.rows.opted_out.push(id);
        }
        self.rows.attempts.push(AttemptRow {
            id,
            tenant: flight.tenant,
            campaign,
            position,
            try_number,
            contact,
            address,
            channel: Channel::Sms,
            trunk: flight.trunk,
            state: attempt.state(),
            disposition,
            cause,
            decision,
            segments: flight.segments,
            cost,
            sealed_body: Some(sealed_body),
            carrier_message_id: ids.iter().min_by_key(|(part, _)| *part).map_or_else(String::new, |(_, id)| id.clone()),
            parts_heard: 0,
            claimed_at: flight.claimed_at,
            answered_at: now,
            settled_at: attempt.settled_at,
        });
        self.close_item(claim);
        if attempt.settled_at.is_none() || disposition == Disposition::Unknown || attempt.cause == Some(Cause::Torn) {
            self.ledger.watch(id, OpenAttempt { attempt: *attempt, heard: ReceiptParts::none(parts), counted, position, try_number });
            self.refer(flight.trunk, id, &ids, now);
        }
        if attempt.settled_at.is_some() {
            self.retry(&counted, position, try_number, attempt, now);
        }
        self.note_step(campaign, position, Some(disposition));
    }

    /// For the steps of a campaign that has several; of one that is not in memory nobody knows here, and the store tells.
    pub(crate) fn note_step(&mut self, campaign: CampaignId, position: u32, disposition: Option<Disposition>) {
        if let Some(disposition) = disposition
            && self.campaigns.get(&campaign).is_none_or(|known| known.is_tracked)
        {
            self.rows.step(campaign, position, disposition);
        }
    }

    /// Keeps by which ids the carrier will speak of it.
    fn refer(&mut self, trunk: TrunkId, attempt: AttemptId, ids: &[(u8, String)], now: Instant) {
        let format = self.carriers.get(trunk).map(crate::carriers::Trunk::id_format).unwrap_or_default();
        for (part, id) in ids.iter().filter(|(_, id)| !id.is_empty()) {
            let reference = Reference { key: Reference::key_of(trunk, &format.key_of_response(id)), attempt, part: *part };
            self.ledger.remember(reference);
            self.rows.references.entry(trunk).or_default().push(reference);
            self.match_waiting(reference, now);
        }
    }
}
