//! Receipts that wait for their attempt, who has opted out with the carrier, what people write back, and how many calls met nobody.

mod abandonment;
mod carrier_opt_out;
mod receipt;
mod reply;

pub use abandonment::{AbandonmentDay, add_abandonment, latch_day};
pub use carrier_opt_out::{CARRIER_SOURCE, suppress_opted_out};
pub use receipt::{UnmatchedReceipt, add_unmatched, drop_unmatched};
pub use reply::{NewReply, ReplyPart, ReplyRecord, ReplyState, add_reply, add_reply_part, drop_reply_parts, known_contact};
