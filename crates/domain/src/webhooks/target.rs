//! Where a webhook may go: an address of the public internet, by HTTPS. Whoever may name an address could otherwise make this
//! server ask its own network on their behalf.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::{Host, Url};

/// A network that the operator allows beside the public ones, as `10.1.0.0/16` or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network: write it as 10.1.0.0/16, fd00:1::/64, or one address")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Larger than 10.0.0.0/8 or, of IPv6, a /16: no network of one operator's.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.bits < if self.address.is_ipv4() { 8 } else { 16 }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(of), IpAddr::V4(is)) => (u32::from(of) ^ u32::from(is)).checked_shr(32 - self.bits).unwrap_or(0) == 0,
            (IpAddr::V6(of), IpAddr::V6(is)) => (u128::from(of) ^ u128::from(is)).checked_shr(128 - self.bits).unwrap_or(0) == 0,
            _ => false,
        }
    }
}

/// The networks that the operator allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(pub Vec<Network>);

/// Why nothing is sent there. The text is for whoever wrote the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    #[error("this is no web address: write it whole, such as https://example.com/clarion")]
    NotAnAddress,
    #[error("an address has at most {URL_CHARS_MAX} characters")]
    TooLong,
    #[error("use https: what is sent over http can be read and changed on its way")]
    NotHttps,
    #[error("leave out the user name and password: what is sent is signed instead")]
    HasPassword,
    #[error("leave out what stands behind the #: it is never sent")]
    HasFragment,
    #[error("this address is not on the public internet: only the operator can allow a network of its own (webhooks.allow_networks)")]
    NotPublic,
}

pub const URL_CHARS_MAX: usize = 2_000;

const fn v4(a: u8, b: u8, c: u8, bits: u32) -> (u32, u32) {
    (u32::from_be_bytes([a, b, c, 0]), bits)
}

/// What IANA keeps from the public internet: private, shared, loopback, link-local (with the clouds' metadata), documentation,
/// benchmarks, multicast, reserved.
const SPECIAL_V4: [(u32, u32); 15] = [
    v4(0, 0, 0, 8), v4(10, 0, 0, 8), v4(100, 64, 0, 10), v4(127, 0, 0, 8), v4(169, 254, 0, 16), v4(172, 16, 0, 12), v4(192, 0, 0, 24), v4(192, 0, 2, 24),
    v4(192, 88, 99, 24), v4(192, 168, 0, 16), v4(198, 18, 0, 15), v4(198, 51, 100, 24), v4(203, 0, 113, 24), v4(224, 0, 0, 4), v4(240, 0, 0, 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    SPECIAL_V4.iter().all(|(network, bits)| (u32::from(address) ^ network) >> (32 - bits) != 0)
}

/// Global unicast, less what tunnels to an IPv4 address, and documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let special = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    global && !special && !documentation && first != 0x2002
}

impl AllowedNetworks {
    /// Whether the operator named the network of this address.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.holds(address))
    }

    /// Whether something may be sent to this address; without TLS only where the operator said so.
    #[must_use]
    pub fn allows(&self, address: IpAddr, secure: bool) -> bool {
        // An IPv4 address written as an IPv6 one goes to the same machine.
        let public = match address.to_canonical() {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        };
        (secure && public) || self.names(address)
    }

    /// Reads an address as browsers do (`0x7f000001` and `127.1` are 127.0.0.1), and refuses it when nothing may go there. A name is
    /// looked up when something is sent, and what it then stands for is asked about again.
    pub fn check(&self, text: &str) -> Result<Url, TargetFault> {
        if text.chars().count() > URL_CHARS_MAX {
            return Err(TargetFault::TooLong);
        }
        let url = Url::parse(text.trim()).map_err(|_| TargetFault::NotAnAddress)?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(TargetFault::NotAnAddress),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetFault::HasPassword);
        }
        if url.fragment().is_some() {
            return Err(TargetFault::HasFragment);
        }
        let literal = match url.host().ok_or(TargetFault::NotAnAddress)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        match literal {
            Some(address) if self.allows(address, secure) => Ok(url),
            Some(address) if self.allows(address, true) => Err(TargetFault::NotHttps),
            Some(_) => Err(TargetFault::NotPublic),
            None if !secure && self.0.is_empty() => Err(TargetFault::NotHttps),
            None => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> Option<TargetFault> {
        AllowedNetworks::default().check(text).err()
    }

    #[test]
    fn takes_public_https_addresses_and_says_what_is_wrong_with_others() {
        use TargetFault::{HasFragment, HasPassword, NotAnAddress, NotHttps, NotPublic, TooLong};
        let cases = [
            ("https://hooks.example.com/in?x=1", None),
            ("https://8.8.8.8:8443/in", None),
            ("https://[2606:4700::1]/in", None),
            ("https://[::ffff:8.8.8.8]/in", None),
            ("http://hooks.example.com/in", Some(NotHttps)),
            ("http://8.8.8.8/", Some(NotHttps)),
            ("ftp://hooks.example.com/in", Some(NotAnAddress)),
            ("hooks.example.com", Some(NotAnAddress)),
            ("https://", Some(NotAnAddress)),
            ("https://user:pass@example.com/", Some(HasPassword)),
            ("https://example.com/#part", Some(HasFragment)),
            ("https://127.0.0.1/", Some(NotPublic)),
            ("https://127.1/", Some(NotPublic)),
            ("https://0x7f000001/", Some(NotPublic)),
            ("https://0177.0.0.1/", Some(NotPublic)),
            ("https://2130706433/", Some(NotPublic)),
            ("https://0/", Some(NotPublic)),
            ("https://[::ffff:127.0.0.1]/", Some(NotPublic)),
            ("https://[::127.0.0.1]/", Some(NotPublic)),
            ("https://[::1]/", Some(NotPublic)),
            ("https://[::]/", Some(NotPublic)),
            ("https://[64:ff9b::7f00:1]/", Some(NotPublic)),
            ("https://[2002:7f00:1::]/", Some(NotPublic)),
            ("https://[2001::1]/", Some(NotPublic)),
            ("https://[fe80::1]/", Some(NotPublic)),
            ("https://[fd00:ec2::254]/", Some(NotPublic)),
            ("https://[ff02::1]/", Some(NotPublic)),
            ("https://169.254.169.254/latest/meta-data", Some(NotPublic)),
            ("https://100.100.100.200/", Some(NotPublic)),
            ("https://10.0.0.1/", Some(NotPublic)),
            ("https://172.31.255.255/", Some(NotPublic)),
            ("https://192.168.1.1/", Some(NotPublic)),
            ("https://224.0.0.1/", Some(NotPublic)),
            ("https://255.255.255.255/", Some(NotPublic)),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(text), expected, "{text}");
        }
        assert_eq!(fault(&format!("https://example.com/{}", "a".repeat(URL_CHARS_MAX))), Some(TooLong));
    }

    #[test]
    fn the_operator_may_allow_a_network_and_then_plain_http_within_it() {
        let allowed = AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network"), "fd00:1::/64".parse().expect("a network")]);
        for text in ["http://127.0.0.1:9000/", "https://127.1/", "http://[::ffff:127.0.0.1]/", "http://[fd00:1::9]/", "http://inside.example/"] {
            assert!(allowed.check(text).is_ok(), "{text}");
        }
        for text in ["http://10.0.0.1/", "https://[fd00:2::9]/", "http://8.8.8.8/"] {
            assert!(allowed.check(text).is_err(), "{text}");
        }
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "ten".parse::<Network>().is_err() && "10.0.0.0/x".parse::<Network>().is_err());
        assert!("0.0.0.0/0".parse::<Network>().expect("all").holds(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))));
    }

    proptest! {
        #[test]
        fn reads_anything(text in "\\PC*") {
            let _ = fault(&text);
            let _ = fault(&format!("https://{text}"));
        }

        #[test]
        fn a_private_address_is_refused_however_it_is_written(last in 0u32..1 << 24) {
            let address = (10 << 24) | last;
            for text in [format!("https://{address}/"), format!("https://{address:#x}/"), format!("https://[::ffff:{}]/", Ipv4Addr::from(address))] {
                prop_assert_eq!(fault(&text), Some(TargetFault::NotPublic));
            }
        }
    }
}
