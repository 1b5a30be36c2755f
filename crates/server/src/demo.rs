//! The demo's parts: its clock, its tenants, its run, and the comparison with the pretend carrier.

mod calls;
mod compare;
mod scene;
mod sequence;
mod stage;
mod weekday;

pub use calls::{Calls, lines as call_lines, ring};
pub use compare::{Comparison, compare};
pub use scene::{Cast, is_over, play};
pub use sequence::{TextAndCall, followed_up, text_and_call};
pub use stage::Stage;
pub use weekday::calling_hours;
