//! What is the same for every recipient of a campaign, put together once.

use std::sync::{Arc, Mutex, OnceLock};

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::script::ScriptDocument;
use clarion_domain::campaigns::script::document::StepDocument;
use clarion_domain::compliance::abandonment::{MistakeEstimate, london_day};
use clarion_domain::compliance::call_rules::CallFacts;
use clarion_domain::compliance::facts::MessageFacts;
use clarion_domain::compliance::information::{Callback, InformationFacts, InformationFault, lint_information};
use clarion_domain::compliance::lint::lint;
use clarion_domain::compliance::opening::WindowCache;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose, StatedPurpose};
use clarion_domain::compliance::rule_set::RuleSet;
use clarion_domain::compliance::tenant_limits::{LimitsError, TenantLimits};
use clarion_domain::compliance::window::WeekHours;
use clarion_domain::compliance::{Decision, RuleBook, RulePack};
use clarion_domain::contacts::address::LineType;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_domain::time::Instant;

use crate::campaigns::{CampaignRecord, SenderRecord};
use crate::compliance::caller_id_facts;
use crate::compliance::limits::read_limits;
use crate::store::{StoreError, Tenant};
use crate::tenancy::TenantRecord;

/// A pack with the tenant's limits added, and what its windows last said.
pub(super) struct TermsPack {
    shipped: Arc<RulePack>,
    pub narrowed: Arc<RulePack>,
    pub windows: Mutex<WindowCache>,
}

/// One campaign's side of every decision. Cheap to keep for the campaign's life; made anew when the campaign, the
/// tenant's limits or the rule book change.
pub struct CampaignTerms {
    pub channel: Channel,
    pub purpose: Option<StatedPurpose>,
    pub basis: Option<LegalBasis>,
    pub assessment_recorded: bool,
    /// In the contact's zone.
    pub hours: WeekHours,
    pub message: MessageFacts,
    /// For a campaign of calls: what its rules look at, without what a number has been through.
    pub call: Option<CallFacts>,
    /// By the tenant's labels: how often the detector gave a person to a machine.
    pub mistakes: Option<MistakeEstimate>,
    /// The text takes something from a field that the tenant declared, which may be anything: each filled text is read.
    pub reads_texts: bool,
    pub mode: NumberMode,
    book: RuleBook,
    packs: Vec<TermsPack>,
}

/// One rule that stands in the way, as the campaign's manager reads it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RuleReason {
    pub rule: String,
    pub sentence: String,
}

/// A decision in the words that the store keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionWords {
    /// `permitted`, `deferred` or `refused`.
    pub kind: &'static str,
    /// The ids of the rules, with commas between: those that passed, defer or refuse.
    pub rules: String,
    /// `uk@2026-11-23+tenant`.
    pub rule_pack: String,
    pub until: Option<Instant>,
}

impl DecisionWords {
    /// What is kept with an attempt: by which rules of which pack it was permitted.
    #[must_use]
    pub fn of_a_permit(&self) -> String {
        format!("{} passed {}", self.rule_pack, self.rules)
    }
}

static BOOK: OnceLock<RuleBook> = OnceLock::new();

/// The rule packs of this installation: those that ship with the software, unless others were installed.
#[must_use]
pub fn rule_book() -> &'static RuleBook {
    BOOK.get_or_init(|| RuleBook::embedded().expect("a test of the domain reads the shipped packs"))
}

/// Lets an operator's rule packs decide, from now until this process ends. False when packs have decided already: install
/// them before anything else.
#[must_use]
pub fn install_rules(book: RuleBook) -> bool {
    BOOK.set(book).is_ok()
}

/// The rules of the shipped packs that a suppression breaks. Of an operator's own rule nothing is known here: it refuses, and no more.
const OF_SUPPRESSIONS: &[&str] = &["SUP-OPT-OUT", "SUP-LIST", "DP-18", "DP-15", "DP-2"];

/// Whether a refusal, by its rule ids with commas between, says that the number is suppressed.
#[must_use]
pub fn is_of_a_suppression(rules: &str) -> bool {
    rules.split(',').any(|rule| OF_SUPPRESSIONS.contains(&rule))
}

/// The operators of a region block the campaign's sender: `Sender::check_toward`.
pub const BLOCKED_SENDER: &str = "UK-35";
pub const BLOCKED_SENDER_WHY: &str = "Operators in the United Kingdom block senders with a foreign number: use a +44 number, a short code or a brand.";

/// What the rules of calls look at, from the campaign and its caller ID.
fn call_facts(tenant: &TenantRecord, campaign: &CampaignRecord, sender: Option<&SenderRecord>) -> CallFacts {
    let e164 = campaign.sender.trim();
    let caller_id = caller_id_facts(e164, tenant.number_mode, sender);
    let document = ScriptDocument::read(&campaign.script).ok();
    let information = document.as_ref().and_then(|document| CampaignTerms::information(document, tenant, e164, caller_id.line_type)).map(|(facts, _)| facts);
    CallFacts {
        abandoned_at: None,
        machine_at: None,
        guarantees_agent: campaign.call_pacing.guarantees_an_agent(),
        ring_ms_max: campaign.call_pacing.ring_ms_max,
        acts_on_machines: document.is_some_and(|document| document.machine.is_some() || document.steps.values().any(|step| matches!(step, StepDocument::Branch { on, .. } if on == "answered_by"))),
        // Asked anew for each decision: an estimate grows old (UK-4).
        mistakes_are_tested: false,
        caller_id,
        information,
    }
}

/// What the sending loop notes as a refusal although every rule passed.
fn unsendable(rule: &str) -> Option<&'static str> {
    match rule {
        "TEMPLATE-FIELD" => Some("The person has no value for a field of the text, and the text has no fallback for it."),
        BLOCKED_SENDER => Some(BLOCKED_SENDER_WHY),
        "NO-ROUTE" => Some("No route names a trunk for this number and sender."),
        "MESSAGE-TOO-LONG" => Some("The filled text is too long for the trunk."),
        _ => None,
    }
}

/// Names and references say nothing that a rule would read.
const PLAIN_FIELDS: [&str; 4] = ["first_name", "last_name", "reference", "user_id"];

fn takes_a_declared_field(body: &str) -> bool {
    let fields = body.split('{').skip(1).filter_map(|rest| rest.split(['|', '}']).next()).map(str::trim);
    fields.into_iter().any(|name| !name.is_empty() && !PLAIN_FIELDS.contains(&name))
}

impl Tenant {
    /// The terms of a campaign under this tenant's limits and the shipped rules.
    pub async fn campaign_terms(&self, campaign: &CampaignRecord) -> Result<CampaignTerms, StoreError> {
        let record = self.record().await?;
        let limits = read_limits(&record.limits)?;
        let senders = if campaign.channel == Channel::Voice { self.senders().await? } else { Vec::new() };
        let sender = senders.iter().find(|sender| sender.value == campaign.sender.trim());
        let terms = CampaignTerms::new(&record, &limits, campaign, sender, rule_book()).map_err(|error| StoreError::Invalid(format!("the tenant's limits do not fit the rules: {error}")))?;
        let mistakes = if terms.acts_on_machines() { self.mistake_estimate().await? } else { None };
        Ok(CampaignTerms { mistakes, ..terms })
    }
}

impl CampaignTerms {
    /// `sender` is that of the campaign on the list of checked senders; rules of calls alone look at it.
    pub fn new(tenant: &TenantRecord, limits: &TenantLimits, campaign: &CampaignRecord, sender: Option<&SenderRecord>, book: &RuleBook) -> Result<Self, LimitsError> {
        let none = book.pack(None, campaign.created_at);
        let packs = book.packs().iter().chain([none]).map(|pack| -> Result<TermsPack, LimitsError> {
            Ok(TermsPack { shipped: pack.clone(), narrowed: Arc::new(pack.narrowed_by(limits)?), windows: Mutex::default() })
        });
        Ok(Self {
            channel: campaign.channel,
            purpose: campaign.purpose,
            basis: campaign.basis,
            assessment_recorded: !campaign.assessment_reference.trim().is_empty(),
            hours: campaign.schedule.week_hours(),
            message: lint(if campaign.channel == Channel::Voice { &campaign.script } else { &campaign.body }, &campaign.sender, &[&tenant.name]).facts,
            reads_texts: takes_a_declared_field(&campaign.body),
            mistakes: None,
            call: (campaign.channel == Channel::Voice).then(|| call_facts(tenant, campaign, sender)),
            mode: tenant.number_mode,
            packs: packs.collect::<Result<_, _>>()?,
            book: book.clone(),
        })
    }

    /// What UK-7 looks at in a script's information message, and what it lacks, for its author: one reading for each decision and for the check
    /// before the start. `None` for a script without one.
    pub(crate) fn information(document: &ScriptDocument, tenant: &TenantRecord, caller_id: &str, line_type: LineType) -> Option<(InformationFacts, Vec<InformationFault>)> {
        let speech = document.information.as_ref()?;
        let read = lint_information(speech.text.as_deref().unwrap_or_default(), &[&tenant.name], Some(Callback { number: caller_id, line_type }));
        // Of a prompt nothing is known, so that all is lacking: one sentence says more than each of them.
        Some(if speech.text.is_none() { (read.0, vec![InformationFault::Unwritten]) } else { read })
    }

    /// The campaign treats machines otherwise than people.
    #[must_use]
    pub fn acts_on_machines(&self) -> bool {
        self.call.is_some_and(|call| call.acts_on_machines)
    }

    /// People among so many calls of a day that were given to a machine, in thousandths of a person: what the abandoned rate takes in. While
    /// nobody has measured the detector, each of them was a person.
    #[must_use]
    pub fn mistaken_milli(&self, judged_machine: u32) -> u32 {
        match &self.mistakes {
            _ if !self.acts_on_machines() => 0,
            Some(estimate) => estimate.mistaken_milli(judged_machine),
            None => judged_machine.saturating_mul(1_000),
        }
    }

    pub(super) fn mistakes_are_tested(&self, now: Instant) -> bool {
        self.mistakes.as_ref().is_some_and(|estimate| estimate.is_tested(london_day(now)))
    }

    /// How far back attempts must be read: what `recipient_facts` takes as `attempts_since`.
    #[must_use]
    pub fn touches_since(&self, now: Instant) -> Instant {
        now.plus_ms(-self.packs.iter().map(|pack| pack.narrowed.touches_kept_ms()).max().unwrap_or(0))
    }

    pub(super) fn pack_of(&self, region: &str, now: Instant) -> &TermsPack {
        let shipped = self.book.pack(Some(region), now);
        self.packs.iter().find(|pack| Arc::ptr_eq(&pack.shipped, shipped)).expect("every pack of the book is among the terms")
    }

    /// Whether a consent for this purpose is about this campaign: its own purpose, what lies under it, or what the law places it as.
    pub(super) fn concerns(&self, purpose: Purpose) -> bool {
        self.purpose.is_some_and(|stated| {
            let placed = stated.in_law();
            stated.purpose == purpose || stated.underlying == Some(purpose) || placed.is_some_and(|(first, second)| first == purpose || second == Some(purpose))
        })
    }

    /// The rules that speak for a region now, the tenant's own among them.
    #[must_use]
    pub fn rules(&self, region: &str, now: Instant) -> &Arc<RulePack> {
        &self.pack_of(region, now).narrowed
    }

    /// The sentence of each rule that defers or refuses, for people; nothing for a permit.
    #[must_use]
    pub fn reasons(&self, decision: &Decision, region: &str, now: Instant) -> Vec<RuleReason> {
        let set = match decision {
            Decision::Permit(_) => return Vec::new(),
            Decision::Defer(deferral) => deferral.rules,
            Decision::Refuse(refusal) => refusal.rules,
        };
        self.rules(region, now).named(set).map(|rule| RuleReason { rule: rule.id.clone(), sentence: rule.manager.clone() }).collect()
    }

    /// The sentence of one rule by its id, in whichever pack it stands, or of what keeps a permitted message from being sent.
    #[must_use]
    pub fn sentence(&self, rule: &str) -> Option<&str> {
        self.packs.iter().find_map(|pack| pack.narrowed.rule(rule)).map(|rule| rule.manager.as_str()).or_else(|| unsendable(rule))
    }

    /// A decision about a number of this region, in words.
    #[must_use]
    pub fn words(&self, decision: &Decision, region: &str, now: Instant) -> DecisionWords {
        let rules = self.rules(region, now);
        let ids = |set: RuleSet| rules.ids(set).collect::<Vec<_>>().join(",");
        match decision {
            Decision::Permit(permit) => DecisionWords { kind: "permitted", rules: ids(permit.passed()), rule_pack: permit.version().to_string(), until: None },
            Decision::Defer(deferral) => DecisionWords { kind: "deferred", rules: ids(deferral.rules), rule_pack: deferral.version.to_string(), until: Some(deferral.until) },
            Decision::Refuse(refusal) => DecisionWords { kind: "refused", rules: ids(refusal.rules), rule_pack: refusal.version.to_string(), until: None },
        }
    }
}
