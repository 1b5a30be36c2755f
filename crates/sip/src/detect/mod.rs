//! Who answered: told from 20 ms of audio at a time, without clock or chance, each verdict with what it rests on.
//!
//! Tones (fax, network announcement, busy, beep) are told apart in the spectrum and pre-empt; people and machines are told
//! by when and how long they speak. Silence never means machine, and listening goes on after the first verdict.

mod detector;
mod score;
mod spectrum;
mod timing;
mod tones;
mod trees;
mod verdict;
mod voice;

pub use detector::{DetectConfig, Detector};
pub use score::{INPUTS, Tree, inputs};
pub use verdict::{Answer, Evidence, Features, Verdict};

/// Raised with every change by which a verdict may come out otherwise: what was measured of another version says nothing of this one.
pub const DETECTOR_VERSION: u32 = 3;

#[cfg(test)]
mod tests;
