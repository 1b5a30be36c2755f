//! A SIP trunk's settings as fields, and back.

use clarion_domain::carriers::call_price::BillingIncrement;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::sip_settings::{SipSettings, SipTransport, VoiceCodec};
use maud::{Markup, html};
use serde_json::json;

use super::trunk_form::{cost_text, read_cost};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, area, select, tick};

pub const CODECS: [(&str, &str); 4] = [("pcma pcmu", "A-law, then µ-law"), ("pcmu pcma", "µ-law, then A-law"), ("pcma", "A-law alone"), ("pcmu", "µ-law alone")];

pub fn default_settings() -> SipSettings {
    serde_json::from_value(json!({ "hosts": [] })).expect("every other setting has a default")
}

pub fn with(fields: Fields, sip: &SipSettings) -> Fields {
    let yes = |held: bool| if held { "yes" } else { "" };
    let codecs: Vec<&str> = sip.codecs.iter().map(|codec| codec.as_str()).collect();
    fields
        .with("hosts", sip.hosts.join("\n"))
        .with("transport", sip.transport.as_str())
        .with("username", &sip.username)
        .with("register", yes(sip.register))
        .with("from_domain", &sip.from_domain)
        .with("asserted_identity", yes(sip.asserted_identity))
        .with("number_plus", yes(sip.number_plus))
        .with("codecs", codecs.join(" "))
        .with("srtp", yes(sip.srtp))
        .with("keep_alive_seconds", sip.keep_alive_seconds.to_string())
        .with("calls_at_once", sip.calls_at_once.to_string())
        .with("tls_ca_pem", &sip.tls_ca_pem)
        .with("tls_pin_sha256", &sip.tls_pin_sha256)
        .with("price_per_minute", cost_text(sip.price_per_minute))
        .with("connection_fee", cost_text(sip.connection_fee))
        .with("billing_increment", sip.billing_increment.to_string())
}

pub fn inputs(fill: Fill) -> Markup {
    let transports: Vec<(String, String)> = SipTransport::ALL.iter().map(|transport| (transport.to_string(), transport.to_string().to_uppercase())).collect();
    let codecs: Vec<(String, String)> = CODECS.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
    html! {
        (area("hosts", "Hosts", "One a line: sip.carrier.example, found by its SRV records, or host:port. The first that answers carries a call.", None, fill))
        div.row {
            (select("transport", "Transport", "", &transports, fill))
            (Input::new("calls_at_once", "Calls at once, at most").kind("number").show(fill))
        }
        (Input::new("username", "User name").hint("For digest authentication; empty when the carrier knows you by your address.").class("medium").show(fill))
        (tick("register", "Register", "When the carrier asks for it.", fill))
        div.row {
            (Input::new("price_per_minute", "Price of a minute").show(fill))
            (Input::new("connection_fee", "Fee for each answered call").show(fill))
            (Input::new("billing_increment", "Billed in steps of (seconds)").hint("The first seconds and the step, as the carrier writes it: 60/60, 30/6, 1/1.").show(fill))
        }
        details.table { summary { "More settings" } div.stack {
            (select("codecs", "Audio", "The preferred one first.", &codecs, fill))
            (tick("srtp", "Encrypted audio alone (SRTP)", "Needs the transport TLS. A call whose far end cannot fails.", fill))
            (tick("asserted_identity", "Say the caller ID in P-Asserted-Identity too", "", fill))
            (tick("number_plus", "Write numbers with the plus sign", "", fill))
            (Input::new("from_domain", "Host in our own address").hint("When the carrier wants one of its own there.").class("medium").show(fill))
            (Input::new("keep_alive_seconds", "Ask whether the carrier is there every (seconds)").hint("5 to 600, or 0 for never.").kind("number").class("short").show(fill))
            (Input::new("tls_pin_sha256", "Certificate pin (SHA-256)").hint("With TLS: trusted whoever signed it.").show(fill))
            (area("tls_ca_pem", "Certificate authority (PEM)", "With TLS, when the carrier's is not a public one; without it and without a pin the public ones are trusted.", None, fill))
        } }
    }
}

pub fn read(fields: &Fields, problems: &mut Problems) -> Option<TrunkSettings> {
    let mut whole = |name: &str| fields.get(name).parse::<u32>().unwrap_or_else(|_| {
        problems.add(name, "Enter a whole number");
        0
    });
    let (keep_alive_seconds, calls_at_once) = (whole("keep_alive_seconds"), whole("calls_at_once"));
    let mut price = |name: &str| read_cost(fields.get(name)).unwrap_or_else(|| {
        problems.add(name, "Enter an amount with at most four decimals, such as 0.0120");
        0
    });
    let (price_per_minute, connection_fee) = (price("price_per_minute"), price("connection_fee"));
    let billing_increment = fields.get("billing_increment").parse().unwrap_or_else(|_| {
        problems.add("billing_increment", "Enter the first seconds and the step, such as 60/60, 30/6 or 1/1");
        BillingIncrement::SECOND
    });
    let settings = SipSettings {
        hosts: fields.raw("hosts").lines().map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect(),
        transport: fields.word("transport").unwrap_or(SipTransport::Udp),
        tls_ca_pem: fields.get("tls_ca_pem").to_owned(),
        tls_pin_sha256: fields.get("tls_pin_sha256").to_owned(),
        username: fields.get("username").to_owned(),
        register: fields.has("register", "yes"),
        from_domain: fields.get("from_domain").to_owned(),
        asserted_identity: fields.has("asserted_identity", "yes"),
        codecs: fields.get("codecs").split(' ').filter_map(|codec| codec.parse::<VoiceCodec>().ok()).collect(),
        srtp: fields.has("srtp", "yes"),
        keep_alive_seconds,
        calls_at_once,
        number_plus: fields.has("number_plus", "yes"),
        price_per_minute,
        connection_fee,
        billing_increment,
    };
    problems.is_empty().then_some(TrunkSettings::Sip(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_their_form() {
        let sip = SipSettings {
            hosts: vec!["a.example".into(), "192.0.2.1:5060".into()],
            srtp: true,
            transport: SipTransport::Tls,
            codecs: vec![VoiceCodec::Pcmu],
            tls_pin_sha256: "ab".repeat(32),
            number_plus: false,
            price_per_minute: 120,
            connection_fee: 50,
            billing_increment: "60/60".parse().expect("an increment"),
            ..default_settings()
        };
        assert_eq!(read(&with(Fields::new(), &sip), &mut Problems::new()), Some(TrunkSettings::Sip(sip)));
    }
}
