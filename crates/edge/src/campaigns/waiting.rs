//! Who waits in a campaign and for what: to count them goes through all of them, and each open monitor asks each second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;
use clarion_store::{StoreError, Tenant};

/// A count that took longer than this is kept.
const QUICK: Duration = Duration::from_millis(10);
/// So many times as long as it took: counting for a campaign then takes a twentieth of one of the database's readers, whoever watches.
const KEPT: u32 = 20;
/// While somebody counts again, the others see the last count.
const COUNTING: Duration = Duration::from_secs(10);

/// Why people wait, how many, and the first time of each.
pub type Counts = Vec<(String, i64, Instant)>;

struct Counted {
    until: Moment,
    counts: Counts,
}

/// The counts that took long, by campaign.
#[derive(Default)]
pub struct Waiting(Mutex<HashMap<CampaignId, Counted>>);

impl Waiting {
    pub async fn counts(&self, tenant: &Tenant, id: CampaignId) -> Result<Counts, StoreError> {
        let begun = Moment::now();
        match self.kept(id, begun) {
            Some(counts) => Ok(counts),
            None => {
                let counts = tenant.due_counts(id).await?;
                self.keep(id, &counts, begun.elapsed(), Moment::now());
                Ok(counts)
            }
        }
    }

    fn kept(&self, id: CampaignId, now: Moment) -> Option<Counts> {
        let mut all = self.lock();
        let counted = all.get_mut(&id)?;
        if counted.until > now {
            return Some(counted.counts.clone());
        }
        counted.until = now + COUNTING;
        None
    }

    fn keep(&self, id: CampaignId, counts: &Counts, took: Duration, now: Moment) {
        let mut all = self.lock();
        all.retain(|other, counted| *other != id && counted.until > now);
        if took > QUICK {
            all.insert(id, Counted { until: now + took * KEPT, counts: counts.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CampaignId, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_took_long_is_kept_and_one_asker_counts_again() {
        let (waiting, id, start) = (Waiting::default(), CampaignId(1), Moment::now());
        let counts = |n: i64| vec![("window".to_owned(), n, Instant(0))];
        waiting.keep(id, &counts(1), Duration::from_millis(2), start);
        assert_eq!(waiting.kept(id, start), None, "a quick one is not kept");
        waiting.keep(id, &counts(2), Duration::from_millis(500), start);
        assert_eq!(waiting.kept(id, start + Duration::from_secs(9)), Some(counts(2)));
        assert_eq!(waiting.kept(id, start + Duration::from_secs(11)), None, "this asker counts");
        assert_eq!(waiting.kept(id, start + Duration::from_secs(11)), Some(counts(2)), "the next sees the last count meanwhile");
        assert_eq!(waiting.kept(CampaignId(2), start), None);
    }
}
