//! Names for short links: whether they point here, and are their tenant's.

mod check;
mod names;

pub use check::{run, work};
pub use names::Names;
