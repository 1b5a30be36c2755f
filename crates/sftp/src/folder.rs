//! What a folder shows, and how its files look.

use std::collections::{HashMap, HashSet};

use clarion_domain::id::SftpFileId;
use clarion_domain::intake::drop_path::{DropFolder, RESULT_END};
use clarion_domain::time::Instant;
use clarion_store::connectors::ExportFileRecord;
use clarion_store::intake::SftpFile;
use russh_sftp::protocol::{File, FileAttributes};

const FOLDER_MODE: u32 = 0o040_700;
/// Written and deleted, never read back.
const FILE_MODE: u32 = 0o100_200;
const RESULT_MODE: u32 = 0o100_400;

fn attributes(mode: u32, bytes: Option<u64>, at: Option<Instant>) -> FileAttributes {
    let seconds = at.and_then(|at| u32::try_from(at.ms() / 1000).ok());
    FileAttributes { size: bytes, uid: Some(0), gid: Some(0), user: Some("clarion".into()), group: Some("clarion".into()), permissions: Some(mode), atime: seconds, mtime: seconds }
}

pub(crate) fn folder() -> FileAttributes {
    attributes(FOLDER_MODE, Some(0), None)
}

pub(crate) fn file(file: &SftpFile) -> FileAttributes {
    attributes(FILE_MODE, u64::try_from(file.bytes).ok(), Some(file.at))
}

pub(crate) fn result(file: &SftpFile, bytes: u64) -> FileAttributes {
    attributes(RESULT_MODE, Some(bytes), Some(file.at))
}

/// Fetched, and neither written nor deleted.
pub(crate) fn export(file: &ExportFileRecord) -> FileAttributes {
    attributes(RESULT_MODE, u64::try_from(file.bytes).ok(), file.finished_at)
}

pub(crate) fn exports(files: &[ExportFileRecord]) -> Vec<File> {
    let mut entries: Vec<File> = [".", ".."].into_iter().map(|name| File::new(name, folder())).collect();
    entries.extend(files.iter().map(|file| File::new(file.name.as_str(), export(file))));
    entries
}

pub(crate) fn being_written(bytes: u64) -> FileAttributes {
    attributes(FILE_MODE, Some(bytes), None)
}

pub(crate) fn root() -> Vec<File> {
    let mut entries: Vec<File> = [".", ".."].into_iter().map(|name| File::new(name, folder())).collect();
    entries.extend(DropFolder::ALL.iter().map(|name| File::new(name.as_str(), folder())));
    entries
}

/// The newest of each name. A file that was loaded or refused stands there with its result beside it.
pub(crate) fn entries(which: DropFolder, files: &[SftpFile], lengths: &HashMap<SftpFileId, i64>) -> Vec<File> {
    let mut entries: Vec<File> = [".", ".."].into_iter().map(|name| File::new(name, folder())).collect();
    let mut seen = HashSet::new();
    for shown in files.iter().filter(|file| file.folder() == which) {
        if !seen.insert(shown.name.as_str()) {
            continue;
        }
        if !shown.file_removed {
            entries.push(File::new(shown.name.as_str(), file(shown)));
        }
        if which != DropFolder::Incoming && !shown.result_removed {
            entries.push(File::new(format!("{}{RESULT_END}", shown.name), result(shown, lengths.get(&shown.id).and_then(|bytes| u64::try_from(*bytes).ok()).unwrap_or(0))));
        }
    }
    entries
}
