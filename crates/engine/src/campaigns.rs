//! From a scheduled campaign to a running one, and from the last message to its end; and what a start would lead to.

mod dry_run;
mod prices;
mod tally;
mod worker;

pub use dry_run::dry_run;
pub use worker::{run, work};
