//! What stands before every router: from where a request really comes, whether it travelled encrypted, and what is answered when not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use clarion_domain::webhooks::target::AllowedNetworks;

/// Which header a proxy writes. Only one is believed: the other would pass through a proxy as a stranger wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedBy {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// How requests reach this process.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// The listener itself speaks TLS.
    pub tls: bool,
    /// Whose word is taken for where a request came from.
    pub proxies: AllowedNetworks,
    pub forwarded_by: ForwardedBy,
    /// Where browsers are sent that came by plain http.
    pub public_url: Option<String>,
    /// What is said of what travels encrypted.
    pub transport_security: Option<TransportSecurity>,
}

/// `Strict-Transport-Security`, by the host that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSecurity {
    /// Of the host of `public_url`, which is the operator's: it may speak for the hosts below.
    pub own: HeaderValue,
    /// Of every other, such as the name of a tenant's short links.
    pub others: HeaderValue,
}

/// Who asks, after all proxies that are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// By plain http from a machine that is not let in that way.
    Refused,
    /// A proxy says that its client came by plain http.
    Unencrypted,
    LetIn { address: IpAddr, encrypted: bool },
}

/// One step of a request's way, as a proxy writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hop {
    address: Option<IpAddr>,
    proto: Option<String>,
}

/// Puts the front before everything that the router answers.
pub fn behind(router: Router, front: Front) -> Router {
    router.layer(from_fn_with_state(Arc::new(front), before))
}

/// Lets only these networks and this machine itself in.
pub fn only_from(router: Router, networks: AllowedNetworks) -> Router {
    router.layer(from_fn_with_state(Arc::new(networks), named))
}

async fn named(State(networks): State<Arc<AllowedNetworks>>, request: Request, next: Next) -> Response {
    match peer(&request) {
        Some(peer) if !is_named(peer, &networks) => (StatusCode::FORBIDDEN, "This address is for the operator alone.\n").into_response(),
        _ => next.run(request).await,
    }
}

fn is_named(peer: IpAddr, networks: &AllowedNetworks) -> bool {
    peer.is_loopback() || networks.names(peer)
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical())
}

/// For answers that say nothing of it themselves, such as those to programs: a browser that is led to one runs nothing in it, frames it nowhere
/// and takes it for nothing else than it says.
const POLICY: &str = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn harmless(mut response: Response) -> Response {
    for (name, value) in [(header::CONTENT_SECURITY_POLICY, POLICY), (header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "same-origin")] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn before(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    harmless(pass(&front, request, next).await)
}

async fn pass(front: &Front, mut request: Request, next: Next) -> Response {
    let Some(peer) = peer(&request) else { return next.run(request).await };
    let (address, encrypted) = match front.arrival(peer, request.headers()) {
        Arrival::Refused => return (StatusCode::FORBIDDEN, "This address speaks plain http, and to its proxy alone: use the https address.\n").into_response(),
        Arrival::Unencrypted => return to_https(front.public_url.as_deref(), &request),
        Arrival::LetIn { address, encrypted } => (address, encrypted),
    };
    request.extensions_mut().insert(Client { address });
    // HTTP/2 says the host in the address itself; everything behind reads the header.
    if !request.headers().contains_key(header::HOST)
        && let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let transport_security = front.transport_security(request.headers());
    let mut response = next.run(request).await;
    if let Some(value) = transport_security.filter(|_| encrypted) {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// A page is asked for again by https. A program is not led on: its key has travelled in the clear, and it would go on so unnoticed.
pub fn to_https(public_url: Option<&str>, request: &Request) -> Response {
    let looks = request.method() == Method::GET || request.method() == Method::HEAD;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let to = public_url.filter(|_| looks && !path.starts_with("/api/")).and_then(|base| HeaderValue::from_str(&format!("{}{path}", base.trim_end_matches('/'))).ok());
    harmless(match to {
        Some(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
        None => (StatusCode::FORBIDDEN, "This came by plain http: use the https address. A key or password that was sent belongs to be replaced.\n").into_response(),
    })
}

impl Front {
    fn arrival(&self, peer: IpAddr, headers: &HeaderMap) -> Arrival {
        let believed = self.proxies.names(peer);
        if !self.tls && !is_named(peer, &self.proxies) {
            return Arrival::Refused;
        }
        if !believed {
            return Arrival::LetIn { address: peer, encrypted: self.tls };
        }
        let hops = match self.forwarded_by {
            ForwardedBy::XForwarded => x_forwarded(headers),
            ForwardedBy::Forwarded => forwarded(headers),
        };
        match self.walk(peer, &hops) {
            (_, Some(proto)) if proto.eq_ignore_ascii_case("http") => Arrival::Unencrypted,
            // A proxy is named together with the https address that it serves.
            (address, _) => Arrival::LetIn { address, encrypted: true },
        }
    }

    /// From us outwards, as long as the one who speaks is believed: the address that the outermost of them saw, and by what it was asked.
    /// Between proxies plain http may be spoken.
    fn walk<'a>(&self, peer: IpAddr, hops: &'a [Hop]) -> (IpAddr, Option<&'a str>) {
        let (mut client, mut proto) = (peer, None);
        for hop in hops.iter().rev() {
            if !self.proxies.names(client) {
                break;
            }
            proto = hop.proto.as_deref();
            match hop.address {
                Some(address) => client = address,
                None => break,
            }
        }
        (client, proto)
    }

    fn transport_security(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let said = self.transport_security.as_ref()?;
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let own = self.public_url.as_deref().and_then(|url| url.strip_prefix("https://")).is_some_and(|own| bare_host(own).eq_ignore_ascii_case(bare_host(asked)));
        Some(if own { said.own.clone() } else { said.others.clone() })
    }
}

/// Without port and path.
fn bare_host(authority: &str) -> &str {
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// All lines of a header as one list. What a stranger put before it must not hide what a proxy added: bytes that are no text stand for themselves.
fn list(headers: &HeaderMap, name: &'static str) -> String {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
}

fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let (addresses, protos) = (list(headers, "x-forwarded-for"), list(headers, "x-forwarded-proto"));
    let mut hops: Vec<Hop> = addresses.split(',').map(|text| Hop { address: address(text), proto: None }).collect();
    // The two lists end at the same proxy. Of a shorter one the first word holds for all further out: most proxies write it anew, or pass it on.
    let mut protos = protos.rsplit(',').map(str::trim).filter(|proto| !proto.is_empty());
    let mut proto = None;
    for hop in hops.iter_mut().rev() {
        proto = protos.next().or(proto);
        hop.proto = proto.map(str::to_owned);
    }
    hops
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let mut hops = Vec::new();
    for element in outside_quotes(&list(headers, "forwarded"), ',') {
        let mut hop = Hop::default();
        for (name, value) in outside_quotes(element, ';').into_iter().filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.address = address(value),
                "proto" => hop.proto = Some(value.to_owned()),
                _ => {}
            }
        }
        hops.push(hop);
    }
    hops
}

/// Read from the end, where the nearest proxy has written: a quote that a stranger left open hides nothing behind it.
fn outside_quotes(text: &str, at: char) -> Vec<&str> {
    let mut quoted = false;
    let mut parts: Vec<&str> = text
        .rsplit(|c| {
            quoted ^= c == '"';
            c == at && !quoted
        })
        .collect();
    parts.reverse();
    parts
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`; a hidden name is none.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
