//! Trunks: the tenant's own, and the operator's, which its routes may use.

use axum::Json;
use axum::response::Response;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id;
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::role::Right;
use clarion_store::carriers::{NewTrunk as StoredTrunk, TrunkRecord, TrunkStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings;
use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{NodeId, Time, TrunkId, TrunkKind, TrunkState};

/// A connection to a carrier.
#[derive(Serialize, ToSchema)]
pub struct Trunk {
    id: TrunkId,
    name: String,
    kind: TrunkKind,
    /// Set up by the operator for every tenant.
    shared: bool,
    enabled: bool,
    /// Of a trunk of your own, for a key that may manage it; null otherwise. Never the secret.
    #[schema(value_type = Option<settings::TrunkSettings>)]
    settings: Option<TrunkSettings>,
    /// Segments a second at most.
    rate_per_second: i64,
    /// In ten-thousandths of the currency's unit.
    cost_per_segment: i64,
    /// ISO 4217.
    currency: String,
    created_at: Time,
    /// What each node last said of it.
    status: Vec<Status>,
}

/// A trunk as one node sees it.
#[derive(Serialize, ToSchema)]
pub struct Status {
    node: NodeId,
    state: TrunkState,
    /// Empty when all is well.
    reason: String,
    /// Segments a second that the limiter holds now.
    rate_now: i64,
    /// Submissions without an answer.
    outstanding: i64,
    accepted: i64,
    throttled: i64,
    since: Time,
    seen_at: Time,
}

impl From<&TrunkStatus> for Status {
    fn from(status: &TrunkStatus) -> Self {
        Self {
            node: status.node.into(),
            state: status.state.into(),
            reason: status.reason.clone(),
            rate_now: status.rate_now,
            outstanding: status.outstanding,
            accepted: status.accepted,
            throttled: status.throttled,
            since: status.since.into(),
            seen_at: status.seen_at.into(),
        }
    }
}

/// What a trunk is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Northwind SMPP", "settings": {"kind": "smpp", "host": "smsc.example", "port": 2775, "system_id": "northwind"}, "secret": "…",
    "rate_per_second": 50, "cost_per_segment": 290, "currency": "GBP"
}))]
pub struct NewTrunk {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(value_type = settings::TrunkSettings)]
    settings: TrunkSettings,
    /// Password of the account, or the provider's key. Left out in a change: the old one stays.
    #[serde(default)]
    #[schema(max_length = 1000)]
    secret: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    rate_per_second: i64,
    #[schema(minimum = 0, maximum = 100_000_000)]
    cost_per_segment: i64,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// Taken as true when left out.
    enabled: Option<bool>,
}

impl NewTrunk {
    fn stored(self) -> StoredTrunk {
        StoredTrunk {
            name: self.name,
            settings: self.settings,
            secret: Personal::new(self.secret),
            rate_per_second: self.rate_per_second,
            cost_per_segment: self.cost_per_segment,
            currency: self.currency,
        }
    }

    /// Every fault of the settings at once, with its field.
    fn check(&self) -> Result<(), Problem> {
        let faults = self.settings.faults();
        if faults.is_empty() {
            return Ok(());
        }
        let problem = Problem::invalid("the settings of the trunk cannot be used: `errors` says what to change");
        Err(faults.into_iter().fold(problem, |problem, fault| problem.with(format!("settings.{}", fault.field), fault.problem)))
    }
}

fn show(caller: &Caller, trunk: TrunkRecord, status: &[TrunkStatus]) -> Trunk {
    let own = trunk.tenant.is_some() && caller.may(Right::ManageTrunks);
    Trunk {
        id: trunk.id.into(),
        name: trunk.name,
        kind: trunk.settings.kind().into(),
        shared: trunk.tenant.is_none(),
        enabled: trunk.enabled,
        settings: own.then_some(trunk.settings),
        rate_per_second: trunk.rate_per_second,
        cost_per_segment: trunk.cost_per_segment,
        currency: trunk.currency,
        created_at: trunk.created_at.into(),
        status: status.iter().filter(|status| status.trunk == trunk.id).map(Status::from).collect(),
    }
}

async fn find(caller: &Caller, id: id::TrunkId) -> Result<Trunk, Problem> {
    let trunk = caller.tenant.trunk(id).await?;
    Ok(show(caller, trunk, &caller.tenant.store().trunk_status().await?))
}

/// The trunks that your routes may use, by name
#[utoipa::path(get, path = "/trunks", tag = "carriers", responses((status = 200, body = Listing<Trunk>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Trunk>>, Problem> {
    let status = caller.tenant.store().trunk_status().await?;
    Ok(Listing::whole(caller.tenant.trunks().await?, |trunk| show(&caller, trunk, &status)))
}

/// Add a trunk of your own
#[utoipa::path(post, path = "/trunks", tag = "carriers", request_body = NewTrunk, responses((status = 201, body = Trunk)))]
pub async fn create(caller: Caller, Body(new): Body<NewTrunk>) -> Result<Response, Problem> {
    new.check()?;
    if new.enabled == Some(false) {
        return Err(Problem::invalid_field("enabled", "a new trunk is enabled: add it, then change it"));
    }
    let id = caller.tenant.add_trunk(&new.stored(), false, caller.now).await?;
    Ok(made(format!("/trunks/{id}"), find(&caller, id).await?))
}

/// One trunk
#[utoipa::path(get, path = "/trunks/{trunk}", tag = "carriers", params(("trunk" = TrunkId, Path)), responses((status = 200, body = Trunk)))]
pub async fn get(caller: Caller, Id(id): Id<TrunkId>) -> Result<Json<Trunk>, Problem> {
    Ok(Json(find(&caller, id.0).await?))
}

/// Change a trunk of your own
///
/// Its driver connects anew. A secret that is left out stays as it is.
#[utoipa::path(put, path = "/trunks/{trunk}", tag = "carriers", params(("trunk" = TrunkId, Path)), request_body = NewTrunk, responses((status = 200, body = Trunk)))]
pub async fn change(caller: Caller, Id(id): Id<TrunkId>, Body(new): Body<NewTrunk>) -> Result<Json<Trunk>, Problem> {
    caller.tenant.trunk(id.0).await?;
    new.check()?;
    let enabled = new.enabled.unwrap_or(true);
    caller.tenant.change_trunk(id.0, &new.stored(), enabled, caller.now).await?;
    Ok(Json(find(&caller, id.0).await?))
}
