//! The key by which clients know this server again: made once, kept in a file beside the keyring.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clarion_store::seal::random_bytes;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{Algorithm, HashAlg, PrivateKey};

/// The file cannot be used; says what to do.
#[derive(Debug, thiserror::Error)]
#[error("the SFTP host key {path} cannot be used: {why}")]
pub struct HostKeyError {
    path: PathBuf,
    why: String,
}

/// The server's own key (Ed25519, as `ssh-keygen` writes it).
#[derive(Clone)]
pub struct HostKey(pub(crate) PrivateKey);

impl HostKey {
    /// Reads the key, or makes one when the file does not exist. Of two processes that make one together, one wins.
    pub fn open_or_create(path: &Path) -> Result<Self, HostKeyError> {
        match Self::open(path) {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        let fault = |why: String| HostKeyError { path: path.to_owned(), why };
        let seed: [u8; 32] = random_bytes().map_err(|error| fault(error.to_string()))?;
        let key = PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), "clarion").map_err(|error| fault(error.to_string()))?;
        let text = key.to_openssh(LineEnding::LF).map_err(|error| fault(error.to_string()))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fault(error.to_string()))?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path).and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())) {
            Ok(()) => Ok(Self(key)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::open(path)?.ok_or_else(|| fault("it came and went".into())),
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// The key, when there is one.
    pub fn open(path: &Path) -> Result<Option<Self>, HostKeyError> {
        let fault = |why: String| HostKeyError { path: path.to_owned(), why };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error.to_string())),
        };
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(path).map(|data| std::os::unix::fs::PermissionsExt::mode(&data.permissions())).map_err(|error| fault(error.to_string()))?;
            if mode & 0o077 != 0 {
                return Err(fault(format!("others may read it: chmod 600 {}", path.display())));
            }
        }
        let key = PrivateKey::from_openssh(&text).map_err(|_| fault("it is no OpenSSH private key: restore it from its backup, or move it away to have a new one made, which every client must then be told".into()))?;
        if key.is_encrypted() {
            return Err(fault("it has a passphrase: take it away with ssh-keygen -p".into()));
        }
        // RSA is there to verify with others' public keys alone: how long its private half works tells of the key (RUSTSEC-2023-0071).
        if !matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) {
            return Err(fault("it is neither Ed25519 nor ECDSA: make another with ssh-keygen -t ed25519 -N ''".into()));
        }
        Ok(Some(Self(key)))
    }

    /// `SHA256:…`, as clients show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.public_key().fingerprint(HashAlg::Sha256).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("host-key");
        let made = std::process::Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]).arg(&path).status().expect("ssh-keygen runs");
        assert!(made.success());
        assert!(HostKey::open(&path).err().expect("refused").to_string().contains("neither Ed25519 nor ECDSA"));
    }

    #[test]
    fn is_made_once_and_refused_when_others_may_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/host-key");
        assert!(HostKey::open(&path).expect("nothing there").is_none());
        let made = HostKey::open_or_create(&path).expect("makes one");
        assert!(made.fingerprint().starts_with("SHA256:"));
        assert_eq!(HostKey::open_or_create(&path).expect("reads it").fingerprint(), made.fingerprint());
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("chmod");
        assert!(HostKey::open_or_create(&path).err().expect("refused").to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("chmod");
        std::fs::write(&path, "not a key").expect("writes");
        assert!(HostKey::open(&path).err().expect("refused").to_string().contains("backup"));
    }
}
