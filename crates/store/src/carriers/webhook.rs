//! Receipts of HTTP providers: a signed request becomes a row, which the engine matches like any other receipt.

use clarion_domain::carriers::settings::{HttpReceiptSettings, TrunkSettings};
use clarion_domain::id::TrunkId;
use clarion_domain::time::Instant;
use ring::hmac;

use crate::outcomes::UnmatchedReceipt;
use crate::store::{Store, StoreError};

/// Why a webhook call was not believed or not understood.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("no such trunk, or it takes no receipts over HTTP")]
    NoSuchTrunk,
    #[error("the signature is missing or does not fit: sign the body with HMAC-SHA256 and the trunk's secret, in hexadecimal")]
    BadSignature,
    #[error("the body is not JSON with a message id at {message_id} and a known state at {state}")]
    NotAReceipt { message_id: String, state: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The header in which this trunk's provider puts its signature.
    pub async fn receipt_signature_header(&self, trunk: TrunkId) -> Result<String, WebhookError> {
        Ok(self.receipt_settings(trunk).await?.signature_header)
    }

    /// Takes one receipt: checks the signature over the raw body, reads it as the trunk's settings say, and stores it.
    pub async fn receive_receipt(&self, trunk: TrunkId, body: &[u8], signature: &str, now: Instant) -> Result<(), WebhookError> {
        let settings = self.receipt_settings(trunk).await?;
        let secret = self.trunk_secret(trunk).await?;
        let given = from_hex(signature.trim().trim_start_matches("sha256=")).ok_or(WebhookError::BadSignature)?;
        if secret.is_empty() || hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes()), body, &given).is_err() {
            return Err(WebhookError::BadSignature);
        }
        let not_a_receipt = || WebhookError::NotAReceipt { message_id: settings.message_id.clone(), state: settings.state.clone() };
        let told: serde_json::Value = serde_json::from_slice(body).map_err(|_| not_a_receipt())?;
        let at = |pointer: &str| match told.pointer(pointer) {
            Some(serde_json::Value::String(text)) => Some(text.clone()),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let id = at(&settings.message_id).filter(|id| !id.is_empty() && id.len() <= 255).ok_or_else(not_a_receipt)?;
        let state = at(&settings.state).and_then(|word| settings.states.get(&word).copied()).ok_or_else(not_a_receipt)?;
        let error = if settings.error.is_empty() { None } else { at(&settings.error) };
        let receipt = UnmatchedReceipt {
            id: self.next_id(now),
            trunk,
            carrier_message_id: id,
            state,
            error: error.unwrap_or_default().chars().take(32).collect(),
            received_at: now,
        };
        Ok(self.queue_receipt(receipt).await?)
    }

    async fn receipt_settings(&self, trunk: TrunkId) -> Result<HttpReceiptSettings, WebhookError> {
        let found = self.trunks().await?.into_iter().find(|record| record.id == trunk && record.enabled);
        match found.map(|record| record.settings) {
            Some(TrunkSettings::Http(settings)) => settings.receipt.ok_or(WebhookError::NoSuchTrunk),
            _ => Err(WebhookError::NoSuchTrunk),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
