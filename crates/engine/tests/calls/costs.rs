//! What calls cost: both legs by the time for which each was answered, rounded up as the carrier does, nothing for a call that nobody took.

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_store::carriers::{NewRoute, NewTransferTarget, NewTrunk};
use clarion_store::compliance::Week;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{CALLER_ID, clock, counts, dial, draft, until};

/// The agents' number, which is reached over the trunk like everybody's.
const FLOOR: &str = "+442079460111";
/// A leg of less than a minute.
const LEG: i64 = 600 + 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_legs_of_a_call_cost_what_their_trunk_takes() {
    for_each_store("dialled_costs", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.agents = FLOOR.into();
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        let settings = format!(r#"{{"kind":"sip","hosts":["{}"],"asserted_identity":true,"calls_at_once":4,"price_per_minute":600,"connection_fee":50,"billing_increment":"60/60"}}"#, carrier.address());
        let settings: TrunkSettings = serde_json::from_str(&settings).expect("settings");
        let trunk = NewTrunk { name: "Voice".into(), settings, secret: Personal::default(), rate_per_second: 20, cost_per_segment: 0, currency: "GBP".into() };
        let trunk = tenant.add_trunk(&trunk, false, NOON).await.expect("a trunk");
        tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
        tenant.add_sender(CALLER_ID, false, "a number reserved for drama", NOON).await.expect("a caller ID");
        tenant.attest_sender(CALLER_ID, true, "", NOON).await.expect("confirmed");
        let target = NewTransferTarget { group: "agents".into(), name: "Floor".into(), address: FLOOR.into(), line: SipLine::default(), hours: Week::default(), capacity: 3, priority: 1, enabled: true };
        tenant.add_transfer_target(&target, NOON).await.expect("a target");
        let (list, _) = list_of(&tenant, "everybody", 5).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft(list, PacingMode::Progressive), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let mut most = 0;
        until(&bench, &tenant, id, async |record| {
            most = most.max(tenant.live_calls(id, 10).await.expect("read").len());
            record.state == CampaignState::Finished
        })
        .await;
        assert_eq!(most, 2, "each of them may need a second place of the trunk's four");
        stop.send_replace(true);
        dialler.await.expect("ends");

        let tally = carrier.tally();
        assert_eq!((tally.shown(), tally.asserted()), (vec![CALLER_ID], vec![CALLER_ID]), "to people and, where the trunk wants it, to the carrier");
        assert_eq!(tally.of_agents(), (vec![CALLER_ID], vec![CALLER_ID]), "and an agent's leg over the same trunk is no other call");
        counts(&tenant, id).await;
        let measures = tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("read");
        let cost = |word: Disposition| measures.iter().filter(|row| row.disposition == word).map(|row| row.cost).sum::<i64>();
        let of = |fate: CallFate| tally.of(fate) as i64;
        assert!(of(CallFate::PutThrough) > 0 && of(CallFate::Busy) > 0, "{measures:?}");
        assert_eq!(cost(Disposition::PutThrough), of(CallFate::PutThrough) * 2 * LEG, "the person's leg and the agent's: {measures:?}");
        assert_eq!(cost(Disposition::AnsweredPerson), (of(CallFate::Listens) + of(CallFate::Machine)) * LEG);
        assert_eq!(cost(Disposition::OptedOut), of(CallFate::OptsOut) * LEG);
        assert_eq!(cost(Disposition::Busy), 0);
    })
    .await;
}
