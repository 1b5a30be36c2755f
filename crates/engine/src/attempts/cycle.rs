//! One cycle: what came in is written, what is next is claimed, one commit, then acknowledgements and the wire.

use std::collections::{BTreeMap, HashMap, HashSet};

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, CampaignId, ClaimId, RouteId, TenantId, TrunkId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::attempts::{
    AttemptRow, SettledRow, add_attempts, add_due, add_references, attempts_by_id, is_stopped, release_items, remove_claims, set_costs, settle_attempts, settle_notice,
};
use clarion_store::campaigns::{StepNews, move_on};
use clarion_store::db::{DbError, Tx};
use clarion_store::outcomes::{add_unmatched, drop_reply_parts, drop_unmatched, suppress_opted_out};
use clarion_store::reports::{MeasureDelta, MeasureKey, add_measures};
use clarion_store::webhooks::tell_settled;

use crate::attempts::claim::{self, Claimed, Touched};
use crate::attempts::decided::ClaimError;
use crate::attempts::notice::{ClaimedNotice, claim_notices};
use crate::attempts::{Counted, CycleRows, Flights, Next, Sender};
use crate::carriers::{WireEvent, WirePart};

/// Messages claimed in one cycle at most, over all campaigns.
const CLAIM_MAX: u32 = 1_024;

/// What a cycle did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    Something,
    Nothing,
}

/// What to send once the transaction stands.
struct Departures {
    claimed: Vec<Claimed>,
    touched: Touched,
    notices: Vec<ClaimedNotice>,
    again: HashMap<TrunkId, Vec<(u64, WirePart)>>,
}

impl Sender {
    /// Makes rows of what the trunks report.
    pub(super) fn take_in(&mut self, events: Vec<WireEvent>, now: Instant) {
        for event in events {
            match event {
                WireEvent::Result { trunk, token, outcome } => {
                    if let Some(trunk) = self.carriers.get_mut(trunk) {
                        trunk.answered(&outcome);
                    }
                    let next = self.flights.answered(token, outcome, now);
                    self.go_on(trunk, token, next, now);
                }
                WireEvent::Inbound { trunk, inbound } => self.take_inbound(trunk, inbound, now),
                WireEvent::Late { trunk, token, outcome } => {
                    if let Some(trunk) = self.carriers.get_mut(trunk) {
                        trunk.spoke();
                    }
                    if let Some((attempt, answer)) = self.flights.answered_late(token, outcome) {
                        self.land_late(trunk, attempt, answer, now);
                    }
                }
                WireEvent::Changed { trunk } => {
                    self.report_due = true;
                    if let Some(trunk) = self.carriers.get_mut(trunk) {
                        trunk.spoke();
                    }
                }
            }
        }
    }

    fn go_on(&mut self, trunk: TrunkId, token: u64, next: Next, now: Instant) {
        match next {
            Next::Wait | Next::Stale => {}
            Next::Again(part) => self.again.entry(trunk).or_default().push_back((token, part)),
            Next::Landed(flight, landing) => self.land(*flight, landing, now),
        }
    }

    /// Runs one cycle. An error leaves everything to be written for the next.
    pub(super) async fn cycle(&mut self, now: Instant, now_micros: u64) -> Result<Did, StoreError> {
        // What the cycle itself brings forth waits for the next one's transaction: this one's is written from `rows` alone.
        let mut rows = std::mem::replace(&mut self.rows, std::mem::take(&mut self.spare));
        match self.cycle_with(&rows, now, now_micros).await {
            Ok(did) => {
                if did == Did::Something {
                    for (trunk, all) in std::mem::take(&mut rows.acknowledge) {
                        if let Some(trunk) = self.carriers.get(trunk) {
                            trunk.acknowledge(&all);
                        }
                    }
                }
                self.spare = rows.emptied();
                Ok(did)
            }
            Err(error) => {
                let since = std::mem::replace(&mut self.rows, rows);
                self.rows.append(since);
                match error {
                    ClaimError::Store(error) => Err(error),
                    // Nothing is wrong: the next cycle reads anew, and comes at once.
                    ClaimError::Conflict => Ok(Did::Nothing),
                }
            }
        }
    }

    async fn cycle_with(&mut self, rows: &CycleRows, now: Instant, now_micros: u64) -> Result<Did, ClaimError> {
        self.give_up_stale(now);
        let wants = self.wants(now, now_micros);
        self.leave_dead_trunks(now);
        let resend = self.again.iter().any(|(trunk, parts)| !parts.is_empty() && self.carriers.get(*trunk).is_some_and(crate::carriers::Trunk::can_send));
        if rows.is_empty() && wants.is_empty() && !resend && !self.notices_due {
            return Ok(Did::Nothing);
        }
        let mut tx = self.store.db().begin().await?;
        let texts = self.write_rows(&mut tx, rows, now).await?;
        let mut departures = Departures { claimed: Vec::new(), touched: Touched::default(), notices: Vec::new(), again: self.take_again(&mut tx, now_micros, now).await? };
        let claims = self.write_departures(&mut tx, &wants, &mut departures, now, now_micros).await;
        let committed = match claims {
            Ok(()) => tx.commit().await.map_err(ClaimError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = committed {
            self.take_back(departures);
            return Err(error);
        }
        if texts {
            self.store.signals().raise(clarion_store::Signal::Notices);
        }
        self.depart(departures, now);
        Ok(Did::Something)
    }

    /// Recipients wanted of each campaign now: a fair share of what the trunks can take.
    fn wants(&mut self, now: Instant, now_micros: u64) -> Vec<(CampaignId, u32)> {
        // Asked first of all: it is also the look at each trunk that the whole cycle goes by.
        let budget = self.carriers.budget(now_micros).min(CLAIM_MAX);
        if budget == 0 || self.draining {
            return Vec::new();
        }
        self.fair.retain(|campaign| self.campaigns.contains_key(&campaign));
        for campaign in self.campaigns.values_mut() {
            let tenant = campaign.tenant.id();
            let asks = campaign.idle_until <= now && self.leases.contains_key(&tenant);
            let segments = if asks { campaign.allowance(budget, now).saturating_mul(campaign.segments_each()) } else { 0 };
            self.fair.set(tenant, campaign.id, RouteId(0), segments);
        }
        self.fair.expect(budget);
        let mut shares = BTreeMap::<CampaignId, u32>::new();
        let mut left = budget;
        while left > 0 {
            let Some(grant) = self.fair.take(left) else { break };
            // What pays for an earlier long message was taken from the trunk then.
            let paid = self.campaigns.get_mut(&grant.campaign).map_or(0, |campaign| campaign.pay(grant.count));
            left -= grant.count - paid;
            *shares.entry(grant.campaign).or_default() += grant.count - paid;
        }
        let messages = |(id, segments): (CampaignId, u32)| self.campaigns.get_mut(&id).map(|campaign| (id, campaign.granted(segments)));
        shares.into_iter().filter_map(messages).filter(|(_, messages)| *messages > 0).collect()
    }

    async fn write_departures(&mut self, tx: &mut Tx, wants: &[(CampaignId, u32)], departures: &mut Departures, now: Instant, now_micros: u64) -> Result<(), ClaimError> {
        if self.notices_due {
            departures.notices = claim_notices(self, tx, now, now_micros).await?;
        }
        for (campaign, want) in wants {
            if let Some(claimed) = claim::claim(self, tx, *campaign, *want, &departures.touched, now, now_micros).await? {
                departures.touched.note(&claimed.flights);
                departures.claimed.push(claimed);
            } else {
                self.ended.push(*campaign);
            }
        }
        Ok(())
    }

    /// The transaction failed: what was spent is given back, and what was to be sent again waits again.
    fn take_back(&mut self, departures: Departures) {
        for (trunk, segments) in departures.claimed.iter().flat_map(|claimed| &claimed.spent) {
            if let Some(trunk) = self.carriers.get_mut(*trunk) {
                trunk.refund(*segments);
            }
        }
        for (trunk, parts) in departures.again {
            self.again.entry(trunk).or_default().extend(parts);
        }
    }

    fn depart(&mut self, departures: Departures, now: Instant) {
        let mut by_trunk: HashMap<TrunkId, Vec<(u64, WirePart)>> = departures.again;
        for claimed in departures.claimed {
            for (claim, count) in claimed.claims {
                self.claims.insert(claim, super::worker::OpenClaim { open: count, released: Vec::new() });
            }
            if let Some(campaign) = self.campaigns.get_mut(&claimed.campaign) {
                campaign.spend(claimed.flights.len() as u32, claimed.spent.iter().map(|(_, segments)| u32::from(*segments)).sum());
                campaign.idle_until = claimed.idle_until;
            }
            for (flight, touch, parts) in claimed.flights {
                let trunk = flight.trunk;
                let tokens = self.flights.add(flight, touch);
                by_trunk.entry(trunk).or_default().extend(tokens.zip(parts));
            }
        }
        self.notices_due = false;
        for notice in departures.notices {
            let trunk = notice.flight.trunk;
            let tokens = self.flights.add(notice.flight, None);
            by_trunk.entry(trunk).or_default().extend(tokens.zip(notice.parts));
        }
        for (trunk, parts) in by_trunk {
            match self.carriers.get_mut(trunk) {
                Some(trunk) => trunk.submit(parts),
                // Its trunk was taken out of the configuration in this very moment.
                None => {
                    for (token, _) in parts {
                        let next = self.flights.give_up(token);
                        self.go_on(trunk, token, next, now);
                    }
                }
            }
        }
        for campaign in std::mem::take(&mut self.ended) {
            self.campaigns.remove(&campaign);
        }
    }

    /// True when a reply was among it.
    async fn write_rows(&mut self, tx: &mut Tx, rows: &CycleRows, now: Instant) -> Result<bool, StoreError> {
        let (mut measures, mut told) = (rows.measures.clone(), Vec::new());
        if !rows.attempts.is_empty() {
            let fresh = add_attempts(tx, &rows.attempts).await?;
            let taken = rows.attempts.iter().zip(&fresh).filter(|(_, fresh)| !**fresh).map(|(attempt, _)| attempt);
            told = correct_taken_over(tx, taken, &mut measures).await?;
        }
        settle_attempts(tx, &rows.settled).await?;
        // After those, since a late receipt may be a second word for what was settled or even sent just now.
        let mut late_rows = CycleRows::default();
        if !rows.late.is_empty() {
            let late = &rows.late;
            let mut ids: Vec<_> = late.iter().map(|one| one.attempt).collect();
            ids.sort_unstable();
            ids.dedup();
            let stored = attempts_by_id(tx, &ids).await?;
            self.apply_late(late, stored, &mut late_rows, now);
        }
        settle_attempts(tx, &late_rows.settled).await?;
        told.extend(rows.told.iter().chain(&late_rows.told));
        if !rows.attempts.is_empty() || !told.is_empty() {
            tell_settled(tx, &self.store, rows.attempts.iter(), &told, now).await?;
        }
        for (trunk, entries) in &rows.references {
            add_references(tx, self.store.next_id(now), *trunk, entries, now).await?;
        }
        add_unmatched(tx, &rows.unmatched).await?;
        drop_unmatched(tx, &rows.matched).await?;
        for (key, delta) in &late_rows.measures {
            let sum = measures.entry(key.clone()).or_default();
            sum.n += delta.n;
            sum.segments += delta.segments;
            sum.cost += delta.cost;
        }
        add_measures(tx, &measures).await?;
        let taken_over = write_claims_end(tx, rows).await?;
        let due = rows.due.iter().chain(&late_rows.due);
        for due in due.filter(|due| due.claim.is_none_or(|claim| !taken_over.contains(&claim))) {
            add_due(tx, due.campaign, &[(due.candidate, due.at, due.why.clone())]).await?;
        }
        crate::outcomes::write_retries(tx, rows).await?;
        crate::outcomes::write_retries(tx, &late_rows).await?;
        // After the retries: who is tried again stays at their step.
        let news: Vec<StepNews> = rows.steps.iter().chain(&late_rows.steps).copied().collect();
        if !news.is_empty() {
            move_on(tx, &self.store, &news, now).await?;
        }
        for (id, state, cause) in &rows.notices {
            settle_notice(tx, *id, *state, cause, now).await?;
        }
        // After the moves, as a reply is: whoever has opted out goes on to no other step.
        let attempts: Vec<AttemptId> = rows.opted_out.iter().chain(&late_rows.opted_out).copied().collect();
        let refused = rows.notices.iter().filter(|(_, _, cause)| cause.parse::<Cause>().is_ok_and(Cause::is_opt_out));
        let notices: Vec<i64> = refused.map(|(id, _, _)| *id).collect();
        if !attempts.is_empty() || !notices.is_empty() {
            suppress_opted_out(tx, &self.store, &attempts, &notices, now).await?;
        }
        self.write_inbound(tx, rows, now).await
    }

    async fn write_inbound(&self, tx: &mut Tx, rows: &CycleRows, now: Instant) -> Result<bool, StoreError> {
        for part in &rows.parts {
            crate::outcomes::keep_part(&self.store, &self.carriers, tx, part).await?;
        }
        for text in &rows.texts {
            crate::outcomes::take_reply(&self.store, &self.carriers, tx, text, now).await?;
            drop_reply_parts(tx, &text.parts).await?;
        }
        Ok(!rows.texts.is_empty())
    }

    /// An item of a claim was answered or released.
    pub(crate) fn close_item(&mut self, claim: ClaimId) {
        let Some(open) = self.claims.get_mut(&claim) else { return };
        open.open = open.open.saturating_sub(1);
        if open.open == 0 {
            self.claims.remove(&claim);
            self.rows.closed_claims.push(claim);
        }
    }

    /// An item surely did not go to the wire: after a crash it must not count as `unknown`.
    pub(crate) fn release(&mut self, claim: ClaimId, index: u16) {
        if let Some(open) = self.claims.get_mut(&claim) {
            open.released.push(index);
            self.rows.released.insert(claim, open.released.clone());
        }
    }

    /// Parts that came back and may go again now: the rate and the last look at the suppressions permitting.
    async fn take_again(&mut self, tx: &mut Tx, now_micros: u64, now: Instant) -> Result<HashMap<TrunkId, Vec<(u64, WirePart)>>, StoreError> {
        let mut ready = HashMap::<TrunkId, Vec<(u64, WirePart)>>::new();
        for (id, parts) in &mut self.again {
            let Some(trunk) = self.carriers.get_mut(*id) else { continue };
            let room = (trunk.budget(now_micros) as usize).min(parts.len());
            for (token, part) in parts.drain(..room) {
                let Some(flight) = self.flights.get(token) else { continue };
                trunk.spend(flight.segments_of_part() as u16, 1);
                ready.entry(*id).or_default().push((token, part.counted(flight.segments_of_part())));
            }
        }
        // Asked about all of them before any is let go: when the database fails, every one of them waits on.
        let mut stopped = HashSet::new();
        for (token, _) in ready.values().flatten() {
            match self.may_still_go(tx, *token).await {
                Ok(true) => {}
                Ok(false) => {
                    stopped.insert(*token);
                }
                Err(error) => {
                    for (trunk, parts) in ready {
                        self.again.entry(trunk).or_default().extend(parts);
                    }
                    return Err(error);
                }
            }
        }
        for (trunk, parts) in &mut ready {
            parts.retain(|(token, _)| !stopped.contains(token));
            for token in &stopped {
                if self.flights.get(*token).is_some_and(|flight| flight.trunk == *trunk) {
                    let next = self.flights.give_up(*token);
                    self.go_on(*trunk, *token, next, now);
                }
            }
        }
        Ok(ready)
    }

    async fn may_still_go(&self, tx: &mut Tx, token: u64) -> Result<bool, StoreError> {
        let Some(flight) = self.flights.get(token) else { return Ok(false) };
        let crate::attempts::Target::Attempt { campaign, position, .. } = flight.target else { return Ok(true) };
        // Paused, cancelled or over meanwhile: only what the person has a part of already is worth its rest.
        if !self.campaigns.contains_key(&campaign) && !flight.has_begun() {
            return Ok(false);
        }
        if !flight.has_begun() && is_stopped(tx, campaign, position).await? {
            return Ok(false);
        }
        let tenant = self.tenant(flight.tenant).await?;
        Ok(tenant.still_contactable(tx, &[flight.number_index], Channel::Sms).await?.first().copied().unwrap_or(false))
    }

    /// Parts that wait to go again and whose permit has ended go back to their recipients.
    fn give_up_stale(&mut self, now: Instant) {
        let flights = &self.flights;
        let stale: Vec<(TrunkId, u64)> = self
            .again
            .iter()
            .flat_map(|(trunk, parts)| parts.iter().map(|(token, _)| (*trunk, *token)))
            .filter(|(_, token)| flights.get(*token).is_none_or(|flight| flight.valid_until <= now))
            .collect();
        for (trunk, token) in stale {
            if let Some(parts) = self.again.get_mut(&trunk) {
                parts.retain(|(other, _)| *other != token);
            }
            let next = self.flights.give_up(token);
            self.go_on(trunk, token, next, now);
        }
    }

    /// What waits for a trunk that is down goes back to its recipients, if another trunk could take it: the next claim finds that one.
    fn leave_dead_trunks(&mut self, now: Instant) {
        let waiting: Vec<TrunkId> = self.again.iter().filter(|(_, parts)| !parts.is_empty()).map(|(trunk, _)| *trunk).collect();
        for trunk in waiting {
            if self.carriers.get(trunk).is_some_and(crate::carriers::Trunk::can_send) {
                continue;
            }
            let Some(parts) = self.again.get_mut(&trunk) else { continue };
            let mut open = HashMap::<u64, usize>::new();
            for (token, _) in parts.iter() {
                *open.entry(Flights::number_of(*token)).or_default() += 1;
            }
            let (flights, carriers) = (&self.flights, &self.carriers);
            let leaves = |token: u64| {
                let whole = flights.get(token).filter(|flight| flight.is_untouched(open.get(&Flights::number_of(token)).copied().unwrap_or(0)));
                whole.is_some_and(|flight| carriers.get(trunk).is_none() || carriers.has_other(flight.tenant, trunk))
            };
            let left: Vec<u64> = parts.iter().map(|(token, _)| *token).filter(|token| leaves(*token)).collect();
            let gone: HashSet<u64> = left.iter().copied().collect();
            parts.retain(|(token, _)| !gone.contains(token));
            for token in left {
                let next = self.flights.give_up(token);
                self.go_on(trunk, token, next, now);
            }
        }
    }

    pub(crate) async fn tenant(&self, id: TenantId) -> Result<clarion_store::Tenant, StoreError> {
        self.store.tenant(id, clarion_domain::tenancy::tenant::Actor::System).await
    }
}

/// Gives those that another node took over meanwhile: it has called their open items `unknown`, so they are not put back.
async fn write_claims_end(tx: &mut Tx, rows: &CycleRows) -> Result<HashSet<ClaimId>, DbError> {
    let mut taken_over = HashSet::new();
    let closed: HashSet<ClaimId> = rows.closed_claims.iter().copied().collect();
    for (claim, released) in &rows.released {
        if !closed.contains(claim) && !release_items(tx, *claim, released).await? {
            taken_over.insert(*claim);
        }
    }
    if !rows.closed_claims.is_empty() {
        let stood = remove_claims(tx, &rows.closed_claims).await?;
        taken_over.extend(rows.closed_claims.iter().zip(stood).filter(|(_, stood)| !stood).map(|(claim, _)| *claim));
    }
    Ok(taken_over)
}

/// Another node held us for dead, took the claim over and called the attempt `unknown`: our answer, late as it is, says more.
async fn correct_taken_over(tx: &mut Tx, taken: impl Iterator<Item = &AttemptRow>, measures: &mut foldhash::HashMap<MeasureKey, MeasureDelta>) -> Result<Vec<(TenantId, AttemptId)>, StoreError> {
    let answers: Vec<&AttemptRow> = taken.collect();
    let ids: Vec<_> = answers.iter().map(|row| row.id).collect();
    let (mut settled, mut costs) = (Vec::new(), Vec::new());
    for stored in attempts_by_id(tx, &ids).await? {
        let Some(answer) = answers.iter().find(|row| row.id == stored.id) else { continue };
        let mut count = CycleRows::default();
        // It was counted as new by us, and as unknown by the other: what stays is one, at the other's hour, by our word.
        count.count(&Counted::of(answer), answer.disposition, &answer.cause, -1);
        if stored.disposition == Disposition::Unknown {
            count.count(&Counted::of(&stored), stored.disposition, &stored.cause, -1);
            count.count(&Counted { cost: answer.cost, ..Counted::of(&stored) }, answer.disposition, &answer.cause, 1);
            costs.push((stored.id, answer.cost));
            settled.push(SettledRow { id: stored.id, state: answer.state, disposition: answer.disposition, cause: answer.cause.clone(), parts_heard: stored.parts_heard, settled_at: answer.settled_at });
        }
        for (key, delta) in count.measures {
            let sum = measures.entry(key).or_default();
            sum.n += delta.n;
            sum.segments += delta.segments;
            sum.cost += delta.cost;
        }
    }
    settle_attempts(tx, &settled).await?;
    set_costs(tx, &costs).await?;
    Ok(answers.iter().map(|answer| (answer.tenant, answer.id)).collect())
}
