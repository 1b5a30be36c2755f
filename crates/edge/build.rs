//! Bundles the portal's script and style with esbuild, and writes `assets.rs`, which holds them; and gathers the passwords that nobody may have.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const NODE_MAJOR_MIN: u32 = 20;

fn main() {
    let web = PathBuf::from("web");
    for path in ["build.rs", "web/src", "web/package-lock.json"] {
        println!("cargo::rerun-if-changed={path}");
    }
    need_node();
    install(&web);
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("assets");
    let _absent_at_first = fs::remove_dir_all(&out);
    run(Command::new("node")
        .current_dir(&web)
        .args(["node_modules/esbuild/bin/esbuild", "src/portal.ts", "src/portal.css", "--bundle", "--minify", "--target=es2022"])
        .args(["--entry-names=[name]-[hash]", "--log-level=warning"])
        .arg(format!("--outdir={}", out.display())));
    fs::write(out.join("assets.rs"), constants(&out)).expect("OUT_DIR can be written");
    fs::write(out.with_file_name("stolen-passwords.txt"), stolen_passwords(&web)).expect("OUT_DIR can be written");
}

fn need_node() {
    let version = Command::new("node").arg("--version").output().ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let major = version.as_deref().and_then(|text| text.strip_prefix('v')?.split('.').next()?.parse::<u32>().ok());
    assert!(
        major.is_some_and(|major| major >= NODE_MAJOR_MIN),
        "the portal's script is bundled with Node.js {NODE_MAJOR_MIN} or newer, and {} was found: install the packages nodejs and npm",
        version.filter(|text| !text.is_empty()).unwrap_or_else(|| "none".into())
    );
}

/// Two builds into different target folders share `node_modules`: one at a time.
fn install(web: &Path) {
    let lock = File::create(web.join(".install-lock")).expect("crates/edge/web can be written");
    lock.lock().expect("the file can be locked");
    let changed = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let installed = changed(web.join("node_modules/.package-lock.json"));
    if installed.is_none() || installed < changed(web.join("package-lock.json")) {
        run(Command::new("npm").current_dir(web).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(output.status.success(), "{command:?} failed:\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// A package's list of passwords known from thefts: those long enough to be allowed here, in lower case.
fn stolen_passwords(web: &Path) -> String {
    let script = "const length = 12; const all = JSON.parse(require('fs').readFileSync('node_modules/popular-passwords/data.json', 'utf8'));
        const long = new Set(all.map(word => String(word).trim().toLowerCase()).filter(word => [...word].length >= length && !/[\\r\\n]/.test(word)));
        process.stdout.write([...long].sort().join('\\n'))";
    let output = Command::new("node").current_dir(web).args(["-e", script]).output().expect("node was found before");
    assert!(output.status.success(), "the list of passwords cannot be read:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the list is UTF-8")
}

fn constants(out: &Path) -> String {
    let mut text = String::new();
    for (end, name) in [("js", "SCRIPT"), ("css", "STYLE")] {
        let path = fs::read_dir(out).expect("esbuild wrote its folder").filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.extension().is_some_and(|found| found == end));
        let path = path.unwrap_or_else(|| panic!("esbuild wrote no .{end} file"));
        let file = path.file_name().and_then(|name| name.to_str()).expect("a plain file name").to_owned();
        text.push_str(&format!("pub const {name}: Asset = Asset {{ path: \"/assets/{file}\", bytes: include_bytes!({path:?}) }};\n"));
    }
    text
}
