//! Receipts that came before the submit response, to another node, or through a webhook.

use std::collections::HashSet;

use clarion_domain::id::{AttemptId, TrunkId, floor_at};
use clarion_domain::outcomes::receipt::Receipt;
use clarion_domain::time::{DAY_MS, Instant, MINUTE_MS, SECOND_MS};
use clarion_store::StoreError;
use clarion_store::attempts::Reference;
use clarion_store::outcomes::UnmatchedReceipt;

use crate::attempts::Sender;
use crate::outcomes::receipt::error_code;

/// A receipt without an attempt is waited with for so long.
const KEPT_MS: i64 = 7 * DAY_MS;
const READ_MAX: i64 = 2_000;
/// A receipt may be so much earlier than the answer to its message.
const EARLY_MS: i64 = 5 * SECOND_MS;
/// By then every node has committed what it sent.
const SETTLED_AFTER_MS: i64 = 2 * MINUTE_MS;

impl Sender {
    /// Remembers a stored receipt under each key by which its attempt may still come.
    pub(crate) fn await_attempt(&mut self, receipt: &UnmatchedReceipt) {
        for key in self.keys_of(receipt.trunk, &receipt.carrier_message_id) {
            self.ledger.await_under(key, receipt.clone());
        }
    }

    /// The submit response has come: is its receipt here already?
    pub(crate) fn match_waiting(&mut self, reference: Reference, now: Instant) {
        let Some(receipts) = self.ledger.waiting.remove(&reference.key) else { return };
        for receipt in receipts {
            self.match_receipt(&receipt, reference.attempt, reference.part, now);
        }
    }

    fn match_receipt(&mut self, receipt: &UnmatchedReceipt, attempt: AttemptId, part: u8, now: Instant) {
        self.rows.matched.push(receipt.id);
        let heard = Receipt { state: receipt.state, error: error_code(&receipt.error), at: receipt.received_at };
        self.apply_receipt(attempt, part, self.as_meant(receipt.trunk, heard), now);
    }

    /// Looks at receipts that others stored (webhooks, this node's earlier life), and drops those nobody will claim.
    pub(crate) async fn read_unmatched(&mut self, now: Instant) -> Result<(), StoreError> {
        loop {
            let fresh = self.store.unmatched_receipts(self.ledger.read_up_to, READ_MAX).await?;
            let Some(last) = fresh.last() else { return Ok(()) };
            self.ledger.read_up_to = last.id;
            for receipt in fresh {
                let found = self.keys_of(receipt.trunk, &receipt.carrier_message_id).into_iter().find_map(|key| self.ledger.keys.get(&key).copied());
                match found {
                    Some((attempt, part)) => self.match_receipt(&receipt, attempt, part, now),
                    None if receipt.received_at.plus_ms(KEPT_MS) < now => self.rows.matched.push(receipt.id),
                    None if self.is_awaited(receipt.trunk, receipt.id, &receipt.carrier_message_id) => {}
                    None => self.await_attempt(&receipt),
                }
            }
        }
    }

    fn is_awaited(&self, trunk: TrunkId, id: i64, message_id: &str) -> bool {
        self.keys_of(trunk, message_id).iter().any(|key| self.ledger.waiting.get(key).is_some_and(|all| all.iter().any(|receipt| receipt.id == id)))
    }

    /// One walk through the stored map for all that wait: another node's sends, and ours that memory did not hold. Only
    /// receipts that are new are worth a walk through all of it; the others are looked for in what has come since.
    pub(crate) async fn search_references(&mut self, now: Instant) -> Result<(), StoreError> {
        self.give_up_waiting(now);
        if self.ledger.waiting.is_empty() {
            return Ok(());
        }
        let (waiting, searched_up_to) = (&self.ledger.waiting, self.ledger.searched_up_to);
        // Those of this very moment are early, and their answers are on the way.
        let (searched_at, ripe_at) = (self.ledger.searched_at, now.plus_ms(-EARLY_MS));
        let whole = waiting.values().flatten().any(|receipt| searched_at < receipt.received_at && receipt.received_at <= ripe_at);
        let (mut found, mut newest) = (Vec::new(), searched_up_to);
        self.store
            .walk_references(now.plus_ms(-KEPT_MS), |row, reference| {
                newest = newest.max(row);
                if waiting.contains_key(&reference.key) {
                    found.push(reference);
                }
                whole || row > searched_up_to
            })
            .await?;
        // Another node's row may be older than ours and come later.
        let settled = floor_at(now.plus_ms(-SETTLED_AFTER_MS).ms());
        (self.ledger.searched_at, self.ledger.searched_up_to) = (ripe_at, newest.min(settled));
        for reference in found {
            self.match_waiting(reference, now);
        }
        Ok(())
    }

    /// Receipts that nobody has claimed for so long belong to no attempt of ours.
    fn give_up_waiting(&mut self, now: Instant) {
        let mut gone = HashSet::new();
        self.ledger.waiting.retain(|_, receipts| {
            receipts.retain(|receipt| {
                let waits = receipt.received_at.plus_ms(KEPT_MS) >= now;
                if !waits {
                    gone.insert(receipt.id);
                }
                waits
            });
            !receipts.is_empty()
        });
        self.rows.matched.extend(gone);
    }
}
