//! `/healthz` and `/metrics` in Prometheus' text, counted from the database when somebody asks; what was ever tried, once a minute at most.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::id::TenantId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::tenancy::TenantRecord;
use clarion_store::{Store, StoreError};
use tokio::sync::Mutex;

use crate::clock;
use crate::web::held::{CertificateStatus, Held};

/// The sums of what was ever tried are kept for so long: Prometheus asks every few seconds, and each time the database would go through all history.
const SUMS_KEPT_MS: i64 = MINUTE_MS;

/// The operator's router: it names tenants and trunks, and nobody that is contacted.
pub fn router(store: Store, certificate: Option<Held>) -> Router {
    Router::new().route("/healthz", get(health)).route("/metrics", get(metrics)).with_state(Asked { store, certificate, kept: Arc::default() })
}

#[derive(Clone)]
struct Asked {
    store: Store,
    certificate: Option<Held>,
    kept: Arc<Mutex<Option<Sums>>>,
}

/// Attempts and their segments by tenant and present disposition, as they stood at a moment.
struct Sums {
    at: Instant,
    outcomes: BTreeMap<(String, &'static str), (i64, i64)>,
    /// By tenant; those without any are left out.
    silent: Vec<(String, i64)>,
}

impl Asked {
    fn certificate(&self) -> Option<CertificateStatus> {
        self.certificate.as_ref().map(|held| held.status(clock::real()))
    }
}

async fn health(State(asked): State<Asked>) -> (StatusCode, String) {
    match asked.store.tenants().await {
        Ok(_) => (StatusCode::OK, format!("ok\n{}", asked.certificate().map(|status| status.words() + "\n").unwrap_or_default())),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

async fn metrics(State(asked): State<Asked>) -> Response {
    match gather(&asked.store, &asked.kept, clock::real()).await {
        Ok(mut text) => {
            certificate(&mut text, asked.certificate());
             ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn gather(store: &Store, kept: &Mutex<Option<Sums>>, now: Instant) -> Result<String, StoreError> {
    let mut text = String::new();
    let tenants = store.tenants().await?;
    family(&mut text, "clarion_tenancy_tenants", "gauge", "Tenants.");
    sample(&mut text, "clarion_tenancy_tenants", &[], tenants.len() as i64);
    family(&mut text, "clarion_campaigns_campaigns", "gauge", "Campaigns by state.");
    for record in &tenants {
        let tenant = store.tenant(record.id, Actor::System).await?;
        for (state, n) in tenant.campaign_counts().await? {
            sample(&mut text, "clarion_campaigns_campaigns", &[("tenant", &record.slug), ("state", state.as_str())], n);
        }
    }
    outcomes(store, &tenants, kept, now, &mut text).await?;
    carriers(store, &mut text).await?;
    Ok(text)
}

/// Of two who ask at once, the second waits for what the first adds up.
async fn outcomes(store: &Store, tenants: &[TenantRecord], kept: &Mutex<Option<Sums>>, now: Instant, text: &mut String) -> Result<(), StoreError> {
    let mut kept = kept.lock().await;
    // A clock that was set back makes them no younger.
    let sums = match kept.take() {
        Some(sums) if (0..SUMS_KEPT_MS).contains(&(now.ms() - sums.at.ms())) => sums,
        _ => add_up(store, tenants, now).await?,
    };
    family(text, "clarion_outcomes_attempts", "gauge", "Attempts by their present disposition, added up once a minute.");
    for ((tenant, disposition), (n, _)) in &sums.outcomes {
        sample(text, "clarion_outcomes_attempts", &[("tenant", tenant), ("disposition", disposition)], *n);
    }
    family(text, "clarion_outcomes_segments", "gauge", "Segments by the present disposition of their attempts, added up once a minute.");
    for ((tenant, disposition), (_, segments)) in &sums.outcomes {
        sample(text, "clarion_outcomes_segments", &[("tenant", tenant), ("disposition", disposition)], *segments);
    }
    family(text, "clarion_outcomes_silent_calls", "gauge", "Calls of today and yesterday in London whose person heard nothing within two seconds: any is one too many.");
    for (tenant, n) in &sums.silent {
        sample(text, "clarion_outcomes_silent_calls", &[("tenant", tenant)], *n);
    }
    *kept = Some(sums);
    Ok(())
}

async fn add_up(store: &Store, tenants: &[TenantRecord], now: Instant) -> Result<Sums, StoreError> {
    let mut outcomes: BTreeMap<(String, &'static str), (i64, i64)> = BTreeMap::new();
    for record in tenants {
        let tenant = store.tenant(record.id, Actor::System).await?;
        for row in tenant.ending_sums(None, (Instant(0), Instant(i64::MAX))).await? {
            let sums = outcomes.entry((record.slug.clone(), row.disposition.as_str())).or_default();
            *sums = (sums.0 + row.n, sums.1 + row.segments);
        }
    }
    let yesterday = london_day(now).yesterday().unwrap_or(jiff::civil::Date::MIN).to_string();
    let slug = |id: TenantId| tenants.iter().find(|record| record.id == id).map(|record| record.slug.clone());
    let silent = store.silent_calls(&yesterday).await?.into_iter().filter_map(|(id, n)| Some((slug(id)?, n))).collect();
    Ok(Sums { at: now, outcomes, silent })
}

async fn carriers(store: &Store, text: &mut String) -> Result<(), StoreError> {
    let names: BTreeMap<i64, String> = store.trunks().await?.into_iter().map(|trunk| (trunk.id.0, trunk.name)).collect();
    let said = store.trunk_status().await?;
    let mut each = |name: &str, kind: &str, words: &str, value: &dyn Fn(&clarion_store::carriers::TrunkStatus) -> i64| {
        family(text, name, kind, words);
        for status in &said {
            let Some(trunk) = names.get(&status.trunk.0) else { continue };
            sample(text, name, &[("trunk", trunk), ("node", &status.node.0.to_string())], value(status));
        }
    };
    each("clarion_carriers_up", "gauge", "1 when every bind of the trunk is up.", &|status| i64::from(status.state == TrunkState::Up));
    each("clarion_carriers_rate_per_second", "gauge", "Segments a second that the limiter holds now.", &|status| status.rate_now);
    each("clarion_carriers_outstanding", "gauge", "Submissions without an answer.", &|status| status.outstanding);
    each("clarion_carriers_accepted_total", "counter", "Segments accepted since the node started.", &|status| status.accepted);
    each("clarion_carriers_throttled_total", "counter", "Segments refused for the rate since the node started.", &|status| status.throttled);
    Ok(())
}

fn certificate(text: &mut String, status: Option<CertificateStatus>) {
    let Some(status) = status else { return };
    if let Some(days) = status.days_left {
        family(text, "clarion_web_certificate_days_left", "gauge", "Days until the certificate that this node serves expires.");
        sample(text, "clarion_web_certificate_days_left", &[], days);
    }
    family(text, "clarion_web_certificate_faulty", "gauge", "1 when there is no certificate, or a newer one could not be read or fetched.");
    sample(text, "clarion_web_certificate_faulty", &[], i64::from(status.fault.is_some() || status.days_left.is_none()));
}

fn family(text: &mut String, name: &str, kind: &str, words: &str) {
    let _ = writeln!(text, "# HELP {name} {words}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: &[(&str, &str)], value: i64) {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let inner: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", quoted(text))).collect();
    let _ = match inner.is_empty() {
        true => writeln!(text, "{name} {value}"),
        false => writeln!(text, "{name}{{{}}} {value}", inner.join(",")),
    };
}

#[cfg(test)]
mod tests {
    use clarion_domain::tenancy::tenant::NumberMode;
    use clarion_store::db::{Db, Statement};
    use clarion_store::params;
    use clarion_store::tenancy::NewTenant;

    use super::*;

    static DELIVERED: Statement = Statement {
        text: "INSERT INTO measure (tenant_id, campaign_id, hour, channel, disposition, cause, n, segments, cost) VALUES ($1, $2, 0, 'sms', 'delivered', '', 1, 2, 0)",
        postgres: "",
    };

    /// As somebody reads it who asks at a moment.
    async fn delivered(store: &Store, kept: &Mutex<Option<Sums>>, at_ms: i64) -> String {
        let text = gather(store, kept, Instant(at_ms)).await.expect("counts");
        text.lines().filter_map(|line| line.strip_prefix("clarion_outcomes_")?.split_once(' ')).map(|(_, n)| n).collect::<Vec<_>>().join(" ")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_ever_tried_is_added_up_once_a_minute() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
        db.migrate().await.expect("migrates");
        let store = Store::new(db, &folder.path().join("keyring"), 1).expect("a store");
        let new = NewTenant { slug: "northwind", name: "Northwind", number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call us." };
        let tenant = store.create_tenant(&new, Instant(0)).await.expect("a tenant");
        let kept = Mutex::default();
        let noon_ms = 1_795_435_200_000;
        let one_more = async |campaign: i64| store.db().execute(&DELIVERED, &params![tenant, campaign]).await.expect("counted");
        one_more(1).await;
        assert_eq!(delivered(&store, &kept, noon_ms).await, "1 2");
        one_more(2).await;
        assert_eq!(delivered(&store, &kept, noon_ms + MINUTE_MS - 1).await, "1 2", "not yet");
        assert_eq!(delivered(&store, &kept, noon_ms + MINUTE_MS).await, "2 4");
        one_more(3).await;
        assert_eq!(delivered(&store, &kept, noon_ms - 1).await, "3 6", "by a clock that was set back");
    }

    #[test]
    fn labels_are_quoted() {
        let mut text = String::new();
        sample(&mut text, "clarion_carriers_up", &[("trunk", "a \"b\"\n")], 1);
        sample(&mut text, "clarion_tenancy_tenants", &[], 2);
        assert_eq!(text, "clarion_carriers_up{trunk=\"a \\\"b\\\"\\n\"} 1\nclarion_tenancy_tenants 2\n");
    }
}
