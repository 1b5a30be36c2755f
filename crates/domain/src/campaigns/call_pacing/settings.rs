//! What a campaign's author chooses about its pace.

use serde::{Deserialize, Serialize};

use crate::attempts::call::RING_MS_MIN;

pub const CALLS_PER_SECOND_MAX: u32 = 500;
pub const CALLS_AT_ONCE_MAX: u32 = 10_000;
pub const RING_MS_MAX: u32 = 120_000;
/// Calls for each free slot, in hundredths: more than three would be reckless whatever the answer rate.
pub const POWER_PERCENT_MAX: u16 = 300;
/// The highest ceiling on abandoned calls, in ten-thousandths: the 3 % of the law.
pub const CEILING_BP_MAX: u16 = 300;

/// How calls are matched with agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum PacingMode {
    /// Nobody is put through without having pressed a key: calls a second and calls at once are the only limits.
    Agentless,
    /// One call for each free slot: nobody can be abandoned.
    Progressive,
    /// A fixed number of calls for each free slot.
    Power { calls_per_slot_percent: u16 },
    /// As many as a model says, under a ceiling on abandoned calls in ten-thousandths.
    Predictive { ceiling_bp: u16 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallPacing {
    pub pace: PacingMode,
    pub calls_per_second_max: u32,
    /// Calls up at once, ringing ones included.
    pub calls_at_once_max: u32,
    /// How long it rings before we give up, from its first ringing on; from dialling for a call that never rings.
    pub ring_ms_max: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallPacingError {
    #[error("{0} calls a second: choose 1 to {CALLS_PER_SECOND_MAX}")]
    CallsPerSecond(u32),
    #[error("{0} calls at once: choose 1 to {CALLS_AT_ONCE_MAX}")]
    CallsAtOnce(u32),
    #[error("a call rings {0} ms: choose {RING_MS_MIN} (the law's least) to {RING_MS_MAX}")]
    Ring(u32),
    #[error("{0} % calls for each slot: choose 100 to {POWER_PERCENT_MAX}")]
    Power(u16),
    #[error("a ceiling of {0} ten-thousandths: choose 10 (0.1 %) to {CEILING_BP_MAX} (3 %)")]
    Ceiling(u16),
}

impl Default for CallPacing {
    /// One call for each free slot, two a second, twenty seconds of ringing.
    fn default() -> Self {
        Self { pace: PacingMode::Progressive, calls_per_second_max: 2, calls_at_once_max: 50, ring_ms_max: 20_000 }
    }
}

impl CallPacing {
    pub fn check(&self) -> Result<(), CallPacingError> {
        if !(1..=CALLS_PER_SECOND_MAX).contains(&self.calls_per_second_max) {
            return Err(CallPacingError::CallsPerSecond(self.calls_per_second_max));
        }
        if !(1..=CALLS_AT_ONCE_MAX).contains(&self.calls_at_once_max) {
            return Err(CallPacingError::CallsAtOnce(self.calls_at_once_max));
        }
        if i64::from(self.ring_ms_max) < RING_MS_MIN || self.ring_ms_max > RING_MS_MAX {
            return Err(CallPacingError::Ring(self.ring_ms_max));
        }
        match self.pace {
            PacingMode::Power { calls_per_slot_percent: percent } if !(100..=POWER_PERCENT_MAX).contains(&percent) => Err(CallPacingError::Power(percent)),
            PacingMode::Predictive { ceiling_bp } if !(10..=CEILING_BP_MAX).contains(&ceiling_bp) => Err(CallPacingError::Ceiling(ceiling_bp)),
            _ => Ok(()),
        }
    }

    /// Whether an agent must be guaranteed to each call, which rules UK-8 and UK-9 ask for some people.
    #[must_use]
    pub fn guarantees_an_agent(&self) -> bool {
        matches!(self.pace, PacingMode::Progressive)
    }

    /// The ceiling on abandoned calls, in ten-thousandths: a power campaign has the law's.
    #[must_use]
    pub fn ceiling_bp(&self) -> u16 {
        match self.pace {
            PacingMode::Predictive { ceiling_bp } => ceiling_bp,
            _ => CEILING_BP_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_bounds_and_is_stored_in_words() {
        let with = |change: fn(&mut CallPacing)| {
            let mut pacing = CallPacing::default();
            change(&mut pacing);
            pacing.check()
        };
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|pacing| pacing.ring_ms_max = 14_999), Err(CallPacingError::Ring(14_999)), "UK-10");
        assert_eq!(with(|pacing| pacing.calls_at_once_max = 0), Err(CallPacingError::CallsAtOnce(0)));
        assert_eq!(with(|pacing| pacing.calls_per_second_max = 501), Err(CallPacingError::CallsPerSecond(501)));
        assert_eq!(with(|pacing| pacing.pace = PacingMode::Power { calls_per_slot_percent: 301 }), Err(CallPacingError::Power(301)));
        assert_eq!(with(|pacing| pacing.pace = PacingMode::Predictive { ceiling_bp: 301 }), Err(CallPacingError::Ceiling(301)));
        let pacing = CallPacing { pace: PacingMode::Predictive { ceiling_bp: 100 }, ..CallPacing::default() };
        let text = serde_json::to_string(&pacing).expect("serialises");
        assert!(text.contains(r#""pace":{"mode":"predictive","ceiling_bp":100}"#), "{text}");
        assert_eq!(serde_json::from_str::<CallPacing>(&text).expect("reads back"), pacing);
    }
}
