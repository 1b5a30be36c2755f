//! Finding a person. Numbers and references are stored sealed: a whole one is found by its keyed hash; the end of a number and the beginning
//! of a reference by a coarser one, whose few are opened and compared.

use clarion_domain::audit::event::Act;
use clarion_domain::contacts::address::normalise;
use clarion_domain::contacts::region::Region;
use clarion_domain::id::ContactId;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_domain::time::Instant;

use super::contact::NUMBER_LABEL;
use crate::db::{Params, sql};
use crate::params;
use crate::seal::{HEAD_CHARS, TAIL_DIGITS};
use crate::store::{StoreError, Tenant};

/// What a search says when it found nobody; `may_reveal` as it was searched with.
#[must_use]
pub fn not_found_hint(may_reveal: bool) -> &'static str {
    if may_reveal {
        "Nobody has this number or reference. Type the whole of it, at least the last four digits of a number, or at least the first six letters of a reference."
    } else {
        "Nobody has this number or reference. Type the whole of it, exactly the last four digits of a number, or exactly the first six letters of a reference."
    }
}

/// So many are shown; more are said to be there.
pub const FOUND_MAX: usize = 50;
/// So many are opened to be compared.
const OPENED_MAX: i64 = 5_000;
/// Rows of before the search by parts that are filled in at once.
const FILLED_AT_ONCE: i64 = 500;

/// Who was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub ids: Vec<ContactId>,
    /// There may be others: type more.
    pub more: bool,
}

impl Found {
    fn of(ids: Vec<ContactId>) -> Self {
        Self { ids, more: false }
    }

    fn add(&mut self, id: ContactId) {
        if self.ids.len() == FOUND_MAX {
            self.more = true;
        } else if !self.ids.contains(&id) {
            self.ids.push(id);
        }
    }
}

/// The digits of a part of a number; `None` when it is none, too short to search by, or longer than the mask shows to whoever may not
/// reveal: adding a digit at a time would tell the whole number.
fn tail_of(typed: &str, may_reveal: bool) -> Option<String> {
    let is_number = typed.chars().all(|letter| letter.is_ascii_digit() || " +-().…*".contains(letter));
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let digits_max = if may_reveal { 15 } else { TAIL_DIGITS };
    (is_number && (TAIL_DIGITS..=digits_max).contains(&digits.len())).then_some(digits)
}

impl Tenant {
    /// A number as typed, read like the tenant's files are; `None` when it is no number of the tenant's kind.
    pub async fn read_number(&self, typed: &str) -> Result<Option<String>, StoreError> {
        let record = self.record().await?;
        let Ok(region) = record.default_region.parse::<Region>() else { return Ok(None) };
        // Either mode: a search must find what an earlier setting let in.
        let read = |mode| normalise(typed, region, mode).ok().map(|address| address.e164.reveal().to_owned());
        Ok(read(NumberMode::Production).or_else(|| read(NumberMode::Demo)))
    }

    pub async fn contact_by_number(&self, e164: &str) -> Result<Option<ContactId>, StoreError> {
        let select = sql!("SELECT contact_id FROM address WHERE tenant_id = $1 AND number_index = $2");
        let row = self.db().query_first(select, &params![self.id, self.number_index(e164)]).await?;
        Ok(row.map(|mut row| row.take(0)).transpose()?)
    }

    pub async fn contacts_by_reference(&self, reference: &str) -> Result<Vec<ContactId>, StoreError> {
        let select = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND reference_index = $2 ORDER BY id LIMIT 100");
        let rows = self.db().query(select, &params![self.id, self.reference_index(reference)]).await?;
        rows.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    /// Whose number ends in these digits: just the four that a mask shows, or more for who may reveal, which is audited for each one found.
    pub async fn contacts_by_number_end(&self, typed: &str, may_reveal: bool, now: Instant) -> Result<Found, StoreError> {
        let Some(digits) = tail_of(typed, may_reveal) else { return Ok(Found::default()) };
        let select = sql!(
            "SELECT a.contact_id, a.sealed_number, c.wrapped_key FROM address a JOIN contact c ON c.id = a.contact_id
             WHERE a.tenant_id = $1 AND a.tail_index = $2 ORDER BY a.id DESC LIMIT $3"
        );
        let rows = self.db().query(select, &params![self.id, self.keys.index.tail(&digits), OPENED_MAX]).await?;
        let mut found = Found { ids: Vec::new(), more: rows.len() as i64 == OPENED_MAX };
        for mut row in rows {
            let (sealed, wrapped): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(1)?, row.take(2)?);
            let (Some(sealed), Some(key)) = (sealed, self.person_key(wrapped.as_deref())?) else { continue };
            if key.open_text(NUMBER_LABEL, &sealed)?.ends_with(&digits) {
                found.add(row.take(0)?);
            }
        }
        if digits.len() > TAIL_DIGITS && !found.ids.is_empty() {
            let mut tx = self.db().begin().await?;
            for id in &found.ids {
                self.audit(&mut tx, now, Act::Revealed, "contact", id.0, "by a part of the number").await?;
            }
            tx.commit().await?;
        }
        Ok(found)
    }

    /// Whose reference begins so: six letters, or more for who may reveal.
    pub async fn contacts_by_reference_start(&self, typed: &str, may_reveal: bool) -> Result<Found, StoreError> {
        let folded = typed.trim().to_lowercase();
        let letters = folded.chars().count();
        if letters < HEAD_CHARS || (letters > HEAD_CHARS && !may_reveal) {
            return Ok(Found::default());
        }
        let select = sql!("SELECT id, sealed_profile, wrapped_key FROM contact WHERE tenant_id = $1 AND head_index = $2 ORDER BY id DESC LIMIT $3");
        let rows = self.db().query(select, &params![self.id, self.keys.index.head(&folded), OPENED_MAX]).await?;
        let mut found = Found { ids: Vec::new(), more: rows.len() as i64 == OPENED_MAX };
        for mut row in rows {
            let (sealed, wrapped): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(1)?, row.take(2)?);
            let Some(key) = self.person_key(wrapped.as_deref())? else { continue };
            if Self::open_profile(&key, sealed.as_deref())?.reference.trim().to_lowercase().starts_with(&folded) {
                found.add(row.take(0)?);
            }
        }
        Ok(found)
    }

    /// The contacts whose whole reference or whole number was typed.
    pub async fn search_contacts(&self, typed: &str) -> Result<Vec<ContactId>, StoreError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.contacts_by_reference(typed).await?;
        if let Some(e164) = self.read_number(typed).await? {
            found.extend(self.contact_by_number(&e164).await?.filter(|id| !found.contains(id)));
        }
        Ok(found)
    }

    /// Whoever has it whole; where nobody does, those of whom it is a part (nobody: say `not_found_hint`). `may_reveal` says whether
    /// whoever asks may see whole numbers: others find by no more than a mask shows.
    pub async fn find_contacts(&self, typed: &str, may_reveal: bool, now: Instant) -> Result<Found, StoreError> {
        let whole = self.search_contacts(typed).await?;
        if !whole.is_empty() {
            return Ok(Found::of(whole));
        }
        let mut found = self.contacts_by_number_end(typed, may_reveal, now).await?;
        let by_reference = self.contacts_by_reference_start(typed, may_reveal).await?;
        found.more |= by_reference.more;
        by_reference.ids.into_iter().for_each(|id| found.add(id));
        Ok(found)
    }

    /// Fills in what people loaded before the search by parts lack; how many rows, 0 when nothing is left.
    pub async fn fill_search_indexes(&self) -> Result<usize, StoreError> {
        let mut tx = self.db().begin().await?;
        let untailed = sql!(
            "SELECT a.id, a.sealed_number, c.wrapped_key FROM address a JOIN contact c ON c.id = a.contact_id
             WHERE +a.tenant_id = $1 AND a.tail_index IS NULL AND a.number_index IS NOT NULL ORDER BY a.id LIMIT $2"
        );
        let mut tails: Vec<Params> = Vec::new();
        for mut row in tx.query(untailed, &params![self.id, FILLED_AT_ONCE]).await? {
            let (sealed, wrapped): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(1)?, row.take(2)?);
            let number = match (sealed, self.person_key(wrapped.as_deref())?) {
                (Some(sealed), Some(key)) => key.open_text(NUMBER_LABEL, &sealed)?,
                _ => String::new(),
            };
            tails.push(params![row.take::<i64>(0)?, self.keys.index.tail(&number)]);
        }
        // Whoever was erased meanwhile has no index any more, and gets none back.
        tx.execute_many(sql!("UPDATE address SET tail_index = $2 WHERE id = $1 AND tail_index IS NULL AND number_index IS NOT NULL"), &tails).await?;
        let unheaded = sql!(
            "SELECT id, sealed_profile, wrapped_key FROM contact WHERE +tenant_id = $1 AND head_index IS NULL AND reference_index IS NOT NULL ORDER BY id LIMIT $2"
        );
        let mut heads: Vec<Params> = Vec::new();
        for mut row in tx.query(unheaded, &params![self.id, FILLED_AT_ONCE]).await? {
            let (sealed, wrapped): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(1)?, row.take(2)?);
            let reference = match self.person_key(wrapped.as_deref())? {
                Some(key) => Self::open_profile(&key, sealed.as_deref())?.reference,
                None => String::new(),
            };
            heads.push(params![row.take::<i64>(0)?, self.keys.index.head(&reference)]);
        }
        tx.execute_many(sql!("UPDATE contact SET head_index = $2 WHERE id = $1 AND head_index IS NULL AND reference_index IS NOT NULL"), &heads).await?;
        tx.commit().await?;
        Ok(tails.len() + heads.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_number_has_four_digits_at_least() {
        assert_eq!(tail_of("00 12", true).as_deref(), Some("0012"));
        assert_eq!(tail_of("…0012", false).as_deref(), Some("0012"));
        assert_eq!(tail_of("012", true), None);
        assert_eq!(tail_of("A0012", true), None);
        assert_eq!((tail_of("90012", true).as_deref(), tail_of("90012", false)), (Some("90012"), None), "more than a mask shows");
    }
}
