//! A drop on a store of its own with one account, the worker that loads, and the clients' command lines.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::{Duration, Instant as Stopwatch};

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::export::{ExportFormat, ExportTarget};
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::times::Times;
use clarion_domain::id::{ExportId, ImportId, SftpAccountId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_engine::intake::FileLimits;
use clarion_sftp::{DropConfig, HostKey};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::connectors::{EXPORT_CHUNK_BYTES, NewExport, NewInstruction};
use clarion_store::db::{Db, Statement};
use clarion_store::intake::{NewImport, SftpAccountDraft, SftpFile};
use clarion_store::tenancy::NewTenant;
use clarion_store::{Store, Tenant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SETTLE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

/// Noon of 2026-11-23, and on from there.
pub fn now() -> Instant {
    static BEGUN: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::now);
    Instant(1_795_435_200_000).plus_ms(i64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(0))
}

/// A file of people with numbers reserved for drama.
pub fn people(numbers: RangeInclusive<u32>) -> String {
    let lines: String = numbers.map(|n| format!("07700900{n:03},Person {n},ref-{n}\n")).collect();
    format!("phone,name,ref\n{lines}")
}

fn verify(password: String, hash: Option<String>) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(async move { hash == Some(format!("plain {password}")) })
}

pub struct World {
    pub store: Store,
    pub tenant: Tenant,
    pub account: SftpAccountId,
    folder: tempfile::TempDir,
    port: u16,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What a client said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

async fn keygen(folder: &std::path::Path, name: &str, kind: &str) -> String {
    let path = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "somebody@machine", "-f"]).arg(&path).output().await.expect("ssh-keygen runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read_to_string(path.with_extension("pub")).expect("its public half")
}

/// Gives a client its commands, and leaves it to them.
pub async fn feed(client: &mut Child, commands: &str) {
    client.stdin.take().expect("piped").write_all(commands.as_bytes()).await.expect("written");
}

impl World {
    pub async fn open(draft: SftpAccountDraft) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
        db.migrate().await.expect("migrates");
        let store = Store::new(db, &folder.path().join("keyring"), 1).expect("a store");
        let new = NewTenant { slug: "north", name: "North", number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call 020 7946 0000." };
        let id = store.create_tenant(&new, now()).await.expect("a tenant");
        let tenant = store.tenant(id, Actor::Operator).await.expect("its handle");
        let account = tenant.create_sftp_account(&draft, now()).await.expect("an account");
        let key = keygen(folder.path(), "key", "ed25519").await;
        keygen(folder.path(), "stranger", "ed25519").await;
        tenant.add_sftp_key(account, &key, now()).await.expect("let in");
        tenant.set_sftp_password(account, Some("plain right and long"), now()).await.expect("a password");

        let host_key = HostKey::open_or_create(&folder.path().join("host-key")).expect("a host key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // OpenSSH reads the key that we wrote, and the clients hold us to it.
        let public = Command::new("ssh-keygen").args(["-y", "-f"]).arg(folder.path().join("host-key")).output().await.expect("ssh-keygen runs");
        std::fs::write(folder.path().join("known_hosts"), format!("[127.0.0.1]:{port} {}", String::from_utf8_lossy(&public.stdout))).expect("writes");
        let (stop, stopped) = watch::channel(false);
        let config = DropConfig { host_key, settle: SETTLE, clock: now, verify, refusal: Duration::from_millis(50) };
        let tasks = vec![
            tokio::spawn(clarion_sftp::run(listener, store.clone(), config, stopped)),
            tokio::spawn(clarion_engine::intake::run(store.clone(), FileLimits::default(), now)),
        ];
        Self { store, tenant, account, folder, port, stop, tasks }
    }

    /// Makes a pair and lets it in.
    pub async fn let_in(&self, name: &str, kind: &str) {
        let key = keygen(self.folder.path(), name, kind).await;
        self.tenant.add_sftp_key(self.account, &key, now()).await.expect("let in");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("writes");
    }

    fn options(&self, key: &str) -> Vec<String> {
        let hosts = self.path("known_hosts");
        ["StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "GlobalKnownHostsFile=/dev/null", &format!("UserKnownHostsFile={}", hosts.display()), &format!("IdentityFile={}", self.path(key).display())]
            .into_iter()
            .flat_map(|option| ["-o".to_owned(), option.to_owned()])
            .collect()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub fn sftp_with_key(&self, key: &str, user: &str) -> Command {
        let mut command = self.command("sftp");
        command.args(["-F", "/dev/null", "-b", "-", "-P", &self.port.to_string(), "-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey"]).args(self.options(key));
        command.arg(format!("{user}@127.0.0.1"));
        command
    }

    pub fn sftp_command(&self, more: &[&str]) -> Command {
        let mut command = self.command("sftp");
        command.args(["-F", "/dev/null", "-b", "-", "-P", &self.port.to_string(), "-o", "BatchMode=yes"]).args(more).args(self.options("key")).arg("drop@127.0.0.1");
        command
    }

    pub async fn run(&self, mut command: Command, commands: &str) -> Said {
        let mut client = command.spawn().expect("the client starts: install openssh-client and lftp");
        feed(&mut client, commands).await;
        let done = tokio::time::timeout(PATIENCE, client.wait_with_output()).await.expect("the client ends").expect("its output");
        // A batch repeats its commands: what is told of a file is only what came from the server.
        let out = String::from_utf8_lossy(&done.stdout).lines().filter(|line| !line.starts_with("sftp> ")).map(|line| format!("{line}\n")).collect();
        Said { ok: done.status.success(), out, err: String::from_utf8_lossy(&done.stderr).into_owned() }
    }

    pub async fn sftp(&self, commands: &str) -> Said {
        self.run(self.sftp_with_key("key", "drop"), commands).await
    }

    pub async fn ssh(&self, remote: &[&str]) -> Said {
        let mut command = self.command("ssh");
        command.args(["-F", "/dev/null", "-p", &self.port.to_string(), "-o", "BatchMode=yes"]).args(self.options("key")).arg("drop@127.0.0.1").args(remote);
        self.run(command, "").await
    }

    pub async fn with_password(&self, password: &str, commands: &str) -> Said {
        let asked = self.path("askpass");
        std::fs::write(&asked, format!("#!/bin/sh\necho '{password}'\n")).expect("writes");
        std::fs::set_permissions(&asked, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("chmod");
        let mut command = self.command("sftp");
        // A batch would ask nobody: the commands come as from a person.
        command.args(["-F", "/dev/null", "-P", &self.port.to_string(), "-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]);
        command.args(self.options("key")).arg("drop@127.0.0.1").env("SSH_ASKPASS", asked).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
        self.run(command, commands).await
    }

    pub async fn lftp(&self, commands: &str) -> Said {
        let program = format!("ssh -a -x -F /dev/null -o BatchMode=yes {}", self.options("key").join(" "));
        let mut command = self.command("lftp");
        let settings = format!("set sftp:connect-program \"{program}\"; set net:max-retries 1; set cmd:fail-exit yes; open -u drop,x -p {} sftp://127.0.0.1; {commands}", self.port);
        command.args(["--norc", "-c", &settings]);
        self.run(command, "").await
    }

    /// PuTTY's client: WinSCP speaks by the same code.
    pub async fn psftp(&self, commands: &str) -> Said {
        let private = self.path("key.ppk");
        let made = self.command("puttygen").arg(self.path("key")).args(["-O", "private", "-o"]).arg(&private).output().await.expect("puttygen runs: install putty-tools");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let shown = self.command("ssh-keygen").args(["-l", "-f"]).arg(self.path("known_hosts")).output().await.expect("ssh-keygen runs");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let host_key = shown.split_whitespace().find(|word| word.starts_with("SHA256:")).expect("a fingerprint");
        let mut command = self.command("psftp");
        command.args(["-batch", "-P", &self.port.to_string(), "-hostkey", host_key, "-i"]).arg(private).args(["-b", "/dev/stdin", "-bc", "drop@127.0.0.1"]);
        self.run(command, commands).await
    }

    pub async fn files(&self) -> Vec<SftpFile> {
        self.tenant.sftp_files(self.account).await.expect("the files")
    }

    pub async fn only_file(&self) -> SftpFile {
        let mut files = self.files().await;
        assert_eq!(files.len(), 1);
        files.remove(0)
    }

    pub async fn chunks(&self) -> i64 {
        static COUNT: Statement = Statement { text: "SELECT COUNT(*) FROM import_chunk c JOIN import i ON i.id = c.import_id WHERE i.state = 'receiving'", postgres: "" };
        let mut rows = self.store.db().query(&COUNT, &Vec::new()).await.expect("counts");
        rows[0].take(0).expect("a count")
    }

    pub async fn until(&self, holds: impl AsyncFn() -> bool) {
        let begun = Stopwatch::now();
        while !holds().await {
            assert!(begun.elapsed() < PATIENCE, "it does not come to be: {:?}", self.files().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn file_in_state(&self, name: &str, state: ImportState) -> SftpFile {
        self.until(async || self.files().await.iter().any(|file| file.name == name && file.state == state)).await;
        self.files().await.into_iter().find(|file| file.name == name && file.state == state).expect("just seen")
    }

    /// Long enough for whatever would be taken to have been: a file of another account's that came later was.
    pub async fn settled_twice(&self) {
        let marker = self.tenant.create_sftp_account(&SftpAccountDraft::new(&format!("marker{}", now().ms())), now()).await.expect("an account");
        let theirs = self.store.tenant(self.tenant.id(), Actor::Sftp(marker)).await.expect("its handle");
        let (id, mut upload) = theirs.open_sftp_file(marker, "marker.csv", clarion_store::intake::Begin::Anew, now()).await.expect("opens");
        upload.write(format!("marker\n{}\n", now().ms()).as_bytes()).await.expect("written");
        theirs.close_sftp_file(id, upload, true, now()).await.expect("closed");
        self.until(async || !theirs.sftp_files(marker).await.expect("its files")[0].under_way()).await;
        // The worker has seen both, too.
        self.until(async || theirs.sftp_files(marker).await.expect("its files")[0].state != ImportState::Received).await;
    }

    /// Somebody said yes to `people`'s columns before.
    pub async fn knows_the_header(&self) {
        let mut upload = self.tenant.begin_import(&NewImport::new(ImportSource::Portal, "known.csv"), now()).await.expect("begins");
        upload.write(people(990..=991).as_bytes()).await.expect("written");
        let (import, _) = upload.finish(now()).await.expect("whole");
        self.until(async || self.tenant.import(import).await.expect("the import").state == ImportState::AwaitingMapping).await;
        self.confirm(import).await;
        self.until(async || self.tenant.import(import).await.expect("the import").state == ImportState::Loaded).await;
    }

    /// The proposed columns are right.
    pub async fn confirm(&self, import: ImportId) {
        let proposal = self.tenant.import(import).await.expect("the import").proposal.expect("a head");
        self.tenant.confirm_mapping(import, &proposal.mapping, None, now()).await.expect("confirmed");
    }

    /// A file of results in the account's `out/`, written as the engine writes one; gives its name.
    pub async fn lay_out(&self, text: &str) -> String {
        static CAMPAIGN: Statement = Statement { text: "UPDATE campaign SET started_at = 1 WHERE id = $1", postgres: "" };
        let instruction = NewInstruction {
            kind: InstructionKind::Export,
            reference: "NW-7".into(),
            fields: vec!["outcome".into(), "reference".into()],
            purpose: "Results for the booking system".into(),
            legal_basis: LegalBasis::Contract,
            agreed_by: "Grace Hopper".into(),
            valid_from: Instant(0),
            valid_until: now().plus_ms(1_000_000_000),
        };
        let instruction = self.tenant.record_instruction(&instruction, now()).await.expect("an instruction");
        let export = NewExport { name: "Results".into(), instruction, campaign: None, at_end: false, after_minutes: 0, times: Times::ByHand, format: ExportFormat::Csv, target: ExportTarget::Sftp, account: Some(self.account), url: String::new() };
        let export = self.tenant.create_export(&export, now()).await.expect("an export").id;
        let campaign = self.tenant.create_campaign(&CampaignDraft::new("November"), now()).await.expect("a campaign");
        self.store.db().execute(&CAMPAIGN, &clarion_store::params![campaign]).await.expect("began");
        self.tenant.export_now(export, campaign, now()).await.expect("asked for");
        self.write_out(export, text).await
    }

    /// The client agrees to fewer fields: the only export's file in `out/` is written anew.
    pub async fn write_out_anew(&self, text: &str) -> String {
        let held = self.tenant.instructions().await.expect("instructions").remove(0);
        let narrower = NewInstruction { fields: vec!["outcome".into()], ..held.new };
        self.tenant.replace_instruction(held.id, &narrower, now()).await.expect("replaced");
        let export = self.tenant.exports().await.expect("exports")[0].id;
        self.write_out(export, text).await
    }

    async fn write_out(&self, export: ExportId, text: &str) -> String {
        let lease = self.store.take_lease("export", now()).await.expect("asked").expect("free");
        let job = self.tenant.begin_export(export, &lease, now()).await.expect("begun").expect("waits");
        let key = self.tenant.begin_export_file(job.file, &lease, now()).await.expect("a key");
        for (position, chunk) in text.as_bytes().chunks(EXPORT_CHUNK_BYTES).enumerate() {
            self.tenant.append_export_chunk(job.file, &key, position as i64, chunk, &lease, now()).await.expect("written");
        }
        self.tenant.export_written(&job, text.lines().count() as i64, text.len() as i64, &lease, now()).await.expect("whole");
        self.store.give_back_lease(&lease).await.expect("given back");
        job.name
    }

    /// The client takes its instruction back.
    pub async fn revoke(&self) {
        let id = self.tenant.instructions().await.expect("instructions")[0].id;
        self.tenant.revoke_instruction(id, "the contract ended", now()).await.expect("revoked");
    }

    pub async fn acts_on(&self, kind: &str) -> Vec<Act> {
        static ACTS: Statement = Statement { text: "SELECT act FROM audit_event WHERE object_kind = $1 ORDER BY id", postgres: "" };
        let rows = self.store.db().query(&ACTS, &clarion_store::params![kind]).await.expect("reads");
        rows.into_iter().map(|mut row| row.take::<String>(0).expect("an act").parse().expect("a known one")).collect()
    }

    /// What was done to the account or by it, from the audit log.
    pub async fn acts(&self) -> Vec<Act> {
        static ACTS: Statement = Statement { text: "SELECT act FROM audit_event WHERE object_kind = 'sftp_account' ORDER BY id", postgres: "" };
        let rows = self.store.db().query(&ACTS, &Vec::new()).await.expect("reads");
        rows.into_iter().map(|mut row| row.take::<String>(0).expect("an act").parse().expect("a known one")).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
