//! How the settings of a trunk look in the document; the domain reads and checks them.

#![expect(dead_code, reason = "only the schemas of these types are used; a test compares them with the domain's own")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::api::wire::{BindStyle, GsmCoding, HttpBody, LongMessageForm, MessageIdFormat, ReceiptState, SipTransport, SmppVersion, VoiceCodec};

/// What a trunk is, by its kind.
#[derive(ToSchema)]
#[schema(example = json!({"kind": "smpp", "host": "smsc.example", "port": 2775, "system_id": "northwind"}))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrunkSettings {
    Smpp(SmppSettings),
    Http(HttpSettings),
    Sip(SipSettings),
}

/// An SMPP account.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    #[schema(min_length = 1)]
    host: String,
    #[schema(minimum = 1, maximum = 65535)]
    port: u16,
    #[schema(min_length = 1, max_length = 15)]
    system_id: String,
    #[serde(default)]
    #[schema(max_length = 12)]
    system_type: String,
    #[serde(default)]
    #[schema(required = false)]
    bind: BindStyle,
    #[serde(default)]
    #[schema(required = false)]
    version: SmppVersion,
    #[serde(default)]
    tls: bool,
    /// PEM of the authority that signed the carrier's certificate, or that certificate itself. TLS needs this or a pin.
    #[serde(default)]
    tls_ca_pem: String,
    /// SHA-256 of the carrier's certificate: trusted whoever signed it.
    #[serde(default)]
    #[schema(pattern = "^(([0-9A-Fa-f]{2}:?){32})?$")]
    tls_pin_sha256: String,
    /// Submissions without an answer at the same time.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    window: u32,
    #[serde(default)]
    #[schema(minimum = 5, maximum = 600)]
    enquire_link_seconds: u32,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 300)]
    response_timeout_seconds: u32,
    #[serde(default)]
    #[schema(required = false)]
    long_message: LongMessageForm,
    #[serde(default)]
    #[schema(required = false)]
    gsm_coding: GsmCoding,
    #[serde(default)]
    #[schema(required = false)]
    message_id_format: MessageIdFormat,
    #[serde(default)]
    receipts: bool,
    /// How long the carrier tries; 0 for its own default.
    #[serde(default)]
    #[schema(maximum = 10080)]
    validity_minutes: u32,
    /// What the carrier answers when the person has opted out with it: statuses such as `0x00000424`, and error codes of receipts, of one to six
    /// letters and digits. Texts to the number are suppressed then.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    opted_out_codes: Vec<String>,
}

/// Name of each field and its value, in which `{to}`, `{from}`, `{text}` and `{reference}` stand for the message's.
#[derive(ToSchema)]
pub struct HttpFields(BTreeMap<String, String>);

/// Headers; `{secret}` stands for the trunk's secret.
#[derive(ToSchema)]
pub struct HttpHeaders(BTreeMap<String, String>);

/// A provider that takes messages over HTTP.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Where to POST: `https://…`; plain `http://` only to a loopback address.
    url: String,
    #[serde(default)]
    #[schema(required = false)]
    body: HttpBody,
    fields: HttpFields,
    #[serde(default)]
    #[schema(required = false)]
    headers: HttpHeaders,
    /// Where the answer holds the message's id: a JSON pointer such as `/messages/0/id`.
    #[schema(pattern = "^/")]
    message_id: String,
    /// Where the answer holds an error code: a JSON pointer such as `/code`; empty when there is none.
    #[serde(default)]
    #[schema(pattern = "^(/.*)?$")]
    error: String,
    /// What the provider answers when the person has opted out with it: error codes of answers, and of receipts where they have at most
    /// six letters and digits. Texts to the number are suppressed then.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    opted_out_codes: Vec<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    concurrency: u32,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 300)]
    response_timeout_seconds: u32,
    receipt: Option<HttpReceiptSettings>,
}

/// An account or a peering that carries calls.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SipSettings {
    /// `host`, found by its SRV records, or `host:port`; the first that answers carries a call.
    #[schema(min_items = 1, max_items = 8)]
    hosts: Vec<String>,
    #[serde(default)]
    #[schema(required = false)]
    transport: SipTransport,
    /// PEM of the authority that signed the carrier's certificate, or that certificate; without it and without a pin a public authority must have.
    #[serde(default)]
    tls_ca_pem: String,
    /// SHA-256 of the carrier's certificate: trusted whoever signed it.
    #[serde(default)]
    #[schema(pattern = "^(([0-9A-Fa-f]{2}:?){32})?$")]
    tls_pin_sha256: String,
    /// Name for digest authentication; empty when the carrier knows us by our address.
    #[serde(default)]
    #[schema(max_length = 128)]
    username: String,
    #[serde(default)]
    register: bool,
    #[serde(default)]
    from_domain: String,
    #[serde(default)]
    asserted_identity: bool,
    #[serde(default)]
    #[schema(required = false, min_items = 1, max_items = 2)]
    codecs: Vec<VoiceCodec>,
    /// Offer encrypted audio alone; needs the transport `tls`.
    #[serde(default)]
    srtp: bool,
    /// Seconds between OPTIONS; 0 for none.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 600)]
    keep_alive_seconds: u32,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    calls_at_once: u32,
    /// Numbers with the plus sign, or without.
    #[serde(default)]
    number_plus: bool,
    /// Ten-thousandths of the currency's unit a minute.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100000000)]
    price_per_minute: i64,
    /// What each answered call costs besides, in the same.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100000000)]
    connection_fee: i64,
    /// How the carrier rounds time up: the first seconds and the step, such as 60/60, 30/6 or 1/1.
    #[serde(default)]
    #[schema(required = false, pattern = "^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$")]
    billing_increment: String,
}

/// How the provider's receipts read.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpReceiptSettings {
    /// JSON pointer to the message's id.
    #[schema(pattern = "^/")]
    message_id: String,
    /// JSON pointer to the state.
    #[schema(pattern = "^/")]
    state: String,
    /// JSON pointer to an error code; empty when there is none.
    #[serde(default)]
    error: String,
    /// The provider's words for states, and ours.
    states: BTreeMap<String, ReceiptState>,
    /// The header that holds the signature: hexadecimal HMAC-SHA256 of the body with the trunk's secret.
    #[schema(min_length = 1)]
    signature_header: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clarion_domain::carriers::settings as domain;
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn properties<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).expect("JSON");
        schema["properties"].as_object().expect("an object").keys().cloned().collect()
    }

    fn keys(value: &Value) -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn the_schemas_have_the_settings_of_the_domain() {
        let smpp: domain::SmppSettings = serde_json::from_value(json!({"host": "smsc.example", "port": 2775, "system_id": "clarion"})).expect("reads");
        assert_eq!(properties::<SmppSettings>(), keys(&serde_json::to_value(smpp).expect("JSON")));
        let receipt = json!({"message_id": "/id", "state": "/state", "states": {}, "signature_header": "x-signature"});
        let http = json!({"url": "https://sms.example", "fields": {}, "message_id": "/id", "receipt": receipt});
        let http: domain::HttpSettings = serde_json::from_value(http).expect("reads");
        let http = serde_json::to_value(http).expect("JSON");
        assert_eq!(properties::<HttpSettings>(), keys(&http));
        assert_eq!(properties::<HttpReceiptSettings>(), keys(&http["receipt"]));
        let sip: clarion_domain::carriers::sip_settings::SipSettings = serde_json::from_value(json!({"hosts": ["sip.example"]})).expect("reads");
        assert_eq!(properties::<SipSettings>(), keys(&serde_json::to_value(sip).expect("JSON")));
    }
}
