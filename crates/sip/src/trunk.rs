//! A trunk: the servers of one carrier, how they are used, and whether they are there.

mod register;
mod servers;
mod watch;

pub use servers::{Found, Servers};
pub use watch::Watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::auth::Credentials;
use crate::call::{CallRules, Redirects};
use crate::hop::Transport;
use crate::tls::TlsClient;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrunkKey(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkPurpose {
    Ping,
    Register,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrunkAlarm {
    Ping,
    Resolve,
    /// With the number of the REGISTER that set it.
    Register(u32),
    /// A server's Retry-After is over.
    Review,
}

/// A server as it was configured: a name to look up by NAPTR and SRV, or a name or address with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkHost {
    pub host: String,
    /// With a port, SRV is not asked (RFC 3263, section 4.2).
    pub port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// What we ask for; the registrar may shorten it.
    pub expires: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkConfig {
    /// In order of preference; SRV orders the servers of one name.
    pub hosts: Vec<TrunkHost>,
    /// `None` lets NAPTR decide, and is UDP without one.
    pub transport: Option<Transport>,
    /// What to trust over TLS. The name is the first server's; each further one shows its own.
    pub tls: Option<TlsClient>,
    /// The host in the URIs of From, To and the request; that of the first server when `None`.
    pub domain: Option<String>,
    pub credentials: Option<Credentials>,
    /// REGISTER as the user of `credentials`.
    pub registration: Option<Registration>,
    /// How often each server is asked whether it is there; `None` trusts that it is.
    pub options_interval: Option<Duration>,
    /// How often names are looked up anew.
    pub resolve_interval: Duration,
    /// The wait for any answer at all before the next server is tried.
    pub silence_max: Duration,
    /// The session interval that we ask for (RFC 4028).
    pub session_expires: Option<Duration>,
    /// The shortest session interval that we bear.
    pub session_min: Duration,
    /// Offer 100rel (RFC 3262).
    pub reliable_provisional: bool,
    pub redirects: Redirects,
}

impl TrunkConfig {
    /// One server by name or address, all else as most carriers have it.
    #[must_use]
    pub fn new(host: &str, port: Option<u16>) -> Self {
        Self {
            hosts: vec![TrunkHost { host: host.to_owned(), port }],
            transport: None,
            tls: None,
            domain: None,
            credentials: None,
            registration: None,
            options_interval: Some(Duration::from_secs(30)),
            resolve_interval: Duration::from_secs(300),
            silence_max: Duration::from_secs(4),
            session_expires: Some(Duration::from_secs(1_800)),
            session_min: Duration::from_secs(90),
            reliable_provisional: true,
            redirects: Redirects::End,
        }
    }

    /// The host of our URIs.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domain.as_deref().or_else(|| self.hosts.first().map(|host| host.host.as_str())).unwrap_or("invalid")
    }

    /// What to trust of the server in this place.
    pub(crate) fn tls_of(&self, place: usize) -> Option<Arc<TlsClient>> {
        let tls = self.tls.as_ref()?;
        let server_name = self.hosts.get(place).filter(|_| place > 0).map_or(&tls.server_name, |host| &host.host);
        Some(Arc::new(TlsClient { server_name: server_name.clone(), trust: tls.trust.clone() }))
    }

    #[must_use]
    pub fn rules(&self) -> CallRules {
        CallRules {
            credentials: self.credentials.clone(),
            session_expires: self.session_expires,
            session_min: self.session_min,
            reliable_provisional: self.reliable_provisional,
            silence_max: self.silence_max,
            redirects: self.redirects,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Nothing is known yet.
    Starting,
    Up,
    /// Some of its servers are not there.
    Degraded,
    Down,
}

/// Whether a trunk can take calls, why it cannot, and since when (by the monotonic clock).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkState {
    pub condition: Condition,
    /// A sentence for the operator; empty when all is well.
    pub reason: String,
    pub since: Instant,
}
