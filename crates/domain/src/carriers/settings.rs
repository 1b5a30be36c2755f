//! How a trunk is configured: what the operator writes for an SMPP account or an HTTP provider; a SIP trunk has `sip_settings`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::opted_out::{OptedOutCodes, are_of_http, are_of_smpp};
use crate::outcomes::receipt::ReceiptState;
use crate::word::words;

words! {
    /// Which binds an SMPP account wants.
    pub enum BindStyle {
        Transceiver = "transceiver",
        /// One transmitter and one receiver.
        Separate = "separate",
    }
}

words! {
    pub enum SmppVersion {
        V34 = "3.4",
        V50 = "5.0",
    }
}

words! {
    /// How a text longer than one part is written.
    pub enum LongMessageForm {
        Udh8 = "udh8",
        Udh16 = "udh16",
        SarTlvs = "sar_tlvs",
        MessagePayload = "message_payload",
    }
}

words! {
    /// What the account's default alphabet (`data_coding` 0) is, for texts that fit into GSM 03.38.
    pub enum GsmCoding {
        /// GSM 03.38, one septet an octet, data_coding 0.
        Gsm = "gsm",
        /// ISO 8859-1, data_coding 3.
        Latin1 = "latin1",
        /// IA5 (ASCII), data_coding 1.
        Ia5 = "ia5",
    }
}

words! {
    /// How the message id of a receipt relates to the one of the submit response.
    pub enum MessageIdFormat {
        AsIs = "as_is",
        CaseInsensitive = "case_insensitive",
        HexToDecimal = "hex_to_decimal",
        DecimalToHex = "decimal_to_hex",
        Auto = "auto",
    }
}

/// An SMPP account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    pub host: String,
    pub port: u16,
    pub system_id: String,
    #[serde(default)]
    pub system_type: String,
    #[serde(default = "defaults::bind")]
    pub bind: BindStyle,
    #[serde(default = "defaults::version")]
    pub version: SmppVersion,
    #[serde(default)]
    pub tls: bool,
    /// PEM of the authority that signed the carrier's certificate, or that certificate itself. TLS needs this or a pin: no
    /// authority is trusted unless it is named.
    #[serde(default)]
    pub tls_ca_pem: String,
    /// SHA-256 of the carrier's certificate (64 hexadecimal digits, colons may stand between): trusted whoever signed it.
    #[serde(default)]
    pub tls_pin_sha256: String,
    /// Submissions without an answer at the same time.
    #[serde(default = "defaults::window")]
    pub window: u32,
    #[serde(default = "defaults::enquire_link_seconds")]
    pub enquire_link_seconds: u32,
    #[serde(default = "defaults::response_timeout_seconds")]
    pub response_timeout_seconds: u32,
    #[serde(default = "defaults::long_message")]
    pub long_message: LongMessageForm,
    #[serde(default = "defaults::gsm_coding")]
    pub gsm_coding: GsmCoding,
    #[serde(default = "defaults::message_id_format")]
    pub message_id_format: MessageIdFormat,
    #[serde(default = "defaults::yes")]
    pub receipts: bool,
    /// How long the carrier tries; 0 for its own default.
    #[serde(default = "defaults::validity_minutes")]
    pub validity_minutes: u32,
    /// What the carrier answers when the person has opted out with it: statuses as `0x00000424`, and error codes of receipts.
    #[serde(default)]
    pub opted_out_codes: Vec<String>,
}

words! {
    pub enum HttpBody {
        Form = "form",
        Json = "json",
    }
}

/// A provider that takes messages over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Where to POST: `https://…`; plain `http://` only to a loopback address.
    pub url: String,
    #[serde(default = "defaults::http_body")]
    pub body: HttpBody,
    /// Name of each field and its value, in which `{to}`, `{from}`, `{text}` and `{reference}` stand for the message's.
    pub fields: BTreeMap<String, String>,
    /// Headers; `{secret}` stands for the trunk's secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where the answer holds the message's id: a JSON pointer such as `/messages/0/id`.
    pub message_id: String,
    /// Where the answer holds an error code: a JSON pointer such as `/code`; empty when there is none.
    #[serde(default)]
    pub error: String,
    /// What the provider answers when the person has opted out with it: error codes of answers and of receipts.
    #[serde(default)]
    pub opted_out_codes: Vec<String>,
    #[serde(default = "defaults::http_concurrency")]
    pub concurrency: u32,
    #[serde(default = "defaults::response_timeout_seconds")]
    pub response_timeout_seconds: u32,
    #[serde(default)]
    pub receipt: Option<HttpReceiptSettings>,
}

/// How the provider's receipts read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReceiptSettings {
    /// JSON pointer to the message's id.
    pub message_id: String,
    /// JSON pointer to the state.
    pub state: String,
    /// JSON pointer to an error code; empty when there is none.
    #[serde(default)]
    pub error: String,
    /// The provider's words for states, and ours.
    pub states: BTreeMap<String, ReceiptState>,
    /// The header that holds the signature: hexadecimal HMAC-SHA256 of the body with the trunk's secret.
    pub signature_header: String,
}

/// What a trunk is, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrunkSettings {
    Smpp(SmppSettings),
    Http(HttpSettings),
    Sip(super::sip_settings::SipSettings),
}

/// A setting that cannot be, and the field it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingFault {
    pub field: &'static str,
    pub problem: String,
}

impl TrunkSettings {
    #[must_use]
    pub fn kind(&self) -> super::trunk::TrunkKind {
        match self {
            Self::Smpp(_) => super::trunk::TrunkKind::Smpp,
            Self::Http(_) => super::trunk::TrunkKind::Http,
            Self::Sip(_) => super::trunk::TrunkKind::Sip,
        }
    }

    /// The codes by which the carrier says that the person has opted out with it.
    #[must_use]
    pub fn opted_out_codes(&self) -> OptedOutCodes {
        match self {
            Self::Smpp(smpp) => OptedOutCodes::of(&smpp.opted_out_codes),
            Self::Http(http) => OptedOutCodes::of(&http.opted_out_codes),
            Self::Sip(_) => OptedOutCodes::default(),
        }
    }

    /// Every fault at once, for a form.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        match self {
            Self::Smpp(smpp) => smpp_faults(smpp),
            Self::Http(http) => http_faults(http),
            Self::Sip(sip) => sip.faults(),
        }
    }
}

fn smpp_faults(smpp: &SmppSettings) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let mut check = |ok: bool, field, problem: &str| {
        if !ok {
            faults.push(SettingFault { field, problem: problem.into() });
        }
    };
    check(!smpp.host.trim().is_empty(), "host", "name the carrier's host or address");
    check(smpp.port != 0, "port", "give the carrier's port, often 2775 or 3550 with TLS");
    check(!smpp.system_id.is_empty() && smpp.system_id.len() <= 15, "system_id", "the account's name has 1 to 15 characters (SMPP 3.4, 5.2.1)");
    check(smpp.system_type.len() <= 12, "system_type", "at most 12 characters (SMPP 3.4, 5.2.3)");
    check((1..=10_000).contains(&smpp.window), "window", "1 to 10,000 submissions at the same time");
    check((5..=600).contains(&smpp.enquire_link_seconds), "enquire_link_seconds", "5 to 600 seconds");
    check((1..=300).contains(&smpp.response_timeout_seconds), "response_timeout_seconds", "1 to 300 seconds");
    check(smpp.validity_minutes <= 10_080, "validity_minutes", "at most 10,080 minutes, which is a week");
    check(are_of_smpp(&smpp.opted_out_codes), "opted_out_codes", "statuses such as 0x00000424, or error codes of receipts of one to six letters and digits; at most 50");
    let pin = smpp.tls_pin_sha256.replace(':', "");
    check(pin.is_empty() || pin.len() == 64 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()), "tls_pin_sha256", "64 hexadecimal digits, as OpenSSL prints a SHA-256 fingerprint");
    check(!smpp.tls || !pin.is_empty() || smpp.tls_ca_pem.contains("BEGIN CERTIFICATE"), "tls_ca_pem", "TLS needs the carrier's certificate: its authority in PEM here, or its own in tls_pin_sha256");
    faults
}

fn http_faults(http: &HttpSettings) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let mut check = |ok: bool, field, problem: &str| {
        if !ok {
            faults.push(SettingFault { field, problem: problem.into() });
        }
    };
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|start| http.url.starts_with(start));
    check(http.url.starts_with("https://") || loopback, "url", "an https:// address (plain http:// only to this machine)");
    let has = |name: &str| http.fields.values().any(|value| value.contains(name));
    check(has("{to}") && has("{text}"), "fields", "at least one field must hold {to} and one {text}");
    check(http.message_id.starts_with('/'), "message_id", "a JSON pointer such as /messages/0/id");
    check(http.error.is_empty() || http.error.starts_with('/'), "error", "a JSON pointer such as /code, or empty");
    check(are_of_http(&http.opted_out_codes), "opted_out_codes", "error codes of at most 40 characters without a space; at most 50");
    let errors_are_read = !http.error.is_empty() || http.receipt.as_ref().is_some_and(|receipt| !receipt.error.is_empty());
    check(http.opted_out_codes.is_empty() || errors_are_read, "opted_out_codes", "say where error codes stand: in error for answers, or in the receipt's error");
    check((1..=1_000).contains(&http.concurrency), "concurrency", "1 to 1,000 requests at the same time");
    check((1..=300).contains(&http.response_timeout_seconds), "response_timeout_seconds", "1 to 300 seconds");
    if let Some(receipt) = &http.receipt {
        check(receipt.message_id.starts_with('/') && receipt.state.starts_with('/'), "receipt", "message_id and state are JSON pointers such as /status");
        check(!receipt.signature_header.is_empty(), "receipt", "name the header that holds the signature: receipts without one are not believed");
        check(!receipt.states.is_empty(), "receipt", "list the provider's words for states");
    }
    faults
}

mod defaults {
    use super::{BindStyle, GsmCoding, HttpBody, LongMessageForm, MessageIdFormat, SmppVersion};

    pub fn bind() -> BindStyle {
        BindStyle::Transceiver
    }
    pub fn version() -> SmppVersion {
        SmppVersion::V34
    }
    pub fn window() -> u32 {
        100
    }
    pub fn enquire_link_seconds() -> u32 {
        30
    }
    pub fn response_timeout_seconds() -> u32 {
        30
    }
    pub fn long_message() -> LongMessageForm {
        LongMessageForm::Udh8
    }
    pub fn gsm_coding() -> GsmCoding {
        GsmCoding::Gsm
    }
    pub fn message_id_format() -> MessageIdFormat {
        MessageIdFormat::CaseInsensitive
    }
    pub fn yes() -> bool {
        true
    }
    pub fn validity_minutes() -> u32 {
        2_880
    }
    pub fn http_body() -> HttpBody {
        HttpBody::Json
    }
    pub fn http_concurrency() -> u32 {
        16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_setting_reads_with_its_defaults_and_an_unknown_key_does_not() {
        let text = r#"{"kind":"smpp","host":"127.0.0.1","port":2775,"system_id":"clarion"}"#;
        let settings: TrunkSettings = serde_json::from_str(text).expect("reads");
        assert!(settings.faults().is_empty());
        assert!(matches!(&settings, TrunkSettings::Smpp(smpp) if smpp.window == 100 && smpp.receipts));
        assert!(serde_json::from_str::<TrunkSettings>(&text.replace("port", "prot")).is_err());
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let text = r#"{"kind":"smpp","host":"","port":0,"system_id":"longer-than-fifteen","window":0}"#;
        let settings: TrunkSettings = serde_json::from_str(text).expect("reads");
        let fields: Vec<_> = settings.faults().iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["host", "port", "system_id", "window"]);
        let text = r#"{"kind":"smpp","host":"smsc.example","port":3550,"system_id":"clarion","tls":true}"#;
        let mut settings: TrunkSettings = serde_json::from_str(text).expect("reads");
        assert_eq!(settings.faults().first().map(|fault| fault.field), Some("tls_ca_pem"), "nobody is trusted unless named");
        if let TrunkSettings::Smpp(smpp) = &mut settings {
            smpp.tls_pin_sha256 = ["AB"; 32].join(":");
        }
        assert_eq!(settings.faults(), []);
    }

    #[test]
    fn an_http_provider_needs_tls_and_a_signed_receipt() {
        let text = r#"{"kind":"http","url":"http://sms.example","fields":{"to":"{to}","text":"{text}"},"message_id":"/id",
            "receipt":{"message_id":"/id","state":"/status","states":{"ok":"delivered"},"signature_header":""}}"#;
        let fields: Vec<_> = serde_json::from_str::<TrunkSettings>(text).expect("reads").faults().iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["url", "receipt"]);
    }

    #[test]
    fn codes_of_an_opt_out_need_a_place_where_they_are_read() {
        let faults = |more: &str| {
            let text = format!(r#"{{"kind":"http","url":"https://sms.example","fields":{{"to":"{{to}}","text":"{{text}}"}},"message_id":"/id",{more}}}"#);
            serde_json::from_str::<TrunkSettings>(&text).expect("reads").faults().iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(faults(r#""opted_out_codes":["21610"]"#), ["opted_out_codes"]);
        assert_eq!(faults(r#""opted_out_codes":["21610"],"error":"code""#), ["error"]);
        assert_eq!(faults(r#""opted_out_codes":["opted out"],"error":"/code""#), ["opted_out_codes"]);
        assert_eq!(faults(r#""opted_out_codes":["21610"],"error":"/code""#), [""; 0]);
    }
}
