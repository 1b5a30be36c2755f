//! The in-memory side of receipts: attempts whose receipt is awaited, and what finds them.
//!
//! Everything here can be rebuilt from the store. What is not in memory is found there, a little later.

use std::collections::HashMap;

use clarion_domain::attempts::attempt::Attempt;
use clarion_domain::id::AttemptId;
use clarion_store::attempts::Reference;
use clarion_store::outcomes::UnmatchedReceipt;

use crate::attempts::Sender;
use crate::outcomes::receipt::ReceiptParts;

/// Attempts and keys kept in memory at most; older ones are found in the store.
const OPEN_MAX: usize = 2_000_000;

/// An attempt that waits for its receipt.
#[derive(Debug, Clone)]
pub(crate) struct OpenAttempt {
    pub attempt: Attempt,
    pub heard: ReceiptParts,
    pub counted: crate::attempts::Counted,
    pub position: u32,
    pub try_number: u8,
}

/// Which attempts are open, and by which carrier's ids they are known.
#[derive(Default)]
pub(crate) struct Ledger {
    pub open: HashMap<AttemptId, OpenAttempt>,
    pub keys: HashMap<u64, (AttemptId, u8)>,
    /// Receipts in the store that found nothing yet, by each key under which their attempt may come.
    pub waiting: HashMap<u64, Vec<UnmatchedReceipt>>,
    /// The newest stored receipt that was looked at.
    pub read_up_to: i64,
}

impl Ledger {
    pub(crate) fn remember(&mut self, reference: Reference) {
        if self.keys.len() < OPEN_MAX {
            self.keys.insert(reference.key, (reference.attempt, reference.part));
        }
    }

    pub(crate) fn watch(&mut self, id: AttemptId, open: OpenAttempt) {
        if self.open.len() < OPEN_MAX {
            self.open.insert(id, open);
        }
    }

    /// Forgets a settled attempt and its keys.
    pub(crate) fn forget(&mut self, id: AttemptId, keys: impl Iterator<Item = u64>) {
        self.open.remove(&id);
        for key in keys {
            self.keys.remove(&key);
        }
    }
}

impl Sender {
    /// Reads back what was sent lately, so that receipts find their attempts after a restart.
    pub(crate) async fn load_references(&mut self, since: clarion_domain::time::Instant) -> Result<(), clarion_store::StoreError> {
        let mut found = Vec::new();
        self.store
            .walk_references(since, |reference| {
                found.push(reference);
                found.len() < OPEN_MAX
            })
            .await?;
        for reference in found {
            self.ledger.remember(reference);
        }
        Ok(())
    }
}
