//! What an identity provider says of itself and of a person: its discovery document, its keys, and the ID token, read and checked
//! (OpenID Connect Core 1.0, section 3.1.3.7). `ring` checks the signatures.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clarion_domain::time::{Instant, MINUTE_MS};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// Clocks of two machines differ by so much at most.
const CLOCKS_APART_MS: i64 = 2 * MINUTE_MS;
/// A token was made for this sign-in, not long before.
const AGE_MS_MAX: i64 = 15 * MINUTE_MS;
const TOKEN_LENGTH_BYTES_MAX: usize = 32 * 1024;
const KEYS_MAX: usize = 50;

/// Why a provider or its token is not believed. No text of theirs stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the provider's answer cannot be read")]
    Unreadable,
    #[error("the provider calls itself by another address than the one that is configured")]
    OtherIssuer,
    #[error("the provider names an address for the browser that is not one of https")]
    Endpoint,
    #[error("the token is signed in a way that is not accepted here (RS256, ES256 and EdDSA are)")]
    Algorithm,
    #[error("the token is signed with a key that the provider does not publish")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is for another application")]
    OtherAudience,
    #[error("the token is for another sign-in")]
    OtherNonce,
    #[error("the token is too old, or not valid yet: compare the clocks")]
    Expired,
}

/// What a provider says of itself (`/.well-known/openid-configuration`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Discovery {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Its answers say whose they are (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Whether a browser may be led there: by https, or by http where the operator has allowed an issuer that is asked by it.
fn leads_a_browser(url: &str, issuer: &str) -> bool {
    let is_allowed = url.starts_with("https://") || (url.starts_with("http://") && issuer.starts_with("http://"));
    is_allowed && url.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Discovery {
    /// Read, and of the issuer that was asked.
    pub fn read(body: &[u8], issuer: &str) -> Result<Self, TokenError> {
        let found: Self = serde_json::from_slice(body).map_err(|_| TokenError::Unreadable)?;
        if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(TokenError::OtherIssuer);
        }
        let ends = std::iter::once(&found.authorization_endpoint).chain(&found.end_session_endpoint);
        if ends.into_iter().all(|url| leads_a_browser(url, issuer)) { Ok(found) } else { Err(TokenError::Endpoint) }
    }

    /// Whether an answer may be this provider's: what it says of itself, where it says so.
    pub fn is_author(&self, iss: Option<&str>) -> bool {
        match iss {
            Some(iss) => iss.trim_end_matches('/') == self.issuer.trim_end_matches('/'),
            None => !self.authorization_response_iss_parameter_supported,
        }
    }

    /// Whether the client's secret goes into the form: where the header, which is the default, is not taken.
    pub fn secret_in_form(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic")
    }
}

/// One public key of a provider.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    used_for: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// A provider's public keys.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    pub fn read(body: &[u8]) -> Result<Self, TokenError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(body).map_err(|_| TokenError::Unreadable)?;
        // A key of a kind that is not known here is none of ours to refuse.
        Ok(Self(set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key).ok()).collect()))
    }

    fn verify(&self, header: &Header, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let kty = match header.alg.as_str() {
            "RS256" => "RSA",
            "ES256" => "EC",
            "EdDSA" => "OKP",
            _ => return Err(TokenError::Algorithm),
        };
        let fits = |key: &&Key| {
            key.kty == kty
                && (header.kid.is_none() || key.kid == header.kid)
                && key.used_for.as_deref().is_none_or(|used| used == "sig")
                && key.alg.as_deref().is_none_or(|alg| alg == header.alg)
        };
        let mut found = false;
        for key in self.0.iter().filter(fits) {
            found = true;
            if key.verifies(message, signature) {
                return Ok(());
            }
        }
        Err(if found { TokenError::Signature } else { TokenError::UnknownKey })
    }
}

impl Key {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| text.as_deref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => RsaPublicKeyComponents { n: part(&self.n), e: part(&self.e) }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
            ("EC", Some("P-256")) => {
                let point = [vec![4], part(&self.x), part(&self.y)].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            ("OKP", Some("Ed25519")) => UnparsedPublicKey::new(&ED25519, part(&self.x)).verify(message, signature).is_ok(),
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that must be understood: none is.
    #[serde(default)]
    crit: Option<Value>,
}

/// What a token must be for.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Instant,
}

fn json(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Unreadable)
}

/// The claims of a token that is all that it must be.
pub fn checked(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Value, TokenError> {
    if token.len() > TOKEN_LENGTH_BYTES_MAX {
        return Err(TokenError::Unreadable);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Unreadable)?;
    let (header, claims) = message.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or(TokenError::Unreadable)?;
    let header: Header = serde_json::from_slice(&json(header)?).map_err(|_| TokenError::Unreadable)?;
    if header.crit.is_some() {
        return Err(TokenError::Algorithm);
    }
    keys.verify(&header, message.as_bytes(), &json(signature)?)?;
    let claims: Value = serde_json::from_slice(&json(claims)?).map_err(|_| TokenError::Unreadable)?;
    let said = |name: &str| claims[name].as_str().unwrap_or_default();
    if said("iss").trim_end_matches('/') != expected.issuer.trim_end_matches('/') {
        return Err(TokenError::OtherIssuer);
    }
    let audience: Vec<&str> = match &claims["aud"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let party = claims["azp"].as_str();
    if !audience.contains(&expected.client_id) || party.is_some_and(|party| party != expected.client_id) || (audience.len() > 1 && party.is_none()) {
        return Err(TokenError::OtherAudience);
    }
    if said("nonce").is_empty() || said("nonce") != expected.nonce {
        return Err(TokenError::OtherNonce);
    }
    let moment = |name: &str| claims[name].as_f64().map(|seconds| (seconds * 1000.0) as i64);
    let (Some(ends), Some(made)) = (moment("exp"), moment("iat")) else { return Err(TokenError::Unreadable) };
    let now = expected.now.ms();
    if ends.saturating_add(CLOCKS_APART_MS) <= now || made > now.saturating_add(CLOCKS_APART_MS) || made < now - AGE_MS_MAX {
        return Err(TokenError::Expired);
    }
    if said("sub").is_empty() {
        return Err(TokenError::Unreadable);
    }
    Ok(claims)
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
