//! What a tenant says of itself, and with what its campaigns begin.

use clarion_domain::audit::event::Act;
use clarion_domain::carriers::sender::SenderKind;
use clarion_domain::contacts::region::Region;
use clarion_domain::time::Instant;

use crate::db::sql;
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

const NAME_CHARS_MAX: usize = 100;
const DETAILS_CHARS_MAX: usize = 500;
/// Three parts of a long message.
const HELP_CHARS_MAX: usize = 459;

/// The settings of a tenant that its owners may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSettings {
    /// As people read it.
    pub name: String,
    /// IANA name of the zone in which its users read times.
    pub zone: String,
    /// ISO country by which numbers without a country code are read.
    pub default_region: String,
    /// How people reach the organisation; may be empty.
    pub contact_details: String,
    /// What a person who replies HELP reads.
    pub help_text: String,
    /// With which a new campaign of messages begins; empty for none.
    pub default_sender: String,
    /// With which a new campaign of calls begins; empty for none.
    pub default_caller: String,
}

impl Tenant {
    pub async fn settings(&self) -> Result<TenantSettings, StoreError> {
        let held = self.record().await?;
        Ok(TenantSettings {
            name: held.name,
            zone: held.zone,
            default_region: held.default_region,
            contact_details: held.contact_details,
            help_text: held.help_text,
            default_sender: held.default_sender,
            default_caller: held.default_caller,
        })
    }

    async fn setting_faults(&self, new: &TenantSettings) -> Result<Vec<FieldFault>, StoreError> {
        let mut faults = Vec::new();
        let mut fault = |field, message: String| faults.push(FieldFault { field, message });
        let too_long = |text: &str, max: usize| text.chars().nth(max).is_some();
        let odd = |text: &str, lines: bool| text.chars().any(|letter| letter.is_control() && !(lines && letter == '\n'));
        if new.name.trim().is_empty() || too_long(new.name.trim(), NAME_CHARS_MAX) || odd(&new.name, false) {
            fault("name", format!("give the name that people know you by, in 1 to {NAME_CHARS_MAX} characters"));
        }
        if jiff::tz::TimeZone::get(&new.zone).is_err() {
            fault("zone", "there is no such time zone: write it as Europe/London".into());
        }
        if new.default_region.parse::<Region>().is_err() {
            fault("default_region", "there is no such country: write two letters, such as GB".into());
        }
        if too_long(&new.contact_details, DETAILS_CHARS_MAX) || odd(&new.contact_details, true) {
            fault("contact_details", format!("write at most {DETAILS_CHARS_MAX} characters"));
        }
        if new.help_text.trim().is_empty() || too_long(&new.help_text, HELP_CHARS_MAX) || odd(&new.help_text, true) {
            fault("help_text", format!("say who you are and how you are reached, in 1 to {HELP_CHARS_MAX} characters"));
        }
        let senders = self.senders().await?;
        if !new.default_sender.is_empty() && !senders.iter().any(|sender| sender.value == new.default_sender) {
            fault("default_sender", "this is none of your senders: choose one of them, or none".into());
        }
        if !new.default_caller.is_empty() && !senders.iter().any(|sender| sender.value == new.default_caller && sender.kind == SenderKind::Number) {
            fault("default_caller", "this is none of your numbers: choose one of them, or none".into());
        }
        Ok(faults)
    }

    pub async fn change_settings(&self, new: &TenantSettings, now: Instant) -> Result<(), StoreError> {
        let faults = self.setting_faults(new).await?;
        if !faults.is_empty() {
            return Err(StoreError::Faults(faults));
        }
        let held = self.settings().await?;
        let of = |name, before: &str, after: &str| (before != after).then_some(name);
        let changed = [
            of("name", &held.name, &new.name),
            of("zone", &held.zone, &new.zone),
            of("default_region", &held.default_region, &new.default_region),
            of("contact_details", &held.contact_details, &new.contact_details),
            of("help_text", &held.help_text, &new.help_text),
            of("default_sender", &held.default_sender, &new.default_sender),
            of("default_caller", &held.default_caller, &new.default_caller),
        ];
        let changed: Vec<&str> = changed.into_iter().flatten().collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        let update = sql!(
            "UPDATE tenant SET name = $2, zone = $3, default_region = $4, contact_details = $5, help_text = $6, default_sender = $7, default_caller = $8 WHERE id = $1"
        );
        let values = params![
            self.id, new.name.trim(), new.zone.as_str(), new.default_region.as_str(), new.contact_details.trim(), new.help_text.trim(), new.default_sender.as_str(), new.default_caller.as_str()
        ];
        tx.execute(update, &values).await?;
        self.audit(&mut tx, now, Act::Changed, "tenant", self.id.0, &changed.join(", ")).await?;
        Ok(tx.commit().await?)
    }
}
