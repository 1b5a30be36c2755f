//! Passkeys, with a device of our own making: made, signed in with, refused where anything is not as it should be, removed.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::MINUTE_MS;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, PASSWORD, World, wait};

const ORIGIN: &str = "http://localhost:8080";

/// What a security key holds.
struct Device {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    counter: u32,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Device {
    fn new(id: &[u8]) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        Self { pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).expect("a key"), id: id.to_vec(), counter: 1 }
    }

    fn data(&self, flags: u8, more: &[u8]) -> Vec<u8> {
        [digest(&SHA256, b"localhost").as_ref(), &[flags], &self.counter.to_be_bytes(), more].concat()
    }

    fn makes(&self, asked: &Value) -> String {
        let point = self.pair.public_key().as_ref();
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], &point[1..33], &[0x22, 0x58, 32], &point[33..]].concat();
        let data = self.data(0x45, &[&[0; 16], (self.id.len() as u16).to_be_bytes().as_slice(), &self.id, &cose].concat());
        let attestation = [&[0xa3, 0x63], b"fmt".as_slice(), &[0x64], b"none", &[0x67], b"attStmt", &[0xa0, 0x68], b"authData", &[0x58, data.len() as u8], &data].concat();
        let client = json!({"type": "webauthn.create", "challenge": asked["challenge"], "origin": ORIGIN}).to_string();
        json!({"client": text(client.as_bytes()), "attestation": text(&attestation)}).to_string()
    }

    fn signs(&self, asked: &Value, origin: &str, flags: u8) -> String {
        let client = json!({"type": "webauthn.get", "challenge": asked["challenge"], "origin": origin}).to_string();
        let data = self.data(flags, &[]);
        let message = [data.as_slice(), digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).expect("signed");
        json!({"id": text(&self.id), "client": text(client.as_bytes()), "authenticator": text(&data), "signature": text(signature.as_ref())}).to_string()
    }
}

async fn post(browser: &Browser, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let encoded = |value: &str| value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let body = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
    let request = Request::builder().method(Method::POST).uri(path).header(header::COOKIE, &browser.cookie).header("sec-fetch-site", "same-origin").header(header::ORIGIN, origin);
    browser.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).expect("a request")).await
}

async fn asked(browser: &Browser, path: &str) -> Value {
    let answer = post(browser, ORIGIN, path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_str(&answer.text).expect("JSON")
}

async fn add(browser: &Browser, device: &Device, name: &str) -> Answer {
    let challenge = asked(browser, "/account/passkeys/challenge").await;
    post(browser, ORIGIN, "/account/passkeys", &[("answer", &device.makes(&challenge)), ("name", name), ("passkey-password", PASSWORD)]).await
}

#[tokio::test]
async fn a_passkey_is_made_signs_in_once_a_challenge_and_is_removed() {
    let world = World::new().await;
    let mut browser = world.browser(Role::Agent).await;
    let (mut device, other) = (Device::new(b"laptop"), Device::new(b"phone"));
    let challenge = asked(&browser, "/account/passkeys/challenge").await;
    assert_eq!((challenge["host"].as_str(), challenge["user"]["name"].as_str()), (Some("localhost"), Some("agent")));
    let answer = device.makes(&challenge);
    post(&browser, ORIGIN, "/account/passkeys", &[("answer", &answer), ("name", "x"), ("passkey-password", "wrong")]).await.assert_problem("passkey-password", "not your current password");
    post(&browser, "http://evil.localhost:8080", "/account/passkeys", &[("answer", &answer), ("name", "x"), ("passkey-password", PASSWORD)]).await.assert_problem("name", "another site");
    let elsewhere = world.browser(Role::Owner).await;
    post(&elsewhere, ORIGIN, "/account/passkeys", &[("answer", &answer), ("name", "x"), ("passkey-password", PASSWORD)]).await.assert_problem("name", "too late");
    let made = post(&browser, ORIGIN, "/account/passkeys", &[("answer", &answer), ("name", "Laptop <b>"), ("passkey-password", PASSWORD)]).await;
    assert_eq!(made.text.matches("<li><code>").count(), 10, "the first second factor brings recovery codes: {}", made.text);
    post(&browser, ORIGIN, "/account/passkeys", &[("answer", &answer), ("name", "again"), ("passkey-password", PASSWORD)]).await.assert_problem("name", "twice");
    let page = browser.get("/account/second-factor").await;
    assert!(page.text.contains("Laptop &lt;b&gt;") && page.text.contains("Never"));
    assert_eq!(add(&browser, &other, "Phone").await.location(), "/account/second-factor?said=passkey-added");
    assert_eq!(asked(&browser, "/account/passkeys/challenge").await["known"], json!([text(b"laptop"), text(b"phone")]));

    // The password alone now opens nothing.
    assert_eq!(world.signs_in("agent", PASSWORD).await.1.location(), "/sign-in/code?next=/");
    let stranger = world.stranger();
    let sign_in = async |answer: &str| post(&stranger, ORIGIN, "/sign-in/passkey", &[("answer", answer), ("next", "/inbox")]).await;
    let challenge = asked(&stranger, "/sign-in/passkey/challenge").await;
    for wrong in [
        device.signs(&challenge, "http://evil.localhost:8080", 5),
        device.signs(&challenge, ORIGIN, 1),
        device.signs(&json!({"challenge": text(b"made up")}), ORIGIN, 5),
        Device::new(b"laptop").signs(&challenge, ORIGIN, 5),
        Device::new(b"unknown").signs(&challenge, ORIGIN, 5),
        "{}".to_owned(),
        String::new(),
    ] {
        device.counter += 1;
        sign_in(&wrong).await.assert_problem("username", "That passkey is not known here");
    }
    let refused = world.as_operator().await.audit_events("user", "sign_in_refused", None, 9).await.expect("events").rows;
    assert_eq!(refused.iter().filter(|event| event.detail.contains("a passkey's answer was wrong, too late")).count(), 3, "the first three stand in the audit: {refused:?}");
    device.counter += 1;
    let good = device.signs(&challenge, ORIGIN, 5);
    post(&stranger, "http://evil.localhost:8080", "/sign-in/passkey", &[("answer", &good)]).await.assert_problem("username", "not known here");
    let opened = sign_in(&good).await;
    assert_eq!(opened.location(), "/inbox");
    browser.take_cookies(&opened);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    sign_in(&good).await.assert_problem("username", "twice");

    // A copy signs with an older counter.
    let tenant = world.as_operator().await;
    device.counter -= 1;
    let challenge = asked(&stranger, "/sign-in/passkey/challenge").await;
    sign_in(&device.signs(&challenge, ORIGIN, 5)).await.assert_problem("username", "not known here");
    assert!(tenant.audit_events("user", "sign_in_refused", None, 5).await.expect("events").rows[0].detail.contains("counter went back"));
    let challenge = asked(&stranger, "/sign-in/passkey/challenge").await;
    wait(5 * MINUTE_MS);
    device.counter += 10;
    sign_in(&device.signs(&challenge, ORIGIN, 5)).await.assert_problem("username", "too late");

    // Removed, one by one; with the last go the recovery codes.
    let agent = world.user(Role::Agent).await;
    let keys = tenant.passkeys(agent).await.expect("keys");
    assert!(keys[0].used_at.is_some() && keys[1].used_at.is_none());
    let path = |place: usize| format!("/account/passkeys/{}/remove", keys[place].id);
    assert_eq!(elsewhere.post(&path(0), &[("passkey-password", PASSWORD)]).await.status, StatusCode::NOT_FOUND, "another's");
    browser.post(&path(0), &[("passkey-password", "wrong")]).await.assert_problem("passkey-password", "not your current password");
    assert_eq!(browser.post(&path(0), &[("passkey-password", PASSWORD)]).await.location(), "/account/second-factor?said=passkey-removed");
    let challenge = asked(&stranger, "/sign-in/passkey/challenge").await;
    sign_in(&device.signs(&challenge, ORIGIN, 5)).await.assert_problem("username", "not known here");
    browser.post(&path(1), &[("passkey-password", PASSWORD)]).await;
    assert_eq!(world.signs_in("agent", PASSWORD).await.1.location(), "/", "no second factor any more");
}

#[tokio::test]
async fn a_deactivated_user_and_a_reset_end_passkeys() {
    let world = World::new().await;
    let (browser, stranger, device) = (world.browser(Role::Agent).await, world.stranger(), Device::new(b"laptop"));
    add(&browser, &device, "Laptop").await;
    let (tenant, agent) = (world.as_operator().await, world.user(Role::Agent).await);
    tenant.set_user_active(agent, false, crate::support::now()).await.expect("deactivated");
    let challenge = asked(&stranger, "/sign-in/passkey/challenge").await;
    post(&stranger, ORIGIN, "/sign-in/passkey", &[("answer", &device.signs(&challenge, ORIGIN, 5))]).await.assert_problem("username", "not known here");
    tenant.set_user_active(agent, true, crate::support::now()).await.expect("let in");
    tenant.remove_second_factor(agent, "second factor reset", true, crate::support::now()).await.expect("reset");
    assert!(tenant.passkeys(agent).await.expect("none").is_empty());
    let number = post(&stranger, "http://127.0.0.1:8080", "/sign-in/passkey/challenge", &[]).await;
    assert!(number.status == StatusCode::UNPROCESSABLE_ENTITY && number.text.contains("by its name"));
}
