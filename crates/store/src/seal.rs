//! Personal fields are sealed with a key per person; the keys that wrap those live apart from the database.
//!
//! AES-256-GCM (`ring`). A sealed value is nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes); its label is
//! authenticated, so that a value moved to another column does not open. A wrapped key begins with the number
//! of the root key that wraps it (4 bytes, little endian). Look-ups go by a keyed BLAKE3 hash of 16 bytes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use clarion_domain::id::UserId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::Ed25519KeyPair;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const ROOT_NUMBER_BYTES: usize = 4;
/// A wrapped key: the root's number, nonce, key and tag.
pub const KEY_WRAPPED_BYTES: usize = ROOT_NUMBER_BYTES + NONCE_LEN + KEY_BYTES + 16;

/// Why a sealed value or the keyring could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the keyring {path} cannot be used: {why}")]
    Keyring { path: PathBuf, why: String },
    #[error("a sealed value does not open: it was changed, or belongs to another person or column")]
    DoesNotOpen,
    #[error("root key {0} is not in the keyring: restore the keyring that belongs to this database")]
    NoRootKey(u32),
    #[error("the system gave no random bytes")]
    NoRandom,
}

/// A key of one person, one tenant or one file.
pub struct DataKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    cipher: LessSafeKey,
}

impl DataKey {
    fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).expect("the key has the length of the cipher's keys"));
        Self { bytes: Zeroizing::new(bytes), cipher }
    }

    pub fn random() -> Result<Self, SealError> {
        Ok(Self::from_bytes(random_bytes()?))
    }

    /// Seals `plain`; `label` says what it is (`contact.profile`) and must be the same to open it.
    pub fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = random_bytes()?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self.cipher.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(label.as_bytes()), &mut sealed[NONCE_LEN..]).map_err(|_| SealError::DoesNotOpen)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub fn open(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::DoesNotOpen)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self.cipher.open_in_place(nonce, Aad::from(label.as_bytes()), &mut plain).map_err(|_| SealError::DoesNotOpen)?.len();
        plain.truncate(length);
        Ok(plain)
    }

    pub fn open_text(&self, label: &str, sealed: &[u8]) -> Result<String, SealError> {
        String::from_utf8(self.open(label, sealed)?.to_vec()).map_err(|_| SealError::DoesNotOpen)
    }
}

/// By so much of a number, or of a reference, a search narrows.
pub const TAIL_DIGITS: usize = 4;
pub const HEAD_CHARS: usize = 6;

/// The blind index of a tenant: the same number gives the same 16 bytes within the tenant, and nothing to anybody without its key.
pub struct IndexKey(Zeroizing<[u8; KEY_BYTES]>);

impl IndexKey {
    #[must_use]
    pub fn number(&self, e164: &str) -> [u8; 16] {
        self.index("number", e164)
    }

    /// References compare without regard to case and outer white space.
    #[must_use]
    pub fn reference(&self, reference: &str) -> [u8; 16] {
        self.index("reference", &reference.trim().to_lowercase())
    }

    /// Of a number's last four digits, for a search to narrow by: ten thousand groups, which tell nobody apart.
    #[must_use]
    pub fn tail(&self, e164: &str) -> i64 {
        let digits: Vec<char> = e164.chars().filter(char::is_ascii_digit).collect();
        self.group("tail", &digits[digits.len().saturating_sub(TAIL_DIGITS)..].iter().collect::<String>())
    }

    /// Of a reference's first six letters; 0 when it is shorter, and found as a whole alone.
    #[must_use]
    pub fn head(&self, reference: &str) -> i64 {
        let folded = reference.trim().to_lowercase();
        match folded.char_indices().nth(HEAD_CHARS - 1) {
            Some((at, last)) => self.group("head", &folded[..at + last.len_utf8()]),
            None => 0,
        }
    }

    /// Never 0.
    fn group(&self, kind: &str, value: &str) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = self.index(kind, value);
        (i64::from_le_bytes([a, b, c, d, e, f, g, h]) & i64::MAX).max(1)
    }

    #[must_use]
    pub fn link(&self, code: &str) -> [u8; 16] {
        self.index("link", code)
    }

    #[must_use]
    pub fn message(&self, message: &str) -> [u8; 16] {
        self.index("message", message)
    }

    fn index(&self, kind: &str, value: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_bytes()).update(&[0]).update(value.as_bytes());
        let mut index = [0; 16];
        hasher.finalize_xof().fill(&mut index);
        index
    }

    /// For what is hashed in parts: a whole file.
    pub(crate) fn hasher(&self, kind: &str) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_bytes()).update(&[0]);
        hasher
    }

    pub(crate) fn from_key(key: &DataKey) -> Self {
        Self(key.bytes.clone())
    }
}

/// The root keys, in a file of their own: a backup of the database is useless without it, and it without the database.
pub struct Keyring {
    path: PathBuf,
    roots: RwLock<BTreeMap<u32, DataKey>>,
}

impl Keyring {
    /// Reads the keyring, or makes one with a first key when the file does not exist.
    pub fn open_or_create(path: &Path) -> Result<Self, SealError> {
        let keyring = Self { path: path.to_owned(), roots: RwLock::default() };
        match std::fs::read_to_string(path) {
            Ok(text) => keyring.read(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                keyring.roots_mut().insert(1, DataKey::random()?);
                keyring.write()?;
            }
            Err(error) => return Err(keyring.fault(error.to_string())),
        }
        Ok(keyring)
    }

    fn fault(&self, why: impl Into<String>) -> SealError {
        SealError::Keyring { path: self.path.clone(), why: why.into() }
    }

    fn roots(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<u32, DataKey>> {
        self.roots.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn roots_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<u32, DataKey>> {
        self.roots.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read(&self, text: &str) -> Result<(), SealError> {
        let malformed = || self.fault("each line must be a key's number, a space and 64 hexadecimal digits; restore it from its backup");
        let mut roots = self.roots_mut();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (number, key) = line.split_once(' ').ok_or_else(malformed)?;
            let bytes = Zeroizing::new(unhex::<KEY_BYTES>(key.trim()).ok_or_else(malformed)?);
            roots.insert(number.parse().map_err(|_| malformed())?, DataKey::from_bytes(*bytes));
        }
        if roots.is_empty() { Err(self.fault("it holds no key; restore it from its backup")) } else { Ok(()) }
    }

    /// Written to a new file and moved into place, so that a crash leaves the old or the new one whole.
    fn write(&self) -> Result<(), SealError> {
        let mut text = Zeroizing::new(String::new());
        for (number, key) in self.roots().iter() {
            text.push_str(&format!("{number} {}\n", hex(&key.bytes[..])));
        }
        let fresh = self.path.with_extension("new");
        // Held open over the rename, so that the old file's bytes can be overwritten and not only unlinked.
        let old = std::fs::OpenOptions::new().write(true).open(&self.path).ok();
        let write = || -> std::io::Result<()> {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.path)?;
            if let Some(mut old) = old {
                let length = usize::try_from(old.metadata()?.len()).unwrap_or(0);
                old.write_all(&vec![0; length])?;
                old.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|error| self.fault(error.to_string()))
    }

    /// Adds a new root key, under which new keys are wrapped from now on. Old ones stay until `retire`.
    pub fn rotate(&self) -> Result<u32, SealError> {
        let number = self.current() + 1;
        self.roots_mut().insert(number, DataKey::random()?);
        self.write()?;
        Ok(number)
    }

    /// Destroys every root key but the newest: what they still wrap can never be opened again, in no backup either.
    pub fn retire(&self) -> Result<(), SealError> {
        let current = self.current();
        self.roots_mut().retain(|number, _| *number == current);
        self.write()
    }

    /// The file of this keyring.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the key that wraps new keys.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.roots().last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The numbers of all keys, the oldest first.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.roots().keys().copied().collect()
    }

    /// The key that signs anchors of the audit, made from a root key: it is destroyed with it, and every node with the keyring has the same.
    pub(crate) fn anchor_key(&self, number: u32) -> Result<Ed25519KeyPair, SealError> {
        let roots = self.roots();
        let root = roots.get(&number).ok_or(SealError::NoRootKey(number))?;
        let seed = Zeroizing::new(blake3::derive_key("clarion 2026 signer of audit anchors", &root.bytes[..]));
        Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_| SealError::DoesNotOpen)
    }

    /// Shows that this installation made a passkey's challenge, for this user: every node with the keyring makes the same.
    pub(crate) fn challenge_code(&self, number: u32, said: &[u8], user: Option<UserId>) -> Result<blake3::Hash, SealError> {
        let roots = self.roots();
        let root = roots.get(&number).ok_or(SealError::NoRootKey(number))?;
        let key = Zeroizing::new(blake3::derive_key("clarion 2026 passkey challenges", &root.bytes[..]));
        Ok(blake3::Hasher::new_keyed(&key).update(said).update(&user.map_or(0, |user| user.0).to_be_bytes()).finalize())
    }

    pub fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, SealError> {
        let roots = self.roots();
        let (number, root) = roots.last_key_value().ok_or(SealError::NoRootKey(0))?;
        let mut wrapped = number.to_le_bytes().to_vec();
        wrapped.extend(root.seal("key", &key.bytes[..])?);
        Ok(wrapped)
    }

    pub fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let (number, sealed) = wrapped.split_at_checked(ROOT_NUMBER_BYTES).ok_or(SealError::DoesNotOpen)?;
        let number = u32::from_le_bytes(number.try_into().map_err(|_| SealError::DoesNotOpen)?);
        let roots = self.roots();
        let plain = roots.get(&number).ok_or(SealError::NoRootKey(number))?.open("key", sealed)?;
        let bytes: [u8; KEY_BYTES] = plain.as_slice().try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok(DataKey::from_bytes(bytes))
    }

    /// Which root key wraps this.
    #[must_use]
    pub fn root_of(wrapped: &[u8]) -> Option<u32> {
        wrapped.get(..ROOT_NUMBER_BYTES)?.try_into().ok().map(u32::from_le_bytes)
    }
}

/// Random bytes that this thread has fetched and not given out. A call to the system for each nonce costs more than the sealing.
struct Fetched {
    bytes: Zeroizing<[u8; FETCHED_BYTES]>,
    left: usize,
}

const FETCHED_BYTES: usize = 1_024;

thread_local! {
    static FETCHED: RefCell<Fetched> = RefCell::new(Fetched { bytes: Zeroizing::new([0; FETCHED_BYTES]), left: 0 });
}

impl Fetched {
    /// What is given out is no longer here: some of it becomes keys.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SealError> {
        const { assert!(N <= FETCHED_BYTES) };
        if self.left < N {
            SystemRandom::new().fill(&mut self.bytes[..]).map_err(|_| SealError::NoRandom)?;
            self.left = FETCHED_BYTES;
        }
        let place = &mut self.bytes[self.left - N..self.left];
        let mut taken = [0; N];
        taken.copy_from_slice(place);
        place.fill(0);
        self.left -= N;
        Ok(taken)
    }
}

/// Bytes from the system's generator.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], SealError> {
    FETCHED.with_borrow_mut(Fetched::take)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().expect("a folder");
        let keyring = Keyring::open_or_create(&folder.path().join("keyring")).expect("a keyring");
        (folder, keyring)
    }

    #[test]
    fn seals_and_opens_and_notices_a_flipped_bit_or_another_label() {
        let key = DataKey::random().expect("a key");
        let mut sealed = key.seal("contact.profile", b"Ada").expect("sealed");
        assert_eq!(key.open("contact.profile", &sealed).expect("opens").as_slice(), b"Ada");
        assert!(key.open("reply.body", &sealed).is_err());
        *sealed.last_mut().expect("a byte") ^= 1;
        assert!(key.open("contact.profile", &sealed).is_err());
        assert!(key.open("contact.profile", b"short").is_err());
    }

    #[test]
    fn what_a_retired_root_wrapped_is_gone_after_a_restart_too() {
        let (folder, keyring) = keyring();
        let person = DataKey::random().expect("a key");
        let wrapped = keyring.wrap(&person).expect("wrapped");
        assert_eq!(keyring.rotate().expect("rotated"), 2);
        let rewrapped = keyring.wrap(&keyring.unwrap(&wrapped).expect("unwraps")).expect("wrapped again");
        keyring.retire().expect("retired");
        let reopened = Keyring::open_or_create(&folder.path().join("keyring")).expect("opens");
        assert!(matches!(reopened.unwrap(&wrapped), Err(SealError::NoRootKey(1))));
        assert!(reopened.unwrap(&rewrapped).is_ok());
    }

    #[test]
    fn a_damaged_keyring_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        std::fs::write(&path, "1 zz").expect("written");
        assert!(Keyring::open_or_create(&path).is_err_and(|error| error.to_string().contains("64 hexadecimal digits")));
    }

    #[test]
    fn blind_indexes_differ_between_tenants_and_kinds() {
        let (one, other) = (IndexKey::from_key(&DataKey::random().expect("a key")), IndexKey::from_key(&DataKey::random().expect("a key")));
        assert_eq!(one.number("+447700900001"), one.number("+447700900001"));
        assert_ne!(one.number("+447700900001"), other.number("+447700900001"));
        assert_ne!(one.number("A1"), one.reference("A1"));
        assert_eq!(one.reference(" a1 "), one.reference("A1"));
    }
}
