//! The listening side by halves: first what the client asks for, then the handshake with the certificate chosen by that.

use std::io;

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::{Certificate, TlsError};

/// A connection whose handshake is done.
pub type HandshakeIo = tokio_rustls::server::TlsStream<TcpStream>;

/// A client that has said what it wants.
pub struct Hello(StartHandshake<TcpStream>);

/// Waits for the first words of a client.
pub async fn read_hello(stream: TcpStream) -> io::Result<Hello> {
    Ok(Hello(LazyConfigAcceptor::new(Acceptor::default(), stream).await?))
}

impl Hello {
    /// Whether this protocol is among those that the client would speak.
    #[must_use]
    pub fn offers(&self, protocol: &[u8]) -> bool {
        self.0.client_hello().alpn().is_some_and(|mut offered| offered.any(|name| name == protocol))
    }

    /// The host that it asks for.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.0.client_hello().server_name().map(str::to_ascii_lowercase)
    }

    pub async fn go_on(self, certificate: &Certificate) -> io::Result<HandshakeIo> {
        self.0.into_stream(certificate.config()).await
    }
}

/// The certificate by which an authority sees that this server has its account's key (tls-alpn-01, RFC 8737).
pub fn challenge_certificate(name: &str, key_authorization: &str) -> Result<Certificate, TlsError> {
    let digest = ring::digest::digest(&ring::digest::SHA256, key_authorization.as_bytes());
    let made = || -> Result<_, rcgen::Error> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
        let key = KeyPair::generate()?;
        Ok((params.self_signed(&key)?.der().clone(), key.serialize_der()))
    };
    let (own, key) = made().map_err(TlsError::Made)?;
    Certificate::made(own, PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key)), &["acme-tls/1"])
}

/// A key and the request to have it certified for these names: DER of the request, PEM of the key.
pub fn signing_request(names: &[String]) -> Result<(Vec<u8>, String), TlsError> {
    let made = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        Ok((params.serialize_request(&key)?.der().to_vec(), key.serialize_pem()))
    };
    made().map_err(TlsError::Made)
}

/// Says once for this process which implementation the libraries use that ask for none.
pub fn use_ring() {
    // Whoever comes second finds the same one there.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authoritys_question_is_answered_with_a_certificate() {
        let made = challenge_certificate("contact.example.net", "token.thumbprint").expect("a certificate");
        assert_eq!(made.config().alpn_protocols, [b"acme-tls/1".to_vec()]);
        let (request, key) = signing_request(&["contact.example.net".to_owned()]).expect("a request");
        assert!(request.starts_with(&[0x30]) && key.contains("PRIVATE KEY"));
    }
}
