//! What a call is dialled with, and the INVITE that comes of it.

use std::time::Duration;

use crate::call::Invitation;
use crate::chance::Chance;
use crate::message::{Header, Name};
use crate::name_addr::NameAddr;
use crate::trunk::TrunkConfig;
use crate::uri::{Uri, UriError, escape_user};

const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 1_024;

/// One call to be made.
#[derive(Clone, Default)]
pub struct DialRequest {
    /// A number or other user part at the trunk's domain, or a whole `sip:`, `sips:` or `tel:` URI.
    pub to: String,
    /// The user part of From: what the person called sees.
    pub caller_id: String,
    pub caller_name: Option<String>,
    /// The user part of P-Asserted-Identity (RFC 3325), for trunks that want it.
    pub asserted: Option<String>,
    /// Withhold the caller ID: Privacy: id, and an anonymous From (RFC 3323).
    pub private: bool,
    /// Further headers for this request alone.
    pub headers: Vec<(String, String)>,
    /// Cancel when it has rung for so long, or has not rung at all so long after dialling.
    pub ring_max: Option<Duration>,
}

impl std::fmt::Debug for DialRequest {
    /// Numbers are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DialRequest(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    #[error("the number or address to call cannot be used: {0}")]
    Target(UriError),
    #[error("a further header has a name or value that cannot be sent, or is one that the call writes itself")]
    Header,
    #[error("there are more than {HEADERS_MAX} further headers")]
    Headers,
}

impl DialRequest {
    pub(crate) fn target(&self, domain: &str) -> Result<Uri, DialError> {
        let lower = self.to.trim_start().to_ascii_lowercase();
        if ["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme)) {
            return Uri::parse(&self.to).map_err(DialError::Target);
        }
        if self.to.is_empty() || self.to.len() > 256 {
            return Err(DialError::Target(UriError::Form));
        }
        Ok(Uri::sip(Some(&escape_user(&self.to)), domain, None))
    }

    /// The headers beside those that every INVITE has.
    pub(crate) fn further_headers(&self, domain: &str) -> Result<Vec<Header>, DialError> {
        if self.headers.len() > HEADERS_MAX {
            return Err(DialError::Headers);
        }
        let mut headers = Vec::with_capacity(self.headers.len() + 2);
        if let Some(user) = self.asserted.as_ref().or(self.private.then_some(&self.caller_id)) {
            let uri = Uri::sip(Some(&escape_user(user)), domain, None);
            headers.push(Header { name: Name::PAssertedIdentity, value: format!("<{uri}>") });
        }
        if self.private {
            headers.push(Header { name: Name::Privacy, value: "id".to_owned() });
        }
        for (name, value) in &self.headers {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) || value.len() > HEADER_BYTES_MAX || value.chars().any(char::is_control) {
                return Err(DialError::Header);
            }
            let name = Name::parse(name);
            if is_ours(&name) {
                return Err(DialError::Header);
            }
            headers.push(Header { name, value: value.clone() });
        }
        Ok(headers)
    }

    pub(crate) fn invitation(&self, config: &TrunkConfig, chance: &mut dyn Chance) -> Result<Invitation, DialError> {
        let domain = config.domain();
        let target = self.target(domain)?;
        let mut from = if self.private {
            NameAddr { display: Some("Anonymous".to_owned()), ..NameAddr::new(Uri::sip(Some("anonymous"), "anonymous.invalid", None)) }
        } else {
            NameAddr { display: self.caller_name.clone().filter(|name| !name.is_empty()), ..NameAddr::new(Uri::sip(Some(&escape_user(&self.caller_id)), domain, None)) }
        };
        from = from.with_tag(&chance.token());
        let to = NameAddr::new(Uri { params: Default::default(), headers: None, ..target.clone() });
        let call_id = format!("{}{}", chance.token(), chance.token());
        let mut invitation = Invitation::new(Uri { headers: None, ..target }.to_string(), from, to, call_id, self.further_headers(domain)?);
        invitation.ring_max = self.ring_max;
        Ok(invitation)
    }
}

/// Headers that would break the call if they came from outside.
fn is_ours(name: &Name) -> bool {
    !matches!(name, Name::Other(_) | Name::PAssertedIdentity | Name::Privacy | Name::Reason | Name::Accept | Name::ReferredBy | Name::Route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;

    #[test]
    fn the_identity_can_be_withheld_and_nothing_injected() {
        let config = TrunkConfig::new("carrier.example", None);
        let mut request = DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), private: true, ..DialRequest::default() };
        let invitation = request.invitation(&config, &mut SeededChance(1)).expect("an invitation");
        assert_eq!(invitation.uri, "sip:01632960001@carrier.example");
        assert!(invitation.from.to_string().starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
        assert_eq!(invitation.headers[0].value, "<sip:02079460000@carrier.example>");
        for (name, value) in [("X-A", "b\r\nVia: x"), ("Bad Name", "x"), ("Call-ID", "x"), ("v", "x"), ("", "x")] {
            request.headers = vec![(name.into(), value.into())];
            assert_eq!(request.invitation(&config, &mut SeededChance(1)).err(), Some(DialError::Header), "{name}");
        }
        request.headers = Vec::new();
        request.to = "0163\r\n@evil;x".into();
        assert_eq!(request.invitation(&config, &mut SeededChance(1)).expect("an invitation").uri, "sip:0163%0D%0A%40evil%3Bx@carrier.example");
        request.to = "mailto:a@b".into();
        assert_eq!(request.invitation(&config, &mut SeededChance(1)).expect("a user part").uri, "sip:mailto%3Aa%40b@carrier.example");
        request.to = "sip:a b".into();
        assert!(request.invitation(&config, &mut SeededChance(1)).is_err());
    }
}
