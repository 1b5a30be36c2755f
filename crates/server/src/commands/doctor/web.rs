//! Whether who comes to the portal finds a certificate that is good, for long enough, and for its name.

use clarion_store::Store;
use clarion_tls::Certificate;

use super::Finding;
use crate::clock;
use crate::config::Config;
use crate::web::held::days_left;
use crate::web::own_files::OwnFiles;
use crate::web::{AcmePlan, Carrier, MetricsPlan, SPOKEN, WebPlan};

/// By then a renewal has been missing for weeks.
const DAYS_MIN: i64 = 7;

pub async fn finding(config: &Config, store: &Store) -> anyhow::Result<Finding> {
    let said = |verdict: Result<String, String>| Finding { what: "web".into(), ok: verdict.is_ok(), words: verdict.unwrap_or_else(|fault| fault) };
    let plan = match WebPlan::read(config).and_then(|plan| MetricsPlan::read(config, &plan).map(|_| plan)) {
        Ok(plan) => plan,
        Err(error) => return Ok(said(Err(error.to_string()))),
    };
    let host = plan.public_url.as_deref().and_then(|url| url.strip_prefix("https://")).map(|rest| rest.split([':', '/']).next().unwrap_or_default());
    Ok(said(match &plan.carrier {
        Carrier::Clear => Ok(plan.words()),
        Carrier::OwnFiles(files) => own(files, host),
        Carrier::Acme(acme) => fetched(acme, store).await?,
    }))
}

fn own(files: &OwnFiles, host: Option<&str>) -> Result<String, String> {
    let certificate = files.read().map_err(|fault| format!("{fault}. A running server goes on with the one that it has"))?;
    if files.key_is_open() {
        return Err(format!("{} can be read by others: chmod 600 it", files.key.display()));
    }
    if let Some(host) = host.filter(|host| !certificate.covers(host)) {
        return Err(format!("{} is not for {host}, which web.public_url names", files.certificate.display()));
    }
    good(&certificate)
}

fn good(certificate: &Certificate) -> Result<String, String> {
    match days_left(certificate, clock::real()) {
        days if days < 0 => Err("the certificate has expired: put a new one in its place".into()),
        days if days < DAYS_MIN => Err(format!("the certificate expires in {days} days: put a new one in its place")),
        days => Ok(format!("https, the certificate is good for {days} days")),
    }
}

async fn fetched(plan: &AcmePlan, store: &Store) -> anyhow::Result<Result<String, String>> {
    let Some(kept) = store.acme_certificate(&plan.names(), &plan.directory_url).await? else {
        return Ok(Err("no certificate was fetched yet: clarion serve does".into()));
    };
    if kept.failures > 0 {
        let when = kept.next_try_at.timestamp().strftime("%-d %B %H:%M UTC").to_string();
        return Ok(Err(format!("{} times no certificate was fetched: {}. It is tried again on {when}, or when the server is started anew", kept.failures, kept.last_error)));
    }
    let Some(pem) = kept.certificate else { return Ok(Err("a certificate is being fetched".into())) };
    let certificate = Certificate::from_pem(pem.reveal().as_bytes(), pem.reveal().as_bytes(), &SPOKEN)?;
    let life_ms = certificate.not_after_ms - certificate.not_before_ms;
    // One of six days is renewed when two are left.
    if certificate.not_after_ms - clock::real().ms() < life_ms / 6 {
        return Ok(Err(format!("the certificate should have been renewed: {} days left", days_left(&certificate, clock::real()))));
    }
    Ok(Ok(format!("https, the certificate is good for {} days and renewed by itself", days_left(&certificate, clock::real()))))
}
