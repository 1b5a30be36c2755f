//! Pages around the portal, on a server that keeps the machine's own time: a second factor by code alone, an organisation with a provider, and what
//! somebody sees who opens a short link that leads nowhere.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::Store;
use clarion_store::db::Db;
use clarion_store::tenancy::{NewSingleSignOn, SingleSignOn};

use super::browser::Chrome;
use super::support::Installation;

const TENANT: [&str; 2] = ["--tenant", "northwind"];
const LINKS: &str = "go.northwind.example";
/// More than may be asked for in a minute.
const MISSES: usize = 101;
/// The code of now by the key on the page (RFC 6238), as a phone would reckon it.
const CODE: &str = r"(async () => {
  const key = document.querySelector('.secret code').textContent.replaceAll(' ', '');
  const bits = [...key].map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const bytes = new Uint8Array(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(Date.now() / 30000)));
  const hmac = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
  const sum = new DataView(await crypto.subtle.sign('HMAC', hmac, counter.buffer));
  const at = sum.getUint8(19) & 15;
  return ((sum.getUint32(at) & 0x7fffffff) % 1000000).toString().padStart(6, '0');
})()";

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_around_the_portal() {
    let (mut all, password) = tokio::task::block_in_place(stage);
    let chrome = Chrome::open(&format!("http://{}", all.web)).await;
    chrome.goto("/sign-in").await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", &password).await;
    chrome.follow("form[action='/sign-in'] button").await;
    second_factor(&chrome, &password).await;
    for (name, path) in [("single-sign-on-begun", "/sign-in/sso"), ("single-sign-on-signed-out", "/sign-in/sso/northwind/signed-out")] {
        chrome.goto(path).await;
        chrome.look(name).await;
    }
    for (name, path) in [("docs", "/api/v1/docs"), ("docs-contacts", "/api/v1/docs/contacts"), ("docs-shapes", "/api/v1/docs/shapes")] {
        chrome.goto(path).await;
        chrome.look(name).await;
    }
    chrome.close().await;

    let chrome = Chrome::open(&format!("http://{LINKS}:{}", all.web.port())).await;
    for (name, path) in [("link-test", "/samp1e000000"), ("link-gone", "/000000000000")] {
        chrome.goto(path).await;
        chrome.shows("Northwind Energy").await;
        chrome.look(name).await;
    }
    tokio::task::block_in_place(|| (0..MISSES).for_each(|_| miss(&all)));
    chrome.goto("/000000000000").await;
    chrome.shows("Try again in a minute").await;
    chrome.look("link-wait").await;
    chrome.close().await;
    tokio::task::block_in_place(|| assert_eq!(all.stop(), Some(0), "{}", all.log()));
}

fn stage() -> (Installation, String) {
    let mut all = Installation::new(None);
    all.keeps_time();
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    let user = all.json(&["create-user", "ada", TENANT[0], TENANT[1]]);
    tokio::runtime::Handle::current().block_on(name_and_provider(&all));
    all.serve();
    (all, user["password"].as_str().expect("a password").to_owned())
}

async fn name_and_provider(all: &Installation) {
    let db = Db::open_sqlite(&all.path("clarion-data/clarion.db")).await.expect("opens");
    let store = Store::open(db, &all.path("clarion-keys/keyring"), 120).await.expect("a store");
    let tenant = store.tenants().await.expect("tenants").remove(0).id;
    let tenant = store.tenant(tenant, Actor::Operator).await.expect("its handle");
    let now = Instant(jiff::Timestamp::now().as_millisecond());
    tenant.set_link_host(&format!("{LINKS}:{}", all.web.port()), None, now).await.expect("named");
    let check = store.due_link_checks(now, 10).await.expect("due").remove(0);
    tenant.record_link_check(&check, Ok("http"), now).await.expect("kept");
    let settings =
        SingleSignOn { issuer: "https://sign-in.northwind.example".into(), client_id: "clarion".into(), has_secret: false, role_claim: String::new(), roles: BTreeMap::new(), only_way: false, break_glass: None };
    tenant.set_single_sign_on(&NewSingleSignOn { settings: &settings, secret: Some("kept, sealed") }, now).await.expect("a provider");
}

/// The codes answer the form that made them, and a password alone leads to the second half.
async fn second_factor(chrome: &Chrome, password: &str) {
    chrome.goto("/account/second-factor").await;
    let code: String = chrome.js(CODE).await;
    chrome.fill("#code", &code).await;
    chrome.follow("form:has(#code) button").await;
    chrome.shows("Keep these recovery codes now").await;
    chrome.look("recovery-codes").await;
    chrome.goto("/account/second-factor").await;
    chrome.look("second-factor-on").await;
    chrome.fill("#password", password).await;
    chrome.follow("form[action$='/codes'] button").await;
    chrome.shows("Keep these recovery codes now").await;
    chrome.follow("header.rail form[action='/sign-out'] button").await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", password).await;
    chrome.follow("form[action='/sign-in'] button").await;
    assert_eq!(chrome.path().await, "/sign-in/code");
    chrome.look("sign-in-code").await;
    chrome.fill("#code", "000000").await;
    chrome.follow("form:has(#code) button").await;
    chrome.look("sign-in-code-refused").await;
}

/// Somebody follows a link that leads nowhere.
fn miss(all: &Installation) {
    let mut stream = TcpStream::connect(all.web).expect("listens");
    write!(stream, "GET /000000000000 HTTP/1.1\r\nHost: {LINKS}:{}\r\nConnection: close\r\n\r\n", all.web.port()).expect("sent");
    stream.read_to_end(&mut Vec::new()).expect("an answer");
}
