//! Tokens of a provider of our own making, and everything that can be wrong with them.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::*;

const NOW: Instant = Instant(1_795_435_200_000);
const ISSUER: &str = "https://login.example";

struct Provider {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Provider {
    fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self { pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key"), kid }
    }

    fn keys(&self) -> Keys {
        let point = self.pair.public_key().as_ref();
        let key = json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
        Keys::read(json!({"keys": [{"kty": "new kind"}, {"odd": 1}, key]}).to_string().as_bytes()).expect("keys")
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn claims() -> Value {
    let seconds = NOW.ms() / 1000;
    json!({"iss": ISSUER, "aud": "clarion", "sub": "248289761001", "nonce": "n-0S6", "iat": seconds - 1, "exp": seconds + 300, "email": "ada@example.com"})
}

fn check(token: &str, keys: &Keys) -> Result<Value, TokenError> {
    checked(token, keys, &Expected { issuer: ISSUER, client_id: "clarion", nonce: "n-0S6", now: NOW })
}

#[test]
fn a_token_counts_for_its_issuer_application_sign_in_and_time_alone() {
    let provider = Provider::new("one");
    let (keys, header) = (provider.keys(), json!({"alg": "ES256", "kid": "one"}));
    assert_eq!(check(&provider.token(&header, &claims()), &keys).expect("good")["sub"], "248289761001");
    let with = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        check(&provider.token(&header, &changed), &keys)
    };
    let seconds = NOW.ms() / 1000;
    for (name, value, wrong) in [
        ("iss", json!("https://evil.example"), TokenError::OtherIssuer),
        ("aud", json!("another"), TokenError::OtherAudience),
        ("aud", json!(["clarion", "another"]), TokenError::OtherAudience),
        ("azp", json!("another"), TokenError::OtherAudience),
        ("nonce", json!("another"), TokenError::OtherNonce),
        ("nonce", Value::Null, TokenError::OtherNonce),
        ("exp", json!(seconds - 121), TokenError::Expired),
        ("iat", json!(seconds + 121), TokenError::Expired),
        ("iat", json!(seconds - 901), TokenError::Expired),
        ("exp", Value::Null, TokenError::Unreadable),
        ("sub", json!(""), TokenError::Unreadable),
    ] {
        assert_eq!(with(name, value), Err(wrong), "{name}");
    }
    let mut several = claims();
    (several["aud"], several["azp"]) = (json!(["clarion", "another"]), json!("clarion"));
    assert!(check(&provider.token(&header, &several), &keys).is_ok());
}

#[test]
fn a_signature_counts_by_a_published_key_and_an_accepted_way_alone() {
    let (provider, other) = (Provider::new("one"), Provider::new("one"));
    let keys = provider.keys();
    let sign = |header: Value| provider.token(&header, &claims());
    assert!(check(&sign(json!({"alg": "ES256"})), &keys).is_ok(), "one key needs no name");
    assert_eq!(check(&other.token(&json!({"alg": "ES256", "kid": "one"}), &claims()), &keys), Err(TokenError::Signature));
    assert_eq!(check(&sign(json!({"alg": "ES256", "kid": "two"})), &keys), Err(TokenError::UnknownKey));
    assert_eq!(check(&sign(json!({"alg": "none"})), &keys), Err(TokenError::Algorithm));
    assert_eq!(check(&sign(json!({"alg": "HS256"})), &keys), Err(TokenError::Algorithm));
    assert_eq!(check(&sign(json!({"alg": "RS256"})), &keys), Err(TokenError::UnknownKey), "a key of another kind");
    assert_eq!(check(&sign(json!({"alg": "ES256", "crit": ["x"]})), &keys), Err(TokenError::Algorithm));
    let good = sign(json!({"alg": "ES256"}));
    let (head, rest) = good.split_once('.').expect("parts");
    let (_, signature) = rest.rsplit_once('.').expect("parts");
    let mut bent = claims();
    bent["sub"] = json!("somebody else");
    assert_eq!(check(&format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(bent.to_string())), &keys), Err(TokenError::Signature));
    for odd in ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", &"x".repeat(40_000)] {
        assert!(check(odd, &keys).is_err());
    }
}

#[test]
fn a_provider_is_who_was_asked() {
    let document = |issuer: &str| json!({"issuer": issuer, "authorization_endpoint": "https://a", "token_endpoint": "https://t", "jwks_uri": "https://k"}).to_string();
    assert!(Discovery::read(document("https://login.example/").as_bytes(), ISSUER).is_ok());
    assert_eq!(Discovery::read(document("https://evil.example").as_bytes(), ISSUER), Err(TokenError::OtherIssuer));
    assert_eq!(Discovery::read(b"<html>", ISSUER), Err(TokenError::Unreadable));
    let mut found = Discovery::read(document(ISSUER).as_bytes(), ISSUER).expect("reads");
    assert!(!found.secret_in_form());
    found.token_endpoint_auth_methods_supported = vec!["client_secret_post".into()];
    assert!(found.secret_in_form());
}

#[test]
fn a_browser_is_led_to_https_alone() {
    let read = |authorization: &str, end: Option<&str>, issuer: &str| {
        let document = json!({"issuer": issuer, "authorization_endpoint": authorization, "token_endpoint": "https://t", "jwks_uri": "https://k", "end_session_endpoint": end});
        Discovery::read(document.to_string().as_bytes(), issuer)
    };
    assert!(read("https://login.example/a", Some("https://login.example/out"), ISSUER).is_ok());
    assert!(read("http://localhost:9/a", None, "http://localhost:9").is_ok(), "an issuer of http is one that the operator allowed");
    for odd in ["http://login.example/a", "javascript:alert(1)", "data:text/html,x", "//evil.example", "https://login.example/a b", "https://login.example/\n", ""] {
        assert_eq!(read(odd, None, ISSUER), Err(TokenError::Endpoint), "{odd}");
        assert_eq!(read("https://login.example/a", Some(odd), ISSUER), Err(TokenError::Endpoint), "{odd}");
    }
}

#[test]
fn an_answer_says_whose_it_is_where_the_provider_says_that_it_does() {
    let document = json!({"issuer": ISSUER, "authorization_endpoint": "https://a", "token_endpoint": "https://t", "jwks_uri": "https://k"});
    let mut found = Discovery::read(document.to_string().as_bytes(), ISSUER).expect("reads");
    assert!(found.is_author(None) && found.is_author(Some("https://login.example/")) && !found.is_author(Some("https://evil.example")));
    found.authorization_response_iss_parameter_supported = true;
    assert!(!found.is_author(None) && found.is_author(Some(ISSUER)));
}
