//! What a cycle has to write. Kept until a commit stands, so that a database that is away for a while loses nothing.

use std::collections::HashMap;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, CampaignId, ClaimId, TenantId, TrunkId};
use clarion_domain::outcomes::cause::RetryAdvice;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::receipt::Receipt;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_store::attempts::{AttemptRow, Candidate, NoticeState, Reference, SettledRow};
use clarion_store::campaigns::{StepEvent, StepNews};
use clarion_store::outcomes::UnmatchedReceipt;
use clarion_store::reports::{MeasureDelta, MeasureKey};

use crate::carriers::Acknowledge;

/// An inbound message from a person, whole.
#[derive(Debug)]
pub(crate) struct InboundText {
    pub trunk: TrunkId,
    /// As the number may be meant, the likeliest first.
    pub from: Vec<Personal>,
    /// As the carrier wrote it.
    pub to: String,
    pub text: Personal,
    /// Stored parts that this message is made of.
    pub parts: Vec<i64>,
    pub received_at: Instant,
}

/// One part of a long inbound message, to be kept until the rest comes.
#[derive(Debug)]
pub(crate) struct InboundPart {
    pub id: i64,
    pub trunk: TrunkId,
    pub to: String,
    pub pdu: Vec<u8>,
    pub received_at: Instant,
}

/// A receipt whose attempt is not in memory: read, moved and written within the transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LateReceipt {
    pub attempt: AttemptId,
    pub part: u8,
    pub receipt: Receipt,
}

/// A recipient to be tried again.
#[derive(Debug)]
pub(crate) struct DueRow {
    pub campaign: CampaignId,
    pub candidate: Candidate,
    pub at: Instant,
    pub why: String,
    /// The claim that it was put back from.
    pub claim: Option<ClaimId>,
}

/// An end that may lead to another attempt, of a campaign whose rules are not in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndedTry {
    pub campaign: CampaignId,
    pub position: u32,
    pub try_number: u8,
    pub disposition: Disposition,
    pub advice: RetryAdvice,
    pub at: Instant,
}

/// Rows of one cycle.
#[derive(Default)]
pub(crate) struct CycleRows {
    pub attempts: Vec<AttemptRow>,
    pub references: HashMap<TrunkId, Vec<Reference>>,
    pub settled: Vec<SettledRow>,
    /// Those among `settled` that got a final disposition, for webhooks.
    pub told: Vec<(TenantId, AttemptId)>,
    pub late: Vec<LateReceipt>,
    /// Those whose carrier says that the person has opted out with it.
    pub opted_out: Vec<AttemptId>,
    pub unmatched: Vec<UnmatchedReceipt>,
    pub matched: Vec<i64>,
    pub measures: foldhash::HashMap<MeasureKey, MeasureDelta>,
    pub due: Vec<DueRow>,
    pub ended: Vec<EndedTry>,
    /// How attempts stand, for the steps of their campaigns.
    pub steps: Vec<StepNews>,
    /// Planned attempts that have become needless: campaign, position and number of the try.
    pub revoked: Vec<(CampaignId, u32, u8)>,
    /// Items that did not go to the wire, by claim: all that were released so far.
    pub released: HashMap<ClaimId, Vec<u16>>,
    pub closed_claims: Vec<ClaimId>,
    pub texts: Vec<InboundText>,
    pub parts: Vec<InboundPart>,
    pub notices: Vec<(i64, NoticeState, String)>,
    /// Answered after the commit.
    pub acknowledge: HashMap<TrunkId, Vec<Acknowledge>>,
}

impl CycleRows {
    pub(crate) fn is_empty(&self) -> bool {
        self.attempts.is_empty()
            && self.settled.is_empty()
            && self.late.is_empty()
            && self.opted_out.is_empty()
            && self.unmatched.is_empty()
            && self.matched.is_empty()
            && self.due.is_empty()
            && self.ended.is_empty()
            && self.steps.is_empty()
            && self.revoked.is_empty()
            && self.released.is_empty()
            && self.closed_claims.is_empty()
            && self.texts.is_empty()
            && self.parts.is_empty()
            && self.notices.is_empty()
            && self.acknowledge.is_empty()
    }

    /// Nothing in it, and room for as much again: most cycles are like the one before.
    pub(crate) fn emptied(mut self) -> Self {
        self.attempts.clear();
        self.settled.clear();
        self.told.clear();
        self.measures.clear();
        Self { attempts: self.attempts, settled: self.settled, told: self.told, measures: self.measures, ..Self::default() }
    }

    /// Takes over what came after a cycle that failed.
    pub(crate) fn append(&mut self, since: Self) {
        self.attempts.extend(since.attempts);
        self.settled.extend(since.settled);
        self.told.extend(since.told);
        self.late.extend(since.late);
        self.opted_out.extend(since.opted_out);
        self.unmatched.extend(since.unmatched);
        self.matched.extend(since.matched);
        self.due.extend(since.due);
        self.ended.extend(since.ended);
        self.steps.extend(since.steps);
        self.revoked.extend(since.revoked);
        // The later list of a claim holds all of the earlier.
        self.released.extend(since.released);
        self.closed_claims.extend(since.closed_claims);
        self.texts.extend(since.texts);
        self.parts.extend(since.parts);
        self.notices.extend(since.notices);
        for (trunk, entries) in since.references {
            self.references.entry(trunk).or_default().extend(entries);
        }
        for (trunk, all) in since.acknowledge {
            self.acknowledge.entry(trunk).or_default().extend(all);
        }
        for (key, delta) in since.measures {
            let sum = self.measures.entry(key).or_default();
            sum.n += delta.n;
            sum.segments += delta.segments;
            sum.cost += delta.cost;
        }
    }

    /// An attempt stands like this now.
    pub(crate) fn step(&mut self, campaign: CampaignId, position: u32, disposition: Disposition) {
        self.steps.push(StepNews { campaign, position, event: StepEvent::Attempt(disposition) });
    }

    /// Counts one attempt at a place (`sign` 1) or takes it away from there (−1).
    pub(crate) fn count(&mut self, who: &Counted, disposition: Disposition, cause: &str, sign: i64) {
        let key = MeasureKey { tenant: who.tenant, campaign: who.campaign, hour: who.answered_at.hour(), channel: who.channel, disposition, cause: cause.to_owned() };
        let delta = self.measures.entry(key).or_default();
        delta.n += sign;
        delta.segments += sign * i64::from(who.segments);
        delta.cost += sign * who.cost;
    }
}

impl Counted {
    pub(crate) fn of(row: &AttemptRow) -> Self {
        Self { tenant: row.tenant, campaign: row.campaign, channel: row.channel, answered_at: row.answered_at, segments: row.segments, cost: row.cost }
    }
}

/// What a count needs to know of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub channel: Channel,
    pub answered_at: Instant,
    pub segments: u16,
    pub cost: i64,
}
