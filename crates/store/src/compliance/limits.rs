//! A tenant's own limits beyond the rules, written in TOML. They are added to the rules, so they can only narrow.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::purpose::Purpose;
use clarion_domain::compliance::tenant_limits::{TenantCap, TenantLimits};
use clarion_domain::tenancy::four_eyes::AskedAct;
use clarion_domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::compliance::Week;
use crate::compliance::terms::rule_book;
use crate::db::{Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::tenancy::Carried;
use crate::store::{StoreError, Tenant};

/// Characters of the text.
const LENGTH_BYTES_MAX: usize = 10_000;

/// Limits as a tenant writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// In the person's own zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Week>,
    #[serde(default, rename = "cap")]
    pub caps: Vec<LimitCap>,
}

/// At most `count_max` attempts to a person in any `period_hours`, of every campaign, or of those with one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitCap {
    pub count_max: u16,
    pub period_hours: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
}

fn parse(text: &str) -> Result<Limits, StoreError> {
    let line = |error: &toml::de::Error| error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    toml::from_str(text).map_err(|error| StoreError::Invalid(format!("the limits do not read: line {}: {}", line(&error), error.message())))
}

/// Reads limits as a tenant writes them: `[hours]` with spans a day, and any number of `[[cap]]`.
pub fn read_limits(text: &str) -> Result<TenantLimits, StoreError> {
    let invalid = |why: String| StoreError::Invalid(format!("the limits do not read: {why}"));
    if text.len() > LENGTH_BYTES_MAX {
        return Err(invalid(format!("they are longer than {LENGTH_BYTES_MAX} bytes")));
    }
    let written = parse(text)?;
    let hours = written.hours.map(|week| week.hours()).transpose().map_err(|error| invalid(error.to_string()))?.flatten();
    let caps = written.caps.into_iter().map(|cap| TenantCap { count_max: cap.count_max, period_hours: cap.period_hours, purpose: cap.purpose });
    let limits = TenantLimits { hours, caps: caps.collect() };
    for pack in rule_book().packs() {
        pack.narrowed_by(&limits).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(limits)
}

impl Tenant {
    /// Replaces the limits; an empty text leaves the rules alone. Running campaigns take them at their next decision. Narrower ones never
    /// wait for a second person.
    pub async fn set_limits(&self, text: &str, now: Instant) -> Result<Carried, StoreError> {
        let (old, new) = (self.record().await?.limits, read_limits(text)?);
        if read_limits(&old)?.is_looser(&new) {
            return self.carry(AskedAct::RaiseLimits { limits: text.to_owned() }, now).await;
        }
        let mut tx = self.db().begin().await?;
        self.set_limits_in(&mut tx, &old, text, "", now).await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Campaigns);
        Ok(Carried::Done)
    }

    /// In the place of those that were read.
    pub(crate) async fn set_limits_in(&self, tx: &mut Tx, old: &str, text: &str, why: &str, now: Instant) -> Result<(), StoreError> {
        let limits = read_limits(text)?;
        if tx.execute(sql!("UPDATE tenant SET limits = $2 WHERE id = $1 AND limits = $3"), &params![self.id, text, old]).await? == 0 {
            return Err(StoreError::Conflict("somebody else changed the limits at the same moment: look at them again".into()));
        }
        let what = format!("limits: {}, {} caps", if limits.hours.is_some() { "own hours" } else { "no own hours" }, limits.caps.len());
        let what = if why.is_empty() { what } else { format!("{what}; {why}") };
        self.audit(tx, now, Act::Changed, "tenant", self.id.0, &what).await
    }

    /// The same from their parts.
    pub async fn replace_limits(&self, limits: &Limits, now: Instant) -> Result<Carried, StoreError> {
        let text = toml::to_string(limits).map_err(|error| StoreError::Invalid(format!("the limits cannot be written: {error}")))?;
        self.set_limits(&text, now).await
    }

    /// The limits as they were written.
    pub async fn written_limits(&self) -> Result<Limits, StoreError> {
        parse(&self.record().await?.limits)
    }

    /// The limits as they stand.
    pub async fn limits(&self) -> Result<TenantLimits, StoreError> {
        read_limits(&self.record().await?.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hours_and_caps_and_says_what_is_wrong() {
        let limits = read_limits("[hours]\nmonday = \"09:00-17:00\"\n[[cap]]\ncount_max = 2\nperiod_hours = 24\npurpose = \"collections\"\n").expect("reads");
        assert_eq!((limits.hours.is_some(), limits.caps.len()), (true, 1));
        assert_eq!(read_limits("").expect("nothing is fine"), TenantLimits::default());
        for (text, why) in [
            ("[hours]\nmonday = \"17:00-09:00\"", "span of hours"),
            ("[hours]\nmoonday = \"09:00-17:00\"", "moonday"),
            ("[[cap]]\ncount_max = 0\nperiod_hours = 24", "at least 1"),
            ("[[cap]]\ncount_max = 1", "period_hours"),
            ("\ncap = 3", "line 2"),
        ] {
            let error = read_limits(text).expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
