//! A running campaign as the sending loop knows it.

use std::collections::HashMap;

use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::template::{RenderError, Template};
use clarion_domain::carriers::rate::RateBucket;
use clarion_domain::carriers::sender::Sender;
use clarion_domain::id::{CampaignId, TrunkId};
use clarion_domain::time::{DAY_MS, Instant, SECOND_MS};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::compliance::{CampaignTerms, RecipientFacts};
use clarion_store::links::{LinkDomain, NewShortLink, first_place};
use clarion_store::{StoreError, Tenant};

/// Limits of the tenant and the software's rules are read anew so often.
const TERMS_LAST_MS: i64 = 5 * SECOND_MS;
/// A trunk that refused a recipient is avoided; so many are remembered.
const AVOIDED_MAX: usize = 10_000;
/// How long a message is likely to be is learned from so many.
const MEASURED_MAX: u32 = 1_000;

pub(crate) struct RunningCampaign {
    pub tenant: Tenant,
    pub id: CampaignId,
    pub sender: String,
    checked_sender: Option<Sender>,
    pub retry: RetryRules,
    /// Where each of its people stands is kept: it has several steps, or takes people in.
    pub is_tracked: bool,
    pub template: Template,
    /// The name under which its links are made short; `None` sends them whole.
    links: Option<LinkDomain>,
    /// Its links' places are counted from there: another step's are others.
    first_place: usize,
    /// Its first step, to which clicks are counted.
    pub first: CampaignId,
    pub terms: CampaignTerms,
    made_at: Instant,
    rate: i64,
    bucket: RateBucket,
    /// Messages that the campaign's own rate allows now.
    credit: u32,
    /// Nothing is due before.
    pub idle_until: Instant,
    avoided: HashMap<u32, TrunkId>,
    /// Segments that its turns were worth, less what it took: below nothing after a long message.
    balance: i64,
    /// Segments and messages of the last claims, for how many segments a message is likely to take.
    measured: (u32, u32),
    /// Some of its recipients waited for a trunk at the last claim, while others went on.
    pub passes: bool,
    passed: Passed,
}

/// Recipients that were put off for want of a trunk, since one was found that another trunk takes.
#[derive(Debug, Clone, Copy)]
struct Passed {
    trunk: Option<TrunkId>,
    fruitless: u32,
    since: Instant,
}

/// Each that is passed by is a row to write: where all wait for the same trunk, no more than these are looked past.
const FRUITLESS_MAX: u32 = 1_000;
const FRUITLESS_MS: i64 = 10 * SECOND_MS;

impl RunningCampaign {
    pub(crate) async fn load(tenant: Tenant, record: &CampaignRecord, now: Instant) -> Result<Self, StoreError> {
        let template = tenant.parse_template(&record.body).await?;
        let terms = tenant.campaign_terms(record).await?;
        let links = if template.short_links() > 0 { tenant.link_domain().await?.filter(LinkDomain::shortens) } else { None };
        Ok(Self {
            links,
            first_place: first_place(usize::from(record.step)),
            first: record.first,
            tenant,
            id: record.id,
            sender: record.sender.clone(),
            checked_sender: Sender::parse(&record.sender).ok(),
            retry: record.retry.clone(),
            is_tracked: record.step > 1 || record.sequence.is_tracked(),
            template,
            terms,
            made_at: now,
            rate: record.rate_per_second,
            bucket: RateBucket::new(u32::try_from(record.rate_per_second).unwrap_or(u32::MAX), now),
            credit: 0,
            idle_until: Instant(0),
            avoided: HashMap::new(),
            balance: 0,
            measured: (0, 0),
            passes: false,
            passed: Passed { trunk: None, fruitless: 0, since: now },
        })
    }

    /// The message for one person, with a fresh link of theirs in the place of each address that is to be short.
    pub(crate) fn text_for(&self, person: &RecipientFacts) -> Result<(String, Vec<NewShortLink>), RenderError> {
        let (mut made, value) = (Vec::new(), |field: &str| person.profile.field(field));
        let (Some(domain), Some(key)) = (&self.links, &person.key) else { return Ok((self.template.render(value)?, made)) };
        let text = self.template.render_links(value, |place, target| match self.tenant.new_short_link(key, self.first_place + place, &target) {
            Ok((code, link)) => {
                made.push(link);
                domain.link(&code)
            }
            // Without random bytes the link stands whole.
            Err(_) => target,
        })?;
        Ok((text, made))
    }

    pub(crate) fn links_expire_at(&self, now: Instant) -> Instant {
        now.plus_ms(i64::from(self.links.as_ref().map_or(0, |links| links.expires_days)) * DAY_MS)
    }

    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        now.ms() - self.made_at.ms() > TERMS_LAST_MS
    }

    /// Whether the operators of a region carry its sender.
    pub(crate) fn may_send_toward(&self, region: &str) -> bool {
        self.checked_sender.as_ref().is_none_or(|sender| sender.check_toward(region).is_ok())
    }

    /// Takes over what must outlive a reload.
    pub(crate) fn succeed(&mut self, before: Self) {
        self.avoided = before.avoided;
        self.idle_until = before.idle_until;
        (self.balance, self.measured) = (before.balance, before.measured);
        (self.passes, self.passed) = (before.passes, before.passed);
        if before.rate == self.rate {
            (self.bucket, self.credit) = (before.bucket, before.credit);
        }
    }

    /// Messages that may be claimed now, at most `limit`.
    pub(crate) fn allowance(&mut self, limit: u32, now: Instant) -> u32 {
        if self.rate <= 0 {
            return limit;
        }
        self.credit += self.bucket.take(limit.saturating_sub(self.credit), now);
        self.credit.min(limit)
    }

    /// Segments that one of its messages takes, as far as its last claims tell, rounded up.
    pub(crate) fn segments_each(&self) -> u32 {
        self.measured.0.div_ceil(self.measured.1.max(1)).max(1)
    }

    /// Pays with its turn for what an earlier one was overdrawn by; how much of it went there.
    pub(crate) fn pay(&mut self, segments: u32) -> u32 {
        let paid = segments.min(u32::try_from((-self.balance).max(0)).unwrap_or(u32::MAX));
        self.balance += i64::from(paid);
        paid
    }

    /// Its turn is worth so many segments: how many messages that makes. A long message overdraws a turn, and the next
    /// ones pay for it, so that whoever writes at length gets no more than others.
    pub(crate) fn granted(&mut self, segments: u32) -> u32 {
        self.balance += i64::from(segments);
        let messages = u32::try_from(self.balance.max(0)).unwrap_or(u32::MAX).div_ceil(self.segments_each());
        if self.rate > 0 { messages.min(self.credit) } else { messages }
    }

    /// Messages and their segments went; a turn that was not used up is lost.
    pub(crate) fn spend(&mut self, messages: u32, segments: u32) {
        self.balance = (self.balance - i64::from(segments)).min(0);
        if messages > 0 {
            self.measured = if self.measured.1 > MEASURED_MAX { (segments, messages) } else { (self.measured.0 + segments, self.measured.1 + messages) };
        }
        if self.rate > 0 {
            self.credit = self.credit.saturating_sub(messages);
        }
    }

    /// Whether a recipient who waits for this trunk may be passed by, to look for others whom another trunk takes.
    pub(crate) fn may_pass(&mut self, trunk: TrunkId, now: Instant) -> bool {
        if now.ms() - self.passed.since.ms() > FRUITLESS_MS {
            (self.passed.fruitless, self.passed.since) = (0, now);
        }
        self.passed.trunk = Some(trunk);
        self.passed.fruitless += 1;
        self.passed.fruitless <= FRUITLESS_MAX
    }

    /// One that this trunk takes.
    pub(crate) fn found(&mut self, trunk: TrunkId) {
        if self.passed.trunk.is_some_and(|waited_for| waited_for != trunk) {
            self.passed.fruitless = 0;
        }
    }

    pub(crate) fn avoid(&mut self, position: u32, trunk: TrunkId) {
        if self.avoided.len() < AVOIDED_MAX {
            self.avoided.insert(position, trunk);
        }
    }

    pub(crate) fn avoided(&self, position: u32) -> Option<TrunkId> {
        self.avoided.get(&position).copied()
    }
}
