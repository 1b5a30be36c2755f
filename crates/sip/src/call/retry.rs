//! Credentials for the requests of a call, and the second try with them.

use crate::auth::{Challenge, Credentials, strongest};
use crate::chance::Chance;
use crate::message::{Header, Message, Start};

/// Realms that one call can hold credentials for: the trunk and a proxy or two before it.
const REALMS_MAX: usize = 4;

/// The headers that answer every challenge known so far.
pub fn credentials(challenges: &mut [Challenge], who: Option<&Credentials>, request: &Message, chance: &mut dyn Chance) -> Vec<Header> {
    let (Some(who), Start::Request { method, uri }) = (who, &request.start) else { return Vec::new() };
    challenges.iter_mut().map(|challenge| {
        let value = challenge.answer(who, method.as_str(), uri, &request.body, &chance.token());
        Header { name: challenge.header(), value }
    }).collect()
}

/// Takes the challenge of a 401 or 407; false when it is of no use: unknown, without credentials to answer with, or
/// the answer to it was refused.
pub fn accept_challenge(challenges: &mut Vec<Challenge>, have_credentials: bool, response: &Message) -> bool {
    let Some(fresh) = strongest(response).filter(|_| have_credentials) else { return false };
    let room = challenges.len() < REALMS_MAX;
    match challenges.iter_mut().find(|known| known.same_realm(&fresh)) {
        Some(known) => {
            // Without `stale` a new nonce says that the password was wrong, unless the nonce had been in use before
            // this request: then it may just not have been said.
            let again = fresh.is_stale() || known.uses() > 1;
            *known = fresh;
            again
        }
        None if room => {
            challenges.push(fresh);
            true
        }
        None => false,
    }
}
