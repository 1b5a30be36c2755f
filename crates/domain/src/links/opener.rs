//! Who asks for a short link: a person, or a program that only looks at where it leads.

/// Headers by which browsers and programs say that they fetch ahead, or for a preview.
pub const AHEAD_HEADERS: [&str; 4] = ["purpose", "sec-purpose", "x-purpose", "x-moz"];
const AHEAD_WORDS: [&str; 3] = ["prefetch", "preview", "prerender"];

/// Programs that fetch a link for its preview or to look for harm, by a piece of the name that they give themselves. In small letters.
const PROGRAMS: [&str; 22] = [
    "bot", "crawler", "spider", "preview", "facebookexternalhit", "whatsapp", "skypeuripreview", "slackbot", "telegram", "embedly", "vkshare", "pinterest", "google-safety",
    "google-read-aloud", "mediapartners", "curl/", "wget/", "python-requests", "python-urllib", "go-http-client", "java/", "headlesschrome",
];

/// Whether this is no person's click: nothing is counted then.
#[must_use]
pub fn looks_ahead<'a>(header: impl Fn(&str) -> Option<&'a str>) -> bool {
    let says = |name: &&str| header(name).is_some_and(|value| AHEAD_WORDS.iter().any(|word| value.to_ascii_lowercase().contains(word)));
    let agent = header("user-agent").unwrap_or_default().to_ascii_lowercase();
    AHEAD_HEADERS.iter().any(says) || agent.is_empty() || PROGRAMS.iter().any(|program| agent.contains(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_people_from_programs() {
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        let asked = |headers: &[(&str, &str)]| {
            let headers = headers.to_vec();
            looks_ahead(move |name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
        };
        assert!(!asked(&[("user-agent", phone)]));
        assert!(!asked(&[("user-agent", phone), ("purpose", "navigation")]));
        assert!(asked(&[("user-agent", phone), ("sec-purpose", "prefetch;prerender")]));
        assert!(asked(&[("user-agent", phone), ("purpose", "Prefetch")]));
        assert!(asked(&[("user-agent", phone), ("x-purpose", "preview")]));
        assert!(asked(&[("user-agent", "facebookexternalhit/1.1 Facebot Twitterbot/1.0")]));
        assert!(asked(&[("user-agent", "WhatsApp/2.24")]));
        assert!(asked(&[]));
    }
}
