//! Passwords: which ones will do, and argon2id, off the async threads and at most two at once, for each takes 19 MiB.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use clarion_domain::tenancy::places::Places;
use tokio::sync::Semaphore;

pub const CHARACTERS_MIN: usize = 12;
const CHARACTERS_MAX: usize = 200;
/// What is left of a password when its user's own names are taken out must be so long.
const OTHER_CHARACTERS_MIN: usize = 8;
/// Shorter names stand in half of all words.
const NAME_CHARACTERS_MIN: usize = 4;
/// Guesses that somebody needs who knows how people make passwords, as a power of ten.
const GUESSES_LOG10_MIN: f64 = 9.0;
/// Guessing is estimated on so many characters: more take long, and are not guessed.
const JUDGED_CHARACTERS_MAX: usize = 64;
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Passwords that wait to be compared: more would only make everybody wait longer.
const WAITING_MAX: usize = 50;
/// Of one address, so that nobody alone takes every place.
const WAITING_FROM_ONE_MAX: usize = 4;
/// Of the SFTP drop, which bounds its callers itself: a crowd of them holds up no page.
static OF_SFTP: Semaphore = Semaphore::const_new(1);
static WAITING: LazyLock<Arc<Places<String>>> = LazyLock::new(Arc::default);

/// Passwords of 12 characters and more that are known from thefts and tried first, in lower case; the build gathers them.
static STOLEN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!(concat!(env!("OUT_DIR"), "/stolen-passwords.txt")).lines().collect());

/// Hash of a password that nobody has: what an unknown username is compared with, so that it takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2xhcmlvbi1ub2JvZHk$2bYUaxy4zVwFzUYVYFFYrfMDHFUNX9FyFcJ8ecjjuHc";

/// A password that cannot be used; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("use at least {CHARACTERS_MIN} characters, for instance three or four words")]
    TooShort,
    #[error("use at most {CHARACTERS_MAX} characters")]
    TooLong,
    #[error("choose a password that is not made of the username, the person's name or the organisation's")]
    OwnName,
    #[error("choose another password: this one is known from thefts elsewhere and is among the first that are tried; three or four words that have nothing to do with each other are good")]
    Stolen,
    #[error("choose another password: this one follows a pattern and would soon be guessed; three or four words that have nothing to do with each other are good")]
    Guessable,
    #[error("the password could not be hashed")]
    Failed,
}

/// Whether a password will do for somebody with these names: the username, their own name, the organisation's.
pub fn check_password(password: &str, names: &[&str]) -> Result<(), PasswordError> {
    match password.chars().count() {
        ..CHARACTERS_MIN => return Err(PasswordError::TooShort),
        CHARACTERS_MIN..=CHARACTERS_MAX => {}
        _ => return Err(PasswordError::TooLong),
    }
    let folded = password.to_lowercase();
    if STOLEN.contains(folded.trim()) {
        return Err(PasswordError::Stolen);
    }
    let names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let parts: Vec<&str> = names.iter().flat_map(|name| std::iter::once(name.as_str()).chain(name.split(|letter: char| !letter.is_alphanumeric()))).collect();
    let mut parts: Vec<&str> = parts.into_iter().filter(|part| part.chars().count() >= NAME_CHARACTERS_MIN).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let rest = parts.iter().fold(folded.clone(), |rest, part| rest.replace(part, ""));
    if rest.len() < folded.len() && rest.chars().filter(|letter| letter.is_alphanumeric()).count() < OTHER_CHARACTERS_MIN {
        return Err(PasswordError::OwnName);
    }
    let judged: String = password.chars().take(JUDGED_CHARACTERS_MAX).collect();
    if zxcvbn::zxcvbn(&judged, &parts).guesses_log10() < GUESSES_LOG10_MIN {
        return Err(PasswordError::Guessable);
    }
    Ok(())
}

/// The PHC string that `Tenant::create_user` and `Tenant::set_password` take.
pub async fn hash_password(password: &str) -> Result<String, PasswordError> {
    let password = password.to_owned();
    let _turn = AT_ONCE.acquire().await.map_err(|_| PasswordError::Failed)?;
    let hashed = tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
    hashed.await.ok().and_then(Result::ok).ok_or(PasswordError::Failed)
}

/// So many passwords wait that this one was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be compared")]
pub struct Busy;

/// Compares a password; takes as long without a hash as with one. `from` is what shares its places: a network, or a user.
pub async fn verify(password: &str, hash: Option<&str>, from: &str) -> Result<bool, Busy> {
    // Where no address is known, nobody can be told from the others.
    let of_one = if from.is_empty() { WAITING_MAX } else { WAITING_FROM_ONE_MAX };
    let _place = WAITING.take(from.to_owned(), of_one, WAITING_MAX).ok_or(Busy)?;
    Ok(compare(password, hash).await)
}

/// The same for the SFTP drop, one after the other.
pub async fn verify_sftp(password: &str, hash: Option<&str>) -> bool {
    let Ok(_one) = OF_SFTP.acquire().await else { return false };
    compare(password, hash).await
}

async fn compare(password: &str, hash: Option<&str>) -> bool {
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
        assert_eq!(verify("three plain words", Some(&hash), "").await, Ok(true));
        assert_eq!(verify("three plain word", Some(&hash), "").await, Ok(false));
        assert_eq!(verify("three plain words", None, "").await, Ok(false));
        assert!(verify_sftp("three plain words", Some(&hash)).await);
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn who_has_the_places_of_one_address_waits_no_further() {
        let held: Vec<_> = (0..WAITING_FROM_ONE_MAX).map(|_| WAITING.take("203.0.113.7".into(), WAITING_FROM_ONE_MAX, WAITING_MAX).expect("a place")).collect();
        assert_eq!(verify("three plain words", None, "203.0.113.7").await, Err(Busy));
        assert_eq!(verify("three plain words", None, "198.51.100.1").await, Ok(false));
        drop(held);
        assert_eq!(verify("three plain words", None, "203.0.113.7").await, Ok(false));
    }

    #[test]
    fn refuses_short_ones_long_ones_and_ones_own_names() {
        let check = |password: &str| check_password(password, &["ada.lovelace1", "Ada Lovelace", "Northwind Energy"]);
        assert!(matches!(check("elevenchars"), Err(PasswordError::TooShort)));
        assert!(matches!(check(&"long ".repeat(41)), Err(PasswordError::TooLong)));
        for own in ["Ada.Lovelace1", "lovelace-2026!", "NorthwindEnergy1", "northwind/energy.26"] {
            assert!(matches!(check(own), Err(PasswordError::OwnName)), "{own}");
        }
        assert!(check("the lovelace engine hums at noon").is_ok(), "a name among other words does no harm");
    }

    #[test]
    fn refuses_what_was_stolen_and_what_follows_a_pattern() {
        assert!(STOLEN.len() > 3_000, "as many as ASVS asks for, of those that are long enough: {}", STOLEN.len());
        assert!(STOLEN.iter().all(|word| word.chars().count() >= CHARACTERS_MIN));
        for stolen in ["1qaz2wsx3edc", "1Qaz2wsX3edc", "unbelievable"] {
            assert!(matches!(check_password(stolen, &[]), Err(PasswordError::Stolen)), "{stolen}");
        }
        for guessed in ["Password12345!", "passwordpassword", "abcdefghijklmnop", "P@ssw0rd123456", "aaaaaaaaaaaaaaaa", "Summer2026Summer2026", "letmeinletmein1"] {
            assert!(matches!(check_password(guessed, &[]), Err(PasswordError::Guessable | PasswordError::Stolen)), "{guessed}");
        }
        for good in ["three plain words", "four other plain words", "x7k2m-9qpr4-tw3vz-hj8nd", "correct kettle violin moss", "größer als tannengrün"] {
            assert!(check_password(good, &["ada"]).is_ok(), "{good}");
        }
    }
}
