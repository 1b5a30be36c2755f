//! Header names, their compact forms (RFC 3261, section 7.3.3), and one header.

/// Declares the names that we know, with the compact form of those that have one.
macro_rules! names {
    ($($name:ident $text:literal $($compact:literal)?),+ $(,)?) => {
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Name {
            $($name,)+
            Other(Box<str>),
        }

        const KNOWN: &[(&str, Name)] = &[$(($text, Name::$name)),+];

        impl Name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Other(name) => name,
                }
            }

            fn compact(letter: u8) -> Option<Self> {
                match letter {
                    $($($compact => Some(Self::$name),)?)+
                    _ => None,
                }
            }
        }
    };
}

names! {
    Via "Via" b'v', MaxForwards "Max-Forwards", From "From" b'f', To "To" b't', CallId "Call-ID" b'i', CSeq "CSeq",
    Contact "Contact" b'm', Route "Route", RecordRoute "Record-Route", ContentType "Content-Type" b'c',
    ContentLength "Content-Length" b'l', Allow "Allow", Supported "Supported" b'k', Require "Require", Unsupported "Unsupported",
    UserAgent "User-Agent", Server "Server", WwwAuthenticate "WWW-Authenticate", ProxyAuthenticate "Proxy-Authenticate",
    Authorization "Authorization", ProxyAuthorization "Proxy-Authorization", Expires "Expires", MinExpires "Min-Expires",
    RetryAfter "Retry-After", Reason "Reason", RSeq "RSeq", RAck "RAck", SessionExpires "Session-Expires" b'x', MinSe "Min-SE",
    ReferTo "Refer-To" b'r', ReferredBy "Referred-By" b'b', Event "Event" b'o', SubscriptionState "Subscription-State",
    PAssertedIdentity "P-Asserted-Identity", Privacy "Privacy", Accept "Accept", Warning "Warning", Path "Path",
    ServiceRoute "Service-Route",
}

impl Name {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let [letter] = text.as_bytes()
            && let Some(name) = Self::compact(letter.to_ascii_lowercase())
        {
            return name;
        }
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(text));
        known.map_or_else(|| Self::Other(text.into()), |(_, name)| name.clone())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: Name,
    pub value: String,
}
