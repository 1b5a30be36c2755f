use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn add(queue: &mut FairQueue, tenant: i64, campaign: i64, route: i64, count: u32) {
    queue.add(TenantId(tenant), CampaignId(campaign), RouteId(route), count);
}

#[test]
fn a_small_tenant_does_not_wait_for_a_large_one() {
    let mut queue = FairQueue::new();
    add(&mut queue, 1, 1, 1, 1_000_000);
    add(&mut queue, 2, 2, 1, 20);
    let mut before = 0;
    while let Some(grant) = queue.take(64) {
        before += if grant.tenant == TenantId(1) { grant.count } else { 0 };
        if grant.tenant == TenantId(2) {
            assert_eq!(grant.count, 20, "all of it, in one turn");
            break;
        }
    }
    assert!(before <= 2 * QUANTUM, "{before}");
}

#[test]
fn ten_campaigns_of_one_tenant_weigh_as_much_as_one_of_another() {
    let mut queue = FairQueue::new();
    (0..10).for_each(|campaign| add(&mut queue, 1, campaign, 1, 100_000));
    add(&mut queue, 2, 99, 1, 100_000);
    let mut counts = BTreeMap::new();
    for _ in 0..2_000 {
        let grant = queue.take(8).expect("plenty waits");
        *counts.entry(grant.tenant.0).or_insert(0) += grant.count;
    }
    assert_eq!(counts[&1], counts[&2]);
}

#[test]
fn a_removed_campaign_waits_no_longer() {
    let mut queue = FairQueue::new();
    add(&mut queue, 1, 1, 1, 10);
    add(&mut queue, 1, 2, 1, 5);
    assert_eq!((queue.remove(TenantId(1), CampaignId(1)), queue.remove(TenantId(1), CampaignId(1))), (10, 0));
    assert_eq!(queue.take(100).map(|grant| (grant.campaign, grant.count)), Some((CampaignId(2), 5)));
    assert_eq!((queue.take(100), queue.waiting(), queue.take(0)), (None, 0, None));
    add(&mut queue, 1, 1, 1, 1);
    assert_eq!(queue.take(0), None, "nothing asked, nothing given");
    assert_eq!(queue.take(9).map(|grant| grant.count), Some(1));
}

/// The sending loop has a few segments a cycle and tells anew each time what waits.
#[test]
fn a_few_at_a_time_and_told_anew_each_time_still_serves_everybody() {
    let mut queue = FairQueue::new();
    let mut got = BTreeMap::new();
    for _ in 0..16 * QUANTUM {
        for (tenant, campaign) in [(1, 1), (1, 2), (2, 3)] {
            queue.set(TenantId(tenant), CampaignId(campaign), RouteId(0), 50);
        }
        let grant = queue.take(1).expect("all wait");
        *got.entry((grant.tenant.0, grant.campaign.0)).or_insert(0) += grant.count;
    }
    assert_eq!(got, BTreeMap::from([((1, 1), 4 * QUANTUM), ((1, 2), 4 * QUANTUM), ((2, 3), 8 * QUANTUM)]));
    // The same when each asks for no more than there is: the queue is empty after each take. A turn is one segment then, but for the
    // one that was begun above.
    let mut meagre = BTreeMap::<i64, u32>::new();
    for _ in 0..960 {
        for (tenant, campaign) in [(1, 1), (1, 2), (2, 3)] {
            queue.set(TenantId(tenant), CampaignId(campaign), RouteId(0), if campaign == 3 { 1 } else { 50 });
        }
        queue.expect(1);
        *meagre.entry(queue.take(1).expect("all wait").tenant.0).or_insert(0) += 1;
    }
    assert!(meagre[&1].abs_diff(meagre[&2]) <= QUANTUM, "{meagre:?}");
    queue.retain(|campaign| campaign != CampaignId(3));
    queue.set(TenantId(1), CampaignId(2), RouteId(0), 50);
    queue.set(TenantId(1), CampaignId(1), RouteId(0), 0);
    let mut left = 0;
    while let Some(grant) = queue.take(7) {
        assert_eq!(grant.campaign, CampaignId(2), "the others want nothing now");
        left += grant.count;
    }
    assert_eq!(left, 50);
    assert_eq!(queue.waiting(), 0);
}

/// A hundred tenants and a thousand segments a cycle: sixteen are served in one, and all of them within seven.
#[test]
fn where_many_wait_a_cycle_serves_some_and_the_next_ones_the_others() {
    let mut queue = FairQueue::new();
    let mut got = BTreeMap::new();
    for cycle in 1..=7 {
        for tenant in 0..100 {
            queue.set(TenantId(tenant), CampaignId(tenant), RouteId(0), 1_024);
        }
        queue.expect(1_024);
        let mut left = 1_024;
        let mut served = std::collections::BTreeSet::new();
        while left > 0 {
            let grant = queue.take(left).expect("all wait");
            left -= grant.count;
            served.insert(grant.tenant);
            *got.entry(grant.tenant).or_insert(0) += grant.count;
        }
        assert_eq!(served.len(), 16, "cycle {cycle}");
    }
    assert_eq!(got.len(), 100, "everybody had a turn");
    assert!(got.values().all(|count| (64..=128).contains(count)), "nobody a third: {got:?}");
}

proptest! {
    /// Everything that goes in comes out, once, to the place it was meant for.
    #[test]
    fn loses_nothing(adds in prop::collection::vec((0i64..4, 0i64..4, 0i64..3, 0u32..200), 0..60), draws in prop::collection::vec(1u32..100, 1..40)) {
        let mut queue = FairQueue::new();
        let (mut wanted, mut got) = (BTreeMap::new(), BTreeMap::new());
        let mut draws = draws.into_iter().cycle();
        let mut note = |grant: Grant| *got.entry((grant.tenant, grant.campaign, grant.route)).or_insert(0) += grant.count;
        for (tenant, campaign, route, count) in adds {
            add(&mut queue, tenant, campaign, route, count);
            if count > 0 { *wanted.entry((TenantId(tenant), CampaignId(campaign), RouteId(route))).or_insert(0) += count; }
            if let Some(grant) = queue.take(draws.next().unwrap_or(1)) { note(grant); }
        }
        while let Some(grant) = queue.take(draws.next().unwrap_or(1)) {
            prop_assert!(grant.count > 0);
            note(grant);
        }
        prop_assert_eq!(got, wanted);
        prop_assert_eq!(queue.waiting(), 0);
    }

    /// While all have work, nobody is more than one turn away from their share, whatever the sizes of the draws.
    #[test]
    fn shares_follow_the_weights(weights in prop::collection::vec(1u32..6, 2..6), draws in prop::collection::vec(1u32..80, 50..400)) {
        let mut queue = FairQueue::new();
        for (tenant, weight) in weights.iter().enumerate() {
            queue.set_tenant_weight(TenantId(tenant as i64), *weight);
            add(&mut queue, tenant as i64, 1, 1, 1_000_000);
            add(&mut queue, tenant as i64, 2, 1, 1_000_000);
        }
        let mut got = vec![0u32; weights.len()];
        for draw in draws {
            let grant = queue.take(draw).expect("plenty waits");
            got[grant.tenant.0 as usize] += grant.count;
            let turns: Vec<f64> = got.iter().zip(&weights).map(|(got, weight)| f64::from(*got) / f64::from(weight * QUANTUM)).collect();
            let spread = turns.iter().fold(f64::MIN, |most, turn| most.max(*turn)) - turns.iter().fold(f64::MAX, |least, turn| least.min(*turn));
            prop_assert!(spread <= 1.0, "{:?}", turns);
        }
    }
}
