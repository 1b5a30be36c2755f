//! The operator's own rule packs, from their folder to the decisions.

use std::path::Path;

use anyhow::Context;
use clarion_domain::compliance::RuleBook;
use clarion_store::compliance::install_rules;

use crate::config::{Config, ConfigError};

/// The shipped packs, with those of the configured folder.
pub fn read(config: &Config) -> anyhow::Result<RuleBook> {
    let files = match &config.compliance.rules_dir {
        None => Vec::new(),
        Some(folder) => read_folder(folder)?,
    };
    let named: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    // What a pack gets wrong, its own error says with the file and the rule.
    RuleBook::with_own(&named).map_err(|error| ConfigError::new(error.to_string()).into())
}

fn read_folder(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("compliance.rules_dir: {} cannot be read", folder.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".toml")) else { continue };
        files.push((name.to_owned(), std::fs::read_to_string(&path).with_context(|| path.display().to_string())?));
    }
    files.sort();
    Ok(files)
}

/// Lets them decide. Before the store is opened, or packs might have decided already.
pub fn install(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(install_rules(read(config)?), "the rules were installed too late: this is a fault of the software");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_adds_and_replaces_and_a_bad_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        let versions = |config: &Config| read(config).map(|book| book.packs().iter().map(|pack| pack.version().to_string()).collect::<Vec<_>>());
        let shipped = versions(&config).expect("the shipped packs");
        config.compliance.rules_dir = Some(folder.path().to_owned());
        assert_eq!(versions(&config).expect("an empty folder adds nothing"), shipped);
        let pack = "name = \"sark\"\nregions = [\"XS\"]\nvalid_from = \"2026-12-01\"\n";
        std::fs::write(folder.path().join("sark.toml"), pack).expect("writes");
        std::fs::write(folder.path().join("README"), "not a pack").expect("writes");
        assert_eq!(versions(&config).expect("one more"), [shipped.as_slice(), &["sark@2026-12-01".to_owned()]].concat());
        std::fs::write(folder.path().join("uk.toml"), pack.replace("2026-12-01", "soon")).expect("writes");
        let error = format!("{:#}", versions(&config).expect_err("a bad date"));
        assert!(error.contains("uk.toml") && error.contains("soon"), "{error}");
        config.compliance.rules_dir = Some(folder.path().join("nowhere"));
        assert!(format!("{:#}", versions(&config).expect_err("no folder")).contains("compliance.rules_dir"));
    }
}
