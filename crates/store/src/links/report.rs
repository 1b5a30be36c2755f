//! What became of links: by campaign, and by message.

use std::collections::{BTreeMap, HashMap};

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, CampaignId};
use clarion_domain::time::Instant;

use crate::db::{Params, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// A text has fewer links than that: so many places belong to each step of a campaign.
const PLACES_OF_STEP: usize = 100;

/// The place of the first link of a step, which is counted from 1.
#[must_use]
pub fn first_place(step: usize) -> usize {
    step.saturating_sub(1) * PLACES_OF_STEP
}

/// One link of a campaign's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCount {
    /// Its place among the text's links, from 0; from 100 on in the second step, and so on.
    pub place: usize,
    /// As it is written in the text.
    pub source: String,
    /// Every click.
    pub clicks: i64,
    /// Messages whose link was clicked at least once.
    pub clicked: i64,
}

/// The links of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkClicks {
    pub links: i64,
    pub clicks: i64,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

impl Tenant {
    /// A line for each short link of the campaign's texts, clicked or not; of a step after the first, for its own.
    pub async fn link_counts(&self, id: CampaignId) -> Result<Vec<LinkCount>, StoreError> {
        let campaign = self.campaign(id).await?;
        let steps = if campaign.step > 1 {
            vec![(usize::from(campaign.step), Some(campaign.clone()))]
        } else {
            (1..=campaign.sequence.steps()).map(|number| (number, campaign.at_step(number))).collect()
        };
        let places = first_place(steps[0].0)..first_place(steps[steps.len() - 1].0 + 1);
        let mut counts = BTreeMap::new();
        for (number, step) in steps {
            let Some(step) = step.filter(|step| step.channel == Channel::Sms) else { continue };
            // A text that does not parse any more (a field was withdrawn) names nothing.
            let sources = self.parse_template(&step.body).await.map(|template| template.link_sources()).unwrap_or_default();
            for (index, source) in sources.into_iter().enumerate() {
                let place = first_place(number) + index;
                counts.insert(place, LinkCount { place, source, clicks: 0, clicked: 0 });
            }
        }
        let select = sql!("SELECT place, clicks, clicked FROM link_count WHERE tenant_id = $1 AND campaign_id = $2 AND place >= $3 AND place < $4 ORDER BY place");
        for mut row in self.db().query(select, &params![self.id, campaign.first, places.start as i64, places.end as i64]).await? {
            let place = usize::try_from(row.take::<i64>(0)?).unwrap_or(0);
            let count = counts.entry(place).or_insert_with(|| LinkCount { place, source: String::new(), clicks: 0, clicked: 0 });
            (count.clicks, count.clicked) = (row.take(1)?, row.take(2)?);
        }
        Ok(counts.into_values().collect())
    }

    /// What became of the links of these messages; nothing for a message without.
    pub async fn clicks_of(&self, attempts: &[AttemptId]) -> Result<HashMap<AttemptId, LinkClicks>, StoreError> {
        let select = sql!(
            "SELECT attempt_id, COUNT(*), CAST(SUM(clicks) AS BIGINT), MIN(first_click_at), MAX(last_click_at) FROM short_link
             WHERE attempt_id = $1 AND tenant_id = $2 GROUP BY attempt_id"
        );
        let batch: Vec<Params> = attempts.iter().map(|attempt| params![*attempt, self.id]).collect();
        let mut found = HashMap::new();
        for mut row in self.db().query_many(select, &batch).await?.into_iter().flatten() {
            found.insert(row.take(0)?, LinkClicks { links: row.take(1)?, clicks: row.take(2)?, first_at: row.take(3)?, last_at: row.take(4)? });
        }
        Ok(found)
    }
}
