//! What pretend people answer, by the last three digits of their number. Each answers once.

use crate::fate::last_digits;

/// `None` for the many who say nothing.
#[must_use]
pub fn reply_of(number: &str) -> Option<&'static str> {
    match last_digits(number) % 50 {
        7 => Some("STOP"),
        17 => Some("Thanks"),
        27 => Some("who is this?"),
        37 => Some("HELP"),
        42 => Some("Stop."),
        _ => None,
    }
}
