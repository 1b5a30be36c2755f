//! Everything that happened between a tenant and one person, newest first.

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::sequence::{EndReason, Sequence};
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{AttemptId, CampaignId, ContactId, ImportId, ReplyId, SuppressionId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use crate::db::{DbError, sql};
use crate::links::LinkClicks;
use crate::params;
use crate::store::{StoreError, Tenant};

/// One event of a contact's timeline.
#[derive(Debug, Clone)]
pub struct TimelineEvent {
    pub at: Instant,
    pub what: TimelineKind,
}

/// Why a decision went as it did: the rule and its sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `UK-34`.
    pub rule: String,
    /// For the campaign manager.
    pub manager: String,
    /// For the person contacted.
    pub person: String,
}

#[derive(Debug, Clone)]
pub enum TimelineKind {
    Imported { import: ImportId, file_name: String, line: Option<i64> },
    Attempted {
        attempt: AttemptId,
        campaign: CampaignId,
        campaign_name: String,
        channel: Channel,
        state: AttemptState,
        /// `None` while nothing is known.
        disposition: Option<Disposition>,
        /// The cause's word; empty when there is none.
        cause: String,
        /// The decision that allowed it.
        decision: String,
        segments: i64,
        /// `None` once its retention has passed.
        body: Option<Personal>,
        settled_at: Option<Instant>,
        /// What became of its short links; `None` for one without.
        clicks: Option<LinkClicks>,
    },
    /// Not contacted, and why.
    Refused { campaign: CampaignId, campaign_name: String, reasons: Vec<Reason> },
    /// Contact put off.
    Deferred { campaign: CampaignId, campaign_name: String, reasons: Vec<Reason>, until: Option<Instant> },
    Replied { reply: ReplyId, meaning: ReplyMeaning, state: String, body: Option<Personal> },
    /// A message outside a campaign: the confirmation of a stop, an answer from the inbox, a test.
    Noticed { kind: String, state: String, cause: String, body: Option<Personal> },
    Suppressed { suppression: SuppressionId, scope: SuppressionScope, reason: SuppressionReason, source: String },
    ConsentGiven { channel: Channel, purpose: String, expires_at: Option<Instant> },
    ConsentWithdrawn { channel: Channel, purpose: String },
    Held { reason: HoldReason, until: Option<Instant> },
    HoldLifted { reason: HoldReason },
    /// A campaign of several steps, or one that takes people in, is over for them: at which step, and why.
    SequenceEnded { campaign: CampaignId, campaign_name: String, step: i64, why: EndReason },
}

/// What a running or paused campaign has in store for a person.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The campaign itself, whichever step it is.
    pub campaign: CampaignId,
    pub campaign_name: String,
    pub step: i64,
    pub steps: usize,
    pub channel: Channel,
    pub at: Instant,
    /// `next step`, or why an attempt was put off or is repeated.
    pub why: String,
}

impl Tenant {
    /// The newest `limit` events before `before`. `rules` gives each refusal its sentence.
    pub async fn timeline(&self, contact: ContactId, rules: &RuleBook, before: Option<Instant>, limit: i64) -> Result<Vec<TimelineEvent>, StoreError> {
        let reader = self.timeline_reader(contact, before, limit).await?;
        let mut events = reader.imports().await?;
        events.extend(reader.attempts().await?);
        events.extend(reader.decisions(rules).await?);
        events.extend(reader.replies().await?);
        events.extend(reader.notices().await?);
        events.extend(reader.suppressions().await?);
        events.extend(reader.consents().await?);
        events.extend(reader.holds().await?);
        events.extend(reader.sequence_ends().await?);
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        events.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(events)
    }
}

impl Tenant {
    /// What comes next for a person, the soonest first: no campaign that is over, and nothing that nobody was asked about yet.
    pub async fn planned(&self, contact: ContactId) -> Result<Vec<Planned>, StoreError> {
        let select = sql!(
            "SELECT f.id, f.name, c.step, f.sequence, c.channel, d.due_at, d.why FROM recipient r
             JOIN campaign c ON c.id = r.campaign_id JOIN campaign f ON f.id = c.sequence_id
             JOIN due d ON d.campaign_id = r.campaign_id AND d.position = r.position
               AND d.due_at = (SELECT MIN(e.due_at) FROM due e WHERE e.campaign_id = r.campaign_id AND e.position = r.position)
             WHERE c.tenant_id = $1 AND r.contact_id = $2 AND c.state IN ('running', 'paused') ORDER BY d.due_at, f.id, c.step"
        );
        let mut planned = Vec::new();
        for mut row in self.db().query(select, &params![self.id, contact]).await? {
            let text: String = row.take(3)?;
            let sequence: Sequence = if text.is_empty() { Sequence::default() } else { serde_json::from_str(&text).map_err(|error| DbError::Failed(format!("sequence: {error}")))? };
            planned.push(Planned {
                campaign: row.take(0)?,
                campaign_name: row.take(1)?,
                step: row.take(2)?,
                steps: sequence.steps(),
                channel: row.word(4)?,
                at: row.take(5)?,
                why: row.take(6)?,
            });
        }
        Ok(planned)
    }
}

/// The sentences of the rules named in a decision (`UK-34,UK-17`), whichever pack they are of.
pub(crate) fn reasons(rules: &RuleBook, named: &str) -> Vec<Reason> {
    let sentence = |id: &str| rules.packs().iter().find_map(|pack| pack.rule(id)).map(|rule| (rule.manager.clone(), rule.person.clone()));
    let ids = named.split([',', ' ']).filter(|id| !id.is_empty());
    ids.map(|id| {
        let unknown = || (format!("Rule {id} of an earlier rule pack."), format!("Rule {id} of an earlier rule pack."));
        let (manager, person) = sentence(id).unwrap_or_else(unknown);
        Reason { rule: id.to_owned(), manager, person }
    })
    .collect()
}
