//! A trunk's settings as a form, and back. What a provider of HTTP submission wants differs too much for fields: it is JSON.

use clarion_domain::carriers::settings::{BindStyle, GsmCoding, HttpSettings, LongMessageForm, MessageIdFormat, SmppSettings, SmppVersion, TrunkSettings};
use clarion_domain::personal::Personal;
use clarion_store::carriers::{NewTrunk, TrunkRecord};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::sip_form;
use crate::page::fault::capitalised;
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, area, select, tick};

const HTTP_EXAMPLE: &str = r#"{
  "url": "https://provider.example/messages",
  "body": "json",
  "fields": { "to": "{to}", "from": "{from}", "text": "{text}", "reference": "{reference}" },
  "headers": { "authorization": "Bearer {secret}" },
  "message_id": "/id"
}"#;

const SMPP_TEXTS: &[&str] = &["host", "system_id", "system_type", "bind", "version", "long_message", "gsm_coding", "message_id_format", "tls_ca_pem", "tls_pin_sha256"];
const SMPP_NUMBERS: &[&str] = &["port", "window", "enquire_link_seconds", "response_timeout_seconds", "validity_minutes"];
const SMPP_TICKS: &[&str] = &["tls", "receipts"];

fn common(kind: &str) -> Fields {
    Fields::new().with("kind", kind).with("rate_per_second", "50").with("cost", "0.0400").with("currency", "GBP").with("enabled", "yes")
}

pub fn smpp_default() -> Fields {
    let settings = serde_json::from_value::<SmppSettings>(json!({ "host": "", "port": 2775, "system_id": "" })).expect("every other setting has a default");
    with_smpp(common("smpp"), &settings)
}

pub fn sip_default() -> Fields {
    sip_form::with(common("sip"), &sip_form::default_settings())
}

pub fn http_default() -> Fields {
    common("http").with("settings", HTTP_EXAMPLE)
}

fn with_smpp(mut fields: Fields, settings: &SmppSettings) -> Fields {
    let Ok(Value::Object(held)) = serde_json::to_value(settings) else { return fields };
    for (name, value) in held {
        fields = match value {
            Value::String(text) => fields.with(&name, text),
            Value::Bool(true) => fields.with(&name, "yes"),
            Value::Number(number) => fields.with(&name, number.to_string()),
            Value::Array(words) => fields.with(&name, words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            _ => fields,
        };
    }
    fields
}

pub fn fields_of(trunk: &TrunkRecord) -> Fields {
    let fields = Fields::new()
        .with("kind", trunk.settings.kind().as_str())
        .with("name", &trunk.name)
        .with("rate_per_second", trunk.rate_per_second.to_string())
        .with("cost", cost_text(trunk.cost_per_segment))
        .with("currency", &trunk.currency)
        .with("enabled", if trunk.enabled { "yes" } else { "" });
    match &trunk.settings {
        TrunkSettings::Smpp(smpp) => with_smpp(fields, smpp),
        TrunkSettings::Http(http) => fields.with("settings", serde_json::to_string_pretty(http).unwrap_or_default()),
        TrunkSettings::Sip(sip) => sip_form::with(fields, sip),
    }
}

fn words<T: Copy + std::fmt::Display>(all: &[T]) -> Vec<(String, String)> {
    all.iter().map(|word| (word.to_string(), word.to_string().replace('_', " "))).collect()
}

pub fn inputs(fill: Fill, exists: bool) -> Markup {
    let kind = fill.fields.get("kind");
    let http = kind == "http";
    html! {
        input type="hidden" name="kind" value=(if kind.is_empty() { "smpp" } else { kind });
        (Input::new("name", "Name").class("medium").show(fill))
        @if exists { (tick("enabled", "Enabled", "A disabled trunk disconnects and takes nothing.", fill)) }
        @if http {
            (area("settings", "Settings (JSON)", "{to}, {from}, {text} and {reference} stand for the message's; {secret} for the secret.", None, fill))
        } @else if kind == "sip" {
            (sip_form::inputs(fill))
        } @else { (smpp_inputs(fill)) }
        (Input::new("secret", if http { "Secret" } else { "Password" }).hint(if exists { "Empty keeps the old one. It is never shown." } else { "Kept sealed and never shown." }).kind("password").autocomplete("new-password").class("medium").show(fill))
        div.row {
            (Input::new("rate_per_second", if kind == "sip" { "Calls a second, at most" } else { "Segments a second, at most" }).kind("number").show(fill))
            @if kind != "sip" { (Input::new("cost", "Cost of a segment").show(fill)) }
            (Input::new("currency", "Currency").show(fill))
        }
    }
}

fn smpp_inputs(fill: Fill) -> Markup {
    html! {
        div.row { (Input::new("host", "Host").show(fill)) (Input::new("port", "Port").kind("number").show(fill)) }
        div.row { (Input::new("system_id", "System id").show(fill)) (Input::new("system_type", "System type").hint("Often empty.").show(fill)) }
        div.row { (select("bind", "Binds", "", &words(BindStyle::ALL), fill)) (select("version", "SMPP version", "", &words(SmppVersion::ALL), fill)) }
        (tick("tls", "TLS", "", fill))
        (tick("receipts", "Ask for receipts", "Without them nobody knows what was delivered.", fill))
        details.table { summary { "More settings" } div.stack {
            div.row { (Input::new("window", "Unanswered submissions, at most").kind("number").show(fill)) (Input::new("validity_minutes", "Carrier tries for (minutes)").kind("number").show(fill)) }
            div.row { (Input::new("enquire_link_seconds", "Enquire link every (seconds)").kind("number").show(fill)) (Input::new("response_timeout_seconds", "Wait for an answer (seconds)").kind("number").show(fill)) }
            div.row { (select("long_message", "Long messages by", "", &words(LongMessageForm::ALL), fill)) (select("gsm_coding", "Default alphabet", "", &words(GsmCoding::ALL), fill)) }
            (select("message_id_format", "Message ids in receipts", "", &words(MessageIdFormat::ALL), fill))
            (Input::new("opted_out_codes", "Codes of an opt-out").hint("What the carrier answers when the person has opted out with it: statuses such as 0x00000424, error codes of receipts. Texts to them stop. Only codes that say nothing else.").show(fill))
            (Input::new("tls_pin_sha256", "Certificate pin (SHA-256)").show(fill))
            (area("tls_ca_pem", "Certificate authority (PEM)", "TLS needs this or a pin: no authority is trusted unless it is named.", None, fill))
        } }
    }
}

pub fn read(fields: &Fields) -> Result<NewTrunk, Problems> {
    let mut problems = Problems::new();
    problems.need(fields, "name", "Enter a name");
    let settings = match fields.get("kind") {
        "http" => read_json::<HttpSettings>(fields, TrunkSettings::Http, &mut problems),
        "sip" => sip_form::read(fields, &mut problems).and_then(|settings| checked(settings, None, &mut problems)),
        _ => read_smpp(fields, &mut problems),
    };
    let rate = fields.number("rate_per_second");
    if rate.is_none_or(|rate| !(1..=1_000_000).contains(&rate)) {
        problems.add("rate_per_second", "Enter 1 to 1,000,000 segments a second");
    }
    // What calls cost is among the settings of their trunk.
    let cost = if fields.get("kind") == "sip" { Some(0) } else { read_cost(fields.get("cost")) };
    if cost.is_none() {
        problems.add("cost", "Enter an amount with at most four decimals, such as 0.0400");
    }
    let currency = fields.get("currency").to_uppercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        problems.add("currency", "Enter three letters, such as GBP");
    }
    match (settings, rate, cost, problems.is_empty()) {
        (Some(settings), Some(rate_per_second), Some(cost_per_segment), true) => {
            Ok(NewTrunk { name: fields.get("name").to_owned(), settings, secret: Personal::new(fields.raw("secret")), rate_per_second, cost_per_segment, currency })
        }
        _ => Err(problems),
    }
}

fn read_smpp(fields: &Fields, problems: &mut Problems) -> Option<TrunkSettings> {
    let mut held = serde_json::Map::new();
    for name in SMPP_TEXTS {
        held.insert((*name).into(), fields.get(name).into());
    }
    for name in SMPP_TICKS {
        held.insert((*name).into(), fields.has(name, "yes").into());
    }
    for name in SMPP_NUMBERS {
        match fields.get(name).parse::<u16>() {
            Ok(number) => drop(held.insert((*name).into(), number.into())),
            Err(_) => problems.add(name, "Enter a whole number"),
        }
    }
    held.insert("opted_out_codes".into(), fields.get("opted_out_codes").split([' ', ',']).filter(|code| !code.is_empty()).collect());
    if !problems.is_empty() {
        return None;
    }
    match serde_json::from_value::<SmppSettings>(Value::Object(held)) {
        Ok(settings) => checked(TrunkSettings::Smpp(settings), None, problems),
        Err(error) => {
            problems.add("host", capitalised(&error.to_string()));
            None
        }
    }
}

fn read_json<T: serde::de::DeserializeOwned>(fields: &Fields, kind: fn(T) -> TrunkSettings, problems: &mut Problems) -> Option<TrunkSettings> {
    match serde_json::from_str::<T>(fields.get("settings")) {
        Ok(settings) => checked(kind(settings), Some("settings"), problems),
        Err(error) => {
            problems.add("settings", format!("The settings cannot be read: {error}"));
            None
        }
    }
}

/// `all_in` is the one field that holds every setting.
fn checked(settings: TrunkSettings, all_in: Option<&str>, problems: &mut Problems) -> Option<TrunkSettings> {
    for fault in settings.faults() {
        let text = if all_in.is_some() { fault.to_string() } else { fault.problem.clone() };
        problems.add(all_in.unwrap_or(fault.field), capitalised(&text));
    }
    problems.is_empty().then_some(settings)
}

/// Ten-thousandths as `0.0400`.
pub(super) fn cost_text(amount: i64) -> String {
    format!("{}.{:04}", amount / 10_000, amount % 10_000)
}

/// `0.04` as ten-thousandths.
pub(super) fn read_cost(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| (0..=10_000).contains(whole))?;
    Some(whole * 10_000 + format!("{part:0<4}").parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_costs_exactly() {
        assert_eq!(["0.04", "1", "0.0375", "2."].map(read_cost), [Some(400), Some(10_000), Some(375), Some(20_000)]);
        assert_eq!(["0.00001", "-1", "", "1,5"].map(read_cost), [None; 4]);
    }

    #[test]
    fn the_default_forms_need_only_what_is_the_carriers() {
        let Err(problems) = read(&smpp_default()) else { panic!("a host is missing") };
        let fields: Vec<&str> = problems.all().iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["name", "host", "system_id"].into_iter().filter(|field| fields.contains(field)).collect::<Vec<_>>());
        assert_eq!(read(&sip_default().with("name", "Voice")).err().map(|problems| problems.all().len()), Some(1), "its hosts alone");
        assert!(read(&http_default().with("name", "Provider")).is_ok());
    }

    #[test]
    fn codes_of_an_opt_out_come_back_as_they_were_typed() {
        let defaults = serde_json::from_value::<SmppSettings>(json!({ "host": "", "port": 2775, "system_id": "" })).expect("every other setting has a default");
        // Of two fields of one name the first counts.
        let typed = |codes: &str| with_smpp(common("smpp").with("name", "Carrier").with("host", "smsc.example").with("system_id", "north").with("opted_out_codes", codes), &defaults);
        let Ok(NewTrunk { settings: TrunkSettings::Smpp(smpp), .. }) = read(&typed("0x00000424, 40300")) else { panic!("it reads") };
        assert_eq!(smpp.opted_out_codes, ["0x00000424", "40300"]);
        assert_eq!(with_smpp(Fields::new(), &smpp).get("opted_out_codes"), "0x00000424 40300");
        let Err(problems) = read(&typed("everything")) else { panic!("no code has so many letters") };
        assert_eq!(problems.all().iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["opted_out_codes"]);
    }
}
