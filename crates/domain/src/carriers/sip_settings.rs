//! How a SIP trunk is configured: what the operator writes for an account that carries calls.

use serde::{Deserialize, Serialize};

use super::call_price::{BillingIncrement, CallPrice};
use super::settings::SettingFault;
use crate::word::words;

words! {
    pub enum SipTransport {
        Udp = "udp",
        Tcp = "tcp",
        Tls = "tls",
    }
}

words! {
    pub enum VoiceCodec {
        /// G.711 A-law, the one of most of the world.
        Pcma = "pcma",
        /// G.711 µ-law, the one of North America and Japan.
        Pcmu = "pcmu",
    }
}

/// A SIP account or a peering with a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipSettings {
    /// `host`, found by its SRV records, or `host:port`; the first that answers carries a call (RFC 3263).
    pub hosts: Vec<String>,
    #[serde(default = "defaults::transport")]
    pub transport: SipTransport,
    /// PEM of the authority that signed the carrier's certificate, or that certificate itself. Without it and without a pin the
    /// public authorities that the machine trusts are asked: carriers that are found by their name have one of theirs.
    #[serde(default)]
    pub tls_ca_pem: String,
    /// SHA-256 of the carrier's certificate (64 hexadecimal digits, colons may stand between): trusted whoever signed it.
    #[serde(default)]
    pub tls_pin_sha256: String,
    /// Name for digest authentication; empty when the carrier knows us by our address.
    #[serde(default)]
    pub username: String,
    /// Whether the carrier wants us to register (RFC 3261, section 10).
    #[serde(default)]
    pub register: bool,
    /// The host part of our own address, when the carrier wants one of its own there.
    #[serde(default)]
    pub from_domain: String,
    /// Say the caller ID in P-Asserted-Identity too (RFC 3325).
    #[serde(default = "defaults::yes")]
    pub asserted_identity: bool,
    #[serde(default = "defaults::codecs")]
    pub codecs: Vec<VoiceCodec>,
    /// Offer encrypted audio alone (RFC 4568); a call whose far end cannot fails.
    #[serde(default)]
    pub srtp: bool,
    /// Seconds between OPTIONS that ask whether the carrier is there; 0 for none.
    #[serde(default = "defaults::keep_alive_seconds")]
    pub keep_alive_seconds: u32,
    /// Calls at the same time at most.
    #[serde(default = "defaults::calls_at_once")]
    pub calls_at_once: u32,
    /// Numbers as the carrier wants them: with the plus sign, or without.
    #[serde(default = "defaults::yes")]
    pub number_plus: bool,
    /// Ten-thousandths of the currency's unit a minute.
    #[serde(default)]
    pub price_per_minute: i64,
    /// What each answered call costs besides, in the same.
    #[serde(default)]
    pub connection_fee: i64,
    /// How the carrier rounds time up.
    #[serde(default = "defaults::billing_increment")]
    pub billing_increment: BillingIncrement,
}

/// 10,000 units.
const PRICE_MAX: i64 = 100_000_000;

impl SipSettings {
    #[must_use]
    pub fn price(&self) -> CallPrice {
        CallPrice { per_minute: self.price_per_minute, connection_fee: self.connection_fee, increment: self.billing_increment }
    }

    pub(super) fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, field, problem: &str| {
            if !ok {
                faults.push(SettingFault { field, problem: problem.into() });
            }
        };
        check((1..=8).contains(&self.hosts.len()), "hosts", "name one to eight hosts of the carrier");
        check(self.hosts.iter().all(|host| is_host(host)), "hosts", "a host is a name or an address, with a port where it has one: sip.carrier.example or 192.0.2.1:5060");
        check(!self.register || !self.username.is_empty(), "username", "a trunk that registers needs its account's name");
        check(self.username.len() <= 128 && !self.username.contains(|c: char| c.is_control() || c == '"'), "username", "at most 128 characters, without quotation marks");
        check(self.from_domain.is_empty() || is_host(&self.from_domain), "from_domain", "a host name, or nothing");
        check((1..=2).contains(&self.codecs.len()), "codecs", "choose pcma, pcmu or both, the preferred one first");
        check(self.keep_alive_seconds == 0 || (5..=600).contains(&self.keep_alive_seconds), "keep_alive_seconds", "5 to 600 seconds, or 0 for none");
        check((1..=10_000).contains(&self.calls_at_once), "calls_at_once", "1 to 10,000 calls at the same time");
        check((0..=PRICE_MAX).contains(&self.price_per_minute), "price_per_minute", "0 to 10,000 units, in ten-thousandths of one");
        check((0..=PRICE_MAX).contains(&self.connection_fee), "connection_fee", "0 to 10,000 units, in ten-thousandths of one");
        check(!self.srtp || self.transport == SipTransport::Tls, "srtp", "encrypted audio needs the transport tls: its keys travel in the signalling");
        faults.extend(tls_faults(&self.tls_ca_pem, &self.tls_pin_sha256));
        faults
    }
}

/// An authority, a pin, or neither for the public authorities.
pub(super) fn tls_faults(ca_pem: &str, pin_sha256: &str) -> Vec<SettingFault> {
    let digits = pin_sha256.replace(':', "");
    let pin = digits.is_empty() || digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let ca = ca_pem.is_empty() || ca_pem.contains("BEGIN CERTIFICATE");
    let fault = |ok: bool, field, problem: &str| (!ok).then(|| SettingFault { field, problem: problem.into() });
    [
        fault(pin, "tls_pin_sha256", "64 hexadecimal digits, as OpenSSL prints a SHA-256 fingerprint"),
        fault(ca, "tls_ca_pem", "a certificate in PEM, or nothing for the public authorities"),
        fault(digits.is_empty() || ca_pem.is_empty(), "tls_ca_pem", "an authority or a pin: with a pin nobody else is asked"),
    ].into_iter().flatten().collect()
}

/// A host name, an IPv4 address or a bracketed IPv6 address, with an optional port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port.parse::<u16>().is_ok_and(|port| port != 0)),
        _ => (text, true),
    };
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let good = match bracketed {
        Some(inner) => inner.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.len() <= 253 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')),
    };
    good && port
}

mod defaults {
    use super::{BillingIncrement, SipTransport, VoiceCodec};

    pub fn transport() -> SipTransport {
        SipTransport::Udp
    }
    pub fn yes() -> bool {
        true
    }
    pub fn codecs() -> Vec<VoiceCodec> {
        vec![VoiceCodec::Pcma, VoiceCodec::Pcmu]
    }
    pub fn keep_alive_seconds() -> u32 {
        30
    }
    pub fn calls_at_once() -> u32 {
        100
    }
    pub fn billing_increment() -> BillingIncrement {
        BillingIncrement::SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::settings::TrunkSettings;

    #[test]
    fn a_short_setting_reads_with_its_defaults() {
        let settings: TrunkSettings = serde_json::from_str(r#"{"kind":"sip","hosts":["sip.carrier.example"]}"#).expect("reads");
        assert!(settings.faults().is_empty());
        assert!(matches!(&settings, TrunkSettings::Sip(sip) if sip.calls_at_once == 100 && sip.codecs[0] == VoiceCodec::Pcma));
    }

    #[test]
    fn every_fault_is_named() {
        let text = r#"{"kind":"sip","hosts":["sip carrier"],"register":true,"codecs":[],"srtp":true,"calls_at_once":0,"keep_alive_seconds":1,"price_per_minute":-1,"connection_fee":100000001}"#;
        let fields: Vec<_> = serde_json::from_str::<TrunkSettings>(text).expect("reads").faults().iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["hosts", "username", "codecs", "keep_alive_seconds", "calls_at_once", "price_per_minute", "connection_fee", "srtp"]);
        assert!(serde_json::from_str::<TrunkSettings>(r#"{"kind":"sip","hosts":["a.example"],"billing_increment":"60"}"#).is_err());
    }

    #[test]
    fn one_of_authority_and_pin_is_named_or_neither() {
        let fields = |more: &str| {
            let text = format!(r#"{{"kind":"sip","hosts":["sip.carrier.example"],"transport":"tls"{more}}}"#);
            serde_json::from_str::<TrunkSettings>(&text).expect("reads").faults().iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let pin = ["AB"; 32].join(":");
        let none: [&str; 0] = [];
        assert_eq!(fields(""), none);
        assert_eq!(fields(&format!(r#","tls_pin_sha256":"{pin}""#)), none);
        assert_eq!(fields(r#","tls_pin_sha256":"abcd""#), ["tls_pin_sha256"]);
        assert_eq!(fields(r#","tls_ca_pem":"carrier""#), ["tls_ca_pem"]);
        assert_eq!(fields(&format!(r#","tls_pin_sha256":"{pin}","tls_ca_pem":"-----BEGIN CERTIFICATE-----""#)), ["tls_ca_pem"]);
    }

    #[test]
    fn hosts_with_and_without_ports() {
        for good in ["sip.carrier.example", "192.0.2.1:5060", "[2001:db8::1]:5061", "[2001:db8::1]"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", ":5060", "a b", "host:0", "host:99999", "[not-an-address]", "sip:host"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
