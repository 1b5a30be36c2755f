//! Short links: the settings of a tenant's name, the ticks of a text, and the door that people come through.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clarion_domain::id::{AttemptId, CampaignId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::DAY_MS;
use clarion_edge::with_links;
use clarion_store::db::Statement;
use clarion_store::links::{ShortLinkRow, add_short_links};
use clarion_store::{Tenant, params};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::people;
use crate::support::{World, now, wait};

const HOST: &str = "go.example.com";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

/// The name, looked at and found good, and switched on.
async fn named(world: &World) -> Tenant {
    let tenant = world.as_operator().await;
    tenant.set_link_host(HOST, None, now()).await.expect("named");
    let check = world.store.due_link_checks(now(), 10).await.expect("due").remove(0);
    tenant.record_link_check(&check, Ok("https"), now()).await.expect("kept");
    tenant.enable_links(true, now()).await.expect("on");
    tenant
}

static KEY: Statement = Statement { text: "SELECT wrapped_key FROM contact WHERE id = $1", postgres: "" };

/// A message with one short link to a person; its code.
async fn linked(tenant: &Tenant, target: &str) -> (String, AttemptId) {
    let contact = people::person(tenant, 77, "Ada").await;
    let store = tenant.store();
    let mut row = store.db().query_first(&KEY, &params![contact]).await.expect("reads").expect("a row");
    let key = store.keyring().unwrap(&row.take::<Vec<u8>>(0).expect("a key")).expect("unwraps");
    let (code, link) = tenant.new_short_link(&key, 0, target).expect("a link");
    let attempt = AttemptId(store.next_id(now()));
    let row = ShortLinkRow { attempt, tenant: tenant.id(), campaign: CampaignId(1), contact, expires_at: now().plus_ms(DAY_MS), link };
    let mut tx = store.db().begin().await.expect("begins");
    add_short_links(&mut tx, &[row]).await.expect("added");
    tx.commit().await.expect("commits");
    (code, attempt)
}

struct Door(Router);

struct Came {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Door {
    async fn ask(&self, method: Method, host: &str, path: &str, headers: &[(&str, &str)]) -> Came {
        let request = headers.iter().fold(Request::builder().method(method).uri(path).header(header::HOST, host), |request, (name, value)| request.header(*name, *value));
        let (parts, body) = self.0.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible").into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Came { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, host: &str, path: &str) -> Came {
        self.ask(Method::GET, host, path, &[("user-agent", PHONE)]).await
    }
}

#[tokio::test]
async fn a_name_is_set_and_what_is_wrong_with_it_is_said() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert!(owner.get("/settings/links").await.text.contains("Your name for links"));
    owner.post("/settings/links", &[("host", "https://go.example.com/")]).await.assert_problem("host", "Write the name alone");
    assert_eq!(owner.post("/settings/links", &[("host", HOST)]).await.location(), "/settings/links");
    assert!(owner.get("/settings/links").await.text.contains("Being checked"));
    assert_eq!(owner.post("/settings/links/enable", &[]).await.status, StatusCode::CONFLICT);
    let tenant = named(&world).await;
    let page = owner.get("/settings/links").await.text;
    assert!(page.contains("https://go.example.com/samp1e000000") && page.contains("Switch short links off"), "{page}");
    owner.post("/settings/links", &[("host", "links.example.com")]).await.assert_problem("replace", "may lead nowhere");
    assert_eq!(owner.post("/settings/links", &[("host", "links.example.com"), ("replace", "yes")]).await.location(), "/settings/links");
    let page = owner.get("/settings/links").await.text;
    assert!(page.contains("_clarion-links.links.example.com") && page.contains("https://go.example.com/samp1e000000"), "{page}");
    owner.post("/settings/links/expiry", &[("expires_days", "401")]).await.assert_problem("expires_days", "from 1 to 400");
    assert_eq!(owner.post("/settings/links/expiry", &[("expires_days", "7")]).await.location(), "/settings/links?said=saved");
    assert_eq!(owner.post("/settings/links/disable", &[]).await.location(), "/settings/links?said=saved");
    let domain = tenant.link_domain().await.expect("reads").expect("a domain");
    assert_eq!((domain.expires_days, domain.enabled), (7, false));
    assert_eq!(owner.post("/settings/links/remove", &[]).await.location(), "/settings/links?said=removed");
    assert!(tenant.link_domain().await.expect("reads").is_none());
    assert!(tenant.audit_events("link_domain", "", None, 50).await.expect("the audit").rows.len() >= 6, "each change is audited");
}

#[tokio::test]
async fn an_address_that_is_ticked_is_short_and_measured_so() {
    let world = World::new().await;
    let manager = world.browser(Role::Manager).await;
    named(&world).await.add_sender("+447700900990", true, "ours", now()).await.expect("a sender");
    let from = ("sender", "+447700900990");
    let made = manager.post("/campaigns/new", &[("name", "November"), ("channel", "sms")]).await;
    let path = format!("{}/message", made.location());
    let text = "Pay at https://example.com/a/very/long/path/that/nobody/types?reference={reference|none} today.";
    manager.post(&path, &[from, ("body", text)]).await;
    let page = manager.get(&path).await.text;
    assert!(page.contains("name=\"link-seen\"") && page.contains("data-link=\"https://go.example.com/samp1e000000\""), "{page}");
    let source = "https://example.com/a/very/long/path/that/nobody/types?reference={reference|none}";
    manager.post(&path, &[from, ("body", text), ("link-seen", source), ("link-short", source)]).await;
    let page = manager.get(&path).await.text;
    assert!(page.contains(&format!("Pay at {{short:{source}}} today.")) && page.contains("49 characters, 1 segment"), "{page}");
    manager.post(&path, &[from, ("body", &format!("Pay at {{short:{source}}} today.")), ("link-seen", source)]).await;
    assert!(manager.get(&path).await.text.contains(text), "unticked it stands whole again");
    manager.post(&path, &[from, ("body", "Pay at {short:example.com}")]).await.assert_problem("body", "a short link leads to an address");
}

#[tokio::test]
async fn a_link_leads_on_without_a_trace_and_only_under_its_name() {
    let world = World::new().await;
    let tenant = named(&world).await;
    let door = Door(with_links(world.router.clone(), world.store.clone(), now));
    let (code, attempt) = linked(&tenant, "https://example.com/zahlen?für=Ada#x").await;
    let path = format!("/{code}");
    let looked = door.ask(Method::HEAD, HOST, &path, &[("user-agent", PHONE)]).await;
    assert_eq!(looked.status, StatusCode::FOUND);
    for ahead in [("sec-purpose", "prefetch"), ("purpose", "prefetch"), ("x-purpose", "preview")] {
        assert_eq!(door.ask(Method::GET, HOST, &path, &[("user-agent", PHONE), ahead]).await.status, StatusCode::FOUND);
    }
    assert_eq!(door.ask(Method::GET, HOST, &path, &[("user-agent", "WhatsApp/2.24.1")]).await.status, StatusCode::FOUND);
    assert_eq!(tenant.clicks_of(&[attempt]).await.expect("reads")[&attempt].clicks, 0, "nobody clicked yet");
    let went = door.ask(Method::GET, "GO.example.com:443", &format!("{path}?to=https://evil.example/"), &[("user-agent", PHONE)]).await;
    assert_eq!((went.status, went.headers[header::LOCATION].to_str().expect("ASCII")), (StatusCode::FOUND, "https://example.com/zahlen?f%C3%BCr=Ada#x"));
    assert!(went.headers[header::CACHE_CONTROL] == "no-store" && went.headers[header::REFERRER_POLICY] == "no-referrer");
    assert!(went.headers.get(header::SET_COOKIE).is_none());
    assert_eq!(tenant.clicks_of(&[attempt]).await.expect("reads")[&attempt].clicks, 1);
    assert_eq!(door.ask(Method::POST, HOST, &path, &[("user-agent", PHONE)]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let elsewhere = door.get("portal.example.com", &path).await;
    assert!(elsewhere.status != StatusCode::FOUND || elsewhere.headers[header::LOCATION] == "/sign-in", "the portal's own name knows no codes: {}", elsewhere.status);
    assert_eq!(tenant.clicks_of(&[attempt]).await.expect("reads")[&attempt].clicks, 1);
    let token = door.get(HOST, "/.well-known/clarion-links").await;
    assert_eq!((token.status, token.text.len()), (StatusCode::OK, 40), "served under the name that asks for it");
    assert_eq!(door.get("portal.example.com", "/.well-known/clarion-links").await.status, StatusCode::NOT_FOUND);
    assert!(door.get(HOST, "/samp1e000000").await.text.contains("This link is from a test message"));
}

#[tokio::test]
async fn what_leads_nowhere_says_so_with_the_organisations_name_and_not_without_end() {
    let world = World::new().await;
    named(&world).await;
    let door = Door(with_links(world.router.clone(), world.store.clone(), now));
    for path in ["/000000000000", "/00000", "/0000000000001"] {
        let gone = door.get(HOST, path).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
        assert!(gone.text.contains("This link leads nowhere any more") && gone.text.contains("Northwind Energy"), "{path}: {}", gone.text);
        assert!(gone.headers.get(header::SET_COOKIE).is_none() && gone.headers[header::CACHE_CONTROL] == "no-store");
    }
    assert_eq!(door.get(HOST, "/assets/mark.svg").await.status, StatusCode::OK, "what the page looks like");
    let from = axum::extract::ConnectInfo("192.0.2.7:9".parse::<std::net::SocketAddr>().expect("an address"));
    let mut last = StatusCode::OK;
    for _ in 0..101 {
        let mut request = Request::builder().uri("/000000000000").header(header::HOST, HOST).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(from);
        last = door.0.clone().oneshot(request).await.expect("infallible").status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(door.get(HOST, "/000000000000").await.status, StatusCode::NOT_FOUND, "others are not kept waiting");
}

#[tokio::test]
async fn a_household_asks_in_vain_as_one() {
    let world = World::new().await;
    named(&world).await;
    let door = Door(with_links(world.router.clone(), world.store.clone(), now));
    let ask = async |from: &str| {
        let mut request = Request::builder().uri("/000000000000").header(header::HOST, HOST).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(axum::extract::ConnectInfo(std::net::SocketAddr::new(from.parse().expect("an address"), 9)));
        door.0.clone().oneshot(request).await.expect("infallible").status()
    };
    for _ in 0..100 {
        assert_eq!(ask("2001:db8::1").await, StatusCode::NOT_FOUND);
    }
    assert_eq!(ask("2001:db8::2").await, StatusCode::TOO_MANY_REQUESTS, "the same network");
    assert_eq!(ask("2001:db8:0:1::2").await, StatusCode::NOT_FOUND);
    wait(60_000);
    assert_eq!(ask("2001:db8::2").await, StatusCode::NOT_FOUND, "a minute later");
}
