//! Whose message goes next: deficit round robin over tenants, then a tenant's campaigns, then a campaign's routes.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::id::{CampaignId, RouteId, TenantId};

/// Segments of one turn at weight 1, at most: enough to spread the cost of a turn, too few for anybody to notice.
pub const QUANTUM: u32 = 64;

/// Turns that each campaign shall have of what there is to give out, if they are few.
const TURNS: u32 = 4;

/// Turns into which what there is to give out is cut at most. Each costs a look at its campaign: where more wait, the others
/// come in the next rounds.
const TURNS_MAX: u32 = 16;

/// Segments granted to one route of one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub route: RouteId,
    pub count: u32,
}

/// Everything that waits, by tenant, campaign and route.
#[derive(Debug)]
pub struct FairQueue {
    tenants: Ring<TenantId, Ring<CampaignId, Ring<RouteId, Waiting>>>,
    quantum: u32,
}

impl Default for FairQueue {
    fn default() -> Self {
        Self { tenants: Ring::default(), quantum: QUANTUM }
    }
}

impl FairQueue {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// So many more segments wait.
    pub fn add(&mut self, tenant: TenantId, campaign: CampaignId, route: RouteId, count: u32) {
        self.tenants.with(tenant, |campaigns| campaigns.with(campaign, |routes| routes.with(route, |waiting| waiting.0 = waiting.0.saturating_add(count))));
    }

    /// So many segments wait now, whatever waited before. Whoever stands in a turn keeps it, so that a queue that is asked
    /// for a little at a time, and told anew before each time, still serves everybody.
    pub fn set(&mut self, tenant: TenantId, campaign: CampaignId, route: RouteId, count: u32) {
        self.tenants.with(tenant, |campaigns| campaigns.with(campaign, |routes| routes.with(route, |waiting| waiting.0 = count)));
    }

    /// How much there is to give out before `set` is called anew. A few who wait have several turns of it each, or whoever asks for
    /// little at a time would wait for whole turns of those who ask for much; where many wait, a turn comes round every so many calls.
    pub fn expect(&mut self, segments: u32) {
        let waiting: usize = self.tenants.shares.values().map(|share| share.source.shares.len()).sum();
        let turns = u32::try_from(waiting).unwrap_or(u32::MAX).saturating_mul(TURNS).clamp(1, TURNS_MAX);
        self.quantum = (segments / turns).clamp(1, QUANTUM);
    }

    /// Forgets the campaigns that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(CampaignId) -> bool) {
        let gone: Vec<(TenantId, CampaignId)> = self.tenants.shares.iter().flat_map(|(tenant, share)| share.source.shares.keys().map(|campaign| (*tenant, *campaign))).filter(|(_, campaign)| !keep(*campaign)).collect();
        for (tenant, campaign) in gone {
            self.remove(tenant, campaign);
        }
    }

    /// Shares of a tenant against the others; 1 unless it is set.
    pub fn set_tenant_weight(&mut self, tenant: TenantId, weight: u32) {
        self.tenants.set_weight(tenant, weight);
    }

    /// Shares of a campaign against its tenant's others.
    pub fn set_campaign_weight(&mut self, tenant: TenantId, campaign: CampaignId, weight: u32) {
        self.tenants.with(tenant, |campaigns| campaigns.set_weight(campaign, weight));
    }

    /// A paused or finished campaign waits no longer; gives how many segments it had waiting.
    pub fn remove(&mut self, tenant: TenantId, campaign: CampaignId) -> u64 {
        let mut removed = 0;
        self.tenants.with(tenant, |campaigns| removed = campaigns.remove(campaign).map_or(0, |routes| routes.waiting()));
        if !self.tenants.has_entries(tenant) {
            self.tenants.remove(tenant);
        }
        removed
    }

    /// Up to `max` segments for whoever's turn it is; `None` when nothing waits.
    pub fn take(&mut self, max: u32) -> Option<Grant> {
        let ((tenant, (campaign, (route, ()))), count) = self.tenants.take(max, self.quantum)?;
        Some(Grant { tenant, campaign, route, count })
    }

    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.tenants.waiting()
    }
}

/// Something that can be drawn from.
trait Source: Default {
    type Path;
    fn has_work(&self) -> bool;
    fn waiting(&self) -> u64;
    fn take(&mut self, max: u32, quantum: u32) -> Option<(Self::Path, u32)>;
}

#[derive(Debug, Default)]
struct Waiting(u32);

impl Source for Waiting {
    type Path = ();

    fn has_work(&self) -> bool {
        self.0 > 0
    }

    fn waiting(&self) -> u64 {
        u64::from(self.0)
    }

    fn take(&mut self, max: u32, _quantum: u32) -> Option<((), u32)> {
        let count = self.0.min(max);
        self.0 -= count;
        (count > 0).then_some(((), count))
    }
}

#[derive(Debug)]
struct Share<S> {
    weight: u32,
    /// Segments left of the turn that has begun.
    deficit: u32,
    in_turn: bool,
    source: S,
}

impl<S: Source> Default for Share<S> {
    fn default() -> Self {
        Self { weight: 1, deficit: 0, in_turn: false, source: S::default() }
    }
}

/// One level: those who have work stand in a ring, and each turn is worth a quantum times the weight.
#[derive(Debug)]
struct Ring<K, S> {
    shares: HashMap<K, Share<S>>,
    turns: VecDeque<K>,
}

impl<K, S> Default for Ring<K, S> {
    fn default() -> Self {
        Self { shares: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, S: Source> Ring<K, S> {
    fn with(&mut self, key: K, change: impl FnOnce(&mut S)) {
        let share = self.shares.entry(key).or_default();
        change(&mut share.source);
        if share.source.has_work() && !share.in_turn {
            share.in_turn = true;
            self.turns.push_back(key);
        }
    }

    fn set_weight(&mut self, key: K, weight: u32) {
        self.shares.entry(key).or_default().weight = weight.max(1);
    }

    fn remove(&mut self, key: K) -> Option<S> {
        self.turns.retain(|waiting| *waiting != key);
        self.shares.remove(&key).map(|share| share.source)
    }
}

impl<K: Copy + Eq + Hash, C: Copy + Eq + Hash, S: Source> Ring<K, Ring<C, S>> {
    fn has_entries(&self, key: K) -> bool {
        self.shares.get(&key).is_some_and(|share| !share.source.shares.is_empty())
    }
}

impl<K: Copy + Eq + Hash, S: Source> Source for Ring<K, S> {
    type Path = (K, S::Path);

    /// Whoever has no work left is taken out of the ring at once; a share emptied by `remove` when its turn comes.
    fn has_work(&self) -> bool {
        !self.turns.is_empty()
    }

    fn waiting(&self) -> u64 {
        self.shares.values().map(|share| share.source.waiting()).sum()
    }

    fn take(&mut self, max: u32, quantum: u32) -> Option<(Self::Path, u32)> {
        loop {
            let key = *self.turns.front()?;
            let share = self.shares.get_mut(&key)?;
            if share.deficit == 0 {
                share.deficit = share.weight.saturating_mul(quantum);
            }
            let taken = share.source.take(max.min(share.deficit), quantum);
            share.deficit -= taken.as_ref().map_or(0, |(_, count)| *count);
            let is_done = !share.source.has_work();
            if is_done {
                share.deficit = 0;
                share.in_turn = false;
            }
            if is_done || share.deficit == 0 {
                self.turns.pop_front();
            }
            if !is_done && share.deficit == 0 {
                self.turns.push_back(key);
            }
            match taken {
                Some((path, count)) => return Some(((key, path), count)),
                None if is_done => {}
                None => return None,
            }
        }
    }
}

#[cfg(test)]
#[path = "fairness_tests.rs"]
mod tests;
