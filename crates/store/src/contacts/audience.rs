//! Who meets a list and a filter, in pages: a campaign freezes its audience without holding it in memory.

use std::collections::HashSet;

use clarion_domain::contacts::address::LineType;
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{AddressId, ContactId, ListId};
use clarion_domain::time::Instant;

use crate::db::{Params, Row, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// One contact with the number by which a campaign reaches them: the first that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudienceMember {
    pub contact_id: ContactId,
    pub address_id: AddressId,
}

/// What the conditions look at without opening the contact.
struct Candidate {
    member: AudienceMember,
    line_type: LineType,
    region: String,
    has_reference: bool,
    added_at: Instant,
}

impl Candidate {
    fn read(mut row: Row) -> Result<Self, StoreError> {
        let member = AudienceMember { contact_id: row.take(0)?, address_id: row.take(1)? };
        Ok(Self { member, line_type: row.word(2)?, region: row.take(3)?, has_reference: row.take(4)?, added_at: row.take(5)? })
    }

    /// Lists and declared fields are asked in batches.
    fn meets(&self, condition: &Condition) -> bool {
        match condition {
            Condition::LineType { any_of } => any_of.contains(&self.line_type),
            Condition::Region { any_of } => any_of.iter().any(|region| region.as_str() == self.region),
            Condition::HasReference { yes } => *yes == self.has_reference,
            Condition::AddedSince { at_ms } => self.added_at.ms() >= *at_ms,
            Condition::AddedBefore { at_ms } => self.added_at.ms() < *at_ms,
            Condition::OnList { .. } | Condition::NotOnList { .. } | Condition::Declared { .. } => true,
        }
    }
}

impl Tenant {
    /// A page of who is on `list` (everybody when `None`) and meets every condition, in the order of the contact ids.
    /// `limit` is how many contacts are looked at: a page may be short and still have a `next`.
    pub async fn audience(&self, list: Option<ListId>, filter: &Filter, after: Option<i64>, limit: i64) -> Result<Page<AudienceMember>, StoreError> {
        let base = list.or_else(|| filter.all_of.iter().find_map(|condition| if let Condition::OnList { list } = condition { Some(*list) } else { None }));
        let candidates = self.candidates(base, after.unwrap_or(0), limit).await?;
        let full = candidates.len() as i64 == limit;
        let next = candidates.last().filter(|_| full).map(|last| last.member.contact_id.0);
        Ok(Page { rows: self.who_meet(candidates, filter, base).await?, next })
    }

    /// Those of some people who are on `list` (any of them when `None`) and meet every condition, in their order.
    pub(crate) async fn audience_among(&self, list: Option<ListId>, filter: &Filter, people: &[ContactId]) -> Result<Vec<AudienceMember>, StoreError> {
        let listed = match list {
            Some(list) => self.are_listed(list, people).await?,
            None => vec![true; people.len()],
        };
        let select = sql!(
            "SELECT c.id, a.id, a.line_type, a.region, CAST(CASE WHEN c.reference_index IS NULL THEN 0 ELSE 1 END AS BIGINT), c.created_at
             FROM contact c JOIN address a ON a.contact_id = c.id AND a.id = (SELECT MIN(b.id) FROM address b WHERE b.contact_id = c.id)
             WHERE c.tenant_id = $1 AND c.id = $2 AND a.number_index IS NOT NULL"
        );
        let batch: Vec<Params> = people.iter().zip(listed).filter(|(_, listed)| *listed).map(|(contact, _)| params![self.id, *contact]).collect();
        let rows = self.db().query_many(select, &batch).await?;
        let candidates = rows.into_iter().flatten().map(Candidate::read).collect::<Result<_, _>>()?;
        self.who_meet(candidates, filter, list).await
    }

    /// Whoever stands on `base` is known to be on it.
    async fn who_meet(&self, mut candidates: Vec<Candidate>, filter: &Filter, base: Option<ListId>) -> Result<Vec<AudienceMember>, StoreError> {
        for condition in &filter.all_of {
            candidates.retain(|candidate| candidate.meets(condition));
            match condition {
                Condition::OnList { list } if Some(*list) != base => self.keep_listed(&mut candidates, *list, true).await?,
                Condition::NotOnList { list } => self.keep_listed(&mut candidates, *list, false).await?,
                _ => {}
            }
        }
        let declared: Vec<&Condition> = filter.all_of.iter().filter(|condition| matches!(condition, Condition::Declared { .. })).collect();
        if !declared.is_empty() {
            self.keep_declared(&mut candidates, &declared).await?;
        }
        Ok(candidates.iter().map(|candidate| candidate.member).collect())
    }

    /// How many meet the list and the filter.
    pub async fn audience_size(&self, list: Option<ListId>, filter: &Filter) -> Result<i64, StoreError> {
        const LOOKED_AT: i64 = 4_096;
        let (mut size, mut after) = (0, None);
        loop {
            let page = self.audience(list, filter, after, LOOKED_AT).await?;
            size += page.rows.len() as i64;
            after = page.next;
            if after.is_none() {
                return Ok(size);
            }
        }
    }

    async fn candidates(&self, list: Option<ListId>, after: i64, limit: i64) -> Result<Vec<Candidate>, StoreError> {
        let rows = match list {
            Some(list) => {
                let select = sql!(
                    "SELECT c.id, a.id, a.line_type, a.region, CAST(CASE WHEN c.reference_index IS NULL THEN 0 ELSE 1 END AS BIGINT), c.created_at
                     FROM list_member m JOIN contact c ON c.id = m.contact_id
                     JOIN address a ON a.contact_id = c.id AND a.id = (SELECT MIN(b.id) FROM address b WHERE b.contact_id = c.id)
                     WHERE m.list_id = $2 AND c.tenant_id = $1 AND m.contact_id > $3 AND a.number_index IS NOT NULL
                     ORDER BY m.contact_id LIMIT $4"
                );
                self.db().query(select, &params![self.id, list, after, limit]).await?
            }
            None => {
                let select = sql!(
                    "SELECT c.id, a.id, a.line_type, a.region, CAST(CASE WHEN c.reference_index IS NULL THEN 0 ELSE 1 END AS BIGINT), c.created_at
                     FROM contact c
                     JOIN address a ON a.contact_id = c.id AND a.id = (SELECT MIN(b.id) FROM address b WHERE b.contact_id = c.id)
                     WHERE c.tenant_id = $1 AND c.id > $2 AND a.number_index IS NOT NULL ORDER BY c.id LIMIT $3"
                );
                self.db().query(select, &params![self.id, after, limit]).await?
            }
        };
        rows.into_iter().map(Candidate::read).collect()
    }

    async fn keep_listed(&self, candidates: &mut Vec<Candidate>, list: ListId, listed: bool) -> Result<(), StoreError> {
        let people: Vec<ContactId> = candidates.iter().map(|candidate| candidate.member.contact_id).collect();
        let mut on = self.are_listed(list, &people).await?.into_iter();
        candidates.retain(|_| on.next() == Some(listed));
        Ok(())
    }

    async fn are_listed(&self, list: ListId, people: &[ContactId]) -> Result<Vec<bool>, StoreError> {
        let select = sql!("SELECT m.contact_id FROM list_member m JOIN contact_list l ON l.id = m.list_id WHERE l.tenant_id = $1 AND m.list_id = $2 AND m.contact_id = $3");
        let batch: Vec<Params> = people.iter().map(|contact| params![self.id, list, *contact]).collect();
        Ok(self.db().query_many(select, &batch).await?.iter().map(|rows| !rows.is_empty()).collect())
    }

    async fn keep_declared(&self, candidates: &mut Vec<Candidate>, conditions: &[&Condition]) -> Result<(), StoreError> {
        let select = sql!("SELECT id, wrapped_key, sealed_profile FROM contact WHERE tenant_id = $1 AND id = $2 AND wrapped_key IS NOT NULL");
        let batch: Vec<Params> = candidates.iter().map(|candidate| params![self.id, candidate.member.contact_id]).collect();
        let mut met = HashSet::new();
        for mut row in self.db().query_many(select, &batch).await?.into_iter().flatten() {
            let (id, wrapped, sealed): (ContactId, Vec<u8>, Option<Vec<u8>>) = (row.take(0)?, row.take(1)?, row.take(2)?);
            let profile = Self::open_profile(&self.store.keyring().unwrap(&wrapped)?, sealed.as_deref())?;
            let meets = |condition: &&Condition| match condition {
                Condition::Declared { field, value } => profile.field(field).is_some_and(|held| value.as_ref().is_none_or(|value| held.to_lowercase() == value.to_lowercase())),
                _ => true,
            };
            if conditions.iter().all(meets) {
                met.insert(id);
            }
        }
        candidates.retain(|candidate| met.contains(&candidate.member.contact_id));
        Ok(())
    }
}
