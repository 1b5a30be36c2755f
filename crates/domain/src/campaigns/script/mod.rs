//! What a call says and asks: steps with names, checked before they are used, and the machine that runs them.

pub mod document;
mod check;
pub mod fault;
pub mod machine;
pub mod placeholder;
pub mod schema;
mod shape;
pub mod step;
pub mod tree;

pub use document::ScriptDocument;
pub use fault::{ScriptFault, ScriptFaultKind};
pub use machine::{Action, Order, ScriptEnd, ScriptEvent, ScriptMachine};
pub use step::{Script, ScriptWorld, Speech};
