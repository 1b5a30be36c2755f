//! What is held on a person and why, how long, and how it is taken out again.

mod erase;
mod erase_files;
mod erase_rows;
mod export;
mod export_html;
mod export_sections;
mod export_sound;
mod inventory;
mod ledger;
mod legal_hold;
mod retention;
mod rotate;
mod subject;
mod sweep;
mod sweep_contacts;
mod sweep_rows;

pub use erase::{Erasure, ErasureCount};
pub use export_html::subject_html;
pub use inventory::{INVENTORY, data_inventory_page};
pub use ledger::ledger_path;
pub use legal_hold::LegalHold;
pub use retention::RetentionRow;
pub use rotate::{OtherNodes, Rotation};
pub use subject::Subject;
pub use sweep::{SweepCount, SweepRecord};
pub(crate) use sweep::{Find, SWEEP_BATCH, Target};
