//! TLS settings that cannot be used, and what to do about it.

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM holds no certificate, or a broken one.
    #[error("there is no readable certificate: give PEM with at least one CERTIFICATE block")]
    NoCertificate,
    /// The PEM holds no private key, or a broken one.
    #[error("there is no readable private key: give PEM with one PRIVATE KEY block")]
    NoKey,
    /// Not a certificate inside, or one without dates.
    #[error("the certificate's dates cannot be read: give it as PEM, the server's own first")]
    NoDates,
    /// Two files of two moments.
    #[error("the key does not belong to the certificate: give the two that were made together")]
    OtherKey,
    /// A certificate of ours could not be made.
    #[error("no certificate could be made: {0}")]
    Made(rcgen::Error),
    /// Neither a DNS name nor an IP address.
    #[error("{0:?} is not a server name: give a DNS name or an IP address")]
    BadServerName(String),
    /// A pin of the wrong form.
    #[error("the certificate pin must be 64 hexadecimal digits (colons may stand between)")]
    BadPin,
    /// This machine trusts nobody.
    #[error("this machine has no certificates of public authorities: install them (package ca-certificates), or mend what SSL_CERT_FILE names and start again, or give the carrier's authority or pin")]
    NoPublicAuthorities,
    /// It chains to nobody whom these settings trust.
    #[error("the certificate of {0} comes from an authority that is not trusted: give the carrier's authority (PEM) or the certificate's pin in the settings")]
    UnknownAuthority(String),
    /// The name is not among those that it was made for.
    #[error("the certificate is not for {server_name} but for {names}: give the name that it was made for as the host, or its pin")]
    WrongName { server_name: String, names: String },
    #[error("the certificate of {0} has expired: the carrier must renew it; if it has, set this machine's clock")]
    Expired(String),
    #[error("the certificate of {0} is not valid yet: set this machine's clock, or ask the carrier")]
    NotYetValid(String),
    /// A pin, and another certificate.
    #[error("the certificate of {0} is not the one that was pinned: ask the carrier whether it was renewed, and give the new pin")]
    OtherThanPinned(String),
    /// It is wrong in another way.
    #[error("the certificate of {server_name} cannot be trusted ({reason}): ask the carrier")]
    Certificate { server_name: String, reason: String },
    /// No certificate was refused: what answers there may not speak TLS.
    #[error("TLS with {server_name} did not come about ({reason}): see whether host, port and transport are right")]
    Handshake { server_name: String, reason: String },
    /// The TLS library refused the settings.
    #[error("the TLS settings cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}
