//! `/healthz` and `/metrics` in Prometheus' text, counted from the database when somebody asks.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::{Store, StoreError};

use crate::clock;
use crate::web::held::{CertificateStatus, Held};

/// The operator's router: it names tenants and trunks, and nobody that is contacted.
pub fn router(store: Store, certificate: Option<Held>) -> Router {
    Router::new().route("/healthz", get(health)).route("/metrics", get(metrics)).with_state(Asked { store, certificate })
}

#[derive(Clone)]
struct Asked {
    store: Store,
    certificate: Option<Held>,
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
    match gather(&asked.store).await {
        Ok(mut text) => {
            certificate(&mut text, asked.certificate());
             ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn gather(store: &Store) -> Result<String, StoreError> {
    let mut text = String::new();
    let tenants = store.tenants().await?;
    family(&mut text, "clarion_tenancy_tenants", "gauge", "Tenants.");
    sample(&mut text, "clarion_tenancy_tenants", &[], tenants.len() as i64);
    family(&mut text, "clarion_campaigns_campaigns", "gauge", "Campaigns by state.");
    let mut outcomes: BTreeMap<(String, &str), (i64, i64)> = BTreeMap::new();
    for record in &tenants {
        let tenant = store.tenant(record.id, Actor::System).await?;
        for (state, n) in tenant.campaign_counts().await? {
            sample(&mut text, "clarion_campaigns_campaigns", &[("tenant", &record.slug), ("state", state.as_str())], n);
        }
        for row in tenant.ending_sums(None, (Instant(0), Instant(i64::MAX))).await? {
            let sums = outcomes.entry((record.slug.clone(), row.disposition.as_str())).or_default();
            *sums = (sums.0 + row.n, sums.1 + row.segments);
        }
    }
    family(&mut text, "clarion_outcomes_attempts", "gauge", "Attempts by their present disposition.");
    for ((tenant, disposition), (n, _)) in &outcomes {
        sample(&mut text, "clarion_outcomes_attempts", &[("tenant", tenant), ("disposition", disposition)], *n);
    }
    family(&mut text, "clarion_outcomes_segments", "gauge", "Segments by the present disposition of their attempts.");
    for ((tenant, disposition), (_, segments)) in &outcomes {
        sample(&mut text, "clarion_outcomes_segments", &[("tenant", tenant), ("disposition", disposition)], *segments);
    }
    carriers(store, &mut text).await?;
    Ok(text)
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
    use super::*;

    #[test]
    fn labels_are_quoted() {
        let mut text = String::new();
        sample(&mut text, "clarion_carriers_up", &[("trunk", "a \"b\"\n")], 1);
        sample(&mut text, "clarion_tenancy_tenants", &[], 2);
        assert_eq!(text, "clarion_carriers_up{trunk=\"a \\\"b\\\"\\n\"} 1\nclarion_tenancy_tenants 2\n");
    }
}
