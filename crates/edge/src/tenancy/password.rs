//! Passwords: argon2id, off the async threads, and at most two at once, for each takes 19 MiB.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

pub const CHARACTERS_MIN: usize = 12;
const CHARACTERS_MAX: usize = 200;
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Hash of a password that nobody has: what an unknown username is compared with, so that it takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2xhcmlvbi1ub2JvZHk$2bYUaxy4zVwFzUYVYFFYrfMDHFUNX9FyFcJ8ecjjuHc";

/// A password that cannot be used; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("use at least {CHARACTERS_MIN} characters, for instance three or four words")]
    TooShort,
    #[error("use at most {CHARACTERS_MAX} characters")]
    TooLong,
    #[error("choose a password that is not the username")]
    IsUsername,
    #[error("the password could not be hashed")]
    Failed,
}

pub fn check(password: &str, username: &str) -> Result<(), PasswordError> {
    match password.chars().count() {
        ..CHARACTERS_MIN => Err(PasswordError::TooShort),
        CHARACTERS_MIN..=CHARACTERS_MAX if password.eq_ignore_ascii_case(username) => Err(PasswordError::IsUsername),
        CHARACTERS_MIN..=CHARACTERS_MAX => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// The PHC string that `Tenant::create_user` and `Tenant::set_password` take.
pub async fn hash_password(password: &str) -> Result<String, PasswordError> {
    let password = password.to_owned();
    let _turn = AT_ONCE.acquire().await.map_err(|_| PasswordError::Failed)?;
    let hashed = tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
    hashed.await.ok().and_then(Result::ok).ok_or(PasswordError::Failed)
}

/// Takes as long without a hash as with one.
pub async fn verify(password: &str, hash: Option<&str>) -> bool {
    let (password, known, hash) = (password.to_owned(), hash.is_some(), hash.unwrap_or(NOBODY).to_owned());
    let Ok(_turn) = AT_ONCE.acquire().await else { return false };
    let compared = tokio::task::spawn_blocking(move || PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()));
    compared.await.unwrap_or(false) && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let hash = hash_password("three plain words").await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "the cost of nobody's hash is the same: {hash}");
        assert!(verify("three plain words", Some(&hash)).await);
        assert!(!verify("three plain word", Some(&hash)).await);
        assert!(!verify("three plain words", None).await);
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn refuses_short_ones_and_the_username() {
        assert!(matches!(check("elevenchars", "ada"), Err(PasswordError::TooShort)));
        assert!(matches!(check("Ada.Lovelace1", "ada.lovelace1"), Err(PasswordError::IsUsername)));
        assert!(check("three plain words", "ada").is_ok());
    }
}
