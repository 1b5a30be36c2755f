//! The name under which a tenant's short links stand. It counts once it was seen to point here: this server asked for a token under that
//! name, and got the one that it serves itself.

use clarion_domain::audit::event::Act;
use clarion_domain::id::TenantId;
use clarion_domain::links::code::SAMPLE_CODE;
use clarion_domain::links::host::{self, HostFault};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::seal::{hex, random_bytes};
use crate::signal::Signal;
use crate::store::{FieldFault, Store, StoreError, Tenant};

/// Where a name's tokens are served, a line each.
pub const TOKEN_PATH: &str = "/.well-known/clarion-links";
pub const EXPIRES_DAYS_MAX: u32 = 400;
const EXPIRES_DAYS_DEFAULT: u32 = 30;
const TOKEN_BYTES: usize = 20;

/// A tenant's name for links, as its users see it.
#[derive(Debug, Clone)]
pub struct LinkDomain {
    /// `go.example.com`, with a port where it has one.
    pub host: String,
    /// `https` or `http`, whichever answered; empty until it was seen to point here.
    pub scheme: String,
    /// Whether links are made short.
    pub enabled: bool,
    pub expires_days: u32,
    /// A look is asked for.
    pub check_due: bool,
    pub checked_at: Option<Instant>,
    /// What the last look found wrong, in words; empty when nothing.
    pub last_error: String,
    pub created_by: String,
    pub created_at: Instant,
}

impl LinkDomain {
    /// It was seen to point here.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// Links in messages become short ones.
    #[must_use]
    pub fn shortens(&self) -> bool {
        self.enabled && self.is_verified()
    }

    /// A link as it stands in a message.
    #[must_use]
    pub fn link(&self, code: &str) -> String {
        format!("{}://{}/{code}", self.scheme, self.host)
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

fn read(mut row: Row) -> Result<LinkDomain, StoreError> {
    Ok(LinkDomain {
        host: row.take(0)?,
        scheme: row.take(1)?,
        enabled: row.take(2)?,
        expires_days: u32::try_from(row.take::<i64>(3)?).unwrap_or(EXPIRES_DAYS_DEFAULT),
        check_due: row.take(4)?,
        checked_at: row.take(5)?,
        last_error: row.take(6)?,
        created_by: row.take(7)?,
        created_at: row.take(8)?,
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
    pub async fn due_link_checks(&self, limit: i64) -> Result<Vec<DueLinkCheck>, StoreError> {
        let rows = self.db().query(sql!("SELECT tenant_id, host, token FROM link_domain WHERE check_due = 1 ORDER BY tenant_id LIMIT $1"), &params![limit]).await?;
        rows.into_iter().map(|mut row| Ok(DueLinkCheck { tenant: row.take(0)?, host: row.take(1)?, token: row.take(2)? })).collect()
    }
}

impl Tenant {
    pub async fn link_domain(&self) -> Result<Option<LinkDomain>, StoreError> {
        let select = sql!("SELECT host, scheme, enabled, expires_days, check_due, checked_at, last_error, created_by, created_at FROM link_domain WHERE tenant_id = $1");
        self.db().query_first(select, &params![self.id]).await?.map(read).transpose()
    }

    /// What stands in a preview for each link that will be short; `None` while links are sent whole.
    pub async fn link_sample(&self) -> Result<Option<String>, StoreError> {
        Ok(self.link_domain().await?.filter(LinkDomain::shortens).map(|domain| domain.sample()))
    }

    /// Names the host; it is looked at at once. `portal` is the name by which this was asked for: it cannot be the one.
    pub async fn set_link_host(&self, host: &str, portal: Option<&str>, now: Instant) -> Result<(), StoreError> {
        let host = host::parse(host, |address| self.store.webhook_networks().names(address)).map_err(wrong_host)?;
        if portal.and_then(host::named).is_some_and(|portal| portal == host) {
            return Err(wrong_host(HostFault::IsThePortal));
        }
        if self.link_domain().await?.is_some_and(|held| held.host == host) {
            return self.check_link_host(now).await;
        }
        let mut tx = self.db().begin().await?;
        // The token is served under the name itself: it is no secret, and only has to be this one.
        let upsert = sql!(
            "INSERT INTO link_domain (tenant_id, host, verified_host, scheme, token, enabled, expires_days, check_due, checked_at, last_error, created_by, created_at)
             VALUES ($1, $2, NULL, '', $3, 0, $4, 1, NULL, '', $5, $6)
             ON CONFLICT (tenant_id) DO UPDATE SET host = excluded.host, verified_host = NULL, scheme = '', token = excluded.token, enabled = 0, check_due = 1, checked_at = NULL,
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
        self.change_links(sql!("UPDATE link_domain SET check_due = 1 WHERE tenant_id = $1"), params![self.id], "check", now).await?;
        self.store.signals().raise(Signal::Links);
        Ok(())
    }

    /// Whether links in messages become short ones. What was sent goes on leading somewhere until it expires.
    pub async fn enable_links(&self, on: bool, now: Instant) -> Result<(), StoreError> {
        if on && !self.link_domain().await?.ok_or(StoreError::NotFound("link domain"))?.is_verified() {
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

    /// What a look found: the scheme that answered with the token, or what was wrong. A name that points here no more is off.
    pub async fn record_link_check(&self, check: &DueLinkCheck, found: Result<&str, &str>, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let good = sql!(
            "UPDATE link_domain SET verified_host = host, scheme = $3, check_due = 0, checked_at = $4, last_error = '' WHERE tenant_id = $1 AND token = $2"
        );
        let bad = sql!(
            "UPDATE link_domain SET verified_host = NULL, scheme = '', enabled = 0, check_due = 0, checked_at = $4, last_error = $3 WHERE tenant_id = $1 AND token = $2"
        );
        let touched = match found {
            Ok(scheme) => tx.execute(good, &params![self.id, check.token.as_str(), scheme, now]).await,
            Err(why) => tx.execute(bad, &params![self.id, check.token.as_str(), why, now]).await,
        };
        match touched {
            // Named anew meanwhile.
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(DbError::Unique) => {
                drop(tx);
                let mut tx = self.db().begin().await?;
                let why = "another tenant of this installation has this name: use one of your own";
                tx.execute(bad, &params![self.id, check.token.as_str(), why, now]).await?;
                return Ok(tx.commit().await?);
            }
            Err(error) => return Err(error.into()),
        }
        self.audit(&mut tx, now, Act::Changed, "link_domain", self.id.0, if found.is_ok() { "points here" } else { "does not point here" }).await?;
        Ok(tx.commit().await?)
    }
}
