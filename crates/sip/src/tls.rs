//! TLS towards a SIP server whose certificate nobody else vouches for: a CA of one's own, or a pin.
//!
//! There are no system roots here on purpose: a trunk is one peer, and its operator says what to trust.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme,
};
use std::sync::Arc;

/// What makes an server's certificate trustworthy.
#[derive(Clone, PartialEq, Eq)]
pub enum Trust {
    /// The contents of a PEM file with one or more certificates: authorities, or the server's own self-signed
    /// one, which is then accepted as it stands, whatever its name and dates.
    CaPem(Vec<u8>),
    /// The SHA-256 of the server's certificate in DER form, whatever its name and dates.
    PinSha256([u8; 32]),
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trust::CaPem(pem) => write!(f, "CaPem({} bytes)", pem.len()),
            Trust::PinSha256(pin) => write!(f, "PinSha256({:02x}{:02x}…)", pin[0], pin[1]),
        }
    }
}

/// TLS settings of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClient {
    /// The name in the server's certificate, also sent as SNI.
    pub server_name: String,
    /// What to trust.
    pub trust: Trust,
}

/// TLS settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM holds no certificate, or a broken one.
    #[error(
        "the CA file holds no readable certificate: give PEM with at least one CERTIFICATE block"
    )]
    NoCertificate,
    /// The PEM holds no private key, or a broken one.
    #[error("the key file holds no readable private key: give PEM with one PRIVATE KEY block")]
    NoKey,
    /// Neither a DNS name nor an IP address.
    #[error("{0:?} is not a server name: give a DNS name or an IP address")]
    BadServerName(String),
    /// A pin of the wrong form.
    #[error("the certificate pin must be 64 hexadecimal digits (colons may stand between)")]
    BadPin,
    /// The TLS library refused the settings.
    #[error("the TLS settings cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
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

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok()
        .filter(|found| !found.is_empty())
        .ok_or(TlsError::NoCertificate)
}

impl TlsClient {
    pub(crate) fn connector(
        &self,
    ) -> Result<(tokio_rustls::TlsConnector, ServerName<'static>), TlsError> {
        let name = ServerName::try_from(self.server_name.clone());
        let name = name.map_err(|_| TlsError::BadServerName(self.server_name.clone()))?;
        let verifier = Arc::new(Verifier::new(&self.trust)?);
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok((tokio_rustls::TlsConnector::from(Arc::new(config)), name))
    }
}

/// TLS for our own listener.
pub fn acceptor(
    certificate_pem: &[u8],
    key_pem: &[u8],
) -> Result<tokio_rustls::TlsAcceptor, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| TlsError::NoKey)?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate_pem)?, key)?;
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

/// The handshake's signature is always checked: knowing a certificate is not having its key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    exact: Vec<CertificateDer<'static>>,
    pin: Option<[u8; 32]>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl Verifier {
    fn new(trust: &Trust) -> Result<Verifier, TlsError> {
        let provider = provider();
        match trust {
            Trust::PinSha256(pin) => Ok(Verifier {
                provider,
                exact: Vec::new(),
                pin: Some(*pin),
                authorities: None,
            }),
            Trust::CaPem(pem) => {
                let exact = certificates(pem)?;
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(exact.iter().cloned());
                let builder = WebPkiServerVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::clone(&provider),
                );
                Ok(Verifier {
                    provider,
                    exact,
                    pin: None,
                    authorities: builder.build().ok(),
                })
            }
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, end_entity);
        let pinned = self.pin.is_some_and(|pin| digest.as_ref() == pin);
        if pinned
            || self
                .exact
                .iter()
                .any(|known| known.as_ref() == end_entity.as_ref())
        {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.authorities {
            Some(webpki) => webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
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
        let client = |name: &str, pem: &str| TlsClient {
            server_name: name.to_owned(),
            trust: Trust::CaPem(pem.as_bytes().to_vec()),
        };
        assert!(matches!(
            client("localhost", "nothing").connector().err(),
            Some(TlsError::NoCertificate)
        ));
        assert!(matches!(
            client("not a name", "").connector().err(),
            Some(TlsError::BadServerName(_))
        ));
    }
}
