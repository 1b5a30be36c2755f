//! Connectors: what a client instructed, pulls from their system, and results that go back to it.

mod connector;
mod connector_run;
mod export;
mod export_file;
mod export_run;
mod instruction;
mod run;

pub use connector::{ConnectorRecord, NewConnector};
pub use connector_run::{Preview, PreviewField, RunRecord};
pub use export::{ExportRecord, FILE_MARK, MadeExport, NewExport};
pub use export_file::{EXPORT_CHUNK_BYTES, ExportFileRecord, ExportTry, ExportVersion, ResultRow};
pub use export_run::{DueExport, ExportJob};
pub use instruction::{InstructionRecord, NewInstruction};
pub use run::{DueConnector, PullJob, RunOutcome, RunTold};
