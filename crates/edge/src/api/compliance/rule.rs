//! The rules that decide, as their packs state them: what, why, by whose word, and how sure.

use axum::Json;
use clarion_domain::compliance::RulePack;
use clarion_store::compliance::rule_book;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Channel, Purpose};

/// The rules of some regions, from one day to another.
#[derive(Serialize, ToSchema)]
pub struct Pack {
    /// Name, first day and revision, as every decision names it.
    version: String,
    /// Two letters of ISO 3166 each.
    regions: Vec<String>,
    /// First day on which it decides.
    valid_from: String,
    /// Last day; null while none is set.
    valid_to: Option<String>,
    /// Whether it decides today.
    in_force: bool,
    rules: Vec<PackRule>,
}

/// One rule.
#[derive(Serialize, ToSchema)]
pub struct PackRule {
    rule: String,
    /// What the campaign's manager reads when it refuses or defers.
    sentence: String,
    /// What the person reads who asks why.
    person: String,
    /// The law, the regulator's word, or the product's own default.
    source: String,
    reviewer: String,
    /// How sure we are of it: `V1` the legal text, `V2` quoted by others, `MEM` from memory, `POL` no law but a default, and so on.
    status: &'static str,
    purposes: Vec<Purpose>,
    channels: Vec<Channel>,
}

fn show(pack: &RulePack, in_force: bool) -> Pack {
    let rules = pack.rules().iter().enumerate().map(|(place, rule)| {
        let (purposes, channels) = pack.scope_of(place);
        PackRule {
            rule: rule.id.clone(),
            sentence: rule.manager.clone(),
            person: rule.person.clone(),
            source: rule.source.clone(),
            reviewer: rule.reviewer.clone(),
            status: rule.status.as_str(),
            purposes: purposes.into_iter().map(Purpose).collect(),
            channels: channels.into_iter().map(Channel::from).collect(),
        }
    });
    let (from, to) = pack.valid();
    Pack { version: pack.version().to_string(), regions: pack.regions().to_vec(), valid_from: from.to_string(), valid_to: to.map(|day| day.to_string()), in_force, rules: rules.collect() }
}

/// The rule packs of this installation
///
/// A number of a region that none of them covers is not contacted. Your own limits come on top of these.
#[utoipa::path(get, path = "/rule-packs", tag = "compliance", responses((status = 200, body = Listing<Pack>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Pack>>, Problem> {
    Ok(Listing::whole(rule_book().packs().to_vec(), |pack| show(&pack, pack.is_in_force(caller.now))))
}
