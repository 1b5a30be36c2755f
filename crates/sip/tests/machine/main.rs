//! The user agent by itself: a far end written line by line, a clock that goes where it is told, chance from a seed.

mod calling;
mod cancelling;
mod changing;
mod far;
mod incoming;
mod lossy;
mod names;
mod oversize;
mod trunks;
