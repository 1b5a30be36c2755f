//! TLS settings that cannot be used, and what to do about it.

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM holds no certificate, or a broken one.
    #[error("the CA file holds no readable certificate: give PEM with at least one CERTIFICATE block")]
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
    /// This machine trusts nobody.
    #[error("this machine has no certificates of public authorities (package ca-certificates): install them, or give the carrier's authority or pin")]
    NoPublicAuthorities,
    /// The TLS library refused the settings.
    #[error("the TLS settings cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}
