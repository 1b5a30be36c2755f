//! Short links from the text to the click, with the real binary and a pretend carrier: the name is checked by the server itself, each person gets
//! a link of their own, a click is counted and a look ahead is not, and an erased person's link leads nowhere.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use clarion_testbed::{Carrier, CarrierConfig};
use serde_json::{Value, json};
use support::{Installation, installations, shown};

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
const BODY: &str = "Northwind Energy: your reading is due at {short:https://example.com/readings?ref={reference}} Reply STOP to end these messages.";

/// Any request, by this name of the server: the whole answer.
fn send(all: &Installation, host: &str, head: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(all.web).expect("listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    write!(stream, "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// A request to the API under the portal's own name.
fn api(all: &Installation, key: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = send(all, "portal.example.com", &format!("{method} /api/v1{path}"), &format!("Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"), &body);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn open(all: &Installation, method: &str, path: &str, more: &str) -> String {
    send(all, &all.web.to_string(), &format!("{method} {path}"), &format!("User-Agent: {PHONE}\r\n{more}"), "")
}

fn walk(all: &mut Installation, carrier: &Carrier) {
    // Only so may this machine be asked: the check is guarded as webhooks are.
    std::fs::write(all.path("clarion.toml"), "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n").expect("writes");
    all.found("northwind", carrier, 200);
    let file = all.path("people.csv");
    std::fs::write(&file, "phone,reference\n07700 900123,ACC-77120934\n07700 900124,ACC/2 & 3\n").expect("writes");
    all.ok(&["import", &shown(&file), "--list", "Customers", "--yes", "--tenant", "northwind"]);
    let key = all.json(&["api-key", "create", "test", "--role", "owner", "--tenant", "northwind"])["secret"].as_str().expect("a key").to_owned();
    all.serve();
    let host = all.web.to_string();
    api(all, &key, "PUT", "/link-domain", &json!({"host": host}));
    all.wait_for("the name to be looked at", Duration::from_secs(30), |all| api(all, &key, "GET", "/link-domain", &Value::Null)["checking"] == false);
    let domain = api(all, &key, "GET", "/link-domain", &Value::Null);
    assert_eq!((&domain["verified"], &domain["scheme"], &domain["enabled"]), (&json!(true), &json!("http"), &json!(false)), "{domain}");
    api(all, &key, "PUT", "/link-domain/settings", &json!({"enabled": true, "expires_days": 7}));
    assert_eq!(all.stop(), Some(0));
    let campaign = all.draft_saying("northwind", "Customers", "Readings", 100, BODY);
    all.serve();
    let preview = api(all, &key, "GET", &format!("/campaigns/{campaign}/preview?people=1&reveal=true"), &Value::Null);
    let text = preview["items"][0]["text"].as_str().expect("a text");
    assert!(text.contains(&format!("http://{host}/samp1e000000")), "{text}");
    let units = preview["items"][0]["segments"]["units"].as_u64().expect("units");
    all.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);
    all.wait_for("the campaign's end", Duration::from_secs(60), |all| all.report("northwind", &campaign)["state"] == "finished");
    let people = api(all, &key, "GET", &format!("/campaigns/{campaign}/recipients"), &Value::Null);
    let mut links = Vec::new();
    for person in people["items"].as_array().expect("people") {
        let contact = person["contact"].as_str().expect("an id").to_owned();
        let timeline = api(all, &key, "GET", &format!("/contacts/{contact}/timeline"), &Value::Null);
        let sent = timeline["items"].as_array().expect("events").iter().find_map(|event| event["what"]["body"].as_str().filter(|_| event["what"]["kind"] == "attempted")).expect("a message").to_owned();
        assert_eq!(sent.chars().count() as u64, units, "as long as the preview said: {sent}");
        let code = sent.split(&format!("http://{host}")).nth(1).and_then(|rest| rest.split(' ').next()).expect("a link").to_owned();
        links.push((contact, code));
    }
    assert_eq!(links.len(), 2);
    assert_ne!(links[0].1, links[1].1, "one for each person");
    let led = links.iter().map(|(_, path)| open(all, "HEAD", path, "")).collect::<Vec<_>>().join("\n");
    assert!(led.contains("location: https://example.com/readings?ref=ACC-77120934\r\n") && led.contains("location: https://example.com/readings?ref=ACC%2F2%20%26%203\r\n"), "{led}");
    let (contact, path) = &links[0];
    open(all, "GET", path, "Sec-Purpose: prefetch\r\n");
    let went = open(all, "GET", path, "");
    assert!(went.starts_with("HTTP/1.1 302") && went.contains("cache-control: no-store") && went.contains("referrer-policy: no-referrer") && !went.to_lowercase().contains("set-cookie"), "{went}");
    assert!(!send(all, "portal.example.com", &format!("GET {path}"), "", "").contains("example.com/readings"), "under no other name");
    let counts = api(all, &key, "GET", &format!("/campaigns/{campaign}/links"), &Value::Null);
    assert_eq!(counts["items"], json!([{"link": 0, "source": "https://example.com/readings?ref={reference}", "clicks": 1, "clicked": 1}]));
    let people = api(all, &key, "GET", &format!("/campaigns/{campaign}/recipients"), &Value::Null);
    assert_eq!((&people["items"][0]["clicks"]["clicks"], &people["items"][1]["clicks"]["clicks"]), (&json!(1), &json!(0)));
    // An erased person's link leads to the page with the organisation's name.
    let number = api(all, &key, "GET", &format!("/contacts/{contact}?reveal=true"), &Value::Null)["numbers"][0]["number"].as_str().expect("a number").to_owned();
    all.ok(&["subject", "erase", &number, "--tenant", "northwind"]);
    let gone = open(all, "GET", path, "");
    assert!(gone.starts_with("HTTP/1.1 404") && gone.contains("This link leads nowhere any more") && gone.contains("Northwind Energy"), "{gone}");
    assert!(open(all, "GET", &links[1].1, "").starts_with("HTTP/1.1 302"));
    assert_eq!(all.stop(), Some(0));
    for (_, path) in &links {
        assert!(!all.log().contains(path.trim_start_matches('/')), "no code in the log");
        assert_eq!(all.files_with(&[path.trim_start_matches('/').as_bytes().to_vec()]), Vec::<String>::new(), "and none in any file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_link_from_the_text_to_the_click() {
    for mut all in installations("links").await {
        let carrier = Carrier::start(CarrierConfig { replies: false, ..CarrierConfig::default() }).await.expect("listens");
        tokio::task::block_in_place(|| walk(&mut all, &carrier));
    }
}
