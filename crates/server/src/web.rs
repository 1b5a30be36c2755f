//! How the web's doors stand open: from the configuration to listeners, certificates and what is believed of a proxy. Nothing is spoken in
//! the clear to another machine unless the configuration says who is at the other end.

pub mod acme;
pub mod held;
pub mod listener;
pub mod own_files;
pub mod redirect;

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::HeaderValue;
use clarion_domain::webhooks::target::AllowedNetworks;
use clarion_edge::{Cookies, Share};
use clarion_edge::front::{ForwardedBy, Front, TransportSecurity};

use self::own_files::OwnFiles;
use crate::config::{AcmeSettings, Config, ConfigError, ProxyHeader, WebSettings};

/// The best first.
pub const SPOKEN: [&str; 2] = ["h2", "http/1.1"];

/// What the web's listener speaks.
#[derive(Debug, Clone)]
pub enum Carrier {
    /// Plain http: to this machine, or to proxies that are named.
    Clear,
    /// TLS with a certificate from these files.
    OwnFiles(OwnFiles),
    /// TLS with a certificate that is fetched.
    Acme(AcmePlan),
}

/// From whom a certificate is fetched, for which hosts.
#[derive(Debug, Clone)]
pub struct AcmePlan {
    pub domains: Vec<String>,
    pub contact: String,
    pub directory_url: String,
    pub directory_ca_file: Option<PathBuf>,
    pub eab: Option<AccountBinding>,
    /// Port 80 answers: by it rather than by the listener of TLS itself.
    pub by_http: bool,
}

/// What ties an account to a customer whom the authority knows (RFC 8555, 7.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBinding {
    pub key_id: String,
    /// Read when an account is made.
    pub key_file: PathBuf,
}

impl AcmePlan {
    /// As the store names the certificate.
    pub fn names(&self) -> String {
        self.domains.join(" ")
    }
}

/// All that the doors of the web need to know.
#[derive(Debug, Clone)]
pub struct WebPlan {
    pub listen: SocketAddr,
    pub redirect_listen: Option<SocketAddr>,
    pub carrier: Carrier,
    pub front: Front,
    pub cookies: Cookies,
    pub public_url: Option<String>,
    /// Connections that one address may hold.
    pub connections_max: usize,
}

/// The operator's own door.
#[derive(Debug, Clone)]
pub struct MetricsPlan {
    pub listen: SocketAddr,
    pub networks: AllowedNetworks,
    pub tls: bool,
}

impl WebPlan {
    /// Plain http on this machine's own address: the demo.
    pub fn loopback(port: u16) -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], port)), redirect_listen: None, carrier: Carrier::Clear, front: Front::default(), cookies: Cookies::PlainLoopback, public_url: None, connections_max: WebSettings::default().connections_per_address_max }
    }

    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        let web = &config.web;
        let proxies = proxies(&web.behind_proxy)?;
        let carrier = carrier(config)?;
        let public_url = public_url(config, &carrier)?;
        let tls = !matches!(carrier, Carrier::Clear);
        if !tls {
            refuse_the_clear(web.listen, &proxies, public_url.as_deref())?;
        }
        if web.redirect_listen.is_some() && public_url.is_none() {
            return Err(ConfigError::new("web.redirect_listen leads to web.public_url: give that, too"));
        }
        if web.redirect_listen == Some(web.listen) {
            return Err(ConfigError::new("web.redirect_listen and web.listen are the same address: the first is for plain http, such as port 80"));
        }
        let encrypted = tls || !proxies.0.is_empty();
        let forwarded_by = match web.proxy_header {
            ProxyHeader::XForwardedFor => ForwardedBy::XForwarded,
            ProxyHeader::Forwarded => ForwardedBy::Forwarded,
        };
        let front = Front { tls, proxies, forwarded_by, public_url: public_url.clone(), transport_security: transport_security(config) };
        let cookies = if encrypted { Cookies::Secure } else { Cookies::PlainLoopback };
        Ok(Self { listen: web.listen, redirect_listen: web.redirect_listen, carrier, front, cookies, public_url, connections_max: web.connections_per_address_max })
    }

    /// Of all connections; proxies bring those of many.
    pub fn share(&self) -> Share {
        Share { connections_max: self.connections_max, exempt: self.front.proxies.clone() }
    }

    /// For `clarion check`: who encrypts.
    pub fn words(&self) -> String {
        let whose = match &self.carrier {
            Carrier::Clear if self.front.proxies.0.is_empty() => "plain http, for this machine alone".to_owned(),
            Carrier::Clear => "plain http, for this machine and the proxies named".to_owned(),
            Carrier::OwnFiles(files) => format!("https with the certificate in {}", files.certificate.display()),
            Carrier::Acme(plan) => format!("https with a certificate for {} from {}", plan.domains.join(", "), plan.directory_url),
        };
        format!("{whose}, on {}", self.listen)
    }
}

impl MetricsPlan {
    pub fn read(config: &Config, web: &WebPlan) -> Result<Self, ConfigError> {
        let settings = &config.metrics;
        let networks = networks("metrics.allow_networks", &settings.allow_networks)?;
        if !settings.listen.ip().is_loopback() && networks.0.is_empty() {
            return Err(ConfigError::new(format!(
                "metrics.listen {} can be reached from other machines: name the networks that may ask as metrics.allow_networks, or listen on 127.0.0.1",
                settings.listen
            )));
        }
        if settings.tls && matches!(web.carrier, Carrier::Clear) {
            return Err(ConfigError::new("metrics.tls needs a certificate: web.tls_certificate_file with web.tls_key_file, or acme.domains"));
        }
        Ok(Self { listen: settings.listen, networks, tls: settings.tls })
    }
}

pub fn networks(key: &str, texts: &[String]) -> Result<AllowedNetworks, ConfigError> {
    let read = |text: &String| text.parse().map_err(|error| ConfigError::new(format!("{key}: {error}")));
    Ok(AllowedNetworks(texts.iter().map(read).collect::<Result<_, _>>()?))
}

fn carrier(config: &Config) -> Result<Carrier, ConfigError> {
    let web = &config.web;
    let files = match (&web.tls_certificate_file, &web.tls_key_file) {
        (Some(certificate), Some(key)) => Some(Carrier::OwnFiles(OwnFiles { certificate: certificate.clone(), key: key.clone() })),
        (None, None) => None,
        _ => return Err(ConfigError::new("web.tls_certificate_file and web.tls_key_file belong together: give both")),
    };
    match (files, config.acme.domains.is_empty()) {
        (Some(_), false) => Err(ConfigError::new("web.tls_certificate_file and acme.domains are both given: keep one")),
        (Some(files), true) => Ok(files),
        (None, false) => Ok(Carrier::Acme(acme(&config.acme, web.redirect_listen.is_some())?)),
        (None, true) => Ok(Carrier::Clear),
    }
}

fn acme(settings: &AcmeSettings, by_http: bool) -> Result<AcmePlan, ConfigError> {
    let contact = settings.contact.as_deref().unwrap_or_default().trim_start_matches("mailto:");
    if !contact.contains('@') || contact.contains(char::is_whitespace) {
        return Err(ConfigError::new("acme.contact is the mail address that the authority may write to, such as it@example.net"));
    }
    if !settings.terms_agreed {
        return Err(ConfigError::new("acme.terms_agreed must be true: read the authority's terms first (for Let's Encrypt at https://letsencrypt.org/repository/)"));
    }
    if !settings.directory_url.starts_with("https://") {
        return Err(ConfigError::new("acme.directory_url begins with https://"));
    }
    let mut domains = Vec::new();
    for domain in &settings.domains {
        let name = domain.trim().to_ascii_lowercase();
        let plain = name.contains('.') && name.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        if !plain || name.parse::<std::net::IpAddr>().is_ok() {
            return Err(ConfigError::new(format!("acme.domains: {domain:?} is no host name of this server, such as contact.example.net; wildcards cannot be fetched this way")));
        }
        domains.push(name);
    }
    let eab = match (&settings.eab_key_id, &settings.eab_key_file) {
        (Some(key_id), Some(key_file)) => Some(AccountBinding { key_id: key_id.clone(), key_file: key_file.clone() }),
        (None, None) => None,
        _ => return Err(ConfigError::new("acme.eab_key_id and acme.eab_key_file belong together: give both")),
    };
    Ok(AcmePlan { domains, eab, contact: format!("mailto:{contact}"), directory_url: settings.directory_url.clone(), directory_ca_file: settings.directory_ca_file.clone(), by_http })
}

fn public_url(config: &Config, carrier: &Carrier) -> Result<Option<String>, ConfigError> {
    match (config.web.public_url.as_deref(), carrier) {
        (Some(url), _) if !url.starts_with("https://") => Err(ConfigError::new(format!("web.public_url {url} must begin with https://: sign-ins and contact data do not travel in the clear"))),
        (Some(url), _) => Ok(Some(url.trim_end_matches('/').to_owned())),
        (None, Carrier::Acme(plan)) => Ok(plan.domains.first().map(|domain| format!("https://{domain}"))),
        (None, _) => Ok(None),
    }
}

/// The name under which browsers reach the portal, where the configuration says so.
pub fn own_host(config: &Config) -> Option<String> {
    let address = config.web.public_url.clone().or_else(|| config.acme.domains.first().map(|domain| format!("https://{domain}")))?;
    let (_, rest) = address.split_once("://")?;
    clarion_domain::links::host::named(rest.split('/').next().unwrap_or_default())
}

const WAYS_OUT: &str = "There are three ways out: give it a certificate (web.tls_certificate_file and web.tls_key_file), let it fetch one (acme.domains), \
or name the proxy that speaks TLS in front of it (web.behind_proxy, with web.public_url)";

fn refuse_the_clear(listen: SocketAddr, proxies: &AllowedNetworks, public_url: Option<&str>) -> Result<(), ConfigError> {
    match (proxies.0.is_empty(), public_url) {
        (false, Some(_)) => Ok(()),
        (false, None) => Err(ConfigError::new("web.behind_proxy needs web.public_url: the https address that the proxy serves")),
        (true, Some(url)) => Err(ConfigError::new(format!("web.public_url is {url}, but nothing here speaks https. {WAYS_OUT}"))),
        (true, None) if listen.ip().is_loopback() => Ok(()),
        (true, None) => Err(ConfigError::new(format!("web.listen {listen} can be reached from other machines, and would speak plain http to them. {WAYS_OUT}. Or let it listen on 127.0.0.1"))),
    }
}

fn transport_security(config: &Config) -> Option<TransportSecurity> {
    let seconds = config.web.hsts_seconds;
    let below = if config.web.hsts_subdomains { "; includeSubDomains" } else { "" };
    let said = |below: &str| HeaderValue::from_str(&format!("max-age={seconds}{below}")).ok();
    if seconds == 0 { None } else { Some(TransportSecurity { own: said(below)?, others: said("")? }) }
}

/// Whoever is believed says where requests come from: such a network is one of the operator's own.
fn proxies(texts: &[String]) -> Result<AllowedNetworks, ConfigError> {
    let networks = networks("web.behind_proxy", texts)?;
    match networks.0.iter().zip(texts).find(|(network, _)| network.is_wide()) {
        Some((_, text)) => Err(ConfigError::new(format!("web.behind_proxy {text} is more than one operator's network: whoever asks from there could say to come from anywhere. Name the proxies themselves, such as 10.1.0.2"))),
        None => Ok(networks),
    }
}

#[cfg(test)]
mod tests;
