//! A copy of a campaign: a new draft with all that it says, and nothing of what became of it.

use clarion_domain::contacts::list::NAME_LENGTH_CHARS_MAX;
use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;

use super::draft::CampaignDraft;
use super::moves::refuse_later_step;
use crate::db::Tx;
use crate::store::{StoreError, Tenant};

impl Tenant {
    /// Whatever state it is in. A start that has passed is left out. An end that has passed stays: a limit is not lost unseen, and the check asks for a later one.
    pub async fn copy_campaign(&self, id: CampaignId, now: Instant) -> Result<CampaignId, StoreError> {
        let mut tx = self.db().begin().await?;
        let record = self.campaign_in(&mut tx, id).await?;
        refuse_later_step(&record)?;
        let mut draft = CampaignDraft { name: name_of_copy(&record.name), ..CampaignDraft::from(&record) };
        draft.schedule.starts_at_ms = draft.schedule.starts_at_ms.filter(|start| *start > now.ms());
        if !self.has_its_audience(&mut tx, &draft).await? {
            // What is left of it would be more people than the campaign was for.
            (draft.list_id, draft.filter_id) = (None, None);
        }
        let copy = self.create_campaign_in(&mut tx, &draft, Some(id), now).await?;
        tx.commit().await?;
        Ok(copy)
    }

    /// Neither its list nor its filter was deleted since.
    async fn has_its_audience(&self, tx: &mut Tx, draft: &CampaignDraft) -> Result<bool, StoreError> {
        if let Some(list) = draft.list_id {
            match self.check_list(tx, list).await {
                Err(StoreError::NotFound(_)) => return Ok(false),
                whole => whole?,
            }
        }
        match draft.filter_id {
            Some(filter) => self.knows_filter(tx, filter).await,
            None => Ok(true),
        }
    }
}

/// “Readings (copy)”, and of that “Readings (copy 2)”. A long name loses its end, not the mark.
fn name_of_copy(name: &str) -> String {
    let (base, number) = copied(name).unwrap_or((name, 0));
    let mark = if number == 0 { " (copy)".to_owned() } else { format!(" (copy {})", number.saturating_add(1)) };
    let base: String = base.chars().take(NAME_LENGTH_CHARS_MAX - mark.chars().count()).collect();
    format!("{}{mark}", base.trim_end())
}

/// The name before the mark of a copy, and which copy it is.
fn copied(name: &str) -> Option<(&str, u32)> {
    let (base, number) = name.strip_suffix(')')?.rsplit_once(" (copy")?;
    let number = if number.is_empty() { 1 } else { number.strip_prefix(' ')?.parse().ok()? };
    Some((base, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_its_original_and_keeps_to_the_length() {
        for (name, copy) in [
            ("Spring readings", "Spring readings (copy)"),
            ("Spring readings (copy)", "Spring readings (copy 2)"),
            ("Spring readings (copy 9)", "Spring readings (copy 10)"),
            ("Readings (copy) of May", "Readings (copy) of May (copy)"),
            ("Readings (copy of May)", "Readings (copy of May) (copy)"),
            ("Readings (copy 4294967295)", "Readings (copy 4294967295)"),
        ] {
            assert_eq!(name_of_copy(name), copy);
        }
        let long = name_of_copy(&"é".repeat(100));
        assert_eq!((long.chars().count(), long.ends_with("é (copy)")), (100, true));
        let words = format!("{} {}", "x".repeat(92), "y".repeat(7));
        assert_eq!(name_of_copy(&words), format!("{} (copy)", "x".repeat(92)), "no space before the mark but its own");
    }
}
