//! What a user does with the portal, as its notice says: where they came in from, with what, which pages in which order, what they did,
//! and where they left.

use crate::word::words;

words! {
    pub enum ActivityKind {
        /// Came in: by signing in, with another browser or from another address, or by a link on another site.
        Entry = "entry",
        Page = "page",
        /// Asked for something to be done.
        Act = "act",
        /// Left: by signing out, or by a link to another site.
        Exit = "exit",
    }
}

words! {
    /// Why somebody looks at another's whole network addresses.
    pub enum AddressReason {
        SecurityIncident = "security_incident",
        SubjectRequest = "subject_request",
        LegalClaim = "legal_claim",
        Authority = "authority",
    }
}

const SITE_LENGTH_MAX: usize = 200;

/// The site of an address: `https://intranet.example:8443`. Path, query, fragment and user name may name a person, and are left out. `None` for
/// what is no address of the web.
#[must_use]
pub fn site_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.trim().split_once("://")?;
    let scheme = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_');
    (!host.is_empty() && host.len() <= SITE_LENGTH_MAX && host.bytes().all(plain)).then(|| format!("{scheme}://{host}"))
}

/// Browser with its version, and operating system, from what a browser says of itself; empty where it says nothing that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAgent {
    pub browser: String,
    pub system: String,
}

/// The first that fits: browsers name those before them too. The mark before the version stands last.
const BROWSERS: &[(&str, &str, &str)] = &[
    ("Edg", "Edge", "Edg"),
    ("OPR/", "Opera", "OPR/"),
    ("SamsungBrowser/", "Samsung Internet", "SamsungBrowser/"),
    ("Firefox/", "Firefox", "Firefox/"),
    ("FxiOS/", "Firefox", "FxiOS/"),
    ("Chrome/", "Chrome", "Chrome/"),
    ("CriOS/", "Chrome", "CriOS/"),
    ("Safari/", "Safari", "Version/"),
    ("curl/", "curl", "curl/"),
];
const SYSTEMS: &[(&str, &str)] = &[("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")];
const VERSION_LENGTH_MAX: usize = 20;

impl UserAgent {
    #[must_use]
    pub fn read(said: &str) -> Self {
        let browser = BROWSERS.iter().find(|(mark, ..)| said.contains(mark)).map(|(_, name, before)| match version(said, before) {
            "" => (*name).to_owned(),
            version => format!("{name} {version}"),
        });
        let system = SYSTEMS.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| (*name).to_owned());
        Self { browser: browser.unwrap_or_default(), system: system.unwrap_or_default() }
    }
}

fn version<'a>(said: &'a str, before: &str) -> &'a str {
    let Some((_, after)) = said.split_once(before) else { return "" };
    // `Edg/`, `EdgA/`, `EdgiOS/`.
    let after = after.split_once('/').filter(|(letters, _)| letters.bytes().all(|byte| byte.is_ascii_alphabetic())).map_or(after, |(_, version)| version);
    let end = after.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(after.len()).min(VERSION_LENGTH_MAX);
    after[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_site_of_an_address_and_nothing_of_whoever_it_names() {
        for (address, site) in [
            ("https://intranet.example/people/ada?mail=ada@intranet.example#top", Some("https://intranet.example")),
            ("HTTP://ada:secret@Intranet.Example:8443", Some("http://intranet.example:8443")),
            ("https://[2001:db8::1]/x", Some("https://[2001:db8::1]")),
            ("https://intranet.example\\@evil.example", Some("https://intranet.example")),
            ("javascript:alert(1)", None),
            ("android-app://com.example", None),
            ("https://", None),
            ("https://a b/", None),
            ("", None),
        ] {
            assert_eq!(site_of(address).as_deref(), site, "{address}");
        }
        assert_eq!(site_of(&format!("https://{}", "a".repeat(201))), None);
    }

    #[test]
    fn reads_browsers_and_systems() {
        for (said, browser, system) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.1.2", "Edge 140.0.1.2", "Windows"),
            ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/139.0", "Edge 139.0", "Android"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari 18.0", "iOS"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox 130.0", "Linux"),
            ("curl/8.5.0", "curl 8.5.0", ""),
            ("Firefox/", "Firefox", ""),
            ("<b>", "", ""),
        ] {
            assert_eq!(UserAgent::read(said), UserAgent { browser: browser.into(), system: system.into() }, "{said}");
        }
    }

    /// Whatever a stranger sends, what is kept is short and plain.
    #[test]
    fn whatever_comes_is_read_without_harm() {
        let mut state = 7u64;
        let pieces = ["https://", "@", "/", "Edg", "Chrome/", "é", "\u{0}", "9", ".", "Safari/", "Version/", "[", "?", "a", "\\", "💬", "://", "HTTP"];
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..(state % 12) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
            let agent = UserAgent::read(&text);
            assert!(agent.browser.len() <= 40 && agent.browser.is_ascii(), "{text:?}");
            assert!(site_of(&text).is_none_or(|site| site.is_ascii() && !site.contains(['@', '?', '#', '\\']) && site.matches('/').count() == 2), "{text:?}");
        }
    }
}
