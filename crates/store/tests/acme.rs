//! What is kept of a certificate that is fetched: by one node at a time, for all of them, sealed.

mod support;

use clarion_domain::personal::Personal;
use clarion_domain::time::MINUTE_MS;
use clarion_store::Store;
use clarion_store::privacy::OtherNodes;
use support::{NOON, for_each_store};

const NAMES: &str = "a.example b.example";
const DIRECTORY: &str = "https://acme.example/directory";

#[tokio::test(flavor = "multi_thread")]
async fn one_node_tries_at_a_time_and_every_node_has_what_it_got() {
    for_each_store("acme_tries", |bench| async move {
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("another node");
        assert!(bench.store.acme_certificate(NAMES, DIRECTORY).await.expect("reads").is_none());
        let mine = bench.store.claim_acme_try(NAMES, DIRECTORY, NOON).await.expect("claims").expect("due at once");
        assert!(other.claim_acme_try(NAMES, DIRECTORY, NOON).await.expect("asks").is_none(), "one at a time");
        assert!(other.claim_acme_try(NAMES, "https://another.example/", NOON).await.expect("asks").is_some(), "another authority is another certificate");

        bench.store.keep_acme_account(mine.id, &Personal::new("{\"id\":1}".to_owned())).await.expect("kept");
        bench.store.acme_try_failed(mine.id, "no such host", NOON.plus_ms(MINUTE_MS)).await.expect("noted");
        assert!(other.claim_acme_try(NAMES, DIRECTORY, NOON.plus_ms(MINUTE_MS - 1)).await.expect("asks").is_none(), "backs off on every node");
        other.try_acme_again(NAMES, DIRECTORY, NOON).await.expect("a restart");
        let theirs = other.claim_acme_try(NAMES, DIRECTORY, NOON).await.expect("claims").expect("after a restart");
        assert_eq!((theirs.account.map(|account| account.reveal().to_owned()).as_deref(), theirs.failures, theirs.last_error.as_str()), (Some("{\"id\":1}"), 1, "no such host"));

        let renew = NOON.plus_ms(60 * MINUTE_MS);
        other.keep_acme_certificate(theirs.id, &Personal::new("PEM".to_owned()), renew, NOON).await.expect("kept");
        bench.store.try_acme_again(NAMES, DIRECTORY, NOON).await.expect("a restart");
        let kept = bench.store.acme_certificate(NAMES, DIRECTORY).await.expect("reads").expect("there");
        assert_eq!((kept.certificate.expect("got").reveal(), kept.next_try_at, kept.failures, kept.last_error.as_str()), ("PEM", renew, 0, ""));
        assert!(bench.store.claim_acme_try(NAMES, DIRECTORY, renew.plus_ms(-1)).await.expect("asks").is_none(), "not before it is due");

        // Renewal has its own time; who starts meanwhile leaves a claim alone that is not theirs.
        assert!(other.claim_acme_try(NAMES, DIRECTORY, renew).await.expect("claims").is_some());
        bench.store.try_acme_again(NAMES, DIRECTORY, renew).await.expect("a start beside it");
        assert!(bench.store.claim_acme_try(NAMES, DIRECTORY, renew.plus_ms(9 * MINUTE_MS)).await.expect("asks").is_none(), "one at a time");
        other.keep_acme_certificate(kept.id, &Personal::new("PEM".to_owned()), renew.plus_ms(MINUTE_MS), renew).await.expect("kept");

        bench.store.rotate_root_keys(OtherNodes::NoneRuns, NOON).await.expect("rotates");
        let kept = bench.store.acme_certificate(NAMES, DIRECTORY).await.expect("opens with the new root").expect("there");
        assert_eq!(kept.certificate.expect("got").reveal(), "PEM");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_broke_off_is_told_and_starts_do_not_ask_without_end() {
    for_each_store("acme_starts", |bench| async move {
        let store = &bench.store;
        let claim = async |now| store.claim_acme_try(NAMES, DIRECTORY, now).await.expect("asks");
        let first = claim(NOON).await.expect("due at once");
        // Killed in the middle of it.
        store.try_acme_again(NAMES, DIRECTORY, NOON.plus_ms(5_000)).await.expect("a start");
        let row = store.acme_certificate(NAMES, DIRECTORY).await.expect("reads").expect("there");
        assert_eq!((row.failures, row.last_error.as_str()), (1, "the server ended while it asked"));
        assert!(claim(NOON.plus_ms(5_000)).await.is_some(), "the first two tries follow at once");
        store.try_acme_again(NAMES, DIRECTORY, NOON.plus_ms(6_000)).await.expect("a start");
        assert!(claim(NOON.plus_ms(6_000)).await.is_some());
        store.try_acme_again(NAMES, DIRECTORY, NOON.plus_ms(7_000)).await.expect("a start");
        assert!(claim(NOON.plus_ms(7_000)).await.is_none(), "then they are slowed");
        assert!(claim(NOON.plus_ms(6_000 + MINUTE_MS)).await.is_some(), "to a minute each");

        let later = NOON.plus_ms(10 * MINUTE_MS);
        store.acme_try_failed(first.id, "no such host", later.plus_ms(240 * MINUTE_MS)).await.expect("noted");
        store.try_acme_again(NAMES, DIRECTORY, NOON.plus_ms(12 * MINUTE_MS)).await.expect("a start");
        assert!(claim(NOON.plus_ms(12 * MINUTE_MS)).await.is_none(), "asked a while ago");
        store.try_acme_again(NAMES, DIRECTORY, NOON.plus_ms(14 * MINUTE_MS)).await.expect("a start");
        assert!(claim(NOON.plus_ms(14 * MINUTE_MS)).await.is_some(), "somebody may have put it right");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_node_answers_until_the_answer_is_taken_back_or_too_old() {
    for_each_store("acme_answers", |bench| async move {
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("another node");
        bench.store.offer_acme_answer("token", "a.example", "token.thumb", NOON).await.expect("offered");
        assert_eq!(other.acme_answer("token", NOON).await.expect("asked").as_deref(), Some("token.thumb"));
        assert_eq!(other.acme_answer_for("a.example", NOON).await.expect("asked").as_deref(), Some("token.thumb"));
        for (token, name) in [("Token", "b.example"), ("", "A.example"), ("%", "%")] {
            assert!(other.acme_answer(token, NOON).await.expect("asked").is_none() && other.acme_answer_for(name, NOON).await.expect("asked").is_none());
        }
        assert!(other.acme_answer("token", NOON.plus_ms(60 * MINUTE_MS)).await.expect("asked").is_none(), "too old");
        bench.store.offer_acme_answer("later", "a.example", "later.thumb", NOON.plus_ms(1)).await.expect("offered");
        assert_eq!(other.acme_answer_for("a.example", NOON).await.expect("asked").as_deref(), Some("later.thumb"), "the newest");
        bench.store.withdraw_acme_answers(&["later".to_owned()], NOON.plus_ms(60 * MINUTE_MS)).await.expect("withdrawn");
        assert!(other.acme_answer("later", NOON).await.expect("asked").is_none() && other.acme_answer("token", NOON).await.expect("asked").is_none(), "the old one went too");
    })
    .await;
}
