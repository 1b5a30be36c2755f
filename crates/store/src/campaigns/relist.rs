//! People of a campaign put on a list of their own by where they stand in it: to try once more those who were not reached, and nobody else.

use std::collections::BTreeMap;

use clarion_domain::audit::event::Act;
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use super::recipient::RecipientFilter;
use crate::contacts::checked_name;
use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

/// People written in one transaction: sending goes on between them.
const CHUNK: i64 = 2_000;

impl Tenant {
    /// How the last attempt ended of those for whom nothing is planned any more.
    pub async fn last_endings(&self, id: CampaignId) -> Result<BTreeMap<Disposition, i64>, StoreError> {
        self.campaign(id).await?;
        let select = sql!(
            "SELECT t.disposition, COUNT(DISTINCT t.position) FROM attempt t WHERE t.campaign_id = $1
               AND NOT EXISTS (SELECT 1 FROM attempt l WHERE l.contact_id = t.contact_id AND l.campaign_id = t.campaign_id AND l.id > t.id)
               AND NOT EXISTS (SELECT 1 FROM due u WHERE u.campaign_id = t.campaign_id AND u.position = t.position)
             GROUP BY t.disposition"
        );
        self.db().query(select, &params![id]).await?.into_iter().map(|mut row| Ok((row.word(0)?, row.take(1)?))).collect()
    }

    /// Makes a list of the recipients who stand as any of `standings` says. Until it is whole, it is called by its identifier alone, and
    /// when it cannot be filled it is taken away again. Returns it with how many are on it.
    pub async fn list_recipients(&self, id: CampaignId, standings: &[RecipientFilter], name: &str, now: Instant) -> Result<(ListId, i64), StoreError> {
        let (campaign, name) = (self.campaign(id).await?, checked_name(name)?);
        if standings.is_empty() {
            return Err(StoreError::Invalid("choose whom to put on the list: at least one ending".into()));
        }
        if self.lists().await?.iter().any(|list| list.name == name.as_str()) {
            return Err(StoreError::Conflict(format!("a list called “{name}” exists already: choose another name")));
        }
        let list = self.create_list(&format!("being filled: {}", ListId(self.store.next_id(now))), now).await?;
        let filled = async {
            for standing in standings {
                self.fill(list, (id, campaign.first), campaign.asked_below(), *standing).await?;
            }
            self.rename_list(list, name.as_str(), now).await?;
            let members = self.list(list).await?.members;
            self.audit_alone(now, Act::Changed, "list", list.0, &format!("{members} people of {id}")).await?;
            Ok(members)
        }
        .await;
        match filled {
            Ok(members) => Ok((list, members)),
            Err(error) => {
                let mut tx = self.db().begin().await?;
                self.delete_list_in(&mut tx, list, "it could not be filled", now).await?;
                tx.commit().await?;
                Err(error)
            }
        }
    }

    async fn fill(&self, list: ListId, (id, first): (CampaignId, CampaignId), next_position: i64, standing: RecipientFilter) -> Result<(), StoreError> {
        let insert = sql!(
            "INSERT INTO list_member (list_id, contact_id) SELECT l.id, r.contact_id FROM recipient r
             JOIN contact c ON c.id = r.contact_id JOIN contact_list l ON l.id = $1
             WHERE r.campaign_id = $2 AND r.position = $3 AND c.erased_at IS NULL ON CONFLICT DO NOTHING"
        );
        let mut after = -1;
        loop {
            let positions = self.positions((id, first), next_position, standing, after, CHUNK).await?;
            let Some(last) = positions.last() else { return Ok(()) };
            after = *last;
            let batch: Vec<_> = positions.iter().map(|position| params![list, id, *position]).collect();
            let mut tx = self.db().begin().await?;
            tx.execute_many(insert, &batch).await?;
            tx.commit().await?;
        }
    }
}
