// The packages of the peers that are made of Node.js: installed once, by whichever test comes first.

use std::path::{Path, PathBuf};
use std::process::Command;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../smpp/tests/peers")
}

/// `npm ci` when the packages are not there. Tests run in processes of their own: one installs, the others wait.
pub fn node_packages() {
    // The lock stands in the folder itself, and is asked for even where all is there: half of an install is not all.
    let gate = std::fs::File::options().read(true).open(folder().join("package.json")).expect("the list of packages");
    gate.lock().expect("a lock");
    if folder().join("node_modules/smpp/package.json").exists() {
        return;
    }
    let installed = Command::new("npm").arg("ci").current_dir(folder()).output();
    let installed = installed.unwrap_or_else(|_| panic!("npm is missing: install Node.js with npm (Debian: nodejs npm)"));
    assert!(installed.status.success(), "npm ci failed in crates/smpp/tests/peers: {}", String::from_utf8_lossy(&installed.stderr));
}
