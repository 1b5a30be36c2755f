//! Whole campaigns through the real binary to an SMSC that is not ours: node-smpp, in each way in which a trunk can be set up.

mod support;

#[path = "../../smpp/tests/peers/packages.rs"]
mod packages;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Installation, count, installations, shown};

const PEOPLE: usize = 30;
/// People who answer: the third says STOP with a full stop, the fourth a long word in three parts, out of order.
const STOPS: &str = "447700900003";
const WRITES: &str = "447700900004";

/// An SMSC made of node-smpp, and everything that it has printed.
struct Smsc {
    process: Child,
    port: u64,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Smsc {
    fn start(options: &Value) -> Self {
        packages::node_packages();
        let mut process = Command::new("node")
            .arg("node_smsc.js")
            .arg(options.to_string())
            .current_dir(packages::folder())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is missing: install Node.js (Debian: nodejs npm)");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (first, port): (_, Receiver<u64>) = channel();
        let kept = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value: Value = serde_json::from_str(&line).expect("JSON");
                if let Some(port) = value["port"].as_u64() {
                    first.send(port).expect("somebody waits");
                }
                kept.lock().expect("no panic").push(value);
            }
        });
        let port = port.recv_timeout(Duration::from_secs(20)).expect("it listens");
        Self { process, port, said }
    }

    fn said(&self, event: &str) -> Vec<Value> {
        self.said.lock().expect("no panic").iter().filter(|value| value["event"] == event).cloned().collect()
    }

    /// What each destination got: the parts of a message in their order, messages in the order in which they began.
    fn texts(&self) -> BTreeMap<String, Vec<String>> {
        let mut parts = BTreeMap::<(String, String), BTreeMap<u64, String>>::new();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        for (place, submit) in self.said("submit").iter().enumerate() {
            let udh = text(submit, "udh");
            let octet = |from_end: usize| u64::from_str_radix(&udh[udh.len() - 2 * from_end..][..2], 16).expect("hexadecimal");
            let (reference, number) = match submit["sar"].as_array().map(Vec::as_slice) {
                Some([reference, _, number]) => (reference.to_string(), number.as_u64().expect("a number")),
                _ if !udh.is_empty() => (udh[..udh.len() - 4].to_owned(), octet(1)),
                _ => (format!("single {place}"), 1),
            };
            let whole = parts.entry((text(submit, "destination"), reference)).or_default();
            assert!(whole.insert(number, text(submit, "text")).is_none(), "a part came twice");
        }
        let mut texts = BTreeMap::<String, Vec<String>>::new();
        for ((destination, _), parts) in parts {
            texts.entry(destination).or_default().push(parts.into_values().collect());
        }
        texts
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One tenant, its SMSC, and how it is reached.
struct Case {
    tenant: &'static str,
    smsc: Value,
    account: &'static str,
    /// With the pin or the authority added where there is one.
    tls: Tls,
    body: &'static str,
    segments: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    None,
    Pin,
    Authority,
}

/// GSM 03.38 with its extension, over 160 septets.
const EXTENDED: &str = "Northwind Energy: {first_name}, your reading is due [by Friday]. A late one costs €5 and ~ 2 days of ours, so please send it by post or tell us when we may call on you. Thank you! Reply STOP to end.";
const CYRILLIC: &str = "Northwind Energy: {first_name}, ваш счётчик ждёт показаний 👍 до пятницы. Напишите нам, когда удобно зайти. Reply STOP to end.";
const WESTERN: &str = "Northwind Energy: {first_name}, ton relevé est attendu à la fin de la semaine. Un retard te demande 5 pounds, et à nous deux jours: merci de nous écrire, où que tu sois, quand nous pouvons passer. Reply STOP to end.";
const SHORT: &str = "Northwind Energy: {first_name}, your reading is due. Reply STOP to end.";

fn cases() -> Vec<Case> {
    let case = |tenant, smsc, account, tls, body, segments| Case { tenant, smsc, account, tls, body, segments };
    vec![
        case("plain", json!({"replies": {STOPS: "stop", WRITES: "long"}}), "", Tls::None, EXTENDED, 2),
        case("separate", json!({"receiptIds": "decimal", "receiptForm": "text", "replies": {STOPS: "stop", WRITES: "long"}}), "bind = \"separate\"\nversion = \"5.0\"\nlong_message = \"sar_tlvs\"\nmessage_id_format = \"hex_to_decimal\"\n", Tls::None, CYRILLIC, 2),
        case("pinned", json!({"receiptForm": "tlv"}), "long_message = \"message_payload\"\ngsm_coding = \"latin1\"\n", Tls::Pin, WESTERN, 2),
        case("vouched", json!({"receiptForm": "text"}), "long_message = \"udh16\"\nvalidity_minutes = 60\n", Tls::Authority, EXTENDED, 2),
        case("stingy", json!({"perSecond": 10}), "", Tls::None, SHORT, 1),
    ]
}

fn start(all: &Installation, case: &Case) -> Smsc {
    let mut options = case.smsc.clone();
    let mut account = case.account.to_owned();
    if case.tls != Tls::None {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let (key, cert) = (all.path(&format!("{}.key", case.tenant)), all.path(&format!("{}.pem", case.tenant)));
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("writes");
        std::fs::write(&cert, made.cert.pem()).expect("writes");
        options["tls"] = json!({"key": shown(&key), "cert": shown(&cert)});
        let trust = match case.tls {
            Tls::Pin => format!("tls_pin_sha256 = \"{}\"\n", fingerprint(&cert)),
            _ => format!("tls_ca_pem = \"\"\"\n{}\"\"\"\n", made.cert.pem()),
        };
        account = format!("{account}tls = true\n{trust}");
    }
    let smsc = Smsc::start(&options);
    let rate = if case.tenant == "stingy" { 100 } else { 500 };
    all.found_over(case.tenant, &format!("port = {}\nsystem_id = \"clarion\"\n{account}", smsc.port), rate, &[]);
    smsc
}

/// As OpenSSL prints it, colons and all.
fn fingerprint(cert: &std::path::Path) -> String {
    let asked = Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(cert).output().expect("openssl runs");
    let said = String::from_utf8(asked.stdout).expect("text");
    said.trim().rsplit('=').next().expect("a fingerprint").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_campaigns_to_an_smsc_that_is_not_ours() {
    for mut all in installations("peers").await {
        tokio::task::block_in_place(|| campaigns(&mut all));
    }
}

fn campaigns(all: &mut Installation) {
    all.ok(&["migrate"]);
    let cases = cases();
    let smscs: Vec<Smsc> = cases.iter().map(|case| start(all, case)).collect();
    let file = all.path("people.csv");
    let rows: String = (0..PEOPLE).map(|n| format!("07700 900{n:03},Ada{n}\n")).collect();
    std::fs::write(&file, format!("phone,first name\n{rows}")).expect("writes");
    let drafts: Vec<String> = cases
        .iter()
        .map(|case| {
            all.ok(&["import", &shown(&file), "--tenant", case.tenant, "--list", "Customers", "--yes"]);
            all.draft_saying(case.tenant, "Customers", "Readings", 500, case.body)
        })
        .collect();
    all.serve();
    for (case, draft) in cases.iter().zip(&drafts) {
        all.ok(&["campaign", "start", draft, "--tenant", case.tenant]);
    }
    for ((case, draft), smsc) in cases.iter().zip(&drafts).zip(&smscs) {
        all.wait_for(&format!("{}'s receipts", case.tenant), Duration::from_secs(60), |all| count(&all.report(case.tenant, draft), &["delivered"]) == PEOPLE as i64);
        let report = all.report(case.tenant, draft);
        assert_eq!((count(&report, &[]), &report["exact"]), (PEOPLE as i64, &json!(true)), "{}: {report:#}", case.tenant);
        let segments: i64 = report["counts"].as_array().expect("counts").iter().map(|row| row["segments"].as_i64().unwrap_or(0)).sum();
        assert_eq!(segments, PEOPLE as i64 * case.segments, "{}: {report:#}", case.tenant);
        if case.tenant != "stingy" {
            what_arrived(all, case, smsc);
        }
    }
    let binds: Vec<_> = smscs[1].said("bound").iter().map(|bound| bound["command"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(binds.contains(&"bind_transmitter".into()) && binds.contains(&"bind_receiver".into()), "{binds:?}");
    assert_eq!(smscs[1].said("bound")[0]["version"], 0x50, "it announced 5.0");
    assert_eq!(smscs[0].said("bound")[0]["version"], 0x34);
    assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
    let stingy = smscs.last().expect("the last");
    all.wait_for("the SMSC's own count", Duration::from_secs(10), |_| !stingy.said("unbound").is_empty());
    let tally = &stingy.said("unbound")[0];
    assert_eq!(tally["accepted"], PEOPLE, "what was throttled went again, once: {tally}");
    assert!(tally["refused"].as_u64() > Some(0), "it did throttle: {tally}");
    assert!(!all.log().contains("7700900"), "no number in a log line");
}

fn what_arrived(all: &Installation, case: &Case, smsc: &Smsc) {
    let replies = case.smsc.get("replies").is_some();
    let confirmed = |smsc: &Smsc| smsc.texts().get(STOPS).map_or(0, Vec::len) == 2;
    if replies {
        all.wait_for("the STOP's confirmation", Duration::from_secs(20), |_| confirmed(smsc));
        all.wait_for("the long reply", Duration::from_secs(20), |all| {
            all.ok(&["subject", "export", "07700 900004", "--tenant", case.tenant]).contains("first part, second part, third part")
        });
    }
    let texts = smsc.texts();
    assert_eq!(texts.len(), PEOPLE, "{}", case.tenant);
    for n in 0..PEOPLE {
        let destination = format!("447700900{n:03}");
        let expected = case.body.replace("{first_name}", &format!("Ada{n}"));
        let got = &texts[&destination];
        assert!(got.contains(&expected), "{} to …{n:03}: {got:?}", case.tenant);
        assert_eq!(got.len(), if replies && destination == STOPS { 2 } else { 1 }, "{} to …{n:03}: {got:?}", case.tenant);
    }
    assert!(smsc.said("receipt_answered").iter().all(|answer| answer["status"] == 0), "every receipt is acknowledged");
    assert!(smsc.said("error").is_empty(), "{:?}", smsc.said("error"));
}
