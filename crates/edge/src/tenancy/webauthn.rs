//! What a passkey's device answers: read, and checked against what was asked (WebAuthn, level 2, sections 7.1 and 7.2). No attestation is
//! asked for: which make a device is does not matter here. Every answer must have been given to a verified user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// Algorithms by their COSE numbers, those liked best first: ES256, EdDSA, RS256.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];
const ANSWER_LENGTH_BYTES_MAX: usize = 16 * 1024;
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;
const AUTHENTICATOR_DATA_MIN: usize = 37;
const CREDENTIAL_ID_LENGTH_BYTES_MAX: usize = 1023;

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("the answer of the device cannot be read")]
    Unreadable,
    #[error("the answer is for another act")]
    OtherAct,
    #[error("the answer is for another site")]
    OtherOrigin,
    #[error("the device did not check who uses it")]
    NotVerified,
    #[error("the device's kind of key is not known here")]
    UnknownKey,
    #[error("the signature is wrong")]
    Signature,
}

/// Bytes as the script sends them: base64url without padding.
fn bytes(text: &str) -> Result<Vec<u8>, PasskeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| PasskeyError::Unreadable)
}

pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the script sends of a new credential.
#[derive(Deserialize)]
struct RegistrationAnswer {
    client: String,
    attestation: String,
}

/// What the script sends of a signature.
#[derive(Deserialize)]
struct SignInAnswer {
    id: String,
    client: String,
    authenticator: String,
    signature: String,
}

/// What the browser says that was signed.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    act: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

fn answer<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, PasskeyError> {
    if json.len() > ANSWER_LENGTH_BYTES_MAX {
        return Err(PasskeyError::Unreadable);
    }
    serde_json::from_str(json).map_err(|_| PasskeyError::Unreadable)
}

/// The browser's half, when it is for this act at this origin; gives the challenge.
fn client_data(raw: &[u8], act: &str, origin: &str) -> Result<Vec<u8>, PasskeyError> {
    let said: ClientData = serde_json::from_slice(raw).map_err(|_| PasskeyError::Unreadable)?;
    if said.act != act {
        return Err(PasskeyError::OtherAct);
    }
    if said.origin != origin || said.cross_origin {
        return Err(PasskeyError::OtherOrigin);
    }
    bytes(&said.challenge)
}

/// The name that a passkey is bound to: the host of an origin.
pub fn relying_party(origin: &str) -> Option<&str> {
    let (scheme, authority) = origin.split_once("://")?;
    let host = if authority.starts_with('[') { authority } else { authority.split(':').next()? };
    let is_name = !host.is_empty() && !host.starts_with('[') && host.parse::<std::net::IpAddr>().is_err();
    (is_name && (scheme == "https" || scheme == "http")).then_some(host)
}

/// The device's half, when it is for this site and a verified user; gives its counter.
fn authenticator_data(data: &[u8], origin: &str) -> Result<u32, PasskeyError> {
    let host = relying_party(origin).ok_or(PasskeyError::OtherOrigin)?;
    if data.len() < AUTHENTICATOR_DATA_MIN {
        return Err(PasskeyError::Unreadable);
    }
    if data[..32] != *digest(&SHA256, host.as_bytes()).as_ref() {
        return Err(PasskeyError::OtherOrigin);
    }
    if data[32] & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
        return Err(PasskeyError::NotVerified);
    }
    Ok(u32::from_be_bytes([data[33], data[34], data[35], data[36]]))
}

/// A credential that a device has made.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    pub challenge: Vec<u8>,
    pub credential_id: Vec<u8>,
    /// As the device wrote it.
    pub public_key: Vec<u8>,
    pub counter: u32,
}

/// Reads the answer to a registration at this origin. Whether the challenge was ours is for the caller to ask.
pub fn registered(json: &str, origin: &str) -> Result<Made, PasskeyError> {
    let said: RegistrationAnswer = answer(json)?;
    let challenge = client_data(&bytes(&said.client)?, "webauthn.create", origin)?;
    let attestation = bytes(&said.attestation)?;
    let data = Cbor::new(&attestation).map_entry_bytes("authData").ok_or(PasskeyError::Unreadable)?;
    let counter = authenticator_data(data, origin)?;
    if data[32] & HAS_CREDENTIAL == 0 {
        return Err(PasskeyError::Unreadable);
    }
    let rest = data.get(AUTHENTICATOR_DATA_MIN + 16..).ok_or(PasskeyError::Unreadable)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(PasskeyError::Unreadable)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > CREDENTIAL_ID_LENGTH_BYTES_MAX || rest.len() <= length {
        return Err(PasskeyError::Unreadable);
    }
    let (credential_id, rest) = rest.split_at(length);
    let mut key = Cbor::new(rest);
    key.skip(0).ok_or(PasskeyError::Unreadable)?;
    let public_key = &rest[..key.at];
    PublicKey::read(public_key)?;
    Ok(Made { challenge, credential_id: credential_id.to_vec(), public_key: public_key.to_vec(), counter })
}

/// A signature, not checked yet.
pub struct Signed {
    pub credential_id: Vec<u8>,
    client: Vec<u8>,
    authenticator: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    pub fn read(json: &str) -> Result<Self, PasskeyError> {
        let said: SignInAnswer = answer(json)?;
        Ok(Self { credential_id: bytes(&said.id)?, client: bytes(&said.client)?, authenticator: bytes(&said.authenticator)?, signature: bytes(&said.signature)? })
    }

    /// Checks it with the key of the credential, made at this origin; gives challenge and counter.
    pub fn check(&self, public_key: &[u8], origin: &str) -> Result<(Vec<u8>, u32), PasskeyError> {
        let challenge = client_data(&self.client, "webauthn.get", origin)?;
        let counter = authenticator_data(&self.authenticator, origin)?;
        let message = [self.authenticator.as_slice(), digest(&SHA256, &self.client).as_ref()].concat();
        PublicKey::read(public_key)?.verify(&message, &self.signature)?;
        Ok((challenge, counter))
    }
}

/// A public key of one of the algorithms that are asked for.
enum PublicKey {
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// From COSE (RFC 9052): a map of small numbers.
    fn read(cose: &[u8]) -> Result<Self, PasskeyError> {
        let mut cbor = Cbor::new(cose);
        let (mut numbers, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..cbor.map().ok_or(PasskeyError::UnknownKey)? {
            let label = cbor.number().ok_or(PasskeyError::UnknownKey)?;
            match cbor.peek_major() {
                Some(0 | 1) => numbers.push((label, cbor.number().ok_or(PasskeyError::UnknownKey)?)),
                Some(2) => parts.push((label, cbor.string(2).ok_or(PasskeyError::UnknownKey)?.to_vec())),
                _ => return Err(PasskeyError::UnknownKey),
            }
        }
        let number = |label| numbers.iter().find(|(found, _)| *found == label).map(|(_, value)| *value);
        let part = |label| parts.iter().find(|(found, _): &&(i64, Vec<u8>)| *found == label).map(|(_, value)| value.clone()).ok_or(PasskeyError::UnknownKey);
        match (number(1), number(3), number(-1)) {
            (Some(2), Some(-7), Some(1)) => {
                let (x, y) = (part(-2)?, part(-3)?);
                if x.len() == 32 && y.len() == 32 { Ok(Self::P256([vec![4], x, y].concat())) } else { Err(PasskeyError::UnknownKey) }
            }
            (Some(1), Some(-8), Some(6)) => Ok(Self::Ed25519(part(-2)?)),
            (Some(3), Some(-257), _) => Ok(Self::Rsa { n: part(-1)?, e: part(-2)? }),
            _ => Err(PasskeyError::UnknownKey),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let checked = match self {
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        checked.map_err(|_| PasskeyError::Signature)
    }
}

/// As much of CBOR (RFC 8949) as a device writes: definite lengths, shallow.
struct Cbor<'a> {
    data: &'a [u8],
    at: usize,
}

const DEPTH_MAX: u8 = 8;
const ENTRIES_MAX: u64 = 64;

impl<'a> Cbor<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    fn peek_major(&self) -> Option<u8> {
        self.data.get(self.at).map(|byte| byte >> 5)
    }

    /// Major type and number of the next head.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = *self.data.get(self.at)?;
        self.at += 1;
        let size = match first & 31 {
            small @ 0..=23 => return Some((first >> 5, u64::from(small))),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let raw = self.data.get(self.at..self.at + size)?;
        self.at += size;
        Some((first >> 5, raw.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }

    fn number(&mut self) -> Option<i64> {
        match self.head()? {
            (0, number) => i64::try_from(number).ok(),
            (1, number) => i64::try_from(number).ok().map(|number| -1 - number),
            _ => None,
        }
    }

    /// A byte string (2) or a text (3).
    fn string(&mut self, major: u8) -> Option<&'a [u8]> {
        let (found, length) = self.head()?;
        let length = usize::try_from(length).ok()?;
        let raw = self.data.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        (found == major).then_some(raw)
    }

    /// How many entries a map has.
    fn map(&mut self) -> Option<u64> {
        self.head().filter(|(major, count)| *major == 5 && *count <= ENTRIES_MAX).map(|(_, count)| count)
    }

    fn skip(&mut self, depth: u8) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek_major()? {
            major @ (2 | 3) => self.string(major).map(|_| ()),
            4 | 5 => {
                let (major, count) = self.head()?;
                if count > ENTRIES_MAX {
                    return None;
                }
                (0..count * if major == 5 { 2 } else { 1 }).try_for_each(|_| self.skip(depth + 1))
            }
            6 => {
                self.head()?;
                self.skip(depth + 1)
            }
            _ => self.head().map(|_| ()),
        }
    }

    /// The bytes under a text key of a map.
    fn map_entry_bytes(mut self, key: &str) -> Option<&'a [u8]> {
        for _ in 0..self.map()? {
            if self.string(3)? == key.as_bytes() {
                return self.string(2);
            }
            self.skip(0)?;
        }
        None
    }
}

#[cfg(test)]
#[path = "webauthn_tests.rs"]
mod tests;
