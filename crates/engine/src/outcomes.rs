//! Outcomes: the carrier's answers and receipts, and what people write back, made into rows.

mod landed;
mod open;
mod receipt;
mod reply;
mod unmatched;

pub(crate) use open::Ledger;
pub(crate) use receipt::write_retries;
pub(crate) use reply::{keep_part, take_reply};
