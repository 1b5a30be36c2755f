//! Acts that wait for a second person. What was asked is frozen; what it is about must still be the same when it is approved, and then the
//! act and the approval are one transaction.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ApprovalId, UserId};
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::tenancy::four_eyes::{APPROVAL_WAITS_MS, ApprovalState, AskedAct, GuardedAct};
use clarion_domain::tenancy::role::Right;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;

use super::guarded::{Subject, Version};
use crate::db::{DbError, Params, Row, Tx, sql};
use crate::params;
use crate::privacy::{Find, SWEEP_BATCH, SweepCount, Target};
use crate::store::{FieldFault, Page, StoreError, Tenant};

/// Requests of a tenant that wait.
const WAITING_MAX: i64 = 200;
const CHANGED: &str = "what it is about has changed since it was asked";
pub const WHY_LENGTH_CHARS_MAX: usize = 200;

/// Whether an act was done, or waits for a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    Done,
    Waits(ApprovalId),
}

/// A request as stored.
#[derive(Debug, Clone)]
pub struct Approval {
    pub id: ApprovalId,
    pub asked: AskedAct,
    /// What was shown of it when it was asked.
    pub shown: String,
    /// People.
    pub size: i64,
    pub state: ApprovalState,
    pub asked_by: String,
    /// The person behind a key too; `None` is the operator.
    pub asked_user: Option<UserId>,
    pub asked_at: Instant,
    pub expires_at: Instant,
    /// Empty while it waits.
    pub decided_by: String,
    pub decided_at: Option<Instant>,
    pub why: String,
    version: Vec<u8>,
}

impl Approval {
    #[must_use]
    pub fn act(&self) -> GuardedAct {
        self.asked.act()
    }
}

/// Which requests to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApprovalQuery {
    pub state: Option<ApprovalState>,
    pub before: Option<i64>,
    pub limit: i64,
}

/// Who acts, whichever way they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    User(UserId),
    Operator,
    /// A key that acts for nobody in particular.
    Nobody,
}

fn read(mut row: Row) -> Result<Approval, StoreError> {
    Ok(Approval {
        id: row.take(0)?,
        asked: row.json(1)?,
        shown: row.take(2)?,
        size: row.take(3)?,
        state: row.word(4)?,
        asked_by: row.take(5)?,
        asked_user: row.take(6)?,
        asked_at: row.take(7)?,
        expires_at: row.take(8)?,
        decided_by: row.take(9)?,
        decided_at: row.take(10)?,
        why: row.take(11)?,
        version: row.take(12)?,
    })
}

impl Tenant {
    async fn person(&self) -> Result<Person, StoreError> {
        Ok(match self.actor {
            Actor::User(user) => Person::User(user),
            Actor::Operator => Person::Operator,
            Actor::ApiKey(key) => self.api_key(key).await?.user.map_or(Person::Nobody, Person::User),
            _ => Person::Nobody,
        })
    }

    /// Does an act, or has it wait where it needs a second person.
    pub(crate) async fn carry(&self, asked: AskedAct, now: Instant) -> Result<Carried, StoreError> {
        self.carry_counted(asked, None, now).await
    }

    /// The same when its people were counted a moment ago.
    pub(crate) async fn carry_counted(&self, asked: AskedAct, mut people: Option<i64>, now: Instant) -> Result<Carried, StoreError> {
        let policy = self.record().await?.four_eyes;
        if policy.needs(asked.act(), i64::MAX) {
            let subject = self.subject(&asked, people, now).await?;
            people = Some(subject.size);
            if policy.needs(asked.act(), subject.size) {
                match (self.actor, &asked) {
                    // A campaign's own start at its time was approved when it was scheduled.
                    (Actor::System, AskedAct::StartCampaign { campaign, .. }) => {
                        if !self.was_approved(*campaign, &subject).await? {
                            let message = format!("it needs a second person: it was not approved as it stands now, for {} people; schedule it again", subject.size);
                            return Err(StoreError::Faults(vec![FieldFault { field: "schedule", message }]));
                        }
                    }
                    _ => return self.ask(asked, &subject, now).await.map(Carried::Waits),
                }
            }
        }
        let ready = self.ready(&asked, people, now).await?;
        let mut tx = self.db().begin().await?;
        self.run_in(&mut tx, &ready, "", now).await?;
        tx.commit().await?;
        self.ran(&asked);
        Ok(Carried::Done)
    }

    /// Writes the request; the same one that waits already is not written twice.
    async fn ask(&self, asked: AskedAct, subject: &Subject, now: Instant) -> Result<ApprovalId, StoreError> {
        let user = match self.person().await? {
            Person::User(user) => Some(user),
            Person::Operator => None,
            // Whoever holds it could approve it as themselves.
            Person::Nobody => return Err(StoreError::Forbidden("this needs a second person, and this key acts for nobody in particular: use a key that a user has made".into())),
        };
        let terms = serde_json::to_string(&asked).map_err(|error| DbError::Failed(error.to_string()))?;
        // Tried and taken back: what could not be done is said to whoever asks, not to whoever approves.
        let ready = self.ready(&asked, Some(subject.size), now).await?;
        let mut trial = self.db().begin().await?;
        self.run_in(&mut trial, &ready, "", now).await?;
        drop(trial);
        let mut tx = self.db().begin().await?;
        let same = sql!("SELECT id FROM approval WHERE tenant_id = $1 AND state = 'waiting' AND expires_at > $2 AND terms = $3 AND version = $4 AND size = $5 ORDER BY id LIMIT 1");
        if let Some(mut row) = tx.query_first(same, &params![self.id, now, terms.as_str(), subject.version.0.clone(), subject.size]).await? {
            return Ok(row.take(0)?);
        }
        let count = sql!("SELECT COUNT(*) FROM approval WHERE tenant_id = $1 AND state = 'waiting' AND expires_at > $2");
        let waiting: i64 = tx.query_first(count, &params![self.id, now]).await?.map_or(Ok(0), |mut row| row.take(0))?;
        if waiting >= WAITING_MAX {
            return Err(StoreError::Conflict(format!("{WAITING_MAX} requests wait for a second person already: have some decided or withdrawn first")));
        }
        let id = ApprovalId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO approval (id, tenant_id, act, object_id, terms, shown, size, version, state, asked_by, asked_user, asked_at, expires_at, decided_by, decided_at, why)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, $11, $12, '', NULL, '')"
        );
        let act = asked.act().as_str();
        let values = params![
            id,
            self.id,
            act,
            asked.object_id(),
            terms,
            subject.shown.as_str(),
            subject.size,
            subject.version.0.clone(),
            self.actor.to_string(),
            user,
            now,
            now.plus_ms(APPROVAL_WAITS_MS)
        ];
        tx.execute(insert, &values).await?;
        self.audit(&mut tx, now, Act::Asked, "approval", id.0, act).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The newest first. One whose time is over stands as expired.
    pub async fn approvals(&self, query: ApprovalQuery, now: Instant) -> Result<Page<Approval>, StoreError> {
        let select = sql!(
            "SELECT id, terms, shown, size, CASE WHEN state = 'waiting' AND expires_at <= $2 THEN 'expired' ELSE state END, asked_by, asked_user, asked_at, expires_at, decided_by, decided_at, why, version
             FROM approval WHERE tenant_id = $1 AND id < $3 AND ($4 = '' OR CASE WHEN state = 'waiting' AND expires_at <= $2 THEN 'expired' ELSE state END = $4)
             ORDER BY id DESC LIMIT $5"
        );
        let values = params![self.id, now, query.before.unwrap_or(i64::MAX), query.state.map_or("", ApprovalState::as_str), query.limit + 1];
        let rows = self.db().query(select, &values).await?.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, query.limit, |row: &Approval| row.id.0))
    }

    pub async fn approval(&self, id: ApprovalId, now: Instant) -> Result<Approval, StoreError> {
        let select = sql!(
            "SELECT id, terms, shown, size, CASE WHEN state = 'waiting' AND expires_at <= $3 THEN 'expired' ELSE state END, asked_by, asked_user, asked_at, expires_at, decided_by, decided_at, why, version
             FROM approval WHERE tenant_id = $1 AND id = $2"
        );
        read(self.db().query_first(select, &params![self.id, id, now]).await?.ok_or(StoreError::NotFound("request"))?)
    }

    /// What waits for this user to decide: asked by somebody else, and with a right that they have.
    pub async fn approvals_for(&self, user: UserId, now: Instant) -> Result<Vec<Approval>, StoreError> {
        let role = self.user(user).await?.role;
        let waiting = self.approvals(ApprovalQuery { state: Some(ApprovalState::Waiting), before: None, limit: WAITING_MAX }, now).await?;
        Ok(waiting.rows.into_iter().filter(|row| row.asked_user != Some(user) && role.may(row.act().right())).collect())
    }

    /// Why whoever asked may do it no more.
    async fn asker_is_gone(&self, approval: &Approval) -> Result<Option<String>, StoreError> {
        let Some(user) = approval.asked_user else { return Ok(None) };
        let user = self.user(user).await?;
        let is_gone = user.deactivated_at.is_some() || !user.role.may(approval.act().right());
        Ok(is_gone.then(|| "whoever asked may no longer do it".into()))
    }

    /// Whether the object itself has changed since it was asked: then it can no longer be approved. Its people are compared when somebody approves it:
    /// there may be very many.
    pub async fn approval_has_changed(&self, approval: &Approval, now: Instant) -> Result<Option<String>, StoreError> {
        if let Some(why) = self.asker_is_gone(approval).await? {
            return Ok(Some(why));
        }
        match self.object(&approval.asked, now).await {
            Ok(object) if Version(approval.version.clone()).is_of(&object) => Ok(None),
            Ok(_) => Ok(Some(CHANGED.into())),
            Err(error) => why_not(error).map(Some),
        }
    }

    /// The same with its people.
    async fn approval_has_changed_at_all(&self, approval: &Approval, now: Instant) -> Result<Option<String>, StoreError> {
        if let Some(why) = self.asker_is_gone(approval).await? {
            return Ok(Some(why));
        }
        match self.subject(&approval.asked, None, now).await {
            Ok(subject) if subject.size == approval.size && subject.version == Version(approval.version.clone()) => Ok(None),
            Ok(subject) if subject.shown != approval.shown => Ok(Some(format!("it has changed since: {}", subject.shown))),
            Ok(_) => Ok(Some(CHANGED.into())),
            Err(error) => why_not(error).map(Some),
        }
    }

    /// A request that waits, and that this actor may decide.
    async fn decidable(&self, id: ApprovalId, now: Instant) -> Result<Approval, StoreError> {
        let approval = self.approval(id, now).await?;
        let right = approval.act().right();
        let (me, asker) = (self.person().await?, approval.asked_user.map_or(Person::Operator, Person::User));
        if me == asker {
            return Err(StoreError::Forbidden("you asked for this yourself: somebody else decides it".into()));
        }
        if me == Person::Nobody {
            return Err(StoreError::Forbidden("this key acts for nobody in particular, so that it is no second person: use a key that a user has made".into()));
        }
        if !self.actor_may(right).await? {
            return Err(StoreError::Forbidden(format!("whoever decides this needs the right {right}")));
        }
        still_waiting(&approval)?;
        Ok(approval)
    }

    async fn actor_may(&self, right: Right) -> Result<bool, StoreError> {
        Ok(match self.actor {
            Actor::User(user) => self.user(user).await?.role.may(right),
            Actor::ApiKey(key) => self.api_key(key).await?.may(right),
            actor => actor == Actor::Operator,
        })
    }

    /// Says yes: what was asked is done, once, in the asker's name. When it has changed meanwhile it is withdrawn instead.
    pub async fn approve(&self, id: ApprovalId, now: Instant) -> Result<Approval, StoreError> {
        let approval = self.decidable(id, now).await?;
        if let Some(why) = self.approval_has_changed_at_all(&approval, now).await? {
            self.settle(&approval, ApprovalState::Withdrawn, &why, now).await?;
            return Err(StoreError::Conflict(format!("this request is withdrawn: {why}. Ask for it anew")));
        }
        let asker: Actor = approval.asked_by.parse().map_err(|_| DbError::Failed("an approval's asker does not read".into()))?;
        let asker = Tenant { actor: asker, ..self.clone() };
        let ready = asker.ready(&approval.asked, Some(approval.size), now).await?;
        let mut tx = self.db().begin().await?;
        self.settle_in(&mut tx, &approval, ApprovalState::Approved, "", now).await?;
        asker.run_in(&mut tx, &ready, &format!("approved by {}, {id}", self.actor), now).await?;
        tx.commit().await?;
        self.ran(&approval.asked);
        self.approval(id, now).await
    }

    /// Says no.
    pub async fn refuse_approval(&self, id: ApprovalId, why: &str, now: Instant) -> Result<Approval, StoreError> {
        let why = why.trim();
        if why.chars().count() > WHY_LENGTH_CHARS_MAX || why.chars().any(char::is_control) {
            return Err(StoreError::Faults(vec![FieldFault { field: "why", message: format!("write the reason in at most {WHY_LENGTH_CHARS_MAX} characters, on one line") }]));
        }
        let approval = self.decidable(id, now).await?;
        self.settle(&approval, ApprovalState::Refused, why, now).await?;
        self.approval(id, now).await
    }

    /// Whoever asked takes it back.
    pub async fn withdraw_approval(&self, id: ApprovalId, now: Instant) -> Result<Approval, StoreError> {
        let approval = self.approval(id, now).await?;
        let same = match self.person().await? {
            Person::User(user) => approval.asked_user == Some(user),
            Person::Operator => approval.asked_user.is_none(),
            // One that such a key asked for before it could not.
            Person::Nobody => approval.asked_by == self.actor.to_string(),
        };
        if !same {
            return Err(StoreError::Forbidden("only whoever asked can withdraw it: refuse it instead".into()));
        }
        still_waiting(&approval)?;
        self.settle(&approval, ApprovalState::Withdrawn, "", now).await?;
        self.approval(id, now).await
    }

    async fn settle(&self, approval: &Approval, state: ApprovalState, why: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.settle_in(&mut tx, approval, state, why, now).await?;
        Ok(tx.commit().await?)
    }

    /// Of two at once, one is told so.
    async fn settle_in(&self, tx: &mut Tx, approval: &Approval, state: ApprovalState, why: &str, now: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE approval SET state = $3, decided_by = $4, decided_at = $5, why = $6 WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND expires_at > $5");
        if tx.execute(update, &params![self.id, approval.id, state.as_str(), self.actor.to_string(), now, why]).await? == 0 {
            return Err(StoreError::Conflict("this request was decided at the same moment: look at it again".into()));
        }
        let act = match state {
            ApprovalState::Approved => Act::Approved,
            ApprovalState::Refused => Act::Refused,
            ApprovalState::Waiting | ApprovalState::Withdrawn | ApprovalState::Expired => Act::Withdrawn,
        };
        self.audit(tx, now, act, "approval", approval.id.0, &format!("{}, asked by {}", approval.act(), approval.asked_by)).await
    }

    /// Requests whose audit events are due too.
    pub(crate) async fn sweep_approvals(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM approval WHERE tenant_id = $1 AND id > $2 AND expires_at < $3 ORDER BY id LIMIT $4");
        let target = Target { class: RecordClass::AuditEvent, source: "approval" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM approval WHERE id = $1")], now).await
    }
}

/// What keeps a request from being what it was, in words; other failures stay failures.
fn why_not(error: StoreError) -> Result<String, StoreError> {
    match error {
        StoreError::NotFound(what) => Ok(format!("the {what} is gone")),
        StoreError::Conflict(_) | StoreError::Invalid(_) | StoreError::Faults(_) => Ok(error.to_string()),
        error => Err(error),
    }
}

fn still_waiting(approval: &Approval) -> Result<(), StoreError> {
    match approval.state {
        ApprovalState::Waiting => Ok(()),
        state => Err(StoreError::Conflict(format!("this request is {state} already"))),
    }
}
