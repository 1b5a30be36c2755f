//! An authority of a test's own, and the clients that trust it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Whom the server's certificate names.
pub const HOST: &str = "contact.example.net";

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of this test");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let file = folder.join("authority.pem");
        std::fs::write(&file, params.self_signed(&key).expect("signed").pem()).expect("writes");
        Self { issuer: Issuer::new(params, key), file }
    }

    pub fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// Writes `chain.pem` and `key.pem` into the folder, good from now on.
    pub fn issue(&self, folder: &Path, names: &[&str], days: i64) {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("names");
        // rcgen says dates by the `time` crate, which this one does not name.
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
        params.not_after = params.not_before + std::time::Duration::from_secs(days.unsigned_abs() * 86_400);
        params.distinguished_name = rcgen::DistinguishedName::new();
        let key = KeyPair::generate().expect("a key");
        let own = params.signed_by(&key, &self.issuer).expect("signed");
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join("chain.pem"), own.pem()).expect("writes");
        let key_file = folder.join("key.pem");
        std::fs::write(&key_file, key.serialize_pem()).expect("writes");
        std::fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
    }

    /// What curl must be told to trust this authority, and to find the host at this address.
    pub fn trusting(&self, address: SocketAddr) -> Vec<String> {
        vec!["--cacert".into(), self.file(), "--resolve".into(), format!("{HOST}:{}:{}", address.port(), address.ip())]
    }
}

/// What curl prints; what it could not do is in that.
pub fn curl(args: &[&str]) -> String {
    let output = Command::new("curl").args(["-sS", "--noproxy", "*", "--max-time", "20"]).args(args).output().expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The HTTP status; `000` when there was no answer.
pub fn status(args: &[&str]) -> String {
    curl(&[&["-o", "/dev/null", "-w", "%{http_code}"], args].concat())
}

/// A certificate database for Chromium in which this authority is trusted.
pub fn install(home: &Path, authority: &Authority) {
    let database = home.join(".pki/nssdb");
    std::fs::create_dir_all(&database).expect("a folder");
    let place = format!("sql:{}", database.display());
    for args in [vec!["-N", "--empty-password"], vec!["-A", "-t", "C,,", "-n", "test", "-i", &authority.file()]] {
        let done = Command::new("certutil").args(["-d", &place]).args(&args).output().expect("certutil runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
