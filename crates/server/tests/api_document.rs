//! Schemathesis, which we did not write, reads the API's document from the running server and sends it thousands of requests,
//! good and bad, by a fixed seed: every answer must be one that the document announces, and none may be a fault of ours.
//!
//! A client generated from the same document by openapi-python-client, which we did not write either, walks from a file to results.
//!
//! Both live in Python environments below `target`, made once with pip. What is missing fails with a line that says what to install.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use clarion_testbed::{Carrier, CarrierConfig, Mix};
use serde_json::Value;
use support::Installation;

const SCHEMATHESIS: [&str; 2] = ["schemathesis", "4.32.5"];
const GENERATOR: [&str; 2] = ["openapi-python-client", "0.29.1"];
const SEED: &str = "20261123";
/// A check that a request which fits the document is carried out is left out: what the rules, a state or another tenant's
/// things forbid is refused with 4xx, and no schema can say so.
const LEFT_OUT: &str = "positive_data_acceptance";

fn run(command: &mut Command, missing: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{missing}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{missing}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// `pip install` once, when it is not there; gives the environment's programs.
fn installed([package, version]: [&str; 2]) -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_clarion")).ancestors().nth(2).expect("the target folder").join(package);
    let programs = folder.join("bin");
    let said = Command::new(programs.join(package)).arg("--version").output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if !said.contains(version) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with venv is missing: install it (Debian: python3-venv)");
        run(Command::new(programs.join("pip")).args(["install", "--quiet", &format!("{package}=={version}")]), &format!("{package} could not be installed with pip"));
    }
    programs
}

#[test]
fn the_server_answers_as_its_document_says() {
    let program = installed(SCHEMATHESIS).join(SCHEMATHESIS[0]);
    let mut all = Installation::new(None);
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    let key = all.json(&["api-key", "create", "fuzz", "--role", "owner", "--tenant", "northwind"])["secret"].as_str().expect("a secret").to_owned();
    all.settings = vec![("CLARION__API__REQUESTS_PER_MINUTE", "0".into()), ("CLARION__API__REFUSALS_PER_MINUTE", "0".into())];
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

#[tokio::test(flavor = "multi_thread")]
async fn a_client_generated_from_the_document_goes_from_a_file_to_results() {
    let carrier = Carrier::start(CarrierConfig { mix: Mix::AllDelivered, replies: false, ..CarrierConfig::default() }).await.expect("listens");
    tokio::task::block_in_place(|| {
        let programs = installed(GENERATOR);
        let mut all = Installation::new(None);
        all.found("northwind", &carrier, 200);
        let key = all.json(&["api-key", "create", "generated", "--role", "manager", "--tenant", "northwind"])["secret"].as_str().expect("a secret").to_owned();
        all.serve();
        let address = format!("http://{}", all.web);
        let generate = ["generate", "--url", &format!("{address}/api/v1/openapi.json"), "--meta", "none", "--output-path", "clarion_client", "--overwrite"];
        let said = run(Command::new(programs.join(GENERATOR[0])).args(generate).current_dir(all.folder.path()), "no client can be made of the document");
        assert!(!said.contains("Unable to"), "a part of the document that a generator cannot use: {said}");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/walk.py");
        let walk = run(Command::new(programs.join("python")).arg(script).args([&address, &key, "+447700900990"]).env("PYTHONPATH", all.folder.path()), "the generated client");
        let counts: Value = serde_json::from_str(walk.lines().last().unwrap_or_default()).expect("JSON");
        assert_eq!(counts["attempts"].as_u64().zip(counts["due"].as_u64()).map(|(attempts, due)| attempts + due + counts["refused"].as_u64().unwrap_or(0)), Some(120), "{counts}");
        assert_eq!(all.stop(), Some(0), "{}", all.log());
    });
}
