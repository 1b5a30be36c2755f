//! Four eyes: acts that cannot be undone wait until a second person has approved them, where a tenant asks for it.

use serde::{Deserialize, Serialize};

use super::role::Right;
use crate::id::{CampaignId, ImportId, ListId};
use crate::time::HOUR_MS;
use crate::word::words;

/// How long a request waits for its second person.
pub const APPROVAL_WAITS_MS: i64 = 72 * HOUR_MS;

/// The highest threshold: more people than any list holds.
pub const PEOPLE_ABOVE_MAX: u32 = 100_000_000;

words! {
    /// An act that can ask for a second person.
    pub enum GuardedAct {
        EraseList = "erase_list",
        /// The people whom an import brought are removed again.
        UndoImport = "undo_import",
        StartCampaign = "start_campaign",
        /// Own hours or caps become wider.
        RaiseLimits = "raise_limits",
        /// Four eyes itself is asked for less often.
        LoosenFourEyes = "loosen_four_eyes",
    }
}

words! {
    pub enum ApprovalState {
        Waiting = "waiting",
        /// A second person said yes, and it was done.
        Approved = "approved",
        Refused = "refused",
        /// By whoever asked, or because what it is about had changed.
        Withdrawn = "withdrawn",
        Expired = "expired",
    }
}

impl GuardedAct {
    /// Whoever approves needs the right that the act itself needs.
    #[must_use]
    pub fn right(self) -> Right {
        match self {
            Self::EraseList | Self::UndoImport => Right::LoadContacts,
            Self::StartCampaign => Right::RunCampaigns,
            Self::RaiseLimits | Self::LoosenFourEyes => Right::ManageTeam,
        }
    }
}

/// When a tenant asks for a second person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FourEyes {
    /// For lists with more people than this, and imports that brought more; `None` never asks.
    pub erase_list_above: Option<u32>,
    /// For campaigns with more people than this; `None` never asks.
    pub start_campaign_above: Option<u32>,
    pub raise_limits: bool,
}

impl FourEyes {
    /// Whether an act of this size needs a second person.
    #[must_use]
    pub fn needs(&self, act: GuardedAct, size: i64) -> bool {
        let above = |limit: Option<u32>| limit.is_some_and(|limit| size > i64::from(limit));
        match act {
            GuardedAct::EraseList | GuardedAct::UndoImport => above(self.erase_list_above),
            GuardedAct::StartCampaign => above(self.start_campaign_above),
            GuardedAct::RaiseLimits => self.raise_limits,
            GuardedAct::LoosenFourEyes => self.is_on(),
        }
    }

    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::default()
    }

    /// Whether `new` lets anything through that this one would not.
    #[must_use]
    pub fn is_looser(&self, new: &Self) -> bool {
        let raised = |old: Option<u32>, new: Option<u32>| match (old, new) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(old), Some(new)) => new > old,
        };
        raised(self.erase_list_above, new.erase_list_above) || raised(self.start_campaign_above, new.start_campaign_above) || (self.raise_limits && !new.raise_limits)
    }
}

/// What exactly is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum AskedAct {
    EraseList { list: ListId },
    UndoImport { import: ImportId },
    /// Now, or by itself at a time.
    StartCampaign { campaign: CampaignId, starts_at_ms: Option<i64> },
    RaiseLimits { limits: String },
    LoosenFourEyes { to: FourEyes },
}

impl AskedAct {
    #[must_use]
    pub fn act(&self) -> GuardedAct {
        match self {
            Self::EraseList { .. } => GuardedAct::EraseList,
            Self::UndoImport { .. } => GuardedAct::UndoImport,
            Self::StartCampaign { .. } => GuardedAct::StartCampaign,
            Self::RaiseLimits { .. } => GuardedAct::RaiseLimits,
            Self::LoosenFourEyes { .. } => GuardedAct::LoosenFourEyes,
        }
    }

    /// The number of the list, import or campaign; 0 for what is the tenant's own.
    #[must_use]
    pub fn object_id(&self) -> i64 {
        match self {
            Self::EraseList { list } => list.0,
            Self::UndoImport { import } => import.0,
            Self::StartCampaign { campaign, .. } => campaign.0,
            Self::RaiseLimits { .. } | Self::LoosenFourEyes { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_above_the_threshold_and_for_its_own_loosening() {
        let off = FourEyes::default();
        assert!(GuardedAct::ALL.iter().all(|act| !off.needs(*act, i64::MAX)));
        let on = FourEyes { erase_list_above: Some(0), start_campaign_above: Some(1_000), raise_limits: true };
        for (act, size, expected) in [
            (GuardedAct::EraseList, 0, false),
            (GuardedAct::EraseList, 1, true),
            (GuardedAct::UndoImport, 1, true),
            (GuardedAct::StartCampaign, 1_000, false),
            (GuardedAct::StartCampaign, 1_001, true),
            (GuardedAct::RaiseLimits, 0, true),
            (GuardedAct::LoosenFourEyes, 0, true),
        ] {
            assert_eq!(on.needs(act, size), expected, "{act} {size}");
        }
        for (new, looser) in [
            (on, false),
            (FourEyes { start_campaign_above: Some(999), ..on }, false),
            (FourEyes { start_campaign_above: Some(1_001), ..on }, true),
            (FourEyes { erase_list_above: None, ..on }, true),
            (FourEyes { raise_limits: false, ..on }, true),
            (off, true),
        ] {
            assert_eq!(on.is_looser(&new), looser, "{new:?}");
            assert!(!off.is_looser(&new));
        }
    }

    #[test]
    fn what_is_asked_is_kept_word_for_word() {
        let asked = AskedAct::StartCampaign { campaign: CampaignId(7), starts_at_ms: Some(1) };
        let text = serde_json::to_string(&asked).expect("JSON");
        assert_eq!(text, r#"{"act":"start_campaign","campaign":"cam_0000000000007","starts_at_ms":1}"#);
        assert_eq!(serde_json::from_str::<AskedAct>(&text).expect("reads"), asked);
    }
}
