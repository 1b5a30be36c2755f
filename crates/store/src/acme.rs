//! What a certificate that is fetched by ACME needs to outlast a process and to reach every node: the account, the certificate with its
//! key, when it is tried again, and the answers to what the authority asks.

use clarion_domain::personal::Personal;
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{Row, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{Store, StoreError};

const ACCOUNT: &str = "acme_certificate.account";
const CERTIFICATE: &str = "acme_certificate.certificate";
/// How long nobody else tries while one node does; a node that dies meanwhile leaves no more behind than this.
const TRY_MS: i64 = 10 * MINUTE_MS;
/// How soon after a try that it broke off a node that starts again may ask.
const BROKEN_OFF_MS: i64 = MINUTE_MS;
/// So many failed tries in a row may follow each other by starts alone; from then on so long lies between two: authorities allow five an hour.
const QUICK_TRIES: i64 = 2;
const NOT_AGAIN_MS: i64 = 12 * MINUTE_MS;
/// An answer that nobody took back is asked for no more after this.
const CHALLENGE_MS: i64 = 60 * MINUTE_MS;

/// A certificate as it is kept, for these names from this directory.
#[derive(Debug, Clone)]
pub struct AcmeCertificate {
    pub id: i64,
    /// As the ACME client writes it.
    pub account: Option<Personal>,
    /// The chain in PEM, and behind it the key.
    pub certificate: Option<Personal>,
    pub obtained_at: Option<Instant>,
    pub next_try_at: Instant,
    /// In a row.
    pub failures: i64,
    pub last_error: String,
}

impl Store {
    /// What is kept for these names, which stand between spaces.
    pub async fn acme_certificate(&self, names: &str, directory_url: &str) -> Result<Option<AcmeCertificate>, StoreError> {
        let select = sql!(
            "SELECT wrapped_key, id, sealed_account, sealed_certificate, obtained_at, next_try_at, failures, last_error FROM acme_certificate
             WHERE names = $1 AND directory_url = $2"
        );
        let Some(mut row) = self.db().query_first(select, &params![names, directory_url]).await? else { return Ok(None) };
        let key = self.keyring().unwrap(&row.take::<Vec<u8>>(0)?)?;
        let opened = |row: &mut Row, at: usize, label: &str| -> Result<Option<Personal>, StoreError> {
            Ok(row.take::<Option<Vec<u8>>>(at)?.map(|sealed| key.open_text(label, &sealed)).transpose()?.map(Personal::new))
        };
        let (account, certificate) = (opened(&mut row, 2, ACCOUNT)?, opened(&mut row, 3, CERTIFICATE)?);
        Ok(Some(AcmeCertificate { id: row.take(1)?, account, certificate, obtained_at: row.take(4)?, next_try_at: row.take(5)?, failures: row.take(6)?, last_error: row.take(7)? }))
    }

    /// Takes the next try when it is due, so that one node alone asks the authority. `None` when it is not, or another node has it.
    pub async fn claim_acme_try(&self, names: &str, directory_url: &str, now: Instant) -> Result<Option<AcmeCertificate>, StoreError> {
        let insert = sql!(
            "INSERT INTO acme_certificate (id, names, directory_url, wrapped_key, next_try_at, failures, last_error) VALUES ($1, $2, $3, $4, $5, 0, '')
             ON CONFLICT (names, directory_url) DO NOTHING"
        );
        let wrapped = self.keyring().wrap(&DataKey::random()?)?;
        self.db().execute(insert, &params![self.next_id(now), names, directory_url, wrapped, now]).await?;
        let take = sql!("UPDATE acme_certificate SET next_try_at = $1, claimed_by = $2, tried_at = $3 WHERE names = $4 AND directory_url = $5 AND next_try_at <= $3");
        match self.db().execute(take, &params![now.plus_ms(TRY_MS), self.node().0, now, names, directory_url]).await? {
            0 => Ok(None),
            _ => self.acme_certificate(names, directory_url).await,
        }
    }

    /// At a node's start. What it was asking when it ended is a failed try, and its claim ends. Whoever starts a server anew has perhaps
    /// put right what was wrong: a failed try is not waited for any longer, unless starts follow each other too fast. What another node is
    /// asking just now stays its own.
    pub async fn try_acme_again(&self, names: &str, directory_url: &str, now: Instant) -> Result<(), StoreError> {
        let broken_off = sql!(
            "UPDATE acme_certificate SET claimed_by = NULL, failures = failures + 1, last_error = 'the server ended while it asked', next_try_at = tried_at + $1
             WHERE names = $2 AND directory_url = $3 AND claimed_by = $4"
        );
        self.db().execute(broken_off, &params![BROKEN_OFF_MS, names, directory_url, self.node().0]).await?;
        let sooner = sql!(
            "UPDATE acme_certificate SET next_try_at = $1 WHERE names = $2 AND directory_url = $3 AND next_try_at > $1
             AND claimed_by IS NULL AND failures > 0 AND (failures <= $4 OR COALESCE(tried_at, 0) <= $5)"
        );
        self.db().execute(sooner, &params![now, names, directory_url, QUICK_TRIES, now.plus_ms(-NOT_AGAIN_MS)]).await?;
        Ok(())
    }

    pub async fn keep_acme_account(&self, id: i64, account: &Personal) -> Result<(), StoreError> {
        let sealed = self.acme_key(id).await?.seal(ACCOUNT, account.reveal().as_bytes())?;
        self.db().execute(sql!("UPDATE acme_certificate SET sealed_account = $1 WHERE id = $2"), &params![sealed, id]).await?;
        Ok(())
    }

    /// Puts a new certificate in the place of the one before.
    pub async fn keep_acme_certificate(&self, id: i64, certificate: &Personal, renew_at: Instant, now: Instant) -> Result<(), StoreError> {
        let sealed = self.acme_key(id).await?.seal(CERTIFICATE, certificate.reveal().as_bytes())?;
        let update = sql!("UPDATE acme_certificate SET sealed_certificate = $1, obtained_at = $2, next_try_at = $3, failures = 0, last_error = '', claimed_by = NULL WHERE id = $4");
        self.db().execute(update, &params![sealed, now, renew_at, id]).await?;
        Ok(())
    }

    pub async fn acme_try_failed(&self, id: i64, error: &str, again_at: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE acme_certificate SET failures = failures + 1, last_error = $1, next_try_at = $2, claimed_by = NULL WHERE id = $3");
        self.db().execute(update, &params![error, again_at, id]).await?;
        Ok(())
    }

    /// Lets every node answer for this name.
    pub async fn offer_acme_answer(&self, token: &str, name: &str, key_authorization: &str, now: Instant) -> Result<(), StoreError> {
        let insert = sql!(
            "INSERT INTO acme_challenge (token, name, key_authorization, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (token) DO UPDATE SET key_authorization = excluded.key_authorization, expires_at = excluded.expires_at"
        );
        self.db().execute(insert, &params![token, name, key_authorization, now.plus_ms(CHALLENGE_MS)]).await?;
        Ok(())
    }

    /// For http-01, where the authority says which of its questions it asks.
    pub async fn acme_answer(&self, token: &str, now: Instant) -> Result<Option<String>, StoreError> {
        let select = sql!("SELECT key_authorization FROM acme_challenge WHERE token = $1 AND expires_at > $2");
        Ok(self.db().query_first(select, &params![token, now]).await?.map(|mut row: Row| row.take(0)).transpose()?)
    }

    /// For tls-alpn-01, where it says only for which name.
    pub async fn acme_answer_for(&self, name: &str, now: Instant) -> Result<Option<String>, StoreError> {
        let select = sql!("SELECT key_authorization FROM acme_challenge WHERE name = $1 AND expires_at > $2 ORDER BY expires_at DESC LIMIT 1");
        Ok(self.db().query_first(select, &params![name, now]).await?.map(|mut row: Row| row.take(0)).transpose()?)
    }

    /// These are answered no more, nor whatever is too old.
    pub async fn withdraw_acme_answers(&self, tokens: &[String], now: Instant) -> Result<(), StoreError> {
        for token in tokens {
            self.db().execute(sql!("DELETE FROM acme_challenge WHERE token = $1"), &params![token.as_str()]).await?;
        }
        self.db().execute(sql!("DELETE FROM acme_challenge WHERE expires_at <= $1"), &params![now]).await?;
        Ok(())
    }

    async fn acme_key(&self, id: i64) -> Result<DataKey, StoreError> {
        let select = sql!("SELECT wrapped_key FROM acme_certificate WHERE id = $1");
        let row = self.db().query_first(select, &params![id]).await?;
        let wrapped: Vec<u8> = row.map(|mut row: Row| row.take(0)).transpose()?.ok_or(StoreError::NotFound("certificate"))?;
        Ok(self.keyring().unwrap(&wrapped)?)
    }
}
