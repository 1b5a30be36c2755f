//! What the DNS of a name says: whose it is.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

/// Records of one name beyond this are not looked at.
const RECORDS_MAX: usize = 50;

/// Why a name is not shown to be its tenant's, in words.
pub(super) enum NotHeld {
    /// Its DNS answered, and says something else.
    Missing(&'static str),
    /// Nobody knows: no name server answered, or none is known.
    NotAsked(&'static str),
}

impl NotHeld {
    const MISSING: Self = Self::Missing("the name's DNS does not say that it is yours: add the TXT record that is shown here, and wait until it is known everywhere");
}

/// Name servers to ask.
pub struct Names {
    resolver: Option<TokioResolver>,
}

impl Names {
    /// The system's. A system without any shows nothing of a name.
    #[must_use]
    pub fn of_the_system() -> Self {
        let built = TokioResolver::builder_tokio().map_err(|error| error.to_string()).and_then(|mut builder| {
            // The owner has just written the record, and looks again: what was not there a moment ago is asked anew.
            builder.options_mut().cache_size = 0;
            builder.build().map_err(|error| error.to_string())
        });
        match built {
            Ok(resolver) => Self { resolver: Some(resolver) },
            Err(error) => {
                tracing::warn!(error, "no name server is known: names for short links cannot be shown to be anybody's");
                Self { resolver: None }
            }
        }
    }

    #[must_use]
    pub fn at(server: SocketAddr) -> Self {
        let mut udp = ConnectionConfig::udp();
        udp.port = server.port();
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![NameServerConfig::new(server.ip(), true, vec![udp])]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().cache_size = 0;
        Self { resolver: builder.build().ok() }
    }

    /// Whether a TXT record of this name is just this text.
    pub(super) async fn hold(&self, record: &str, text: &str) -> Result<(), NotHeld> {
        let Some(resolver) = &self.resolver else {
            return Err(NotHeld::NotAsked("this server knows no name server to ask whose name this is: its operator gives it one in /etc/resolv.conf"));
        };
        let found = match resolver.lookup(format!("{record}."), RecordType::TXT).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Err(NotHeld::MISSING),
            Err(_) => return Err(NotHeld::NotAsked("the name's DNS gave no answer just now: it is asked again every few minutes")),
        };
        let says = |data: &RData| matches!(data, RData::TXT(txt) if txt.txt_data.concat().trim_ascii() == text.as_bytes());
        if found.answers().iter().take(RECORDS_MAX).any(|record| says(&record.data)) { Ok(()) } else { Err(NotHeld::MISSING) }
    }
}
