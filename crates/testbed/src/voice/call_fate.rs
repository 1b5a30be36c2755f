//! What becomes of a call, written into the number's last digit so that both sides can be counted apart.

/// The fate of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallFate {
    /// Answers, hears the message, presses 1 and talks to an agent.
    PutThrough,
    /// Answers, listens, and hangs up.
    Listens,
    /// A machine answers: its greeting, its beep, and it takes what is said to it.
    Machine,
    /// Answers and presses 9: no more calls.
    OptsOut,
    /// Rings until the caller gives up.
    LetsRing,
    Busy,
    /// Declines.
    Declines,
    /// No such number.
    Dead,
    /// The network has no free line.
    Congested,
}

impl CallFate {
    pub const ALL: [Self; 9] = [Self::PutThrough, Self::Listens, Self::Machine, Self::OptsOut, Self::LetsRing, Self::Busy, Self::Declines, Self::Dead, Self::Congested];

    /// By the last digit: 0, 2, 5 and 8 want an agent, 1 listens, 6 is a machine, 3 wants no more calls, 4 is busy, 7 declines, 9 does not
    /// exist. Nobody lets it ring, and the network is never congested.
    #[must_use]
    pub fn of_number(number: &str) -> Self {
        match number.bytes().last() {
            Some(b'0' | b'2' | b'5' | b'8') => Self::PutThrough,
            Some(b'1') => Self::Listens,
            Some(b'6') => Self::Machine,
            Some(b'3') => Self::OptsOut,
            Some(b'4') => Self::Busy,
            Some(b'7') => Self::Declines,
            _ => Self::Dead,
        }
    }

    /// The final status of a call that nobody answers.
    #[must_use]
    pub fn refusal(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Busy => Some((486, "Busy Here")),
            Self::Declines => Some((603, "Decline")),
            Self::Dead => Some((404, "Not Found")),
            Self::Congested => Some((503, "Service Unavailable")),
            Self::PutThrough | Self::Listens | Self::Machine | Self::OptsOut | Self::LetsRing => None,
        }
    }

    /// The key that this person presses.
    #[must_use]
    pub fn key(self) -> Option<char> {
        match self {
            Self::PutThrough => Some('1'),
            Self::OptsOut => Some('9'),
            _ => None,
        }
    }
}
