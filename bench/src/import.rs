//! A million rows through intake, against the bare cost of parsing the same file and inserting its rows.

use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_engine::intake::FileLimits;
use clarion_store::Store;
use clarion_store::db::Db;
use clarion_store::intake::NewImport;
use clarion_store::tenancy::NewTenant;
use tokio::io::AsyncReadExt;

use crate::import_bare::{self, Shape};
use crate::import_memory::Peak;
use crate::process::cpu_time;

/// Numbers that differ, in the one block of mobile numbers that the file is made of.
pub const ROWS_MAX: usize = 1_000_000;
const READ_BYTES: usize = 256 * 1024;

/// One way of getting the rows in.
pub struct Load {
    pub rows: usize,
    pub took: Duration,
    pub cpu: Duration,
}

impl Load {
    fn print(&self, name: &str) {
        let rate = self.rows as f64 / self.took.as_secs_f64();
        let cpu = self.cpu.as_micros() as f64 / self.rows as f64;
        println!("{name:44} {:>6.1} s {rate:>9.0} rows a second {cpu:>6.1} µs of CPU a row", self.took.as_secs_f64());
    }
}

fn clock() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    Instant(1_795_435_200_000).plus_ms(START.get_or_init(std::time::Instant::now).elapsed().as_millis() as i64)
}

/// Runs `work` and takes its time.
pub fn timed<T>(rows: usize, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Load> {
    let (begun, cpu) = (std::time::Instant::now(), cpu_time(std::process::id()));
    work()?;
    Ok(Load { rows, took: begun.elapsed(), cpu: cpu_time(std::process::id()).saturating_sub(cpu) })
}

/// Every row with a number of its own, in no order. The ranges reserved for drama hold too few, so these look real: they
/// are made here, stay in a temporary folder, and nothing that could contact them is running.
fn write_file(path: &Path, rows: usize) -> anyhow::Result<()> {
    write_block(path, 0, rows)
}

/// The same from the `block`th million numbers.
pub fn write_block(path: &Path, block: usize, rows: usize) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "phone,first name,last name,reference")?;
    for row in 0..rows {
        let line = (row * 611_953 + 7) % ROWS_MAX;
        writeln!(file, "074{block:02} {line:06},Ada{},Byron{},REF-{}", row % 997, row % 3_571, block * ROWS_MAX + row)?;
    }
    Ok(file.flush()?)
}

/// The file through Clarion: received, sealed, read, checked whole, normalised, sealed a person, indexed, put on a list.
async fn load(file: &Path, folder: &Path, rows: usize) -> anyhow::Result<()> {
    let db = Db::open_sqlite(&folder.join("clarion.db")).await?;
    db.migrate().await?;
    let store = Store::new(db, &folder.join("keyring"), 1)?;
    let new = NewTenant { slug: "bench", name: "Bench", number_mode: NumberMode::Production, default_region: "GB", zone: "Europe/London", help_text: "" };
    let id = store.create_tenant(&new, clock()).await?;
    let tenant = store.tenant(id, Actor::Operator).await?;
    let list = tenant.create_list("Everybody", clock()).await?;
    let new = NewImport { list: Some(list), auto_start: true, ..NewImport::new(ImportSource::Command, "people.csv") };
    let mut upload = tenant.begin_import(&new, clock()).await?;
    let (mut file, mut buffer) = (tokio::fs::File::open(file).await?, vec![0; READ_BYTES]);
    loop {
        match file.read(&mut buffer).await? {
            0 => break,
            read => upload.write(&buffer[..read]).await?,
        }
    }
    let (import, _) = upload.finish(clock()).await?;
    while clarion_engine::intake::work(&store, FileLimits::default(), clock).await? > 0 {}
    let record = tenant.import(import).await?;
    anyhow::ensure!(record.state == ImportState::Loaded && record.rows_loaded == rows as i64, "{} of {rows} rows were loaded: {}", record.rows_loaded, record.error);
    Ok(())
}

pub async fn run(rows: usize) -> anyhow::Result<()> {
    anyhow::ensure!((1..=ROWS_MAX).contains(&rows), "between 1 and {ROWS_MAX} rows");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("people.csv");
    write_file(&file, rows)?;
    println!("{rows} rows, {:.1} MB", std::fs::metadata(&file)?.len() as f64 / 1e6);

    // Clarion first: the peak is then its own.
    let peak = Peak::watch();
    let runtime = tokio::runtime::Handle::current();
    let ours = tokio::task::block_in_place(|| timed(rows, || runtime.block_on(load(&file, folder.path(), rows))))?;
    let peak = peak.end();
    ours.print("Clarion, end to end, encryption on");
    println!("{:44} {:>6.0} MB of its own at its peak", "", peak as f64 / 1e6);

    let (mut of_same, mut of_one) = (0.0, 0.0);
    for (shape, name, ratio) in [
        (Shape::SameTables, "bare: the same rows in the same tables", &mut of_same),
        (Shape::OneTable, "bare: plain text in one table, one index", &mut of_one),
    ] {
        let bare = tokio::task::block_in_place(|| timed(rows, || import_bare::load(&file, &folder.path().join(name.replace([':', ',', ' '], "-")), shape)))?;
        bare.print(name);
        *ratio = ours.took.as_secs_f64() / bare.took.as_secs_f64();
    }
    println!("\nClarion takes {of_same:.2} times as long as parsing the file and inserting the same rows bare, {of_one:.2} times one plain table.");
    Ok(())
}
