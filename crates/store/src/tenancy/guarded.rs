//! What the acts that can wait for a second person are about: how large, what is shown of it, and whether it is still the same.

use clarion_domain::audit::event::Act;
use clarion_domain::compliance::tenant_limits::TenantLimits;
use clarion_domain::contacts::filter::Filter;
use clarion_domain::id::{CampaignId, ImportId, ListId};
use clarion_domain::tenancy::four_eyes::{AskedAct, FourEyes, GuardedAct, PEOPLE_ABOVE_MAX};
use clarion_domain::time::Instant;

use super::tenant::read_four_eyes;
use crate::campaigns::{CampaignDraft, CampaignRecord};
use crate::compliance::read_limits;
use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

const LOOKED_AT: i64 = 4_096;

/// What an act is about, as it is now.
pub(super) struct Subject {
    /// People.
    pub size: i64,
    /// For whoever decides, in words and numbers.
    pub shown: String,
    /// The same as long as nothing has changed.
    pub version: Version,
}

/// An act with what it works on, read before its transaction: while that is open no other connection is waited for.
pub(super) enum Ready {
    EraseList(ListId),
    UndoImport { import: ImportId, people: i64 },
    Start { record: Box<CampaignRecord>, at: Option<Instant> },
    Limits { old: String, new: String },
    FourEyes { old: FourEyes, new: FourEyes },
}

/// Of the object itself, and of the people that it holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Version(pub Vec<u8>);

const HALF: usize = 16;

impl Version {
    fn of(object: &str, people: &[u8]) -> Self {
        let half = |bytes: &[u8]| blake3::hash(bytes).as_bytes()[..HALF].to_vec();
        Self([half(object.as_bytes()), half(people)].concat())
    }

    /// It is this object as it is written now, whoever it holds.
    pub fn is_of(&self, object: &str) -> bool {
        self.is_same_object(&Self::of(object, &[]))
    }

    /// The object is the same, whoever it holds by now.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.0.get(..HALF) == other.0.get(..HALF)
    }
}

fn told_limits(limits: &TenantLimits) -> String {
    let caps: Vec<String> = limits.caps.iter().map(|cap| format!("{} in {} hours{}", cap.count_max, cap.period_hours, cap.purpose.map(|purpose| format!(" ({purpose})")).unwrap_or_default())).collect();
    let caps = if caps.is_empty() { "no caps".to_owned() } else { format!("at most {}", caps.join(", ")) };
    format!("{}, {caps}", if limits.hours.is_some() { "own hours" } else { "no own hours" })
}

fn told_four_eyes(policy: &FourEyes) -> String {
    let above = |what: &str, limit: Option<u32>| limit.map(|limit| format!("{what} above {limit} people"));
    let parts = [above("erasing a list or taking an import back", policy.erase_list_above), above("starting a campaign", policy.start_campaign_above), policy.raise_limits.then(|| "raising limits".to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

impl Tenant {
    /// What an act is about without whoever it holds, as one text: the people of a large list take long to read.
    pub(super) async fn object(&self, asked: &AskedAct, now: Instant) -> Result<String, StoreError> {
        Ok(match asked {
            AskedAct::EraseList { list } => self.list(*list).await?.name,
            AskedAct::UndoImport { import } => self.undoable(*import).await?.0.file_name,
            AskedAct::StartCampaign { campaign, starts_at_ms } => {
                let record = self.startable(*campaign, starts_at_ms.map(Instant), now).await?;
                written_campaign(&record, &self.filter_of(&record).await?)
            }
            AskedAct::RaiseLimits { .. } => self.record().await?.limits,
            AskedAct::LoosenFourEyes { .. } => written(&self.record().await?.four_eyes)?,
        })
    }

    /// `people`: how many they are, where somebody has just counted them.
    pub(super) async fn subject(&self, asked: &AskedAct, people: Option<i64>, now: Instant) -> Result<Subject, StoreError> {
        match asked {
            AskedAct::EraseList { list } => {
                let held = self.list(*list).await?;
                let (size, sum) = self.list_version(*list).await?;
                Ok(Subject { size, shown: format!("Erase the list “{}” with {size} people on it", held.name), version: Version::of(&held.name, format!("{size} {sum}").as_bytes()) })
            }
            AskedAct::UndoImport { import } => {
                let (held, size) = match people {
                    Some(people) => (self.import(*import).await?, people),
                    None => self.undoable(*import).await?,
                };
                let shown = format!("Take the import “{}” back, with {size} people", held.file_name);
                Ok(Subject { size, shown, version: Version::of(&held.file_name, &size.to_le_bytes()) })
            }
            AskedAct::StartCampaign { campaign, starts_at_ms } => {
                let record = self.startable(*campaign, starts_at_ms.map(Instant), now).await?;
                self.campaign_subject(&record, *starts_at_ms).await
            }
            AskedAct::RaiseLimits { limits } => {
                let old = self.record().await?.limits;
                let shown = format!("Change your organisation's own limits from: {} to: {}", told_limits(&read_limits(&old)?), told_limits(&read_limits(limits)?));
                Ok(Subject { size: 0, shown, version: Version::of(&old, &[]) })
            }
            AskedAct::LoosenFourEyes { to } => {
                let old = self.record().await?.four_eyes;
                Ok(Subject { size: 0, shown: format!("Ask for a second person from: {} to: {}", told_four_eyes(&old), told_four_eyes(to)), version: Version::of(&written(&old)?, &[]) })
            }
        }
    }

    async fn campaign_subject(&self, record: &CampaignRecord, starts_at_ms: Option<i64>) -> Result<Subject, StoreError> {
        let filter = self.filter_of(record).await?;
        let (mut size, mut after, mut people) = (0, None, blake3::Hasher::new());
        loop {
            let page = self.audience(record.list_id, &filter, after, LOOKED_AT).await?;
            size += page.rows.len() as i64;
            page.rows.iter().for_each(|member| {
                people.update(&member.contact_id.0.to_le_bytes());
            });
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let when = starts_at_ms.map_or("now".to_owned(), |at| format!("at {}", Instant(at).rfc3339()));
        let steps: Vec<&str> = std::iter::once(record.channel).chain(record.sequence.then.iter().map(|step| step.channel)).map(clarion_domain::campaigns::campaign::Channel::as_str).collect();
        let grows = if record.sequence.evergreen.is_some() { " now, and whoever comes to match," } else { "" };
        let shown = format!("Start the campaign “{}” {when}: {size} people{grows} by {}", record.name, steps.join(", then "));
        // It goes on taking people in: no number of today bounds it.
        let size = if record.sequence.evergreen.is_some() { i64::from(u32::MAX) } else { size };
        Ok(Subject { size, shown, version: Version::of(&written_campaign(record, &filter), people.finalize().as_bytes()) })
    }

    /// Why a campaign with so many people may not go on without a second person: they came to it after it was approved, or started.
    pub(crate) async fn is_beyond_approval(&self, campaign: CampaignId, people: i64) -> Result<Option<String>, StoreError> {
        if !self.record().await?.four_eyes.needs(GuardedAct::StartCampaign, people) {
            return Ok(None);
        }
        let select = sql!("SELECT size FROM approval WHERE tenant_id = $1 AND act = 'start_campaign' AND object_id = $2 AND state = 'approved' ORDER BY id DESC LIMIT 1");
        let approved: i64 = self.db().query_first(select, &params![self.id, campaign]).await?.map_or(Ok(-1), |mut row| row.take(0))?;
        Ok(match approved {
            -1 => Some(format!("it came to {people} people, for which a second person is needed: start a copy of it")),
            approved if people > approved => Some(format!("it came to {people} people and was approved for {approved}: start a copy of it")),
            _ => None,
        })
    }

    /// The campaign's own start at its time: for no more people than were approved for it, and nothing else changed.
    pub(super) async fn was_approved(&self, campaign: CampaignId, subject: &Subject) -> Result<bool, StoreError> {
        let select = sql!("SELECT size, version FROM approval WHERE tenant_id = $1 AND act = 'start_campaign' AND object_id = $2 AND state = 'approved' ORDER BY id DESC LIMIT 1");
        let Some(mut row) = self.db().query_first(select, &params![self.id, campaign]).await? else { return Ok(false) };
        let (size, version): (i64, Vec<u8>) = (row.take(0)?, row.take(1)?);
        Ok(subject.size <= size && subject.version.is_same_object(&Version(version)))
    }

    pub(super) async fn ready(&self, asked: &AskedAct, people: Option<i64>, now: Instant) -> Result<Ready, StoreError> {
        Ok(match asked {
            AskedAct::EraseList { list } => Ready::EraseList(*list),
            AskedAct::UndoImport { import } => {
                let people = match people {
                    Some(people) => people,
                    None => self.undoable(*import).await?.1,
                };
                Ready::UndoImport { import: *import, people }
            }
            AskedAct::StartCampaign { campaign, starts_at_ms } => {
                let at = starts_at_ms.map(Instant);
                Ready::Start { record: Box::new(self.startable(*campaign, at, now).await?), at }
            }
            AskedAct::RaiseLimits { limits } => Ready::Limits { old: self.record().await?.limits, new: limits.clone() },
            AskedAct::LoosenFourEyes { to } => Ready::FourEyes { old: self.record().await?.four_eyes, new: *to },
        })
    }

    /// Does it in this transaction, in this actor's name; `why` stands in the audit beside it.
    pub(super) async fn run_in(&self, tx: &mut Tx, ready: &Ready, why: &str, now: Instant) -> Result<(), StoreError> {
        match ready {
            Ready::EraseList(list) => self.delete_list_in(tx, *list, why, now).await,
            Ready::UndoImport { import, people } => self.undo_import_in(tx, *import, *people, why, now).await,
            Ready::Start { record, at } => {
                match at {
                    Some(at) => self.schedule_in(tx, CampaignRecord::clone(record), *at, why, now).await?,
                    None => self.start_in(tx, record, why, now).await?,
                }
                // The move has locked its row: what stands there now is what starts.
                if CampaignDraft::from(&self.campaign_in(tx, record.id).await?) != CampaignDraft::from(&**record) {
                    return Err(StoreError::Conflict("somebody else changed this campaign at the same moment: look at it again".into()));
                }
                Ok(())
            }
            Ready::Limits { old, new } => self.set_limits_in(tx, old, new, why, now).await,
            Ready::FourEyes { old, new } => self.set_four_eyes_in(tx, old, new, why, now).await,
        }
    }

    /// Wakes whoever works on what was done.
    pub(super) fn ran(&self, asked: &AskedAct) {
        match asked {
            AskedAct::StartCampaign { .. } | AskedAct::RaiseLimits { .. } => self.store.signals().raise(Signal::Campaigns),
            AskedAct::UndoImport { .. } => self.store.signals().raise(Signal::Intake),
            AskedAct::EraseList { .. } | AskedAct::LoosenFourEyes { .. } => {}
        }
    }

    async fn set_four_eyes_in(&self, tx: &mut Tx, old: &FourEyes, new: &FourEyes, why: &str, now: Instant) -> Result<(), StoreError> {
        let select = sql!("SELECT four_eyes FROM tenant WHERE id = $1");
        let held: String = tx.query_first(select, &params![self.id]).await?.ok_or(StoreError::NotFound("tenant"))?.take(0)?;
        let update = sql!("UPDATE tenant SET four_eyes = $2 WHERE id = $1 AND four_eyes = $3");
        if read_four_eyes(&held)? != *old || tx.execute(update, &params![self.id, written(new)?, held]).await? == 0 {
            return Err(StoreError::Conflict("somebody else changed this at the same moment: look at it again".into()));
        }
        let what = format!("four eyes for: {}", told_four_eyes(new));
        self.audit(tx, now, Act::Changed, "tenant", self.id.0, &if why.is_empty() { what } else { format!("{what}; {why}") }).await
    }

    /// Says for which acts a second person is asked. More of them at once; fewer are themselves an act for two.
    pub async fn set_four_eyes(&self, new: FourEyes, now: Instant) -> Result<super::Carried, StoreError> {
        for (field, limit) in [("erase_list_above", new.erase_list_above), ("start_campaign_above", new.start_campaign_above)] {
            if limit.is_some_and(|limit| limit > PEOPLE_ABOVE_MAX) {
                return Err(StoreError::Faults(vec![FieldFault { field, message: format!("at most {PEOPLE_ABOVE_MAX} people; leave it out to never ask") }]));
            }
        }
        let old = self.record().await?.four_eyes;
        if old.is_looser(&new) {
            return self.carry(AskedAct::LoosenFourEyes { to: new }, now).await;
        }
        let mut tx = self.db().begin().await?;
        self.set_four_eyes_in(&mut tx, &old, &new, "", now).await?;
        tx.commit().await?;
        Ok(super::Carried::Done)
    }
}

fn written_campaign(record: &CampaignRecord, filter: &Filter) -> String {
    format!("{:?} {filter:?}", CampaignDraft::from(record))
}

fn written(policy: &FourEyes) -> Result<String, StoreError> {
    Ok(serde_json::to_string(policy).map_err(|error| DbError::Failed(error.to_string()))?)
}
