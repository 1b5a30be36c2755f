//! Claims before the wire, attempts after its answer, and what finds an attempt again when its receipt comes.
//!
//! These are the engine's own statements: they run inside its cycle's transaction and carry the tenant in each row.

mod alaw;
mod attempt;
mod call;
mod candidate;
mod claim;
mod decision;
mod lease;
mod notice;
mod recording;
mod recording_read;
mod reference;
mod test_call;

pub use attempt::{AttemptRow, SettledRow, add_attempts, attempts_by_id, set_costs, settle_attempts};
pub use call::{CRASH, CallEnd, CallRow, LiveCount, LostEnd, PastCall, PastTimes, calls_by_id, end_lost_calls, hold_calls, revive_calls, write_calls};
pub use candidate::{Candidate, add_due, advance, due_candidates, fresh_candidates, is_stopped, next_due, recipients_at, remove_due, remove_retry, retry_rules};
pub use claim::{ClaimRow, add_claim, claims_of_silent_nodes, remove_claims, release_items};
pub use decision::{DecisionRow, record_decisions};
pub use lease::{Lease, holds_lease};
pub use notice::{NoticeKind, NoticeRow, NoticeState, NewNotice, add_notice, claim_notices, recent_notice, recover_notices, settle_notice};
pub use recording::{
    CHUNK_SECONDS, NewRecording, RecordingChunk, RecordingKey, RecordingProgress, chunk_bytes, end_lost_recordings, write_recording_chunks, write_recording_progress,
};
pub use recording_read::{RecordedSound, RecordingRecord};
pub use reference::{Reference, add_references};
pub use test_call::TestCallRecord;
pub(crate) use test_call::text_of;
