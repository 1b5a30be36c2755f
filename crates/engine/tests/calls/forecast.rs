//! A dry run of calls speaks of calls: who may be called and by which rule not, how fast it goes by agents and times, what it costs.

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::pacing::Bottleneck;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::id::{AttemptId, ContactId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::time::{HOUR_MS, SECOND_MS};
use clarion_engine::campaigns::dry_run;
use clarion_store::Tenant;
use clarion_store::attempts::{CallRow, write_calls};
use clarion_store::campaigns::DryRunResult;
use clarion_store::carriers::{NewRoute, NewTransferTarget, NewTrunk};
use clarion_store::compliance::{CallMark, Week};

use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::{CALLER_ID, draft};

/// Sixty ten-thousandths of a pound for half a minute, a minute at least.
const SIP: &str = r#"{"kind":"sip","hosts":["192.0.2.1:5060"],"calls_at_once":40,"price_per_minute":120,"connection_fee":50,"billing_increment":"60/60"}"#;

async fn office(tenant: &Tenant) {
    let settings: TrunkSettings = serde_json::from_str(SIP).expect("settings");
    let trunk = NewTrunk { name: "Voice".into(), settings, secret: Personal::default(), rate_per_second: 20, cost_per_segment: 0, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&trunk, false, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    tenant.add_sender(CALLER_ID, false, "a number reserved for drama", NOON).await.expect("a caller ID");
    tenant.attest_sender(CALLER_ID, true, "", NOON).await.expect("confirmed");
    let target = NewTransferTarget { group: "agents".into(), name: "Floor".into(), address: "sip:agents@192.0.2.1".into(), line: SipLine::default(), hours: Week::default(), capacity: 3, priority: 1, enabled: true };
    tenant.add_transfer_target(&target, NOON).await.expect("a target");
}

/// Sixty calls an hour ago: half were answered after 5 s and lasted 25 s more, half rang for 20 s.
async fn history(bench: &Bench, tenant: &Tenant) {
    let dialled_at = NOON.plus_ms(-HOUR_MS);
    let call = |n: i64| CallRow {
        attempt: AttemptId(bench.store.next_id(dialled_at)),
        tenant: tenant.id(),
        campaign: clarion_domain::id::CampaignId(7),
        position: 0,
        contact: ContactId(n + 1),
        node: bench.store.node(),
        trunk: TrunkId(1),
        target: None,
        state: "ended".into(),
        state_at: dialled_at,
        step: String::new(),
        dialled_at,
        ringing_at: Some(dialled_at),
        answered_at: (n % 2 == 0).then(|| dialled_at.plus_ms(5 * SECOND_MS)),
        speech_at: None,
        message_at: None,
        information_at: None,
        bridged_at: None,
        ended_at: Some(dialled_at.plus_ms(if n % 2 == 0 { 30 } else { 20 } * SECOND_MS)),
        ended_by: "us".into(),
        verdict: String::new(),
        features: String::new(),
        abandoned: false,
        fell_back: false,
        silent: false,
        agent_silent: false,
    };
    let mut tx = bench.store.db().begin().await.expect("begins");
    write_calls(&mut tx, &(0..60).map(call).collect::<Vec<_>>()).await.expect("written");
    tx.commit().await.expect("stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_calls_speaks_of_calls() {
    for_each_store("forecast", |bench| async move {
        let tenant = bench.tenant("north").await;
        office(&tenant).await;
        let (list, people) = list_of(&tenant, "everybody", 6).await;
        let run = async |pace: PacingMode| -> DryRunResult {
            let id = tenant.create_campaign(&draft(list, pace), NOON).await.expect("a draft");
            dry_run(&tenant, id, NOON).await.expect("runs")
        };
        let told = run(PacingMode::Progressive).await;
        assert_eq!((told.eligible, told.deferred, told.refused, told.messages, told.segments, told.unrouted), (6, 0, 0, 0, 0, 0));
        let calls = told.calls.as_ref().expect("calls");
        assert_eq!((calls.calls, calls.agents, calls.learned_from, calls.answered_percent), (6, 3, 0, 30), "assumed");
        // 30 % of 70 s and 70 % of 15 s are 31.5 s a call; three agents.
        assert_eq!((calls.calls_an_hour, told.bottleneck), (342, Some(Bottleneck::Agents)));
        assert_eq!((told.starts_at_ms, told.sending_ms), (Some(NOON.ms()), 6 * 1_000_000 / 95 + 1));
        assert_eq!((told.costs[0].currency.as_str(), told.costs[0].amount), ("GBP", 6 * 170 * 30 / 100));

        history(&bench, &tenant).await;
        let learned = run(PacingMode::Progressive).await;
        let calls = learned.calls.as_ref().expect("calls");
        assert_eq!((calls.learned_from, calls.answered_percent, calls.ring_answered_ms, calls.ring_unanswered_ms, calls.talk_ms), (60, 50, 5_000, 20_000, 25_000));
        assert_eq!(calls.calls_an_hour, 432, "25 s a call");

        // An abandoned call keeps its person out of a campaign that promises no agent (UK-8).
        let mut tx = bench.store.db().begin().await.expect("begins");
        tenant.mark_address(&mut tx, people[0].1, CallMark { abandoned_at: Some(NOON.plus_ms(-HOUR_MS)), machine_at: None }).await.expect("marked");
        tx.commit().await.expect("stands");
        let told = run(PacingMode::Agentless).await;
        assert_eq!((told.eligible, told.deferred), (5, 1));
        assert_eq!(told.deferred_by.iter().map(|group| (group.reason.rule.as_str(), group.people)).collect::<Vec<_>>(), [("UK-8", 1)]);
    })
    .await;
}
