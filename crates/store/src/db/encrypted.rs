//! TLS towards PostgreSQL, and when it is asked for: nothing travels in the clear to another machine unless the address says so.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use clarion_tls::{ClientIo, TlsClient, TlsError, Trust};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Config, Socket};

use super::DbError;

/// Reads the address of a PostgreSQL server, and how its certificate is checked; `None` where nothing is encrypted. `ca_pem` is the
/// authority that signed it, when this machine does not know that one.
pub fn read(url: &str, ca_pem: Option<Vec<u8>>) -> Result<(Config, Option<Encrypted>), DbError> {
    let wrong = |words: &str| DbError::Unreachable(format!("database.url {words}"));
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (ours, others): (Vec<&str>, Vec<&str>) = query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("sslmode=") || pair.starts_with("sslrootcert="));
    if ours.iter().any(|pair| pair.starts_with("sslrootcert=")) {
        return Err(wrong("says sslrootcert: name that file as database.ca_file instead"));
    }
    let rest = if others.is_empty() { address.to_owned() } else { format!("{address}?{}", others.join("&")) };
    let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        wrong(&format!("does not read as postgres://user:password@host/database: {why}"))
    })?;
    let encrypts = match ours.last().and_then(|pair| pair.strip_prefix("sslmode=")) {
        Some("verify-full" | "require") => true,
        Some("disable") => false,
        None if is_this_machine(&config) => false,
        None => return Err(wrong("leads to another machine and does not say how: add ?sslmode=verify-full (with database.ca_file for an authority of your own), or ?sslmode=disable where nobody else can listen on the way")),
        Some(_) => return Err(wrong("has an sslmode that is not offered: write verify-full (require means the same here), or disable")),
    };
    config.ssl_mode(if encrypts { SslMode::Require } else { SslMode::Disable });
    Ok((config, encrypts.then(|| Encrypted(ca_pem.map_or(Trust::Public, Trust::CaPem)))))
}

fn is_this_machine(config: &Config) -> bool {
    config.get_hostaddrs().iter().all(IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        })
}

/// Makes encrypted connections to servers whose certificate is for the name that they were asked by.
#[derive(Clone)]
pub struct Encrypted(Trust);

impl MakeTlsConnect<Socket> for Encrypted {
    type Stream = Stream;
    type TlsConnect = Connect;
    type Error = TlsFault;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Connect, TlsFault> {
        Ok(Connect(TlsClient { server_name: domain.to_owned(), trust: self.0.clone() }))
    }
}

pub struct Connect(TlsClient);

impl TlsConnect<Socket> for Connect {
    type Stream = Stream;
    type Error = TlsFault;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, TlsFault>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { self.0.connect(socket).await.map(Stream).map_err(TlsFault) })
    }
}

/// Why the server's certificate was refused, in words for whoever runs the database.
#[derive(Debug)]
pub struct TlsFault(TlsError);

impl std::fmt::Display for TlsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            TlsError::UnknownAuthority(name) => write!(f, "the certificate of {name} comes from an authority that is not trusted: name the authority's file (PEM) as database.ca_file"),
            TlsError::WrongName { server_name, names } => write!(f, "the certificate is not for {server_name} but for {names}: write the name that it was made for in database.url"),
            TlsError::Expired(name) => write!(f, "the certificate of {name} has expired: renew it; if it was, set this machine's clock"),
            TlsError::Certificate { server_name, reason } => write!(f, "the certificate of {server_name} cannot be trusted ({reason}): see whether database.ca_file holds the authority that signed it"),
            TlsError::Handshake { server_name, reason } => write!(f, "{server_name} did not go through with it ({reason})"),
            TlsError::NoCertificate => f.write_str("database.ca_file holds no readable certificate: give PEM with at least one CERTIFICATE block"),
            other => other.fmt(f),
        }
    }
}

impl Error for TlsFault {}

pub struct Stream(ClientIo<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_another_machine_in_the_clear_unless_it_is_said() {
        let encrypts = |url: &str| read(url, None).map(|(config, encrypted)| (config.get_ssl_mode() == SslMode::Require, encrypted.is_some()));
        for url in ["postgres://a@localhost/a", "postgres://a@127.0.0.1:5499/a", "postgres://a@[::1]/a", "postgres:///a?host=/run/postgresql", "postgres://a@db/a?sslmode=disable", "postgres://a@localhost/a?sslmode=disable&connect_timeout=3"] {
            assert_eq!(encrypts(url).expect(url), (false, false), "{url}");
        }
        for url in ["postgres://a@db/a?sslmode=require", "postgres://a@db.example.net/a?connect_timeout=3&sslmode=verify-full", "postgres://a@localhost/a?sslmode=verify-full"] {
            assert_eq!(encrypts(url).expect(url), (true, true), "{url}");
        }
        for (url, says) in [
            ("postgres://a@db/a", "add ?sslmode=verify-full"),
            ("postgres://a@localhost,db/a", "add ?sslmode=verify-full"),
            ("postgres://a@localhost/a?hostaddr=192.0.2.1", "add ?sslmode=verify-full"),
            ("postgres://a@db/a?sslmode=prefer", "is not offered"),
            ("postgres://a@db/a?sslmode=verify-full&sslrootcert=/x", "database.ca_file"),
            ("postgres://a@db/a?wrong=1&sslmode=disable", "does not read"),
        ] {
            let error = encrypts(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
