//! Where a person is put through to: a call centre's line, with its hours and how many calls it bears.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::sip_settings::{SipTransport, VoiceCodec, tls_faults};
use super::settings::SettingFault;
use crate::time::MINUTE_MS;
use crate::word::words;

/// What a call centre said about its free agents is believed for so long. Then nobody knows how many there are, and it is given no more calls at once than it
/// said: a centre that said none at closing time gets none.
pub const FREE_AGENTS_LAST_MS: i64 = 5 * MINUTE_MS;

/// A number in E.164, reached over a trunk, or a SIP address, reached directly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TransferAddress {
    Number(String),
    /// `sip:user@host[:port]`, without further parameters.
    Sip(String),
}

words! {
    /// Whether the audio of a line is encrypted (RFC 4568).
    pub enum AudioEncryption {
        Never = "never",
        /// Where the call centre's side can (RFC 8643).
        Offered = "offered",
        /// A call whose far end cannot fails.
        Required = "required",
    }
}

/// How a call centre's own SIP address is reached; without meaning for a number, whose trunk says it all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipLine {
    pub transport: SipTransport,
    /// The preferred one first.
    pub codecs: Vec<VoiceCodec>,
    pub encryption: AudioEncryption,
    /// As for a trunk: an authority, a pin, or neither for the public authorities.
    pub tls_ca_pem: String,
    pub tls_pin_sha256: String,
}

impl Default for SipLine {
    fn default() -> Self {
        Self { transport: SipTransport::Udp, codecs: vec![VoiceCodec::Pcma, VoiceCodec::Pcmu], encryption: AudioEncryption::Offered, tls_ca_pem: String::new(), tls_pin_sha256: String::new() }
    }
}

impl SipLine {
    /// Every fault at once, for a form.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, field, problem: &str| {
            if !ok {
                faults.push(SettingFault { field, problem: problem.into() });
            }
        };
        check(matches!(self.codecs.as_slice(), [_]) || matches!(self.codecs.as_slice(), [one, other] if one != other), "codecs", "choose pcma, pcmu or both, the preferred one first");
        check(self.encryption != AudioEncryption::Required || self.transport == SipTransport::Tls, "encryption", "audio that must be encrypted needs the transport tls: its keys travel in the signalling");
        faults.extend(tls_faults(&self.tls_ca_pem, &self.tls_pin_sha256));
        faults
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferAddressError {
    #[error("write a number with its country code, such as +442079460123, or a SIP address, such as sip:agents@centre.example")]
    NeitherNumberNorSip,
    #[error("a SIP address looks like sip:agents@centre.example or sip:agents@192.0.2.7:5060")]
    Sip,
    #[error("numbers that cost a premium or are personal (+449, +4470, +4484, +4487) cannot be put through to (UK-42)")]
    Premium,
}

const DEAR: [&str; 4] = ["+449", "+4470", "+4484", "+4487"];
const ADDRESS_CHARS_MAX: usize = 255;

impl TransferAddress {
    pub fn parse(text: &str) -> Result<Self, TransferAddressError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("sip:") {
            return sip(text, rest);
        }
        let digits = text.strip_prefix('+').filter(|digits| (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
        match digits {
            Some(_) if DEAR.iter().any(|dear| text.starts_with(dear)) => Err(TransferAddressError::Premium),
            Some(_) => Ok(Self::Number(text.to_owned())),
            None => Err(TransferAddressError::NeitherNumberNorSip),
        }
    }
}

fn sip(whole: &str, rest: &str) -> Result<TransferAddress, TransferAddressError> {
    let (user, host) = rest.split_once('@').ok_or(TransferAddressError::Sip)?;
    let user_good = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+*".contains(&byte));
    if user_good && is_host(host) && whole.len() <= ADDRESS_CHARS_MAX { Ok(TransferAddress::Sip(whole.to_owned())) } else { Err(TransferAddressError::Sip) }
}

/// A name or an address (IPv6 in brackets), with or without a port.
fn is_host(text: &str) -> bool {
    let (good, after) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or((false, ""), |(address, after)| (address.parse::<core::net::Ipv6Addr>().is_ok(), after)),
        None => {
            let (host, after) = text.split_at(text.find(':').unwrap_or(text.len()));
            (!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), after)
        }
    };
    good && after.strip_prefix(':').map_or(after.is_empty(), |port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

impl fmt::Display for TransferAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) | Self::Sip(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_sip_addresses() {
        assert_eq!(TransferAddress::parse(" +442079460123 "), Ok(TransferAddress::Number("+442079460123".into())));
        assert_eq!(TransferAddress::parse("sip:agents@127.0.0.1:5080").map(|address| address.to_string()), Ok("sip:agents@127.0.0.1:5080".into()));
        for good in ["agents.example", "agents.example:65535", "[2001:db8::1]", "[2001:db8::1]:5060"] {
            assert!(TransferAddress::parse(&format!("sip:agents@{good}")).is_ok(), "{good}");
        }
        for bad in ["", ":5060", "agents.example:", "agents.example:0", "agents.example:99999", "agents.example:+1", "[2001:db8::1", "[agents.example]", "2001:db8::1", "a:1:2"] {
            assert_eq!(TransferAddress::parse(&format!("sip:agents@{bad}")), Err(TransferAddressError::Sip), "{bad}");
        }
    }

    #[test]
    fn a_line_reads_with_its_defaults_and_names_its_faults() {
        let line: SipLine = serde_json::from_str("{}").expect("reads");
        assert_eq!((line.clone(), line.faults()), (SipLine::default(), Vec::new()));
        let line: SipLine = serde_json::from_str(r#"{"codecs":["pcmu","pcmu"],"encryption":"required","tls_pin_sha256":"ab"}"#).expect("reads");
        let fields: Vec<_> = line.faults().iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["codecs", "encryption", "tls_pin_sha256"]);
    }

    #[test]
    fn says_what_is_wrong() {
        use TransferAddressError as E;
        for (text, error) in [
            ("", E::NeitherNumberNorSip),
            ("02079460123", E::NeitherNumberNorSip),
            ("+44909879000", E::Premium),
            ("sip:agents", E::Sip),
            ("sip:a b@host", E::Sip),
            ("sip:agents@host;transport=tcp", E::Sip),
            ("sip:agents@host\r\nX: y", E::Sip),
        ] {
            assert_eq!(TransferAddress::parse(text), Err(error), "{text:?}");
        }
    }
}
