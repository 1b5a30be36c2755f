//! Digest authentication, the client's side (RFC 7616, RFC 8760): the strongest known challenge is answered.

use md5::{Digest, Md5};

use crate::message::{Message, Name};
use crate::params::{quote, split_outside_quotes, unquote};

/// More challenges than this in one response are not looked at.
const CHALLENGES_MAX: usize = 16;

/// What a trunk's operator was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    fn hex(self, text: &[u8]) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(ring::digest::digest(&ring::digest::SHA256, text).as_ref()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// RFC 2069: no client nonce.
    None,
    Auth,
    AuthInt,
}

/// A challenge that can be answered, and how often its nonce has been used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    hash: Hash,
    session: bool,
    /// As it was written, to be repeated.
    algorithm: Option<String>,
    protection: Protection,
    stale: bool,
    proxy: bool,
    count: u32,
}

/// The strongest challenge of a 401 or 407 that we know how to answer.
#[must_use]
pub fn strongest(response: &Message) -> Option<Challenge> {
    let name = match response.status() {
        Some(407) => Name::ProxyAuthenticate,
        Some(401) => Name::WwwAuthenticate,
        _ => return None,
    };
    let challenges = response.all(&name).flat_map(schemes).take(CHALLENGES_MAX).filter_map(|text| Challenge::parse(&text, name == Name::ProxyAuthenticate));
    // Of equals the first: the server's own order of preference.
    challenges.fold(None, |best: Option<Challenge>, next| match best {
        Some(best) if best.hash >= next.hash => Some(best),
        _ => Some(next),
    })
}

/// One header may hold several challenges: `Digest a=b, c=d, Digest e=f`.
fn schemes(value: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in split_outside_quotes(value, b',') {
        let piece = piece.trim();
        let first = piece.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
        let begins = piece.len() > first.len() && piece[first.len()..].trim_start().starts_with(|c: char| c != '=');
        match found.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(piece);
            }
            _ => found.push(piece.to_owned()),
        }
    }
    found
}

impl Challenge {
    fn parse(text: &str, proxy: bool) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(|c: char| c.is_whitespace())?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let pairs: Vec<(&str, String)> = split_outside_quotes(rest, b',').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.trim(), unquote(value))).collect();
        let get = |name: &str| pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        let algorithm = get("algorithm");
        let (hash, session) = match algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase().as_str() {
            "MD5" => (Hash::Md5, false),
            "MD5-SESS" => (Hash::Md5, true),
            "SHA-256" => (Hash::Sha256, false),
            "SHA-256-SESS" => (Hash::Sha256, true),
            _ => return None,
        };
        let protection = match get("qop") {
            None => Protection::None,
            Some(list) => {
                let offers = |word: &str| list.split(',').any(|offered| offered.trim().eq_ignore_ascii_case(word));
                if offers("auth") {
                    Protection::Auth
                } else if offers("auth-int") {
                    Protection::AuthInt
                } else if list.trim().is_empty() {
                    Protection::None
                } else {
                    return None;
                }
            }
        };
        let stale = get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
        Some(Self { realm: get("realm")?, nonce: get("nonce")?, opaque: get("opaque"), hash, session, algorithm, protection, stale, proxy, count: 0 })
    }

    /// The old nonce had only grown old: the credentials were not refused.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// How often its nonce has been used.
    #[must_use]
    pub fn uses(&self) -> u32 {
        self.count
    }

    #[must_use]
    pub fn same_realm(&self, other: &Self) -> bool {
        self.realm == other.realm && self.proxy == other.proxy
    }

    /// The header with which a request answers.
    #[must_use]
    pub fn header(&self) -> Name {
        if self.proxy { Name::ProxyAuthorization } else { Name::Authorization }
    }

    /// The header's value. Each use of a nonce counts up.
    pub fn answer(&mut self, who: &Credentials, method: &str, uri: &str, body: &[u8], client_nonce: &str) -> String {
        self.count += 1;
        let (hash, count) = (self.hash, format!("{:08x}", self.count));
        let mut first = hash.hex(format!("{}:{}:{}", who.user, self.realm, who.password).as_bytes());
        if self.session {
            first = hash.hex(format!("{first}:{}:{client_nonce}", self.nonce).as_bytes());
        }
        let second = match self.protection {
            Protection::AuthInt => format!("{method}:{uri}:{}", hash.hex(body)),
            _ => format!("{method}:{uri}"),
        };
        let second = hash.hex(second.as_bytes());
        let protection = match self.protection {
            Protection::None => None,
            Protection::Auth => Some("auth"),
            Protection::AuthInt => Some("auth-int"),
        };
        let response = match protection {
            None => format!("{first}:{}:{second}", self.nonce),
            Some(protection) => format!("{first}:{}:{count}:{client_nonce}:{protection}:{second}", self.nonce),
        };
        let response = hash.hex(response.as_bytes());
        let mut value = format!("Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"", quote(&who.user), quote(&self.realm), quote(&self.nonce), quote(uri));
        if let Some(algorithm) = &self.algorithm {
            // A token: what had to be quoted would not have been understood above.
            value.push_str(&format!(", algorithm={algorithm}"));
        }
        if let Some(protection) = protection {
            value.push_str(&format!(", qop={protection}, nc={count}"));
        }
        if protection.is_some() || self.session {
            value.push_str(&format!(", cnonce=\"{client_nonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quote(opaque)));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    fn challenge(headers: &str) -> Option<Challenge> {
        strongest(&parse(format!("SIP/2.0 401 Unauthorized\r\n{headers}\r\n\r\n").as_bytes()).expect("a message"))
    }

    fn who() -> Credentials {
        Credentials { user: "Mufasa".into(), password: "Circle of Life".into() }
    }

    /// The worked example of RFC 7616, section 3.9.1.
    #[test]
    fn the_standards_own_examples() {
        let fields = r#"realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [("MD5", "8ca523f5e9506fed4657c9700eebdbec"), ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")] {
            let mut challenge = challenge(&format!("WWW-Authenticate: Digest {fields}, algorithm={algorithm}")).expect("a challenge");
            let value = challenge.answer(&who(), "GET", "/dir/index.html", b"", client_nonce);
            assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
            assert!(value.contains("nc=00000001"), "{value}");
            assert!(challenge.answer(&who(), "GET", "/", b"", client_nonce).contains("nc=00000002"));
        }
    }

    /// RFC 2617, section 3.5, and the form without qop of RFC 2069.
    #[test]
    fn the_older_form() {
        let mut old = challenge(r#"WWW-Authenticate: Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#).expect("a challenge");
        let who = Credentials { password: "Circle Of Life".into(), ..who() };
        let value = old.answer(&who, "GET", "/dir/index.html", b"", "x");
        assert!(value.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{value}");
        assert!(!value.contains("cnonce") && !value.contains("qop"));
    }

    #[test]
    fn the_strongest_known_is_taken_from_lists_and_lines() {
        let both = "WWW-Authenticate: Digest realm=\"a, b\", nonce=\"1\", algorithm=MD5, Digest realm=\"a, b\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\", Basic realm=\"c\"";
        let best = challenge(both).expect("a challenge");
        assert_eq!((best.hash, best.nonce.as_str(), best.realm.as_str()), (Hash::Sha256, "2", "a, b"));
        let unknown = "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"3\"";
        assert_eq!(challenge(unknown).expect("a challenge").nonce, "3");
        for none in ["", "WWW-Authenticate: Basic realm=\"x\"", "WWW-Authenticate: Digest realm=\"x\"", "WWW-Authenticate: Digest nonce=\"x\"", "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\", qop=\"strange\""] {
            assert_eq!(challenge(none), None, "{none}");
        }
    }

    #[test]
    fn sessions_and_bodies_are_counted_in() {
        let mut session = challenge("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth-int\", stale=TRUE").expect("a challenge");
        assert!(session.is_stale());
        let with = session.clone().answer(&who(), "INVITE", "sip:h", b"body", "c");
        let without = session.answer(&who(), "INVITE", "sip:h", b"", "c");
        assert_ne!(with, without);
        // Worked out apart from this code, with a digest tool.
        let md5 = |text: &str| Hash::Md5.hex(text.as_bytes());
        let first = md5(&format!("{}:n:c", md5("Mufasa:r:Circle of Life")));
        let expected = md5(&format!("{first}:n:00000001:c:auth-int:{}", md5(&format!("INVITE:sip:h:{}", md5("body")))));
        assert!(with.contains(&expected) && with.contains("algorithm=MD5-sess") && with.contains("qop=auth-int"), "{with}");
    }
}
