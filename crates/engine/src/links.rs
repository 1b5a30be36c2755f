//! Names for short links: whether they point here.

mod check;

pub use check::{run, work};
