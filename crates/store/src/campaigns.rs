//! Campaigns: purpose, audience, content, schedule and limits; and one contact's place in them.

mod calendar;
mod call_faults;
mod campaign;
mod draft;
mod dry_run;
mod evergreen;
mod faults;
mod freeze;
mod listing;
mod moves;
mod preview;
mod prompt;
mod recipient;
mod relist;
mod script;
mod sender;
mod sequence;
mod stop;
mod template;

pub use calendar::Calendar;
pub use campaign::CampaignRecord;
pub use draft::CampaignDraft;
pub use dry_run::{CallForecast, DeferredGroup, DryRunCost, DryRunRecord, DryRunResult, MissingField, RefusedGroup};
pub use evergreen::{Look, TakeIn};
pub use freeze::{FREEZE_CHUNK, FreezeStep, RECEIPTS_AWAITED_MS, WorkingCampaign};
pub use listing::{CampaignQuery, DecisionCount};
pub use moves::LOADING;
pub use preview::PreviewRow;
pub use prompt::{PROMPT_SAMPLES_MAX, PromptRecord};
pub use recipient::{LastTry, RecipientFilter, RecipientRow, RecipientState};
pub use script::ScriptRecord;
pub use sender::SenderRecord;
pub(crate) use sequence::Steps;
pub use sequence::{NEXT_STEP, StepCounts, StepEvent, StepNews, begin_step, move_on};
pub use stop::{STOPS_MAX, StopWhom};
pub use template::TemplateRecord;
