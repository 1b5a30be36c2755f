//! Files as they arrive, what became of each line, and the fields that a tenant declared.

mod confirm;
mod declared_field;
mod file;
mod import;
mod load;
mod place_row;
mod reject;
mod upload;
mod work;

pub use declared_field::{DECLARED_FIELDS_MAX, DeclaredField, NewDeclaredField};
pub use file::ImportFile;
pub use import::{ImportFormat, ImportProposal, ImportRecord, RepeatOf};
pub use reject::{RejectCursor, RejectPage};
pub use load::{CHUNK_ROWS, ChunkResult, LoadChunk, SealedRow};
pub(crate) use upload::CHUNK_LABEL;
pub use upload::{IMPORT_BYTES_MAX, NewImport, Upload};
pub use work::{HeadOutcome, WaitingImport};
