//! A certificate in files, read again when they change. A new one that cannot be used leaves the old one in its place, and says so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clarion_tls::Certificate;

use super::SPOKEN;
use super::held::Held;

const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

/// The two files.
#[derive(Debug, Clone)]
pub struct OwnFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl OwnFiles {
    /// Both as they are now.
    pub fn read(&self) -> Result<Certificate, String> {
        let [certificate, key] = self.contents()?;
        Certificate::from_pem(&certificate, &key, &SPOKEN).map_err(|error| format!("{} with {}: {error}", self.certificate.display(), self.key.display()))
    }

    fn contents(&self) -> Result<[Vec<u8>; 2], String> {
        let bytes = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        Ok([bytes(&self.certificate)?, bytes(&self.key)?])
    }

    /// Whether others of this machine may read the key.
    pub fn key_is_open(&self) -> bool {
        #[cfg(unix)]
        let open = std::fs::metadata(&self.key).is_ok_and(|held| std::os::unix::fs::PermissionsExt::mode(&held.permissions()) & 0o077 != 0);
        #[cfg(not(unix))]
        let open = false;
        open
    }
}

/// Looks for ever. Two looks must find the same before a fault is said: whoever writes two files writes one first.
pub async fn watch(files: OwnFiles, held: Held) {
    let mut seen = files.contents().ok();
    // Whether it was said what is to be thought of what was seen last.
    let mut judged = true;
    loop {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
        let now = files.contents().ok();
        let settled = now == seen;
        if settled && judged {
            continue;
        }
        seen = now;
        judged = match files.read() {
            Ok(certificate) => {
                serve(certificate, &held);
                true
            }
            Err(fault) if settled => {
                if held.failed(fault.clone()) {
                    tracing::error!(fault, "the new certificate cannot be used: the old one is served on");
                }
                true
            }
            Err(_) => false,
        };
    }
}

fn serve(certificate: Certificate, held: &Held) {
    if held.served().is_none_or(|served| served.fingerprint() != certificate.fingerprint()) {
        tracing::info!(fingerprint = certificate.fingerprint(), "a new certificate is served");
    }
    held.put(certificate);
}
