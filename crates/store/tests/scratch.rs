//! The databases that tests make on PostgreSQL: each run its own, and none left for long.

use std::time::Duration;

use clarion_store::db::{Db, Statement, scratch_url};

static ONE: Statement = Statement { text: "SELECT 1", postgres: "SELECT 1::bigint" };

async fn stands(url: &str) -> bool {
    match Db::open_postgres(url).await {
        Ok(db) => db.query(&ONE, &[]).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_test_have_a_database_each_and_the_next_drops_those_that_are_over() {
    let Ok(server) = std::env::var("CLARION_TEST_POSTGRES") else { return };
    let first = scratch_url(&server, "scratch").await.expect("a database");
    let second = scratch_url(&server, "scratch").await.expect("another");
    assert_ne!(first, second);
    // A test that is over: its runtime has ended.
    let over = std::thread::spawn({
        let server = server.clone();
        move || tokio::runtime::Runtime::new().expect("a runtime").block_on(scratch_url(&server, "scratch")).expect("a third")
    });
    let over = over.join().expect("no panic");
    // Another purpose that begins alike is another test's.
    let alike = scratch_url(&server, "scratch_alike").await.expect("a fourth");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while stands(&over).await {
        assert!(tokio::time::Instant::now() < deadline, "it is dropped");
        scratch_url(&server, "scratch").await.expect("one more");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for url in [&first, &second, &alike] {
        assert!(stands(url).await, "one that is in use stays");
    }
}
