//! One SFTP session (version 3), on folders that are rows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use clarion_domain::id::SftpAccountId;
use clarion_domain::intake::drop_path::{DropFolder, DropPath, RESULT_END, result_of};
use clarion_domain::time::Instant;
use clarion_store::connectors::{EXPORT_CHUNK_BYTES, ExportFileRecord};
use clarion_store::intake::{Begin, SftpFile};
use clarion_store::{StoreError, Tenant};
use russh_sftp::protocol::{Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Status, StatusCode, Version};
use russh_sftp::server::{Handler, StatusReply};

use crate::writing::{InOrder, OrderError, Writing};
use crate::{folder, result};

const HANDLES_MAX: usize = 32;
const READ_BYTES_MAX: usize = 64 * 1024;
/// Entries in one answer: a packet of a few kilobytes.
const ENTRIES_AT_ONCE: usize = 64;

/// What a handle stands for.
enum Open {
    Folder(std::vec::IntoIter<File>),
    Result(Vec<u8>),
    Export(Box<Export>),
    Writing(Box<Writing>),
}

/// A file of results that is being fetched, with the chunk in hand.
struct Export {
    file: ExportFileRecord,
    chunk: Option<(i64, Vec<u8>)>,
    fetched: bool,
}

impl Export {
    async fn read(&mut self, tenant: &Tenant, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        let (position, at) = ((offset / EXPORT_CHUNK_BYTES as u64) as i64, (offset % EXPORT_CHUNK_BYTES as u64) as usize);
        if self.chunk.as_ref().is_none_or(|(held, _)| *held != position) {
            self.chunk = tenant.read_export_chunk(self.file.version(), position).await?.map(|chunk| (position, chunk));
        }
        let chunk = self.chunk.as_ref().map_or(&[][..], |(_, chunk)| chunk);
        let data = chunk.get(at..chunk.len().min(at.saturating_add(len))).unwrap_or_default();
        // Before its end there is always something, or it is not this file any more: an end would be taken for the whole.
        if data.is_empty() && len > 0 && offset < u64::try_from(self.file.bytes).unwrap_or(0) {
            return Err(StoreError::Conflict("this file can no longer be fetched as it was opened: look again, and fetch it from its beginning".into()));
        }
        Ok(data.to_vec())
    }
}

pub(crate) struct SftpSession {
    tenant: Tenant,
    account: SftpAccountId,
    clock: fn() -> Instant,
    open: HashMap<String, Open>,
    handles: u64,
}

fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Ok".into(), language_tag: "en".into() }
}

fn denied(why: &str) -> StatusReply {
    StatusCode::PermissionDenied.with_message(why)
}

fn failed(error: &StoreError) -> StatusReply {
    match error {
        StoreError::NotFound(_) => StatusCode::NoSuchFile.into(),
        StoreError::Invalid(text) | StoreError::Conflict(text) => StatusCode::Failure.with_message(text.as_str()),
        error => {
            tracing::warn!(%error, "an SFTP request failed");
            StatusCode::Failure.with_message("the server could not do this: try again later")
        }
    }
}

fn placed(path: &str) -> Result<DropPath, StatusReply> {
    DropPath::parse(path).map_err(|error| StatusCode::NoSuchFile.with_message(error.to_string()))
}

fn incoming(path: &str) -> Result<String, StatusReply> {
    match placed(path)? {
        DropPath::File(DropFolder::Incoming, name) if result_of(&name).is_some() => Err(denied(&format!("names that end in {RESULT_END} are kept for results"))),
        DropPath::File(DropFolder::Incoming, name) => Ok(name),
        _ => Err(denied("files are put into incoming/ and nowhere else")),
    }
}

/// A file, or the result beside it.
enum Found {
    File(SftpFile),
    Result(SftpFile),
    Export(ExportFileRecord),
}

impl SftpSession {
    pub fn new(tenant: Tenant, account: SftpAccountId, clock: fn() -> Instant) -> Self {
        Self { tenant, account, clock, open: HashMap::new(), handles: 0 }
    }

    fn keep(&mut self, id: u32, open: Open) -> Result<Handle, StatusReply> {
        if self.open.len() >= HANDLES_MAX {
            return Err(StatusCode::Failure.with_message("too many files are open: close some first"));
        }
        self.handles += 1;
        let handle = self.handles.to_string();
        self.open.insert(handle.clone(), open);
        Ok(Handle { id, handle })
    }

    /// What stands beside a file: kept as it was first shown.
    async fn result_of(&self, file: &SftpFile) -> Result<String, StatusReply> {
        if let Some(held) = self.tenant.sftp_result(file).await.map_err(|error| failed(&error))? {
            return Ok(held);
        }
        let text = result::text(&self.tenant, file).await.map_err(|error| failed(&error))?;
        self.tenant.keep_sftp_result(file, &text).await.map_err(|error| failed(&error))?;
        // Of two sessions that looked at once, both show what was kept.
        Ok(self.tenant.sftp_result(file).await.map_err(|error| failed(&error))?.unwrap_or(text))
    }

    /// With the lengths of all results, those written first that nobody has seen yet.
    async fn folder(&self, which: DropFolder) -> Result<Vec<File>, StatusReply> {
        if which == DropFolder::Out {
            return Ok(folder::exports(&self.tenant.files_for_account(self.account, "").await.map_err(|error| failed(&error))?));
        }
        let files = self.tenant.sftp_files(self.account).await.map_err(|error| failed(&error))?;
        let mut lengths = self.tenant.sftp_result_lengths(self.account).await.map_err(|error| failed(&error))?;
        for file in files.iter().filter(|file| which != DropFolder::Incoming && file.folder() == which && !file.result_removed) {
            if let Entry::Vacant(unknown) = lengths.entry(file.id) {
                unknown.insert(self.result_of(file).await?.len() as i64);
            }
        }
        Ok(folder::entries(which, &files, &lengths))
    }

    async fn find(&self, which: DropFolder, name: &str) -> Result<Found, StatusReply> {
        if which == DropFolder::Out {
            let file = self.tenant.files_for_account(self.account, name).await.map_err(|error| failed(&error))?.into_iter().next();
            return file.map(Found::Export).ok_or(StatusReply::from(StatusCode::NoSuchFile));
        }
        let result = result_of(name).filter(|_| which != DropFolder::Incoming);
        let files = self.tenant.sftp_files_named(self.account, result.unwrap_or(name)).await.map_err(|error| failed(&error))?;
        let there = |file: &SftpFile| file.folder() == which && !(if result.is_some() { file.result_removed } else { file.file_removed });
        // Of one name, that under way stands before one that waits.
        let file = files.iter().find(|file| there(file) && file.under_way()).or(files.iter().find(|file| there(file))).cloned();
        let file = file.ok_or(StatusReply::from(StatusCode::NoSuchFile))?;
        Ok(if result.is_some() { Found::Result(file) } else { Found::File(file) })
    }

    async fn attributes(&self, path: &str) -> Result<FileAttributes, StatusReply> {
        let DropPath::File(which, name) = placed(path)? else { return Ok(folder::folder()) };
        // One that is open here is longer than what was written down of it.
        let written = self.open.values().find_map(|open| match open {
            Open::Writing(writing) if which == DropFolder::Incoming && writing.name == name => Some(writing.end()),
            _ => None,
        });
        if let Some(bytes) = written {
            return Ok(folder::being_written(bytes));
        }
        match self.find(which, &name).await? {
            Found::File(file) => Ok(folder::file(&file)),
            Found::Result(file) => Ok(folder::result(&file, self.result_of(&file).await?.len() as u64)),
            Found::Export(file) => Ok(folder::export(&file)),
        }
    }

    async fn open_to_write(&mut self, id: u32, path: &str, flags: OpenFlags) -> Result<Handle, StatusReply> {
        let name = incoming(path)?;
        if self.open.len() >= HANDLES_MAX {
            return Err(StatusCode::Failure.with_message("too many files are open: close some first"));
        }
        let there = self.tenant.sftp_files_named(self.account, &name).await.map_err(|error| failed(&error))?.iter().any(SftpFile::under_way);
        if there && flags.contains(OpenFlags::EXCLUDE) {
            return Err(StatusCode::Failure.with_message("a file of this name is there already"));
        }
        if !there && !flags.contains(OpenFlags::CREATE) {
            return Err(StatusCode::NoSuchFile.into());
        }
        let begin = if there && !flags.contains(OpenFlags::TRUNCATE) { Begin::GoOn } else { Begin::Anew };
        let (file, upload) = self.tenant.open_sftp_file(self.account, &name, begin, (self.clock)()).await.map_err(|error| failed(&error))?;
        let writing = Writing { id: file, name, upload, order: InOrder::default(), appends: flags.contains(OpenFlags::APPEND), goes_on: begin == Begin::GoOn, failed: false };
        self.keep(id, Open::Writing(Box::new(writing)))
    }

    async fn write_to(&mut self, handle: &str, offset: u64, data: Vec<u8>) -> Result<(), StatusReply> {
        let now = (self.clock)();
        let Some(Open::Writing(writing)) = self.open.get_mut(handle) else { return Err(StatusCode::Failure.with_message("this is not open for writing")) };
        if writing.failed {
            return Err(StatusCode::Failure.with_message("an earlier write failed: send the file again"));
        }
        if writing.goes_on && offset == 0 && !writing.appends && writing.end() > 0 {
            let (id, upload) = self.tenant.open_sftp_file(self.account, &writing.name, Begin::Anew, now).await.map_err(|error| failed(&error))?;
            (writing.id, writing.upload) = (id, upload);
        }
        writing.goes_on = false;
        let end = writing.end();
        let ready = writing.order.take(end, if writing.appends { end } else { offset }, data).map_err(|error: OrderError| StatusCode::Failure.with_message(error.to_string()));
        let done = match ready {
            Ok(ready) => writing.append(ready).await.map_err(|error| failed(&error)),
            Err(reply) => Err(reply),
        };
        writing.failed = done.is_err();
        done
    }
}

impl Handler for SftpSession {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusReply> {
        Ok(Version::new())
    }

    async fn open(&mut self, id: u32, path: String, flags: OpenFlags, _: FileAttributes) -> Result<Handle, StatusReply> {
        if flags.intersects(OpenFlags::WRITE | OpenFlags::APPEND | OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            return self.open_to_write(id, &path, flags).await;
        }
        let DropPath::File(which, name) = placed(&path)? else { return Err(StatusCode::Failure.with_message("this is a folder")) };
        match self.find(which, &name).await? {
            Found::File(_) => Err(denied("files that were sent cannot be read back; their results can")),
            Found::Result(file) => {
                let text = self.result_of(&file).await?.into_bytes();
                self.keep(id, Open::Result(text))
            }
            Found::Export(file) => self.keep(id, Open::Export(Box::new(Export { file, chunk: None, fetched: false }))),
        }
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusReply> {
        match self.open.remove(&handle) {
            None => Err(StatusCode::Failure.with_message("no such handle")),
            Some(Open::Folder(_) | Open::Result(_) | Open::Export(_)) => Ok(ok(id)),
            Some(Open::Writing(writing)) => {
                let whole = !writing.failed && !writing.order.has_gap();
                self.tenant.close_sftp_file(writing.id, writing.upload, whole, (self.clock)()).await.map_err(|error| failed(&error))?;
                if whole { Ok(ok(id)) } else { Err(StatusCode::Failure.with_message("the file did not arrive whole: nothing of it is loaded; send it again")) }
            }
        }
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Result<Data, StatusReply> {
        if let Some(Open::Export(export)) = self.open.get_mut(&handle) {
            let data = export.read(&self.tenant, offset, (len as usize).min(READ_BYTES_MAX)).await.map_err(|error| failed(&error))?;
            let end = offset.saturating_add(data.len() as u64) >= u64::try_from(export.file.bytes).unwrap_or(0);
            if end && !export.fetched {
                export.fetched = true;
                self.tenant.export_fetched(&export.file, (self.clock)()).await.map_err(|error| failed(&error))?;
            }
            return if data.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Data { id, data }) };
        }
        let Some(Open::Result(text)) = self.open.get(&handle) else { return Err(denied("this is not open for reading")) };
        let from = usize::try_from(offset).ok().filter(|from| *from < text.len()).ok_or(StatusReply::from(StatusCode::Eof))?;
        let to = text.len().min(from.saturating_add((len as usize).min(READ_BYTES_MAX)));
        Ok(Data { id, data: text[from..to].to_vec() })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status, StatusReply> {
        self.write_to(&handle, offset, data).await.map(|()| ok(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        Ok(Attrs { id, attrs: self.attributes(&path).await? })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        Ok(Attrs { id, attrs: self.attributes(&path).await? })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusReply> {
        let attrs = match self.open.get(&handle) {
            None => return Err(StatusCode::Failure.with_message("no such handle")),
            Some(Open::Folder(_)) => folder::folder(),
            Some(Open::Result(text)) => FileAttributes { size: Some(text.len() as u64), ..FileAttributes::empty() },
            Some(Open::Export(export)) => folder::export(&export.file),
            Some(Open::Writing(writing)) => folder::being_written(writing.end()),
        };
        Ok(Attrs { id, attrs })
    }

    /// Times and permissions are not kept: clients set them after every transfer, and take a no for a failed one.
    async fn setstat(&mut self, id: u32, path: String, wanted: FileAttributes) -> Result<Status, StatusReply> {
        let now = self.attributes(&path).await?;
        if wanted.size.is_some_and(|size| now.size != Some(size)) { Err(self.unimplemented()) } else { Ok(ok(id)) }
    }

    async fn fsetstat(&mut self, id: u32, handle: String, wanted: FileAttributes) -> Result<Status, StatusReply> {
        match self.open.get(&handle) {
            Some(Open::Writing(writing)) if wanted.size.is_none_or(|size| size == writing.end()) => Ok(ok(id)),
            Some(_) if wanted.size.is_none() => Ok(ok(id)),
            Some(_) => Err(self.unimplemented()),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusReply> {
        let entries = match placed(&path)? {
            DropPath::Root => folder::root(),
            DropPath::Folder(which) => self.folder(which).await?,
            DropPath::File(..) => return Err(StatusCode::NoSuchFile.with_message("this is no folder")),
        };
        self.keep(id, Open::Folder(entries.into_iter()))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusReply> {
        let Some(Open::Folder(entries)) = self.open.get_mut(&handle) else { return Err(StatusCode::Failure.with_message("no such handle")) };
        let files: Vec<File> = entries.take(ENTRIES_AT_ONCE).collect();
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, StatusReply> {
        let DropPath::File(which, name) = placed(&path)? else { return Err(denied("the folders stay")) };
        let removed = match self.find(which, &name).await? {
            Found::File(file) => self.tenant.remove_sftp_file(&file, (self.clock)()).await,
            Found::Result(file) => self.tenant.remove_sftp_result(&file).await,
            Found::Export(_) => return Err(denied("files in out/ can be fetched only: each goes by itself when its time has passed")),
        };
        removed.map(|()| ok(id)).map_err(|error| failed(&error))
    }

    async fn mkdir(&mut self, _: u32, path: String, _: FileAttributes) -> Result<Status, StatusReply> {
        match placed(&path) {
            Ok(DropPath::Root | DropPath::Folder(_)) => Err(StatusCode::Failure.with_message("this folder is there already")),
            _ => Err(denied("there are no other folders")),
        }
    }

    async fn rmdir(&mut self, _: u32, _: String) -> Result<Status, StatusReply> {
        Err(denied("the folders stay"))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        Ok(Name { id, files: vec![File::dummy(placed(&path)?.to_string())] })
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Result<Status, StatusReply> {
        let (from, to) = (incoming(&from)?, incoming(&to)?);
        self.tenant.rename_sftp_file(self.account, &from, &to, (self.clock)()).await.map(|()| ok(id)).map_err(|error| failed(&error))
    }
}

impl Drop for SftpSession {
    /// The client is gone: what it was sending stays as it came, to be gone on with, and is not taken for whole.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        for (_, open) in self.open.drain() {
            let Open::Writing(writing) = open else { continue };
            let (tenant, now) = (self.tenant.clone(), (self.clock)());
            runtime.spawn(async move {
                if let Err(error) = tenant.close_sftp_file(writing.id, writing.upload, false, now).await {
                    tracing::debug!(%error, "a cut upload could not be kept");
                }
            });
        }
    }
}
