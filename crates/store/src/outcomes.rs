//! Receipts that wait for their attempt, and what people write back.

mod receipt;
mod reply;

pub use receipt::{UnmatchedReceipt, add_unmatched, drop_unmatched};
pub use reply::{NewReply, ReplyPart, ReplyRecord, ReplyState, add_reply, add_reply_part, drop_reply_parts, known_contact};
