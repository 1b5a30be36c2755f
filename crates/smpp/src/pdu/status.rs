//! The `command_status` table (3.4: 5.1.3; 5.0: 4.7.6): name, readable meaning, and what to do about it.

use std::fmt;

/// What a refusal says about trying the same message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryClass {
    /// `ESME_ROK`: nothing to retry.
    Accepted,
    /// The SMSC refused because of our rate or its queue; the message is fine. Send it again, slower.
    Throttle,
    /// Refused for a reason that may pass by itself (a full inbox, a peer that is restarting).
    Transient,
    /// Refused for what the message or the account is; the same message will be refused again.
    Permanent,
    /// The SMSC failed in a way that does not say whether the message went out. Do not resend blindly.
    Ambiguous,
}

/// A `command_status`. Values that no table names are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($name:ident = $value:literal, $class:ident, $meaning:literal;)*) => {
        impl CommandStatus {
            $(#[doc = $meaning] pub const $name: CommandStatus = CommandStatus($value);)*

            fn row(self) -> Option<(&'static str, RetryClass, &'static str)> {
                match self.0 {
                    $($value => Some((concat!("ESME_", stringify!($name)), RetryClass::$class, $meaning)),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        pub(super) const NAMED: &[CommandStatus] = &[$(CommandStatus::$name),*];
    };
}

statuses! {
    ROK = 0x000, Accepted, "accepted";
    RINVMSGLEN = 0x001, Permanent, "the message is longer than the carrier takes";
    RINVCMDLEN = 0x002, Permanent, "the PDU's length is wrong";
    RINVCMDID = 0x003, Permanent, "the carrier does not know this command";
    RINVBNDSTS = 0x004, Transient, "the command does not fit the state of this bind";
    RALYBND = 0x005, Transient, "the account is already bound as often as it may be";
    RINVPRTFLG = 0x006, Permanent, "the priority is not one that the carrier takes";
    RINVREGDLVFLG = 0x007, Permanent, "the registered_delivery flag is not one that the carrier takes";
    RSYSERR = 0x008, Ambiguous, "the carrier had an internal error";
    RINVSRCADR = 0x00A, Permanent, "the sender is not valid, or not allowed on this account";
    RINVDSTADR = 0x00B, Permanent, "the destination number is not valid";
    RINVMSGID = 0x00C, Permanent, "the carrier does not know this message id";
    RBINDFAIL = 0x00D, Permanent, "the bind was refused";
    RINVPASWD = 0x00E, Permanent, "the password is wrong";
    RINVSYSID = 0x00F, Permanent, "the system id is not known";
    RCANCELFAIL = 0x011, Permanent, "the message could not be cancelled";
    RREPLACEFAIL = 0x013, Permanent, "the message could not be replaced";
    RMSGQFUL = 0x014, Throttle, "the carrier's message queue is full";
    RINVSERTYP = 0x015, Permanent, "the service type is not valid";
    RINVNUMDESTS = 0x033, Permanent, "the number of destinations is not valid";
    RINVDLNAME = 0x034, Permanent, "the distribution list is not known";
    RINVDESTFLAG = 0x040, Permanent, "the destination flag is not valid";
    RINVSUBREP = 0x042, Permanent, "replace_if_present cannot be used here";
    RINVESMCLASS = 0x043, Permanent, "the esm_class is not valid";
    RCNTSUBDL = 0x044, Permanent, "the distribution list cannot be submitted to";
    RSUBMITFAIL = 0x045, Transient, "the carrier could not take the message";
    RINVSRCTON = 0x048, Permanent, "the sender's type of number is not valid";
    RINVSRCNPI = 0x049, Permanent, "the sender's numbering plan is not valid";
    RINVDSTTON = 0x050, Permanent, "the destination's type of number is not valid";
    RINVDSTNPI = 0x051, Permanent, "the destination's numbering plan is not valid";
    RINVSYSTYP = 0x053, Permanent, "the system type is not valid";
    RINVREPFLAG = 0x054, Permanent, "the replace_if_present flag is not valid";
    RINVNUMMSGS = 0x055, Permanent, "the number of messages is not valid";
    RTHROTTLED = 0x058, Throttle, "more messages a second than the carrier allows";
    RINVSCHED = 0x061, Permanent, "the scheduled delivery time is not valid";
    RINVEXPIRY = 0x062, Permanent, "the validity period is not valid";
    RINVDFTMSGID = 0x063, Permanent, "the predefined message is not known";
    RX_T_APPN = 0x064, Transient, "the receiver has a temporary error";
    RX_P_APPN = 0x065, Permanent, "the receiver has a permanent error";
    RX_R_APPN = 0x066, Permanent, "the receiver refused the message";
    RQUERYFAIL = 0x067, Transient, "the query failed";
    RINVTLVSTREAM = 0x0C0, Permanent, "the optional part of the PDU is malformed";
    ROPTPARNOTALLWD = 0x0C1, Permanent, "an optional parameter is not allowed";
    RINVPARLEN = 0x0C2, Permanent, "a parameter has a wrong length";
    RMISSINGTLV = 0x0C3, Permanent, "an expected optional parameter is missing";
    RINVTLVVAL = 0x0C4, Permanent, "an optional parameter has a wrong value";
    RDELIVERYFAILURE = 0x0FE, Permanent, "delivery failed";
    RUNKNOWNERR = 0x0FF, Ambiguous, "the carrier had an error that it does not name";
    RSERTYPUNAUTH = 0x100, Permanent, "the account may not use this service type";
    RPROHIBITED = 0x101, Permanent, "the account may not use this operation";
    RSERTYPUNAVAIL = 0x102, Transient, "the service type is unavailable";
    RSERTYPDENIED = 0x103, Permanent, "the service type is denied";
    RINVDCS = 0x104, Permanent, "the data coding is not valid";
    RINVSRCADDRSUBUNIT = 0x105, Permanent, "the source address subunit is not valid";
    RINVDSTADDRSUBUNIT = 0x106, Permanent, "the destination address subunit is not valid";
    RINVBCASTFREQINT = 0x107, Permanent, "the broadcast frequency is not valid";
    RINVBCASTALIAS_NAME = 0x108, Permanent, "the broadcast alias is not valid";
    RINVBCASTAREAFMT = 0x109, Permanent, "the broadcast area format is not valid";
    RINVNUMBCAST_AREAS = 0x10A, Permanent, "the number of broadcast areas is not valid";
    RINVBCASTCNTTYPE = 0x10B, Permanent, "the broadcast content type is not valid";
    RINVBCASTMSGCLASS = 0x10C, Permanent, "the broadcast message class is not valid";
    RBCASTFAIL = 0x10D, Permanent, "the broadcast failed";
    RBCASTQUERYFAIL = 0x10E, Transient, "the broadcast query failed";
    RBCASTCANCELFAIL = 0x10F, Permanent, "the broadcast could not be cancelled";
    RINVBCAST_REP = 0x110, Permanent, "the broadcast repetitions are not valid";
    RINVBCASTSRVGRP = 0x111, Permanent, "the broadcast service group is not valid";
    RINVBCASTCHANIND = 0x112, Permanent, "the broadcast channel is not valid";
}

impl CommandStatus {
    /// Whether this is `ESME_ROK`.
    pub fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The specification's name, for instance `ESME_RTHROTTLED`.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(name, ..)| name)
    }

    /// What to do about it. Vendors' codes (0x400–0x4FF) and unknown ones count as permanent: a refusal is
    /// a refusal, and only the specification's two throttle codes are worth hammering on.
    pub fn retry(self) -> RetryClass {
        self.row()
            .map_or(RetryClass::Permanent, |(_, class, _)| class)
    }

    /// A sentence fragment for people.
    pub fn meaning(self) -> &'static str {
        match (self.row(), self.0) {
            (Some((_, _, meaning)), _) => meaning,
            (None, 0x400..=0x4FF) => {
                "a refusal with a code of the carrier's own (see its documentation)"
            }
            (None, _) => "a refusal with a code that SMPP does not define",
        }
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:03X}): {}", self.0, self.meaning()),
            None => write!(f, "0x{:08X}: {}", self.0, self.meaning()),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_status_has_its_own_value_and_a_name() {
        let mut values: Vec<u32> = NAMED.iter().map(|status| status.0).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), NAMED.len());
        assert!(
            NAMED
                .iter()
                .all(|status| status.name().is_some_and(|name| name.starts_with("ESME_R")))
        );
    }

    #[test]
    fn only_rate_and_queue_are_throttles() {
        let throttles: Vec<_> = NAMED
            .iter()
            .filter(|status| status.retry() == RetryClass::Throttle)
            .collect();
        assert_eq!(
            throttles,
            [&CommandStatus::RMSGQFUL, &CommandStatus::RTHROTTLED]
        );
    }

    #[test]
    fn a_vendors_code_is_a_permanent_refusal_that_reads_as_one() {
        let status = CommandStatus(0x0000_0411);
        assert_eq!(status.retry(), RetryClass::Permanent);
        assert!(status.to_string().contains("0x00000411"));
        assert!(status.meaning().contains("carrier's own"));
    }
}
