//! What a node that died has left on the wire, on both databases.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::Store;

use super::recover::settle_left;
use super::sequence_tests::attempts;
use crate::attempts::by_hand::people::list_of;
use crate::attempts::by_hand::support::for_each_store;
use crate::attempts::by_hand::{Departed, Hand, draft, launch};

/// Three messages of two segments each: one answered, two left on the wire by a node that is held for dead.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_unknown_costs_what_it_would_have_cost_until_its_answer_says_otherwise() {
    for_each_store("unknown_costs", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let mut hand = Hand::new(&bench, &tenant, false, 1_000).await;
        let (list, _) = list_of(&tenant, "Arrears", 3).await;
        let mut long = draft("November", list);
        long.body = format!("Dear {{first_name}}, please call us. {}", "It matters. ".repeat(12));
        let id = launch(&bench, &tenant, &long).await;
        hand.pass(100).await;
        let sent = attempts(hand.step(1).await);
        assert_eq!(sent.len(), 3);
        let parts = |one: &Departed| [0, 1].map(|part| Departed { token: one.token + part, ..*one });
        parts(&sent[0]).iter().for_each(|part| hand.accept(part, &format!("m{}", part.token)));
        hand.step(1).await;
        let told = async || {
            let counts = tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("counts");
            assert_eq!(counts, tenant.recount(id).await.expect("a recount"), "the report equals the attempts");
            let mut told: Vec<_> = counts.into_iter().filter(|row| row.n != 0).map(|row| (row.disposition, row.n, row.segments, row.cost)).collect();
            told.sort();
            told
        };
        assert_eq!(told().await, [(Disposition::Accepted, 1, 2, 700)]);
        let later = hand.now.plus_ms(2 * MINUTE_MS);
        let other = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("another node");
        assert_eq!(settle_left(&other, Channel::Sms, later, later).await.expect("settles"), 2);
        assert_eq!(told().await, [(Disposition::Accepted, 1, 2, 700), (Disposition::Unknown, 2, 4, 1_400)], "the carrier may bill them");

        // The node was not dead after all.
        parts(&sent[1]).iter().for_each(|part| hand.accept(part, &format!("m{}", part.token)));
        parts(&sent[2]).iter().for_each(|part| hand.reject(part, 0x0b));
        hand.step(1).await;
        assert_eq!(told().await, [(Disposition::Accepted, 2, 4, 1_400), (Disposition::InvalidNumber, 1, 2, 0)], "what was not taken costs nothing");
    })
    .await;
}
