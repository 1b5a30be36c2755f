//! A device of our own making, and everything that can be wrong with its answers.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::*;

const ORIGIN: &str = "https://contact.example.net:8443";

fn data(host: &str, flags: u8, counter: u32, more: &[u8]) -> Vec<u8> {
    [digest(&SHA256, host.as_bytes()).as_ref(), &[flags], &counter.to_be_bytes(), more].concat()
}

fn client(act: &str, origin: &str) -> Vec<u8> {
    json!({"type": act, "challenge": text(b"challenge"), "origin": origin}).to_string().into_bytes()
}

fn cose_p256(point: &[u8]) -> Vec<u8> {
    [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], &point[1..33], &[0x22, 0x58, 32], &point[33..]].concat()
}

fn p256() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).expect("a key")
}

fn registration(authenticator: &[u8], client: &[u8]) -> String {
    let attestation = [&[0xa3, 0x63], b"fmt".as_slice(), &[0x64], b"none", &[0x67], b"attStmt", &[0xa0, 0x68], b"authData", &[0x59], &u16::try_from(authenticator.len()).expect("short").to_be_bytes(), authenticator].concat();
    json!({"client": text(client), "attestation": text(&attestation)}).to_string()
}

fn credential(key: &[u8]) -> Vec<u8> {
    [[0u8; 16].as_slice(), &[0, 4], b"cred", key].concat()
}

#[test]
fn a_registration_is_read_and_its_site_act_and_user_checked() {
    let cose = cose_p256(p256().public_key().as_ref());
    let good = data("contact.example.net", 0x45, 7, &credential(&cose));
    let made = registered(&registration(&good, &client("webauthn.create", ORIGIN)), ORIGIN).expect("a credential");
    assert_eq!(made, Made { challenge: b"challenge".to_vec(), credential_id: b"cred".to_vec(), public_key: cose.clone(), counter: 7 });
    for (authenticator, said, wrong) in [
        (good.clone(), client("webauthn.get", ORIGIN), PasskeyError::OtherAct),
        (good.clone(), client("webauthn.create", "https://contact.example.net"), PasskeyError::OtherOrigin),
        (good.clone(), client("webauthn.create", "https://evil.example"), PasskeyError::OtherOrigin),
        (data("evil.example", 0x45, 7, &credential(&cose)), client("webauthn.create", ORIGIN), PasskeyError::OtherOrigin),
        (data("contact.example.net", 0x41, 7, &credential(&cose)), client("webauthn.create", ORIGIN), PasskeyError::NotVerified),
        (data("contact.example.net", 0x44, 7, &credential(&cose)), client("webauthn.create", ORIGIN), PasskeyError::NotVerified),
        (data("contact.example.net", 0x05, 7, &credential(&cose)), client("webauthn.create", ORIGIN), PasskeyError::Unreadable),
        (good[..60].to_vec(), client("webauthn.create", ORIGIN), PasskeyError::Unreadable),
        (data("contact.example.net", 0x45, 7, &credential(&[0xa1, 1, 2])), client("webauthn.create", ORIGIN), PasskeyError::UnknownKey),
    ] {
        assert_eq!(registered(&registration(&authenticator, &said), ORIGIN), Err(wrong));
    }
    let crossed = json!({"type": "webauthn.create", "challenge": "", "origin": ORIGIN, "crossOrigin": true}).to_string().into_bytes();
    assert_eq!(registered(&registration(&good, &crossed), ORIGIN), Err(PasskeyError::OtherOrigin));
}

fn signed(authenticator: &[u8], client: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Signed {
    let message = [authenticator, digest(&SHA256, client).as_ref()].concat();
    Signed::read(&json!({"id": text(b"cred"), "client": text(client), "authenticator": text(authenticator), "signature": text(&sign(&message))}).to_string()).expect("reads")
}

#[test]
fn a_signature_counts_for_its_key_site_and_user_alone() {
    let (pair, other, random) = (p256(), p256(), SystemRandom::new());
    let sign = |pair: &EcdsaKeyPair, message: &[u8]| pair.sign(&random, message).expect("signed").as_ref().to_vec();
    let cose = cose_p256(pair.public_key().as_ref());
    let (authenticator, said) = (data("contact.example.net", 0x05, 9, &[]), client("webauthn.get", ORIGIN));
    assert_eq!(signed(&authenticator, &said, |m| sign(&pair, m)).check(&cose, ORIGIN), Ok((b"challenge".to_vec(), 9)));
    assert_eq!(signed(&authenticator, &said, |m| sign(&other, m)).check(&cose, ORIGIN), Err(PasskeyError::Signature));
    assert_eq!(signed(&authenticator, &said, |_| vec![0x30, 0]).check(&cose, ORIGIN), Err(PasskeyError::Signature));
    assert_eq!(signed(&authenticator, &client("webauthn.create", ORIGIN), |m| sign(&pair, m)).check(&cose, ORIGIN), Err(PasskeyError::OtherAct));
    assert_eq!(signed(&authenticator, &client("webauthn.get", "https://evil.example"), |m| sign(&pair, m)).check(&cose, ORIGIN), Err(PasskeyError::OtherOrigin));
    assert_eq!(signed(&data("evil.example", 5, 9, &[]), &said, |m| sign(&pair, m)).check(&cose, ORIGIN), Err(PasskeyError::OtherOrigin));
    assert_eq!(signed(&data("contact.example.net", 1, 9, &[]), &said, |m| sign(&pair, m)).check(&cose, ORIGIN), Err(PasskeyError::NotVerified));

    let seed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32], seed.public_key().as_ref()].concat();
    assert!(signed(&authenticator, &said, |m| seed.sign(m).as_ref().to_vec()).check(&cose, ORIGIN).is_ok());
}

#[test]
fn a_passkey_is_bound_to_a_name() {
    for (origin, host) in [
        ("https://contact.example.net:8443", Some("contact.example.net")),
        ("http://localhost:8080", Some("localhost")),
        ("http://127.0.0.1:8080", None),
        ("https://[::1]", None),
        ("file://", None),
        ("null", None),
    ] {
        assert_eq!(relying_party(origin), host, "{origin}");
    }
}

/// Whatever a stranger sends is refused without harm.
#[test]
fn nonsense_is_refused() {
    let cose = cose_p256(p256().public_key().as_ref());
    let good = registration(&data("contact.example.net", 0x45, 7, &credential(&cose)), &client("webauthn.create", ORIGIN));
    let mut state = 7u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bent = good.clone().into_bytes();
        let at = (state >> 33) as usize % bent.len();
        bent[at] = b"AZaz09-_{}\":"[(state >> 20) as usize % 12];
        bent.truncate(bent.len() - (state >> 50) as usize % 3);
        if let Ok(text) = std::str::from_utf8(&bent) {
            let _ = registered(text, ORIGIN);
        }
    }
    for deep in [vec![0x81; 5_000], vec![0xbf; 40], vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        assert!(Cbor::new(&deep).skip(0).is_none());
    }
}
