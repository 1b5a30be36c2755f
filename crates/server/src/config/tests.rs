use super::*;

fn read(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clarion.toml");
    std::fs::write(&file, text).expect("writes");
    Config::load(Some(&file))
}

#[test]
fn the_example_file_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clarion.example.toml");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == example(), "clarion.example.toml is stale: run `cargo run -- example-config > clarion.example.toml`");
}

#[test]
fn the_example_shows_the_defaults_and_reads_as_a_configuration() {
    let shown: String = example().lines().map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ") && !rest.contains('`')).unwrap_or(line).to_owned() + "\n").collect();
    let without_postgres: String = shown.lines().filter(|line| !line.starts_with("url")).map(|line| format!("{line}\n")).collect();
    let config = read(&without_postgres).expect("reads");
    let plain = |config: &Config| {
        let mut config = config.clone();
        (config.web.public_url, config.web.tls_certificate_file, config.web.tls_key_file, config.web.redirect_listen) = (None, None, None, None);
        (config.acme.contact, config.acme.directory_ca_file, config.acme.eab_key_id, config.acme.eab_key_file) = (None, None, None, None);
        config.database.ca_file = None;
        config.compliance.rules_dir = None;
        (config.sftp.listen, config.sftp.host_key_file) = (None, None);
        (config.voice.public_address, config.voice.speech_url, config.voice.speech_key_file) = (None, None, None);
        format!("{config:?}")
    };
    assert_eq!(plain(&config), plain(&Config::default()));
}

#[test]
fn an_unknown_key_or_table_is_named() {
    for (text, named) in [("[web]\nlisen = \"127.0.0.1:1\"", "lisen"), ("[wbe]\n", "wbe"), ("data_dir = \"x\"", "data_dir")] {
        let error = read(text).expect_err("must refuse").to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write() {
    let refused = |text: &str| read(text).expect_err("must refuse").to_string();
    assert!(refused("[database]\nurl = \"mysql://x\"").contains("postgres://"));
    assert!(refused("[server]\nnode = 64").contains("0 to 63"));
    assert!(refused("[database]\nurl = \"postgres://x\"\nurl_file = \"y\"").contains("keep one"));
    assert!(refused("[database]\nurl_file = \"nowhere\"").contains("nowhere"));
    assert!(refused("[web]\nlisten = \"8080\"").contains("listen"));
    assert!(refused("[web]\nlisten = \"127.0.0.1:9464\"").contains("port of their own"));
    let error = Config::load(Some(Path::new("nowhere.toml"))).expect_err("must refuse").to_string();
    assert!(error.contains("example-config"), "{error}");
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://clarion:hunter2@db/clarion\n").expect("writes");
    let config = read(&format!("[database]\nurl_file = {file:?}")).expect("reads");
    assert_eq!(config.database_url().expect("reads").as_deref(), Some("postgres://clarion:hunter2@db/clarion"));
    let inline = read("[database]\nurl = \"postgres://clarion:hunter2@db/clarion\"").expect("reads");
    assert!(!format!("{inline:?}").contains("hunter2"));
}
