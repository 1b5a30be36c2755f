//! Purpose + audience + content + schedule + limits.

pub mod campaign;
