//! A receipt moves its attempt. Late, doubled and reordered receipts are ordinary.

use clarion_domain::attempts::attempt::{Applied, Attempt, AttemptEvent};
use clarion_domain::campaigns::retry::RETRIABLE;
use clarion_domain::id::{AddressId, AttemptId, ContactId, TrunkId};
use clarion_domain::outcomes::cause::{Cause, ErrorCode, RetryAdvice};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::receipt::{Receipt, ReceiptState};
use clarion_domain::time::Instant;
use clarion_smpp::receipt as wire;
use clarion_store::StoreError;
use clarion_store::attempts::{AttemptRow, Candidate, Reference, SettledRow, add_due, remove_retry, retry_rules};
use clarion_store::db::Tx;
use clarion_store::outcomes::UnmatchedReceipt;

use crate::attempts::{Counted, CycleRows, DueRow, EndedTry, LateReceipt, Sender};
use crate::outcomes::open::OpenAttempt;

/// Which parts of a message were reported delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptParts {
    pub total: u8,
    pub heard: i64,
}

/// A message's parts are counted in the bits of one number.
const PARTS_MAX: u8 = 63;

impl ReceiptParts {
    pub(crate) fn none(total: u8) -> Self {
        Self { total: total.clamp(1, PARTS_MAX), heard: 0 }
    }

    /// Notes a delivered part; true once all were.
    fn delivered(&mut self, part: u8) -> bool {
        self.heard |= 1 << part.min(PARTS_MAX - 1);
        self.heard.count_ones() >= u32::from(self.total)
    }
}

/// What a receipt says, in our words.
pub(crate) fn read(receipt: &wire::Receipt, at: Instant) -> Option<Receipt> {
    let by_state = receipt.state.and_then(|state| ReceiptState::from_smpp(state.octet()));
    let state = by_state.or_else(|| receipt.state_raw.as_deref().and_then(ReceiptState::from_stat))?;
    Some(Receipt { state, error: error_code(receipt.error.as_deref().unwrap_or_default()), at })
}

/// `3:260` is a network type and its code; type 3 is GSM.
pub(crate) fn error_code(text: &str) -> ErrorCode {
    match text.split_once(':') {
        Some(("3", code)) => code.parse().map_or(ErrorCode::NONE, ErrorCode::gsm),
        Some((_, code)) => ErrorCode::new(code),
        None => ErrorCode::new(text),
    }
}

impl Sender {
    /// A receipt from the wire, by the carrier's id for one part.
    pub(crate) fn hear_receipt(&mut self, trunk: TrunkId, message_id: &str, receipt: Receipt, now: Instant) {
        let receipt = self.as_meant(trunk, receipt);
        let found = self.keys_of(trunk, message_id).into_iter().find_map(|key| self.ledger.keys.get(&key).copied());
        match found {
            Some((attempt, part)) => self.apply_receipt(attempt, part, receipt, now),
            None => {
                let unmatched = UnmatchedReceipt {
                    id: self.store.next_id(now),
                    trunk,
                    carrier_message_id: message_id.to_owned(),
                    state: receipt.state,
                    error: receipt.error.as_str().to_owned(),
                    received_at: now,
                };
                self.await_attempt(&unmatched);
                self.rows.unmatched.push(unmatched);
            }
        }
    }

    /// By the codes of its trunk: an error may say that the person has opted out with the carrier.
    pub(crate) fn as_meant(&self, trunk: TrunkId, receipt: Receipt) -> Receipt {
        self.carriers.get(trunk).map_or(receipt, |trunk| trunk.opted_out.read_receipt(receipt))
    }

    /// The keys under which the attempt of a receipt may be known.
    pub(crate) fn keys_of(&self, trunk: TrunkId, message_id: &str) -> Vec<u64> {
        let format = self.carriers.get(trunk).map(crate::carriers::Trunk::id_format).unwrap_or_default();
        wire::message_id_candidates(message_id, format).iter().map(|id| Reference::key_of(trunk, id)).collect()
    }

    pub(crate) fn apply_receipt(&mut self, id: AttemptId, part: u8, receipt: Receipt, now: Instant) {
        let Some(open) = self.ledger.open.get_mut(&id) else {
            self.rows.late.push(LateReceipt { attempt: id, part, receipt });
            return;
        };
        let (position, try_number, counted) = (open.position, open.try_number, open.counted);
        if tells_of_opt_out(&open.attempt, receipt.cause()) {
            self.rows.opted_out.push(id);
        }
        let Some(moved) = move_attempt(&mut open.attempt, &mut open.heard, part, receipt, id) else { return };
        let after = open.attempt;
        let rows = &mut self.rows;
        let settled = write_move(rows, &counted, &moved);
        self.rows.settled.push(moved.row);
        if settled.revoked {
            self.rows.revoked.push((counted.campaign, position, try_number + 1));
        }
        if settled.first {
            self.retry(&counted, position, try_number, &after, now);
            self.note_step(counted.campaign, position, after.disposition);
        }
        if after.settled_at.is_some() && self.ledger.open.get(&id).is_some_and(|open| open.heard.total == 1) {
            self.ledger.forget(id);
        }
    }

    /// The campaign's retry rules, after an end that is not for good.
    pub(crate) fn retry(&mut self, who: &Counted, position: u32, try_number: u8, ended: &Attempt, now: Instant) {
        let Some(disposition) = ended.disposition else { return };
        let advice = ended.cause.map_or(RetryAdvice::Never, |cause| cause.verdict().retry);
        let Some(campaign) = self.campaigns.get(&who.campaign) else {
            // Paused, another node's, or not read yet: its rules are asked in the transaction that writes this.
            if advice != RetryAdvice::Never && RETRIABLE.contains(&disposition) {
                self.rows.ended.push(EndedTry { campaign: who.campaign, position, try_number, disposition, advice, at: now });
            }
            return;
        };
        if let Some(at) = campaign.retry.next_attempt(try_number, disposition, advice, now) {
            let candidate = Candidate { position, contact: ContactId(0), address: AddressId(0), try_number: try_number + 1, due_at: None, ended: false };
            self.rows.due.push(DueRow { campaign: who.campaign, candidate, at, why: format!("retry after {disposition}"), claim: None });
        }
    }
}

/// An attempt that a receipt has moved.
pub(crate) struct Moved {
    pub row: SettledRow,
    pub applied: Applied,
}

pub(crate) struct SettledNow {
    /// It had no final disposition before.
    pub first: bool,
    /// It ended in a way that may have led to another attempt, and has not ended so after all.
    pub revoked: bool,
}

/// That the person has opted out with the carrier is news also where it moves nothing: another part may have been refused for another reason before.
pub(crate) fn tells_of_opt_out(before: &Attempt, said: Cause) -> bool {
    said.is_opt_out() && before.disposition != Some(Disposition::Delivered) && !before.cause.is_some_and(Cause::is_opt_out)
}

/// Applies a receipt of one part; `None` when it changes nothing.
fn move_attempt(attempt: &mut Attempt, heard: &mut ReceiptParts, part: u8, receipt: Receipt, id: AttemptId) -> Option<Moved> {
    let whole = receipt.state != ReceiptState::Delivered || heard.delivered(part);
    let applied = if whole { attempt.apply(AttemptEvent::Receipt(receipt)).ok()? } else { Applied { attempt: *attempt, delta: None } };
    if applied.delta.is_none() && heard.total == 1 {
        return None;
    }
    *attempt = applied.attempt;
    Some(Moved { row: row_of(id, attempt, heard.heard), applied })
}

pub(crate) fn row_of(id: AttemptId, attempt: &Attempt, parts_heard: i64) -> SettledRow {
    SettledRow {
        id,
        state: attempt.state(),
        disposition: attempt.disposition.unwrap_or(Disposition::Accepted),
        cause: attempt.cause.map_or_else(String::new, |cause| cause.to_string()),
        parts_heard,
        settled_at: attempt.settled_at,
    }
}

pub(crate) fn write_move(rows: &mut CycleRows, counted: &Counted, moved: &Moved) -> SettledNow {
    let Some(delta) = moved.applied.delta else { return SettledNow { first: false, revoked: false } };
    let words = |cause: Option<Cause>| cause.map_or_else(String::new, |cause| cause.to_string());
    if let Some((disposition, cause)) = delta.from {
        rows.count(counted, disposition, &words(cause), -1);
    }
    if let Some((disposition, cause)) = delta.to {
        rows.count(counted, disposition, &words(cause), 1);
    }
    let was_open = delta.from.is_none_or(|(disposition, _)| !disposition.is_final());
    let is_final = delta.to.is_some_and(|(disposition, _)| disposition.is_final());
    if is_final {
        rows.told.push((counted.tenant, moved.row.id));
    }
    let leads_on = |place: Option<(Disposition, Option<Cause>)>| place.is_some_and(|(disposition, _)| RETRIABLE.contains(&disposition));
    SettledNow { first: was_open && is_final, revoked: leads_on(delta.from) && !leads_on(delta.to) }
}

/// What a stored attempt is to the rules.
pub(crate) fn attempt_of(row: &AttemptRow) -> Attempt {
    let cause = row.cause.parse::<Cause>().ok();
    let refused = cause.is_some_and(Cause::is_of_the_submission) || cause == Some(Cause::AnswerLost);
    Attempt { disposition: Some(row.disposition), cause, accepted_at: (!refused).then_some(row.answered_at), settled_at: row.settled_at }
}

impl Sender {
    /// Moves stored attempts by the receipts that found them only there. `rows` are those read in this transaction.
    pub(crate) fn apply_late(&mut self, late: &[LateReceipt], rows: Vec<AttemptRow>, out: &mut CycleRows, now: Instant) {
        let mut known: std::collections::HashMap<AttemptId, (OpenAttempt, TrunkId)> = rows
            .into_iter()
            .map(|row| {
                let total = self.carriers.get(row.trunk).map_or(1, |trunk| trunk.parts_of(row.segments));
                let counted = Counted { tenant: row.tenant, campaign: row.campaign, channel: row.channel, answered_at: row.answered_at, segments: row.segments, cost: row.cost };
                let heard = ReceiptParts { heard: row.parts_heard, ..ReceiptParts::none(total) };
                (row.id, (OpenAttempt { attempt: attempt_of(&row), heard, counted, position: row.position, try_number: row.try_number }, row.trunk))
            })
            .collect();
        for one in late {
            let Some((open, _)) = known.get_mut(&one.attempt) else { continue };
            if tells_of_opt_out(&open.attempt, one.receipt.cause()) {
                out.opted_out.push(one.attempt);
            }
            let Some(moved) = move_attempt(&mut open.attempt, &mut open.heard, one.part, one.receipt, one.attempt) else { continue };
            let settled = write_move(out, &open.counted, &moved);
            out.settled.push(moved.row);
            if settled.first {
                let (counted, position, try_number, attempt) = (open.counted, open.position, open.try_number, open.attempt);
                let before = (self.rows.due.len(), self.rows.ended.len(), self.rows.steps.len());
                self.retry(&counted, position, try_number, &attempt, now);
                self.note_step(counted.campaign, position, attempt.disposition);
                out.due.extend(self.rows.due.drain(before.0..));
                out.ended.extend(self.rows.ended.drain(before.1..));
                out.steps.extend(self.rows.steps.drain(before.2..));
            }
            if settled.revoked {
                out.revoked.push((open.counted.campaign, open.position, open.try_number + 1));
            }
        }
    }
}

/// Plans the attempts that follow on ends whose campaigns are not in memory, and takes back those that an end has made
/// needless: a message that arrived after all is not sent again.
pub(crate) async fn write_retries(tx: &mut Tx, rows: &CycleRows) -> Result<(), StoreError> {
    for ended in &rows.ended {
        let Some(rules) = retry_rules(tx, ended.campaign).await? else { continue };
        if let Some(at) = rules.next_attempt(ended.try_number, ended.disposition, ended.advice, ended.at) {
            let candidate = Candidate { position: ended.position, contact: ContactId(0), address: AddressId(0), try_number: ended.try_number + 1, due_at: None, ended: false };
            add_due(tx, ended.campaign, &[(candidate, at, format!("retry after {}", ended.disposition))]).await?;
        }
    }
    for (campaign, position, try_number) in &rows.revoked {
        remove_retry(tx, *campaign, *position, *try_number).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
