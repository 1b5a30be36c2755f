//! Everything that keeps a campaign from starting, told at once.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::pacing::MessagesPerSecond;
use clarion_domain::campaigns::template::Template;
use clarion_domain::carriers::trunk::TrunkKind;
use clarion_domain::compliance::lint::lint;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose, StatedPurpose};
use clarion_domain::time::Instant;

use super::draft::CampaignDraft;
use crate::db::sql;
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

pub(super) struct Faults(Vec<FieldFault>);

impl Faults {
    pub(super) fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldFault { field, message: message.into() });
    }
}

impl Tenant {
    /// What must be mended before the campaign can be scheduled or started; nothing when it is fit.
    pub async fn campaign_faults(&self, draft: &CampaignDraft, now: Instant) -> Result<Vec<FieldFault>, StoreError> {
        let mut faults = Faults(Vec::new());
        purpose_faults(draft, &mut faults);
        self.audience_faults(draft, &mut faults).await?;
        self.step_faults(draft, &mut faults, now).await?;
        let zone = jiff::tz::TimeZone::get(&self.record().await?.zone).ok();
        if let Err(error) = draft.schedule.check(zone.as_slice(), now) {
            faults.add("schedule", error.to_string());
        }
        let sequence = &draft.sequence;
        for fault in sequence.faults(draft.channel, draft.schedule.ends_at_ms, now) {
            faults.add(fault.field(), fault.to_string());
        }
        for number in 2..=sequence.steps() {
            let mut found = Faults(Vec::new());
            if let Some(step) = draft.at_step(number) {
                self.step_faults(&step, &mut found, now).await?;
            }
            for fault in found.0 {
                faults.add("then", format!("step {number}, {}: {}", fault.field.replace('_', " "), fault.message));
            }
        }
        Ok(faults.0)
    }

    /// Of what one step says itself.
    async fn step_faults(&self, draft: &CampaignDraft, faults: &mut Faults, now: Instant) -> Result<(), StoreError> {
        match draft.channel {
            Channel::Sms => self.message_faults(draft, faults).await?,
            Channel::Voice => self.call_faults(draft, faults, now).await?,
        }
        self.route_faults(draft, faults).await?;
        if let Err(error) = draft.retry.check() {
            faults.add("retry", error.to_string());
        }
        if let Err(error) = MessagesPerSecond::new(draft.rate_per_second) {
            faults.add("rate_per_second", error.to_string());
        }
        Ok(())
    }

    pub(super) async fn refuse_faults(&self, draft: &CampaignDraft, now: Instant) -> Result<(), StoreError> {
        let faults = self.campaign_faults(draft, now).await?;
        if faults.is_empty() { Ok(()) } else { Err(StoreError::Faults(faults)) }
    }

    /// Without a route to a trunk everybody would be refused for good, and the campaign be over. Whether the trunk is up is not asked: for that the
    /// engine waits; nor whether a route takes each number, which the dry run counts.
    async fn route_faults(&self, draft: &CampaignDraft, faults: &mut Faults) -> Result<(), StoreError> {
        let (is_call, sender) = (draft.channel == Channel::Voice, draft.sender.trim());
        let what = if is_call { "calls" } else { "texts" };
        let trunks = self.trunks().await?;
        let carriers: Vec<_> = trunks.iter().filter(|trunk| (trunk.settings.kind() == TrunkKind::Sip) == is_call).collect();
        let enabled = |id| carriers.iter().any(|trunk| trunk.id == id && trunk.enabled);
        let routes = self.routes().await?;
        let usable: Vec<_> = routes.iter().filter(|route| enabled(route.trunk)).collect();
        if carriers.is_empty() {
            faults.add("route", format!("no trunk carries {what} for this organisation: add a trunk and a route to it"));
        } else if !carriers.iter().any(|trunk| trunk.enabled) {
            faults.add("route", format!("every trunk that carries {what} for this organisation is switched off: switch one on"));
        } else if usable.is_empty() {
            faults.add("route", format!("no route of this organisation leads to a trunk that carries {what} and is switched on: add one"));
        } else if !sender.is_empty() && !usable.iter().any(|route| route.sender.is_empty() || route.sender == sender) {
            faults.add("route", format!("the routes to the trunks that carry {what} are for other senders than {sender}: add one for it, or for every sender"));
        }
        Ok(())
    }

    async fn audience_faults(&self, draft: &CampaignDraft, faults: &mut Faults) -> Result<(), StoreError> {
        if draft.list_id.is_none() && draft.filter_id.is_none() {
            faults.add("list_id", "nobody is chosen: choose a list, a saved filter, or both");
        }
        // An evergreen campaign may wait for its first.
        if let Some(list) = draft.list_id.filter(|_| draft.sequence.evergreen.is_none()) {
            let some = sql!("SELECT contact_id FROM list_member WHERE list_id = $1 LIMIT 1");
            if self.db().query_first(some, &params![list]).await?.is_none() {
                faults.add("list_id", "this list is empty: load people into it first, or choose another");
            }
        }
        Ok(())
    }

    async fn message_faults(&self, draft: &CampaignDraft, faults: &mut Faults) -> Result<(), StoreError> {
        let fields = self.template_fields().await?;
        let known: Vec<&str> = fields.iter().map(String::as_str).collect();
        let template = Template::parse(&draft.body, &known).map_err(|error| faults.add("body", error.to_string())).ok();
        if draft.sender.trim().is_empty() {
            faults.add("sender", "choose who the message is from");
        } else if !self.senders().await?.iter().any(|sender| sender.value == draft.sender.trim()) {
            faults.add("sender", "this sender is not on your list of checked senders: add it there first");
        }
        let (Some(template), Some(purpose)) = (template, draft.purpose) else { return Ok(()) };
        if template.short_links() > 0 && self.link_sample().await?.is_none() {
            faults.add("body", "short links are off: switch them on in the settings, or send the addresses whole");
        }
        let stated = stated(draft, purpose);
        let found = lint(&template.fixed_text(), draft.sender.trim(), &[&self.record().await?.name]);
        if stated.is_marketing() {
            if !found.facts.says_how_to_stop {
                faults.add("body", "a marketing text must say how to stop, such as “Reply STOP to opt out”; a sender that is a name needs a number or an address for that");
            }
            if !found.facts.names_sender {
                faults.add("body", "a marketing text must name your organisation, in the sender or in the text");
            }
        } else if found.facts.is_promotional {
            faults.add("body", format!("the text advertises ({}): take that out, or make the campaign's purpose marketing", found.promotional.join(", ")));
        }
        Ok(())
    }
}

pub(super) fn stated(draft: &CampaignDraft, purpose: Purpose) -> StatedPurpose {
    StatedPurpose { purpose, underlying: draft.underlying_purpose, reasoned_not_marketing: !draft.not_marketing_reason.trim().is_empty() }
}

fn purpose_faults(draft: &CampaignDraft, faults: &mut Faults) {
    match draft.purpose {
        None => faults.add("purpose", "say why these people are contacted"),
        Some(purpose) if stated(draft, purpose).in_law().is_none() => {
            faults.add("underlying_purpose", "say what the conversation will be about: collections, a reminder, marketing or an unfinished application");
        }
        Some(_) => {}
    }
    match draft.basis {
        None => faults.add("legal_basis", "say on which ground in law these people are contacted"),
        Some(LegalBasis::LegitimateInterest) if draft.assessment_reference.trim().is_empty() => {
            faults.add("assessment_reference", "a legitimate interest needs its assessment: give its reference");
        }
        Some(_) => {}
    }
}
