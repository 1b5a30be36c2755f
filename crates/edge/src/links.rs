//! Short links: the door that people come through, and the settings of the tenant's own name.

pub mod open;
pub mod settings;

pub use open::with_links;
