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
        read(&self.contents()?).map_err(|error| format!("{} with {}: {error}", self.certificate.display(), self.key.display()))
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

fn read([certificate, key]: &[Vec<u8>; 2]) -> Result<Certificate, clarion_tls::TlsError> {
    Certificate::from_pem(certificate, key, &SPOKEN)
}

/// Looks for ever. Two looks must find the same before a fault is said: whoever writes two files writes one first.
pub async fn watch(files: OwnFiles, held: Held) {
    let mut seen = files.contents().ok();
    loop {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
        let now = files.contents();
        if let (Ok(now), Some(before)) = (&now, &seen)
            && now == before
            && held.served().is_some()
            && held.status(crate::clock::real()).fault.is_none()
        {
            continue;
        }
        let settled = now.as_ref().ok() == seen.as_ref();
        match now.as_ref().map_err(Clone::clone).and_then(|contents| read(contents).map_err(|error| format!("{} with {}: {error}", files.certificate.display(), files.key.display()))) {
            Ok(certificate) => {
                if held.served().is_none_or(|served| served.fingerprint() != certificate.fingerprint()) {
                    tracing::info!(fingerprint = certificate.fingerprint(), "a new certificate is served");
                }
                held.put(certificate);
            }
            Err(fault) if settled => {
                if held.failed(fault.clone()) {
                    tracing::error!(fault, "the new certificate cannot be used: the old one is served on");
                }
            }
            Err(_) => {}
        }
        seen = now.ok();
    }
}
