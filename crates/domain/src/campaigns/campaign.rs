//! A campaign's states and the moves between them.

use crate::word::words;

words! {
    pub enum Channel {
        Sms = "sms",
        Voice = "voice",
    }
}

words! {
    pub enum CampaignState {
        Draft = "draft",
        Scheduled = "scheduled",
        /// The audience is being frozen.
        Starting = "starting",
        Running = "running",
        Paused = "paused",
        Finished = "finished",
        Cancelled = "cancelled",
    }
}

words! {
    pub enum CampaignMove {
        Schedule = "schedule",
        Unschedule = "unschedule",
        Start = "start",
        AudienceFrozen = "audience_frozen",
        Pause = "pause",
        Resume = "resume",
        Finish = "finish",
        Cancel = "cancel",
    }
}

/// A move that a campaign in this state does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {from} campaign cannot {by}")]
pub struct IllegalCampaignMove {
    pub from: CampaignState,
    pub by: CampaignMove,
}

impl CampaignState {
    pub fn apply(self, by: CampaignMove) -> Result<Self, IllegalCampaignMove> {
        use CampaignMove as M;
        use CampaignState as S;
        match (self, by) {
            (S::Draft, M::Schedule) => Ok(S::Scheduled),
            (S::Scheduled, M::Unschedule) => Ok(S::Draft),
            (S::Draft | S::Scheduled, M::Start) => Ok(S::Starting),
            (S::Starting, M::AudienceFrozen) => Ok(S::Running),
            (S::Running, M::Pause) => Ok(S::Paused),
            (S::Paused, M::Resume) => Ok(S::Running),
            (S::Running, M::Finish) => Ok(S::Finished),
            (S::Draft | S::Scheduled | S::Starting | S::Running | S::Paused, M::Cancel) => Ok(S::Cancelled),
            (from, by) => Err(IllegalCampaignMove { from, by }),
        }
    }

    /// Nothing more will happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }
}
