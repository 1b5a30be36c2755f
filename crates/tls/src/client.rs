//! The asking side: a carrier's certificate is trusted by an authority that the operator names, by a pin, or by the authorities
//! that this machine trusts. The handshake's signature is always checked: knowing a certificate is not having its key.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{TlsError, certificates, provider};

/// A connection whose handshake is done.
pub type ClientIo<I> = tokio_rustls::client::TlsStream<I>;

/// What makes a server's certificate trustworthy.
#[derive(Clone, PartialEq, Eq)]
pub enum Trust {
    /// The contents of a PEM file with one or more certificates: authorities, or the server's own self-signed
    /// one, which is then accepted as it stands, whatever its name and dates.
    CaPem(Vec<u8>),
    /// The SHA-256 of the server's certificate in DER form, whatever its name and dates.
    PinSha256([u8; 32]),
    /// The authorities that this machine trusts (or those in `SSL_CERT_FILE`, read once).
    Public,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CaPem(pem) => write!(f, "CaPem({} bytes)", pem.len()),
            Self::PinSha256(pin) => write!(f, "PinSha256({:02x}{:02x}…)", pin[0], pin[1]),
            Self::Public => write!(f, "Public"),
        }
    }
}

/// TLS settings of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClient {
    /// The name in the server's certificate, also sent as SNI.
    pub server_name: String,
    pub trust: Trust,
}

/// Reads a pin as `openssl x509 -fingerprint -sha256` prints it, with or without colons.
pub fn parse_pin(text: &str) -> Result<[u8; 32], TlsError> {
    let digits: Vec<u8> = text.trim().bytes().filter(|&digit| digit != b':').collect();
    let mut pin = [0; 32];
    if digits.len() != 64 {
        return Err(TlsError::BadPin);
    }
    for (octet, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| TlsError::BadPin)?;
        *octet = u8::from_str_radix(pair, 16).map_err(|_| TlsError::BadPin)?;
    }
    Ok(pin)
}

impl TlsClient {
    /// What makes connections, and the name that each must show.
    pub fn connector(&self) -> Result<(tokio_rustls::TlsConnector, ServerName<'static>), TlsError> {
        let name = ServerName::try_from(self.server_name.clone()).map_err(|_| TlsError::BadServerName(self.server_name.clone()))?;
        let verifier = Arc::new(Verifier::new(&self.trust)?);
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok((tokio_rustls::TlsConnector::from(Arc::new(config)), name))
    }
}

impl TlsClient {
    /// The handshake over a connection that is open.
    pub async fn connect<I: AsyncRead + AsyncWrite + Unpin>(&self, io: I) -> Result<ClientIo<I>, TlsError> {
        let (connector, name) = self.connector()?;
        connector.connect(name, io).await.map_err(|error| self.refused(&error))
    }

    /// Why a handshake failed, with what to do about it.
    #[must_use]
    pub fn refused(&self, error: &std::io::Error) -> TlsError {
        let server_name = self.server_name.clone();
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(rustls::Error::InvalidCertificate(fault)) = cause else {
            return TlsError::Handshake { server_name, reason: cause.map_or_else(|| error.to_string(), ToString::to_string) };
        };
        match fault {
            CertificateError::UnknownIssuer => TlsError::UnknownAuthority(server_name),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsError::Expired(server_name),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsError::NotYetValid(server_name),
            CertificateError::NotValidForName => TlsError::WrongName { server_name, names: "others".to_owned() },
            CertificateError::NotValidForNameContext { presented, .. } => TlsError::WrongName { server_name, names: said(presented) },
            CertificateError::ApplicationVerificationFailure => TlsError::OtherThanPinned(server_name),
            other => TlsError::Certificate { server_name, reason: other.to_string() },
        }
    }
}

/// Names of a certificate, as far as a sentence bears them.
fn said(presented: &[String]) -> String {
    const NAMES_MAX: usize = 4;
    // `DnsName("carrier.example")`, as the library has them.
    let bare = |name: &String| name.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or_else(|| name.clone(), |(name, _)| name.to_owned());
    let mut names: Vec<String> = presented.iter().take(NAMES_MAX).map(bare).collect();
    if presented.len() > NAMES_MAX {
        names.push("others".to_owned());
    }
    if names.is_empty() { "no name".to_owned() } else { names.join(", ") }
}

/// Reading them takes some milliseconds, and they change with the machine's packages alone.
fn public_roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() { Err(TlsError::NoPublicAuthorities) } else { Ok(Arc::clone(roots)) }
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    exact: Vec<CertificateDer<'static>>,
    pin: Option<[u8; 32]>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl Verifier {
    fn new(trust: &Trust) -> Result<Self, TlsError> {
        let mut verifier = Self { provider: provider(), exact: Vec::new(), pin: None, authorities: None };
        let by = |roots: Arc<RootCertStore>| WebPkiServerVerifier::builder_with_provider(roots, provider()).build().ok();
        match trust {
            Trust::PinSha256(pin) => verifier.pin = Some(*pin),
            Trust::CaPem(pem) => {
                verifier.exact = certificates(pem)?;
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(verifier.exact.iter().cloned());
                verifier.authorities = by(Arc::new(roots));
            }
            Trust::Public => verifier.authorities = by(public_roots()?),
        }
        Ok(verifier)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(&self, end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], server_name: &ServerName<'_>, ocsp_response: &[u8], now: UnixTime) -> Result<ServerCertVerified, rustls::Error> {
        let digest = ring::digest::digest(&ring::digest::SHA256, end_entity);
        let pinned = self.pin.is_some_and(|pin| digest.as_ref() == pin);
        if pinned || self.exact.iter().any(|known| known.as_ref() == end_entity.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.authorities {
            Some(webpki) => webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }

    fn verify_tls12_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signature: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signature: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_openssl_prints_it() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(parse_pin(&plain).expect("plain"), [0xAB; 32]);
        assert_eq!(parse_pin(&colons).expect("colons"), [0xAB; 32]);
        assert!(parse_pin("abcd").is_err());
        assert!(parse_pin(&"zz".repeat(32)).is_err());
    }

    #[test]
    fn settings_that_cannot_work_say_so() {
        let client = |name: &str, pem: &str| TlsClient { server_name: name.to_owned(), trust: Trust::CaPem(pem.as_bytes().to_vec()) };
        assert!(matches!(client("localhost", "nothing").connector().err(), Some(TlsError::NoCertificate)));
        assert!(matches!(client("not a name", "").connector().err(), Some(TlsError::BadServerName(_))));
    }
}
