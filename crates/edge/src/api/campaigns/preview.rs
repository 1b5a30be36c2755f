//! A campaign's text as real people of its audience would read it.

use axum::Json;
use clarion_domain::campaigns::campaign::Channel;
use clarion_store::campaigns::PreviewRow;
use clarion_store::compliance::{DecisionWords, RuleReason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Id, Query};
use crate::api::caller::{Caller, Shown};
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Alphabet, CampaignId, ContactId, Time};

/// One message.
#[derive(Serialize, ToSchema)]
pub struct Preview {
    contact: ContactId,
    /// E.164, masked unless revealed.
    number: String,
    /// Null when the text cannot be filled for this person.
    text: Option<String>,
    /// Why it cannot be filled; null otherwise.
    fault: Option<String>,
    segments: Option<Segments>,
    /// `2026-11-23 14:05 Europe/London` for each zone the person may be in.
    local_times: Vec<String>,
    decision: Decision,
}

/// The measure of a text.
#[derive(Serialize, ToSchema)]
pub struct Segments {
    alphabet: Alphabet,
    /// Septets, or UTF-16 units.
    units: u64,
    segments: u64,
    /// The characters that are outside the GSM alphabet and make the message dearer.
    outside_gsm: Vec<String>,
}

/// What the rules say.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    /// `permitted`, `deferred` or `refused`.
    kind: &'static str,
    /// The rule pack and its version.
    rule_pack: String,
    until: Option<Time>,
    /// The rules that defer or refuse.
    reasons: Vec<Rule>,
}

/// A rule and its sentence.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    rule: String,
    sentence: String,
}

impl Decision {
    pub fn of(words: DecisionWords, reasons: Vec<RuleReason>) -> Self {
        let reasons = reasons.into_iter().map(|RuleReason { rule, sentence }| Rule { rule, sentence }).collect();
        Self { kind: words.kind, rule_pack: words.rule_pack, until: words.until.map(Time), reasons }
    }
}

fn show(row: PreviewRow, shown: Shown) -> Preview {
    let segments = row.count.map(|count| Segments {
        alphabet: count.alphabet.into(),
        units: count.units as u64,
        segments: count.segments as u64,
        outside_gsm: count.outside_gsm.iter().map(char::to_string).collect(),
    });
    let (text, fault) = match row.text {
        Ok(text) => (Some(text.reveal().to_owned()), None),
        Err(fault) => (None, Some(fault)),
    };
    Preview { contact: row.contact_id.into(), number: shown.of(&row.number), text, fault, segments, local_times: row.local_times, decision: Decision::of(row.decision, row.reasons) }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// How many people; 5 when left out.
    #[param(minimum = 1, maximum = 50)]
    people: Option<usize>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    reveal: Option<bool>,
}

/// The text as the first people of the audience would read it
///
/// With what the rules say about each of them now.
#[utoipa::path(get, path = "/campaigns/{campaign}/preview", tag = "campaigns", params(("campaign" = CampaignId, Path), PreviewQuery), responses((status = 200, body = Listing<Preview>), (status = 409), (status = 422)))]
pub async fn get(caller: Caller, Id(id): Id<CampaignId>, Query(query): Query<PreviewQuery>) -> Result<Json<Listing<Preview>>, Problem> {
    let people = query.people.unwrap_or(5);
    if !(1..=50).contains(&people) {
        return Err(Problem::malformed("people: 1 to 50").with("people", "1 to 50"));
    }
    if caller.tenant.campaign(id.0).await?.channel == Channel::Voice {
        return Err(Problem::conflict("this campaign calls, and has no text: /scripts/check shows its script as a tree"));
    }
    let rows = caller.tenant.preview(id.0, people, caller.now).await?;
    let shown = caller.shown(query.reveal, "campaign", id.0.0).await?;
    Ok(Listing::whole(rows, |row| show(row, shown)))
}
