//! A pretend carrier and pretend people. Only the demo, the tests and the benchmarks use them; nothing here
//! proves the protocol, since both ends are ours.

mod carrier;
mod fate;
mod people;
pub mod ports;
mod reply;
mod tally;
pub mod voice;

pub use carrier::{Carrier, CarrierConfig, Limits};
pub use fate::{Fate, Mix};
pub use people::{BAD_ROWS, Person, people, sample_csv};
pub use reply::reply_of;
pub use tally::{Tally, text_hash};
