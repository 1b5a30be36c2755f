//! Schemathesis, which we did not write, reads the API's document from the running server and sends it thousands of requests,
//! good and bad, by a fixed seed: every answer must be one that the document announces, and none may be a fault of ours.
//!
//! It lives in a Python environment below `target`, made once with pip. What is missing fails with a line that says what to install.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::Installation;

const VERSION: &str = "4.32.5";
const SEED: &str = "20261123";
/// A check that a request which fits the document is carried out is left out: what the rules, a state or another tenant's
/// things forbid is refused with 4xx, and no schema can say so.
const LEFT_OUT: &str = "positive_data_acceptance";

fn target() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_clarion")).ancestors().nth(2).expect("the target folder").join("schemathesis")
}

fn run(command: &mut Command, missing: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{missing}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{missing}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// `pip install` once, when it is not there.
fn installed() -> PathBuf {
    let folder = target();
    let program = folder.join("bin/schemathesis");
    let version = Command::new(&program).arg("--version").output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if !version.contains(VERSION) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with venv is missing: install it (Debian: python3-venv)");
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &format!("schemathesis=={VERSION}")]), "schemathesis could not be installed with pip");
    }
    program
}

#[test]
fn the_server_answers_as_its_document_says() {
    let program = installed();
    let mut all = Installation::new(None);
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    let key = all.json(&["api-key", "create", "fuzz", "--role", "owner", "--tenant", "northwind"])["secret"].as_str().expect("a secret").to_owned();
    all.serve();
    let mut command = Command::new(program);
    command.arg("run").arg(format!("http://{}/api/v1/openapi.json", all.web)).args(["--url", &format!("http://{}/api/v1", all.web)]);
    command.args(["--header", &format!("Authorization: Bearer {key}"), "--seed", SEED, "--max-examples", "10", "--workers", "1"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--exclude-checks", LEFT_OUT, "--warnings", "off", "--no-shrink", "--continue-on-failure", "--no-color"]);
    command.current_dir(all.folder.path());
    let said = run(&mut command, "the API does not do what docs/openapi.json says");
    println!("{}", said.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
    assert_eq!(all.ask(&key, "GET", "/me", "application/json", "").0, 200, "its key still works: it was not sent away all the time");
    assert!(!all.log().contains("ERROR"), "{}", all.log());
    assert_eq!(all.stop(), Some(0));
}
