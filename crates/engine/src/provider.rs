//! Asks a tenant's identity provider, for the portal, which sends nothing itself: under the guard of webhooks, for its address too is one that
//! a tenant has written.

use std::time::Duration;

use clarion_store::Store;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONNECTION};

use crate::outward::Outward;

const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    #[error("its address is none that this server may ask")]
    Refused,
    #[error("it does not answer")]
    Silent,
    #[error("its answer is too long")]
    TooLong,
}

pub struct Provider(Outward);

impl Provider {
    pub fn new(store: &Store) -> Result<Self, reqwest::Error> {
        Outward::new(store, ANSWERS_WITHIN).map(Self)
    }

    /// A GET, or a POST of `form` when it holds something; status and body.
    pub async fn ask(&self, url: &str, form: &[(String, String)], authorization: &str) -> Result<(u16, Vec<u8>), ProviderError> {
        let (url, client) = self.0.to(url).map_err(|_| ProviderError::Refused)?;
        let request = if form.is_empty() { client.get(url) } else { client.post(url).form(form) };
        let request = if authorization.is_empty() { request } else { request.header(AUTHORIZATION, authorization) };
        // A connection of before is not used again: the provider may have closed it while somebody typed, and a code is sent only once.
        let mut answer = request.header(ACCEPT, "application/json").header(CONNECTION, "close").send().await.map_err(|_| ProviderError::Silent)?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|_| ProviderError::Silent)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(ProviderError::TooLong);
            }
        }
        Ok((status, body))
    }
}
