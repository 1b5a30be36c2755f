//! How fast a campaign calls, and how its calls are matched with agents.

use clarion_domain::campaigns::call_pacing::{CallPacing as DomainPacing, CallPacingError, PacingMode as DomainMode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How calls are matched with agents.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum PacingMode {
    /// Nobody is put through without having pressed a key: the two limits alone hold it back.
    Agentless {},
    /// One call for each free agent: nobody can be abandoned.
    Progressive {},
    /// A fixed number of calls for each free agent.
    Power {
        /// 150 is three calls for two free agents.
        #[schema(minimum = 100, maximum = 300)]
        calls_per_slot_percent: u16,
    },
    /// As many as a model says, under a ceiling on abandoned calls.
    Predictive {
        /// In ten-thousandths: 100 is 1 %. The law's own ceiling is 300.
        #[schema(minimum = 10, maximum = 300)]
        ceiling_bp: u16,
    },
}

/// How fast a campaign calls.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pace": {"mode": "progressive"}, "calls_per_second_max": 2, "calls_at_once_max": 50, "ring_ms_max": 20000}))]
pub struct CallPacing {
    pub pace: PacingMode,
    #[schema(minimum = 1, maximum = 500)]
    pub calls_per_second_max: u32,
    /// Calls up at once, ringing ones included.
    #[schema(minimum = 1, maximum = 10000)]
    pub calls_at_once_max: u32,
    /// How long it rings before we give up; the law asks for at least 15 seconds.
    #[schema(minimum = 15000, maximum = 120_000)]
    pub ring_ms_max: u32,
}

impl From<DomainPacing> for CallPacing {
    fn from(pacing: DomainPacing) -> Self {
        let pace = match pacing.pace {
            DomainMode::Agentless => PacingMode::Agentless {},
            DomainMode::Progressive => PacingMode::Progressive {},
            DomainMode::Power { calls_per_slot_percent } => PacingMode::Power { calls_per_slot_percent },
            DomainMode::Predictive { ceiling_bp } => PacingMode::Predictive { ceiling_bp },
        };
        Self { pace, calls_per_second_max: pacing.calls_per_second_max, calls_at_once_max: pacing.calls_at_once_max, ring_ms_max: pacing.ring_ms_max }
    }
}

impl From<CallPacing> for DomainPacing {
    fn from(pacing: CallPacing) -> Self {
        let pace = match pacing.pace {
            PacingMode::Agentless {} => DomainMode::Agentless,
            PacingMode::Progressive {} => DomainMode::Progressive,
            PacingMode::Power { calls_per_slot_percent } => DomainMode::Power { calls_per_slot_percent },
            PacingMode::Predictive { ceiling_bp } => DomainMode::Predictive { ceiling_bp },
        };
        Self { pace, calls_per_second_max: pacing.calls_per_second_max, calls_at_once_max: pacing.calls_at_once_max, ring_ms_max: pacing.ring_ms_max }
    }
}

impl CallPacing {
    /// The field at fault and what to write there.
    pub fn fault(self) -> Option<(&'static str, String)> {
        let error = DomainPacing::from(self).check().err()?;
        let field = match error {
            CallPacingError::CallsPerSecond(_) => "call_pacing.calls_per_second_max",
            CallPacingError::CallsAtOnce(_) => "call_pacing.calls_at_once_max",
            CallPacingError::Ring(_) => "call_pacing.ring_ms_max",
            CallPacingError::Power(_) => "call_pacing.pace.calls_per_slot_percent",
            CallPacingError::Ceiling(_) => "call_pacing.pace.ceiling_bp",
        };
        Some((field, error.to_string()))
    }
}
