//! Names for short links: whose they are by a DNS server of the test, and what is said of those that do not answer.

#[path = "../../store/tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use clarion_domain::time::Instant;
use clarion_engine::links::{Names, work};
use clarion_store::Tenant;
use clarion_store::links::{LinkDomain, TOKEN_PATH};
use support::{NOON, for_each_store};
use tokio::net::{TcpListener, UdpSocket};

fn clock() -> Instant {
    NOON
}

/// Answers questions about `_clarion-links.…` with one TXT record, and knows no other name. Told to say `SERVFAIL`, it fails.
struct NameServer {
    address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl NameServer {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
        let (address, text) = (socket.local_addr().expect("an address"), Arc::new(Mutex::new(String::new())));
        let told = text.clone();
        tokio::spawn(async move {
            let mut asked = [0; 512];
            while let Ok((_, from)) = socket.recv_from(&mut asked).await {
                let text = told.lock().expect("nobody panicked").clone();
                let end = 12 + asked[12..].iter().position(|byte| *byte == 0).expect("a name") + 5;
                let fails = text == "SERVFAIL";
                let known = !fails && asked[13..].starts_with(b"_clarion-links") && !text.is_empty();
                let mut answer = [&asked[..2], &[0x81, if known { 0x80 } else if fails { 0x82 } else { 0x83 }, 0, 1, 0, u8::from(known), 0, 0, 0, 0], &asked[12..end]].concat();
                if known {
                    let length = u8::try_from(text.len()).expect("short");
                    answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, length + 1, length]);
                    answer.extend_from_slice(text.as_bytes());
                }
                socket.send_to(&answer, from).await.expect("answered");
            }
        });
        Self { address, text }
    }

    fn says(&self, text: &str) {
        *self.text.lock().expect("nobody panicked") = text.to_owned();
    }
}

async fn domain(tenant: &Tenant) -> LinkDomain {
    tenant.link_domain().await.expect("reads").expect("a name")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_counts_for_whoever_its_dns_names() {
    for_each_store("engine_links_dns", |bench| async move {
        let server = NameServer::start().await;
        let names = Names::at(server.address);
        let (owner, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        for tenant in [&owner, &other] {
            tenant.set_link_host("go.northwind.test", None, NOON).await.expect("named");
        }
        server.says(&domain(&owner).await.token);
        assert_eq!(work(&bench.store, &names, clock).await.expect("looks"), 2);
        let refused = domain(&other).await;
        assert!(refused.last_error.contains("add the TXT record") && !refused.check_due, "{}", refused.last_error);
        assert_eq!(refused.record().as_deref(), Some("_clarion-links.go.northwind.test"));
        assert!(domain(&owner).await.last_error.contains("could not be reached"), "it is the owner's, and only then asked for");
        server.says("");
        owner.check_link_host(NOON).await.expect("asked");
        work(&bench.store, &names, clock).await.expect("looks");
        assert!(domain(&owner).await.last_error.contains("add the TXT record"));
        // A name server that answers nothing of use says nothing of the name.
        server.says("SERVFAIL");
        owner.check_link_host(NOON).await.expect("asked");
        work(&bench.store, &names, clock).await.expect("looks");
        let unasked = domain(&owner).await;
        assert!(unasked.last_error.contains("gave no answer") && unasked.check_due && unasked.failing_since.is_none(), "{}", unasked.last_error);
        assert_eq!(work(&bench.store, &names, clock).await.expect("looks"), 0, "not at once again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_on_to_a_broken_https_is_told_of_its_certificate() {
    for_each_store("engine_links_https", |bench| async move {
        bench.store.allow_webhook_networks(clarion_domain::webhooks::target::AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network")]));
        let names = Names::at(NameServer::start().await.address);
        let tenant = bench.tenant("northwind").await;
        let token = Arc::new(Mutex::new(None::<String>));
        let told = token.clone();
        let answer = move || {
            let token = told.lock().expect("nobody panicked").clone();
            async move { token.map_or_else(|| (axum::http::StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "https://go.example.com/")]).into_response(), IntoResponse::into_response) }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let host = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move { axum::serve(listener, Router::new().route(TOKEN_PATH, get(answer))).await });
        tenant.set_link_host(&host, None, NOON).await.expect("allowed");
        work(&bench.store, &names, clock).await.expect("looks");
        let refused = domain(&tenant).await;
        assert!(refused.last_error.contains("give it a certificate") && refused.record().is_none(), "{}", refused.last_error);
        *token.lock().expect("nobody panicked") = Some(refused.token);
        tenant.check_link_host(NOON).await.expect("asked");
        work(&bench.store, &names, clock).await.expect("looks");
        assert_eq!((domain(&tenant).await.is_verified(), domain(&tenant).await.scheme.as_str()), (true, "http"), "an address has no DNS: it is the operator's word");
    })
    .await;
}
