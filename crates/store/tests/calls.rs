//! Voice campaigns' rows on both databases: targets, prompts, scripts, calls as they stand, marks on numbers, days of abandonment.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::carriers::sip_settings::{SipTransport, VoiceCodec};
use clarion_domain::carriers::transfer_target::{AudioEncryption, SipLine};
use clarion_domain::id::{AttemptId, CampaignId, ContactId, TrunkId};
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_store::attempts::{CallRow, LostEnd, PastCall, calls_by_id, end_lost_calls, revive_calls, write_calls};
use clarion_store::carriers::NewTransferTarget;
use clarion_store::compliance::{CallMark, Week};
use clarion_store::outcomes::{AbandonmentDay, add_abandonment, latch_day};
use clarion_store::{StoreError, Tenant};
use support::{Bench, NOON, for_each_store};

fn target() -> NewTransferTarget {
    NewTransferTarget {
        group: "agents".into(),
        name: "Floor one".into(),
        address: "sip:floor@127.0.0.1:5080".into(),
        line: SipLine { transport: SipTransport::Tls, codecs: vec![VoiceCodec::Pcmu], encryption: AudioEncryption::Required, ..SipLine::default() },
        hours: Week { monday: "09:00-17:00".into(), ..Week::default() },
        capacity: 5,
        priority: 10,
        enabled: true,
    }
}

#[tokio::test]
async fn targets_are_checked_changed_and_told_of() {
    for_each_store("targets", |bench| async move {
        let tenant = bench.tenant("north").await;
        let id = tenant.add_transfer_target(&target(), NOON).await.expect("added");
        assert!(matches!(tenant.add_transfer_target(&target(), NOON).await, Err(StoreError::Conflict(_))), "a name is used once");
        let bad = NewTransferTarget { group: "A group".into(), address: "02079460123".into(), hours: Week::daily("17:00-09:00"), capacity: 0, priority: -1, ..target() };
        let Err(StoreError::Faults(faults)) = tenant.add_transfer_target(&bad, NOON).await else { panic!("refused") };
        assert_eq!(faults.iter().map(|fault| fault.field).collect::<Vec<_>>(), ["group", "address", "hours", "capacity", "priority"]);

        tenant.tell_free_agents(id, Some(3), NOON).await.expect("told");
        tenant.change_transfer_target(id, &NewTransferTarget { capacity: 7, ..target() }, NOON).await.expect("changed");
        let held = tenant.transfer_target(id).await.expect("held");
        assert_eq!((held.target.capacity, held.told), (7, Some((3, NOON))));
        assert_eq!(held.hours().expect("hours").day(0).count(), 1);
        tenant.tell_free_agents(id, None, NOON).await.expect("told");
        assert_eq!(tenant.transfer_target(id).await.expect("held").told, None);

        let other = bench.tenant("south").await;
        assert!(matches!(other.change_transfer_target(id, &target(), NOON).await, Err(StoreError::NotFound(_))), "another tenant's");
        assert!(matches!(other.tell_free_agents(id, Some(1), NOON).await, Err(StoreError::NotFound(_))));
        tenant.delete_transfer_target(id, NOON).await.expect("deleted");
        assert!(tenant.transfer_targets().await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn prompts_scripts_and_rendered_speech_are_kept_by_their_tenant() {
    for_each_store("prompts", |bench| async move {
        let tenant = bench.tenant("north").await;
        let tone: Vec<i16> = (0..8_000).map(|n: i16| n.wrapping_mul(37)).collect();
        let first = tenant.put_prompt("Welcome", &tone, NOON).await.expect("kept");
        let again = tenant.put_prompt("Welcome", &tone[..4_000], NOON).await.expect("replaced");
        assert_eq!(first, again, "a name keeps its prompt");
        assert_eq!(tenant.prompts().await.expect("read")[0].duration_ms, 500);
        assert_eq!(tenant.prompt_audio("Welcome").await.expect("audio"), tone[..4_000]);
        assert!(matches!(tenant.put_prompt("Nothing", &[], NOON).await, Err(StoreError::Faults(_))));
        assert!(matches!(bench.tenant("south").await.prompt_audio("Welcome").await, Err(StoreError::NotFound(_))));

        let hash = [7u8; 32];
        assert_eq!(tenant.rendered_speech(&hash).await.expect("read"), None);
        tenant.keep_speech(&hash, &tone[..160], NOON).await.expect("kept");
        assert_eq!(tenant.rendered_speech(&hash).await.expect("read").as_deref(), Some(&tone[..160]));

        let script = tenant.create_script("Payments", "language = \"en-GB\"", NOON).await.expect("kept");
        assert!(matches!(tenant.create_script("Payments", "", NOON).await, Err(StoreError::Conflict(_))));
        tenant.change_script(script, "Payments", "start = \"hello\"", NOON).await.expect("changed");
        assert_eq!(tenant.script(script).await.expect("read").body, "start = \"hello\"");
        tenant.delete_script(script, NOON).await.expect("deleted");
        assert!(tenant.scripts().await.expect("read").is_empty());
    })
    .await;
}

fn call(bench: &Bench, tenant: &Tenant, id: i64) -> CallRow {
    CallRow {
        attempt: AttemptId(id),
        tenant: tenant.id(),
        campaign: CampaignId(7),
        position: 3,
        contact: ContactId(11),
        node: bench.store.node(),
        trunk: TrunkId(5),
        target: None,
        state: "dialling".into(),
        state_at: NOON,
        step: String::new(),
        dialled_at: NOON,
        ringing_at: None,
        answered_at: None,
        speech_at: None,
        message_at: None,
        information_at: None,
        bridged_at: None,
        ended_at: None,
        ended_by: String::new(),
        verdict: String::new(),
        features: String::new(),
        abandoned: false,
        fell_back: false,
        silent: false,
        agent_silent: false,
    }
}

#[tokio::test]
async fn a_call_is_live_until_it_ends_and_a_crash_ends_it() {
    for_each_store("calls", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (first, second) = (call(&bench, &tenant, 1), call(&bench, &tenant, 2));
        let mut tx = bench.store.db().begin().await.expect("begins");
        write_calls(&mut tx, &[first.clone(), second.clone()]).await.expect("written");
        tx.commit().await.expect("stands");
        assert_eq!(tenant.live_calls(CampaignId(7), 10).await.expect("read"), [first.clone(), second.clone()]);

        let bridged = CallRow { state: "bridged".into(), answered_at: Some(NOON), bridged_at: Some(NOON), ..first.clone() };
        let mut tx = bench.store.db().begin().await.expect("begins");
        write_calls(&mut tx, std::slice::from_ref(&bridged)).await.expect("written");
        assert_eq!(calls_by_id(&mut tx, &[AttemptId(1), AttemptId(2), AttemptId(3)]).await.expect("read"), [bridged.clone(), second.clone()]);
        end_lost_calls(&mut tx, &[LostEnd { attempt: AttemptId(2), abandoned: true, silent: true }], NOON.plus_ms(5)).await.expect("ended");
        tx.commit().await.expect("stands");
        let counts = tenant.live_call_counts(CampaignId(7)).await.expect("read");
        assert_eq!(counts.iter().map(|count| (count.state.as_str(), count.n)).collect::<Vec<_>>(), [("bridged", 1)]);
        let lost = tenant.call(AttemptId(2)).await.expect("read");
        assert_eq!((lost.ended_at, lost.ended_by.as_str(), lost.abandoned), (Some(NOON.plus_ms(5)), "crash", true));

        let mut tx = bench.store.db().begin().await.expect("begins");
        write_calls(&mut tx, &[CallRow { state: "ended".into(), ended_at: Some(NOON.plus_ms(9)), ended_by: "us".into(), ..bridged }]).await.expect("written");
        tx.commit().await.expect("stands");
        let past = tenant.past_calls(CampaignId(7), Instant(0), 10).await.expect("read");
        assert_eq!(past, [PastCall { dialled_at: NOON, information_at: None, bridged_at: Some(NOON), ended_at: NOON.plus_ms(9) }], "nothing is learned from a crash");
        assert_eq!(tenant.past_calls(CampaignId(7), NOON, 10).await.expect("read"), [], "nor from before");
        assert!(bench.tenant("south").await.live_calls(CampaignId(7), 10).await.expect("read").is_empty(), "another tenant sees none");

        // A node that was held for dead lives: what it writes of a call counts once the crash is taken back.
        let mut tx = bench.store.db().begin().await.expect("begins");
        let ended = CallRow { state: "ended".into(), ended_at: Some(NOON.plus_ms(7)), ended_by: "network".into(), ..second };
        write_calls(&mut tx, std::slice::from_ref(&ended)).await.expect("written");
        assert_eq!(calls_by_id(&mut tx, &[AttemptId(2)]).await.expect("read"), [lost], "not yet");
        revive_calls(&mut tx, &[AttemptId(1), AttemptId(2)]).await.expect("revived");
        write_calls(&mut tx, std::slice::from_ref(&ended)).await.expect("written");
        assert_eq!(calls_by_id(&mut tx, &[AttemptId(2)]).await.expect("read"), [ended]);
        tx.commit().await.expect("stands");
    })
    .await;
}

#[tokio::test]
async fn marks_add_up_across_campaigns_and_days_are_counted_apart() {
    for_each_store("marks", |bench| async move {
        let tenant = bench.tenant("north").await;
        let index = tenant.number_index("+447700900123");
        let mut tx = bench.store.db().begin().await.expect("begins");
        tenant.mark_number(&mut tx, &index, CallMark { abandoned_at: Some(NOON), machine_at: None }).await.expect("marked");
        tenant.mark_number(&mut tx, &index, CallMark { abandoned_at: None, machine_at: Some(NOON.plus_ms(HOUR_MS)) }).await.expect("marked");
        let marks = tenant.call_marks(&mut tx, &[index, [9; 16]]).await.expect("read");
        assert_eq!(marks, [CallMark { abandoned_at: Some(NOON), machine_at: Some(NOON.plus_ms(HOUR_MS)) }, CallMark::default()]);

        let today = AbandonmentDay { day: "2026-11-24".into(), abandoned: 1, passed: 2, machine_ended: 0, answered: 3, silent: 0, latched_at: None };
        add_abandonment(&mut tx, tenant.id(), CampaignId(7), &today).await.expect("added");
        add_abandonment(&mut tx, tenant.id(), CampaignId(7), &today).await.expect("added");
        add_abandonment(&mut tx, tenant.id(), CampaignId(7), &AbandonmentDay { day: "2026-11-23".into(), ..today.clone() }).await.expect("added");
        latch_day(&mut tx, tenant.id(), CampaignId(7), "2026-11-24", NOON).await.expect("latched");
        latch_day(&mut tx, tenant.id(), CampaignId(7), "2026-11-24", NOON.plus_ms(5)).await.expect("latched already");
        add_abandonment(&mut tx, tenant.id(), CampaignId(7), &AbandonmentDay { abandoned: 0, passed: 0, answered: 0, ..today.clone() }).await.expect("added");
        latch_day(&mut tx, tenant.id(), CampaignId(8), "2026-11-24", NOON).await.expect("a day of which nothing is counted yet");
        tx.commit().await.expect("stands");
        let days = bench.store.abandonment_days(CampaignId(7), "2026-11-24").await.expect("read");
        assert_eq!(days, [AbandonmentDay { abandoned: 2, passed: 4, answered: 6, silent: 0, latched_at: Some(NOON), ..today }]);
    })
    .await;
}
