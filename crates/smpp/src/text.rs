//! Text on the wire: alphabets, `data_coding`, parts of long messages, and putting parts together again.

mod coding;
mod gsm;
mod reassembly;
mod segment;
mod udh;

pub use coding::{Content, Encoded, GsmText, TextCoding};
pub use gsm::{decode_gsm, decode_gsm_packed, encode_gsm, septets};
pub use reassembly::{Added, Complete, Piece, Reassembler, ReassemblyLimits};
pub use segment::{LongMessage, SEGMENTS_MAX, SegmentError, SegmentedMessage, segment};
pub use udh::{Concatenation, UserDataHeader};
