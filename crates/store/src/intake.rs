//! Files as they arrive, what became of each line, and the fields that a tenant declared.

mod confirm;
mod declared_field;
mod file;
mod file_key;
mod import;
mod load;
mod place_row;
mod put;
mod reject;
mod sftp_account;
mod sftp_file;
mod sftp_key;
mod undo;
mod upload;
mod work;

pub use declared_field::{DECLARED_FIELDS_MAX, DeclaredField, NewDeclaredField};
pub use file::ImportFile;
pub use import::{ImportFormat, ImportProposal, ImportRecord, RepeatOf};
pub use put::{PUT_CONTACTS_MAX, PutResult};
pub use reject::{RejectCursor, RejectPage};
pub use load::{CHUNK_ROWS, ChunkResult, LoadChunk, SealedRow};
pub use sftp_account::{DAY_FILES_MAX, SftpAccount, SftpAccountDraft, SftpKey, SftpProof, SftpSignIn, WAITING_BYTES_MAX, new_sftp_password};
pub use sftp_file::{Begin, SettledFile, SftpFile};
pub use sftp_key::{KeyError, Network, NetworkError};
pub use undo::UndoCount;
pub(crate) use upload::{CHUNK_LABEL, remove_upload};
pub use upload::{IMPORT_BYTES_MAX, NewImport, Upload};
pub use work::{HeadOutcome, WaitingImport};
