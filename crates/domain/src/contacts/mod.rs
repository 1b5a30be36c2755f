//! People as a tenant knows them, and the numbers by which they are reached.

mod nanp;
mod written;

pub mod address;
pub mod e164;
pub mod filter;
pub mod list;
pub mod region;
pub mod test_range;
pub mod zone;

pub use written::PHONE_LENGTH_CHARS_MAX;
