//! Talks to a tenant's identity provider, through a door that the server opens: this crate sends nothing itself. What a provider says of itself
//! is kept for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clarion_domain::time::{Instant, MINUTE_MS, SECOND_MS};
use clarion_store::tenancy::SingleSignOn;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::id_token::{Discovery, Expected, Keys, TokenError, checked};
use crate::config::{EdgeConfig, ProviderAnswer, ProviderRequest};

const KEPT_MS: i64 = 10 * MINUTE_MS;
/// A key that is not known is looked for again, but not at every sign-in.
const KEYS_AGAIN_MS: i64 = 30 * SECOND_MS;
const KNOWN_MAX: usize = 1_000;

/// Why a person is not let in. Says what to do, and nothing of whom the provider spoke of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    #[error("this server has no way to ask an identity provider")]
    NoDoor,
    #[error("the identity provider cannot be asked: {0}")]
    Silent(String),
    #[error("the identity provider refused the sign-in (status {0}): check client and secret")]
    Status(u16),
    #[error("{0}")]
    Token(#[from] TokenError),
}

/// What a provider has said of itself, and when.
#[derive(Clone)]
struct Known {
    discovery: Discovery,
    keys: Keys,
    at: Instant,
}

#[derive(Default)]
pub struct Providers(Mutex<HashMap<String, Known>>);

/// What identifies one sign-in: random, held by the browser alone.
pub struct Attempt<'a> {
    pub nonce: &'a str,
    pub verifier: &'a str,
    pub redirect: &'a str,
}

/// Whom the provider speaks of.
pub struct Told {
    pub subject: String,
    /// Only when the provider says that it is verified.
    pub email: Option<String>,
    pub values: Vec<String>,
}

async fn ask(config: &EdgeConfig, url: &str, form: Vec<(String, String)>, authorization: String) -> Result<ProviderAnswer, ProviderFault> {
    let door = config.provider.as_ref().ok_or(ProviderFault::NoDoor)?;
    let answer = (door.0)(ProviderRequest { url: url.to_owned(), form, authorization }).await.map_err(ProviderFault::Silent)?;
    if answer.status == 200 { Ok(answer) } else { Err(ProviderFault::Status(answer.status)) }
}

impl Providers {
    fn known(&self, issuer: &str, now: Instant, kept_ms: i64) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(issuer).filter(|known| known.at.plus_ms(kept_ms) > now).cloned()
    }

    async fn look_up(&self, config: &EdgeConfig, issuer: &str, now: Instant) -> Result<Known, ProviderFault> {
        let well_known = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = Discovery::read(&ask(config, &well_known, Vec::new(), String::new()).await?.body, issuer)?;
        let keys = Keys::read(&ask(config, &discovery.jwks_uri, Vec::new(), String::new()).await?.body)?;
        let found = Known { discovery, keys, at: now };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(issuer.to_owned(), found.clone());
        Ok(found)
    }

    async fn of(&self, config: &EdgeConfig, issuer: &str, now: Instant) -> Result<Known, ProviderFault> {
        match self.known(issuer, now, KEPT_MS) {
            Some(known) => Ok(known),
            None => self.look_up(config, issuer, now).await,
        }
    }

    pub async fn discovery(&self, config: &EdgeConfig, issuer: &str, now: Instant) -> Result<Discovery, ProviderFault> {
        Ok(self.of(config, issuer, now).await?.discovery)
    }

    /// Changes the code for tokens and says whom they speak of.
    pub async fn redeem(&self, config: &EdgeConfig, settings: &SingleSignOn, secret: Option<&str>, code: &str, attempt: &Attempt<'_>, now: Instant) -> Result<Told, ProviderFault> {
        let known = self.of(config, &settings.issuer, now).await?;
        let mut form = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), code.to_owned()),
            ("redirect_uri".to_owned(), attempt.redirect.to_owned()),
            ("code_verifier".to_owned(), attempt.verifier.to_owned()),
        ];
        let mut authorization = String::new();
        match secret {
            Some(secret) if !known.discovery.secret_in_form() => authorization = format!("Basic {}", STANDARD.encode(format!("{}:{}", escaped(&settings.client_id), escaped(secret)))),
            secret => {
                form.push(("client_id".to_owned(), settings.client_id.clone()));
                form.extend(secret.map(|secret| ("client_secret".to_owned(), secret.to_owned())));
            }
        }
        let answer = ask(config, &known.discovery.token_endpoint, form, authorization).await?;
        let tokens: Value = serde_json::from_slice(&answer.body).map_err(|_| TokenError::Unreadable)?;
        let token = tokens["id_token"].as_str().ok_or(TokenError::Unreadable)?;
        let expected = Expected { issuer: &settings.issuer, client_id: &settings.client_id, nonce: attempt.nonce, now };
        let claims = match checked(token, &known.keys, &expected) {
            // The provider has changed its keys.
            Err(TokenError::UnknownKey) if self.known(&settings.issuer, now, KEYS_AGAIN_MS).is_none() => checked(token, &self.look_up(config, &settings.issuer, now).await?.keys, &expected)?,
            checked => checked?,
        };
        let mut told = told(&claims, settings);
        let lacks = told.email.is_none() || (!settings.role_claim.is_empty() && told.values.is_empty());
        if let (true, Some(endpoint), Some(access)) = (lacks, &known.discovery.userinfo_endpoint, tokens["access_token"].as_str()) {
            let answer = ask(config, endpoint, Vec::new(), format!("Bearer {access}")).await?;
            let more: Value = serde_json::from_slice(&answer.body).map_err(|_| TokenError::Unreadable)?;
            if more["sub"].as_str() != Some(told.subject.as_str()) {
                return Err(TokenError::OtherAudience.into());
            }
            let more = self::told(&more, settings);
            told.email = told.email.or(more.email);
            if told.values.is_empty() {
                told.values = more.values;
            }
        }
        Ok(told)
    }
}

fn said_yes(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_i64() == Some(1) || matches!(value.as_str(), Some("true" | "1"))
}

fn told(claims: &Value, settings: &SingleSignOn) -> Told {
    // Entra says it of the address's domain, in a claim of its own.
    let verified = ["email_verified", "xms_edov"].iter().any(|name| said_yes(&claims[*name]));
    let values = match &claims[&settings.role_claim] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Told { subject: claims["sub"].as_str().unwrap_or_default().to_owned(), email: claims["email"].as_str().filter(|_| verified).map(str::to_owned), values }
}

/// What the verifier is told as beforehand (RFC 7636).
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// As a form writes it, but for the space (RFC 6749, appendix B): good in a query too.
pub fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_counts_when_the_provider_says_that_it_is_verified() {
        let settings = SingleSignOn { issuer: String::new(), client_id: String::new(), has_secret: false, role_claim: String::new(), roles: std::collections::BTreeMap::new(), only_way: false, break_glass: None };
        for (claim, value, counts) in [
            ("email_verified", json!(true), true),
            ("email_verified", json!("true"), true),
            ("email_verified", json!(false), false),
            ("xms_edov", json!(true), true),
            ("xms_edov", json!(1), true),
            ("xms_edov", json!("1"), true),
            ("xms_edov", json!("true"), true),
            ("xms_edov", json!(0), false),
            ("xms_edov", json!("yes"), false),
            ("other", json!(true), false),
        ] {
            let claims = json!({"sub": "1", "email": "ada@example.com", claim: value});
            assert_eq!(told(&claims, &settings).email.is_some(), counts, "{claims}");
        }
    }
}
