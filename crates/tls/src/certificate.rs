//! A certificate of our own with its key: whether they belong together, until when it is good, and for which names.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::{TlsError, certificates, provider};

/// A chain, the server's own certificate first, and its key, which were found to belong together.
#[derive(Clone)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
    /// Milliseconds since 1970.
    pub not_before_ms: i64,
    pub not_after_ms: i64,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("not_after_ms", &self.not_after_ms).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads PEM. `alpn` names the protocols that are spoken over it, the best first.
    pub fn from_pem(chain_pem: &[u8], key_pem: &[u8], alpn: &[&str]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| TlsError::NoKey)?;
        Self::new(certificates(chain_pem)?, key, alpn)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>, alpn: &[&str]) -> Result<Self, TlsError> {
        chain.first().and_then(|own| validity(own)).ok_or(TlsError::NoDates)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::OtherKey,
            other => other.into(),
        })?;
        Self::certified(certified, alpn)
    }

    /// With a key that belongs to it by its making. Whether it does is not looked at: the library reads no certificate with the critical
    /// extension of tls-alpn-01.
    pub(crate) fn made(own: CertificateDer<'static>, key: PrivateKeyDer<'static>, alpn: &[&str]) -> Result<Self, TlsError> {
        Self::certified(CertifiedKey::new(vec![own], provider().key_provider.load_private_key(key)?), alpn)
    }

    fn certified(certified: CertifiedKey, alpn: &[&str]) -> Result<Self, TlsError> {
        let chain = certified.cert.clone();
        let (not_before_ms, not_after_ms) = chain.first().and_then(|own| validity(own)).ok_or(TlsError::NoDates)?;
        // TLS 1.2 and 1.3: the library knows no older one.
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Self { chain, config: Arc::new(config), not_before_ms, not_after_ms })
    }

    /// What a handshake is done with.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Whether it is for this host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let (Some(own), Ok(name)) = (self.chain.first(), ServerName::try_from(host.to_owned())) else { return false };
        ParsedCertificate::try_from(own).is_ok_and(|own| verify_server_name(&own, &name).is_ok())
    }

    /// SHA-256 of the server's own certificate, as `openssl x509 -fingerprint -sha256` counts it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = self.chain.first().map(|own| ring::digest::digest(&ring::digest::SHA256, own));
        digest.map(|digest| digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default()
    }
}

/// Tag, contents and what follows of one DER value.
fn value(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// From when until when a certificate is good (RFC 5280, 4.1).
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xA0;
    let (SEQUENCE, whole, _) = value(certificate)? else { return None };
    let (SEQUENCE, mut signed, _) = value(whole)? else { return None };
    if let (VERSION, _, rest) = value(signed)? {
        signed = rest;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        signed = value(signed)?.2;
    }
    let (SEQUENCE, dates, _) = value(signed)? else { return None };
    let (tag, from, rest) = value(dates)?;
    let (last_tag, until, _) = value(rest)?;
    Some((time_ms(tag, from)?, time_ms(last_tag, until)?))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` after it.
fn time_ms(tag: u8, text: &[u8]) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let at = jiff::civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    Some(at.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str]) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(names.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn says_for_whom_and_until_when_it_is_good() {
        let mut params = rcgen::CertificateParams::new(["contact.example.net".to_owned(), "*.wild.example".to_owned()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2050, 3, 4);
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = params.self_signed(&key).expect("signed");
        let read = Certificate::from_pem(own.pem().as_bytes(), key.serialize_pem().as_bytes(), &["h2"]).expect("reads");
        assert_eq!((read.not_before_ms, read.not_after_ms), (1_767_312_000_000, 2_529_964_800_000), "both ways to write a year");
        assert!(read.covers("contact.example.net") && read.covers("a.wild.example"));
        assert!(!read.covers("other.example.net") && !read.covers("not a name"));
        assert_eq!(read.fingerprint().len(), 64);
    }

    #[test]
    fn says_what_is_wrong_with_files() {
        let ((chain, key), (_, other)) = (made(&["a.example"]), made(&["b.example"]));
        let fault = |chain: &str, key: &str| Certificate::from_pem(chain.as_bytes(), key.as_bytes(), &[]).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(fault(&chain, &key), "");
        assert!(fault(&chain, &other).contains("does not belong"), "{}", fault(&chain, &other));
        assert!(fault("", &key).contains("no readable certificate"));
        assert!(fault(&chain, "").contains("no readable private key"));
        assert!(fault(&chain[..chain.len() / 2], &key).contains("no readable certificate"));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(fault(garbage, &key).contains("dates"));
    }

    #[test]
    fn reads_any_bytes() {
        for length in 0..64 {
            let bytes: Vec<u8> = (0..length).map(|at: u8| 0x30 ^ at.wrapping_mul(7)).collect();
            assert!(validity(&bytes).is_none() && validity(&[&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &bytes[..]].concat()).is_none());
        }
    }
}
