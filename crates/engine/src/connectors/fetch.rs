//! One question to a client's system, with its credential. Redirects are followed within the same origin only.

use clarion_domain::connectors::pull::{Authentication, Incremental, PullFormat};
use clarion_domain::connectors::pull_fault::PullFault;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_store::connectors::PullJob;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION, RETRY_AFTER, USER_AGENT};
use reqwest::{Response, StatusCode, Url};

use crate::outward::{Outward, retry_after_ms, word_of};

const REDIRECTS_MAX: usize = 3;
const TOKEN_BYTES_MAX: usize = 64 * 1024;
const AGENT: &str = "Clarion-Connector/1";

/// What was wrong, with what the client's system said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub fault: PullFault,
    pub status: u16,
    pub retry_after_ms: Option<i64>,
}

impl From<PullFault> for Failure {
    fn from(fault: PullFault) -> Self {
        Self { fault, status: 0, retry_after_ms: None }
    }
}

fn no_answer(error: &reqwest::Error) -> Failure {
    word_of(error).parse().unwrap_or(PullFault::NoAnswer).into()
}

/// Asks in the name of one run.
pub(super) struct Asker<'a> {
    pub outward: &'a Outward,
    pub job: &'a PullJob,
    pub now: Instant,
    /// The header that signs in; of OAuth 2 once a token was fetched.
    credential: Option<(HeaderName, HeaderValue)>,
}

fn secret_value(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Failure::from(PullFault::CredentialRefused))?;
    value.set_sensitive(true);
    Ok(value)
}

impl<'a> Asker<'a> {
    pub async fn new(outward: &'a Outward, job: &'a PullJob, now: Instant) -> Result<Self, Failure> {
        let mut asker = Self { outward, job, now, credential: None };
        asker.credential = asker.sign_in().await?;
        Ok(asker)
    }

    async fn sign_in(&self) -> Result<Option<(HeaderName, HeaderValue)>, Failure> {
        let settings = &self.job.settings;
        let secret = self.job.secret.as_ref().map_or("", Personal::reveal);
        match settings.authentication {
            Authentication::None => Ok(None),
            _ if secret.is_empty() => Err(PullFault::CredentialRefused.into()),
            Authentication::Bearer => Ok(Some((AUTHORIZATION, secret_value(&format!("Bearer {secret}"))?))),
            Authentication::Header => {
                let name = HeaderName::from_bytes(settings.header_name.as_bytes()).map_err(|_| Failure::from(PullFault::CredentialRefused))?;
                Ok(Some((name, secret_value(secret)?)))
            }
            Authentication::OAuth2 => Ok(Some((AUTHORIZATION, secret_value(&format!("Bearer {}", self.token(secret).await?))?))),
        }
    }

    /// RFC 6749, 4.4: client credentials, the client named by HTTP Basic.
    async fn token(&self, secret: &str) -> Result<String, Failure> {
        let settings = &self.job.settings;
        let (url, client) = self.outward.to(&settings.token_url).map_err(|_| Failure::from(PullFault::AddressRefused))?;
        let mut form = vec![("grant_type", "client_credentials")];
        if !settings.scope.is_empty() {
            form.push(("scope", settings.scope.as_str()));
        }
        let request = client.post(url).header(USER_AGENT, AGENT).header(ACCEPT, "application/json").basic_auth(&settings.client_id, Some(secret)).form(&form);
        let mut answer = request.send().await.map_err(|error| no_answer(&error))?;
        let status = answer.status();
        if matches!(status.as_u16(), 429 | 500..) {
            return Err(Failure { status: status.as_u16(), ..self.failure_of(&answer) });
        }
        let refused = Failure { fault: PullFault::TokenRefused, status: status.as_u16(), retry_after_ms: None };
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > TOKEN_BYTES_MAX {
                return Err(refused);
            }
        }
        let told: serde_json::Value = serde_json::from_slice(&body).map_err(|_| refused)?;
        told["access_token"].as_str().filter(|_| status.is_success()).map(str::to_owned).ok_or(refused)
    }

    fn failure_of(&self, answer: &Response) -> Failure {
        let status = answer.status().as_u16();
        let fault = match status {
            401 | 403 => PullFault::CredentialRefused,
            429 | 503 => PullFault::AskedToWait,
            300..=399 => PullFault::RedirectRefused,
            _ => PullFault::Refused,
        };
        let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Failure { fault, status, retry_after_ms: after.and_then(|text| retry_after_ms(text, self.now)) }
    }

    /// A page; `None` when it did not change since the last pull.
    pub async fn get(&self, address: &Url, first: bool) -> Result<Option<Response>, Failure> {
        let (origin, mut address) = (address.origin(), address.clone());
        for _ in 0..=REDIRECTS_MAX {
            let (url, client) = self.outward.to(address.as_str()).map_err(|_| Failure::from(PullFault::AddressRefused))?;
            let accept = if self.job.settings.format == PullFormat::Json { "application/json" } else { "text/csv, text/plain;q=0.5" };
            let mut request = client.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT, accept);
            if let Some((name, value)) = &self.credential {
                request = request.header(name, value);
            }
            if first && self.job.settings.incremental == Incremental::Etag {
                for (name, held) in [(IF_NONE_MATCH, &self.job.etag), (IF_MODIFIED_SINCE, &self.job.modified)] {
                    if !held.is_empty() {
                        request = request.header(name, held);
                    }
                }
            }
            let answer = request.send().await.map_err(|error| no_answer(&error))?;
            match answer.status() {
                StatusCode::OK => return if is_html(&answer) { Err(Failure { status: 200, ..PullFault::IsHtml.into() }) } else { Ok(Some(answer)) },
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => return Ok(None),
                status if status.is_redirection() => {
                    let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok()).and_then(|place| url.join(place).ok());
                    match place {
                        Some(place) if place.origin() == origin => address = place,
                        _ => return Err(self.failure_of(&answer)),
                    }
                }
                _ => return Err(self.failure_of(&answer)),
            }
        }
        Err(PullFault::RedirectRefused.into())
    }
}

fn is_html(answer: &Response) -> bool {
    answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        let kind = kind.trim().to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml")
    })
}

/// The address of the next page, as `Link: <…>; rel="next"` has it.
pub(super) fn next_link(answer: &Response) -> Option<String> {
    answer.headers().get_all(reqwest::header::LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_of_link)
}

fn next_of_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let (address, after) = (&rest[start + 1..end], &rest[end + 1..]);
        let parameters = &after[..after.find('<').unwrap_or(after.len())];
        let is_next = parameters.split([';', ',']).filter_map(|part| part.trim().split_once('=')).any(|(name, value)| {
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').split_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(address.to_owned());
        }
        rest = after;
    }
    None
}

/// The address with one parameter set to a value.
pub(super) fn with_parameter(address: &Url, name: &str, value: &str) -> Url {
    let others: Vec<(String, String)> = address.query_pairs().filter(|(held, _)| held != name).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let mut address = address.clone();
    address.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (header, next) in [
            (r#"<https://a.example/?page=2>; rel="next", <https://a.example/?page=9>; rel="last""#, Some("https://a.example/?page=2")),
            (r#"</one,two;x>; title="a, b"; rel=next"#, Some("/one,two;x")),
            (r#"<https://a.example/1>; rel="prev first""#, None),
            (r#"<https://a.example/1>; rel="prev", </2>; REL="last Next""#, Some("/2")),
            ("<unfinished", None),
            ("", None),
        ] {
            assert_eq!(next_of_link(header).as_deref(), next, "{header}");
        }
    }

    #[test]
    fn a_parameter_is_set_and_the_others_stay() {
        let address: Url = "https://a.example/p?x=1&page=3&y=a%20b".parse().expect("an address");
        assert_eq!(with_parameter(&address, "page", "4&5").as_str(), "https://a.example/p?x=1&y=a+b&page=4%265");
    }
}
