//! Taking data out again, without anybody asking: the nightly retention sweep.

mod sweep;

pub use sweep::{run, sweep_tenants};
