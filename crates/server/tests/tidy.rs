//! The house rules, kept by a test: which crate sees which, what a file may be called, how long it may grow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Files that git knows, or would take, under the workspace.
fn files(end: &str) -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()).output().expect("git runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("plain names");
    let mut found: Vec<_> = names.split('\0').filter(|name| name.ends_with(end)).map(|name| root().join(name)).filter(|path| path.is_file()).collect();
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The text without its comments and its `#[cfg(test)]` tail.
fn code(path: &Path) -> String {
    let text = read(path);
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The crates of this workspace that a crate's ordinary dependencies name.
fn sees(crate_name: &str) -> BTreeSet<String> {
    let manifest = read(&root().join("crates").join(crate_name).join("Cargo.toml"));
    let ordinary = manifest.split("[dependencies]").nth(1).unwrap_or_default().split("\n[").next().unwrap_or_default();
    ordinary.lines().filter_map(|line| line.trim().strip_prefix("clarion-")).map(|rest| rest.split(['.', ' ', '=']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_crate_sees_only_what_the_design_lets_it_see() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", &[][..]),
        ("tls", &[]),
        ("smpp", &["tls"]),
        ("sip", &["tls"]),
        ("store", &["domain", "tls"]),
        ("engine", &["domain", "sip", "smpp", "store"]),
        ("edge", &["domain", "store"]),
        ("testbed", &["sip", "smpp"]),
        ("server", &["domain", "edge", "engine", "sftp", "sip", "store", "testbed", "tls"]),
        ("sftp", &["domain", "store"]),
    ]);
    let mut crates: Vec<String> = std::fs::read_dir(root().join("crates")).expect("crates").map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name")).collect();
    crates.retain(|name| root().join("crates").join(name).join("Cargo.toml").is_file());
    crates.sort();
    assert_eq!(crates, allowed.keys().copied().collect::<Vec<_>>(), "a new crate needs a line here and in ARCHITECTURE.md");
    for (name, allowed) in allowed {
        let extra: Vec<_> = sees(name).into_iter().filter(|seen| !allowed.contains(&seen.as_str())).collect();
        assert!(extra.is_empty(), "{name} may not depend on {extra:?}");
    }
}

#[test]
fn the_domain_has_no_clock_no_chance_and_no_io() {
    let forbidden = ["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now", "tokio", "rand::", "std::fs", "std::net", "std::env", "async fn", "thread_rng"];
    let mut faults = Vec::new();
    for path in files(".rs").into_iter().filter(|path| path.starts_with(root().join("crates/domain/src"))) {
        let text = code(&path);
        faults.extend(forbidden.iter().filter(|word| text.contains(**word)).map(|word| format!("{}: {word}", shown(&path))));
    }
    assert!(faults.is_empty(), "time, chance and files come in as arguments:\n{}", faults.join("\n"));
}

#[test]
fn only_the_server_reads_the_environment_and_only_its_clock_the_time() {
    let mut faults = Vec::new();
    for path in files(".rs").into_iter().filter(|path| shown(path).contains("/src/") && !shown(path).starts_with("crates/testbed")) {
        let text = code(&path);
        let place = shown(&path);
        if text.contains("env::var") && !place.starts_with("crates/server/") {
            faults.push(format!("{place} reads the environment"));
        }
        if text.contains("SystemTime::now") && place != "crates/server/src/clock.rs" {
            faults.push(format!("{place} asks the system for the time"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn sql_lives_in_the_store() {
    let outside: Vec<_> = files(".rs").into_iter().filter(|path| shown(path).starts_with("crates/") && shown(path).contains("/src/") && !shown(path).starts_with("crates/store/") && !shown(path).ends_with("tests.rs")).filter(|path| {
        let text = code(path);
        ["INSERT INTO ", "DELETE FROM ", "SELECT ", "UPDATE "].iter().any(|verb| text.contains(&format!("\"{verb}")))
    }).map(|path| shown(&path)).collect();
    assert!(outside.is_empty(), "SQL outside of the store: {outside:?}");
}

#[test]
fn no_file_is_a_drawer_for_everything() {
    let drawers = ["common", "utils", "util", "types", "helpers", "misc", "shared"];
    let found: Vec<_> = files(".rs").into_iter().filter(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        drawers.contains(&stem) || (stem == "mod" && drawers.contains(&folder))
    }).map(|path| shown(&path)).collect();
    assert!(found.is_empty(), "name what is in it: {found:?}");
}

#[test]
fn a_crates_first_file_is_a_table_of_contents() {
    for path in files("src/lib.rs") {
        let text = read(&path);
        assert!(text.starts_with("//!"), "{} begins with what the crate is", shown(&path));
        assert!(text.lines().count() <= 60, "{} has {} lines", shown(&path), text.lines().count());
        assert!(!code(&path).contains("fn "), "{} holds code: move it into a module", shown(&path));
    }
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = files(".rs").into_iter().filter(|path| shown(path).contains("/src/") && !shown(path).ends_with("tests.rs")).filter(|path| !read(path).starts_with("//!")).map(|path| shown(&path)).collect();
    assert!(silent.is_empty(), "begin with a sentence (`//!`): {silent:?}");
}

#[test]
fn a_long_file_has_its_reason() {
    /// Over 500 lines, and why it is one thing all the same.
    const LONG: &[(&str, &str)] = &[
        ("crates/smpp/tests/peers.rs", "one conversation after the other with the same two peers"),
        ("crates/smpp/tests/session.rs", "one session, every way in which it can end"),
        ("crates/store/tests/campaigns.rs", "one campaign, from its draft to its end"),
        ("crates/store/src/privacy/inventory.rs", "one list, a line for every column of the schema"),
    ];
    let mut faults = Vec::new();
    for path in files(".rs") {
        let lines = read(&path).lines().count();
        let reason = LONG.iter().find(|(name, _)| *name == shown(&path));
        if lines > 500 && reason.is_none() {
            faults.push(format!("{} has {lines} lines: is it one thing?", shown(&path)));
        }
    }
    faults.extend(LONG.iter().filter(|(name, _)| !root().join(name).is_file()).map(|(name, _)| format!("{name} is gone: take it off the list")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nothing_names_a_registry_or_somebodys_machine() {
    let hosts = [["crates", ".io"], ["npmjs", ".org"], ["npmjs", ".com"], ["pypi", ".org"], ["static.crates", ".io"]].map(|pieces| pieces.concat());
    let folders = [["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"]].map(|pieces| pieces.concat());
    let mut faults = Vec::new();
    for path in ["rs", "toml", "md", "ts", "css", "js", "json", "sql", "yml", "yaml", "pl", "py", "sh", "html"].iter().flat_map(|end| files(&format!(".{end}"))).chain([root().join("test"), root().join(".ci/run")]) {
        if path.ends_with("package-lock.json") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
        faults.extend(hosts.iter().chain(&folders).filter(|word| text.contains(word.as_str())).map(|word| format!("{}: {word}", shown(&path))));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn test_numbers_are_from_the_drama_ranges() {
    let mut faults = Vec::new();
    for path in files(".rs").into_iter().filter(|path| !shown(path).starts_with("crates/domain/src/contacts")) {
        // A sender's rule needs a mobile prefix that is none of the drama's.
        for (place, line) in read(&path).lines().enumerate().filter(|_| !path.ends_with("carriers/sender.rs")) {
            for (at, _) in line.match_indices("+447").chain(line.match_indices("\"447")) {
                let digits: String = line[at..].chars().filter(|c| *c != '+' && *c != '"').take_while(char::is_ascii_digit).collect();
                if digits.len() == 12 && !digits.starts_with("447700900") {
                    faults.push(format!("{}:{}", shown(&path), place + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "numbers that may be somebody's (write 07700 900xxx):\n{}", faults.join("\n"));
}

#[test]
fn the_documents_name_files_that_exist() {
    let mut faults = Vec::new();
    for path in files(".md") {
        let text = read(&path);
        for (at, _) in text.match_indices("`crates/") {
            let named: String = text[at + 1..].chars().take_while(|c| *c != '`').collect();
            if !named.contains(['*', '{', ' ']) && !root().join(&named).exists() {
                faults.push(format!("{}: {named}", shown(&path)));
            }
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = path.parent().expect("a folder").join(link.split('#').next().unwrap_or_default());
            if !target.exists() {
                faults.push(format!("{}: {link}", shown(&path)));
            }
        }
    }
    assert!(faults.is_empty(), "documents that name what is not there:\n{}", faults.join("\n"));
}

/// What the operator does for all, which no organisation's audit holds.
const OPERATORS_KINDS: [&str; 2] = ["do_not_originate", "keyring"];

#[test]
fn the_audit_can_be_narrowed_to_every_kind_of_record() {
    let mut kinds = BTreeMap::new();
    for path in files(".rs").into_iter().filter(|path| shown(path).starts_with("crates/") && shown(path).contains("/src/")) {
        let text = code(&path);
        let named = |text: &str| text.split('"').next().map(str::to_owned).expect("a part");
        let acts = text.split("Act::").skip(1).filter_map(|rest| rest.split_once(", \"").filter(|(act, _)| act.chars().all(char::is_alphanumeric)).map(|(_, rest)| named(rest)));
        let swept = text.split("Target { class").skip(1).filter_map(|rest| rest.split_once("source: \"").map(|(_, rest)| named(rest)));
        kinds.extend(acts.chain(swept).map(|kind| (kind, shown(&path))));
    }
    assert!(kinds.len() > 40, "the audit's acts are read: {kinds:?}");
    kinds.retain(|kind, _| !OPERATORS_KINDS.contains(&kind.as_str()) && !clarion_domain::audit::event::OBJECT_KINDS.contains(&kind.as_str()));
    assert!(kinds.is_empty(), "kinds that OBJECT_KINDS in crates/domain/src/audit/event.rs lacks: {kinds:?}");
    assert!(clarion_domain::audit::event::OBJECT_KINDS.is_sorted(), "listed by name");
}
