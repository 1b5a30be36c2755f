//! API keys and idempotency keys, on both databases.

mod support;

use clarion_domain::tenancy::role::Role;
use clarion_domain::time::DAY_MS;
use clarion_store::tenancy::IdempotencyClaim;
use support::{NOON, for_each_store};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_known_by_its_secret_until_it_is_revoked() {
    for_each_store("api_keys", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (key, secret) = tenant.create_api_key(" crm ", Role::Viewer, NOON).await.expect("a key");
        assert!(tenant.create_api_key("", Role::Viewer, NOON).await.is_err());
        let found = bench.store.api_key_by_secret(&secret, NOON).await.expect("reads").expect("the key");
        assert_eq!((found.id, found.tenant_id, found.name.as_str(), found.role), (key.id, tenant.id(), "crm", Role::Viewer));
        assert!(bench.store.api_key_by_secret(&secret.to_uppercase(), NOON).await.expect("reads").is_none());
        assert_eq!(tenant.api_key(key.id).await.expect("the key").used_at, Some(NOON));
        assert!(bench.store.api_key_by_secret(&secret, NOON.plus_ms(59_000)).await.expect("reads").is_some());
        assert_eq!(tenant.api_key(key.id).await.expect("the key").used_at, Some(NOON), "told to the minute");
        assert!(other.revoke_api_key(key.id, NOON).await.is_err());
        tenant.revoke_api_key(key.id, NOON).await.expect("revoked");
        assert!(bench.store.api_key_by_secret(&secret, NOON).await.expect("reads").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_claimed_once_answered_and_forgotten_after_a_day() {
    for_each_store("idempotency", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let key = [7; 32];
        let claim = |request: &'static [u8], now| tenant.claim_idempotency_key(&key, request, now);
        assert_eq!(claim(b"one", NOON).await.expect("claims"), IdempotencyClaim::Fresh);
        assert_eq!(claim(b"one", NOON).await.expect("claims"), IdempotencyClaim::Unfinished { request_hash: b"one".to_vec(), since: NOON });
        assert_eq!(other.claim_idempotency_key(&key, b"one", NOON).await.expect("claims"), IdempotencyClaim::Fresh);
        tenant.release_idempotency_key(&key).await.expect("released");
        assert_eq!(claim(b"two", NOON).await.expect("claims"), IdempotencyClaim::Fresh);
        tenant.keep_answer(&key, b"two", 201, Some(b"made")).await.expect("kept");
        tenant.release_idempotency_key(&key).await.expect("an answer is not released");
        let answered = IdempotencyClaim::Answered { request_hash: b"two".to_vec(), status: 201, answer: Some(b"made".to_vec()) };
        assert_eq!(claim(b"one", NOON.plus_ms(DAY_MS - 1)).await.expect("claims"), answered);
        // The answer may name whoever is erased: it goes, and what was done stays done.
        tenant.subject_erase("07700 900123", false, NOON).await.expect("erased");
        let emptied = IdempotencyClaim::Answered { request_hash: b"two".to_vec(), status: 201, answer: None };
        assert_eq!(claim(b"two", NOON.plus_ms(DAY_MS - 1)).await.expect("claims"), emptied);
        assert_eq!(claim(b"one", NOON.plus_ms(DAY_MS)).await.expect("claims"), IdempotencyClaim::Fresh, "a day later it is free");
        assert_eq!(bench.store.forget_idempotency_keys(NOON.plus_ms(DAY_MS)).await.expect("swept"), 1, "the other tenant's");
    })
    .await;
}
