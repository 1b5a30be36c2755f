//! Identifiers: 63-bit numbers that grow with time, shown with a prefix that says what they name.

use std::fmt;

/// A word that is not one of an enum's members.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind}: use one of {allowed}")]
pub struct UnknownWord {
    kind: &'static str,
    allowed: String,
}

impl UnknownWord {
    pub(crate) fn new<'a>(kind: &'static str, allowed: impl Iterator<Item = &'a str>) -> Self {
        Self { kind, allowed: allowed.collect::<Vec<_>>().join(", ") }
    }
}

/// An identifier that does not read as one of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind}: it looks like {prefix}_ and 13 letters or digits")]
pub struct MalformedId {
    kind: &'static str,
    prefix: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 13;

fn write_base32(value: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; DIGITS];
    let mut rest = value as u64;
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
}

fn read_base32(text: &str) -> Option<i64> {
    if text.len() != DIGITS {
        return None;
    }
    let mut value: u64 = 0;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)? as u64;
        value = value.checked_mul(32)?.checked_add(digit)?;
    }
    i64::try_from(value).ok()
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// What the written form begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                write_base32(self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_")).and_then(read_base32).map(Self)
                    .ok_or(MalformedId { kind: stringify!($name), prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    TenantId = "ten";
    UserId = "usr";
    ApiKeyId = "key";
    /// One sign-in to the portal.
    SessionId = "ses";
    InvitationId = "inv";
    PasskeyId = "pky";
    /// An act that waits for a second person.
    ApprovalId = "apr";
    ImportId = "imp";
    SftpAccountId = "sfa";
    /// One file that came by SFTP.
    SftpFileId = "sff";
    /// One person as one tenant knows them.
    ContactId = "con";
    /// One number of a contact.
    AddressId = "adr";
    ListId = "lst";
    FilterId = "flt";
    SuppressionId = "sup";
    HoldId = "hld";
    ConsentId = "cns";
    CampaignId = "cam";
    DryRunId = "dry";
    TemplateId = "tpl";
    ClaimId = "clm";
    AttemptId = "att";
    NoticeId = "ntc";
    TrunkId = "trk";
    RouteId = "rte";
    ReplyId = "rpl";
    ScriptId = "scr";
    PromptId = "prm";
    TransferTargetId = "tgt";
    RecordingId = "rec";
    AuditEventId = "evt";
    SubjectRequestId = "req";
    NodeId = "nod";
    /// An address that events are told to.
    WebhookId = "whk";
    /// One event as it is told; the `webhook-id` of every try.
    WebhookEventId = "wev";
    /// One version of what a client instructed.
    InstructionId = "ins";
    ConnectorId = "cnn";
    /// One pull, or a look at one.
    ConnectorRunId = "crn";
    ExportId = "exp";
    /// One file of results.
    ExportFileId = "exf";
}

/// Makes identifiers of one node: 43 bits of milliseconds since 2020, 7 bits of node, 13 bits of sequence.
///
/// Pure: the caller passes the time. Never repeats and never goes back, even when the clock does; a
/// sequence that overflows borrows from the next millisecond.
#[derive(Debug)]
pub struct IdMaker {
    node: i64,
    last: i64,
}

const NODE_BITS: u32 = 7;
const SEQUENCE_BITS: u32 = 13;
const EPOCH_2020_MS: i64 = 1_577_836_800_000;

impl IdMaker {
    /// `node` is 0 to 127.
    #[must_use]
    pub fn new(node: u8) -> Self {
        Self { node: i64::from(node & 0x7f), last: 0 }
    }

    /// The first of `count` identifiers; the others follow it, each one larger by one. At most 8,192 at once.
    pub fn block(&mut self, now_ms: i64, count: u16) -> i64 {
        let count = i64::from(count.clamp(1, 1 << SEQUENCE_BITS));
        let fresh = floor_at(now_ms) | (self.node << SEQUENCE_BITS);
        let mut first = fresh.max(self.last + 1);
        let sequence = first & ((1 << SEQUENCE_BITS) - 1);
        if first >> SEQUENCE_BITS & ((1 << NODE_BITS) - 1) != self.node || sequence + count > 1 << SEQUENCE_BITS {
            let next_ms = (first >> (SEQUENCE_BITS + NODE_BITS)) + 1;
            first = (next_ms << (SEQUENCE_BITS + NODE_BITS)) | (self.node << SEQUENCE_BITS);
        }
        self.last = first + count - 1;
        first
    }

    /// One identifier.
    pub fn next(&mut self, now_ms: i64) -> i64 {
        self.block(now_ms, 1)
    }
}

/// The smallest identifier that can have been made at or after `at_ms`: a time bound for a range of identifiers.
#[must_use]
pub fn floor_at(at_ms: i64) -> i64 {
    (at_ms - EPOCH_2020_MS).max(0) << (NODE_BITS + SEQUENCE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_back_what_it_writes_and_refuses_another_kind() {
        let id = CampaignId(7_345_678_901_234_567);
        assert_eq!(id.to_string().parse::<CampaignId>(), Ok(id));
        assert!(id.to_string().parse::<ContactId>().is_err());
        assert!("cam_zzzzzzzzzzzzz".parse::<CampaignId>().is_err(), "over 63 bits");
    }

    proptest! {
        #[test]
        fn never_repeats_even_when_the_clock_goes_back(steps in prop::collection::vec((-5i64..20, 1u16..9000), 1..200)) {
            let mut maker = IdMaker::new(5);
            let (mut now, mut last) = (1_800_000_000_000i64, 0i64);
            for (step, count) in steps {
                now += step;
                let first = maker.block(now, count);
                prop_assert!(first > last);
                last = first + i64::from(count.min(8192)) - 1;
                prop_assert_eq!(last >> SEQUENCE_BITS & 127, 5);
            }
        }
    }
}
