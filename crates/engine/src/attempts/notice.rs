//! Single messages: an answer to STOP or HELP, a test send. The same permit, the same row before the wire.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::facts::{Facts, MessageFacts, NumberFacts};
use clarion_domain::compliance::hold::{Hold, HoldReason};
use clarion_domain::compliance::suppression::Suppression;
use clarion_domain::compliance::{Decision, NoticeGround, decide_notice};
use clarion_domain::contacts::address::{self, Address};
use clarion_domain::contacts::region::Region;
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::attempts::{NoticeKind, NoticeRow, NoticeState, settle_notice};
use clarion_store::compliance::rule_book;
use clarion_store::db::Tx;

use crate::attempts::{Flight, Sender, Target};
use crate::carriers::WirePart;

const NOTICES_MAX: i64 = 50;

/// A notice that goes to the wire after the commit.
pub(super) struct ClaimedNotice {
    pub flight: Box<Flight>,
    pub parts: Vec<WirePart>,
}

pub(super) async fn claim_notices(sender: &mut Sender, tx: &mut Tx, now: Instant, now_micros: u64) -> Result<Vec<ClaimedNotice>, StoreError> {
    let mut claimed = Vec::new();
    for notice in clarion_store::attempts::claim_notices(tx, &sender.store, Channel::Sms, now, NOTICES_MAX).await? {
        let id = notice.id;
        match make_ready(sender, tx, notice, now, now_micros).await? {
            Ok(ready) => claimed.push(ready),
            Err((state, cause)) => settle_notice(tx, id, state, cause, now).await?,
        }
    }
    Ok(claimed)
}

/// The notice with its permit and its trunk; otherwise how it ends, or `Waiting` when no trunk has room.
async fn make_ready(sender: &mut Sender, tx: &mut Tx, notice: NoticeRow, now: Instant, now_micros: u64) -> Result<Result<ClaimedNotice, (NoticeState, &'static str)>, StoreError> {
    let tenant = sender.tenant(notice.tenant).await?;
    let record = tenant.record().await?;
    let number = notice.number.reveal();
    let region = record.default_region.parse().unwrap_or(Region::GB);
    let Ok(address) = address::normalise(number, region, record.number_mode) else { return Ok(Err((NoticeState::Refused, "number"))) };
    let (suppressions, holds) = tenant.standing_of(tx, tenant.number_index(number)).await?;
    let ground = match notice.kind {
        NoticeKind::TestSend | NoticeKind::TestCall => NoticeGround::TestSend,
        NoticeKind::StopConfirmation | NoticeKind::Help => NoticeGround::Answer { asked_at: notice.created_at },
    };
    let facts = notice_facts(Channel::Sms, &address, record.number_mode, &suppressions, &holds);
    let permit = match decide_notice(rule_book().pack(facts.number.region, now), ground, &facts, now) {
        Decision::Permit(permit) => permit,
        Decision::Defer(_) | Decision::Refuse(_) => return Ok(Err((NoticeState::Refused, "rules"))),
    };
    let trunks = match notice.trunk {
        Some(trunk) => vec![trunk],
        None => sender.carriers.candidates(notice.tenant, number, &notice.sender, None),
    };
    if trunks.is_empty() {
        return Ok(Err((NoticeState::Failed, "no_route")));
    }
    let chosen = trunks.into_iter().find(|trunk| sender.carriers.get_mut(*trunk).is_some_and(|trunk| trunk.budget(now_micros) > 0));
    let Some(trunk) = chosen.and_then(|trunk| sender.carriers.get_mut(trunk)) else { return Ok(Err((NoticeState::Waiting, ""))) };
    let Ok(prepared) = trunk.prepare(number, &notice.sender, notice.body.reveal(), notice.id as u64) else { return Ok(Err((NoticeState::Failed, "too_long"))) };
    trunk.spend(prepared.segments, prepared.parts.len());
    let parts = prepared.parts.len().min(255) as u8;
    let target = Target::Notice { id: notice.id };
    let flight = Flight::new(notice.tenant, trunk.id(), target, tenant.number_index(number), prepared.segments, 0, now, permit.valid_until(), parts);
    Ok(Ok(ClaimedNotice { flight, parts: prepared.parts }))
}

/// What a decision about a message or a call outside any campaign looks at.
pub(crate) fn notice_facts<'a>(channel: Channel, address: &'a Address, mode: clarion_domain::tenancy::tenant::NumberMode, suppressions: &'a [Suppression], holds: &'a [Hold]) -> Facts<'a> {
    Facts {
        channel,
        purpose: None,
        basis: None,
        assessment_recorded: false,
        number: NumberFacts { is_test_range: mode == clarion_domain::tenancy::tenant::NumberMode::Demo, mode, line_type: address.line_type, region: Some(address.region.as_str()) },
        zones: &[],
        suppressions,
        holds,
        is_restricted: holds.iter().any(|hold| hold.reason == HoldReason::Restricted),
        consents: &[],
        soft_opt_in: None,
        touches: &[],
        wishes: None,
        message: MessageFacts::default(),
        campaign_hours: None,
    }
}
