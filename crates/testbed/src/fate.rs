//! What becomes of a message, by the last two digits of the number: written down, so that a test can foretell it.

use clarion_smpp::pdu::{CommandStatus, MessageState};

/// What the pretend carrier does with a message to one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    Delivered,
    /// Delivered; the receipt comes twice.
    DeliveredTwiceTold,
    /// Delivered; the receipt comes before the answer to the submit.
    DeliveredToldEarly,
    /// The phone is off or the number is not in use.
    Undeliverable,
    /// Not reached before the validity period ended.
    Expired,
    /// The network refused it as unwanted.
    Blocked,
    /// Accepted, and never heard of again.
    Silent,
    /// Refused at once: not a number that the carrier serves.
    Refused,
}

/// Which fates there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mix {
    /// By the last two digits: 00–79 delivered, 80–87 undeliverable, 88–91 expired, 92–94 blocked, 95 and 96
    /// silent, 97 refused, 98 told twice, 99 told early.
    #[default]
    ByLastDigits,
    /// Everything is delivered: for benchmarks.
    AllDelivered,
}

impl Mix {
    #[must_use]
    pub fn fate(self, number: &str) -> Fate {
        if self == Self::AllDelivered {
            return Fate::Delivered;
        }
        match last_digits(number) % 100 {
            80..=87 => Fate::Undeliverable,
            88..=91 => Fate::Expired,
            92..=94 => Fate::Blocked,
            95 | 96 => Fate::Silent,
            97 => Fate::Refused,
            98 => Fate::DeliveredTwiceTold,
            99 => Fate::DeliveredToldEarly,
            _ => Fate::Delivered,
        }
    }
}

/// The number that the last three digits make.
pub(crate) fn last_digits(number: &str) -> u32 {
    let digits = number.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 1000)
}

impl Fate {
    /// The final state that the receipt tells, and the carrier's error code; `None` when no receipt ever comes.
    #[must_use]
    pub fn receipt(self) -> Option<(MessageState, &'static str)> {
        match self {
            Self::Delivered | Self::DeliveredTwiceTold | Self::DeliveredToldEarly => Some((MessageState::Delivered, "000")),
            Self::Undeliverable => Some((MessageState::Undeliverable, "001")),
            Self::Expired => Some((MessageState::Expired, "027")),
            Self::Blocked => Some((MessageState::Rejected, "011")),
            Self::Silent | Self::Refused => None,
        }
    }

    /// The status that answers the submit.
    #[must_use]
    pub fn answer(self) -> CommandStatus {
        if self == Self::Refused { CommandStatus::RINVDSTADR } else { CommandStatus::ROK }
    }

    /// The person got it.
    #[must_use]
    pub fn arrives(self) -> bool {
        matches!(self.receipt(), Some((MessageState::Delivered, _)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_what_its_words_say() {
        let count = |fate: Fate| (0..100).filter(|n| Mix::ByLastDigits.fate(&format!("4477009001{n:02}")) == fate).count();
        assert_eq!(count(Fate::Delivered), 80);
        assert_eq!((count(Fate::Undeliverable), count(Fate::Expired), count(Fate::Blocked)), (8, 4, 3));
        assert_eq!((count(Fate::Silent), count(Fate::Refused)), (2, 1));
        assert_eq!((count(Fate::DeliveredTwiceTold), count(Fate::DeliveredToldEarly)), (1, 1));
        assert_eq!(Mix::AllDelivered.fate("447700900197"), Fate::Delivered);
    }
}
