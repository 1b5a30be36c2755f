//! The count that the browser shows is the server's: the island's own code against the domain's, on texts that hurt.

use std::process::Command;

use clarion_domain::campaigns::segments::{Alphabet, count};

#[test]
fn the_island_counts_as_the_server_does() {
    let mut texts: Vec<String> = ["", "Hello", "€ [{~}] ^ \\ |", "Ω and é", "“curly”", "😀", "tab\there", "line\nline", "ß ç Ç"].map(str::to_owned).to_vec();
    for length in [69, 70, 71, 133, 134, 135, 152, 153, 154, 159, 160, 161, 305, 306, 307, 459, 460] {
        texts.push("a".repeat(length));
        texts.push("ф".repeat(length));
        texts.push(format!("{}€{}", "a".repeat(152), "b".repeat(length)));
        texts.push(format!("{}😀{}", "ф".repeat(66), "ы".repeat(length)));
    }
    let web = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let bundle = Command::new("node").current_dir(&web).args(["node_modules/esbuild/bin/esbuild", "src/gsm.ts", "--format=esm"]).output().expect("node starts");
    assert!(bundle.status.success(), "{}", String::from_utf8_lossy(&bundle.stderr));
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("count.mjs");
    let texts_json = serde_json::to_string(&texts).expect("JSON");
    let source = format!("{}\nprocess.stdout.write(JSON.stringify({texts_json}.map(t => {{ const c = count(t); return [c.alphabet, c.units, c.segments]; }})));", String::from_utf8_lossy(&bundle.stdout));
    std::fs::write(&script, source).expect("written");
    let output = Command::new("node").arg(&script).output().expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let browser: Vec<(String, usize, usize)> = serde_json::from_slice(&output.stdout).expect("the counts");
    for (text, (alphabet, units, segments)) in texts.iter().zip(browser) {
        let server = count(text);
        let name = if server.alphabet == Alphabet::Gsm { "GSM 7-bit" } else { "Unicode" };
        assert_eq!((alphabet.as_str(), units, segments), (name, server.units, server.segments), "{text:?}");
    }
}
