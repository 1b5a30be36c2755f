//! A certificate that is fetched and renewed (RFC 8555). What is got lies sealed in the database, so that every node serves the same one
//! and any of them can answer the authority; the row's next try is the claim, so that one alone asks.

use std::time::Duration;

use clarion_domain::personal::Personal;
use clarion_domain::time::{HOUR_MS, Instant, MINUTE_MS};
use clarion_store::{AcmeCertificate, Store, StoreError};
use clarion_tls::{Certificate, TlsError, signing_request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{Account, AccountBuilder, AuthorizationStatus, ChallengeType, ExternalAccountKey, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy};

use super::held::Held;
use super::{AccountBinding, AcmePlan, SPOKEN};
use crate::clock;
use crate::config::read_secret;

/// An authority that is silent for longer counts as failed.
const ORDER_WITHIN: Duration = Duration::from_secs(300);
const BACK_OFF_FIRST_MS: i64 = MINUTE_MS;
const BACK_OFF_MAX_MS: i64 = 12 * HOUR_MS;
/// How often the row is looked at: another node may have renewed.
const LOOKED_AT_EVERY_MS: i64 = MINUTE_MS;
const LOOKED_AT_LEAST_MS: i64 = 1_000;
const ACCOUNT_GONE: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Why no certificate came. The text is for the operator.
#[derive(Debug, thiserror::Error)]
enum AcmeError {
    #[error("{0}")]
    Acme(#[from] instant_acme::Error),
    #[error("the authority did not answer to the end in {} s", ORDER_WITHIN.as_secs())]
    Silent,
    #[error("the authority refused {name}: {why}")]
    Refused { name: String, why: String },
    #[error("the authority offers no {0} for it")]
    NoSuchChallenge(&'static str),
    #[error("the account that is kept cannot be read: {0}")]
    Account(#[from] serde_json::Error),
    /// The file, or what is in it.
    #[error("{0}")]
    Binding(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AcmeError {
    fn is_account_gone(&self) -> bool {
        matches!(self, Self::Acme(instant_acme::Error::Api(problem)) if problem.r#type.as_deref() == Some(ACCOUNT_GONE))
    }
}

/// Keeps the certificate of this node good, for ever.
pub async fn run(store: Store, plan: AcmePlan, held: Held) {
    let names = plan.names();
    if let Err(error) = store.try_acme_again(&names, &plan.directory_url, clock::real()).await {
        tracing::error!(%error, "the certificate's row cannot be written");
    }
    let mut shown = None;
    loop {
        match look(&store, &plan, &held, &mut shown).await {
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "the certificate's row cannot be read"),
        }
        tokio::time::sleep(pause(&held)).await;
    }
}

/// A certificate of a day is looked after more often than one of three months; where there is none, somebody waits for it.
fn pause(held: &Held) -> Duration {
    let life = held.served().map_or(0, |served| served.not_after_ms - served.not_before_ms);
    let ms = (life / 60).clamp(LOOKED_AT_LEAST_MS, LOOKED_AT_EVERY_MS);
    Duration::from_millis(u64::try_from(ms).unwrap_or(1_000))
}

/// `shown` is when the certificate that is served was got.
async fn look(store: &Store, plan: &AcmePlan, held: &Held, shown: &mut Option<Instant>) -> Result<(), StoreError> {
    let names = plan.names();
    let kept = store.acme_certificate(&names, &plan.directory_url).await?;
    if let Some(kept) = &kept {
        show(kept, held, shown);
    }
    let now = clock::real();
    if kept.is_some_and(|kept| kept.next_try_at > now) {
        return Ok(());
    }
    let Some(mine) = store.claim_acme_try(&names, &plan.directory_url, now).await? else { return Ok(()) };
    match tokio::time::timeout(ORDER_WITHIN, obtain(store, plan, &mine)).await.unwrap_or(Err(AcmeError::Silent)) {
        Ok((pem, certificate)) => {
            let renew_at = renewal(&certificate);
            store.keep_acme_certificate(mine.id, &pem, renew_at, clock::real()).await?;
            tracing::info!(names, fingerprint = certificate.fingerprint(), "a certificate was fetched");
        }
        Err(error) => {
            let again_at = clock::real().plus_ms(back_off(mine.failures));
            let error = whole(&error);
            tracing::error!(names, error, minutes = back_off(mine.failures) / MINUTE_MS, "no certificate was fetched; it is tried again by itself");
            store.acme_try_failed(mine.id, &error, again_at).await?;
        }
    }
    if let Some(kept) = store.acme_certificate(&names, &plan.directory_url).await? {
        show(&kept, held, shown);
    }
    Ok(())
}

/// With what lies beneath: a client that could not connect says why only there.
fn whole(error: &AcmeError) -> String {
    let mut words = error.to_string();
    let mut beneath = std::error::Error::source(error);
    while let Some(error) = beneath {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        beneath = error.source();
    }
    words
}

/// Serves what is kept, whichever node got it.
fn show(kept: &AcmeCertificate, held: &Held, shown: &mut Option<Instant>) {
    if let Some(pem) = kept.certificate.as_ref().filter(|_| *shown != kept.obtained_at) {
        match Certificate::from_pem(pem.reveal().as_bytes(), pem.reveal().as_bytes(), &SPOKEN) {
            Ok(certificate) => {
                held.put(certificate);
                *shown = kept.obtained_at;
            }
            Err(error) => {
                held.failed(error.to_string());
            }
        }
    }
    if kept.failures > 0 {
        held.failed(kept.last_error.clone());
    } else if *shown == kept.obtained_at {
        held.well();
    }
}

/// When two thirds of its life are over.
fn renewal(certificate: &Certificate) -> Instant {
    Instant(certificate.not_before_ms + (certificate.not_after_ms - certificate.not_before_ms) / 3 * 2)
}

/// A minute, then four times as long each time: an authority allows five refusals an hour.
fn back_off(failures: i64) -> i64 {
    let times = u32::try_from(failures.clamp(0, 8)).unwrap_or(0);
    (BACK_OFF_FIRST_MS * 4_i64.pow(times)).min(BACK_OFF_MAX_MS)
}

/// Chain and key in one PEM, and the same as it is served.
async fn obtain(store: &Store, plan: &AcmePlan, kept: &AcmeCertificate) -> Result<(Personal, Certificate), AcmeError> {
    if let Some(credentials) = &kept.account {
        let account = client(plan)?.from_credentials(serde_json::from_str(credentials.reveal())?).await?;
        match order(store, plan, &account).await {
            Err(error) if error.is_account_gone() => {}
            ended => return ended,
        }
    }
    let contact = [plan.contact.as_str()];
    let terms = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let binding = plan.eab.as_ref().map(external_account).transpose()?;
    let (account, credentials) = client(plan)?.create(&terms, plan.directory_url.clone(), binding.as_ref()).await?;
    store.keep_acme_account(kept.id, &Personal::new(serde_json::to_string(&credentials)?)).await?;
    order(store, plan, &account).await
}

fn external_account(binding: &AccountBinding) -> Result<ExternalAccountKey, AcmeError> {
    let secret = read_secret("acme.eab_key_file", &binding.key_file).map_err(|error| AcmeError::Binding(error.to_string()))?;
    // Some authorities give it with the padding of base64url, some without.
    let key = URL_SAFE_NO_PAD.decode(secret.trim().trim_end_matches('=')).map_err(|_| AcmeError::Binding(format!("acme.eab_key_file {} does not hold a key in base64url, as authorities give it", binding.key_file.display())))?;
    Ok(ExternalAccountKey::new(binding.key_id.clone(), &key))
}

fn client(plan: &AcmePlan) -> Result<AccountBuilder, AcmeError> {
    clarion_tls::use_ring();
    Ok(match &plan.directory_ca_file {
        Some(file) => Account::builder_with_root(file)?,
        None => Account::builder()?,
    })
}

async fn order(store: &Store, plan: &AcmePlan, account: &Account) -> Result<(Personal, Certificate), AcmeError> {
    let identifiers: Vec<Identifier> = plan.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut offered = Vec::new();
    let proven = prove(store, plan, &mut order, &mut offered).await;
    store.withdraw_acme_answers(&offered, clock::real()).await?;
    proven?;
    let (request, key_pem) = signing_request(&plan.domains)?;
    order.finalize_csr(&request).await?;
    let chain_pem = order.poll_certificate(&RetryPolicy::default()).await?;
    let pem = Personal::new(format!("{}\n{key_pem}", chain_pem.trim_end()));
    let certificate = Certificate::from_pem(pem.reveal().as_bytes(), pem.reveal().as_bytes(), &SPOKEN)?;
    Ok((pem, certificate))
}

/// Shows the authority that these names lead here.
async fn prove(store: &Store, plan: &AcmePlan, order: &mut Order, offered: &mut Vec<String>) -> Result<(), AcmeError> {
    let (kind, word) = if plan.by_http { (ChallengeType::Http01, "http-01") } else { (ChallengeType::TlsAlpn01, "tls-alpn-01") };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let mut challenge = authorization.challenge(kind.clone()).ok_or(AcmeError::NoSuchChallenge(word))?;
        let Identifier::Dns(name) = challenge.identifier().identifier.clone() else { continue };
        offered.push(challenge.token.clone());
        store.offer_acme_answer(&challenge.token, &name, challenge.key_authorization().as_str(), clock::real()).await?;
        challenge.set_ready().await?;
    }
    match order.poll_ready(&RetryPolicy::default()).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        ended => Err(refusal(order).await.or(ended.err().map(AcmeError::from)).unwrap_or(AcmeError::Silent)),
    }
}

/// What the authority has against one of the names.
async fn refusal(order: &mut Order) -> Option<AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            let why = problem.detail.clone().or(problem.r#type.clone()).unwrap_or_default();
            return Some(AcmeError::Refused { name: state.identifier().to_string(), why });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_to_half_a_day() {
        let minutes: Vec<i64> = (0..8).map(|failures| back_off(failures) / MINUTE_MS).collect();
        assert_eq!(minutes, [1, 4, 16, 64, 256, 720, 720, 720]);
    }
}
