//! All that a decision looks at about a batch of recipients, read in a few statements.

use std::sync::Arc;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::consent::{Consent, ConsentKind, ConsentState, ObtainedIn, SoftOptIn};
use clarion_domain::compliance::facts::{Touch, Wishes};
use clarion_domain::compliance::hold::{Hold, HoldReason};
use clarion_domain::compliance::purpose::Purpose;
use clarion_domain::compliance::suppression::Suppression;
use clarion_domain::contacts::address::LineType;
use clarion_domain::id::{AddressId, ContactId, floor_at};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use crate::compliance::Week;
use crate::contacts::{ContactProfile, PROFILE_LABEL};
use crate::db::{Db, DbError, Params, Row, Statement, Tx, Value, sql};
use crate::params;
use crate::seal::DataKey;
use crate::store::{StoreError, Tenant};

/// Recipients in one batch.
pub const RECIPIENTS_MAX: usize = 1_024;

/// One recipient with everything that is known about contacting them.
pub struct RecipientFacts {
    pub contact_id: ContactId,
    pub address_id: AddressId,
    /// Only a tombstone is left, or the row is gone: there is no key, no number and no profile, and nobody may be contacted.
    pub erased: bool,
    /// E.164; empty when erased.
    pub number: Personal,
    pub number_index: [u8; 16],
    /// The person's own key, opened: for sealing the message's body. `None` when erased.
    pub key: Option<Arc<DataKey>>,
    pub profile: ContactProfile,
    pub line_type: LineType,
    /// Two letters; empty when not known.
    pub region: String,
    pub zones: Vec<String>,
    pub suppressions: Vec<Suppression>,
    /// Not lifted; `until` is the rule's to read.
    pub holds: Vec<Hold>,
    pub consents: Vec<ConsentRecord>,
    pub wishes: Option<Wishes>,
    /// Attempts since the time asked for, of every campaign of the tenant.
    pub touches: Vec<Touch>,
}

/// One record of the consent ledger, as a decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentRecord {
    pub kind: ConsentKind,
    pub channel: Channel,
    pub purpose: Purpose,
    pub given_at: Instant,
    pub expires_at: Option<Instant>,
    pub withdrawn_at: Option<Instant>,
    /// The evidence and the version of the wording are both on record.
    pub has_evidence: bool,
    pub obtained_in: ObtainedIn,
    pub refusal_offered: bool,
}

impl ConsentRecord {
    /// As the rules see it: a withdrawn record is a withdrawal, whatever its kind, and a soft opt-in is no consent.
    #[must_use]
    pub fn consent(&self) -> Option<Consent> {
        let consent = Consent { channel: self.channel, state: ConsentState::Given, at: self.given_at, expires_at: self.expires_at, has_evidence: self.has_evidence };
        match (self.withdrawn_at, self.kind) {
            (Some(at), _) => Some(Consent { state: ConsentState::Withdrawn, at, ..consent }),
            (None, ConsentKind::Express) => Some(consent),
            (None, ConsentKind::SoftOptIn) => None,
        }
    }

    /// The evidence of a soft opt-in that stands.
    #[must_use]
    pub fn soft_opt_in(&self) -> Option<SoftOptIn> {
        let stands = self.kind == ConsentKind::SoftOptIn && self.withdrawn_at.is_none() && self.has_evidence;
        stands.then_some(SoftOptIn { obtained_in: self.obtained_in, refusal_offered: self.refusal_offered })
    }
}

/// Where the facts are read: within the transaction that will act on them, or beside it, without the writer's lock, to explain.
enum Source<'a> {
    Tx(&'a mut Tx),
    Db(&'a Db),
}

impl Source<'_> {
    async fn query_many(&mut self, statement: &Statement, batch: &[Params]) -> Result<Vec<Vec<Row>>, DbError> {
        match self {
            Self::Tx(tx) => tx.query_many(statement, batch).await,
            Self::Db(db) => db.query_many(statement, batch).await,
        }
    }

    async fn query_first(&mut self, statement: &Statement, params: &[Value]) -> Result<Option<Row>, DbError> {
        match self {
            Self::Tx(tx) => tx.query_first(statement, params).await,
            Self::Db(db) => db.query_first(statement, params).await,
        }
    }
}

/// Which ledgers of the tenant hold anything at all: an empty one is not asked for each recipient.
struct Ledgers {
    suppressions: bool,
    holds: bool,
    consents: bool,
    wishes: bool,
}

impl Tenant {
    /// The facts of up to `RECIPIENTS_MAX` recipients (contact, address), in the order asked for.
    pub async fn recipient_facts(&self, tx: &mut Tx, recipients: &[(ContactId, AddressId)], attempts_since: Instant) -> Result<Vec<RecipientFacts>, StoreError> {
        self.facts_from(&mut Source::Tx(tx), recipients, attempts_since).await
    }

    /// The same without a transaction: to explain, never to send.
    pub async fn recipient_facts_to_explain(&self, recipients: &[(ContactId, AddressId)], attempts_since: Instant) -> Result<Vec<RecipientFacts>, StoreError> {
        self.facts_from(&mut Source::Db(self.db()), recipients, attempts_since).await
    }

    async fn facts_from(&self, tx: &mut Source<'_>, recipients: &[(ContactId, AddressId)], attempts_since: Instant) -> Result<Vec<RecipientFacts>, StoreError> {
        let mut facts = self.people(tx, recipients).await?;
        let ledgers = self.ledgers(tx).await?;
        if ledgers.suppressions {
            self.add_suppressions(tx, &mut facts).await?;
        }
        if ledgers.holds {
            self.add_holds(tx, &mut facts).await?;
        }
        if ledgers.consents {
            self.add_consents(tx, &mut facts).await?;
        }
        if ledgers.wishes {
            self.add_wishes(tx, &mut facts).await?;
        }
        self.add_touches(tx, &mut facts, attempts_since).await?;
        Ok(facts)
    }

    async fn ledgers(&self, tx: &mut Source<'_>) -> Result<Ledgers, StoreError> {
        let select = sql!(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM suppression WHERE tenant_id = $1 LIMIT 1) s),
                    (SELECT COUNT(*) FROM (SELECT 1 FROM hold WHERE tenant_id = $1 AND lifted_at IS NULL LIMIT 1) h),
                    (SELECT COUNT(*) FROM (SELECT 1 FROM consent WHERE tenant_id = $1 LIMIT 1) c),
                    (SELECT COUNT(*) FROM (SELECT 1 FROM preference WHERE tenant_id = $1 LIMIT 1) p)"
        );
        let Some(mut row) = tx.query_first(select, &params![self.id]).await? else {
            return Ok(Ledgers { suppressions: true, holds: true, consents: true, wishes: true });
        };
        Ok(Ledgers { suppressions: row.take(0)?, holds: row.take(1)?, consents: row.take(2)?, wishes: row.take(3)? })
    }

    async fn people(&self, tx: &mut Source<'_>, recipients: &[(ContactId, AddressId)]) -> Result<Vec<RecipientFacts>, StoreError> {
        let select = sql!(
            "SELECT c.wrapped_key, c.sealed_profile, a.number_index, a.sealed_number, a.line_type, a.region, a.zones
             FROM address a JOIN contact c ON c.id = a.contact_id
             WHERE a.id = $1 AND c.id = $2 AND c.tenant_id = $3 AND c.erased_at IS NULL"
        );
        let batch: Vec<Params> = recipients.iter().map(|(contact, address)| params![*address, *contact, self.id]).collect();
        let rows = tx.query_many(select, &batch).await?;
        let mut facts = Vec::with_capacity(recipients.len());
        for ((contact_id, address_id), rows) in recipients.iter().zip(rows) {
            let mut person = RecipientFacts::erased(*contact_id, *address_id);
            if let Some(row) = rows.into_iter().next() {
                self.open_person(&mut person, row)?;
            }
            facts.push(person);
        }
        Ok(facts)
    }

    fn open_person(&self, person: &mut RecipientFacts, mut row: Row) -> Result<(), StoreError> {
        let (Some(wrapped), Some(index), Some(number)) = (row.take::<Option<Vec<u8>>>(0)?, row.take::<Option<[u8; 16]>>(2)?, row.take::<Option<Vec<u8>>>(3)?) else {
            return Ok(());
        };
        let key = self.store.keyring().unwrap(&wrapped)?;
        person.number = key.open_text("address.number", &number)?.into();
        if let Some(sealed) = row.take::<Option<Vec<u8>>>(1)? {
            let plain = key.open(PROFILE_LABEL, &sealed)?;
            person.profile = serde_json::from_slice(&plain).map_err(|_| StoreError::Invalid("a contact's sealed profile does not read: restore it from a backup".into()))?;
        }
        person.number_index = index;
        person.line_type = row.word(4)?;
        person.region = row.take(5)?;
        let zones: String = row.take(6)?;
        person.zones = zones.split([',', ' ']).filter(|zone| !zone.is_empty()).map(str::to_owned).collect();
        person.key = Some(Arc::new(key));
        person.erased = false;
        Ok(())
    }

    async fn add_suppressions(&self, tx: &mut Source<'_>, facts: &mut [RecipientFacts]) -> Result<(), StoreError> {
        let select = sql!("SELECT scope, reason FROM suppression WHERE tenant_id = $1 AND number_index = $2");
        let batch: Vec<Params> = facts.iter().map(|person| params![self.id, person.number_index]).collect();
        for (person, rows) in facts.iter_mut().zip(tx.query_many(select, &batch).await?) {
            for mut row in rows {
                person.suppressions.push(Suppression { scope: row.word(0)?, reason: row.word(1)? });
            }
        }
        Ok(())
    }

    async fn add_holds(&self, tx: &mut Source<'_>, facts: &mut [RecipientFacts]) -> Result<(), StoreError> {
        let select = sql!("SELECT reason, until_at FROM hold WHERE contact_id = $1 AND lifted_at IS NULL");
        let found = tx.query_many(select, &by_contact(facts)).await?;
        for (person, rows) in facts.iter_mut().zip(found) {
            for mut row in rows {
                person.holds.push(Hold { reason: row.word::<HoldReason>(0)?, until: row.take(1)? });
            }
        }
        Ok(())
    }

    async fn add_consents(&self, tx: &mut Source<'_>, facts: &mut [RecipientFacts]) -> Result<(), StoreError> {
        let select = sql!(
            "SELECT kind, channel, purpose, given_at, expires_at, withdrawn_at,
                    CAST(CASE WHEN evidence <> '' AND wording_version <> '' THEN 1 ELSE 0 END AS BIGINT), obtained_in, refusal_offered
             FROM consent WHERE contact_id = $1"
        );
        let found = tx.query_many(select, &by_contact(facts)).await?;
        for (person, rows) in facts.iter_mut().zip(found) {
            for row in rows {
                person.consents.push(read_consent(row)?);
            }
        }
        Ok(())
    }

    async fn add_wishes(&self, tx: &mut Source<'_>, facts: &mut [RecipientFacts]) -> Result<(), StoreError> {
        let select = sql!("SELECT windows, no_sms, no_voice FROM preference WHERE contact_id = $1");
        let found = tx.query_many(select, &by_contact(facts)).await?;
        for (person, rows) in facts.iter_mut().zip(found) {
            if let Some(mut row) = rows.into_iter().next() {
                let week: Week = row.json(0)?;
                let hours = week.hours().map_err(|error| StoreError::Invalid(format!("a contact's wished hours do not read: {error}")))?;
                person.wishes = Some(Wishes { hours, no_sms: row.take(1)?, no_voice: row.take(2)? });
            }
        }
        Ok(())
    }

    /// What no trunk could take never left, and does not count.
    async fn add_touches(&self, tx: &mut Source<'_>, facts: &mut [RecipientFacts], since: Instant) -> Result<(), StoreError> {
        let select = sql!(
            "SELECT t.claimed_at, t.channel, c.purpose FROM attempt t JOIN campaign c ON c.id = t.campaign_id
             WHERE t.contact_id = $1 AND t.id >= $2 AND t.disposition <> 'no_route'"
        );
        let floor = floor_at(since.ms());
        let batch: Vec<Params> = facts.iter().map(|person| params![person.contact_id, floor]).collect();
        for (person, rows) in facts.iter_mut().zip(tx.query_many(select, &batch).await?) {
            for mut row in rows {
                person.touches.push(Touch { at: row.take(0)?, channel: row.word(1)?, purpose: row.word(2)? });
            }
        }
        Ok(())
    }
}

fn by_contact(facts: &[RecipientFacts]) -> Vec<Params> {
    facts.iter().map(|person| params![person.contact_id]).collect()
}

pub(super) fn read_consent(mut row: Row) -> Result<ConsentRecord, StoreError> {
    Ok(ConsentRecord {
        kind: row.word(0)?,
        channel: row.word(1)?,
        purpose: row.word(2)?,
        given_at: row.take(3)?,
        expires_at: row.take(4)?,
        withdrawn_at: row.take(5)?,
        has_evidence: row.take(6)?,
        obtained_in: row.word(7)?,
        refusal_offered: row.take(8)?,
    })
}

impl RecipientFacts {
    fn erased(contact_id: ContactId, address_id: AddressId) -> Self {
        Self {
            contact_id,
            address_id,
            erased: true,
            number: Personal::default(),
            number_index: [0; 16],
            key: None,
            profile: ContactProfile::default(),
            line_type: LineType::Unknown,
            region: String::new(),
            zones: Vec::new(),
            suppressions: Vec::new(),
            holds: Vec::new(),
            consents: Vec::new(),
            wishes: None,
            touches: Vec::new(),
        }
    }
}
