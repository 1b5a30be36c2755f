//! Finding servers by NAPTR, SRV and addresses (RFC 3263).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::hop::{Hop, Transport};
use crate::tls::TlsClient;
use crate::trunk::{Found, TrunkConfig, TrunkHost};

/// Servers of one trunk beyond this are left out.
const SERVERS_MAX: usize = 32;

pub struct Resolver {
    names: Option<TokioResolver>,
    v6: bool,
}

impl Resolver {
    /// By these name servers, or the system's. A system without any can still call addresses.
    pub fn new(name_servers: Vec<SocketAddr>, v6: bool) -> Self {
        let builder = if name_servers.is_empty() {
            TokioResolver::builder_tokio().ok()
        } else {
            let servers = name_servers.into_iter().map(|address| {
                let mut udp = ConnectionConfig::udp();
                udp.port = address.port();
                NameServerConfig::new(address.ip(), true, vec![udp])
            });
            Some(TokioResolver::builder_with_config(ResolverConfig::from_parts(None, Vec::new(), servers.collect()), TokioRuntimeProvider::default()))
        };
        Self { names: builder.and_then(|builder| builder.build().ok()), v6 }
    }

    /// The servers of a trunk that names addresses alone: nothing has to be asked.
    pub fn literal(&self, config: &TrunkConfig) -> Option<Vec<Found>> {
        let transport = config.transport.unwrap_or_default();
        let found = config.hosts.iter().zip(0..).map(|(host, place)| {
            let ip: IpAddr = host.host.parse().ok()?;
            let address = SocketAddr::new(ip, host.port.unwrap_or(transport.default_port()));
            Some(Found { hop: Hop { transport, address, tls: config.tls_of(place as usize) }, priority: place << 16, weight: 0 })
        });
        found.collect()
    }

    pub async fn trunk(&self, config: &TrunkConfig) -> Result<Vec<Found>, String> {
        let mut found = Vec::new();
        for (host, place) in config.hosts.iter().zip(0u32..) {
            let mut servers = self.host(host, config.transport, config.tls_of(place as usize)).await;
            for server in &mut servers {
                server.priority |= place << 16;
            }
            found.append(&mut servers);
        }
        found.truncate(SERVERS_MAX);
        if found.is_empty() {
            let names: Vec<&str> = config.hosts.iter().map(|host| host.host.as_str()).collect();
            return Err(format!("no server was found for {}", names.join(", ")));
        }
        Ok(found)
    }

    /// The servers for a message within a dialog, or to the target of a redirect.
    pub async fn name(&self, transport: Transport, host: &str, port: Option<u16>, tls: Option<Arc<TlsClient>>) -> Vec<Found> {
        let host = TrunkHost { host: host.to_owned(), port };
        let mut found = self.host(&host, Some(transport), tls).await;
        found.sort_by_key(|found| found.priority);
        found.truncate(SERVERS_MAX);
        found
    }

    async fn host(&self, host: &TrunkHost, transport: Option<Transport>, tls: Option<Arc<TlsClient>>) -> Vec<Found> {
        let name = host.host.as_str();
        if host.port.is_none() && name.parse::<IpAddr>().is_err() {
            let services = match transport {
                Some(transport) => vec![(transport, service(transport, name))],
                None => self.naptr(name).await.unwrap_or_else(|| [Transport::Udp, Transport::Tcp].map(|transport| (transport, service(transport, name))).into()),
            };
            for (transport, service) in services {
                let found = self.srv(&service, transport, tls.clone()).await;
                if !found.is_empty() {
                    return found;
                }
            }
        }
        let transport = transport.unwrap_or_default();
        let port = host.port.unwrap_or(transport.default_port());
        self.addresses(name).await.into_iter().map(|ip| Found { hop: Hop { transport, address: SocketAddr::new(ip, port), tls: tls.clone() }, priority: 0, weight: 0 }).collect()
    }

    /// Transports and their service names, in the domain's order; `None` without any that we speak.
    async fn naptr(&self, name: &str) -> Option<Vec<(Transport, String)>> {
        let lookup = self.names.as_ref()?.lookup(absolute(name), RecordType::NAPTR).await.ok()?;
        let mut services: Vec<(u16, u16, Transport, String)> = lookup.answers().iter().filter_map(|record| match &record.data {
            RData::NAPTR(naptr) => {
                let transport = match naptr.services.to_ascii_uppercase().as_slice() {
                    b"SIP+D2U" => Transport::Udp,
                    b"SIP+D2T" => Transport::Tcp,
                    b"SIPS+D2T" => Transport::Tls,
                    _ => return None,
                };
                Some((naptr.order, naptr.preference, transport, naptr.replacement.to_string()))
            }
            _ => None,
        }).collect();
        services.sort_by_key(|(order, preference, ..)| (*order, *preference));
        (!services.is_empty()).then(|| services.into_iter().map(|(_, _, transport, service)| (transport, service)).collect())
    }

    async fn srv(&self, service: &str, transport: Transport, tls: Option<Arc<TlsClient>>) -> Vec<Found> {
        let Some(names) = &self.names else { return Vec::new() };
        let Ok(lookup) = names.lookup(absolute(service), RecordType::SRV).await else { return Vec::new() };
        let mut found = Vec::new();
        for record in lookup.answers().iter().take(SERVERS_MAX) {
            let RData::SRV(srv) = &record.data else { continue };
            for ip in self.addresses(&srv.target.to_string()).await {
                found.push(Found { hop: Hop { transport, address: SocketAddr::new(ip, srv.port), tls: tls.clone() }, priority: u32::from(srv.priority), weight: srv.weight });
            }
        }
        found
    }

    /// Addresses of the family that our sockets have.
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        if let Ok(ip) = name.parse() {
            return vec![ip];
        }
        let kind = if self.v6 { RecordType::AAAA } else { RecordType::A };
        let from_dns = match &self.names {
            Some(names) => names.lookup(absolute(name), kind).await.map(|lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect()).unwrap_or_default(),
            None => Vec::new(),
        };
        if !from_dns.is_empty() {
            return from_dns;
        }
        // The hosts file, and whatever else the system knows.
        tokio::net::lookup_host((name.trim_end_matches('.'), 0)).await.map(|found| found.map(|address| address.ip()).filter(|ip| ip.is_ipv6() == self.v6).collect()).unwrap_or_default()
    }
}

fn service(transport: Transport, name: &str) -> String {
    match transport {
        Transport::Udp => format!("_sip._udp.{name}"),
        Transport::Tcp => format!("_sip._tcp.{name}"),
        Transport::Tls => format!("_sips._tcp.{name}"),
    }
}

/// Without the search list of the machine.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}
