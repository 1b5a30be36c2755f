//! The name under which a tenant's short links stand. It counts once it was seen to point here, and its owner was seen to be the tenant:
//! this server asked for a token under that name, and got the one that it serves itself; and the name's DNS holds the same.

use clarion_domain::audit::event::Act;
use clarion_domain::id::TenantId;
use clarion_domain::links::code::SAMPLE_CODE;
use clarion_domain::links::host::{self, HostFault};
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::seal::{hex, random_bytes};
use crate::signal::Signal;
use crate::store::{FieldFault, Store, StoreError, Tenant};

/// Where a name's tokens are served, a line each.
pub const TOKEN_PATH: &str = "/.well-known/clarion-links";
/// Below a name, the TXT record in which whoever owns the name writes the tenant's token.
const RECORD_LABEL: &str = "_clarion-links";
pub const EXPIRES_DAYS_MAX: u32 = 400;
const EXPIRES_DAYS_DEFAULT: u32 = 30;
const TOKEN_BYTES: usize = 20;
/// Links that were sent lead nowhere without their name: one that fails is given so long.
const FAILING_MS_MAX: i64 = DAY_MS;
const POSTPONED_MS: i64 = 5 * MINUTE_MS;

/// A tenant's name for links, as its users see it.
#[derive(Debug, Clone)]
pub struct LinkDomain {
    /// `go.example.com`, with a port where it has one: the name that is wanted.
    pub host: String,
    /// The name under which links stand: the same once it was seen to point here, and until then the one before.
    pub verified_host: Option<String>,
    /// `https` or `http`, whichever answered for `verified_host`; empty without one.
    pub scheme: String,
    /// What the name's owner puts into its DNS; no secret.
    pub token: String,
    /// Whether links are made short.
    pub enabled: bool,
    pub expires_days: u32,
    /// A look is asked for.
    pub check_due: bool,
    /// Since when the name under which links stand fails; it is looked at again and again, and given up after a day.
    pub failing_since: Option<Instant>,
    pub checked_at: Option<Instant>,
    /// What the last look found wrong, or why it could not be made, in words; empty when nothing.
    pub last_error: String,
    pub created_by: String,
    pub created_at: Instant,
}

impl LinkDomain {
    /// The name that is wanted was seen to point here.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified_host.as_deref() == Some(self.host.as_str())
    }

    /// Links in messages become short ones.
    #[must_use]
    pub fn shortens(&self) -> bool {
        self.enabled && self.verified_host.is_some()
    }

    /// A link as it stands in a message.
    #[must_use]
    pub fn link(&self, code: &str) -> String {
        format!("{}://{}/{code}", self.scheme, self.verified_host.as_deref().unwrap_or(&self.host))
    }

    /// The TXT record that shows whose name it is; `None` for an address, which only the operator lets stand.
    #[must_use]
    pub fn record(&self) -> Option<String> {
        record_of(&self.host)
    }

    /// As long as every link, and of nobody.
    #[must_use]
    pub fn sample(&self) -> String {
        self.link(SAMPLE_CODE)
    }
}

/// A name that somebody wants looked at.
#[derive(Debug, Clone)]
pub struct DueLinkCheck {
    pub tenant: TenantId,
    pub host: String,
    pub token: String,
}

impl DueLinkCheck {
    /// As `LinkDomain::record`.
    #[must_use]
    pub fn record(&self) -> Option<String> {
        record_of(&self.host)
    }
}

fn record_of(host: &str) -> Option<String> {
    host::name_of(host).map(|name| format!("{RECORD_LABEL}.{name}"))
}

fn read(mut row: Row) -> Result<LinkDomain, StoreError> {
    Ok(LinkDomain {
        host: row.take(0)?,
        verified_host: row.take(1)?,
        scheme: row.take(2)?,
        token: row.take(3)?,
        enabled: row.take(4)?,
        expires_days: u32::try_from(row.take::<i64>(5)?).unwrap_or(EXPIRES_DAYS_DEFAULT),
        check_due: row.take(6)?,
        failing_since: row.take(7)?,
        checked_at: row.take(8)?,
        last_error: row.take(9)?,
        created_by: row.take(10)?,
        created_at: row.take(11)?,
    })
}

fn wrong_host(fault: HostFault) -> StoreError {
    StoreError::Faults(vec![FieldFault { field: "host", message: fault.to_string() }])
}

impl Store {
    /// The tokens to serve under a name: of whoever wants it.
    pub async fn link_tokens(&self, host: &str) -> Result<Vec<String>, StoreError> {
        let rows = self.db().query(sql!("SELECT token FROM link_domain WHERE host = $1 ORDER BY tenant_id LIMIT 100"), &params![host]).await?;
        rows.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    /// Names that wait to be looked at.
    pub async fn due_link_checks(&self, now: Instant, limit: i64) -> Result<Vec<DueLinkCheck>, StoreError> {
        let select = sql!("SELECT tenant_id, host, token FROM link_domain WHERE check_due = 1 AND (check_at IS NULL OR check_at <= $1) ORDER BY tenant_id LIMIT $2");
        let rows = self.db().query(select, &params![now, limit]).await?;
        rows.into_iter().map(|mut row| Ok(DueLinkCheck { tenant: row.take(0)?, host: row.take(1)?, token: row.take(2)? })).collect()
    }
}

impl Tenant {
    pub async fn link_domain(&self) -> Result<Option<LinkDomain>, StoreError> {
        let select = sql!("SELECT host, verified_host, scheme, token, enabled, expires_days, check_due, failing_since, checked_at, last_error, created_by, created_at FROM link_domain WHERE tenant_id = $1");
        self.db().query_first(select, &params![self.id]).await?.map(read).transpose()
    }

    /// What stands in a preview for each link that will be short; `None` while links are sent whole.
    pub async fn link_sample(&self) -> Result<Option<String>, StoreError> {
        Ok(self.link_domain().await?.filter(LinkDomain::shortens).map(|domain| domain.sample()))
    }

    /// Names the host; it is looked at at once, and until it is found good links go on under the one before. `portal` is the name by which
    /// this was asked for: neither it nor a name of the operator can be the one.
    pub async fn set_link_host(&self, host: &str, portal: Option<&str>, now: Instant) -> Result<(), StoreError> {
        let host = host::parse(host, |address| self.store.webhook_networks().names(address)).map_err(wrong_host)?;
        if self.store.is_own_host(&host) || portal.and_then(host::named).is_some_and(|portal| portal == host) {
            return Err(wrong_host(HostFault::IsThePortal));
        }
        if self.link_domain().await?.is_some_and(|held| held.host == host) {
            return self.check_link_host(now).await;
        }
        let mut tx = self.db().begin().await?;
        // The token is served under the name itself: it is no secret, and only has to be the tenant's. It stays the same for whatever name comes
        // next, so that the DNS of one to which the tenant goes back still says the right thing.
        let upsert = sql!(
            "INSERT INTO link_domain (tenant_id, host, verified_host, scheme, token, enabled, expires_days, check_due, check_at, failing_since, checked_at, last_error, created_by, created_at)
             VALUES ($1, $2, NULL, '', $3, 0, $4, 1, NULL, NULL, NULL, '', $5, $6)
             ON CONFLICT (tenant_id) DO UPDATE SET host = excluded.host, check_due = 1, check_at = NULL, failing_since = NULL, checked_at = NULL,
                    last_error = '', created_by = excluded.created_by, created_at = excluded.created_at"
        );
        let token = hex(&random_bytes::<TOKEN_BYTES>()?);
        tx.execute(upsert, &params![self.id, host, token, i64::from(EXPIRES_DAYS_DEFAULT), self.actor.to_string(), now]).await?;
        self.audit(&mut tx, now, Act::Changed, "link_domain", self.id.0, "host").await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Links);
        Ok(())
    }

    /// Asks for another look.
    pub async fn check_link_host(&self, now: Instant) -> Result<(), StoreError> {
        let due = sql!("UPDATE link_domain SET check_due = 1, check_at = NULL, last_error = CASE WHEN failing_since IS NULL THEN '' ELSE last_error END WHERE tenant_id = $1");
        self.change_links(due, params![self.id], "check", now).await?;
        self.store.signals().raise(Signal::Links);
        Ok(())
    }

    /// Whether links in messages become short ones. What was sent goes on leading somewhere until it expires.
    pub async fn enable_links(&self, on: bool, now: Instant) -> Result<(), StoreError> {
        if on && self.link_domain().await?.ok_or(StoreError::NotFound("link domain"))?.verified_host.is_none() {
            return Err(StoreError::Conflict("the name was not seen to point here yet: have it checked first".into()));
        }
        self.change_links(sql!("UPDATE link_domain SET enabled = $2 WHERE tenant_id = $1"), params![self.id, i64::from(on)], if on { "enabled" } else { "disabled" }, now).await
    }

    /// How long a link leads somewhere, from when it is sent.
    pub async fn set_link_expiry(&self, days: u32, now: Instant) -> Result<(), StoreError> {
        if !(1..=EXPIRES_DAYS_MAX).contains(&days) {
            return Err(StoreError::Faults(vec![FieldFault { field: "expires_days", message: format!("give a number of days from 1 to {EXPIRES_DAYS_MAX}") }]));
        }
        self.change_links(sql!("UPDATE link_domain SET expires_days = $2 WHERE tenant_id = $1"), params![self.id, i64::from(days)], &format!("expires after {days} days"), now).await
    }

    /// Forgets the name: no link under it leads anywhere any more.
    pub async fn remove_link_host(&self, now: Instant) -> Result<(), StoreError> {
        self.change_links(sql!("DELETE FROM link_domain WHERE tenant_id = $1"), params![self.id], "removed", now).await
    }

    async fn change_links(&self, update: &'static crate::db::Statement, values: crate::db::Params, detail: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(update, &values).await? == 0 {
            return Err(StoreError::NotFound("link domain"));
        }
        self.audit(&mut tx, now, Act::Changed, "link_domain", self.id.0, detail).await?;
        Ok(tx.commit().await?)
    }

    /// What a look found: the scheme that answered with the token, or what was wrong. A name under which links stand is looked at again
    /// until it answers, and given up after a day; a new one leaves those under the name before alone.
    pub async fn record_link_check(&self, check: &DueLinkCheck, found: Result<&str, &str>, now: Instant) -> Result<(), StoreError> {
        let Ok(scheme) = found else { return self.record_failed_look(check, found.err().unwrap_or_default(), now).await };
        let mut tx = self.db().begin().await?;
        let good = sql!(
            "UPDATE link_domain SET verified_host = host, scheme = $3, check_due = 0, check_at = NULL, failing_since = NULL, checked_at = $4, last_error = ''
             WHERE tenant_id = $1 AND token = $2 AND host = $5"
        );
        match tx.execute(good, &params![self.id, check.token.as_str(), scheme, now, check.host.as_str()]).await {
            // Named anew meanwhile.
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(DbError::Unique) => {
                drop(tx);
                return self.record_failed_look(check, "another tenant of this installation has this name: use one of your own", now).await;
            }
            Err(error) => return Err(error.into()),
        }
        self.audit(&mut tx, now, Act::Changed, "link_domain", self.id.0, "points here").await?;
        Ok(tx.commit().await?)
    }

    /// A look that could not be made, and why. It says nothing of the name, is made again, and does not count towards the day after which one that
    /// fails is given up.
    pub async fn postpone_link_check(&self, check: &DueLinkCheck, why: &str, now: Instant) -> Result<(), StoreError> {
        let later = sql!("UPDATE link_domain SET check_at = $3, failing_since = NULL, checked_at = $4, last_error = $5 WHERE tenant_id = $1 AND token = $2 AND host = $6");
        self.db().execute(later, &params![self.id, check.token.as_str(), now.plus_ms(POSTPONED_MS), now, why, check.host.as_str()]).await?;
        Ok(())
    }

    async fn record_failed_look(&self, check: &DueLinkCheck, why: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let select = sql!("SELECT verified_host, failing_since FROM link_domain WHERE tenant_id = $1 AND token = $2 AND host = $3");
        let Some(mut row) = tx.query_first(select, &params![self.id, check.token.as_str(), check.host.as_str()]).await? else { return Ok(()) };
        let stands = row.take::<Option<String>>(0)?.as_deref() == Some(check.host.as_str());
        let since: Instant = row.take::<Option<Instant>>(1)?.unwrap_or(now);
        let failing_ms = now.ms() - since.ms();
        if stands && failing_ms < FAILING_MS_MAX {
            let later = sql!("UPDATE link_domain SET check_due = 1, check_at = $3, failing_since = $4, checked_at = $5, last_error = $6 WHERE tenant_id = $1 AND token = $2 AND host = $7");
            let check_at = now.plus_ms(failing_ms.clamp(MINUTE_MS, HOUR_MS));
            tx.execute(later, &params![self.id, check.token.as_str(), check_at, since, now, why, check.host.as_str()]).await?;
            return Ok(tx.commit().await?);
        }
        let (update, detail) = if stands {
            let off = sql!(
                "UPDATE link_domain SET verified_host = NULL, scheme = '', enabled = 0, check_due = 0, check_at = NULL, failing_since = NULL, checked_at = $3, last_error = $4
                 WHERE tenant_id = $1 AND token = $2 AND host = $5"
            );
            (off, "points here no more")
        } else {
            let unseen = sql!("UPDATE link_domain SET check_due = 0, check_at = NULL, failing_since = NULL, checked_at = $3, last_error = $4 WHERE tenant_id = $1 AND token = $2 AND host = $5");
            (unseen, "does not point here")
        };
        tx.execute(update, &params![self.id, check.token.as_str(), now, why, check.host.as_str()]).await?;
        self.audit(&mut tx, now, Act::Changed, "link_domain", self.id.0, detail).await?;
        Ok(tx.commit().await?)
    }
}
