//! Where a request came from: browser, network address, and the site before this one. A session keeps browser and system by name, and the
//! address without its last part: as much as a user needs to know their own sign-ins.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use clarion_domain::tenancy::activity::site_of;
use clarion_store::tenancy::SignInFrom;

use super::recorder::other_site;
use crate::front::Client;

#[derive(Clone)]
pub struct CameFrom {
    pub address: Option<IpAddr>,
    /// As the browser names itself.
    pub agent: String,
    /// Another site than this, where there was one.
    pub site: Option<String>,
    browser: String,
    place: String,
}

impl CameFrom {
    pub fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        // Without a front, as in a test, the peer itself.
        let peer = || extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let address = extensions.get::<Client>().map(|client| client.address).or_else(peer);
        Self { address, agent: agent.to_owned(), site: other_site(headers), browser: browser(agent), place: address.map(masked).unwrap_or_default() }
    }

    /// As the form of the sign-in has carried it on.
    pub fn by_way_of(self, site: &str) -> Self {
        Self { site: site_of(site), ..self }
    }

    /// What is slowed down together: one address, of which a household or a server has 2^64 in IPv6. The space keeps it apart from usernames.
    pub fn network(&self) -> String {
        match self.address.map(|address| address.to_canonical()) {
            None => String::new(),
            Some(IpAddr::V4(address)) => format!("from {address}"),
            Some(IpAddr::V6(address)) => format!("from {:x?}", &address.segments()[..4]),
        }
    }

    pub fn sign_in(&self) -> SignInFrom<'_> {
        SignInFrom { browser: &self.browser, place: &self.place }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CameFrom {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers))
    }
}

/// Without its end: the last byte of four, all but the first 48 bits of 128.
pub fn masked(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.…")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:…")
        }
    }
}

/// The first that fits: browsers name those before them too.
const BROWSERS: &[(&str, &str)] = &[("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];
const SYSTEMS: &[(&str, &str)] = &[("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")];

fn browser(agent: &str) -> String {
    let name = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (name(BROWSERS), name(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.into(),
        (None, None) => "Unknown browser".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_browsers_and_hides_the_end_of_addresses() {
        assert_eq!(browser("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0"), "Edge on Windows");
        assert_eq!(browser("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"), "Safari on iOS");
        assert_eq!(browser("<b>"), "Unknown browser");
        assert_eq!(masked("203.0.113.77".parse().expect("an address")), "203.0.113.…");
        assert_eq!(masked("2001:db8:17::9".parse().expect("an address")), "2001:db8:17:…");
    }
}
